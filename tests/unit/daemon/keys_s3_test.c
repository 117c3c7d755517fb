#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "crypto/hash.h"
#include "keys_fixture.h"
#include "wire/aws_chunked.h"

/* The bucket of a test, made by alice. */
static void make_bucket(struct keys_fixture *f, const char *name)
{
	char target[80];

	snprintf(target, sizeof target, "/%s", name);
	assert_int_equal(s3_status(f, &f->alice, "PUT", target, NULL), 200);
}

static void put_bucket_policy(struct keys_fixture *f, const char *bucket, const char *policy)
{
	char target[80];

	snprintf(target, sizeof target, "/%s?policy", bucket);
	assert_int_equal(s3_status(f, &f->alice, "PUT", target, policy), 204);
}

static bool is_refused(const struct keys_s3_result *r, const char *code)
{
	return r->decision.verdict == S3_VERDICT_REFUSED && slice_is_str(r->decision.code, code);
}

static void buckets_are_made_listed_and_removed(void **state)
{
	struct keys_fixture *f = *state;
	struct keys_s3_result r;

	keys_fixture_forget(f);
	make_bucket(f, "first-bucket");
	assert_true(keys_fixture_has(f, "\"eventName\":\"CreateBucket\""));
	assert_int_equal(s3_status(f, &f->alice, "PUT", "/first-bucket", NULL), 409);
	assert_int_equal(s3_status(f, &f->bob, "PUT", "/first-bucket", NULL), 409);
	assert_int_equal(s3_status(f, &f->alice, "PUT", "/UPPER", NULL), 400);
	assert_int_equal(s3_status(f, &f->alice, "HEAD", "/first-bucket", NULL), 200);
	assert_int_equal(s3_status(f, &f->alice, "HEAD", "/no-bucket", NULL), 404);
	assert_int_equal(call_s3(f, &f->alice, (struct request){.method = "GET", .target = "/"}, NULL, &r), 200);
	assert_non_null(memmem(r.decision.answer.body.ptr, r.decision.answer.body.len, "first-bucket", 12));
	keys_s3_result_clear(&r);
	assert_int_equal(call_s3(f, &f->bob, (struct request){.method = "GET", .target = "/"}, NULL, &r), 200);
	assert_null(memmem(r.decision.answer.body.ptr, r.decision.answer.body.len, "first-bucket", 12));
	keys_s3_result_clear(&r);
	assert_int_equal(s3_status(f, &f->bob, "DELETE", "/first-bucket", NULL), 403);
	assert_int_equal(s3_status(f, &f->alice, "DELETE", "/first-bucket", NULL), 204);
	assert_int_equal(s3_status(f, &f->alice, "HEAD", "/first-bucket", NULL), 404);
}

/* Front says that it is not empty, or does not know: it is told which bucket that is, and nothing has happened. */
static void a_bucket_that_is_not_known_to_be_empty_stays(void **state)
{
	struct keys_fixture *f = *state;
	struct request r = {.service = "s3", .method = "DELETE", .target = "/full-bucket"};
	struct keys_s3_result result;
	struct s3_call call;

	make_bucket(f, "full-bucket");
	request_sign(&r, &f->alice);
	call = (struct s3_call){.head = r.head};
	assert_int_equal(keys_s3_call(f->s, &call, 1, &result, NULL), ERR_OK);
	assert_int_equal(result.decision.verdict, S3_VERDICT_GO_ON);
	assert_int_equal(result.decision.ticket, 0);
	assert_int_equal(result.hold, 0);
	keys_s3_result_clear(&result);
	request_clear(&r);
	assert_int_equal(s3_status(f, &f->alice, "HEAD", "/full-bucket", NULL), 200);
}

