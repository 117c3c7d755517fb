/* link_internal.h: what the three files of a link share: link.c (life, receiving), link_send.c (queue, replies),
 * link_call.c (calls of ours). */
#pragma once
#include "ipc/channel.h"
#include "ipc/link.h"
#include "ipc/packet.h"

/* A message that waits for room in the socket. */
struct queued {
	struct queued *next;
	struct ipc_packet *packet;
	bool is_reply;
};

/* A request of the peer that is not answered yet; its handler holds it. */
struct ipc_reply {
	struct ipc_link *link; /* NULL: the link has ended */
	struct ipc_reply *next;
	uint32_t id;
	uint16_t type;
};

/* A request of ours. One that has timed out stays until its reply comes, so that a reply to nothing is noticed. */
struct call {
	struct call *next;
	struct ipc_timer deadline;
	ipc_link_answered *answered; /* NULL: timed out */
	void *arg;
	uint32_t id;
	uint16_t type;
};

struct ipc_link {
	struct ipc_loop *loop;
	struct ipc_link_options options;
	struct ipc_channel *channel;
	struct ipc_watch *watch; /* NULL: the link has ended */
	bool is_writing;         /* the watch waits for room in the socket too */
	unsigned busy;           /* callbacks of this link on the stack: then it may end, but not be freed */

	struct queued *queue_first, *queue_last;
	size_t queue_count;
	struct ipc_reply *owed;
	size_t open_requests; /* of the peer: owed, or answered by a reply that is still in the queue */
	struct call *calls;
	size_t call_count;
	uint32_t last_id;
};

/* Ends the link for everyone who holds a part of it; frees it when nothing of it is on the stack. */
void ipc_link_end(struct ipc_link *link, int err, const struct why *why);
void ipc_link_release(struct ipc_link *link);

/* Sends a message now or queues it. ERR_LIMIT, ERR_UNAVAILABLE. */
MUST_USE int ipc_link_put(struct ipc_link *link, const struct ipc_message *message, struct why *reterr_why);
/* Sends what was queued as far as the socket takes it. ERR_CLOSED. */
MUST_USE int ipc_link_flush(struct ipc_link *link, struct why *reterr_why);
void ipc_link_queue_drop(struct ipc_link *link);

/* Hands a reply to the call that waits for it. An error: there is none. */
MUST_USE int ipc_link_take_reply(struct ipc_link *link, struct ipc_message *message, struct why *reterr_why);
void ipc_link_calls_fail(struct ipc_link *link);

/* Registers a request of the peer. ERR_INVALID when its id is in use, ERR_LIMIT when IPC_LINK_CALLS_MAX are open. */
MUST_USE int ipc_reply_new(struct ipc_link *link, const struct ipc_message *request, struct ipc_reply **ret_reply,
                           struct why *reterr_why);
/* Frees `reply` unless it was answered; for a handler that failed. */
void ipc_reply_forget(struct ipc_link *link, struct ipc_reply *reply);
void ipc_replies_detach(struct ipc_link *link);
