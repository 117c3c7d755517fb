/* watch.h: role watch: takes the events of all roles. No network, its own directory only. */
#pragma once
#include "daemon/role/role.h"

extern const struct role_spec watch_role;

/* What it may ask of the kernel: syscalls.c. */
extern const struct sandbox_syscalls *const watch_syscalls[];
