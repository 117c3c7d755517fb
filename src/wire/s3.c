#include "wire/s3.h"

#include <string.h>

#include "wire/percent.h"
#include "wire/utf8.h"

/* One row per operation: the method, whether a bucket and a key are named, and the sub-resource that must be there
 * (NULL: none). */
static const struct operation {
	enum s3_op op;
	const char *method;
	bool has_bucket, has_key;
	const char *sub;
	const char *name;
	const char *action;
	const char *version_action; /* where versionId= changes it */
} operations[] = {
	[S3_LIST_BUCKETS] = {S3_LIST_BUCKETS, "GET", false, false, NULL, "ListBuckets", "s3:ListAllMyBuckets", NULL},
	[S3_CREATE_BUCKET] = {S3_CREATE_BUCKET, "PUT", true, false, NULL, "CreateBucket", "s3:CreateBucket", NULL},
	[S3_HEAD_BUCKET] = {S3_HEAD_BUCKET, "HEAD", true, false, NULL, "HeadBucket", "s3:ListBucket", NULL},
	[S3_DELETE_BUCKET] = {S3_DELETE_BUCKET, "DELETE", true, false, NULL, "DeleteBucket", "s3:DeleteBucket", NULL},
	[S3_GET_BUCKET_LOCATION] = {S3_GET_BUCKET_LOCATION, "GET", true, false, "location", "GetBucketLocation",
                                    "s3:GetBucketLocation", NULL},
	[S3_GET_BUCKET_VERSIONING] = {S3_GET_BUCKET_VERSIONING, "GET", true, false, "versioning", "GetBucketVersioning",
                                      "s3:GetBucketVersioning", NULL},
	[S3_PUT_BUCKET_VERSIONING] = {S3_PUT_BUCKET_VERSIONING, "PUT", true, false, "versioning", "PutBucketVersioning",
                                      "s3:PutBucketVersioning", NULL},
	[S3_GET_BUCKET_POLICY] = {S3_GET_BUCKET_POLICY, "GET", true, false, "policy", "GetBucketPolicy",
                                  "s3:GetBucketPolicy", NULL},
	[S3_PUT_BUCKET_POLICY] = {S3_PUT_BUCKET_POLICY, "PUT", true, false, "policy", "PutBucketPolicy",
                                  "s3:PutBucketPolicy", NULL},
	[S3_DELETE_BUCKET_POLICY] = {S3_DELETE_BUCKET_POLICY, "DELETE", true, false, "policy", "DeleteBucketPolicy",
                                     "s3:DeleteBucketPolicy", NULL},
	[S3_LIST_OBJECTS] = {S3_LIST_OBJECTS, "GET", true, false, NULL, "ListObjects", "s3:ListBucket", NULL},
	[S3_LIST_OBJECTS_V2] = {S3_LIST_OBJECTS_V2, "GET", true, false, "list-type", "ListObjectsV2", "s3:ListBucket",
                                NULL},
	[S3_LIST_OBJECT_VERSIONS] = {S3_LIST_OBJECT_VERSIONS, "GET", true, false, "versions", "ListObjectVersions",
                                     "s3:ListBucketVersions", NULL},
	[S3_LIST_UPLOADS] = {S3_LIST_UPLOADS, "GET", true, false, "uploads", "ListMultipartUploads",
                             "s3:ListBucketMultipartUploads", NULL},
	[S3_DELETE_OBJECTS] = {S3_DELETE_OBJECTS, "POST", true, false, "delete", "DeleteObjects", "s3:DeleteObject",
                               NULL},
	[S3_GET_OBJECT] = {S3_GET_OBJECT, "GET", true, true, NULL, "GetObject", "s3:GetObject", "s3:GetObjectVersion"},
	[S3_HEAD_OBJECT] = {S3_HEAD_OBJECT, "HEAD", true, true, NULL, "HeadObject", "s3:GetObject",
                            "s3:GetObjectVersion"},
	[S3_PUT_OBJECT] = {S3_PUT_OBJECT, "PUT", true, true, NULL, "PutObject", "s3:PutObject", NULL},
	[S3_DELETE_OBJECT] = {S3_DELETE_OBJECT, "DELETE", true, true, NULL, "DeleteObject", "s3:DeleteObject",
                              "s3:DeleteObjectVersion"},
	[S3_CREATE_UPLOAD] = {S3_CREATE_UPLOAD, "POST", true, true, "uploads", "CreateMultipartUpload", "s3:PutObject",
                              NULL},
	[S3_UPLOAD_PART] = {S3_UPLOAD_PART, "PUT", true, true, "uploadId", "UploadPart", "s3:PutObject", NULL},
	[S3_COMPLETE_UPLOAD] = {S3_COMPLETE_UPLOAD, "POST", true, true, "uploadId", "CompleteMultipartUpload",
                                "s3:PutObject", NULL},
	[S3_ABORT_UPLOAD] = {S3_ABORT_UPLOAD, "DELETE", true, true, "uploadId", "AbortMultipartUpload",
                             "s3:AbortMultipartUpload", NULL},
	[S3_LIST_PARTS] = {S3_LIST_PARTS, "GET", true, true, "uploadId", "ListParts", "s3:ListMultipartUploadParts",
                           NULL},
};

