/* courier.h: role courier: every outbound connection. No files. */
#pragma once
#include "daemon/role/role.h"

extern const struct role_spec courier_role;

/* What it may ask of the kernel: syscalls.c. */
extern const struct sandbox_syscalls *const courier_syscalls[];
