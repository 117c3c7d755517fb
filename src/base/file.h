/* file.h: whole small files, read within a bound and written so that a crash leaves the old or the new one, never half.
 *
 * A name is relative to a directory and may not leave it (base/path.h). A crash may also leave a `.new-<16 hex>` beside
 * the file; who owns the directory removes those at start. */
#pragma once
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"

/* Replaces `name` in the directory: writes beside it, fsync, rename, fsync of the directory. When it returns ERR_OK the
 * new content survives power loss. On error nothing is left beside the file, which is as it was; only if the very last
 * step failed ("cannot make … durable in its directory") it holds the new content, and power loss may undo that. */
MUST_USE int file_replace(int dir_fd, const char *name, mode_t mode, struct slice content, struct why *reterr_why);

/* As file_replace(), but refuses with ERR_CONFLICT if `name` exists. */
MUST_USE int file_create(int dir_fd, const char *name, mode_t mode, struct slice content, struct why *reterr_why);

/* Appends the content of `name` beneath the directory. ERR_LIMIT if `into` cannot hold it; on error it holds what it
 * held before. */
MUST_USE int file_read(int dir_fd, const char *name, struct buf *into, struct why *reterr_why);

/* The same for a path that a person gave; the sentence names it. */
MUST_USE int file_read_given(const char *path, struct buf *into, struct why *reterr_why);

/* Reads a file that holds a secret straight into one; one final newline is dropped. ERR_DENIED if other users may read
 * or write the file, ERR_LIMIT from SECRET_LARGE_BYTES on, ERR_INVALID if it is empty. */
MUST_USE int file_read_secret(const char *path, struct secret **ret_secret, struct why *reterr_why);

/* Removes `name` and makes that durable. ERR_NOTFOUND if it is not there. */
MUST_USE int file_remove(int dir_fd, const char *name, struct why *reterr_why);
