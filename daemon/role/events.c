#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/time.h"
#include "daemon/role/internal.h"

/* A queue of encoded events: the first `sent` are on their way to watch and not yet acknowledged. */
struct queued_event {
	struct queued_event *next;
	uint64_t seq;
	struct buf *body;
};

struct role_events {
	struct role *role;
	struct queued_event *first, *last;
	size_t count, sent;
	uint64_t last_seq;
	struct ipc_timer retry;
};

int role_events_new(struct role *role, struct why *reterr_why)
{
	role->events = calloc(1, sizeof *role->events);
	ENSURE(role->events, ERR_UNAVAILABLE, reterr_why, "out of memory for the event queue");
	role->events->role = role;
	return ERR_OK;
}

static void drop_first(struct role_events *e)
{
	struct queued_event *q = e->first;

	e->first = q->next;
	if (!e->first)
		e->last = NULL;
	e->count--;
	if (e->sent)
		e->sent--;
	buf_free(q->body);
	free(q);
}

void role_events_free(struct role_events *e)
{
	if (!e)
		return;
	ipc_timer_clear(e->role->loop, &e->retry);
	while (e->first)
		drop_first(e);
	free(e);
}

static void send_some(struct role_events *e);

static void retry(void *arg)
{
	struct role_events *e = arg;

	e->sent = 0;
	send_some(e);
}

static void acknowledged(void *arg, int err, struct ipc_message *reply, const struct why *why)
{
	struct role_events *e = arg;
	uint64_t seq;
	(void)why;

	if (err == ERR_OK && event_ack_take(reply->body, &seq, NULL) == ERR_OK && seq <= e->last_seq) {
		while (e->first && e->first->seq <= seq)
			drop_first(e);
		send_some(e);
		return;
	}
	/* Watch went away or is stuck: all that it did not acknowledge goes again, at the latest after a while. What it
	 * gets twice it knows by the number. */
	if (!e->retry.is_set)
		ipc_timer_set(e->role->loop, &e->retry, time_mono_ms() + EVENT_RETRY_MS, retry, e);
}

static void send_some(struct role_events *e)
{
	struct ipc_link *watch = role_link(e->role, ROLE_WATCH);
	struct queued_event *next = e->first;

	for (size_t i = 0; next && i < e->sent; i++)
		next = next->next;
	for (; watch && next && e->sent < EVENT_WINDOW; next = next->next) {
		if (ipc_link_call(watch, EVENT, buf_slice(next->body), time_mono_ms() + EVENT_RETRY_MS, acknowledged, e,
		                  NULL) != ERR_OK)
			return;
		e->sent++;
	}
}

void role_events_resend(struct role_events *e)
{
	ipc_timer_clear(e->role->loop, &e->retry);
	retry(e);
}

static int make(struct role_events *e, const struct event *event, struct queued_event **ret, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	struct queued_event *q;

	TRY(buf_new(IPC_INLINE_BYTES_MAX, &body, reterr_why));
	TRY(event_put(body, event, reterr_why));
	q = calloc(1, sizeof *q);
	ENSURE(q, ERR_UNAVAILABLE, reterr_why, "out of memory for an event");
	q->seq = e->last_seq;
	q->body = take_ptr(body);
	*ret = q;
	return ERR_OK;
}

static int put(struct role_events *e, const struct event *event, struct why *reterr_why)
{
	struct queued_event *q;

	ENSURE(event->name.len <= EVENT_NAME_BYTES_MAX && event->detail.len <= EVENT_DETAIL_BYTES_MAX, ERR_LIMIT,
	       reterr_why, "an event of %zu and %zu bytes; at most %d and %d are accepted", event->name.len,
	       event->detail.len, EVENT_NAME_BYTES_MAX, EVENT_DETAIL_BYTES_MAX);
	ENSURE(e->count < EVENT_QUEUE_MAX, ERR_LIMIT, reterr_why, "%d events wait for watch", EVENT_QUEUE_MAX);
	TRY(make(e, event, &q, reterr_why));
	*(e->last ? &e->last->next : &e->first) = q;
	e->last = q;
	e->count++;
	send_some(e);
	return ERR_OK;
}

int role_event(struct role *role, enum event_severity severity, const char *name, const char *detail_json,
               struct why *reterr_why)
{
	struct why why = {0};
	const struct event event = {
		.starts = role->starts,
		.seq = ++role->events->last_seq, /* used up even when the event is lost: the gap shows it */
		.wall_ms = time_wall_ms(),
		.severity = severity,
		.name = slice_str(name),
		.detail = slice_str(detail_json),
	};
	int err = put(role->events, &event, &why);

	if (err != ERR_OK) {
		LOG(LOG_ERROR, "event.lost", LOG_STR("name", name), LOG_STR("why", why.text));
		why_set(reterr_why, "%s", why.text);
	}
	return err;
}