static void location_versioning_and_policy_are_kept(void **state)
{
	struct keys_fixture *f = *state;
	const char *policy = "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Deny\",\"Principal\":\"*\","
			     "\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::kept-bucket/secret/*\"}}";
	struct keys_s3_result r;

	make_bucket(f, "kept-bucket");
	assert_int_equal(s3_status(f, &f->alice, "GET", "/kept-bucket?location", NULL), 200);
	assert_int_equal(s3_status(f, &f->alice, "PUT", "/kept-bucket?versioning",
	                           "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"),
	                 200);
	assert_int_equal(s3_status(f, &f->alice, "PUT", "/kept-bucket?versioning", "<X/>"), 400);
	assert_int_equal(s3_status(f, &f->alice, "PUT", "/kept-bucket?versioning",
	                           "<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>"
	                           "</VersioningConfiguration>"),
	                 501);
	assert_int_equal(
		call_s3(f, &f->alice, (struct request){.method = "GET", .target = "/kept-bucket?versioning"}, NULL, &r),
		200);
	assert_non_null(memmem(r.decision.answer.body.ptr, r.decision.answer.body.len, "Suspended", 9));
	keys_s3_result_clear(&r);
	assert_int_equal(s3_status(f, &f->alice, "GET", "/kept-bucket?policy", NULL), 404);
	assert_int_equal(s3_status(f, &f->alice, "PUT", "/kept-bucket?policy", "{\"Statement\":[]}"), 400);
	put_bucket_policy(f, "kept-bucket", policy);
	assert_int_equal(
		call_s3(f, &f->alice, (struct request){.method = "GET", .target = "/kept-bucket?policy"}, NULL, &r),
		200);
	assert_true(slice_is_str(r.decision.answer.body, policy));
	keys_s3_result_clear(&r);
	/* It governs even the owner. */
	assert_int_equal(s3_status(f, &f->alice, "GET", "/kept-bucket/secret/x", NULL), 403);
	assert_int_equal(s3_status(f, &f->alice, "GET", "/kept-bucket/open", NULL), 0);
	assert_int_equal(s3_status(f, &f->bob, "DELETE", "/kept-bucket?policy", NULL), 403);
	assert_int_equal(s3_status(f, &f->alice, "DELETE", "/kept-bucket?policy", NULL), 204);
	assert_int_equal(s3_status(f, &f->alice, "GET", "/kept-bucket/secret/x", NULL), 0);
}

/* Every operation: the owner may, a user without policies may not, and neither may another account. */
static void every_operation_is_asked_for(void **state)
{
	struct keys_fixture *f = *state;
	static const struct {
		const char *method, *target, *body;
		int allowed;
	} all[] = {
		{"GET", "/", NULL, 200},
		{"PUT", "/ops-bucket-2", NULL, 200},
		{"HEAD", "/ops-bucket", NULL, 200},
		{"GET", "/ops-bucket?location", NULL, 200},
		{"GET", "/ops-bucket?versioning", NULL, 200},
		{"PUT", "/ops-bucket?versioning",
	         "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>", 200},
		{"GET", "/ops-bucket?policy", NULL, 404},
		{"DELETE", "/ops-bucket?policy", NULL, 204},
		{"GET", "/ops-bucket", NULL, 0},
		{"GET", "/ops-bucket?list-type=2&prefix=a", NULL, 0},
		{"GET", "/ops-bucket?versions", NULL, 0},
		{"GET", "/ops-bucket?uploads", NULL, 0},
		{"GET", "/ops-bucket/key", NULL, 0},
		{"HEAD", "/ops-bucket/key", NULL, 0},
		{"PUT", "/ops-bucket/key", NULL, 0},
		{"DELETE", "/ops-bucket/key", NULL, 0},
		{"DELETE", "/ops-bucket/key?versionId=00112233445566778899aabbccddeeff", NULL, 0},
		{"POST", "/ops-bucket/key?uploads", NULL, 0},
		{"PUT", "/ops-bucket/key?partNumber=1&uploadId=00112233445566778899aabbccddeeff", NULL, 0},
		{"POST", "/ops-bucket/key?uploadId=00112233445566778899aabbccddeeff", NULL, 0},
		{"DELETE", "/ops-bucket/key?uploadId=00112233445566778899aabbccddeeff", NULL, 0},
		{"GET", "/ops-bucket/key?uploadId=00112233445566778899aabbccddeeff", NULL, 0},
	};
	struct who none = keys_fixture_user(f, &f->alice, "s3-none", NULL);
	struct who foreign = keys_fixture_user(f, &f->bob, "s3-foreign", ALLOW_ALL);

	make_bucket(f, "ops-bucket");
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		bool is_own = i < 2; /* of the caller's own account */

		assert_int_equal(s3_status(f, &none, all[i].method, all[i].target, all[i].body), 403);
		if (!is_own)
			assert_int_equal(s3_status(f, &foreign, all[i].method, all[i].target, all[i].body), 403);
		assert_int_equal(s3_status(f, &f->alice, all[i].method, all[i].target, all[i].body), all[i].allowed);
	}
}

