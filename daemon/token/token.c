#include "daemon/token/token.h"

const struct role_spec token_role = {
	.number = ROLE_TOKEN,
	.name = "token",
	.open_files = 256,
	.syscalls = token_syscalls,
};
