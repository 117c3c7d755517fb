#include "daemon/verifier/verifier.h"

const struct role_spec verifier_role = {
	.number = ROLE_VERIFIER,
	.name = "verifier",
	.open_files = 256,
	.syscalls = verifier_syscalls,
};
