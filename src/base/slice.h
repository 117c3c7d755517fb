/* slice.h: bytes that somebody else owns, and reading hostile ones.
 *
 * A slice is a borrowed pointer and length, never NUL-terminated. A cursor reads a slice from its start; it never moves
 * past its end and never hands out what is not there. On error a cursor has not moved. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct slice {
	const uint8_t *ptr;
	size_t len;
};

struct cursor {
	struct slice rest;
};

static inline struct slice slice_of(const void *bytes, size_t len)
{
	return (struct slice){(const uint8_t *)bytes, len};
}

/* The bytes of a C string, without its NUL. NULL gives the empty slice. */
struct slice slice_str(const char *text);

/* For public bytes only: the time it takes tells where they differ. */
bool slice_equal(struct slice a, struct slice b);
bool slice_equal_nocase(struct slice a, struct slice b);

/* The order of bytes: negative, 0 or positive. A prefix comes before what it begins. */
int slice_compare(struct slice a, struct slice b);

bool slice_is_str(struct slice s, const char *text);
bool slice_is_str_nocase(struct slice s, const char *text);
bool slice_starts_with(struct slice s, const char *prefix);

/* For secrets and authenticators: the time it takes depends on the length only. */
bool bytes_equal_ct(const void *a, const void *b, size_t len);

/* Copies to a C string. ERR_INVALID if `s` holds a NUL byte, ERR_LIMIT if it does not fit `size` with its NUL; then
 * nothing is written. */
MUST_USE int slice_to_str(struct slice s, char *out, size_t size, struct why *reterr_why);

/* A copy of `s` on the heap, NUL-terminated, the caller's to free. ERR_INVALID if `s` holds a NUL byte. */
MUST_USE int slice_dup_str(struct slice s, char **ret_str, struct why *reterr_why);

/* Whole decimal number, no sign, no leading zero but "0" itself, at most `max`. */
MUST_USE int slice_to_u64(struct slice s, uint64_t max, uint64_t *ret_value, struct why *reterr_why);

static inline struct cursor cursor_of(struct slice s)
{
	return (struct cursor){s};
}

/* Takes the next `len` bytes; they stay owned by whoever owns the input. ERR_INVALID if fewer are left. */
MUST_USE int cursor_take(struct cursor *c, size_t len, struct slice *ret_taken, struct why *reterr_why);
/* The same, copied to `out`, which has room for them. */
MUST_USE int cursor_take_bytes(struct cursor *c, void *out, size_t len, struct why *reterr_why);
MUST_USE int cursor_take_u8(struct cursor *c, uint8_t *ret_value, struct why *reterr_why);
MUST_USE int cursor_take_u16be(struct cursor *c, uint16_t *ret_value, struct why *reterr_why);
MUST_USE int cursor_take_u32be(struct cursor *c, uint32_t *ret_value, struct why *reterr_why);
MUST_USE int cursor_take_u64be(struct cursor *c, uint64_t *ret_value, struct why *reterr_why);

/* Takes a part as the protocols write it in lp(): u32 big-endian length, at most `max`, then that many bytes. */
MUST_USE int cursor_take_lp(struct cursor *c, size_t max, struct slice *ret_part, struct why *reterr_why);

/* Takes up to the first `stop` byte, which is skipped and not returned. ERR_INVALID if there is none. */
MUST_USE int cursor_take_until(struct cursor *c, uint8_t stop, struct slice *ret_taken, struct why *reterr_why);

/* ERR_INVALID, naming how many bytes are left over, unless the cursor is at its end. */
MUST_USE int cursor_finish(const struct cursor *c, struct why *reterr_why);
