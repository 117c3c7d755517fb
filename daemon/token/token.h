/* token.h: role token: hardware and its like: TPM, PKCS#11 modules, external-KMS and JWKS TLS over the courier's byte
 * pipe, attestation quotes of this host, the `sim` key. No network; its device and module paths only. */
#pragma once
#include "daemon/role/role.h"

extern const struct role_spec token_role;

/* What it may ask of the kernel: syscalls.c. */
extern const struct sandbox_syscalls *const token_syscalls[];
