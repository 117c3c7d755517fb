/* producers.h: who has sent which events, and which are missing. Pure. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "daemon/link/front_watch.h"
#include "daemon/system.h"

struct watch_producer {
	struct event_counts counts;
	uint64_t last_seq; /* of the present start */
};

struct watch_producers {
	struct watch_producer by_role[ROLE_NUMBER_MAX + 1];
};

/* Notes event `seq` of start `starts`, of a role up to ROLE_NUMBER_MAX. True if it is new: false for one that was sent
 * again, or of an earlier start. *ret_lost is how many were skipped before it. The first event that watch ever sees of
 * a start may have any number: what came before, an earlier watch has acknowledged. */
bool watch_producers_note(struct watch_producers *p, uint16_t role, uint32_t starts, uint64_t seq, uint64_t *ret_lost);
