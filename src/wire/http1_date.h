/* http1_date.h: moments as HTTP writes them, "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate, RFC 9110 5.6.7). The two
 * obsolete spellings are not read: nothing has sent them for decades, and a date that is not understood is ignored. */
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

#define HTTP1_DATE_BYTES 30
void http1_date_format(uint64_t wall_ms, char out[static HTTP1_DATE_BYTES]);

/* ERR_INVALID for anything else: a moment that does not exist, a day of the week that is another one, years outside
 * 1970 to 9999. */
MUST_USE int http1_date_parse(struct slice text, uint64_t *ret_wall_ms, struct why *reterr_why);
