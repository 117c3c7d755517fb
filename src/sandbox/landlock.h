/* landlock.h: which files a process may still open, and that it may not bind or connect TCP sockets.
 *
 * Landlock (Linux 5.13, landlock(7)) takes away rights that users and modes would give. The kernel's ABI number says
 * what it can take away; ABI 2 is the floor, and the number found is a claim that the role reports. Descriptors that
 * are open already keep working: the usual case is a rule for a directory that was handed over. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Below it a file could be linked or renamed into reach (no LANDLOCK_ACCESS_FS_REFER). Debian 12's kernel has 2. */
#define SANDBOX_LANDLOCK_ABI_MIN 2

enum sandbox_right {
	SANDBOX_READ = 1,    /* open files for reading, list directories */
	SANDBOX_WRITE = 2,   /* write, truncate, make, rename, remove regular files and directories */
	SANDBOX_SOCKETS = 4, /* make Unix sockets, and remove them */
	SANDBOX_DEVICE = 8,  /* ioctl on devices; below ABI 5 nothing takes that away */
};

/* What stays allowed beneath a directory, or for one file. */
struct sandbox_landlock_rule {
	const char *path; /* as the configuration names it; NULL: `fd` counts */
	int fd;
	unsigned rights; /* of enum sandbox_right */
};

/* What an ABI can take away, and so what sandbox_landlock_apply() does take away there. */
struct sandbox_landlock_reach {
	uint64_t files;   /* LANDLOCK_ACCESS_FS_* */
	uint64_t network; /* LANDLOCK_ACCESS_NET_*: TCP bind and connect, from ABI 4 */
	uint64_t scopes;  /* LANDLOCK_SCOPE_*: abstract Unix sockets and signals to outside, from ABI 6 */
};

struct sandbox_landlock_reach sandbox_landlock_reach(int abi);

/* The ABI of the running kernel. ERR_UNAVAILABLE, saying what to do, when it has none. */
MUST_USE int sandbox_landlock_abi(int *ret_abi, struct why *reterr_why);

/* ERR_UNAVAILABLE, saying what to do, below the floor. */
MUST_USE int sandbox_landlock_abi_check(int abi, struct why *reterr_why);

/* Whether TCP connections out stay allowed: for the courier. */
enum sandbox_tcp {
	SANDBOX_TCP_NONE,
	SANDBOX_TCP_CONNECT,
};

/* Restricts the calling thread, and what it starts, to `rules`, for good; no_new_privs must be set. *ret_abi is what
 * the kernel could do. ERR_UNAVAILABLE below the floor; the errors of opening a path. */
MUST_USE int sandbox_landlock_apply(const struct sandbox_landlock_rule *rules, size_t count, enum sandbox_tcp tcp,
                                    int *ret_abi, struct why *reterr_why);