static void another_account_reads_when_both_sides_allow(void **state)
{
	struct keys_fixture *f = *state;
	struct who silent = keys_fixture_user(f, &f->bob, "x-silent", NULL);
	struct who willing = keys_fixture_user(f, &f->bob, "x-willing", ALLOW_ALL);
	char policy[512];

	make_bucket(f, "shared-bucket");
	snprintf(policy, sizeof policy,
	         "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam:"
	         ":%s:"
	         "root\"},\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::shared-bucket/*\"}}",
	         f->bob.account);
	assert_int_equal(s3_status(f, &willing, "GET", "/shared-bucket/k", NULL), 403);
	put_bucket_policy(f, "shared-bucket", policy);
	assert_int_equal(s3_status(f, &silent, "GET", "/shared-bucket/k", NULL), 403);
	assert_int_equal(s3_status(f, &willing, "GET", "/shared-bucket/k", NULL), 0);
	assert_int_equal(s3_status(f, &willing, "PUT", "/shared-bucket/k", NULL), 403);
}

/* A version that was written, as front's index would hold it. */
struct written {
	uint8_t id[S3_CALL_ID_BYTES], key[32], wrap[STORE_WRAP_BYTES_MAX];
	size_t wrap_len;
};

static struct written write_object(struct keys_fixture *f, const struct who *who, const char *target)
{
	struct written w = {0};
	struct keys_s3_result r;

	assert_int_equal(call_s3(f, who, (struct request){.method = "PUT", .target = target, .body = "data"}, NULL, &r),
	                 0);
	assert_true(r.decision.has_version);
	assert_int_equal(r.decision.version_key.len, 32);
	assert_int_not_equal(r.decision.ticket, 0);
	assert_int_equal(r.decision.body_kind, S3_BODY_SHA256);
	memcpy(w.id, r.decision.version_id, sizeof w.id);
	memcpy(w.key, r.decision.version_key.ptr, sizeof w.key);
	memcpy(w.wrap, r.decision.wrap.ptr, r.decision.wrap.len);
	w.wrap_len = r.decision.wrap.len;
	keys_s3_result_clear(&r);
	return w;
}

static struct s3_call_existing existing_of(const struct written *w)
{
	struct s3_call_existing e = {.wrap = slice_of(w->wrap, w->wrap_len)};

	memcpy(e.version_id, w->id, sizeof e.version_id);
	return e;
}

static int read_with(struct keys_fixture *f, const struct who *who, const char *target,
                     const struct s3_call_existing *existing, struct keys_s3_result *r)
{
	return call_s3(f, who, (struct request){.method = "GET", .target = target}, existing, r);
}

static void a_version_opens_only_as_what_it_was_written(void **state)
{
	struct keys_fixture *f = *state;
	struct keys_s3_result r;
	struct written a, b;
	struct s3_call_existing e;

	make_bucket(f, "wrap-bucket");
	make_bucket(f, "wrap-bucket-2");
	a = write_object(f, &f->alice, "/wrap-bucket/a");
	b = write_object(f, &f->alice, "/wrap-bucket/b");

	e = existing_of(&a);
	assert_int_equal(read_with(f, &f->alice, "/wrap-bucket/a", &e, &r), 0);
	assert_memory_equal(r.decision.version_key.ptr, a.key, 32);
	assert_memory_equal(r.decision.version_id, a.id, sizeof a.id);
	keys_s3_result_clear(&r);

	/* Another object's wrap, another bucket's, another version's, an altered one. */
	assert_int_equal(read_with(f, &f->alice, "/wrap-bucket/b", &e, &r), 400);
	assert_true(is_refused(&r, "KMS.InvalidCiphertextException"));
	keys_s3_result_clear(&r);
	assert_int_equal(read_with(f, &f->alice, "/wrap-bucket-2/a", &e, &r), 400);
	keys_s3_result_clear(&r);
	memcpy(e.version_id, b.id, sizeof e.version_id);
	assert_int_equal(read_with(f, &f->alice, "/wrap-bucket/a", &e, &r), 400);
	keys_s3_result_clear(&r);
	e = existing_of(&a);
	a.wrap[a.wrap_len - 1] ^= 1;
	assert_int_equal(read_with(f, &f->alice, "/wrap-bucket/a", &e, &r), 400);
	assert_null(r.version_key);
	keys_s3_result_clear(&r);
}

static void a_named_version_is_the_only_one_that_is_read(void **state)
{
	struct keys_fixture *f = *state;
	struct keys_s3_result r;
	struct written old, new;
	struct s3_call_existing e;
	char target[128], hex[33];

	make_bucket(f, "version-bucket");
	old = write_object(f, &f->alice, "/version-bucket/a");
	new = write_object(f, &f->alice, "/version-bucket/a");
	hex_encode(slice_of(new.id, sizeof new.id), hex);
	snprintf(target, sizeof target, "/version-bucket/a?versionId=%s", hex);
	e = existing_of(&new);
	assert_int_equal(read_with(f, &f->alice, target, &e, &r), 0);
	keys_s3_result_clear(&r);
	e = existing_of(&old); /* front hands over the one before */
	assert_int_equal(read_with(f, &f->alice, target, &e, &r), 403);
	keys_s3_result_clear(&r);
}

