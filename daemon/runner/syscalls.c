#include "daemon/role/syscalls.h"

#include "daemon/runner/runner.h"

const struct sandbox_syscalls *const runner_syscalls[] = {
	&role_syscalls_common,
	&role_syscalls_build,
	&role_syscalls_files,
	NULL,
};
