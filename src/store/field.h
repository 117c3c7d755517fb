/* field.h: how sidecars and records write what has a limit: what one accepts to write, it also accepts to read. A
 * record that is durable and cannot be read back would keep the store from starting. */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* lp(part). ERR_LIMIT over `max` bytes; `what` names it: "a key". */
MUST_USE static inline int field_put(struct buf *into, struct slice part, size_t max, const char *what,
                                     struct why *reterr_why)
{
	ENSURE(part.len <= max, ERR_LIMIT, reterr_why, "%s of %zu bytes; at most %zu are accepted", what, part.len,
	       max);
	return buf_put_lp(into, part, reterr_why);
}
