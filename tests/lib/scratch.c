#include "lib/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"

static char path[512];

static void die(const char *what)
{
	perror(what);
	_exit(99);
}

int scratch_open(void)
{
	const char *base = getenv("TMPDIR");
	struct why why;
	int fd;

	snprintf(path, sizeof path, "%s/cloister-test-XXXXXX", base && *base ? base : "/tmp");
	if (!mkdtemp(path))
		die(path);
	if (path_open_given(path, O_RDONLY | O_DIRECTORY, 0, &fd, &why) != ERR_OK)
		die(why.text);
	return fd;
}

const char *scratch_path(void)
{
	return path;
}

void scratch_close(int dir_fd)
{
	char self[64], name[512];
	struct why why;
	ssize_t len;

	snprintf(self, sizeof self, "/proc/self/fd/%d", dir_fd);
	len = readlink(self, name, sizeof name - 1);
	if (len < 0)
		die(self);
	name[len] = 0;
	if (path_empty_dir(dir_fd, &why) != ERR_OK)
		die(why.text);
	close(dir_fd);
	if (rmdir(name) != 0)
		die(name);
}

static size_t count_entries(int fd)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	size_t count = 0;

	if (!dir)
		die("fdopendir");
	while ((entry = readdir(dir)))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return count;
}

size_t scratch_count(int dir_fd)
{
	int fd;

	if (path_open_beneath(dir_fd, ".", O_RDONLY | O_DIRECTORY, 0, &fd, NULL) != ERR_OK)
		die("scratch_count");
	return count_entries(fd);
}

size_t scratch_open_fds(void)
{
	int fd;

	if (path_open_given("/proc/self/fd", O_RDONLY | O_DIRECTORY, 0, &fd, NULL) != ERR_OK)
		die("/proc/self/fd");
	return count_entries(fd) - 1; /* not the one that counts */
}

int scratch_child(void (*work)(void *context), void *context)
{
	static const int fatal[] = {SIGSEGV, SIGABRT, SIGBUS, SIGSYS, SIGTERM};
	struct rlimit no_core = {0, 0};
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++)
			signal(fatal[i], SIG_DFL); /* cmocka's and the sanitizer's handlers would speak up */
		setrlimit(RLIMIT_CORE, &no_core);
		work(context);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}
