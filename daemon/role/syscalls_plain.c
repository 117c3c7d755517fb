#include "daemon/role/syscalls.h"

const struct sandbox_syscalls role_syscalls_build = {NULL, 0};
