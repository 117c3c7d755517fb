/* permit.h: which messages a role accepts, from whom, and in which of its states.
 *
 * Every message starts forbidden. A table permits a type from one peer in some states and names its handler; whatever
 * no entry permits ends the link, because a peer that sends it is broken or taken over. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ipc/message.h"

struct ipc_reply;

enum ipc_kind {
	IPC_REQUEST,
	IPC_NOTICE,
};

/* In ipc_permit.peer: from every peer that a link leads to. */
#define IPC_PEER_ANY 0xffff
/* In ipc_permit.states: in every state. States are bits, and the role's own. */
#define IPC_STATE_ANY 0xffffffffu

/* Does what a message asks for. `context` is the link's.
 *
 * A request comes with `reply`, which the handler must see answered once, now or later, by ipc_reply_send() or
 * ipc_reply_error(): an operation that fails is answered like that. A notice comes with NULL.
 * To return an error is to say that the message itself is malformed; the link then ends. So the decoding of the body
 * goes under TRY, and the body is read to its end (cursor_finish).
 * The message is cleared afterwards; take_fd() what is to be kept. */
typedef int ipc_handler(void *context, struct ipc_message *message, struct ipc_reply *reply, struct why *reterr_why);

struct ipc_permit {
	uint16_t type;
	uint16_t peer;      /* a role number, or IPC_PEER_ANY */
	uint32_t states;    /* where it is permitted */
	enum ipc_kind kind; /* what it must be */
	uint32_t body_max;  /* bytes */
	size_t fds;         /* descriptors that it must bring: exactly so many */
	ipc_handler *handle;
};

/* The entries are tried in order: a type may have one handler for some states and another for the rest. */
struct ipc_permits {
	const struct ipc_permit *list;
	size_t count;
};

/* Finds what permits `message`, which is no reply, in `tables`. ERR_DENIED, saying what it was refused for. */
MUST_USE int ipc_permit_find(const struct ipc_permits *tables, size_t table_count, uint16_t peer, uint32_t state,
                             const struct ipc_message *message, const struct ipc_permit **ret_permit,
                             struct why *reterr_why);
