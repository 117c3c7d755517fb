#include "daemon/role/syscalls.h"

#include <sys/socket.h>

#include "daemon/courier/courier.h"

/* The only role that makes sockets: TCP and UDP (for names), to outside only. */
static const struct sandbox_syscall own[] = {
	SANDBOX_ALLOW_INT("socket", 0, AF_INET),
	SANDBOX_ALLOW_INT("socket", 0, AF_INET6),
	SANDBOX_ALLOW("connect"),
	SANDBOX_ALLOW("setsockopt"),
	SANDBOX_ALLOW("getsockname"),
	SANDBOX_ALLOW("getpeername"),
	SANDBOX_ALLOW("sendto"),
	SANDBOX_ALLOW("recvfrom"),
	SANDBOX_ALLOW("shutdown"),
};
static const struct sandbox_syscalls own_syscalls = {own, sizeof own / sizeof *own};

const struct sandbox_syscalls *const courier_syscalls[] = {
	&role_syscalls_common,
	&role_syscalls_build,
	&own_syscalls,
	NULL,
};
