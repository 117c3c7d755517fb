/* encode.h: hexadecimal and base64 (RFC 4648), strictly: one spelling per value, nothing skipped. The time
 * that valid input takes depends on its length only, so that keys may pass through. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* Lower case, NUL-terminated; `out` holds 2 * bytes.len + 1. */
void hex_encode(struct slice bytes, char *out);

/* Decodes exactly `len` bytes; either case. ERR_INVALID for another length or any other byte. */
MUST_USE int hex_decode(struct slice text, uint8_t *out, size_t len, struct why *reterr_why);

/* Characters that base64 of `len` bytes takes, padding included, without a NUL. */
#define BASE64_LEN(len) (((len) + 2) / 3 * 4)

/* Standard alphabet with padding (section 4), NUL-terminated; `out` holds BASE64_LEN(bytes.len) + 1. */
void base64_encode(struct slice bytes, char *out);

/* The same, appended to a buffer. */
MUST_USE int base64_put(struct buf *b, struct slice bytes, struct why *reterr_why);

/* Decodes the standard alphabet; padding is required and spare bits must be zero. *ret_len is at most `size`.
 * ERR_INVALID for anything else, ERR_LIMIT if it does not fit. */
MUST_USE int base64_decode(struct slice text, uint8_t *out, size_t size, size_t *ret_len, struct why *reterr_why);
