/* options.h: what the supervisor is told. A configuration file can fill the same structure. */
#pragma once
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/limits.h"
#include "daemon/system.h"

struct supervisor_config {
	char state[PATH_BYTES_MAX]; /* the state directory */
	char listen[64];            /* ADDRESS:PORT or [ADDRESS]:PORT, numeric */
	char insecure_http[64];     /* the same, on a loopback address: plain HTTP; "": none */
	uint32_t roles;             /* which to start: bits 1 << role number */
	uid_t uid_base;             /* as root, role n becomes user and group uid_base + n */
	uint16_t front_workers;
	char passphrase_file[PATH_BYTES_MAX]; /* keys unseals by it; "": it starts sealed */
	char region[SIGV4_REGION_BYTES_MAX + 1];
};

extern const char supervisor_usage[];

/* Reads the command line. ERR_INVALID, saying what to write instead. Starts all roles unless told otherwise. */
MUST_USE int supervisor_options_read(int argc, char **argv, const struct system *system,
                                     struct supervisor_config *ret_config, struct why *reterr_why);
