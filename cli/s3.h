/* s3.h: naming buckets and objects, and S3's calls on them. */
#pragma once
#include "cli/cli.h"
#include "cli/client.h"

/* "BUCKET" or "BUCKET/KEY"; borrowed from the text. */
struct s3_name {
	struct slice bucket, key; /* the key is empty if there is none */
};

/* ERR_INVALID for an empty bucket; with `needs_key` also for a missing key. */
MUST_USE int s3_name_parse(const char *text, bool needs_key, struct s3_name *ret_name, struct why *reterr_why);

/* Appends "/bucket/key", encoded as signatures demand. */
MUST_USE int s3_target_put(const struct s3_name *name, struct buf *into, struct why *reterr_why);

/* A call without a body; the answer's, XML if there is any, is appended. */
MUST_USE int s3_call(struct client *c, const char *method, const struct buf *target, struct buf *into,
                     struct why *reterr_why);
