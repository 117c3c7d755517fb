/* form.h: name=value pairs: the query of a URL, and application/x-www-form-urlencoded bodies (the Query APIs of IAM and
 * STS). Strict and bounded (limits.h: FORM_*): no empty parameter, no empty name, no NUL, UTF-8 only. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/slice.h"

enum form_kind {
	FORM_BODY,  /* '+' is a space */
	FORM_QUERY, /* '+' is refused: readers disagree about it, so it has to be written %20 or %2B */
};

enum form_repeats {
	FORM_REPEATS_REFUSED,
	FORM_REPEATS_KEPT,
};

struct form_pair {
	struct slice name, value; /* decoded; a parameter without '=' has an empty value */
};

struct form;

/* Reads the pairs, in their order. ERR_INVALID with the parameter's number, ERR_LIMIT. */
MUST_USE int form_read(struct slice text, enum form_kind kind, enum form_repeats repeats, struct form **ret_form,
                       struct why *reterr_why);
void form_free(struct form *f);
void form_freep(struct form **f);

/* The pairs; borrowed until form_free(). */
size_t form_count(const struct form *f);
struct form_pair form_at(const struct form *f, size_t at);

/* The value of a parameter, empty values included; false if it is not there. Borrowed until form_free(). */
bool form_find(const struct form *f, const char *name, struct slice *ret_value);

/* As form_find(), for a parameter that must be there and not be empty: ERR_INVALID names it. */
MUST_USE int form_get(const struct form *f, const char *name, struct slice *ret_value, struct why *reterr_why);

/* Appends name=value, both encoded, after a '&' if the buffer is not empty: for clients. */
MUST_USE int form_put(struct buf *into, const char *name, struct slice value, struct why *reterr_why);
