#include "daemon/supervisor/restart.h"

#include <string.h>

int restart_note(struct restart_history *history, uint64_t now_ms, uint64_t *ret_delay_ms, struct why *reterr_why)
{
	size_t old = 0;

	while (old < history->count && now_ms - history->crashes[old] >= ROLE_CRASH_WINDOW_MS)
		old++;
	history->count -= old;
	memmove(history->crashes, history->crashes + old, history->count * sizeof *history->crashes);
	ENSURE(history->count + 1 < ROLE_CRASHES_MAX, ERR_UNAVAILABLE, reterr_why, "ended %d times within %d seconds",
	       ROLE_CRASHES_MAX, ROLE_CRASH_WINDOW_MS / 1000);
	*ret_delay_ms = (uint64_t)ROLE_RESTART_DELAY_MS << history->count;
	history->crashes[history->count++] = now_ms;
	return ERR_OK;
}
