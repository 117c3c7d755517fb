#include "ipc/packet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"

int ipc_packet_borrow(const struct ipc_message *message, struct ipc_packet *packet, struct why *reterr_why)
{
	struct ipc_header header = {.type = message->type, .flags = message->flags, .id = message->id};

	*packet = (struct ipc_packet){0};
	ENSURE(message->body.len <= IPC_BODY_BYTES_MAX, ERR_LIMIT, reterr_why,
	       "a message body of %zu bytes; at most %d can be sent", message->body.len, IPC_BODY_BYTES_MAX);
	ENSURE(message->fd_count <= IPC_FDS_MAX, ERR_LIMIT, reterr_why,
	       "a message with %zu descriptors; at most %d can be sent", message->fd_count, IPC_FDS_MAX);
	header.body_len = (uint32_t)message->body.len;
	if (message->body.len > IPC_INLINE_BYTES_MAX) {
		TRY(fd_memfd_sealed("ipc-body", message->body, &packet->fds[0], reterr_why));
		header.flags |= IPC_FLAG_MEMFD_BODY;
		packet->fd_count = packet->owned_fds = 1;
	} else {
		packet->inline_body = message->body;
	}
	for (size_t i = 0; i < message->fd_count; i++)
		packet->fds[packet->fd_count++] = message->fds[i];
	ipc_header_encode(&header, packet->header);
	return ERR_OK;
}

void ipc_packet_clear(struct ipc_packet *packet)
{
	for (size_t i = 0; i < packet->owned_fds; i++)
		fd_closep(&packet->fds[i]);
	packet->owned_fds = 0;
}

/* A packet and the copy of its inline body, in one block. */
struct kept {
	struct ipc_packet packet;
	uint8_t body[];
};

int ipc_packet_keep(const struct ipc_message *message, struct ipc_packet **ret_packet, struct why *reterr_why)
{
	size_t inline_len = message->body.len <= IPC_INLINE_BYTES_MAX ? message->body.len : 0;
	struct kept *kept = calloc(1, sizeof *kept + inline_len);
	CLEANUP(ipc_packet_freep) struct ipc_packet *packet = kept ? &kept->packet : NULL;

	ENSURE(kept, ERR_UNAVAILABLE, reterr_why, "out of memory for a message of %zu bytes", message->body.len);
	TRY(ipc_packet_borrow(message, packet, reterr_why));
	if (inline_len) {
		memcpy(kept->body, message->body.ptr, inline_len);
		packet->inline_body = slice_of(kept->body, inline_len);
	}
	while (packet->owned_fds < packet->fd_count) {
		int copy = fcntl(packet->fds[packet->owned_fds], F_DUPFD_CLOEXEC, 0);

		ENSURE_SYS(copy >= 0, reterr_why, "cannot keep a descriptor for sending");
		packet->fds[packet->owned_fds++] = copy;
	}
	*ret_packet = take_ptr(packet);
	return ERR_OK;
}

void ipc_packet_free(struct ipc_packet *packet)
{
	struct kept *kept = (struct kept *)packet; /* its first member */

	if (!packet)
		return;
	ipc_packet_clear(packet);
	explicit_bzero(kept->body, packet->inline_body.len);
	free(kept);
}

void ipc_packet_freep(struct ipc_packet **packet)
{
	ipc_packet_free(*packet);
	*packet = NULL;
}

int ipc_packet_send(int fd, const struct ipc_packet *packet, struct why *reterr_why)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof packet->fds)] = {0};
	struct iovec iov[2] = {
		{(void *)(uintptr_t)packet->header, IPC_HEADER_BYTES},
		{(void *)(uintptr_t)packet->inline_body.ptr, packet->inline_body.len},
	};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t sent;

	if (packet->fd_count) {
		struct cmsghdr *c;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(packet->fd_count * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(packet->fd_count * sizeof(int));
		memcpy(CMSG_DATA(c), packet->fds, packet->fd_count * sizeof(int));
	}
	do
		sent = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno == EAGAIN)
		return ERR_TIMEOUT;
	ENSURE(sent >= 0 || (errno != EPIPE && errno != ECONNRESET), ERR_CLOSED, reterr_why,
	       "the other process has gone");
	ENSURE_SYS(sent >= 0, reterr_why, "cannot send a message");
	return ERR_OK;
}