static void the_kms_key_is_asked_too(void **state)
{
	struct keys_fixture *f = *state;
	/* S3 is allowed to bob by the bucket's policy; alice's usual key is for her account only. */
	struct who willing = keys_fixture_user(f, &f->bob, "k-willing", ALLOW_ALL);
	struct who reader = keys_fixture_user(f, &f->alice, "k-reader",
	                                      "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\","
	                                      "\"Action\":\"s3:*\",\"Resource\":\"*\"}}");
	struct request put = {.method = "PUT", .target = "/kms-bucket/named", .body = "x"};
	struct keys_s3_result r;
	struct written w;
	struct s3_call_existing e;
	char policy[512], input[256];

	make_bucket(f, "kms-bucket");
	snprintf(policy, sizeof policy,
	         "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"%s\"},"
	         "\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::kms-bucket/*\"}}",
	         f->bob.account);
	put_bucket_policy(f, "kms-bucket", policy);
	w = write_object(f, &f->alice, "/kms-bucket/a");
	e = existing_of(&w);
	assert_int_equal(read_with(f, &reader, "/kms-bucket/a", &e, &r), 0);
	keys_s3_result_clear(&r);
	assert_int_equal(read_with(f, &willing, "/kms-bucket/a", &e, &r), 403);
	keys_s3_result_clear(&r);

	/* A key that the request names: its policy leaves it to the account's policies, and this user has none for kms.
	 */
	put.headers[0][0] = "X-Amz-Server-Side-Encryption";
	put.headers[0][1] = "aws:kms";
	put.headers[1][0] = "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id";
	put.headers[1][1] = f->alice.kms_key;
	assert_int_equal(call_s3(f, &reader, put, NULL, &r), 403);
	keys_s3_result_clear(&r);
	assert_int_equal(call_s3(f, &f->alice, put, NULL, &r), 0);
	assert_true(slice_is_str(r.decision.kms_key, f->alice.kms_key));
	keys_s3_result_clear(&r);
	put.headers[0][1] = "AES256";
	assert_int_equal(call_s3(f, &f->alice, put, NULL, &r), 400);
	keys_s3_result_clear(&r);
	put.headers[0][1] = "aws:kms";

	snprintf(input, sizeof input, "{\"KeyId\":\"%s\"}", f->alice.kms_key);
	assert_int_equal(call_kms(f, &f->alice, "DisableKey", input, NULL, 0), 200);
	assert_int_equal(call_s3(f, &f->alice, put, NULL, &r), 400);
	assert_true(is_refused(&r, "KMS.DisabledException"));
	keys_s3_result_clear(&r);
	assert_int_equal(call_kms(f, &f->alice, "EnableKey", input, NULL, 0), 200);
}

static void deletions_are_decided_one_by_one(void **state)
{
	struct keys_fixture *f = *state;
	struct who some = keys_fixture_user(f, &f->alice, "d-some",
	                                    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\","
	                                    "\"Action\":\"s3:DeleteObject\",\"Resource\":"
	                                    "\"arn:aws:s3:::del-bucket/mine/*\"}}");
	struct request r = {.method = "POST",
	                    .target = "/del-bucket?delete",
	                    .body = "<Delete><Object><Key>mine/a&amp;b</Key></Object><Object><Key>yours</Key></Object>"
	                            "<Object><Key>mine/v</Key><VersionId>00112233445566778899aabbccddeeff</VersionId>"
	                            "</Object><Object><Key>mine/n</Key><VersionId>null</VersionId></Object></Delete>"};
	struct keys_s3_result result;
	const struct s3_delete *d;

	make_bucket(f, "del-bucket");
	keys_fixture_forget(f);
	assert_int_equal(call_s3(f, &some, r, NULL, &result), 0);
	assert_int_equal(result.decision.delete_count, 4);
	d = result.decision.deletes;
	assert_true(d[0].is_allowed && !d[0].has_version && slice_is_str(d[0].key, "mine/a&b"));
	assert_true(!d[1].is_allowed && slice_is_str(d[1].code, "AccessDenied"));
	assert_true(!d[2].is_allowed && d[2].has_version); /* the right to versions is another one */
	assert_true(!d[3].is_allowed && slice_is_str(d[3].code, "NoSuchVersion"));
	keys_s3_result_clear(&result);
	assert_true(keys_fixture_has(f, "\"key\":\"mine/a&b\""));
	r.body = "<Delete></Delete>";
	assert_int_equal(call_s3(f, &some, r, NULL, &result), 400);
	keys_s3_result_clear(&result);
	r.body = "<Delete><Object>";
	assert_int_equal(call_s3(f, &some, r, NULL, &result), 400);
	keys_s3_result_clear(&result);
}

