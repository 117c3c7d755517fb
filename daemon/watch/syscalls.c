#include "daemon/role/syscalls.h"

#include "daemon/watch/watch.h"

const struct sandbox_syscalls *const watch_syscalls[] = {
	&role_syscalls_common,
	&role_syscalls_build,
	&role_syscalls_files,
	NULL,
};
