#include "daemon/keys/keys.h"

const struct role_spec keys_role = {
	.number = ROLE_KEYS,
	.name = "keys",
	.directory = "keys",
	.open_files = 256,
	.syscalls = keys_syscalls,
};
