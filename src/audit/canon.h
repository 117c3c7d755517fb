/* canon.h: reading canonical JSON (RFC 8785) without building a tree of it.
 *
 * Records and leaves are hashed as bytes, so a text that is not in the one canonical form is refused instead of being
 * repaired: members sorted and unique, no white space, the shortest escapes, UTF-8. Numbers are checked for their
 * grammar; that a fraction is the shortest one that reads back the same is the writer's word. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/slice.h"

/* Checks that `text` is one canonical JSON object of at most CANON_DEPTH_MAX levels. ERR_INVALID names the byte at
 * which it is not; ERR_LIMIT if it nests deeper. */
MUST_USE int canon_check_object(struct slice text, struct why *reterr_why);

/* One member of an object: its name as written between the quotes, its value as written. */
struct canon_member {
	struct slice name;
	struct slice value;
};

/* Walks over the members of an object that canon_check_object() has passed. */
struct canon_walk {
	struct cursor rest;
};
struct canon_walk canon_members(struct slice object);
bool canon_next(struct canon_walk *walk, struct canon_member *ret_member);

/* The value of a member of such an object. False if it has none of that name. */
bool canon_find(struct slice object, const char *name, struct slice *ret_value);

/* The content of a string value without escapes (names, numbers in base64, times). ERR_INVALID for another kind of
 * value or one with escapes in it. */
MUST_USE int canon_plain_string(struct slice value, struct slice *ret_text, struct why *reterr_why);

/* A whole number from 0 to 2^53 - 1, beyond which JSON numbers are not exact. */
#define CANON_NUMBER_MAX 9007199254740991u
MUST_USE int canon_number(struct slice value, uint64_t *ret_value, struct why *reterr_why);

/* Orders two member names as RFC 8785 section 3.2.3 does, by their UTF-16 code units: <0, 0, >0. Names as written. */
int canon_name_compare(struct slice a, struct slice b);

/* Appends a string value: quotes, the text, the escapes of RFC 8785 section 3.2.2.2. The text must be UTF-8. */
MUST_USE int canon_put_string(struct buf *into, struct slice text, struct why *reterr_why);

/* Appends the text that a string value stands for. ERR_INVALID for another kind of value. */
MUST_USE int canon_unescape(struct slice value, struct buf *into, struct why *reterr_why);