/* --- a front that is not honest --- */

static int deliver(struct keys_fixture *f, const struct call_head *head, const char *sent)
{
	const struct s3_call call = {.head = *head, .body = slice_str(sent), .bucket_is_empty = true};
	struct keys_s3_result r;
	int status;

	assert_int_equal(keys_s3_call(f->s, &call, 1, &r, NULL), ERR_OK);
	status = r.decision.verdict == S3_VERDICT_REFUSED    ? r.decision.status
	         : r.decision.verdict == S3_VERDICT_ANSWERED ? r.decision.answer.status
	                                                     : 0;
	keys_s3_result_clear(&r);
	return status;
}

static void nothing_that_was_signed_can_be_altered(void **state)
{
	struct keys_fixture *f = *state;
	struct request r = {.service = "s3",
	                    .method = "GET",
	                    .target = "/front-bucket/a?versionId=00112233445566778899aabbccddeeff"};
	struct call_head altered;

	make_bucket(f, "front-bucket");
	make_bucket(f, "front-bucket-2");
	request_sign(&r, &f->alice);
	assert_int_equal(deliver(f, &r.head, ""), 0);
	altered = r.head;
	altered.target = slice_str("/front-bucket-2/a?versionId=00112233445566778899aabbccddeeff");
	assert_int_equal(deliver(f, &altered, ""), 403);
	altered.target = slice_str("/front-bucket/b?versionId=00112233445566778899aabbccddeeff");
	assert_int_equal(deliver(f, &altered, ""), 403);
	altered.target = slice_str("/front-bucket/a");
	assert_int_equal(deliver(f, &altered, ""), 403);
	altered = r.head;
	altered.method = slice_str("DELETE");
	assert_int_equal(deliver(f, &altered, ""), 403);
	altered = r.head;
	altered.fields[altered.field_count++] = (struct call_field){
		slice_str("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"), slice_str(f->bob.kms_key)};
	assert_int_equal(deliver(f, &altered, ""), 403);
	altered = r.head;
	altered.fields[0].value = slice_str("other-bucket.example");
	assert_int_equal(deliver(f, &altered, ""), 403);
	request_clear(&r);
}

static void bodies_that_keys_reads_cannot_be_altered_or_left_unsigned(void **state)
{
	struct keys_fixture *f = *state;
	const char *body = "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>";
	struct request r = {.service = "s3", .method = "PUT", .target = "/body-bucket?versioning", .body = body};

	make_bucket(f, "body-bucket");
	request_sign(&r, &f->alice);
	assert_int_equal(
		deliver(f, &r.head, "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"),
		400);
	assert_int_equal(deliver(f, &r.head, body), 200);
	request_clear(&r);
	r.payload = "UNSIGNED-PAYLOAD";
	request_sign(&r, &f->alice);
	assert_int_equal(deliver(f, &r.head, body), 403);
	request_clear(&r);
	r.payload = NULL;
	r.presigned_s = 60; /* whose body is unsigned */
	request_sign(&r, &f->alice);
	assert_int_equal(deliver(f, &r.head, body), 403);
	request_clear(&r);
}

static void a_list_of_parts_is_signed_as_a_whole(void **state)
{
	struct keys_fixture *f = *state;
	struct request r = {.method = "POST",
	                    .target = "/parts-bucket/a?uploadId=00112233445566778899aabbccddeeff",
	                    .body = "<CompleteMultipartUpload/>"};
	struct keys_s3_result result;

	make_bucket(f, "parts-bucket");
	assert_int_equal(call_s3(f, &f->alice, r, NULL, &result), 0);
	assert_int_equal(result.decision.body_kind, S3_BODY_SHA256);
	keys_s3_result_clear(&result);
	r.payload = "UNSIGNED-PAYLOAD";
	assert_int_equal(call_s3(f, &f->alice, r, NULL, &result), 403);
	keys_s3_result_clear(&result);
}

