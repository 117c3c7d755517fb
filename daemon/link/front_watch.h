/* front_watch.h: what front asks of watch. */
#pragma once
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum {
	/* Request: u16 role number. Reply: struct event_counts. */
	FRONT_WATCH_COUNTS = 0x1701,
};

/* What watch knows of one producer, over all its starts that watch has seen. */
struct event_counts {
	uint32_t starts; /* the latest */
	uint64_t received;
	uint64_t lost; /* numbers that never came */
};

MUST_USE int event_counts_put(struct buf *b, const struct event_counts *c, struct why *reterr_why);
MUST_USE int event_counts_take(struct slice body, struct event_counts *ret, struct why *reterr_why);
