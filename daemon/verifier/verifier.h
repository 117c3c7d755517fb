/* verifier.h: role verifier: a pure function from evidence to claims, where what attackers send is parsed. No network,
 * no files, no secrets. */
#pragma once
#include "daemon/role/role.h"

extern const struct role_spec verifier_role;

/* What it may ask of the kernel: syscalls.c. */
extern const struct sandbox_syscalls *const verifier_syscalls[];