static void a_presigned_url_is_for_one_method_and_time(void **state)
{
	struct keys_fixture *f = *state;
	struct request r = {.service = "s3", .method = "GET", .target = "/url-bucket/a", .presigned_s = 60};
	struct call_head altered;

	make_bucket(f, "url-bucket");
	request_sign(&r, &f->alice);
	assert_int_equal(deliver(f, &r.head, ""), 0);
	altered = r.head;
	altered.method = slice_str("PUT");
	assert_int_equal(deliver(f, &altered, ""), 403);
	altered.method = slice_str("DELETE");
	assert_int_equal(deliver(f, &altered, ""), 403);
	keys_fixture_sleep(61000);
	assert_int_equal(deliver(f, &r.head, ""), 403);
	request_clear(&r);
}

static void a_signature_for_another_service_is_none_for_s3(void **state)
{
	struct keys_fixture *f = *state;
	struct request r = {.service = "kms", .method = "GET", .target = "/url-bucket/a"};

	request_sign(&r, &f->alice);
	assert_int_not_equal(deliver(f, &r.head, ""), 0);
	request_clear(&r);
}

static void a_put_mints_64_times_and_no_more(void **state)
{
	struct keys_fixture *f = *state;
	struct request r = {.service = "s3", .method = "PUT", .target = "/mint-bucket/a", .body = "x"};

	make_bucket(f, "mint-bucket");
	request_sign(&r, &f->alice);
	for (int i = 0; i < 64; i++)
		assert_int_equal(deliver(f, &r.head, ""), 0);
	assert_int_equal(deliver(f, &r.head, ""), 403);
	request_clear(&r);
}

static void what_is_not_built_is_refused_by_name(void **state)
{
	struct keys_fixture *f = *state;
	static const char *const headers[][2] = {{"X-Amz-Copy-Source", "/a/b"},
	                                         {"X-Amz-Object-Lock-Mode", "GOVERNANCE"},
	                                         {"X-Amz-Tagging", "a=b"},
	                                         {"X-Amz-Grant-Read", "id=1"}};
	struct request put = {.method = "PUT", .target = "/refuse-bucket/a", .body = "x"};
	struct keys_s3_result r;

	make_bucket(f, "refuse-bucket");
	for (size_t i = 0; i < 4; i++) {
		put.headers[0][0] = headers[i][0];
		put.headers[0][1] = headers[i][1];
		assert_int_equal(call_s3(f, &f->alice, put, NULL, &r), 501);
		keys_s3_result_clear(&r);
	}
	put.headers[0][0] = "X-Amz-Expected-Bucket-Owner";
	put.headers[0][1] = f->bob.account;
	assert_int_equal(call_s3(f, &f->alice, put, NULL, &r), 403);
	keys_s3_result_clear(&r);
	assert_int_equal(s3_status(f, &f->alice, "GET", "/refuse-bucket?acl", NULL), 501);
}

/* --- signed chunks --- */

static void sign_chunk(const struct secret *key, const struct sigv4 *auth, const uint8_t previous[32], const char *data,
                       uint8_t digest[32], uint8_t signature[32])
{
	CLEANUP(buf_freep) struct buf *text = NULL;

	sha256(slice_str(data), digest);
	assert_int_equal(buf_new(4096, &text, NULL), ERR_OK);
	assert_int_equal(aws_chunked_chunk_to_sign_put(auth, previous, digest, text, NULL), ERR_OK);
	hmac_sha256_secret(key, buf_slice(text), signature);
}

