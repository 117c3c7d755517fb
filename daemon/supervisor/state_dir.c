#include "daemon/supervisor/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"

/* The process id is for the next one's error message; the lock itself is the kernel's and ends with us. */
static int write_pid(int fd, struct why *reterr_why)
{
	char text[32];
	int len = snprintf(text, sizeof text, "%d\n", getpid());

	ENSURE_SYS(ftruncate(fd, 0) == 0, reterr_why, "cannot write the lock file");
	return fd_pwrite_all(fd, slice_of(text, (size_t)len), 0, reterr_why);
}

static int refuse_locked(int fd, const char *path, struct why *reterr_why)
{
	char text[32] = {0};
	size_t len = 0;

	(void)!fd_pread_full(fd, text, sizeof text - 1, 0, &len, NULL);
	text[len && text[len - 1] == '\n' ? len - 1 : len] = 0;
	why_set(reterr_why, "the state directory %s is in use by the cloisterd with process id %s; stop that one first",
	        path, text[0] ? text : "(unknown)");
	return ERR_CONFLICT;
}

static int lock(int dir_fd, const char *path, int *ret_fd, struct why *reterr_why)
{
	CLEANUP(fd_closep) int run = -1;
	CLEANUP(fd_closep) int fd = -1;

	TRY(path_mkdir_beneath(dir_fd, "run", 0700, &run, reterr_why));
	TRY(path_open_beneath(run, "lock", O_RDWR | O_CREAT, 0600, &fd, reterr_why));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		ENSURE_SYS(errno == EWOULDBLOCK, reterr_why, "cannot lock the state directory %s", path);
		return refuse_locked(fd, path, reterr_why);
	}
	TRY(write_pid(fd, reterr_why));
	*ret_fd = take_fd(fd);
	return ERR_OK;
}

int state_dir_open(const char *path, struct state_dir *ret_state, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;
	struct stat st;

	TRY(path_mkdir_given(path, 0700, &fd, reterr_why));
	ENSURE_SYS(fstat(fd, &st) == 0, reterr_why, "cannot stat %s", path);
	ENSURE(st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH)), ERR_DENIED, reterr_why,
	       "the state directory %s must belong to user %u and be writable by nobody else", path, geteuid());
	TRY(lock(fd, path, &ret_state->lock_fd, reterr_why));
	ret_state->fd = take_fd(fd);
	return ERR_OK;
}

void state_dir_close(struct state_dir *state)
{
	fd_closep(&state->lock_fd);
	fd_closep(&state->fd);
}

/* True if the directory is new. An earlier start may have ended between making it and giving it to its role: then it is
 * ours and empty, and is made again. */
static bool make_directory(int state_fd, const char *name, uid_t uid)
{
	struct stat st;

	if (mkdirat(state_fd, name, 0700) == 0)
		return true;
	if (errno != EEXIST || uid == geteuid())
		return false;
	return fstatat(state_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_uid == geteuid() &&
	       unlinkat(state_fd, name, AT_REMOVEDIR) == 0 && mkdirat(state_fd, name, 0700) == 0;
}

int state_dir_role(const struct state_dir *state, const char *name, uid_t uid, gid_t gid, int *ret_fd,
                   struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;
	bool is_new = make_directory(state->fd, name, uid);
	struct stat st;

	TRY(path_open_beneath(state->fd, name, O_RDONLY | O_DIRECTORY, 0, &fd, reterr_why));
	ENSURE_SYS(fstat(fd, &st) == 0, reterr_why, "cannot stat the directory %s", name);
	if (is_new && st.st_uid != uid) {
		ENSURE_SYS(fchown(fd, uid, gid) == 0, reterr_why, "cannot give the directory %s to user %u", name, uid);
		st.st_uid = uid;
	}
	ENSURE(st.st_uid == uid, ERR_CONFLICT, reterr_why,
	       "the directory %s belongs to user %u and not to %u, as whom its role runs; chown it, or start as before",
	       name, st.st_uid, uid);
	ENSURE_SYS(fchmod(fd, 0700) == 0, reterr_why, "cannot close the directory %s to others", name);
	ENSURE_SYS(fsync(state->fd) == 0, reterr_why, "cannot make the directory %s durable", name);
	*ret_fd = take_fd(fd);
	return ERR_OK;
}
