/* s3_body.h: the body of a request that writes: taken out of its coding, checked against everything that was said about
 * it, and handed on piece by piece. What was handed on may not be published before s3_body_read() said ERR_OK. */
#pragma once
#include "daemon/front/s3.h"
#include "daemon/front/s3_checksum.h"

struct s3_body_result {
	uint64_t length;
	enum s3_checksum_kind kind; /* the checksum that was asked for or declared, and its value */
	char checksum[S3_CHECKSUM_TEXT_BYTES];
};

typedef int s3_body_sink(void *ctx, struct slice plain, struct why *reterr_why);

/* Reads the whole body as keys' decision says it is authenticated: its SHA-256, or each signed chunk by keys. Checks
 * Content-MD5 and a checksum in a header or trailer too. `kind`: a checksum to be made even if the client sent none;
 * S3_CHECKSUM_NONE: as the client wants. At most `max` bytes. */
MUST_USE int s3_body_read(struct s3 *s, enum s3_checksum_kind kind, uint64_t max, s3_body_sink *sink, void *ctx,
                          struct s3_body_result *ret_result, struct why *reterr_why);

/* A small body that is needed before keys is asked, into w->body: not aws-chunked. */
MUST_USE int s3_body_read_whole(struct s3 *s, struct why *reterr_why);

/* Checks that body against its headers and against keys' decision. Without `has_checksum`, x-amz-checksum-* is about
 * something else. */
MUST_USE int s3_body_check_whole(struct s3 *s, bool has_checksum, struct why *reterr_why);
