#include "daemon/watch/watch.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/log.h"
#include "daemon/link/events.h"
#include "daemon/link/front_watch.h"
#include "daemon/watch/producers.h"

static int watch_start(struct role *role, struct why *reterr_why)
{
	role->own = calloc(1, sizeof(struct watch_producers));
	ENSURE(role->own, ERR_UNAVAILABLE, reterr_why, "out of memory for the producers of events");
	return ERR_OK;
}

static int on_event(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct role *role = context;
	CLEANUP(buf_freep) struct buf *ack = NULL;
	struct event event;
	uint64_t lost;

	TRY(event_take(m->body, &event, reterr_why));
	if (watch_producers_note(role->own, m->peer, event.starts, event.seq, &lost) && lost)
		LOG(LOG_WARN, "events.lost", LOG_STR("role", system_role_name(role->system, m->peer)),
		    LOG_INT("count", lost));
	TRY(buf_new(16, &ack, reterr_why));
	TRY(event_ack_put(ack, event.seq, reterr_why));
	ipc_reply_send(reply, buf_slice(ack));
	return ERR_OK;
}

static int on_counts(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct role *role = context;
	const struct watch_producers *producers = role->own;
	CLEANUP(buf_freep) struct buf *body = NULL;
	struct cursor c = cursor_of(m->body);
	uint16_t number;

	TRY(cursor_take_u16be(&c, &number, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	ENSURE(number <= ROLE_NUMBER_MAX, ERR_INVALID, reterr_why, "there is no role %u", number);
	TRY(buf_new(64, &body, reterr_why));
	TRY(event_counts_put(body, &producers->by_role[number].counts, reterr_why));
	ipc_reply_send(reply, buf_slice(body));
	return ERR_OK;
}

enum { EVENT_BODY_MAX = 4 + 8 + 8 + 1 + 4 + EVENT_NAME_BYTES_MAX + 4 + EVENT_DETAIL_BYTES_MAX };

static const struct ipc_permit list[] = {
	{.type = EVENT,
         .peer = IPC_PEER_ANY,
         .states = ROLE_SERVING,
         .kind = IPC_REQUEST,
         .body_max = EVENT_BODY_MAX,
         .handle = on_event},
	{.type = FRONT_WATCH_COUNTS,
         .peer = ROLE_FRONT,
         .states = ROLE_SERVING,
         .kind = IPC_REQUEST,
         .body_max = 2,
         .handle = on_counts},
};
static const struct ipc_permits permits = {list, sizeof list / sizeof *list};

const struct role_spec watch_role = {
	.number = ROLE_WATCH,
	.name = "watch",
	.directory = "watch",
	.open_files = 256,
	.syscalls = watch_syscalls,
	.permits = &permits,
	.permits_count = 1,
	.start = watch_start,
};
