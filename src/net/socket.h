/* socket.h: listening and connecting sockets, and who is at the other end. Every socket is non-blocking and
 * close-on-exec. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

/* The other end of a connection. */
struct socket_peer {
	char text[64];    /* "192.0.2.1:4711", "[2001:db8::1]:4711" or "unix" */
	char address[48]; /* the same without port: what records call the source address */
	uint8_t key[16];  /* equal for those who count as one: an IPv4 address, an IPv6 /64 */
	bool is_unix;
};

/* Listens on "host:port" or "[v6]:port"; port 0 takes a free one. ERR_CONFLICT if the port is in use, ERR_DENIED if it
 * may not be bound. */
MUST_USE int socket_listen(const char *address, int *ret_fd, struct why *reterr_why);

/* The port that a listening socket got. */
MUST_USE int socket_local_port(int fd, uint16_t *ret_port, struct why *reterr_why);

/* Connects by TCP, trying each address of the name until `deadline_mono_ms`. ERR_NOTFOUND for an unknown name,
 * ERR_UNAVAILABLE with the reason of the last address, ERR_TIMEOUT. */
MUST_USE int socket_connect(const char *host, uint16_t port, uint64_t deadline_mono_ms, int *ret_fd,
                            struct why *reterr_why);

/* Connects to a unix stream socket. ERR_NOTFOUND, ERR_UNAVAILABLE. */
MUST_USE int socket_connect_unix(const char *path, int *ret_fd, struct why *reterr_why);

/* Makes a connected or accepted socket as we want them: non-blocking, and for TCP without delay. */
MUST_USE int socket_prepare(int fd, struct why *reterr_why);

void socket_peer_describe(const struct sockaddr_storage *address, struct socket_peer *ret_peer);
