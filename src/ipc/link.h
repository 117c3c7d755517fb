/* link.h: a channel to one peer, run by a loop: it checks what comes against permit tables, calls handlers, lets them
 * answer later, makes calls of its own, and keeps what the peer does not read yet.
 *
 * Back-pressure: what the socket has no room for waits in a queue of IPC_LINK_QUEUE_MAX messages, and a message that
 * finds it full is an error for who sends it: nothing is ever dropped. Replies find room always, because no peer may
 * have more than IPC_LINK_CALLS_MAX requests open; so a link never stops reading, and two peers never wait for each
 * other. */
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "ipc/loop.h"
#include "ipc/message.h"
#include "ipc/permit.h"

struct ipc_link;

/* The link has ended. ERR_CLOSED: the peer is gone; another code of class ERR_UNAVAILABLE: we lack memory or
 * descriptors; anything else: the peer broke the protocol, and `why` tells how. Calls that were open have failed by
 * now. The link is freed on return. */
typedef void ipc_link_ended(void *context, struct ipc_link *link, int err, const struct why *why);

struct ipc_link_options {
	uint16_t peer;     /* the peer's role number */
	uint16_t instance; /* which of several links to that role */
	const struct ipc_permits *tables;
	size_t table_count;
	const uint32_t *state; /* the role's state, read at each message; borrowed for the life of the link */
	ipc_link_ended *ended;
	void *context; /* for handlers and `ended` */
};

/* Takes over `fd` on success. What `options` points to is borrowed for the life of the link. */
MUST_USE int ipc_link_new(struct ipc_loop *loop, int fd, const struct ipc_link_options *options,
                          struct ipc_link **ret_link, struct why *reterr_why);

/* Ends the link: open calls fail with ERR_UNAVAILABLE; `ended` is not called. Replies that are still owed go nowhere.
 * May be called from a handler. */
void ipc_link_free(struct ipc_link *link);

uint16_t ipc_link_peer(const struct ipc_link *link);
uint16_t ipc_link_instance(const struct ipc_link *link);

/* Sends a notice. `fds` remain the caller's. ERR_LIMIT when the queue is full, ERR_UNAVAILABLE when the link ended. */
MUST_USE int ipc_link_notify(struct ipc_link *link, uint16_t type, struct slice body, const int *fds, size_t fd_count,
                             struct why *reterr_why);

/* What became of a call: ERR_OK with the reply, which is cleared afterwards (take_fd() what is to be kept); the peer's
 * own error; ERR_TIMEOUT; ERR_UNAVAILABLE when the link ended first. `reply` is NULL, and `why` set, on error. */
typedef void ipc_link_answered(void *arg, int err, struct ipc_message *reply, const struct why *why);

/* Sends a request, and calls `answered` once, later. On error it is not called. ERR_LIMIT: IPC_LINK_CALLS_MAX are open
 * or the queue is full; ERR_UNAVAILABLE. */
MUST_USE int ipc_link_call(struct ipc_link *link, uint16_t type, struct slice body, uint64_t deadline_ms,
                           ipc_link_answered *answered, void *arg, struct why *reterr_why);

/* Which of several links to that role the request came over; 0 when the link has ended. */
uint16_t ipc_reply_instance(const struct ipc_reply *reply);

/* Answers a request, and frees `reply`. If the link has ended meanwhile nothing happens. When the answer itself cannot
 * be sent (a body over the limit, no memory) the peer gets that as an error. */
void ipc_reply_send(struct ipc_reply *reply, struct slice body);
void ipc_reply_send_fd(struct ipc_reply *reply, struct slice body, int fd);
void ipc_reply_error(struct ipc_reply *reply, int code, const struct why *why);
