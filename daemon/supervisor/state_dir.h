/* state_dir.h: the state directory: one supervisor at a time, and one directory for each role that keeps something. */
#pragma once
#include <sys/types.h>

#include "base/err.h"

struct state_dir {
	int fd;
	int lock_fd;
};

/* Opens or makes the directory and takes its lock (run/lock), which holds until the process ends. ERR_CONFLICT, naming
 * the process, if another one has it. */
MUST_USE int state_dir_open(const char *path, struct state_dir *ret_state, struct why *reterr_why);
void state_dir_close(struct state_dir *state);

/* Opens or makes a role's directory, mode 0700, owned by uid and gid. ERR_CONFLICT if it belongs to someone else, with
 * what to do; one that is empty and ours is given away. */
MUST_USE int state_dir_role(const struct state_dir *state, const char *name, uid_t uid, gid_t gid, int *ret_fd,
                            struct why *reterr_why);
