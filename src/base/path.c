#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"

int path_open_beneath(int dir_fd, const char *relative, int flags, mode_t mode, int *ret_fd, struct why *reterr_why)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC),
		.mode = flags & (O_CREAT | __O_TMPFILE) ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	do /* EAGAIN: something was renamed while the kernel walked the path */
		fd = syscall(SYS_openat2, dir_fd, relative, &how, sizeof how);
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	ENSURE(fd >= 0 || (errno != EXDEV && errno != ELOOP), ERR_INVALID, reterr_why,
	       "%s leaves its directory or is a link, which is not followed here", relative);
	ENSURE_SYS(fd >= 0, reterr_why, "cannot open %s", relative);
	*ret_fd = (int)fd;
	return ERR_OK;
}

int path_open_given(const char *path, int flags, mode_t mode, int *ret_fd, struct why *reterr_why)
{
	int fd;

	do
		fd = open(path, flags | O_CLOEXEC, mode);
	while (fd < 0 && errno == EINTR);
	ENSURE_SYS(fd >= 0, reterr_why, "cannot open %s", path);
	*ret_fd = fd;
	return ERR_OK;
}

int path_mkdir_beneath(int dir_fd, const char *relative, mode_t mode, int *ret_fd, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;
	struct stat st;

	ENSURE_SYS(mkdirat(dir_fd, relative, mode) == 0 || errno == EEXIST, reterr_why, "cannot make the directory %s",
	           relative);
	TRY(path_open_beneath(dir_fd, relative, O_RDONLY | O_DIRECTORY, 0, &fd, reterr_why));
	ENSURE_SYS(fstat(fd, &st) == 0, reterr_why, "cannot stat %s", relative);
	ENSURE(!(st.st_mode & (S_IWGRP | S_IWOTH)), ERR_DENIED, reterr_why,
	       "%s can be written by other users (mode %03o); chmod it to %03o", relative, st.st_mode & 0777u,
	       mode & 0777u);
	ENSURE_SYS(fsync(dir_fd) == 0, reterr_why, "cannot make the directory %s durable", relative);
	*ret_fd = take_fd(fd);
	return ERR_OK;
}

int path_mkdir_given(const char *path, mode_t mode, int *ret_fd, struct why *reterr_why)
{
	char part[PATH_BYTES_MAX];
	size_t len = strlen(path);

	ENSURE(len > 0 && len < sizeof part, ERR_LIMIT, reterr_why, "a path of %zu bytes; 1 to %zu are accepted", len,
	       sizeof part - 1);
	memcpy(part, path, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if (part[i] != '/' && part[i] != 0)
			continue;
		part[i] = 0;
		ENSURE_SYS(mkdir(part, i < len ? 0755 : mode) == 0 || errno == EEXIST, reterr_why,
		           "cannot make the directory %s", part);
		part[i] = path[i];
	}
	return path_open_given(path, O_RDONLY | O_DIRECTORY, 0, ret_fd, reterr_why);
}

static int remove_entry(int dir_fd, const char *name, struct why *reterr_why);

int path_empty_dir(int dir_fd, struct why *reterr_why)
{
	int copy, err = ERR_OK;
	struct dirent *entry;
	DIR *dir;

	TRY(path_open_beneath(dir_fd, ".", O_RDONLY | O_DIRECTORY, 0, &copy, reterr_why));
	dir = fdopendir(copy);
	if (!dir) {
		err = why_errno(reterr_why, errno, "cannot list a directory");
		close(copy);
		return err;
	}
	while (err == ERR_OK && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			err = remove_entry(dirfd(dir), entry->d_name, reterr_why);
	closedir(dir);
	return err;
}

static int remove_entry(int dir_fd, const char *name, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;
	struct stat outside, inside;

	if (unlinkat(dir_fd, name, 0) == 0)
		return ERR_OK;
	ENSURE_SYS(errno == EISDIR || errno == EPERM, reterr_why, "cannot remove %s", name);
	TRY(path_open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY, 0, &fd, reterr_why));
	ENSURE_SYS(fstat(dir_fd, &outside) == 0 && fstat(fd, &inside) == 0, reterr_why, "cannot stat %s", name);
	ENSURE(outside.st_dev == inside.st_dev, ERR_CONFLICT, reterr_why,
	       "%s is another file system; unmount it before this directory is removed", name);
	TRY(path_empty_dir(fd, reterr_why));
	ENSURE_SYS(unlinkat(dir_fd, name, AT_REMOVEDIR) == 0, reterr_why, "cannot remove the directory %s", name);
	return ERR_OK;
}
