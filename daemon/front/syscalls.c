#include "daemon/role/syscalls.h"

#include "daemon/front/front.h"

/* Connections come in by accept on a socket that it was given; socket, bind and connect are not here. */
static const struct sandbox_syscall own[] = {
	SANDBOX_ALLOW("sysinfo"), /* the C library's qsort asks how much memory there is; OpenSSL sorts */
	SANDBOX_ALLOW("accept4"),    SANDBOX_ALLOW("getpeername"), SANDBOX_ALLOW("getsockname"),
	SANDBOX_ALLOW("setsockopt"), SANDBOX_ALLOW("sendto"),      SANDBOX_ALLOW("recvfrom"),
	SANDBOX_ALLOW("pwritev"),    SANDBOX_ALLOW("preadv"), /* segments of the store */
	SANDBOX_ALLOW("shutdown"),   SANDBOX_ALLOW("sendfile"),    SANDBOX_ALLOW("eventfd2"),
};
static const struct sandbox_syscalls own_syscalls = {own, sizeof own / sizeof *own};

const struct sandbox_syscalls *const front_syscalls[] = {
	&role_syscalls_common, &role_syscalls_build, &role_syscalls_files, &own_syscalls, NULL,
};
