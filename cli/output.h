/* output.h: a file that is written whole or not at all.
 *
 * Its bytes go to a file without a name, which the kernel drops if the program ends, however it ends. Only
 * output_finish() gives it the name, once it is durable. Where a file system knows no files without names, a hidden one
 * beside the target stands in, which signals that end the program remove; kill -9 then leaves it.
 *
 * "-" is standard output; what exists and is no regular file (a device, a pipe) is written as it is. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/err.h"

struct output;

/* ERR_CONFLICT if `path` exists, unless `may_replace`. `mode` as in open(2), under the umask. */
MUST_USE int output_open(const char *path, bool may_replace, mode_t mode, struct output **ret_output,
                         struct why *reterr_why);

/* Where to write; borrowed. */
int output_fd(const struct output *o);
bool output_is_stdout(const struct output *o);

/* Makes what was written durable and puts it in place. ERR_CONFLICT if the name was taken meanwhile. */
MUST_USE int output_finish(struct output *o, struct why *reterr_why);

/* Drops what is not finished. */
void output_free(struct output *o);
void output_freep(struct output **o);
