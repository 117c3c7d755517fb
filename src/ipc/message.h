/* message.h: the frame of every message between two roles (docs/protocol/ipc.md 1 and 2), and what a message is once it
 * has been taken off the wire.
 *
 * A message is a request (it has an id and expects exactly one reply), a reply (it repeats the id and the type of its
 * request), or a notice (id 0). A body of up to IPC_INLINE_BYTES_MAX follows the header; a larger one lies in a sealed
 * memfd that comes as the first descriptor. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/slice.h"

enum ipc_flag {
	IPC_FLAG_REPLY = 1,
	IPC_FLAG_ERROR = 2,      /* with REPLY: the body is a code and a sentence */
	IPC_FLAG_MEMFD_BODY = 4, /* the body is in the first descriptor */
};

/* u16 type, u16 flags, u32 id, u32 body length; big-endian. */
#define IPC_HEADER_BYTES 12

struct ipc_header {
	uint16_t type;
	uint16_t flags;
	uint32_t id;
	uint32_t body_len;
};

void ipc_header_encode(const struct ipc_header *header, uint8_t out[static IPC_HEADER_BYTES]);

/* Takes one datagram apart and checks everything that can be checked without knowing the type. *ret_body is what
 * follows the header: the body, or nothing for a body in a memfd; borrowed from the datagram. ERR_INVALID or ERR_LIMIT:
 * whoever sent this does not speak the protocol, and the link must end. */
MUST_USE int ipc_header_decode(struct slice datagram, struct ipc_header *ret_header, struct slice *ret_body,
                               struct why *reterr_why);

/* The body of an error reply: u32 negated code, lp(sentence). The sentence is cut to what struct why holds. */
MUST_USE int ipc_error_put(struct buf *body, int code, const char *sentence, struct why *reterr_why);

/* Reads it: *ret_code is of one of the classes of enum err, never ERR_OK. ERR_INVALID or ERR_LIMIT for any other shape.
 */
MUST_USE int ipc_error_take(struct slice body, int *ret_code, struct why *ret_sentence, struct why *reterr_why);

/* Where the body of a message lies, and so what ipc_message_clear() has to do with it. */
enum ipc_body_place {
	IPC_BODY_BORROWED, /* to be sent: the sender's own */
	IPC_BODY_RECEIVED, /* in the channel's receive buffer */
	IPC_BODY_MAPPED,   /* in a mapping of the peer's memfd */
};

struct ipc_message {
	uint16_t type;
	uint16_t flags; /* IPC_FLAG_REPLY and IPC_FLAG_ERROR; how the body travels is the channel's business */
	uint32_t id;
	uint16_t peer; /* received by a link: the role that sent it */
	struct slice body;
	enum ipc_body_place place;
	int fds[IPC_FDS_MAX]; /* received: owned until taken by take_fd(); to be sent: borrowed */
	size_t fd_count;
};

/* Ends a received message: closes the descriptors that nobody took, unmaps or wipes the body, which may have held a
 * key. A second call does nothing. */
void ipc_message_clear(struct ipc_message *message);
