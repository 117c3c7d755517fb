/* init.h: `cloisterd --init`: makes an installation in a state directory before any role runs, gives its files to the
 * roles' users, and prints one JSON object, which holds the first access keys: they are shown once. */
#pragma once
#include "base/err.h"
#include "daemon/system.h"

/* Reads the command line after --init. ERR_CONFLICT if there is an installation already, or a supervisor runs. */
MUST_USE int init_run(int argc, char **argv, const struct system *system, struct why *reterr_why);
