/* workers.h: what each worker thread of front calls other roles by: a blocking client of its own to each of keys,
 * ledger, runner and watch. Worker w uses links of instance w + 1; instance 0 is the main loop's. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "daemon/link/control.h"
#include "daemon/system.h"
#include "ipc/call.h"

struct front_workers;

/* Clients for `count` workers, without sockets yet. */
MUST_USE int front_workers_new(uint16_t count, struct front_workers **ret_workers, struct why *reterr_why);
void front_workers_free(struct front_workers *workers);

/* Gives a worker's client its new socket, which it owns then: true. False if the link is not a worker's. Main thread.
 */
bool front_workers_connect(struct front_workers *workers, const struct control_link *link, int fd);

/* Worker `worker`'s client to `role`; NULL for a role or a worker that there is not. For that thread only. */
struct ipc_client *front_workers_client(struct front_workers *workers, uint16_t worker, enum role_number role);
