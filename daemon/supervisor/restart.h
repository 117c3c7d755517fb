/* restart.h: when a role that crashed is started again, and when no more. Pure. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

struct restart_history {
	uint64_t crashes[ROLE_CRASHES_MAX]; /* the moments of the latest ones, oldest first */
	size_t count;
};

/* Notes a crash at `now_ms` (time_mono_ms()); *ret_delay_ms is how long to wait before the next start. ERR_UNAVAILABLE
 * when it was the ROLE_CRASHES_MAX-th within ROLE_CRASH_WINDOW_MS: then there must be none. */
MUST_USE int restart_note(struct restart_history *history, uint64_t now_ms, uint64_t *ret_delay_ms,
                          struct why *reterr_why);
