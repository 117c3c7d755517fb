#include "ipc/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "ipc/packet.h"

enum {
	DATAGRAM_BYTES_MAX = IPC_HEADER_BYTES + IPC_INLINE_BYTES_MAX,
	/* Exactly what one memfd and our own descriptors take: the kernel closes more, and says so by MSG_CTRUNC. */
	CONTROL_BYTES = CMSG_LEN((IPC_FDS_MAX + 1) * sizeof(int)),
};

struct ipc_channel {
	int fd;
	uint8_t datagram[DATAGRAM_BYTES_MAX];
};

int ipc_channel_pair(int *ret_one, int *ret_other, struct why *reterr_why)
{
	int both[2];

	ENSURE_SYS(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, both) == 0, reterr_why,
	           "cannot make a socket pair");
	*ret_one = both[0];
	*ret_other = both[1];
	return ERR_OK;
}

int ipc_channel_new(int fd, struct ipc_channel **ret_channel, struct why *reterr_why)
{
	struct ipc_channel *channel;
	socklen_t len = sizeof(int);
	int type;

	ENSURE_SYS(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0, reterr_why, "the link is not a socket");
	ENSURE(type == SOCK_SEQPACKET, ERR_INVALID, reterr_why, "the link is a socket of type %d, not SEQPACKET", type);
	channel = calloc(1, sizeof *channel);
	ENSURE(channel, ERR_UNAVAILABLE, reterr_why, "out of memory for a channel");
	channel->fd = fd;
	*ret_channel = channel;
	return ERR_OK;
}

void ipc_channel_free(struct ipc_channel *channel)
{
	if (!channel)
		return;
	close(channel->fd);
	explicit_bzero(channel->datagram, sizeof channel->datagram);
	free(channel);
}

void ipc_channel_freep(struct ipc_channel **channel)
{
	ipc_channel_free(*channel);
	*channel = NULL;
}

int ipc_channel_fd(const struct ipc_channel *channel)
{
	return channel->fd;
}

/* Until the socket is ready for `events`, or the deadline. A hang-up counts as ready: the next call will name it. */
static int wait_for(int fd, short events, uint64_t deadline_ms, struct why *reterr_why)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		uint64_t now = time_mono_ms();
		uint64_t left = deadline_ms > now ? deadline_ms - now : 0;
		int ready = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);

		if (ready > 0)
			return ERR_OK;
		ENSURE_SYS(ready == 0 || errno == EINTR, reterr_why, "cannot wait for a socket");
		ENSURE(ready != 0 || left > INT32_MAX, ERR_TIMEOUT, reterr_why,
		       "the other process did not answer in time");
	}
}

int ipc_channel_send(struct ipc_channel *channel, const struct ipc_message *message, uint64_t deadline_ms,
                     struct why *reterr_why)
{
	CLEANUP(ipc_packet_clear) struct ipc_packet packet;

	TRY(ipc_packet_borrow(message, &packet, reterr_why));
	for (;;) {
		int err = ipc_packet_send(channel->fd, &packet, reterr_why);

		if (err != ERR_TIMEOUT)
			return err;
		TRY(wait_for(channel->fd, POLLOUT, deadline_ms, reterr_why));
	}
}

/* Whatever comes, its descriptors are collected first, so that a refusal can close them. */
static void collect_fds(struct msghdr *msg, int fds[static IPC_FDS_MAX + 1], size_t *ret_count)
{
	size_t count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c),
		       count * sizeof(int)); /* the control buffer has room for one header and these */
	}
	*ret_count = count;
}

