/* progress.h: how far a long transfer is: a bar with rate and time left on a terminal, a plain line now and then where
 * standard error leads elsewhere, and nothing at all for what takes less than a second. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/terminal.h"

#define PROGRESS_TOTAL_UNKNOWN UINT64_MAX

/* Pure: one line without its end, at most `width` columns. `elapsed_ms` since it began. */
#define PROGRESS_LINE_BYTES 512
void progress_line(const char *what, uint64_t done, uint64_t total, uint64_t elapsed_ms, const struct terminal *to,
                   char out[static PROGRESS_LINE_BYTES]);

struct progress;

/* Starts a thread that looks at *done_bytes and writes to standard error. `what` is shown in front and is borrowed, as
 * is the counter. */
MUST_USE int progress_start(const char *what, uint64_t total, _Atomic uint64_t *done_bytes, const struct terminal *to,
                            struct progress **ret_progress, struct why *reterr_why);

/* Stops it and clears the bar. */
void progress_stop(struct progress *p);
void progress_stopp(struct progress **p);
