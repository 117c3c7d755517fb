/* seccomp.h: the system calls that a process has left: a list of what is allowed; all else kills the process.
 *
 * Names, not numbers, so that a list reads the same on every architecture; a name that the architecture at hand does
 * not have is skipped. The 32-bit and x32 ways into the kernel are closed too. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum sandbox_test {
	SANDBOX_ALWAYS,    /* no condition */
	SANDBOX_IF_INT,    /* the argument, as a 32-bit integer, is `value` */
	SANDBOX_IF_MASKED, /* the argument's bits in `mask` are exactly `value` */
	SANDBOX_REFUSE,    /* not allowed, but not deadly either: fails with errno `value` */
};

struct sandbox_syscall {
	const char *name;
	enum sandbox_test test;
	unsigned arg; /* 0 to 5: which argument is tested */
	uint64_t mask;
	uint64_t value;
};

/* How lists are written: one line per call, several lines for alternatives. */
#define SANDBOX_ALLOW(syscall) {.name = (syscall)}
#define SANDBOX_ALLOW_INT(syscall, which, wanted) \
	{.name = (syscall), .test = SANDBOX_IF_INT, .arg = (which), .value = (uint32_t)(wanted)}
#define SANDBOX_ALLOW_MASKED(syscall, which, bits, wanted) \
	{.name = (syscall), .test = SANDBOX_IF_MASKED, .arg = (which), .mask = (bits), .value = (wanted)}
#define SANDBOX_FAIL(syscall, error) {.name = (syscall), .test = SANDBOX_REFUSE, .value = (error)}

struct sandbox_syscalls {
	const struct sandbox_syscall *list;
	size_t count;
};

/* Restricts every thread of this process to what is in `lists`, for good. no_new_privs must be set. ERR_INTERNAL for a
 * name that no architecture knows (a slip of the pen must not become a hole), ERR_UNAVAILABLE when the kernel refuses.
 */
MUST_USE int sandbox_seccomp_apply(const struct sandbox_syscalls *lists, size_t list_count, struct why *reterr_why);
