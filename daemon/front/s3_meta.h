/* s3_meta.h: what is kept of a request's headers with an object, as canonical JSON in its sidecar, and how it becomes
 * headers again: {"headers":{"content-type":…},"user":{name:value},"checksum":{"kind":…,"value":…,"type":…}}. */
#pragma once
#include "base/buf.h"
#include "daemon/front/s3_checksum.h"
#include "wire/json.h"

struct s3;

/* Refuses a request to write that asks for something that is not offered: copying, ACLs, tags, object locks, other
 * encryption. Saying nothing would be to pretend. */
MUST_USE int s3_meta_check_request(struct s3 *s, struct why *reterr_why);

/* From the headers of the request. */
MUST_USE int s3_meta_new(struct s3 *s, json_t **ret_meta, struct why *reterr_why);

/* `value` may be NULL, for an upload whose checksum is known at its end only; `type`: "FULL_OBJECT" or "COMPOSITE". */
MUST_USE int s3_meta_set_checksum(json_t *meta, enum s3_checksum_kind kind, const char *value, const char *type,
                                  struct why *reterr_why);

/* The checksum that is kept; kind S3_CHECKSUM_NONE if there is none. Borrowed from `meta`. */
struct s3_meta_checksum {
	enum s3_checksum_kind kind;
	const char *value, *type; /* value: "" while unknown */
};
MUST_USE int s3_meta_checksum(const json_t *meta, struct s3_meta_checksum *ret_checksum, struct why *reterr_why);

/* Adds them to the answer, with what the request's response-* parameters put in their place. */
MUST_USE int s3_meta_answer(struct s3 *s, const json_t *meta, bool wants_checksum, struct why *reterr_why);
