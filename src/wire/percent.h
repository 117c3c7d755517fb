/* percent.h: percent-encoding (RFC 3986 section 2.1), with the alphabet that AWS signatures and S3 use: A-Z a-z 0-9 and
 * "-._~" stand for themselves, every other byte is %XX in upper case. */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* Appends `bytes` encoded; the bytes of `also` (NULL: none) stand for themselves too, "/" in a path for instance. */
MUST_USE int percent_encode_put(struct buf *into, struct slice bytes, const char *also, struct why *reterr_why);

/* Appends `text` decoded: %XX in either case, every other byte as it is. ERR_INVALID where a % is not followed by two
 * hexadecimal digits. */
MUST_USE int percent_decode_put(struct buf *into, struct slice text, struct why *reterr_why);
