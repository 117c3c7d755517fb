/* json.h: JSON (RFC 8259) that comes from outside, strictly, and its canonical form (RFC 8785; docs/protocol/json.md).
 *
 * Values are jansson's. Accepted: UTF-8, one object or array, no member twice, no U+0000, numbers that fit, at most
 * limits.h: JSON_* of bytes, depth and values. A getter's sentence names the member and what it must be. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"

/* For CLEANUP(json_freep) json_t *. (jansson takes the name json_decrefp.) */
void json_freep(json_t **value);

/* First thing in main() of every program, before it is sandboxed and before any other call here: seeds jansson's hash
 * tables from getrandom(2) (by itself it would open /dev/urandom), and makes jansson wipe whatever it frees, since JSON
 * carries keys. ERR_UNAVAILABLE if the kernel gives no random bytes. */
MUST_USE int json_init(struct why *reterr_why);

/* Reads one object or array. ERR_INVALID with line and column, ERR_LIMIT. */
MUST_USE int json_read(struct slice text, json_t **ret_value, struct why *reterr_why);

/* As json_read(), for text that must be an object. */
MUST_USE int json_read_object(struct slice text, json_t **ret_object, struct why *reterr_why);

/* Appends the value without white space, members in the order in which they were set. */
MUST_USE int json_put(const json_t *value, struct buf *into, struct why *reterr_why);

/* --- canonical JSON --- */

/* Appends the RFC 8785 form. Numbers: integers from -(2^53 - 1) to 2^53 - 1 only; ERR_INVALID for any other. */
MUST_USE int json_canonical_put(const json_t *value, struct buf *into, struct why *reterr_why);

/* As json_read(), and ERR_INVALID unless the text is its own canonical form. */
MUST_USE int json_canonical_read(struct slice text, json_t **ret_value, struct why *reterr_why);

/* --- members of an object: ERR_INVALID if one is missing or of another kind --- */

/* The text of a string; borrowed from the object. */
MUST_USE int json_get_str(const json_t *object, const char *name, const char **ret_text, struct why *reterr_why);
MUST_USE int json_get_int(const json_t *object, const char *name, int64_t min, int64_t max, int64_t *ret_value,
                          struct why *reterr_why);
MUST_USE int json_get_bool(const json_t *object, const char *name, bool *ret_value, struct why *reterr_why);

/* A member that is an object or an array; borrowed. */
MUST_USE int json_get_object(const json_t *object, const char *name, json_t **ret_object, struct why *reterr_why);
MUST_USE int json_get_array(const json_t *object, const char *name, json_t **ret_array, struct why *reterr_why);

/* A string of base64 (RFC 4648 section 4), decoded and appended. ERR_LIMIT if `into` cannot hold it. */
MUST_USE int json_get_base64(const json_t *object, const char *name, struct buf *into, struct why *reterr_why);

/* The same into a new secret; ERR_INVALID if it is empty, ERR_LIMIT over SECRET_LARGE_BYTES. */
MUST_USE int json_get_base64_secret(const json_t *object, const char *name, struct secret **ret_secret,
                                    struct why *reterr_why);

/* The same for members that may be absent or null: then they answer ERR_OK and leave the output as it is. */
MUST_USE int json_opt_str(const json_t *object, const char *name, const char **inout_text, struct why *reterr_why);
MUST_USE int json_opt_int(const json_t *object, const char *name, int64_t min, int64_t max, int64_t *inout_value,
                          struct why *reterr_why);
MUST_USE int json_opt_bool(const json_t *object, const char *name, bool *inout_value, struct why *reterr_why);
MUST_USE int json_opt_object(const json_t *object, const char *name, json_t **inout_object, struct why *reterr_why);
MUST_USE int json_opt_array(const json_t *object, const char *name, json_t **inout_array, struct why *reterr_why);

/* ERR_INVALID, naming it and the nearest known one, if the object has a member that is not in `known` (NULL ends it).
 */
MUST_USE int json_only_members(const json_t *object, const char *const *known, struct why *reterr_why);

/* --- building: they take nothing over; ERR_INVALID for text that is not UTF-8, ERR_UNAVAILABLE without memory --- */

MUST_USE int json_set_str(json_t *object, const char *name, struct slice text, struct why *reterr_why);
MUST_USE int json_set_int(json_t *object, const char *name, int64_t value, struct why *reterr_why);
MUST_USE int json_set_bool(json_t *object, const char *name, bool value, struct why *reterr_why);
MUST_USE int json_set_base64(json_t *object, const char *name, struct slice bytes, struct why *reterr_why);
