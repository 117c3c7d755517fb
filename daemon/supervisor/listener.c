#include "daemon/supervisor/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/slice.h"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int parse(const char *where, union address *ret, struct why *reterr_why)
{
	const char *colon = strrchr(where, ':');
	size_t len = colon ? (size_t)(colon - where) : 0;
	union address a = {0};
	char host[64];
	uint64_t port;

	ENSURE(colon && len > 0 && len < sizeof host &&
	               slice_to_u64(slice_str(colon + 1), 65535, &port, NULL) == ERR_OK,
	       ERR_INVALID, reterr_why, "%s is no address to listen on; write it like 127.0.0.1:8443 or [::1]:8443",
	       where);
	memcpy(host, where, len);
	host[len] = 0;
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = 0;
		a.v6.sin6_family = AF_INET6;
		a.v6.sin6_port = htons((uint16_t)port);
		ENSURE(inet_pton(AF_INET6, host + 1, &a.v6.sin6_addr) == 1, ERR_INVALID, reterr_why,
		       "%s is no IPv6 address", host + 1);
	} else {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = htons((uint16_t)port);
		ENSURE(inet_pton(AF_INET, host, &a.v4.sin_addr) == 1, ERR_INVALID, reterr_why,
		       "%s is no IPv4 address; names are not looked up here", host);
	}
	*ret = a;
	return ERR_OK;
}

static int bind_to(int fd, const union address *a, const char *where, struct why *reterr_why)
{
	socklen_t len = a->any.sa_family == AF_INET6 ? sizeof a->v6 : sizeof a->v4;
	int one = 1;

	ENSURE_SYS(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0, reterr_why,
	           "cannot set SO_REUSEADDR");
	if (bind(fd, &a->any, len) == 0 && listen(fd, SOMAXCONN) == 0)
		return ERR_OK;
	ENSURE(errno != EADDRINUSE, ERR_CONFLICT, reterr_why,
	       "%s is in use by another program; stop that one or choose another port with --listen", where);
	return why_errno(reterr_why, errno, "cannot listen on %s", where);
}

static int open_at(const union address *a, const char *where, int *ret_fd, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;

	fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ENSURE_SYS(fd >= 0, reterr_why, "cannot make a socket for %s", where);
	TRY(bind_to(fd, a, where, reterr_why));
	*ret_fd = take_fd(fd);
	return ERR_OK;
}

int listener_open(const char *where, int *ret_fd, struct why *reterr_why)
{
	union address a;

	TRY(parse(where, &a, reterr_why));
	return open_at(&a, where, ret_fd, reterr_why);
}

int listener_open_loopback(const char *where, int *ret_fd, struct why *reterr_why)
{
	union address a;
	bool is_loopback;

	TRY(parse(where, &a, reterr_why));
	is_loopback = a.any.sa_family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK(&a.v6.sin6_addr)
	                                          : ntohl(a.v4.sin_addr.s_addr) >> 24 == 127;
	ENSURE(is_loopback, ERR_INVALID, reterr_why,
	       "%s is no loopback address; without TLS nothing else is served, use --listen for it", where);
	return open_at(&a, where, ret_fd, reterr_why);
}

int listener_where(int fd, char out[static LISTENER_TEXT_BYTES], struct why *reterr_why)
{
	char host[INET6_ADDRSTRLEN];
	union address a = {0};
	socklen_t len = sizeof a;

	ENSURE_SYS(getsockname(fd, &a.any, &len) == 0, reterr_why, "cannot read a socket's address");
	if (a.any.sa_family == AF_INET6) {
		ENSURE_SYS(inet_ntop(AF_INET6, &a.v6.sin6_addr, host, sizeof host), reterr_why,
		           "cannot show an address");
		snprintf(out, LISTENER_TEXT_BYTES, "[%s]:%u", host, ntohs(a.v6.sin6_port));
	} else {
		ENSURE_SYS(inet_ntop(AF_INET, &a.v4.sin_addr, host, sizeof host), reterr_why, "cannot show an address");
		snprintf(out, LISTENER_TEXT_BYTES, "%s:%u", host, ntohs(a.v4.sin_port));
	}
	return ERR_OK;
}
