#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/random.h"
#include "base/slice.h"

enum { HIDDEN_NAME_BYTES = 32 };

struct output {
	int dir_fd; /* of the target; -1 where nothing is put in place */
	int fd;
	bool is_stdout, is_hidden, may_replace;
	char hidden[HIDDEN_NAME_BYTES]; /* beside the target, until it has its name */
	char path[];                    /* as it was given */
};

/* --- the stand-in for a file without a name --- */

/* What a signal has to remove: a program writes one such file at a time. */
static volatile sig_atomic_t has_hidden;
static int hidden_dir_fd;
static char hidden_name[HIDDEN_NAME_BYTES];

static void remove_and_end(int signal_number)
{
	if (has_hidden)
		unlinkat(hidden_dir_fd, hidden_name, 0);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static void remove_on_signals(const struct output *o)
{
	static const int ending[] = {SIGHUP, SIGINT, SIGTERM};
	struct sigaction action = {.sa_handler = remove_and_end};

	hidden_dir_fd = o->dir_fd;
	memcpy(hidden_name, o->hidden, sizeof hidden_name);
	has_hidden = 1;
	for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++)
		sigaction(ending[i], &action, NULL);
}

static int choose_hidden(struct output *o, struct why *reterr_why)
{
	uint64_t number;

	TRY(random_fill(&number, sizeof number, reterr_why));
	snprintf(o->hidden, sizeof o->hidden, ".new-%016llx", (unsigned long long)number);
	return ERR_OK;
}

/* --- opening --- */

static const char *last_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int open_directory(struct output *o, struct why *reterr_why)
{
	size_t len = (size_t)(last_of(o->path) - o->path);
	CLEANUP(free_p) char *dir = NULL;

	ENSURE(last_of(o->path)[0], ERR_INVALID, reterr_why, "\"%s\" is no name for a file", o->path);
	if (len == 0)
		return path_open_given(".", O_RDONLY | O_DIRECTORY, 0, &o->dir_fd, reterr_why);
	TRY(slice_dup_str(slice_of(o->path, len), &dir, reterr_why));
	return path_open_given(dir, O_RDONLY | O_DIRECTORY, 0, &o->dir_fd, reterr_why);
}

/* A file of ours that nobody has a name for yet. */
static int open_nameless(struct output *o, mode_t mode, struct why *reterr_why)
{
	struct why ignored;
	int err = path_open_beneath(o->dir_fd, ".", O_TMPFILE | O_WRONLY, mode, &o->fd, &ignored);

	if (err == ERR_OK)
		return ERR_OK;
	TRY(choose_hidden(o, reterr_why));
	err = path_open_beneath(o->dir_fd, o->hidden, O_WRONLY | O_CREAT | O_EXCL, mode, &o->fd, reterr_why);
	if (err != ERR_OK) {
		why_prefix(reterr_why, "cannot write beside %s: ", o->path);
		return err;
	}
	o->is_hidden = true;
	remove_on_signals(o);
	return ERR_OK;
}

static int open_in_place(struct output *o, mode_t mode, struct why *reterr_why)
{
	struct stat st;

	if (stat(o->path, &st) == 0) {
		ENSURE(!S_ISDIR(st.st_mode), ERR_CONFLICT, reterr_why, "%s is a directory; name a file in it", o->path);
		if (!S_ISREG(st.st_mode))
			return path_open_given(o->path, O_WRONLY, 0, &o->fd, reterr_why);
		ENSURE(o->may_replace, ERR_CONFLICT, reterr_why, "%s exists already; --force replaces it", o->path);
	}
	TRY(open_directory(o, reterr_why));
	return open_nameless(o, mode, reterr_why);
}

int output_open(const char *path, bool may_replace, mode_t mode, struct output **ret_output, struct why *reterr_why)
{
	size_t size = strlen(path) + 1;
	CLEANUP(output_freep) struct output *o = calloc(1, sizeof *o + size);

	ENSURE(o, ERR_UNAVAILABLE, reterr_why, "out of memory");
	o->dir_fd = o->fd = -1;
	o->may_replace = may_replace;
	memcpy(o->path, path, size);
	if (strcmp(path, "-") == 0) {
		o->is_stdout = true;
		o->fd = STDOUT_FILENO;
	} else {
		TRY(open_in_place(o, mode, reterr_why));
	}
	*ret_output = take_ptr(o);
	return ERR_OK;
}

int output_fd(const struct output *o)
{
	return o->fd;
}

bool output_is_stdout(const struct output *o)
{
	return o->is_stdout;
}

/* --- putting it in place --- */

/* Gives a nameless file a first name: the target's, or a hidden one that is then renamed over it. */
static int name_it(struct output *o, const char *name, struct why *reterr_why)
{
	char link[32];
	int failed;

	snprintf(link, sizeof link, "/proc/self/fd/%d", o->fd);
	failed = linkat(AT_FDCWD, link, o->dir_fd, name, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
	ENSURE(failed != EEXIST, ERR_CONFLICT, reterr_why, "%s exists already; --force replaces it", o->path);
	return failed ? why_errno(reterr_why, failed, "cannot give %s its name", o->path) : ERR_OK;
}

static int put_in_place(struct output *o, struct why *reterr_why)
{
	const char *name = last_of(o->path);
	unsigned flags = o->may_replace ? 0 : RENAME_NOREPLACE;

	if (!o->is_hidden && !o->may_replace)
		return name_it(o, name, reterr_why);
	if (!o->is_hidden) {
		TRY(choose_hidden(o, reterr_why));
		TRY(name_it(o, o->hidden, reterr_why));
		o->is_hidden = true;
	}
	ENSURE_SYS(renameat2(o->dir_fd, o->hidden, o->dir_fd, name, flags) == 0, reterr_why, "cannot put %s in place",
	           o->path);
	o->is_hidden = false;
	has_hidden = 0;
	return ERR_OK;
}

int output_finish(struct output *o, struct why *reterr_why)
{
	if (o->dir_fd < 0)
		return ERR_OK;
	ENSURE_SYS(fsync(o->fd) == 0, reterr_why, "cannot write %s to its disk", o->path);
	TRY(put_in_place(o, reterr_why));
	ENSURE_SYS(fsync(o->dir_fd) == 0, reterr_why, "cannot make %s durable in its directory", o->path);
	return ERR_OK;
}

void output_free(struct output *o)
{
	if (!o)
		return;
	if (o->is_hidden) {
		unlinkat(o->dir_fd, o->hidden, 0);
		has_hidden = 0;
	}
	if (!o->is_stdout)
		fd_closep(&o->fd);
	fd_closep(&o->dir_fd);
	free(o);
}

void output_freep(struct output **o)
{
	output_free(*o);
	*o = NULL;
}
