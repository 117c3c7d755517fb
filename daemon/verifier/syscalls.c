#include "daemon/role/syscalls.h"

#include "daemon/verifier/verifier.h"

const struct sandbox_syscalls *const verifier_syscalls[] = {
	&role_syscalls_common,
	&role_syscalls_build,
	NULL,
};
