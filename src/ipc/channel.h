/* channel.h: one end of a link: messages over a SOCK_SEQPACKET socket, under deadlines.
 *
 * A datagram is a message: there is no framing to lose. What arrives is checked (message.h) before the caller sees it;
 * a descriptor that comes with a message that is refused is closed. A channel belongs to one thread. Deadlines are
 * moments of time_mono_ms(); one that has passed means: do not wait. */
#pragma once
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "ipc/message.h"

struct ipc_channel;

/* Two connected sockets, close-on-exec. */
MUST_USE int ipc_channel_pair(int *ret_one, int *ret_other, struct why *reterr_why);

/* Takes over `fd`, which must be a SOCK_SEQPACKET socket: on success it is the channel's to close. */
MUST_USE int ipc_channel_new(int fd, struct ipc_channel **ret_channel, struct why *reterr_why);
void ipc_channel_free(struct ipc_channel *channel);
void ipc_channel_freep(struct ipc_channel **channel);

/* For poll and epoll. Borrowed. */
int ipc_channel_fd(const struct ipc_channel *channel);

/* Sends; the message's descriptors remain the caller's. A body over IPC_INLINE_BYTES_MAX travels in a sealed memfd, and
 * the pages of that cannot be wiped by who receives it: keys go inline.
 * ERR_TIMEOUT (the peer does not read), ERR_CLOSED (the peer is gone), ERR_LIMIT (the body or the descriptors). */
MUST_USE int ipc_channel_send(struct ipc_channel *channel, const struct ipc_message *message, uint64_t deadline_ms,
                              struct why *reterr_why);

/* Receives the next message; end it by ipc_message_clear(). The body is valid until then or until the next receive.
 * ERR_TIMEOUT, ERR_CLOSED; ERR_INVALID, ERR_LIMIT, ERR_DENIED (an unsealed memfd): the peer broke the protocol, and the
 * channel must not be used again. */
MUST_USE int ipc_channel_receive(struct ipc_channel *channel, uint64_t deadline_ms, struct ipc_message *ret_message,
                                 struct why *reterr_why);