enum { OPERATIONS = sizeof operations / sizeof operations[0] };

/* Parameters that choose the operation, and carry no value that anybody reads. */
static const char *const selectors[] = {
	"location", "versioning", "policy", "list-type", "versions", "uploads", "delete",
};

/* In the order of enum s3_param. */
static const char *const param_names[S3_PARAM_COUNT] = {
	"versionId",
	"uploadId",
	"partNumber",
	"prefix",
	"delimiter",
	"marker",
	"start-after",
	"continuation-token",
	"max-keys",
	"encoding-type",
	"fetch-owner",
	"key-marker",
	"version-id-marker",
	"upload-id-marker",
	"max-uploads",
	"max-parts",
	"part-number-marker",
	"response-content-type",
	"response-content-language",
	"response-expires",
	"response-cache-control",
	"response-content-disposition",
	"response-content-encoding",
};

/* Percent-decodes into the request's storage, which is as long as any target, so that it cannot run out. */
static int decode(struct s3_request *r, struct slice raw, bool plus_is_space, struct slice *ret_decoded,
                  struct why *reterr_why)
{
	uint8_t *out = r->storage + r->stored;
	size_t len;

	TRY(percent_decoded_len(raw, &len, reterr_why));
	percent_decode(raw, plus_is_space, out);
	r->stored += len;
	*ret_decoded = slice_of(out, len);
	return ERR_OK;
}

static bool is_alphanumeric(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Four numbers with dots: such names would be taken for hosts. */
static bool looks_like_ipv4(struct slice name)
{
	size_t dots = 0;

	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '.')
			dots++;
		else if (name.ptr[i] < '0' || name.ptr[i] > '9')
			return false;
	}
	return dots == 3;
}

int s3_bucket_name_check(struct slice name, struct why *reterr_why)
{
	ENSURE(name.len >= 3 && name.len <= S3_BUCKET_NAME_BYTES_MAX, ERR_INVALID, reterr_why,
	       "a bucket name of %zu characters; 3 to %d are accepted", name.len, S3_BUCKET_NAME_BYTES_MAX);
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.ptr[i];
		bool is_edge = i == 0 || i == name.len - 1;

		ENSURE(is_alphanumeric(c) || (!is_edge && (c == '-' || c == '.')), ERR_INVALID, reterr_why,
		       "a bucket name holds lower-case letters, digits, - and . and begins and ends with a letter or "
		       "digit");
		ENSURE(c != '.' || name.ptr[i - 1] != '.', ERR_INVALID, reterr_why,
		       "a bucket name may not hold two dots in a row");
	}
	ENSURE(!looks_like_ipv4(name), ERR_INVALID, reterr_why, "a bucket name may not look like an IP address");
	return ERR_OK;
}

/* Signature parameters belong to the authentication; x-id is a hint of the SDKs that must not decide anything. */
static bool is_foreign(struct slice name)
{
	return (name.len > 6 && slice_is_str_nocase(slice_of(name.ptr, 6), "x-amz-")) || slice_is_str(name, "x-id");
}

static int take_param(struct s3_request *r, struct slice name, struct slice value, const char **ret_selector,
                      struct why *reterr_why)
{
	for (size_t i = 0; i < S3_PARAM_COUNT; i++)
		if (slice_is_str(name, param_names[i])) {
			ENSURE(!r->has_param[i], ERR_INVALID, reterr_why, "the parameter %s is there twice",
			       param_names[i]);
			r->has_param[i] = true;
			r->params[i] = value;
			return ERR_OK;
		}
	for (size_t i = 0; i < sizeof selectors / sizeof selectors[0]; i++)
		if (slice_is_str(name, selectors[i])) {
			ENSURE(!*ret_selector, ERR_INVALID, reterr_why, "the address names both ?%s and ?%s",
			       *ret_selector, selectors[i]);
			ENSURE(!slice_is_str(name, "list-type") || slice_is_str(value, "2"), ERR_INVALID, reterr_why,
			       "list-type must be 2");
			*ret_selector = selectors[i];
			return ERR_OK;
		}
	ENSURE(is_foreign(name), ERR_NOTFOUND, reterr_why, "the parameter %.*s is not offered here",
	       (int)(name.len < 64 ? name.len : 64), (const char *)name.ptr);
	return ERR_OK;
}

