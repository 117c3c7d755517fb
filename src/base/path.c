#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/random.h"

/* openat2(2) as every path of ours needs it, and `resolve` on top. */
static int open_resolved(int dir_fd, const char *relative, int flags, mode_t mode, uint64_t resolve, int *ret_fd,
                         struct why *reterr_why)
{
	struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY),
		.mode = flags & (O_CREAT | __O_TMPFILE) ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | resolve,
	};
	int tries = 0;
	long fd;

	do /* EAGAIN: something was renamed while the kernel walked the path */
		fd = syscall(SYS_openat2, dir_fd, relative, &how, sizeof how);
	while (fd < 0 && (errno == EINTR || errno == EAGAIN) && ++tries < PATH_OPEN_TRIES);
	ENSURE(fd >= 0 || errno != EXDEV || !(resolve & RESOLVE_NO_XDEV), ERR_CONFLICT, reterr_why,
	       "%s is a mount; unmount it before this directory is removed", relative);
	ENSURE(fd >= 0 || (errno != EXDEV && errno != ELOOP), ERR_INVALID, reterr_why,
	       "%s leaves its directory or is a link, which is not followed here", relative);
	ENSURE_SYS(fd >= 0, reterr_why, "cannot open %s", relative);
	*ret_fd = (int)fd;
	return ERR_OK;
}

