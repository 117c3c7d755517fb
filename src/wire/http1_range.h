/* http1_range.h: byte ranges (RFC 9110 14), one at a time as S3 has them. */
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum http1_range {
	HTTP1_RANGE_WHOLE,         /* 200: another unit, several ranges, or malformed: RFC 9110 14.2 says ignore it */
	HTTP1_RANGE_PART,          /* 206 */
	HTTP1_RANGE_UNSATISFIABLE, /* 416 */
};

/* Reads a Range field against a representation of `size` bytes. For HTTP1_RANGE_PART, *ret_first <= *ret_last < size;
 * otherwise neither is touched. */
enum http1_range http1_range_parse(struct slice value, uint64_t size, uint64_t *ret_first, uint64_t *ret_last);

/* Reads a Content-Range field, "bytes first-last/size", for a client to check that it got what it asked for.
 * ERR_INVALID for anything else, an unknown size included. */
MUST_USE int http1_content_range_parse(struct slice value, uint64_t *ret_first, uint64_t *ret_last, uint64_t *ret_size,
                                       struct why *reterr_why);