static int take_query(struct s3_request *r, struct slice query, const char **ret_selector, struct why *reterr_why)
{
	while (query.len) {
		const uint8_t *amp = memchr(query.ptr, '&', query.len);
		size_t len = amp ? (size_t)(amp - query.ptr) : query.len;
		const uint8_t *eq = memchr(query.ptr, '=', len);
		size_t name_len = eq ? (size_t)(eq - query.ptr) : len;
		struct slice name, value = slice_of(NULL, 0);

		TRY(decode(r, slice_of(query.ptr, name_len), true, &name, reterr_why));
		if (eq)
			TRY(decode(r, slice_of(eq + 1, len - name_len - 1), true, &value, reterr_why));
		if (name.len)
			TRY(take_param(r, name, value, ret_selector, reterr_why));
		query = slice_of(query.ptr + len + (amp ? 1 : 0), query.len - len - (amp ? 1 : 0));
	}
	return ERR_OK;
}

static int take_path(struct s3_request *r, struct slice path, struct why *reterr_why)
{
	const uint8_t *slash;
	size_t bucket_len;

	ENSURE(path.len && path.ptr[0] == '/', ERR_INVALID, reterr_why, "the address must begin with /");
	path = slice_of(path.ptr + 1, path.len - 1);
	if (!path.len)
		return ERR_OK;
	slash = memchr(path.ptr, '/', path.len);
	bucket_len = slash ? (size_t)(slash - path.ptr) : path.len;
	TRY(decode(r, slice_of(path.ptr, bucket_len), false, &r->bucket, reterr_why));
	TRY(s3_bucket_name_check(r->bucket, reterr_why));
	if (!slash)
		return ERR_OK;
	TRY(decode(r, slice_of(slash + 1, path.len - bucket_len - 1), false, &r->key, reterr_why));
	ENSURE(r->key.len <= STORE_KEY_BYTES_MAX, ERR_LIMIT, reterr_why, "a key of %zu bytes; at most %d are accepted",
	       r->key.len, STORE_KEY_BYTES_MAX);
	ENSURE(utf8_is_valid(r->key) && !(r->key.len && memchr(r->key.ptr, 0, r->key.len)), ERR_INVALID, reterr_why,
	       "a key must be UTF-8 without NUL bytes");
	return ERR_OK;
}

int s3_request_parse(struct slice method, struct slice target, struct s3_request *ret_request, struct why *reterr_why)
{
	const uint8_t *mark;
	const char *selector = NULL;
	size_t path_len;

	ENSURE(target.len <= S3_TARGET_BYTES_MAX, ERR_LIMIT, reterr_why,
	       "an address of %zu bytes; at most %d are accepted", target.len, S3_TARGET_BYTES_MAX);
	memset(ret_request, 0, offsetof(struct s3_request, storage));
	ret_request->stored = 0;
	mark = target.len ? memchr(target.ptr, '?', target.len) : NULL;
	path_len = mark ? (size_t)(mark - target.ptr) : target.len;
	TRY(take_path(ret_request, slice_of(target.ptr, path_len), reterr_why));
	if (mark)
		TRY(take_query(ret_request, slice_of(mark + 1, target.len - path_len - 1), &selector, reterr_why));
	if (ret_request->has_param[S3_PARAM_UPLOAD_ID]) {
		ENSURE(!selector, ERR_INVALID, reterr_why, "the address names both ?%s and ?uploadId", selector);
		selector = "uploadId";
	}
	for (size_t i = 0; i < OPERATIONS; i++) {
		const struct operation *o = &operations[i];
		bool same_sub = o->sub && selector ? strcmp(o->sub, selector) == 0 : !o->sub && !selector;

		if (slice_is_str(method, o->method) && o->has_bucket == (ret_request->bucket.len > 0) &&
		    o->has_key == (ret_request->key.len > 0) && same_sub) {
			ret_request->op = o->op;
			return ERR_OK;
		}
	}
	why_set(reterr_why, "%.*s of %s%s%s is not offered here", (int)(method.len < 16 ? method.len : 16),
	        (const char *)method.ptr,
	        ret_request->key.len      ? "an object"
	        : ret_request->bucket.len ? "a bucket"
	                                  : "/",
	        selector ? " with ?" : "", selector ? selector : "");
	return ERR_NOTFOUND;
}

const char *s3_request_action(const struct s3_request *r)
{
	const struct operation *o = &operations[r->op];

	return o->version_action && r->has_param[S3_PARAM_VERSION_ID] ? o->version_action : o->action;
}

const char *s3_op_name(enum s3_op op)
{
	return operations[op].name;
}
