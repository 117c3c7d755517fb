/* path.h: opening files, the only place that does.
 *
 * Inside our own directories nothing may lead out: openat2(2) with RESOLVE_BENEATH and without links of any kind. A
 * path that a person gave on a command line or in the configuration is opened as that person would expect, links
 * included. */
#pragma once
#include <sys/types.h>

#include "base/err.h"

/* Opens `relative` beneath the directory `dir_fd`; O_CLOEXEC and O_NOCTTY are added. ERR_INVALID if it leaves the
 * directory or meets a link, ERR_NOTFOUND, ERR_CONFLICT (O_EXCL; not a directory), ERR_DENIED, ERR_LIMIT (a name too
 * long), ERR_UNAVAILABLE; the sentence names the path. */
MUST_USE int path_open_beneath(int dir_fd, const char *relative, int flags, mode_t mode, int *ret_fd,
                               struct why *reterr_why);

/* Opens the directory that `relative` lies in, for the calls that know no RESOLVE_BENEATH: mkdirat, renameat2,
 * unlinkat. *ret_name is the last component, borrowed from `relative`, and then names nothing but an entry of that
 * directory. ERR_INVALID also if the last component is empty, "." or "..". */
MUST_USE int path_open_parent(int dir_fd, const char *relative, int *ret_fd, const char **ret_name,
                              struct why *reterr_why);

/* Opens a path that a person gave, relative to the working directory; O_CLOEXEC and O_NOCTTY are added. Errors as
 * above. */
MUST_USE int path_open_given(const char *path, int flags, mode_t mode, int *ret_fd, struct why *reterr_why);

/* Makes the directory beneath `dir_fd` if it is not there, durably, and opens it. Its parent must exist. A directory
 * that is there must not be writable by others: ERR_DENIED. */
MUST_USE int path_mkdir_beneath(int dir_fd, const char *relative, mode_t mode, int *ret_fd, struct why *reterr_why);

/* The same, faster where the directory is there already: it is then opened as it is. */
MUST_USE int path_open_or_mkdir(int dir_fd, const char *relative, mode_t mode, int *ret_fd, struct why *reterr_why);

/* As `mkdir -p`, for a path that a person gave; opens it. Those it makes are durable; the last has `mode`, those above
 * it 0755. */
MUST_USE int path_mkdir_given(const char *path, mode_t mode, int *ret_fd, struct why *reterr_why);

/* Removes everything beneath the directory, however deep, with a handful of descriptors. Follows no link and enters no
 * mount, not even a bind mount of the same file system: ERR_CONFLICT, and what the mount shows is untouched. */
MUST_USE int path_empty_dir(int dir_fd, struct why *reterr_why);
