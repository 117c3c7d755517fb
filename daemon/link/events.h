/* events.h: how every role tells watch what happened: EVENT, a request that watch answers with the number up to which
 * it has everything. A producer keeps an event until then and sends it again over a new link. */
#pragma once
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum { EVENT = 0x0201 };

enum event_severity {
	EVENT_INFO = 1,
	EVENT_WARNING = 2,
	EVENT_ALERT = 3,
};

struct event {
	uint32_t starts; /* of the producer: its numbers begin anew with each start */
	uint64_t seq;    /* from 1, without gaps: a gap is a loss */
	uint64_t wall_ms;
	enum event_severity severity;
	struct slice name;   /* dotted lower case; EVENT_NAME_BYTES_MAX */
	struct slice detail; /* JSON; EVENT_DETAIL_BYTES_MAX */
};

MUST_USE int event_put(struct buf *b, const struct event *e, struct why *reterr_why);
/* Slices are borrowed from `body`. */
MUST_USE int event_take(struct slice body, struct event *ret, struct why *reterr_why);

/* The reply: every event up to `seq` has been taken. */
MUST_USE int event_ack_put(struct buf *b, uint64_t seq, struct why *reterr_why);
MUST_USE int event_ack_take(struct slice body, uint64_t *ret_seq, struct why *reterr_why);
