/* s3_error.h: errors as S3 names them. */
#pragma once
#include "base/err.h"

struct s3;

enum s3_code {
	S3_CODE_NONE,
	S3_ACCESS_DENIED,
	S3_BAD_DIGEST,
	S3_BUCKET_NOT_EMPTY,
	S3_ENTITY_TOO_LARGE,
	S3_ENTITY_TOO_SMALL,
	S3_INCOMPLETE_BODY,
	S3_INTERNAL_ERROR,
	S3_INVALID_ARGUMENT,
	S3_INVALID_DIGEST,
	S3_INVALID_PART,
	S3_INVALID_PART_ORDER,
	S3_INVALID_RANGE,
	S3_INVALID_REQUEST,
	S3_KEY_TOO_LONG,
	S3_MALFORMED_XML,
	S3_METADATA_TOO_LARGE,
	S3_METHOD_NOT_ALLOWED,
	S3_MISSING_CONTENT_LENGTH,
	S3_NO_SUCH_BUCKET,
	S3_NO_SUCH_KEY,
	S3_NO_SUCH_UPLOAD,
	S3_NO_SUCH_VERSION,
	S3_NOT_IMPLEMENTED,
	S3_NOT_MODIFIED,
	S3_PRECONDITION_FAILED,
	S3_REQUEST_TIMEOUT,
	S3_SERVICE_UNAVAILABLE,
	S3_SIGNATURE_DOES_NOT_MATCH,
	S3_SLOW_DOWN,
	S3_SHA256_MISMATCH,
	S3_CODES,
};

/* Refuses: remembers the code, writes the sentence, and returns an error for the caller to return. */
MUST_USE int s3_refuse(struct s3 *s, enum s3_code code, struct why *reterr_why, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* S3_ENSURE is ENSURE for refusals. */
#define S3_ENSURE(cond, s, code, reterr_why, ...)                                 \
	do {                                                                      \
		if (!(cond))                                                      \
			return s3_refuse((s), (code), (reterr_why), __VA_ARGS__); \
	} while (0)

/* "NoSuchKey". */
const char *s3_code_name(enum s3_code code);

/* Answers with the error that an operation ended with, if no answer has begun; returns what the handler returns. */
MUST_USE int s3_answer_error(struct s3 *s, int err, const struct why *why, struct why *reterr_why);

/* Answers with an error that keys decided. */
struct slice;
MUST_USE int s3_answer_refusal(struct s3 *s, unsigned status, struct slice code, struct slice message,
                               struct why *reterr_why);
