/* keys.h: role keys: root key, KMS, IAM, STS. No network, its own directory only. */
#pragma once
#include "daemon/role/role.h"

extern const struct role_spec keys_role;

/* What it may ask of the kernel: syscalls.c. */
extern const struct sandbox_syscalls *const keys_syscalls[];