static void signed_chunks_verify_in_order_on_their_link_only(void **state)
{
	struct keys_fixture *f = *state;
	struct request r = {.service = "s3",
	                    .method = "PUT",
	                    .target = "/chunk-bucket/a",
	                    .payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
	                    .headers = {{"X-Amz-Decoded-Content-Length", "5"}}};
	static struct s3_chunks chunks;
	struct keys_s3_result result;
	uint8_t first[32], last[32];
	char first_hex[65], last_hex[65];
	uint32_t handle;
	struct keys_chain *chain;

	make_bucket(f, "chunk-bucket");
	assert_int_equal(call_s3(f, &f->alice, r, NULL, &result), 0);
	assert_int_equal(result.decision.body_kind, S3_BODY_CHUNKS);
	handle = result.decision.chunk_handle;
	assert_int_not_equal(handle, 0);
	keys_s3_result_clear(&result);
	chain = &f->s->chains.list[0];
	assert_int_equal(chain->handle, handle);

	chunks = (struct s3_chunks){.handle = handle, .count = 2, .is_last = true};
	sign_chunk(chain->chain.key, &chain->auth, chain->chain.previous, "hello", chunks.chunks[0].sha256, first);
	sign_chunk(chain->chain.key, &chain->auth, first, "", chunks.chunks[1].sha256, last);
	hex_encode(slice_of(first, 32), first_hex);
	hex_encode(slice_of(last, 32), last_hex);
	chunks.chunks[0].signature = slice_str(first_hex);
	chunks.chunks[1].signature = slice_str(last_hex);

	assert_int_equal(keys_chains_verify(&f->s->chains, 2, &chunks, NULL), ERR_NOTFOUND); /* another link's */
	assert_int_equal(keys_chains_verify(&f->s->chains, 1, &chunks, NULL), ERR_OK);
	assert_int_equal(keys_chains_verify(&f->s->chains, 1, &chunks, NULL), ERR_NOTFOUND); /* it has ended */

	assert_int_equal(call_s3(f, &f->alice, r, NULL, &result), 0);
	chunks.handle = result.decision.chunk_handle;
	keys_s3_result_clear(&result);
	chunks.chunks[0].sha256[0] ^= 1;
	assert_int_equal(keys_chains_verify(&f->s->chains, 1, &chunks, NULL), ERR_DENIED);
	assert_int_equal(keys_chains_verify(&f->s->chains, 1, &chunks, NULL),
	                 ERR_NOTFOUND); /* nor is there a second try */
	assert_int_equal(s3_status(f, &f->alice, "GET", "/chunk-bucket/a", NULL), 0);
	r.method = "DELETE"; /* chunks where there is no body */
	assert_int_equal(call_s3(f, &f->alice, r, NULL, &result), 400);
	keys_s3_result_clear(&result);
}

static void bodies_under_way_are_bounded(void **state)
{
	struct keys_fixture *f = *state;
	struct sigv4 auth;
	uint32_t handle;
	struct request r = {.service = "s3", .method = "GET", .target = "/"};
	struct sigv4_header headers[16];
	struct sigv4_request request = {.headers = headers};

	request_sign(&r, &f->alice);
	for (size_t i = 0; i < r.head.field_count; i++)
		headers[i] = (struct sigv4_header){r.head.fields[i].name, r.head.fields[i].value};
	request.method = r.head.method;
	request.target = r.head.target;
	request.header_count = r.head.field_count;
	assert_int_equal(deliver(f, &r.head, ""), 200);
	assert_int_equal(sigv4_read(&request, &auth, NULL), ERR_OK);
	keys_chains_clear(&f->s->chains);
	for (uint16_t i = 0; i < KEYS_CHAINS_MAX; i++)
		assert_int_equal(keys_chains_begin(&f->s->chains, f->s->iam, &auth, i, &handle, NULL), ERR_OK);
	assert_int_equal(keys_chains_begin(&f->s->chains, f->s->iam, &auth, KEYS_CHAINS_MAX, &handle, NULL),
	                 ERR_UNAVAILABLE);
	/* A link that begins anew takes its own place. */
	assert_int_equal(keys_chains_begin(&f->s->chains, f->s->iam, &auth, 3, &handle, NULL), ERR_OK);
	keys_chains_clear(&f->s->chains);
	request_clear(&r);
}

/* --- the log --- */

static void reads_become_one_record_a_second(void **state)
{
	struct keys_fixture *f = *state;
	struct written w;
	struct s3_call_existing e;
	struct keys_s3_result r;
	struct why why;

	make_bucket(f, "read-bucket");
	w = write_object(f, &f->alice, "/read-bucket/a");
	e = existing_of(&w);
	keys_fixture_sleep(5000);
	keys_reads_flush(&f->s->reads, f->s->now_ms(), true);
	keys_fixture_forget(f);
	for (int i = 0; i < 7; i++) {
		assert_int_equal(read_with(f, &f->alice, "/read-bucket/a", &e, &r), 0);
		assert_int_equal(r.hold, 0);
		keys_s3_result_clear(&r);
	}
	assert_false(keys_fixture_has(f, "\"eventName\":\"GetObject\""));
	/* They survive the process: nobody has flushed. */
	assert_int_equal(keys_fixture_reopen(f, &why), ERR_OK);
	keys_fixture_sleep(1000);
	keys_reads_flush(&f->s->reads, f->s->now_ms(), false);
	assert_true(keys_fixture_has(f, "\"eventName\":\"GetObject\""));
	assert_true(keys_fixture_has(f, "\"count\":7"));
	keys_fixture_forget(f);
	keys_reads_flush(&f->s->reads, f->s->now_ms(), true);
	assert_false(keys_fixture_has(f, "GetObject")); /* and only once */
}

