#include "base/log.h"
#include "base/time.h"
#include "daemon/link/control.h"
#include "daemon/supervisor/internal.h"

/* Who takes work in goes first; the ledger, where everyone else's last records go, goes last. Roles that are not named
 * here go before all. */
static const enum role_number order[] = {
	ROLE_FRONT, ROLE_RUNNER, ROLE_COURIER, ROLE_TOKEN, ROLE_VERIFIER, ROLE_KEYS, ROLE_WATCH, ROLE_LEDGER,
};
enum { ORDERED = sizeof order / sizeof *order };

static int rank(const struct child *c)
{
	for (int i = 0; i < ORDERED; i++)
		if (order[i] == c->spec->number)
			return i;
	return -1;
}

static void too_slow(void *arg)
{
	struct child *c = arg;

	LOG(LOG_ERROR, "role.stuck", LOG_STR("role", c->spec->name), LOG_INT("after_ms", ROLE_STOP_DEADLINE_MS));
	process_kill(&c->process);
}

void supervisor_stop_next(struct supervisor *s)
{
	struct child *next = NULL;

	for (size_t i = 0; i < s->child_count; i++) {
		struct child *c = &s->children[i];

		if (c->phase != CHILD_DOWN && (!next || rank(c) < rank(next)))
			next = c;
	}
	if (!next) {
		ipc_loop_stop(s->loop);
		return;
	}
	if (next->phase == CHILD_STARTING) { /* nothing is in flight there */
		process_kill(&next->process);
		return;
	}
	if (next->phase == CHILD_STOPPING) /* another role has ended meanwhile; this one goes on finishing */
		return;
	next->phase = CHILD_STOPPING;
	ipc_timer_set(s->loop, &next->timer, time_mono_ms() + ROLE_STOP_DEADLINE_MS, too_slow, next);
	child_tell(next, CONTROL_STOP, slice_str(""), NULL, 0);
}

void supervisor_stop(struct supervisor *s, int result, const struct why *why)
{
	if (s->is_stopping)
		return;
	s->is_stopping = true;
	s->result = result;
	s->result_why = *why;
	LOG(result == ERR_OK ? LOG_INFO : LOG_ERROR, "cloister.stopping", LOG_STR("why", why->text));
	for (size_t i = 0; i < s->child_count; i++)
		if (s->children[i].phase == CHILD_DOWN)
			ipc_timer_clear(s->loop, &s->children[i].timer); /* no more restarts */
	supervisor_stop_next(s);
}

void supervisor_kill_all(struct supervisor *s)
{
	for (size_t i = 0; i < s->child_count; i++)
		if (s->children[i].phase != CHILD_DOWN)
			process_kill(&s->children[i].process);
}
