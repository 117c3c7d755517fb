/* scratch.h: what tests of files and of crashes share: a directory of their own, a forked child, a count of open
 * descriptors. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* A new empty directory under $TMPDIR or /tmp, as a descriptor; ends the test without one. scratch_path() is its name,
 * until the next call. */
int scratch_open(void);
const char *scratch_path(void);

/* Removes what scratch_open() made, and all in it, and closes it. */
void scratch_close(int dir_fd);

/* How many entries the directory has. */
size_t scratch_count(int dir_fd);

/* Runs `work` in a forked child, without core dump or sanitizer report, and waits. Returns the signal that ended it, or
 * minus its exit status: 0 when `work` returned. */
int scratch_child(void (*work)(void *context), void *context);

/* Open descriptors of this process. */
size_t scratch_open_fds(void);
