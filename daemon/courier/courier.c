#include "daemon/courier/courier.h"

const struct role_spec courier_role = {
	.number = ROLE_COURIER,
	.name = "courier",
	.open_files = 1024,
	.syscalls = courier_syscalls,
	.tcp = SANDBOX_TCP_CONNECT,
};
