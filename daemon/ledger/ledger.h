/* ledger.h: role ledger: the only writer of the transparency log; signs checkpoints. No network, its own directory
 * only. */
#pragma once
#include "daemon/role/role.h"

extern const struct role_spec ledger_role;

/* What it may ask of the kernel: syscalls.c. */
extern const struct sandbox_syscalls *const ledger_syscalls[];
