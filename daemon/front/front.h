/* front.h: role front: TLS, HTTP and the data path of S3. Accepts connections on a socket that it is given; makes none.
 */
#pragma once
#include "daemon/role/role.h"

extern const struct role_spec front_role;

/* The clients of its worker threads; for tests that look from inside. */
struct front_workers;
struct front_workers *front_workers_of(const struct role *role);

/* What it may ask of the kernel: syscalls.c. */
extern const struct sandbox_syscalls *const front_syscalls[];
