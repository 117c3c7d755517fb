/* print.h: what verbs say and read alike. */
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "wire/json.h"

/* Writes one JSON document and a newline to standard output. */
MUST_USE int print_json(const json_t *json, struct why *reterr_why);

/* Puts the name of what a person gave in front of the sentence of a failed call, and passes its code on. */
MUST_USE int with_name(int err, const char *name, struct why *reterr_why);

/* Opens what a verb reads, "-" being standard input. *ret_size is PROGRESS_TOTAL_UNKNOWN where it can not be told.
 * ERR_CONFLICT for a directory. */
MUST_USE int input_open(const char *path, int *ret_fd, uint64_t *ret_size, struct why *reterr_why);
