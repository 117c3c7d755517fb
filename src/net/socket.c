#include "net/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/time.h"
#include "wire/uri.h"

static void free_addresses(struct addrinfo **list)
{
	if (*list)
		freeaddrinfo(*list);
}

static int resolve(const char *host, const char *port, int flags, struct addrinfo **ret_list, struct why *reterr_why)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
	int err = getaddrinfo(host, port, &hints, ret_list);

	ENSURE(err != EAI_NONAME, ERR_NOTFOUND, reterr_why, "the host name %s is not known", host);
	ENSURE(err == 0, ERR_UNAVAILABLE, reterr_why, "cannot resolve %s: %s", host, gai_strerror(err));
	return ERR_OK;
}

int socket_listen(const char *address, int *ret_fd, struct why *reterr_why)
{
	CLEANUP(free_addresses) struct addrinfo *list = NULL;
	CLEANUP(fd_closep) int fd = -1;
	struct slice host, all = slice_str(address);
	char host_text[256], port_text[8];
	bool any_port = all.len > 2 && slice_is_str(slice_of(all.ptr + all.len - 2, 2), ":0");
	uint16_t port;
	int on = 1;

	if (any_port) /* no authority has port 0, but a listener may ask for any */
		all.len -= 2;
	TRY(uri_authority_parse(all, &host, &port, reterr_why));
	ENSURE(any_port || port, ERR_INVALID, reterr_why, "the address %s names no port: write host:port", address);
	TRY(slice_to_str(host, host_text, sizeof host_text, reterr_why));
	snprintf(port_text, sizeof port_text, "%u", port);
	TRY(resolve(host_text, port_text, AI_PASSIVE, &list, reterr_why));

	fd = socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ENSURE_SYS(fd >= 0, reterr_why, "cannot make a socket for %s", address);
	ENSURE_SYS(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0, reterr_why,
	           "cannot set up a socket for %s", address);
	if (bind(fd, list->ai_addr, list->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0) {
		ENSURE(errno != EADDRINUSE, ERR_CONFLICT, reterr_why,
		       "another program listens on %s already: stop it or choose another port", address);
		return why_errno(reterr_why, errno, "cannot listen on %s", address);
	}
	*ret_fd = take_fd(fd);
	return ERR_OK;
}

int socket_local_port(int fd, uint16_t *ret_port, struct why *reterr_why)
{
	struct sockaddr_storage local = {0};
	socklen_t len = sizeof local;

	ENSURE_SYS(getsockname(fd, (struct sockaddr *)&local, &len) == 0, reterr_why, "cannot name a socket");
	ENSURE(local.ss_family == AF_INET || local.ss_family == AF_INET6, ERR_INVALID, reterr_why,
	       "this socket has no port");
	*ret_port = ntohs(local.ss_family == AF_INET ? ((struct sockaddr_in *)&local)->sin_port
	                                             : ((struct sockaddr_in6 *)&local)->sin6_port);
	return ERR_OK;
}

int socket_prepare(int fd, struct why *reterr_why)
{
	int flags = fcntl(fd, F_GETFL), on = 1;

	ENSURE_SYS(flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0,
	           reterr_why, "cannot set up a connection");
	/* Answers are written whole, so waiting for more to send would only delay them. Unix sockets have no such
	 * option, and need none. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return ERR_OK;
}

/* Waits until the connection stands or has failed. */
static int finish_connect(int fd, const char *host, uint64_t deadline_mono_ms, struct why *reterr_why)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	uint64_t now = time_mono_ms();
	int ready, error = 0;
	socklen_t len = sizeof error;

	do
		ready = poll(&p, 1, now < deadline_mono_ms ? (int)(deadline_mono_ms - now) : 0);
	while (ready < 0 && errno == EINTR);
	ENSURE(ready != 0, ERR_TIMEOUT, reterr_why, "%s does not answer", host);
	ENSURE_SYS(ready > 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0, reterr_why,
	           "cannot connect to %s", host);
	return error ? why_errno(reterr_why, error, "cannot connect to %s", host) : ERR_OK;
}

static int connect_one(const struct addrinfo *a, const char *host, uint64_t deadline_mono_ms, int *ret_fd,
                       struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ENSURE_SYS(fd >= 0, reterr_why, "cannot make a socket for %s", host);
	if (connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
		ENSURE_SYS(errno == EINPROGRESS, reterr_why, "cannot connect to %s", host);
		TRY(finish_connect(fd, host, deadline_mono_ms, reterr_why));
	}
	TRY(socket_prepare(fd, reterr_why));
	*ret_fd = take_fd(fd);
	return ERR_OK;
}

int socket_connect(const char *host, uint16_t port, uint64_t deadline_mono_ms, int *ret_fd, struct why *reterr_why)
{
	CLEANUP(free_addresses) struct addrinfo *list = NULL;
	char port_text[8];
	int err = ERR_UNAVAILABLE;

	snprintf(port_text, sizeof port_text, "%u", port);
	TRY(resolve(host, port_text, 0, &list, reterr_why));
	for (const struct addrinfo *a = list; a && err != ERR_OK; a = a->ai_next)
		err = connect_one(a, host, deadline_mono_ms, ret_fd, reterr_why);
	return err;
}

int socket_connect_unix(const char *path, int *ret_fd, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	ENSURE_SYS(fd >= 0, reterr_why, "cannot make a socket for %s", path);
	TRY(slice_to_str(slice_str(path), address.sun_path, sizeof address.sun_path, reterr_why));
	ENSURE_SYS(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, reterr_why, "cannot connect to %s",
	           path);
	*ret_fd = take_fd(fd);
	return ERR_OK;
}

static void describe_v4(const uint8_t bytes[static 4], uint16_t port, struct socket_peer *peer)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	memcpy(peer->key, mapped, sizeof mapped);
	memcpy(peer->key + sizeof mapped, bytes, 4);
	inet_ntop(AF_INET, bytes, peer->address, sizeof peer->address);
	snprintf(peer->text, sizeof peer->text, "%.40s:%u", peer->address, port);
}

void socket_peer_describe(const struct sockaddr_storage *address, struct socket_peer *ret_peer)
{
	struct socket_peer peer = {.text = "unix", .address = "unix", .is_unix = true};

	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)address;

		peer.is_unix = false;
		describe_v4((const uint8_t *)&in->sin_addr, ntohs(in->sin_port), &peer);
	} else if (address->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)address;

		peer.is_unix = false;
		if (IN6_IS_ADDR_V4MAPPED(&in->sin6_addr)) {
			describe_v4(in->sin6_addr.s6_addr + 12, ntohs(in->sin6_port), &peer);
		} else { /* a /64 is what one customer gets, so it is what one attacker has */
			memcpy(peer.key, in->sin6_addr.s6_addr, 8);
			inet_ntop(AF_INET6, &in->sin6_addr, peer.address, sizeof peer.address);
			snprintf(peer.text, sizeof peer.text, "[%.46s]:%u", peer.address, ntohs(in->sin6_port));
		}
	}
	*ret_peer = peer;
}
