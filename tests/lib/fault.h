/* fault.h: what happens when the n-th call of a kind fails, for every n.
 *
 * A program that is linked with fault_dep has its own calls (of its objects and of Cloister's libraries, not of shared
 * ones) of malloc, calloc, realloc, free, open, openat, openat2, read, pread, write, pwrite, pwritev, fsync, fdatasync,
 * rename, renameat and renameat2 routed through here, by the linker. A scenario is run with the first call of a kind
 * failing, then the second, and so on until a run in which nothing was left to fail. After every run nothing may have
 * leaked: no memory, no descriptor, no secret; a failed run must have said why; and then the scenario must succeed
 * undisturbed.
 *
 *     static int work(void *context, struct why *reterr_why) { ... }
 *     static void check(void *context, int err) { the old file is there, or the new one }
 *
 *     fault_each(&(struct fault_scenario){.run = work, .check = check, .context = &c}, FAULT_WRITE, ENOSPC);
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum fault_kind {
	FAULT_MEMORY,
	FAULT_OPEN,
	FAULT_READ,
	FAULT_WRITE,
	FAULT_SYNC,
	FAULT_RENAME,
	FAULT_KINDS,
};

struct fault_scenario {
	/* The work. What it makes it must take down again before it returns, but for files. */
	int (*run)(void *context, struct why *reterr_why);
	/* Before each run; may be NULL. Never disturbed. */
	void (*prepare)(void *context);
	/* After each run, with what it returned: asserts what must hold then. May be NULL. Never disturbed. */
	void (*check)(void *context, int err);
	void *context;
};

/* Fails the n-th call of `kind` with `errnum`, for n = 1, 2, …; fails the cmocka test if the scenario breaks a rule
 * above. Returns how many calls failed; assert a number, or a scenario that makes none would pass. EINTR must be
 * absorbed: every run has to succeed. Returns how many calls failed.
 */
size_t fault_each(const struct fault_scenario *scenario, enum fault_kind kind, int errnum);

/* Every read and write moves one byte only; the run must succeed. */
void fault_short_io(const struct fault_scenario *scenario);

/* Ends a forked child with SIGKILL right before, and in a second series right after, its n-th call of any kind but
 * memory; check() is called in the parent with ERR_CLOSED. Returns how often the child was killed. */
size_t fault_kill_each(const struct fault_scenario *scenario);

/* The calls that the scenario makes, memory excepted, one word each: "open write sync rename sync". Valid until the
 * next call. */
const char *fault_trace(const struct fault_scenario *scenario);
