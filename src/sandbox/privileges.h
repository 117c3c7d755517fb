/* privileges.h: giving up, for good, what a process started with: user, groups, capabilities, core dumps, being traced.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct sandbox_privileges {
	bool has_user; /* become uid and gid; only root can. Otherwise the process stays who it is */
	uid_t uid;
	gid_t gid;
	unsigned open_files; /* RLIMIT_NOFILE, soft and hard */
};

/* In this order: bounding and ambient capabilities, groups, user, all capabilities, no_new_privs, not dumpable (so not
 * traceable by the same user), no core files, no more locked memory than there is, open files. Then looks whether it is
 * so. One thread only. Memory that is locked stays locked. ERR_UNAVAILABLE or ERR_DENIED if the kernel refuses one of
 * them; the process must then end. Not root: the bounding set stays, which without capabilities and with no_new_privs
 * nothing can draw from. */
MUST_USE int sandbox_privileges_drop(const struct sandbox_privileges *p, struct why *reterr_why);

/* Leaves root only these capabilities (bits 1 << CAP_*), now and for what it starts: for a supervisor that has to
 * change users later. Does nothing for another user. */
MUST_USE int sandbox_capabilities_keep(uint64_t keep, struct why *reterr_why);
