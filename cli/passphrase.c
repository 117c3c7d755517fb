#include "cli/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/path.h"

enum { ENDING_SIGNALS = 4 };
static const int ending[ENDING_SIGNALS] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
static volatile sig_atomic_t caught;

static void catch (int signal_number)
{
	caught = signal_number;
}

/* Waits until there is something to read. The signals that end us come through only here, so that none can slip in
 * between looking for it and waiting. */
static int wait_for_input(int fd, const sigset_t *unblocked, struct why *reterr_why)
{
	struct pollfd input = {.fd = fd, .events = POLLIN};
	int ready = caught ? 0 : ppoll(&input, 1, NULL, unblocked);

	ENSURE(!caught, ERR_UNAVAILABLE, reterr_why, "interrupted");
	ENSURE_SYS(ready >= 0 || errno == EINTR, reterr_why, "cannot wait for the terminal");
	return ERR_OK;
}

/* Reads a line into the secret, byte by byte, so that no buffer but the secret ever holds it. */
static int read_line(int fd, const sigset_t *unblocked, struct secret *line, struct why *reterr_why)
{
	size_t len = 0;

	for (;;) {
		uint8_t *at = secret_bytes(line) + len;
		ssize_t got;

		TRY(wait_for_input(fd, unblocked, reterr_why));
		got = read(fd, at, 1);
		ENSURE_SYS(got >= 0, reterr_why, "cannot read from the terminal");
		if (got == 0 || *at == '\n')
			break;
		len++;
		ENSURE(len < secret_len(line), ERR_LIMIT, reterr_why, "the passphrase is over %zu bytes long",
		       secret_len(line) - 1);
	}
	ENSURE(len > 0, ERR_INVALID, reterr_why, "an empty passphrase protects nothing; type one");
	secret_shrink(line, len);
	return ERR_OK;
}

/* With echo off, which the caller turns on again. */
static int ask_hidden(int fd, const char *prompt, struct termios hidden, const sigset_t *unblocked, struct secret *line,
                      struct why *reterr_why)
{
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	ENSURE_SYS(tcsetattr(fd, TCSAFLUSH, &hidden) == 0, reterr_why, "cannot hide what is typed");
	TRY(fd_write_all(fd, slice_str(prompt), reterr_why));
	return read_line(fd, unblocked, line, reterr_why);
}

/* A signal that would end the program first puts the terminal back as it was. */
static int ask(int fd, const char *prompt, struct secret **ret_line, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *line = NULL;
	struct sigaction action = {.sa_handler = catch}, before[ENDING_SIGNALS];
	sigset_t signals, unblocked;
	struct termios shown;
	int err;

	TRY(secret_new(SECRET_LARGE_BYTES, &line, reterr_why));
	ENSURE_SYS(tcgetattr(fd, &shown) == 0, reterr_why, "cannot ask how the terminal is set");
	caught = 0;
	sigemptyset(&signals);
	for (int i = 0; i < ENDING_SIGNALS; i++) {
		sigaddset(&signals, ending[i]);
		sigaction(ending[i], &action, &before[i]);
	}
	sigprocmask(SIG_BLOCK, &signals, &unblocked);
	err = ask_hidden(fd, prompt, shown, &unblocked, line, reterr_why);
	tcsetattr(fd, TCSAFLUSH, &shown);
	for (int i = 0; i < ENDING_SIGNALS; i++)
		sigaction(ending[i], &before[i], NULL);
	sigprocmask(SIG_SETMASK, &unblocked, NULL);
	if (caught)
		raise(caught);
	TRY(err);
	TRY(fd_write_all(fd, slice_str("\n"), reterr_why)); /* the line's end was not shown either */
	*ret_line = take_ptr(line);
	return ERR_OK;
}

static int ask_on_terminal(bool is_new, struct secret **ret_passphrase, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *first = NULL;
	CLEANUP(secret_freep) struct secret *second = NULL;
	CLEANUP(fd_closep) int fd = -1;

	ENSURE(path_open_given("/dev/tty", O_RDWR, 0, &fd, NULL) == ERR_OK, ERR_UNAVAILABLE, reterr_why,
	       "there is no terminal to ask for the passphrase; give --passphrase-file FILE");
	TRY(ask(fd, is_new ? "New passphrase: " : "Passphrase: ", &first, reterr_why));
	if (is_new) {
		TRY(ask(fd, "The same once more: ", &second, reterr_why));
		ENSURE(secret_equal(first, second), ERR_INVALID, reterr_why,
		       "the two passphrases differ; nothing was done, try again");
	}
	*ret_passphrase = take_ptr(first);
	return ERR_OK;
}

int passphrase_read(const char *file, bool is_new, struct secret **ret_passphrase, struct why *reterr_why)
{
	if (file)
		return file_read_secret(file, ret_passphrase, reterr_why);
	return ask_on_terminal(is_new, ret_passphrase, reterr_why);
}
