/* settings.h: keys' part of the configuration, as the supervisor sends it in CONFIG. */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct keys_settings {
	struct slice passphrase_file; /* a path; empty: start sealed */
	struct slice region;
};

MUST_USE int keys_settings_put(struct buf *b, const struct keys_settings *s, struct why *reterr_why);

/* Borrows from `settings`. */
MUST_USE int keys_settings_take(struct slice settings, struct keys_settings *ret, struct why *reterr_why);
