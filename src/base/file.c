#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "base/random.h"

enum { TEMPORARY_NAME_BYTES = 32 };

static int temporary_name(char out[static TEMPORARY_NAME_BYTES], struct why *reterr_why)
{
	uint64_t number;

	TRY(random_fill(&number, sizeof number, reterr_why));
	snprintf(out, TEMPORARY_NAME_BYTES, ".new-%016llx", (unsigned long long)number);
	return ERR_OK;
}

/* Writes and makes durable, under a name that nobody knows yet. */
static int write_beside(int dir_fd, const char *temporary, mode_t mode, struct slice content, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;

	TRY(path_open_beneath(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL, mode, &fd, reterr_why));
	TRY(fd_write_all(fd, content, reterr_why));
	ENSURE_SYS(fsync(fd) == 0, reterr_why, "cannot make it durable");
	return ERR_OK;
}

static int file_put(int dir_fd, const char *name, mode_t mode, struct slice content, unsigned rename_flags,
                    struct why *reterr_why)
{
	CLEANUP(fd_closep) int parent = -1;
	char temporary[TEMPORARY_NAME_BYTES];
	const char *last;
	int err;

	TRY(path_open_parent(dir_fd, name, &parent, &last, reterr_why));
	TRY(temporary_name(temporary, reterr_why));
	err = write_beside(parent, temporary, mode, content, reterr_why);
	if (err == ERR_OK && renameat2(parent, temporary, parent, last, rename_flags) != 0)
		err = why_errno(reterr_why, errno, "cannot rename it into place");
	if (err != ERR_OK) {
		unlinkat(parent, temporary, 0);
		why_prefix(reterr_why, "cannot write %s: ", name);
		return err;
	}
	ENSURE_SYS(fsync(parent) == 0, reterr_why, "cannot make %s durable in its directory", name);
	return ERR_OK;
}

int file_replace(int dir_fd, const char *name, mode_t mode, struct slice content, struct why *reterr_why)
{
	return file_put(dir_fd, name, mode, content, 0, reterr_why);
}

int file_create(int dir_fd, const char *name, mode_t mode, struct slice content, struct why *reterr_why)
{
	return file_put(dir_fd, name, mode, content, RENAME_NOREPLACE, reterr_why);
}

static int read_named(int fd, const char *name, struct buf *into, struct why *reterr_why)
{
	size_t before = buf_len(into);
	int err = fd_read_to_end(fd, into, reterr_why);

	if (err != ERR_OK) {
		buf_truncate(into, before);
		why_prefix(reterr_why, "%s: ", name);
	}
	return err;
}

int file_read(int dir_fd, const char *name, struct buf *into, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;

	TRY(path_open_beneath(dir_fd, name, O_RDONLY, 0, &fd, reterr_why));
	return read_named(fd, name, into, reterr_why);
}

int file_read_given(const char *path, struct buf *into, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;

	TRY(path_open_given(path, O_RDONLY, 0, &fd, reterr_why));
	return read_named(fd, path, into, reterr_why);
}

/* Readable by its owner alone. What root owns in root's own group passes too: under an access list, as systemd sets
 * one on credentials, the group bits show what the list may grant at most. */
static bool is_private(const struct stat *st)
{
	mode_t others = S_IRWXO | (st->st_uid == 0 && st->st_gid == 0 ? S_IWGRP : S_IRWXG);

	return !S_ISREG(st->st_mode) || !(st->st_mode & others);
}

int file_read_secret(const char *path, struct secret **ret_secret, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *s = NULL;
	CLEANUP(fd_closep) int fd = -1;
	struct stat st;
	size_t len;

	TRY(path_open_given(path, O_RDONLY, 0, &fd, reterr_why));
	ENSURE_SYS(fstat(fd, &st) == 0, reterr_why, "cannot stat %s", path);
	ENSURE(is_private(&st), ERR_DENIED, reterr_why,
	       "%s holds a secret and is open to other users (mode %03o); chmod it to 600", path, st.st_mode & 0777u);
	TRY(secret_new(SECRET_LARGE_BYTES, &s, reterr_why));
	TRY(fd_read_full(fd, secret_bytes(s), SECRET_LARGE_BYTES, &len, reterr_why));
	ENSURE(len < SECRET_LARGE_BYTES, ERR_LIMIT, reterr_why, "%s holds more than %d bytes", path,
	       SECRET_LARGE_BYTES - 1);
	if (len && secret_peek(s)[len - 1] == '\n')
		len--;
	ENSURE(len > 0, ERR_INVALID, reterr_why, "%s is empty; it must hold the secret", path);
	secret_shrink(s, len);
	*ret_secret = take_ptr(s);
	return ERR_OK;
}

int file_remove(int dir_fd, const char *name, struct why *reterr_why)
{
	CLEANUP(fd_closep) int parent = -1;
	const char *last;

	TRY(path_open_parent(dir_fd, name, &parent, &last, reterr_why));
	ENSURE_SYS(unlinkat(parent, last, 0) == 0, reterr_why, "cannot remove %s", name);
	ENSURE_SYS(fsync(parent) == 0, reterr_why, "cannot make the removal of %s durable", name);
	return ERR_OK;
}
