#include "daemon/role/syscalls.h"

#include "daemon/keys/keys.h"

const struct sandbox_syscalls *const keys_syscalls[] = {
	&role_syscalls_common,
	&role_syscalls_build,
	&role_syscalls_files,
	NULL,
};
