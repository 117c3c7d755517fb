/* packet.h: a message on its way out: its header as bytes, and the memfd of a large body. Internal to ipc/. */
#pragma once
#include "base/cleanup.h"
#include "ipc/message.h"

struct ipc_packet {
	uint8_t header[IPC_HEADER_BYTES];
	struct slice inline_body;
	int fds[IPC_FDS_MAX + 1]; /* the memfd, if there is one, then the message's */
	size_t fd_count;
	size_t owned_fds; /* so many of them, from the first on, are closed with the packet */
};

/* A packet that borrows the message's body and descriptors, to be sent at once. End it by ipc_packet_clear(), whatever
 * this returns. ERR_LIMIT when the body or the descriptors are too many. */
MUST_USE int ipc_packet_borrow(const struct ipc_message *message, struct ipc_packet *packet, struct why *reterr_why);
void ipc_packet_clear(struct ipc_packet *packet);

/* A packet on the heap that owns all it needs, for when the socket has room again. */
MUST_USE int ipc_packet_keep(const struct ipc_message *message, struct ipc_packet **ret_packet, struct why *reterr_why);
void ipc_packet_free(struct ipc_packet *packet);
void ipc_packet_freep(struct ipc_packet **packet);

/* One sendmsg(2) that does not wait: ERR_TIMEOUT when the socket is full, ERR_CLOSED. */
MUST_USE int ipc_packet_send(int fd, const struct ipc_packet *packet, struct why *reterr_why);
