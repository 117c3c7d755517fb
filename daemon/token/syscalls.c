#include "daemon/role/syscalls.h"

#include "daemon/token/token.h"

const struct sandbox_syscalls *const token_syscalls[] = {
	&role_syscalls_common,
	&role_syscalls_build,
	NULL,
};
