/* handlers.h: the messages of role ledger: they decode, ask the service, and answer. The role's own state is a struct
 * log_service. */
#pragma once
#include "daemon/ledger/service.h"
#include "daemon/role/role.h"

extern const struct ipc_permits ledger_permits;

/* The service's sink, for a role: answers requests and passes events on. */
struct log_service_sink ledger_sink(struct role *role);