static void a_full_spool_stops_reads(void **state)
{
	struct keys_fixture *f = *state;

	keys_reads_flush(&f->s->reads, f->s->now_ms(), true);
	keys_fixture_log(f);
	make_bucket(f, "spool-bucket");
	for (int i = 0; i < KEYS_READS_MAX; i++) { /* each second is an entry of its own, and nobody flushes */
		keys_fixture_sleep(1000);
		assert_int_equal(s3_status(f, &f->alice, "GET", "/spool-bucket/a", NULL), 0);
	}
	keys_fixture_sleep(1000);
	assert_int_equal(s3_status(f, &f->alice, "GET", "/spool-bucket/a", NULL), 503);
	keys_reads_flush(&f->s->reads, f->s->now_ms(), true);
	keys_fixture_log(f);
	assert_int_equal(s3_status(f, &f->alice, "GET", "/spool-bucket/a", NULL), 0);
}

static void a_flood_of_failed_proofs_leaves_room_for_reads(void **state)
{
	struct keys_fixture *f = *state;
	struct request r = {.service = "s3", .method = "GET", .target = "/"};
	char peer[32];

	request_sign(&r, &f->alice);
	r.head.method = slice_str("HEAD");
	for (int i = 0; i < 2 * KEYS_READS_MAX; i++) {
		snprintf(peer, sizeof peer, "10.0.%d.%d:1", i / 250, i % 250);
		r.head.peer = slice_str(peer);
		assert_int_equal(deliver(f, &r.head, ""), 403);
	}
	assert_int_equal(s3_status(f, &f->alice, "GET", "/", NULL), 200);
	request_clear(&r);
}

static void without_the_log_nothing_is_written_or_denied(void **state)
{
	struct keys_fixture *f = *state;
	struct why why;

	make_bucket(f, "away-bucket");
	keys_fixture_log(f);
	keys_outbox_detach(f->s->outbox);
	assert_int_equal(s3_status(f, &f->alice, "PUT", "/away-bucket/a", "x"), 503);
	assert_int_equal(s3_status(f, &f->alice, "PUT", "/away-bucket-2", NULL), 503);
	assert_int_equal(s3_status(f, &f->alice, "DELETE", "/away-bucket/a", NULL), 503);
	assert_int_equal(s3_status(f, &f->bob, "GET", "/away-bucket/a", NULL), 503); /* a denial */
	assert_int_equal(s3_status(f, &f->alice, "GET", "/away-bucket/a", NULL), 0);
	assert_int_equal(keys_fixture_reopen(f, &why), ERR_OK);
	assert_int_equal(s3_status(f, &f->alice, "HEAD", "/away-bucket-2", NULL), 404);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_are_made_listed_and_removed),
		cmocka_unit_test(a_bucket_that_is_not_known_to_be_empty_stays),
		cmocka_unit_test(location_versioning_and_policy_are_kept),
		cmocka_unit_test(every_operation_is_asked_for),
		cmocka_unit_test(another_account_reads_when_both_sides_allow),
		cmocka_unit_test(a_version_opens_only_as_what_it_was_written),
		cmocka_unit_test(a_named_version_is_the_only_one_that_is_read),
		cmocka_unit_test(the_kms_key_is_asked_too),
		cmocka_unit_test(deletions_are_decided_one_by_one),
		cmocka_unit_test(nothing_that_was_signed_can_be_altered),
		cmocka_unit_test(bodies_that_keys_reads_cannot_be_altered_or_left_unsigned),
		cmocka_unit_test(a_list_of_parts_is_signed_as_a_whole),
		cmocka_unit_test(a_presigned_url_is_for_one_method_and_time),
		cmocka_unit_test(a_signature_for_another_service_is_none_for_s3),
		cmocka_unit_test(a_put_mints_64_times_and_no_more),
		cmocka_unit_test(what_is_not_built_is_refused_by_name),
		cmocka_unit_test(signed_chunks_verify_in_order_on_their_link_only),
		cmocka_unit_test(bodies_under_way_are_bounded),
		cmocka_unit_test(reads_become_one_record_a_second),
		cmocka_unit_test(a_full_spool_stops_reads),
		cmocka_unit_test(a_flood_of_failed_proofs_leaves_room_for_reads),
		cmocka_unit_test(without_the_log_nothing_is_written_or_denied),
	};

	return cmocka_run_group_tests(tests, keys_fixture_make, keys_fixture_remove);
}
