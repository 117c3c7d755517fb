#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "wire/s3.h"

static struct s3_request r;

static int parse(const char *method, const char *target)
{
	return s3_request_parse(slice_str(method), slice_str(target), &r, NULL);
}

static void every_operation_is_told_apart(void **state)
{
	static const struct {
		const char *method, *target, *name, *action;
	} cases[] = {
		{"GET", "/", "ListBuckets", "s3:ListAllMyBuckets"},
		{"GET", "/?x-id=ListBuckets", "ListBuckets", "s3:ListAllMyBuckets"},
		{"PUT", "/bkt", "CreateBucket", "s3:CreateBucket"},
		{"PUT", "/bkt/", "CreateBucket", "s3:CreateBucket"},
		{"HEAD", "/bkt", "HeadBucket", "s3:ListBucket"},
		{"DELETE", "/bkt", "DeleteBucket", "s3:DeleteBucket"},
		{"GET", "/bkt?location", "GetBucketLocation", "s3:GetBucketLocation"},
		{"GET", "/bkt?location=", "GetBucketLocation", "s3:GetBucketLocation"},
		{"GET", "/bkt?versioning", "GetBucketVersioning", "s3:GetBucketVersioning"},
		{"PUT", "/bkt?versioning", "PutBucketVersioning", "s3:PutBucketVersioning"},
		{"GET", "/bkt?policy", "GetBucketPolicy", "s3:GetBucketPolicy"},
		{"PUT", "/bkt?policy", "PutBucketPolicy", "s3:PutBucketPolicy"},
		{"DELETE", "/bkt?policy", "DeleteBucketPolicy", "s3:DeleteBucketPolicy"},
		{"GET", "/bkt", "ListObjects", "s3:ListBucket"},
		{"GET", "/bkt?prefix=a&delimiter=/", "ListObjects", "s3:ListBucket"},
		{"GET", "/bkt?list-type=2&prefix=a", "ListObjectsV2", "s3:ListBucket"},
		{"GET", "/bkt?versions", "ListObjectVersions", "s3:ListBucketVersions"},
		{"GET", "/bkt?uploads", "ListMultipartUploads", "s3:ListBucketMultipartUploads"},
		{"POST", "/bkt?delete", "DeleteObjects", "s3:DeleteObject"},
		{"GET", "/bkt/key", "GetObject", "s3:GetObject"},
		{"GET", "/bkt/key?versionId=1", "GetObject", "s3:GetObjectVersion"},
		{"HEAD", "/bkt/key", "HeadObject", "s3:GetObject"},
		{"PUT", "/bkt/key", "PutObject", "s3:PutObject"},
		{"DELETE", "/bkt/key", "DeleteObject", "s3:DeleteObject"},
		{"DELETE", "/bkt/key?versionId=1", "DeleteObject", "s3:DeleteObjectVersion"},
		{"POST", "/bkt/key?uploads", "CreateMultipartUpload", "s3:PutObject"},
		{"PUT", "/bkt/key?partNumber=1&uploadId=u", "UploadPart", "s3:PutObject"},
		{"POST", "/bkt/key?uploadId=u", "CompleteMultipartUpload", "s3:PutObject"},
		{"DELETE", "/bkt/key?uploadId=u", "AbortMultipartUpload", "s3:AbortMultipartUpload"},
		{"GET", "/bkt/key?uploadId=u", "ListParts", "s3:ListMultipartUploadParts"},
		{"GET", "/bkt/key?X-Amz-Algorithm=x&X-Amz-Signature=y", "GetObject", "s3:GetObject"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(parse(cases[i].method, cases[i].target), ERR_OK);
		assert_string_equal(s3_op_name(r.op), cases[i].name);
		assert_string_equal(s3_request_action(&r), cases[i].action);
	}
}

/* A sub-resource that is not offered must not fall through to the plain operation. */
static void what_is_not_offered_is_refused(void **state)
{
	static const char *const targets[] = {
		"/bkt/key?acl",      "/bkt/key?tagging",    "/bkt/key?torrent", "/bkt/key?retention",
		"/bkt?lifecycle",    "/bkt?replication",    "/bkt?acl",         "/bkt/key?uploads",
		"/bkt?delete",       "/bkt/key?whatever=1", "/?policy",         "/bkt/key?policy",
		"/bkt/key?versions",
	};
	(void)state;

	for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
		assert_int_equal(parse("GET", targets[i]), ERR_NOTFOUND);
	assert_int_equal(parse("PATCH", "/bkt/key"), ERR_NOTFOUND);
	assert_int_equal(parse("get", "/bkt/key"), ERR_NOTFOUND);
}

static void keys_are_decoded_once_and_kept_as_they_are(void **state)
{
	(void)state;

	assert_int_equal(parse("GET", "/bkt/a%2Fb%20c+d/../e//f"), ERR_OK);
	assert_true(slice_is_str(r.bucket, "bkt"));
	assert_true(slice_is_str(r.key, "a/b c+d/../e//f"));
	assert_int_equal(parse("GET", "/bkt/%2525"), ERR_OK);
	assert_true(slice_is_str(r.key, "%25"));
	assert_int_equal(parse("GET", "/bkt?list-type=2&prefix=a%2Fb+c&start-after=x"), ERR_OK);
	assert_true(slice_is_str(r.params[S3_PARAM_PREFIX], "a/b c"));
	assert_true(slice_is_str(r.params[S3_PARAM_START_AFTER], "x"));
	assert_false(r.has_param[S3_PARAM_DELIMITER]);
}

static void bad_escapes_and_bytes_are_refused(void **state)
{
	static const char *const targets[] = {
		"/bkt/%",      "/bkt/%4",        "/bkt/%zz", "/bkt/a%00b", "/bkt/%ff",
		"/bkt/%c0%80", "/bkt/%ed%a0%80", "bkt/key",  "",
	};
	(void)state;

	for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
		assert_int_equal(parse("GET", targets[i]), ERR_INVALID);
}

static void parameters_may_not_repeat_or_contradict(void **state)
{
	(void)state;

	assert_int_equal(parse("GET", "/bkt/key?versionId=1&versionId=2"), ERR_INVALID);
	assert_int_equal(parse("GET", "/bkt?versions&policy"), ERR_INVALID);
	assert_int_equal(parse("GET", "/bkt?list-type=1"), ERR_INVALID);
	assert_int_equal(parse("GET", "/bkt?prefix=a&prefix=b"), ERR_INVALID);
	assert_int_equal(parse("POST", "/bkt/key?uploads&uploadId=u"), ERR_INVALID);
}

static void bucket_names_follow_the_rules(void **state)
{
	static const char *const bad[] = {
		"ab", "Abc", "a_b", "-abc", "abc-", ".abc", "abc.", "a..b", "192.168.1.1", "a b c", "-",
	};
	static const char *const good[] = {"abc", "a-b", "a.b.c", "0ab", "1.2.3.x"};
	char longest[65];
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(s3_bucket_name_check(slice_str(bad[i]), NULL), ERR_INVALID);
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_int_equal(s3_bucket_name_check(slice_str(good[i]), NULL), ERR_OK);
	memset(longest, 'a', 64);
	longest[64] = 0;
	assert_int_equal(s3_bucket_name_check(slice_str(longest), NULL), ERR_INVALID);
	assert_int_equal(s3_bucket_name_check(slice_of(longest, S3_BUCKET_NAME_BYTES_MAX), NULL), ERR_OK);
}

static void limits_are_enforced(void **state)
{
	static char target[S3_TARGET_BYTES_MAX + 2];
	(void)state;

	memset(target, 'k', sizeof target - 1);
	memcpy(target, "/bkt/", 5);
	assert_int_equal(parse("GET", target), ERR_LIMIT);
	target[5 + STORE_KEY_BYTES_MAX + 1] = 0;
	assert_int_equal(parse("GET", target), ERR_LIMIT);
	target[5 + STORE_KEY_BYTES_MAX] = 0;
	assert_int_equal(parse("GET", target), ERR_OK);
	assert_int_equal(r.key.len, STORE_KEY_BYTES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_is_told_apart),
		cmocka_unit_test(what_is_not_offered_is_refused),
		cmocka_unit_test(keys_are_decoded_once_and_kept_as_they_are),
		cmocka_unit_test(bad_escapes_and_bytes_are_refused),
		cmocka_unit_test(parameters_may_not_repeat_or_contradict),
		cmocka_unit_test(bucket_names_follow_the_rules),
		cmocka_unit_test(limits_are_enforced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