int path_open_beneath(int dir_fd, const char *relative, int flags, mode_t mode, int *ret_fd, struct why *reterr_why)
{
	return open_resolved(dir_fd, relative, flags, mode, 0, ret_fd, reterr_why);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

int path_open_parent(int dir_fd, const char *relative, int *ret_fd, const char **ret_name, struct why *reterr_why)
{
	const char *slash = strrchr(relative, '/');
	const char *name = slash ? slash + 1 : relative;
	char parent[PATH_BYTES_MAX] = ".";
	size_t len = (size_t)(name - relative);

	ENSURE(*name && !is_dots(name), ERR_INVALID, reterr_why, "\"%s\" does not end in the name of an entry",
	       relative);
	ENSURE(len < sizeof parent, ERR_LIMIT, reterr_why, "a path of over %zu bytes", sizeof parent - 1);
	if (slash) { /* with its slash, so that "/name" stays absolute and is refused */
		memcpy(parent, relative, len);
		parent[len] = 0;
	}
	TRY(path_open_beneath(dir_fd, parent, O_RDONLY | O_DIRECTORY, 0, ret_fd, reterr_why));
	*ret_name = name;
	return ERR_OK;
}

int path_open_given(const char *path, int flags, mode_t mode, int *ret_fd, struct why *reterr_why)
{
	int fd;

	do
		fd = open(path, flags | O_CLOEXEC | O_NOCTTY, mode);
	while (fd < 0 && errno == EINTR);
	ENSURE_SYS(fd >= 0, reterr_why, "cannot open %s", path);
	*ret_fd = fd;
	return ERR_OK;
}

int path_mkdir_beneath(int dir_fd, const char *relative, mode_t mode, int *ret_fd, struct why *reterr_why)
{
	CLEANUP(fd_closep) int parent = -1, fd = -1;
	const char *name;
	struct stat st;

	TRY(path_open_parent(dir_fd, relative, &parent, &name, reterr_why));
	ENSURE_SYS(mkdirat(parent, name, mode) == 0 || errno == EEXIST, reterr_why, "cannot make the directory %s",
	           relative);
	TRY(path_open_beneath(parent, name, O_RDONLY | O_DIRECTORY, 0, &fd, reterr_why));
	ENSURE_SYS(fstat(fd, &st) == 0, reterr_why, "cannot stat %s", relative);
	ENSURE(!(st.st_mode & (S_IWGRP | S_IWOTH)), ERR_DENIED, reterr_why,
	       "%s can be written by other users (mode %03o); chmod it to %03o", relative, st.st_mode & 0777u,
	       mode & 0777u);
	ENSURE_SYS(fsync(parent) == 0, reterr_why, "cannot make the directory %s durable", relative);
	*ret_fd = take_fd(fd);
	return ERR_OK;
}

/* Makes the entry of `path`, just created, durable in the directory it lies in. */
static int sync_parent(const char *path, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;
	const char *slash = strrchr(path, '/');
	char parent[PATH_BYTES_MAX] = ".";

	if (slash)
		snprintf(parent, sizeof parent, "%.*s", slash == path ? 1 : (int)(slash - path), path);
	TRY(path_open_given(parent, O_RDONLY | O_DIRECTORY, 0, &fd, reterr_why));
	ENSURE_SYS(fsync(fd) == 0, reterr_why, "cannot make the directory %s durable", path);
	return ERR_OK;
}

static int make_one(const char *path, mode_t mode, struct why *reterr_why)
{
	if (mkdir(path, mode) == 0)
		return sync_parent(path, reterr_why);
	ENSURE_SYS(errno == EEXIST, reterr_why, "cannot make the directory %s", path);
	return ERR_OK;
}

int path_open_or_mkdir(int dir_fd, const char *relative, mode_t mode, int *ret_fd, struct why *reterr_why)
{
	int err = path_open_beneath(dir_fd, relative, O_RDONLY | O_DIRECTORY, 0, ret_fd, reterr_why);

	return err == ERR_NOTFOUND ? path_mkdir_beneath(dir_fd, relative, mode, ret_fd, reterr_why) : err;
}

int path_mkdir_given(const char *path, mode_t mode, int *ret_fd, struct why *reterr_why)
{
	char part[PATH_BYTES_MAX];
	size_t len = strlen(path);

	ENSURE(len > 0, ERR_INVALID, reterr_why, "the path of a directory is empty");
	ENSURE(len < sizeof part, ERR_LIMIT, reterr_why, "a path of %zu bytes; at most %zu are accepted", len,
	       sizeof part - 1);
	while (len > 1 && path[len - 1] == '/') /* or the last component would not be the one that gets `mode` */
		len--;
	memcpy(part, path, len);
	part[len] = 0;
	for (size_t i = 1; i < len; i++) {
		if (part[i] != '/')
			continue;
		part[i] = 0;
		TRY(make_one(part, 0755, reterr_why));
		part[i] = '/';
	}
	TRY(make_one(part, mode, reterr_why));
	return path_open_given(part, O_RDONLY | O_DIRECTORY, 0, ret_fd, reterr_why);
}

typedef int entry_visit(int dir_fd, const char *name, int top_fd, struct why *reterr_why);

/* Visits each entry of the directory once; *ret_count is how many there were. */
static int visit_entries(int dir_fd, entry_visit *visit, int top_fd, size_t *ret_count, struct why *reterr_why)
{
	int copy, err = ERR_OK;
	struct dirent *entry;
	size_t count = 0;
	DIR *dir;

	TRY(path_open_beneath(dir_fd, ".", O_RDONLY | O_DIRECTORY, 0, &copy, reterr_why));
	dir = fdopendir(copy);
	if (!dir) {
		err = why_errno(reterr_why, errno, "cannot list a directory");
		close(copy);
		return err;
	}
	while (errno = 0, err == ERR_OK && (entry = readdir(dir))) {
		if (is_dots(entry->d_name))
			continue;
		err = visit(dir_fd, entry->d_name, top_fd, reterr_why);
		count++;
	}
	if (err == ERR_OK && errno != 0)
		err = why_errno(reterr_why, errno, "cannot list a directory");
	closedir(dir);
	*ret_count = count;
	return err;
}

/* Opens a directory that is to be emptied. Whoever filled it may have taken its owner's rights away; a failed chmod
 * shows by what it was needed for. */
static int open_doomed(int dir_fd, const char *name, int *ret_fd, struct why *reterr_why)
{
	CLEANUP(fd_closep) int found = -1;
	char self[64];

	TRY(open_resolved(dir_fd, name, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_XDEV, &found, reterr_why));
	snprintf(self, sizeof self, "/proc/self/fd/%d", found);
	(void)!chmod(self, 0700);
	return path_open_beneath(found, ".", O_RDONLY | O_DIRECTORY, 0, ret_fd, reterr_why);
}

/* Removes an entry two levels down, or, if it is a directory, moves it up beside the one it was in. */
static int remove_or_raise(int dir_fd, const char *name, int top_fd, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;
	char raised[32];
	uint64_t number;

	if (unlinkat(dir_fd, name, 0) == 0)
		return ERR_OK;
	ENSURE_SYS(errno == EISDIR, reterr_why, "cannot remove %s", name);
	TRY(open_doomed(dir_fd, name, &fd, reterr_why));
	TRY(random_fill(&number, sizeof number, reterr_why));
	snprintf(raised, sizeof raised, ".gone-%016llx", (unsigned long long)number);
	ENSURE_SYS(renameat(dir_fd, name, top_fd, raised) == 0, reterr_why, "cannot remove the directory %s", name);
	return ERR_OK;
}

static int remove_entry(int dir_fd, const char *name, int top_fd, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;
	size_t found = 1;

	if (unlinkat(dir_fd, name, 0) == 0)
		return ERR_OK;
	ENSURE_SYS(errno == EISDIR, reterr_why, "cannot remove %s", name);
	TRY(open_doomed(dir_fd, name, &fd, reterr_why));
	while (found)
		TRY(visit_entries(fd, remove_or_raise, top_fd, &found, reterr_why));
	ENSURE_SYS(unlinkat(dir_fd, name, AT_REMOVEDIR) == 0, reterr_why, "cannot remove the directory %s", name);
	return ERR_OK;
}

/* Depth is the enemy's choice, so nothing here recurses: each pass raises what lies two levels down by one. */
int path_empty_dir(int dir_fd, struct why *reterr_why)
{
	size_t found = 1;

	while (found)
		TRY(visit_entries(dir_fd, remove_entry, dir_fd, &found, reterr_why));
	return ERR_OK;
}
