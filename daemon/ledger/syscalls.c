#include "daemon/role/syscalls.h"

#include "daemon/ledger/ledger.h"

static const struct sandbox_syscall own[] = {
	SANDBOX_ALLOW("sysinfo"), /* Debian 12's qsort(3) asks how much memory there is before it takes some */
};
static const struct sandbox_syscalls own_syscalls = {own, sizeof own / sizeof *own};

const struct sandbox_syscalls *const ledger_syscalls[] = {
	&role_syscalls_common, &role_syscalls_build, &role_syscalls_files, &own_syscalls, NULL,
};
