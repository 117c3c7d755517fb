/* s3.h: which S3 operation a request asks for, on what: a pure function of method, request target and headers.
 *
 * keys and front both call it on the same raw bytes: keys to decide, front to act, so that neither believes the other.
 * A sub-resource or parameter that is not known is refused by name: `?acl` is never taken for a plain read. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/slice.h"

enum s3_op {
	S3_LIST_BUCKETS,
	S3_CREATE_BUCKET,
	S3_HEAD_BUCKET,
	S3_DELETE_BUCKET,
	S3_GET_BUCKET_LOCATION,
	S3_GET_BUCKET_VERSIONING,
	S3_PUT_BUCKET_VERSIONING,
	S3_GET_BUCKET_POLICY,
	S3_PUT_BUCKET_POLICY,
	S3_DELETE_BUCKET_POLICY,
	S3_LIST_OBJECTS,
	S3_LIST_OBJECTS_V2,
	S3_LIST_OBJECT_VERSIONS,
	S3_LIST_UPLOADS,
	S3_DELETE_OBJECTS,
	S3_GET_OBJECT,
	S3_HEAD_OBJECT,
	S3_PUT_OBJECT,
	S3_DELETE_OBJECT,
	S3_CREATE_UPLOAD,
	S3_UPLOAD_PART,
	S3_COMPLETE_UPLOAD,
	S3_ABORT_UPLOAD,
	S3_LIST_PARTS,
};

/* Query parameters that operations take; empty where absent. Decoded bytes live in the request's own storage. */
enum s3_param {
	S3_PARAM_VERSION_ID,
	S3_PARAM_UPLOAD_ID,
	S3_PARAM_PART_NUMBER,
	S3_PARAM_PREFIX,
	S3_PARAM_DELIMITER,
	S3_PARAM_MARKER,
	S3_PARAM_START_AFTER,
	S3_PARAM_CONTINUATION_TOKEN,
	S3_PARAM_MAX_KEYS,
	S3_PARAM_ENCODING_TYPE,
	S3_PARAM_FETCH_OWNER,
	S3_PARAM_KEY_MARKER,
	S3_PARAM_VERSION_ID_MARKER,
	S3_PARAM_UPLOAD_ID_MARKER,
	S3_PARAM_MAX_UPLOADS,
	S3_PARAM_MAX_PARTS,
	S3_PARAM_PART_NUMBER_MARKER,
	S3_PARAM_RESPONSE_CONTENT_TYPE,
	S3_PARAM_RESPONSE_CONTENT_LANGUAGE,
	S3_PARAM_RESPONSE_EXPIRES,
	S3_PARAM_RESPONSE_CACHE_CONTROL,
	S3_PARAM_RESPONSE_CONTENT_DISPOSITION,
	S3_PARAM_RESPONSE_CONTENT_ENCODING,
	S3_PARAM_COUNT,
};

struct s3_request {
	enum s3_op op;
	struct slice bucket; /* empty for S3_LIST_BUCKETS */
	struct slice key;    /* empty for operations on buckets */
	struct slice params[S3_PARAM_COUNT];
	bool has_param[S3_PARAM_COUNT];
	uint8_t storage[S3_TARGET_BYTES_MAX]; /* what the slices above point into */
	size_t stored;
};

/* Reads an operation in path style from the method and the raw request target ("/bucket/key?query"). ERR_INVALID names
 * what is wrong (a bucket name, a percent escape, a duplicate parameter); ERR_NOTFOUND an operation or parameter that
 * is not offered; ERR_LIMIT a target or key that is too long. */
MUST_USE int s3_request_parse(struct slice method, struct slice target, struct s3_request *ret_request,
                              struct why *reterr_why);

/* S3's rules for names: 3 to 63 of a-z 0-9 . -, beginning and ending in a letter or digit, no "..", not an IP address.
 */
MUST_USE int s3_bucket_name_check(struct slice name, struct why *reterr_why);

/* "s3:GetObject": what policies call it; with a version id, the actions on versions. */
const char *s3_request_action(const struct s3_request *r);

/* "GetObject": as records and x-id name it. */
const char *s3_op_name(enum s3_op op);