/* One datagram off the socket into the channel's buffer. */
static int receive_datagram(struct ipc_channel *channel, int fds[static IPC_FDS_MAX + 1], size_t *ret_fd_count,
                            size_t *ret_len, struct why *reterr_why)
{
	_Alignas(struct cmsghdr) char control[CONTROL_BYTES];
	struct iovec iov = {channel->datagram, sizeof channel->datagram};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	bool was_reset = false;
	ssize_t len;

	do {
		len = recvmsg(channel->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		/* A peer that went without having read everything: what it said before comes after this error, which
		 * the kernel tells once. */
		if (len >= 0 || errno != ECONNRESET || was_reset)
			continue;
		was_reset = true;
		errno = EINTR;
	} while (len < 0 && errno == EINTR);
	if (len < 0 && errno == EAGAIN)
		return ERR_TIMEOUT;
	ENSURE(len >= 0 || errno != ECONNRESET, ERR_CLOSED, reterr_why, "the other process has gone");
	ENSURE_SYS(len >= 0, reterr_why, "cannot receive a message");
	collect_fds(&msg, fds, ret_fd_count);
	/* Nothing at all is how the end of the connection shows. A peer can send nothing, too, and descriptors with it.
	 */
	ENSURE(*ret_fd_count == 0 || len > 0, ERR_INVALID, reterr_why, "descriptors without a message");
	ENSURE(len > 0, ERR_CLOSED, reterr_why, "the other process has gone");
	*ret_len = (size_t)len;
	ENSURE(!(msg.msg_flags & MSG_TRUNC), ERR_LIMIT, reterr_why, "a message of more than %d bytes",
	       DATAGRAM_BYTES_MAX);
	ENSURE(!(msg.msg_flags & MSG_CTRUNC), ERR_LIMIT, reterr_why, "a message with more than %d descriptors",
	       IPC_FDS_MAX);
	return ERR_OK;
}

/* Maps the body that came in fds[0]; the mapping keeps it, so that the descriptor can go. */
static int map_body(const struct ipc_header *header, int fds[static IPC_FDS_MAX + 1], size_t fd_count,
                    struct slice *ret_body, struct why *reterr_why)
{
	struct slice body;

	ENSURE(fd_count > 0, ERR_INVALID, reterr_why, "message 0x%04x came without the memfd of its body",
	       header->type);
	TRY(fd_map_sealed(fds[0], IPC_BODY_BYTES_MAX, &body, reterr_why));
	if (body.len != header->body_len) {
		fd_unmap(body);
		why_set(reterr_why, "message 0x%04x claims a body of %u bytes; its memfd has %zu", header->type,
		        header->body_len, body.len);
		return ERR_INVALID;
	}
	fd_closep(&fds[0]);
	*ret_body = body;
	return ERR_OK;
}

static int take_apart(const struct ipc_channel *channel, size_t len, int fds[static IPC_FDS_MAX + 1], size_t fd_count,
                      struct ipc_message *ret_message, struct why *reterr_why)
{
	struct ipc_message m = {.place = IPC_BODY_RECEIVED};
	struct ipc_header header;
	size_t used = 0;

	TRY(ipc_header_decode(slice_of(channel->datagram, len), &header, &m.body, reterr_why));
	if (header.flags & IPC_FLAG_MEMFD_BODY)
		used = 1;
	ENSURE(fd_count <= IPC_FDS_MAX + used, ERR_LIMIT, reterr_why, "message 0x%04x with more than %d descriptors",
	       header.type, IPC_FDS_MAX);
	if (used) {
		TRY(map_body(&header, fds, fd_count, &m.body, reterr_why));
		m.place = IPC_BODY_MAPPED;
	}
	m.type = header.type;
	m.flags = (uint16_t)(header.flags & ~IPC_FLAG_MEMFD_BODY);
	m.id = header.id;
	for (size_t i = used; i < fd_count; i++)
		m.fds[m.fd_count++] = take_fd(fds[i]);
	*ret_message = m;
	return ERR_OK;
}

static int receive_now(struct ipc_channel *channel, struct ipc_message *ret_message, struct why *reterr_why)
{
	int fds[IPC_FDS_MAX + 1];
	size_t fd_count = 0, len = 0;
	int err;

	err = receive_datagram(channel, fds, &fd_count, &len, reterr_why);
	if (err == ERR_OK)
		err = take_apart(channel, len, fds, fd_count, ret_message, reterr_why);
	for (size_t i = 0; err != ERR_OK && i < fd_count; i++)
		fd_closep(&fds[i]);
	return err;
}

int ipc_channel_receive(struct ipc_channel *channel, uint64_t deadline_ms, struct ipc_message *ret_message,
                        struct why *reterr_why)
{
	for (;;) {
		int err = receive_now(channel, ret_message, reterr_why);

		if (err != ERR_TIMEOUT)
			return err;
		TRY(wait_for(channel->fd, POLLIN, deadline_ms, reterr_why));
	}
}
