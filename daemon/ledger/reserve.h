/* reserve.h: room on the disk that is kept for administration, so that a flood of ordinary records cannot stop it
 * (protocols.md 7).
 *
 * A preallocated file. While it is whole and LEDGER_FREE_BYTES_MIN are free beside it, everything is logged. Below,
 * only administration is, and when that runs short the file is given back step by step. What was given back is taken
 * again as soon as there is room. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct reserve {
	int fd;
	uint64_t bytes; /* of the file now */
	/* Bytes that we may still write to the file system of the descriptor. For tests to say otherwise. */
	int (*measure)(int fd, uint64_t *ret_free, struct why *reterr_why);
};

/* Opens or makes the file "reserve" and fills it as far as there is room. *r is zero but for `measure`, if it is set.
 */
MUST_USE int reserve_open(struct reserve *r, int dir_fd, struct why *reterr_why);
void reserve_close(struct reserve *r);

/* Whether there is room for an ordinary record. */
MUST_USE int reserve_has_room(const struct reserve *r, bool *ret_has_room, struct why *reterr_why);

/* Gives back enough that administration can write a batch, if there is as much. Call it before. */
MUST_USE int reserve_make_room(struct reserve *r, struct why *reterr_why);

/* Takes again what was given back, as far as there is room. */
MUST_USE int reserve_refill(struct reserve *r, struct why *reterr_why);
