#include "daemon/role/syscalls.h"

#include "daemon/ledger/ledger.h"

const struct sandbox_syscalls *const ledger_syscalls[] = {
	&role_syscalls_common,
	&role_syscalls_build,
	&role_syscalls_files,
	NULL,
};
