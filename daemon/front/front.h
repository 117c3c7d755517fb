/* front.h: role front: TLS, HTTP and the data path of S3. Accepts connections on a socket that it is given; makes none.
 */
#pragma once
#include "daemon/role/role.h"

extern const struct role_spec front_role;

/* What it may ask of the kernel: syscalls.c. */
extern const struct sandbox_syscalls *const front_syscalls[];
