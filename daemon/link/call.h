/* call.h: a client's request as front hands it to keys, and keys' answer (docs/protocol/front-keys.md).
 *
 * The request goes over as the raw bytes that came: nothing is decoded or normalised on the way, because keys trusts
 * only what it canonicalised and hashed itself. What is decoded here borrows from the message. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/slice.h"

#define CALL_REQUEST_ID_BYTES 16

struct call_field {
	struct slice name, value;
};

struct call_head {
	struct slice method;
	struct slice target; /* the raw request target */
	bool is_tls;
	struct slice peer; /* the client's address as text */
	char request_id[CALL_REQUEST_ID_BYTES +
	                1]; /* upper-case letters and digits: what the client sees and the log holds */
	size_t field_count;
	struct call_field fields[CALL_FIELDS_MAX];
};

MUST_USE int call_head_put(const struct call_head *head, struct buf *into, struct why *reterr_why);
MUST_USE int call_head_take(struct cursor *c, struct call_head *ret_head, struct why *reterr_why);

/* The first field of that name, in any case; false if there is none. */
bool call_head_field(const struct call_head *head, const char *name, struct slice *ret_value);

/* One byte, 0 or 1; ERR_INVALID for any other. */
MUST_USE int call_flag_take(struct cursor *c, bool *ret_flag, struct why *reterr_why);

/* What goes back to the client as it is. */
struct call_answer {
	uint16_t status;
	size_t field_count;
	struct call_field fields[CALL_ANSWER_FIELDS_MAX];
	struct slice body;
};

MUST_USE int call_answer_put(const struct call_answer *answer, struct buf *into, struct why *reterr_why);
MUST_USE int call_answer_take(struct cursor *c, struct call_answer *ret_answer, struct why *reterr_why);
