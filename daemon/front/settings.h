/* settings.h: front's part of the configuration, as the supervisor sends it in CONFIG. */
#pragma once
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct front_settings {
	uint16_t workers; /* threads that handle requests; 1 to FRONT_WORKERS_MAX */
};

MUST_USE int front_settings_put(struct buf *b, const struct front_settings *s, struct why *reterr_why);
MUST_USE int front_settings_take(struct slice settings, struct front_settings *ret, struct why *reterr_why);
