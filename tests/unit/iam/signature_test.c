#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/time.h"
#include "crypto/hash.h"
#include "iam/iam_internal.h"
#include "iam/signature.h"
#include "wire/aws_chunked.h"
#include "world.h"

/* A request to be signed and sent. */
struct sent {
	char date[TIME_BASIC_BYTES];
	char authorization[2048];
	struct sigv4_header headers[8];
	struct sigv4_request request;
	uint8_t body_sha256[32];
};

static void add_header(struct sent *s, const char *name, const char *value)
{
	s->headers[s->request.header_count++] = (struct sigv4_header){slice_str(name), slice_str(value)};
}

struct signing {
	const char *access_key, *token, *region, *service, *body;
	const struct secret *secret;
	uint64_t now_ms;
};

static void send(struct sent *s, const struct signing *how)
{
	CLEANUP(buf_freep) struct buf *authorization = NULL;
	struct sigv4_signer signer = {how->access_key, how->region, how->service, how->token, how->now_ms};
	const char *text;
	struct why why = {{0}};

	*s = (struct sent){.request = {.method = slice_str("POST"), .target = slice_str("/"), .headers = s->headers}};
	time_format_basic(how->now_ms, s->date);
	add_header(s, "host", "127.0.0.1:8443");
	add_header(s, "x-amz-date", s->date);
	add_header(s, "content-type", "application/x-amz-json-1.1");
	if (how->token)
		add_header(s, "x-amz-security-token", how->token);
	sha256(slice_str(how->body), s->body_sha256);
	assert_int_equal(buf_new(2048, &authorization, NULL), ERR_OK);
	if (iam_sign_request(&signer, how->secret, &s->request, s->body_sha256, authorization, &why) != ERR_OK)
		fail_msg("%s", why.text);
	assert_int_equal(buf_str(authorization, &text, NULL), ERR_OK);
	snprintf(s->authorization, sizeof s->authorization, "%s", text);
	add_header(s, "authorization", s->authorization);
}

static void expect(struct world *w, const struct sent *s, uint64_t now_ms, enum iam_refusal refusal)
{
	CLEANUP(iam_proof_clear) struct iam_proof proof = {0};
	enum iam_refusal found;
	struct why why = {{0}};
	int err = iam_authenticate(w->iam, &s->request, s->body_sha256, now_ms, &proof, &found, &why);

	if (found != refusal)
		fail_msg("refusal %d instead of %d: %s", (int)found, (int)refusal, why.text);
	assert_int_equal(err, refusal == IAM_REFUSAL_NONE ? ERR_OK : ERR_DENIED);
	if (refusal == IAM_REFUSAL_NONE)
		assert_non_null(proof.caller);
	else
		assert_null(proof.caller);
}

static struct signing signing_of(struct world *w, struct iam_access_key *key, struct secret **ret_secret)
{
	world_user(w, &w->alice, "ann");
	*key = world_key(w, &w->alice, "ann", ret_secret);
	return (struct signing){key->id, NULL, "us-east-1", "kms", "{}", *ret_secret, NOW_MS};
}

static void a_signed_request_proves_its_caller(void **state)
{
	struct world *w = *state;
	CLEANUP(secret_freep) struct secret *secret = NULL;
	struct iam_access_key key;
	struct signing how = signing_of(w, &key, &secret);
	CLEANUP(iam_proof_clear) struct iam_proof proof = {0};
	enum iam_refusal refusal;
	struct slice value;
	struct sent s;

	send(&s, &how);
	assert_int_equal(iam_authenticate(w->iam, &s.request, s.body_sha256, NOW_MS, &proof, &refusal, NULL), ERR_OK);
	assert_string_equal(proof.caller->user_name, "ann");
	assert_string_equal(proof.caller->access_key, key.id);
	assert_string_equal(proof.auth.service, "kms");
	assert_true(slice_is_str(proof.parts.method, "POST"));
	assert_true(sigv4_canonical_header(&proof.parts, "content-type", &value));
	assert_true(slice_is_str(value, "application/x-amz-json-1.1"));
	/* A second time from the cache, and by a fresh handle. */
	expect(w, &s, NOW_MS, IAM_REFUSAL_NONE);
	world_reopen(w);
	expect(w, &s, NOW_MS, IAM_REFUSAL_NONE);
}

