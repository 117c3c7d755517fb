/* percent.h: percent-encoding (RFC 3986 section 2.1), with the alphabet that AWS signatures and S3 use: A-Z a-z 0-9 and
 * "-._~" stand for themselves, every other byte is %XX in upper case. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* Appends `bytes` encoded; the bytes of `also` (NULL: none) stand for themselves too, "/" in a path for instance. */
MUST_USE int percent_encode_put(struct buf *into, struct slice bytes, const char *also, struct why *reterr_why);

/* Appends `text` decoded: %XX in either case, with `plus_is_space` + as a space, every other byte as it is. ERR_INVALID
 * where a % is not followed by two hexadecimal digits; then nothing is appended. */
MUST_USE int percent_decode_put(struct buf *into, struct slice text, bool plus_is_space, struct why *reterr_why);

/* The same in two steps, for who has the room already: how many bytes it will be, with the errors; and the bytes. */
MUST_USE int percent_decoded_len(struct slice text, size_t *ret_len, struct why *reterr_why);
void percent_decode(struct slice text, bool plus_is_space, uint8_t *out);

/* The byte that the escape at text.ptr[at], a '%', stands for; -1 if it is none. */
int percent_escape_value(struct slice text, size_t at);
