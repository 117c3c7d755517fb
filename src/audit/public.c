#include "audit/public.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"

enum { TEMPORARY_BYTES = TILE_PATH_BYTES + 8 };

/* Makes each folder on the way to the file. */
static int make_folders(int dir_fd, const char *path, struct why *reterr_why)
{
	char part[TILE_PATH_BYTES];

	snprintf(part, sizeof part, "%s", path);
	for (char *slash = strchr(part, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		ENSURE_SYS(mkdirat(dir_fd, part, 0755) == 0 || errno == EEXIST, reterr_why,
		           "cannot make the directory %s", part);
		*slash = '/';
	}
	return ERR_OK;
}

static int write_temporary(int dir_fd, const char *path, const char *temporary, struct slice content,
                           struct why *reterr_why)
{
	int flags = O_WRONLY | O_CREAT | O_TRUNC;
	CLEANUP(fd_closep) int fd = -1;
	int err = path_open_beneath(dir_fd, temporary, flags, 0644, &fd, reterr_why);

	if (err == ERR_NOTFOUND) {
		TRY(make_folders(dir_fd, path, reterr_why));
		err = path_open_beneath(dir_fd, temporary, flags, 0644, &fd, reterr_why);
	}
	TRY(err);
	return fd_write_all(fd, content, reterr_why);
}

int public_write(int dir_fd, const struct tile_path *path, struct slice content, struct why *reterr_why)
{
	char name[TILE_PATH_BYTES], temporary[TEMPORARY_BYTES];

	tile_path_format(path, name);
	snprintf(temporary, sizeof temporary, "%s.new", name);
	TRY(write_temporary(dir_fd, name, temporary, content, reterr_why));
	ENSURE_SYS(renameat(dir_fd, temporary, dir_fd, name) == 0, reterr_why, "cannot rename %s into place",
	           temporary);
	return ERR_OK;
}

int public_read(int dir_fd, const struct tile_path *path, struct buf *into, struct why *reterr_why)
{
	char name[TILE_PATH_BYTES];

	tile_path_format(path, name);
	return file_read(dir_fd, name, into, reterr_why);
}

int public_read_tile(int dir_fd, const struct tile_path *path, struct merkle_hash ret_hashes[static TILE_WIDTH],
                     struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;
	char name[TILE_PATH_BYTES];
	uint8_t extra;
	size_t len, extra_len;
	int err;

	tile_path_format(path, name);
	err = path_open_beneath(dir_fd, name, O_RDONLY, 0, &fd, reterr_why);
	ENSURE(err != ERR_NOTFOUND, ERR_TAMPERED, reterr_why, "%s of the log is missing", name);
	TRY(err);
	TRY(fd_read_full(fd, ret_hashes, path->width * sizeof *ret_hashes, &len, reterr_why));
	TRY(fd_read_full(fd, &extra, 1, &extra_len, reterr_why));
	ENSURE(len == path->width * sizeof *ret_hashes && extra_len == 0, ERR_TAMPERED, reterr_why,
	       "%s of the log does not have %zu bytes", name, path->width * sizeof *ret_hashes);
	return ERR_OK;
}

int public_drop_partials(int dir_fd, const struct tile_path *path, struct why *reterr_why)
{
	struct tile_path full = *path;
	CLEANUP(fd_closep) int fd = -1;
	char name[TEMPORARY_BYTES];
	int err;

	full.width = TILE_WIDTH;
	tile_path_format(&full, name);
	snprintf(name + strlen(name), sizeof name - strlen(name), ".p");
	err = path_open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY, 0, &fd, reterr_why);
	if (err == ERR_NOTFOUND)
		return ERR_OK;
	TRY(err);
	TRY(path_empty_dir(fd, reterr_why));
	ENSURE_SYS(unlinkat(dir_fd, name, AT_REMOVEDIR) == 0, reterr_why, "cannot remove %s", name);
	return ERR_OK;
}
