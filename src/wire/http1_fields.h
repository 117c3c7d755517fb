/* http1_fields.h: the fields of a head or of a trailer section (RFC 9110 5, RFC 9112 5), read strictly.
 *
 * Everything that one implementation skips and another one reads differently is refused: obsolete folding, a bare CR or
 * LF, white space before the colon, control characters. Names and values point into the caller's bytes. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/slice.h"

struct http1_field {
	struct slice name;
	struct slice value; /* without the white space around it */
};

struct http1_fields {
	struct http1_field at[HTTP1_FIELDS_MAX];
	size_t count;
};

/* Reads lines "name: value", each ended by CRLF; no lines at all are no fields. ERR_INVALID with what is wrong,
 * ERR_LIMIT over HTTP1_FIELDS_MAX. */
MUST_USE int http1_fields_parse(struct slice lines, struct http1_fields *ret_fields, struct why *reterr_why);

/* The value of the only field of that name, in any letter case. ERR_NOTFOUND if there is none, ERR_CONFLICT if there
 * are several: fields that decide something must be one. */
MUST_USE int http1_fields_one(const struct http1_fields *fields, const char *name, struct slice *ret_value,
                              struct why *reterr_why);

/* The value of the first field of that name; false, and the empty slice, if there is none. */
bool http1_fields_find(const struct http1_fields *fields, const char *name, struct slice *ret_value);

/* How many fields have that name. */
size_t http1_fields_count(const struct http1_fields *fields, const char *name);

/* Whether some field of that name, read as a comma-separated list (RFC 9110 5.6.1), has the member `token`. */
bool http1_fields_list_has(const struct http1_fields *fields, const char *name, const char *token);

/* One or more token characters (RFC 9110 5.6.2). */
bool http1_is_token(struct slice s);

/* Whether `s` may stand as a field's value: no control characters but TAB, no white space at its ends. */
bool http1_is_value(struct slice s);

/* Drops spaces and tabs at both ends. */
struct slice http1_trim(struct slice s);
