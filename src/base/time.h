/* time.h: two clocks and the one way to write a moment down. */
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

/* Milliseconds since 1970-01-01T00:00:00Z. For records and signatures; it can be set back. */
uint64_t time_wall_ms(void);

/* Milliseconds since boot, suspends included. For deadlines and leases; it never goes back. */
uint64_t time_mono_ms(void);

/* "2026-11-22T19:33:07Z" and, with milliseconds, "2026-11-22T19:33:07.042Z" (RFC 3339, always UTC). */
#define TIME_RFC3339_BYTES 32
void time_format(uint64_t wall_ms, char out[static TIME_RFC3339_BYTES]);
void time_format_ms(uint64_t wall_ms, char out[static TIME_RFC3339_BYTES]);

/* "20261122T193307Z", as AWS signatures write it. */
#define TIME_BASIC_BYTES 24
void time_format_basic(uint64_t wall_ms, char out[static TIME_BASIC_BYTES]);

/* time_parse() reads the first two forms, time_parse_basic() the last: years 1970 to 9999, UTC only, no leap second.
 * ERR_INVALID with the form that was expected. */
MUST_USE int time_parse(struct slice text, uint64_t *ret_wall_ms, struct why *reterr_why);
MUST_USE int time_parse_basic(struct slice text, uint64_t *ret_wall_ms, struct why *reterr_why);
