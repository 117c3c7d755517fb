/* runner.h: role runner: the job state machine. No network, its own directory only. */
#pragma once
#include "daemon/role/role.h"

extern const struct role_spec runner_role;

/* What it may ask of the kernel: syscalls.c. */
extern const struct sandbox_syscalls *const runner_syscalls[];
