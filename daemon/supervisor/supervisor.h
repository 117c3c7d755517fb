/* supervisor.h: role supervisor: starts the roles, wires them to each other, restarts what crashes, stops in order. It
 * parses nothing from outside and holds no secrets. */
#pragma once
#include "base/err.h"
#include "daemon/supervisor/options.h"
#include "daemon/system.h"

/* Runs until SIGTERM or SIGINT (ERR_OK) or until it cannot go on: a state directory or port in use, a role that says
 * that it can never start (its own error), a crash loop (ERR_UNAVAILABLE). Every role has ended when it returns. */
MUST_USE int supervisor_run(const struct supervisor_config *config, const struct system *system,
                            struct why *reterr_why);
