#include "daemon/runner/runner.h"

const struct role_spec runner_role = {
	.number = ROLE_RUNNER,
	.name = "runner",
	.directory = "runner",
	.open_files = 256,
	.syscalls = runner_syscalls,
};