/* The example of "Signature Version 4 signing process" in AWS's general reference. */
static void the_signing_key_is_the_published_one(void **state)
{
	static const uint8_t expected[32] = {0xc4, 0xaf, 0xb1, 0xcc, 0x57, 0x71, 0xd8, 0x71, 0x76, 0x3a, 0x39,
	                                     0x3e, 0x44, 0xb7, 0x03, 0x57, 0x1b, 0x55, 0xcc, 0x28, 0x42, 0x4d,
	                                     0x1a, 0x5e, 0x86, 0xda, 0x6e, 0xd3, 0xc1, 0x54, 0xa4, 0xb9};
	struct sigv4 auth = {.timestamp = "20150830T123600Z", .region = "us-east-1", .service = "iam"};
	CLEANUP(secret_freep) struct secret *secret = NULL;
	CLEANUP(secret_freep) struct secret *key = NULL;
	(void)state;

	assert_int_equal(secret_new_from(slice_str("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), &secret, NULL), ERR_OK);
	assert_int_equal(signing_key_derive(secret, &auth, &key, NULL), ERR_OK);
	assert_memory_equal(secret_peek(key), expected, sizeof expected);
}

static void what_is_altered_does_not_pass(void **state)
{
	struct world *w = *state;
	CLEANUP(secret_freep) struct secret *secret = NULL;
	struct iam_access_key key;
	struct signing how = signing_of(w, &key, &secret);
	struct sent s;
	char *digit;

	send(&s, &how);
	s.request.method = slice_str("PUT");
	expect(w, &s, NOW_MS, IAM_REFUSAL_MISMATCH);
	send(&s, &how);
	s.request.target = slice_str("/?a=b");
	expect(w, &s, NOW_MS, IAM_REFUSAL_MISMATCH);
	send(&s, &how);
	s.headers[2].value = slice_str("application/json");
	expect(w, &s, NOW_MS, IAM_REFUSAL_MISMATCH);
	send(&s, &how);
	s.body_sha256[0] ^= 1;
	expect(w, &s, NOW_MS, IAM_REFUSAL_MISMATCH);
	send(&s, &how);
	digit = strstr(s.authorization, "Signature=") + strlen("Signature=");
	*digit = *digit == '0' ? '1' : '0';
	expect(w, &s, NOW_MS, IAM_REFUSAL_MISMATCH);
	/* A header that has to be signed and is not. */
	send(&s, &how);
	add_header(&s, "x-amz-target", "TrentService.Decrypt");
	expect(w, &s, NOW_MS, IAM_REFUSAL_UNSIGNED);
	/* None at all, and one that is none. */
	send(&s, &how);
	s.request.header_count--;
	expect(w, &s, NOW_MS, IAM_REFUSAL_MISSING);
	send(&s, &how);
	snprintf(s.authorization, sizeof s.authorization, "AWS4-HMAC-SHA256 Credential=x");
	s.headers[3].value = slice_str(s.authorization);
	expect(w, &s, NOW_MS, IAM_REFUSAL_MALFORMED);
}

static void clocks_may_differ_by_a_quarter_of_an_hour(void **state)
{
	struct world *w = *state;
	CLEANUP(secret_freep) struct secret *secret = NULL;
	struct iam_access_key key;
	struct signing how = signing_of(w, &key, &secret);
	struct sent s;

	send(&s, &how);
	expect(w, &s, NOW_MS + SIGV4_SKEW_MS, IAM_REFUSAL_NONE);
	expect(w, &s, NOW_MS - SIGV4_SKEW_MS, IAM_REFUSAL_NONE);
	expect(w, &s, NOW_MS + SIGV4_SKEW_MS + 1000, IAM_REFUSAL_SKEWED);
	expect(w, &s, NOW_MS - SIGV4_SKEW_MS - 1000, IAM_REFUSAL_SKEWED);
}

static void region_and_service_are_checked(void **state)
{
	struct world *w = *state;
	CLEANUP(secret_freep) struct secret *secret = NULL;
	struct iam_access_key key;
	struct signing how = signing_of(w, &key, &secret);
	struct sent s;

	how.region = "eu-west-1";
	send(&s, &how);
	expect(w, &s, NOW_MS, IAM_REFUSAL_SCOPE);
	how.region = "us-east-1";
	how.service = "ec2";
	send(&s, &how);
	expect(w, &s, NOW_MS, IAM_REFUSAL_SCOPE);
}

static void unknown_and_inactive_keys_look_alike(void **state)
{
	struct world *w = *state;
	CLEANUP(secret_freep) struct secret *secret = NULL;
	struct iam_access_key key;
	struct signing how = signing_of(w, &key, &secret);
	CLEANUP(secret_freep) struct secret *other = NULL;
	struct slice account = slice_str(w->alice.id);
	struct sent s;

	send(&s, &how);
	expect(w, &s, NOW_MS, IAM_REFUSAL_NONE);
	assert_int_equal(iam_access_key_set_active(w->iam, account, slice_str("ann"), slice_str(key.id), false, NULL),
	                 ERR_OK);
	expect(w, &s, NOW_MS, IAM_REFUSAL_UNKNOWN_KEY);
	assert_int_equal(iam_access_key_set_active(w->iam, account, slice_str("ann"), slice_str(key.id), true, NULL),
	                 ERR_OK);
	expect(w, &s, NOW_MS, IAM_REFUSAL_NONE);
	assert_int_equal(iam_access_key_delete(w->iam, account, slice_str("ann"), slice_str(key.id), NULL), ERR_OK);
	expect(w, &s, NOW_MS, IAM_REFUSAL_UNKNOWN_KEY);
	how.access_key = "CLAKAAAAAAAAAAAAAAAA";
	send(&s, &how);
	expect(w, &s, NOW_MS, IAM_REFUSAL_UNKNOWN_KEY);
	/* The right key with a wrong secret. */
	key = world_key(w, &w->alice, "ann", &other);
	how.access_key = key.id;
	send(&s, &how);
	expect(w, &s, NOW_MS, IAM_REFUSAL_MISMATCH);
}

static void a_session_needs_its_token(void **state)
{
	struct world *w = *state;
	CLEANUP(iam_credentials_clear) struct iam_credentials c = {0};
	CLEANUP(secret_freep) struct secret *secret = NULL;
	struct iam_access_key key;
	struct signing how = signing_of(w, &key, &secret), plain = how;
	struct iam_identity role;
	struct iam_session_spec spec = {.name = slice_str("s1"), .issued_ms = NOW_MS, .lasts_s = 900};
	char trust[256], forged[SIGV4_TOKEN_BYTES_MAX + 1];
	struct sent s;

	snprintf(trust, sizeof trust, TRUST_ACCOUNT, w->alice.id);
	role = world_role(w, &w->alice, "job", trust);
	spec.role = &role;
	assert_int_equal(iam_session_issue(w->iam, &spec, &c, NULL), ERR_OK);
	how.access_key = c.access_key;
	how.secret = c.secret;
	how.token = c.token;
	send(&s, &how);
	expect(w, &s, NOW_MS, IAM_REFUSAL_NONE);
	how.token = NULL;
	send(&s, &how);
	expect(w, &s, NOW_MS, IAM_REFUSAL_TOKEN);
	memcpy(forged, c.token, sizeof forged);
	forged[40] = forged[40] == 'x' ? 'y' : 'x';
	how.token = forged;
	send(&s, &how);
	expect(w, &s, NOW_MS, IAM_REFUSAL_TOKEN);
	how.token = c.token;
	how.now_ms = NOW_MS + 900000;
	send(&s, &how);
	expect(w, &s, NOW_MS + 900000, IAM_REFUSAL_TOKEN_EXPIRED);
	/* A token beside a long-term key. */
	plain.token = c.token;
	send(&s, &plain);
	expect(w, &s, NOW_MS, IAM_REFUSAL_TOKEN);
	/* A session whose role is gone. */
	assert_int_equal(iam_identity_delete(w->iam, IAM_KIND_ROLE, slice_str(w->alice.id), slice_str("job"), NULL),
	                 ERR_OK);
	how.now_ms = NOW_MS;
	send(&s, &how);
	expect(w, &s, NOW_MS, IAM_REFUSAL_TOKEN);
}

static void only_s3_takes_unsigned_bodies(void **state)
{
	struct world *w = *state;
	CLEANUP(secret_freep) struct secret *secret = NULL;
	CLEANUP(buf_freep) struct buf *authorization = NULL, *again = NULL;
	struct iam_access_key key;
	struct signing how = signing_of(w, &key, &secret);
	struct sigv4_signer signer = {key.id, "us-east-1", "s3", NULL, NOW_MS};
	char date[TIME_BASIC_BYTES];
	struct sigv4_header headers[4] = {{slice_str("host"), slice_str("h")},
	                                  {slice_str("x-amz-date"), slice_str("")},
	                                  {slice_str("x-amz-content-sha256"), slice_str("UNSIGNED-PAYLOAD")}};
	struct sigv4_request request = {slice_str("PUT"), slice_str("/b/k"), headers, 3};
	CLEANUP(iam_proof_clear) struct iam_proof proof = {0};
	enum iam_refusal refusal;

	(void)how;
	time_format_basic(NOW_MS, date);
	headers[1].value = slice_str(date);
	assert_int_equal(buf_new(2048, &authorization, NULL), ERR_OK);
	assert_int_equal(buf_new(2048, &again, NULL), ERR_OK);
	assert_int_equal(iam_sign_request(&signer, secret, &request, NULL, authorization, NULL), ERR_OK);
	headers[3] = (struct sigv4_header){slice_str("authorization"), buf_slice(authorization)};
	request.header_count = 4;
	assert_int_equal(iam_authenticate(w->iam, &request, NULL, NOW_MS, &proof, &refusal, NULL), ERR_OK);
	iam_proof_clear(&proof);

	signer.service = "kms";
	request.header_count = 3;
	assert_int_equal(iam_sign_request(&signer, secret, &request, NULL, again, NULL), ERR_OK);
	headers[3].value = buf_slice(again);
	request.header_count = 4;
	assert_int_equal(iam_authenticate(w->iam, &request, NULL, NOW_MS, &proof, &refusal, NULL), ERR_DENIED);
	assert_int_equal(refusal, IAM_REFUSAL_UNSIGNED);
}

static void a_presigned_url_lasts_as_long_as_it_says(void **state)
{
	struct world *w = *state;
	CLEANUP(secret_freep) struct secret *secret = NULL;
	CLEANUP(buf_freep) struct buf *target = NULL;
	struct iam_access_key key;
	struct signing how = signing_of(w, &key, &secret);
	struct sigv4_signer signer = {key.id, "us-east-1", "s3", NULL, NOW_MS};
	struct sigv4_header host = {slice_str("host"), slice_str("127.0.0.1:8443")};
	struct sent s = {.request = {slice_str("GET"), slice_str("/bucket/key"), &host, 1}};

	(void)how;
	assert_int_equal(buf_new(4096, &target, NULL), ERR_OK);
	assert_int_equal(iam_presign(&signer, secret, &s.request, 3600, target, NULL), ERR_OK);
	s.request.target = buf_slice(target);
	expect(w, &s, NOW_MS, IAM_REFUSAL_NONE);
	expect(w, &s, NOW_MS + 3600 * 1000, IAM_REFUSAL_NONE);
	expect(w, &s, NOW_MS + 3601 * 1000, IAM_REFUSAL_EXPIRED);
	s.request.method = slice_str("PUT");
	expect(w, &s, NOW_MS, IAM_REFUSAL_MISMATCH);
}

/* The example of "Signature calculations: transferring a payload in multiple chunks" in the S3 API reference. */
static void chunk_signatures_are_the_published_ones(void **state)
{
	struct world *w = *state;
	struct sigv4 auth = {.timestamp = "20130524T000000Z",
	                     .region = "us-east-1",
	                     .service = "s3",
	                     .access_key = "AKIAIOSFODNN7EXAMPLE"};
	static const char seed[] = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
	static const char *const signatures[3] = {"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
	                                          "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
	                                          "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"};
	static const size_t sizes[3] = {65536, 1024, 0};
	CLEANUP(secret_freep) struct secret *secret = NULL;
	CLEANUP(iam_chunk_chain_clear) struct iam_chunk_chain chain = {0};
	struct secret *key = NULL;
	uint8_t signature[32], digest[32];
	static char data[65536];

	assert_int_equal(secret_new_from(slice_str("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), &secret, NULL), ERR_OK);
	assert_int_equal(hex_decode(slice_str(seed), auth.signature, 32, NULL), ERR_OK);
	assert_int_equal(iam_chunk_chain_begin(w->iam, &auth, &chain, NULL), ERR_UNAVAILABLE);
	assert_int_equal(signing_key_derive(secret, &auth, &key, NULL), ERR_OK);
	signing_keys_put(w->iam->signing_keys, &auth, key);
	assert_int_equal(iam_chunk_chain_begin(w->iam, &auth, &chain, NULL), ERR_OK);
	memset(data, 'a', sizeof data);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(hex_decode(slice_str(signatures[i]), signature, 32, NULL), ERR_OK);
		sha256(slice_of(data, sizes[i]), digest);
		digest[5] ^= 1;
		assert_int_equal(iam_chunk_chain_check(&chain, &auth, digest, signature, NULL), ERR_DENIED);
		digest[5] ^= 1;
		assert_int_equal(iam_chunk_chain_check(&chain, &auth, digest, signature, NULL), ERR_OK);
	}
	assert_int_equal(iam_chunk_chain_check_trailer(&chain, &auth, digest, signature, NULL), ERR_DENIED);
}

static void the_oldest_signing_key_gives_way(void **state)
{
	struct signing_keys *keys = NULL;
	struct sigv4 auth = {.timestamp = "20130524T000000Z", .region = "r", .service = "s3"};
	size_t before = secret_count();
	(void)state;

	assert_int_equal(signing_keys_new(&keys, NULL), ERR_OK);
	for (int i = 0; i <= IAM_SIGNING_KEYS_MAX; i++) {
		struct secret *key = NULL;

		snprintf(auth.access_key, sizeof auth.access_key, "key %d", i);
		assert_int_equal(secret_new(32, &key, NULL), ERR_OK);
		signing_keys_put(keys, &auth, key);
		/* The first is used again and again, so the second is the oldest. */
		snprintf(auth.access_key, sizeof auth.access_key, "key 0");
		assert_non_null(signing_keys_find(keys, &auth));
	}
	assert_int_equal(secret_count() - before, IAM_SIGNING_KEYS_MAX);
	snprintf(auth.access_key, sizeof auth.access_key, "key 1");
	assert_null(signing_keys_find(keys, &auth));
	snprintf(auth.access_key, sizeof auth.access_key, "key %d", IAM_SIGNING_KEYS_MAX);
	assert_non_null(signing_keys_find(keys, &auth));
	/* Each part of the scope counts. */
	auth.timestamp[7] = '5';
	assert_null(signing_keys_find(keys, &auth));
	auth.timestamp[7] = '4';
	auth.region[0] = 'q';
	assert_null(signing_keys_find(keys, &auth));
	auth.region[0] = 'r';
	auth.service[1] = '4';
	assert_null(signing_keys_find(keys, &auth));
	signing_keys_free(keys);
	assert_int_equal(secret_count(), before);
}

static void each_api_has_its_own_words(void **state)
{
	int status;
	(void)state;

	assert_string_equal(iam_refusal_code(IAM_REFUSAL_UNKNOWN_KEY, IAM_API_S3, &status), "InvalidAccessKeyId");
	assert_int_equal(status, 403);
	assert_string_equal(iam_refusal_code(IAM_REFUSAL_UNKNOWN_KEY, IAM_API_QUERY, &status), "InvalidClientTokenId");
	assert_string_equal(iam_refusal_code(IAM_REFUSAL_UNKNOWN_KEY, IAM_API_JSON, &status),
	                    "UnrecognizedClientException");
	assert_int_equal(status, 400);
	assert_string_equal(iam_refusal_code(IAM_REFUSAL_MISMATCH, IAM_API_S3, &status), "SignatureDoesNotMatch");
	assert_string_equal(iam_refusal_code(IAM_REFUSAL_TOKEN_EXPIRED, IAM_API_JSON, &status),
	                    "ExpiredTokenException");
	for (int refusal = IAM_REFUSAL_MISSING; refusal <= IAM_REFUSAL_MISMATCH; refusal++)
		for (int api = IAM_API_S3; api <= IAM_API_JSON; api++)
			assert_true(iam_refusal_code((enum iam_refusal)refusal, (enum iam_api)api, &status)[0] &&
			            status >= 400);
}

#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, world_make, world_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_signed_request_proves_its_caller),
		cmocka_unit_test(the_signing_key_is_the_published_one),
		IN_WORLD(what_is_altered_does_not_pass),
		IN_WORLD(clocks_may_differ_by_a_quarter_of_an_hour),
		IN_WORLD(region_and_service_are_checked),
		IN_WORLD(unknown_and_inactive_keys_look_alike),
		IN_WORLD(a_session_needs_its_token),
		IN_WORLD(only_s3_takes_unsigned_bodies),
		IN_WORLD(a_presigned_url_lasts_as_long_as_it_says),
		IN_WORLD(chunk_signatures_are_the_published_ones),
		cmocka_unit_test(the_oldest_signing_key_gives_way),
		cmocka_unit_test(each_api_has_its_own_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
