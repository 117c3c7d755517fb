/* answer.h: what a handler gives back: the answer for the client, and whether it has to wait for a record. */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "daemon/link/call.h"
#include "iam/signature.h"

struct keys_answer {
	uint16_t status;
	const char *content_type; /* static */
	struct buf *body;         /* owned; wiped when freed */
	uint64_t ticket;          /* 0: to be sent at once; else when that record is durable */
	char request_id[CALL_REQUEST_ID_BYTES + 1];
};
void keys_answer_clear(struct keys_answer *a);

/* Appends it as FRONT_KEYS_API_CALL answers. */
MUST_USE int keys_answer_put(const struct keys_answer *a, struct buf *into, struct why *reterr_why);

/* An error in the words of the API that was called. `message` is cut to valid UTF-8. */
MUST_USE int keys_answer_error(struct keys_answer *a, enum iam_api api, int status, const char *code,
                               const char *message, struct why *reterr_why);

/* What a repeated call that sets something is answered with; and back. */
MUST_USE int keys_answer_save(const struct keys_answer *a, struct buf *into, struct why *reterr_why);
MUST_USE int keys_answer_load(struct slice saved, struct keys_answer *a, struct why *reterr_why);
