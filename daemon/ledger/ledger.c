#include "daemon/ledger/ledger.h"

const struct role_spec ledger_role = {
	.number = ROLE_LEDGER,
	.name = "ledger",
	.directory = "ledger",
	.open_files = 256,
	.syscalls = ledger_syscalls,
};
