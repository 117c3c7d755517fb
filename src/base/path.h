/* path.h: opening files, the only place that does.
 *
 * Inside our own directories nothing may lead out: openat2(2) with RESOLVE_BENEATH and without links of any kind. A
 * path that a person gave on a command line or in the configuration is opened as that person would expect, links
 * included. */
#pragma once
#include <sys/types.h>

#include "base/err.h"

/* Opens `relative` beneath the directory `dir_fd`; O_CLOEXEC is added. ERR_INVALID if it leaves the directory or meets
 * a link, ERR_NOTFOUND, ERR_CONFLICT (O_EXCL), ERR_DENIED, ERR_UNAVAILABLE; the sentence names the path. */
MUST_USE int path_open_beneath(int dir_fd, const char *relative, int flags, mode_t mode, int *ret_fd,
                               struct why *reterr_why);

/* Opens a path that a person gave, relative to the working directory; O_CLOEXEC is added. Errors as above. */
MUST_USE int path_open_given(const char *path, int flags, mode_t mode, int *ret_fd, struct why *reterr_why);

/* Makes the directory beneath `dir_fd` if it is not there, and opens it. A directory that is there must not be writable
 * by others: ERR_DENIED. */
MUST_USE int path_mkdir_beneath(int dir_fd, const char *relative, mode_t mode, int *ret_fd, struct why *reterr_why);

/* As `mkdir -p`, for a path that a person gave; opens it. The last directory made durable in its parent. */
MUST_USE int path_mkdir_given(const char *path, mode_t mode, int *ret_fd, struct why *reterr_why);

/* Removes everything beneath the directory, not following links, not leaving the file system it is on. */
MUST_USE int path_empty_dir(int dir_fd, struct why *reterr_why);
