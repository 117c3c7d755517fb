#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/time.h"
#include "wire/sigv4.h"

#define SIGNATURE "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SCOPE "20130524/us-east-1/s3/aws4_request"
#define AUTHORIZATION(signed_headers) \
	"AWS4-HMAC-SHA256 Credential=AKID/" SCOPE ", SignedHeaders=" signed_headers ", Signature=" SIGNATURE
#define HEADER(header_name, header_value)                           \
	{{(const uint8_t *)(header_name), sizeof(header_name) - 1}, \
	 {(const uint8_t *)(header_value), sizeof(header_value) - 1}}

#define MAY_24_MS UINT64_C(1369353600000) /* 20130524T000000Z */

/* Reads a request of these headers. */
static int read_headers(const char *method, const char *target, const struct sigv4_header *headers, size_t count,
                        struct sigv4 *auth, struct why *why)
{
	const struct sigv4_request request = {slice_str(method), slice_str(target), headers, count};

	return sigv4_read(&request, auth, why);
}
#define READ(target, auth, why, ...)                                              \
	read_headers("GET", (target), (const struct sigv4_header[]){__VA_ARGS__}, \
	             sizeof((const struct sigv4_header[]){__VA_ARGS__}) / sizeof(struct sigv4_header), (auth), (why))

#define HOST HEADER("Host", "h.example.com")
#define DATE HEADER("X-Amz-Date", "20130524T000000Z")
#define SHA HEADER("X-Amz-Content-Sha256", EMPTY_SHA256)
#define SIGNED HEADER("Authorization", AUTHORIZATION("host;x-amz-content-sha256;x-amz-date"))

static void a_claim_is_read_whole(void **state)
{
	struct sigv4 auth;
	(void)state;

	assert_int_equal(READ("/", &auth, NULL, HOST, DATE, SHA, SIGNED), ERR_OK);
	assert_int_equal(auth.origin, SIGV4_IN_HEADER);
	assert_string_equal(auth.access_key, "AKID");
	assert_string_equal(auth.region, "us-east-1");
	assert_string_equal(auth.service, "s3");
	assert_string_equal(auth.signed_headers, "host;x-amz-content-sha256;x-amz-date");
	assert_string_equal(auth.timestamp, "20130524T000000Z");
	assert_string_equal(auth.token, "");
	assert_true(auth.time_ms == MAY_24_MS);
	assert_int_equal(auth.payload, SIGV4_PAYLOAD_SHA256);
	assert_int_equal(auth.signature[0], 0xae);
}

static void a_request_without_an_aws_signature_is_told_apart(void **state)
{
	struct sigv4 auth = {.access_key = "untouched"};
	(void)state;

	assert_int_equal(READ("/?a=b", &auth, NULL, HOST), ERR_NOTFOUND);
	assert_int_equal(READ("/", &auth, NULL, HOST, HEADER("Authorization", "Bearer abc")), ERR_NOTFOUND);
	assert_string_equal(auth.access_key, "untouched");
}

static void every_header_that_services_act_upon_must_be_signed(void **state)
{
	struct sigv4 auth;
	struct why why;
	(void)state;

	assert_int_equal(READ("/", &auth, &why, HOST, DATE, SHA, SIGNED, HEADER("X-Amz-Copy-Source", "/b/k")),
	                 ERR_DENIED);
	assert_non_null(strstr(why.text, "X-Amz-Copy-Source"));
	assert_int_equal(READ("/", &auth, &why, HOST, DATE, SHA, SIGNED, HEADER("x-cloister-nonce", "1")), ERR_DENIED);
	assert_int_equal(READ("/", &auth, &why, HOST, DATE, SHA, SIGNED, HEADER("X-AMZ-", "")), ERR_DENIED);
	assert_int_equal(READ("/", &auth, &why, HOST, DATE, SHA,
	                      HEADER("Authorization", AUTHORIZATION("host;x-amz-content-sha256"))),
	                 ERR_DENIED);
	assert_int_equal(READ("/", &auth, &why, HOST, DATE, SHA,
	                      HEADER("Authorization", AUTHORIZATION("x-amz-content-sha256;x-amz-date"))),
	                 ERR_DENIED);
	/* nobody acts upon these */
	assert_int_equal(READ("/", &auth, &why, HOST, DATE, SHA, SIGNED, HEADER("X-Amzn-Trace-Id", "1"),
	                      HEADER("amz-sdk-request", "attempt=1"), HEADER("Range", "bytes=0-1")),
	                 ERR_OK);
}

static void content_type_must_be_signed_except_for_s3(void **state)
{
	static const char kms[] = "AWS4-HMAC-SHA256 Credential=AKID/20130524/us-east-1/kms/aws4_request, "
				  "SignedHeaders=host;x-amz-date, Signature=" SIGNATURE;
	static const char kms_typed[] = "AWS4-HMAC-SHA256 Credential=AKID/20130524/us-east-1/kms/aws4_request, "
					"SignedHeaders=content-type;host;x-amz-date, Signature=" SIGNATURE;
	struct sigv4 auth;
	(void)state;

	assert_int_equal(READ("/", &auth, NULL, HOST, DATE, SHA, SIGNED, HEADER("Content-Type", "a/b")), ERR_OK);
	assert_int_equal(
		READ("/", &auth, NULL, HOST, DATE, HEADER("Authorization", kms), HEADER("Content-Type", "a/b")),
		ERR_DENIED);
	assert_int_equal(
		READ("/", &auth, NULL, HOST, DATE, HEADER("Authorization", kms_typed), HEADER("Content-Type", "a/b")),
		ERR_OK);
	assert_int_equal(auth.payload, SIGV4_PAYLOAD_ABSENT);
}

static void a_header_that_is_acted_upon_is_there_once(void **state)
{
	struct sigv4 auth;
	(void)state;

	assert_int_equal(READ("/", &auth, NULL, HOST, HOST, DATE, SHA, SIGNED), ERR_INVALID);
	assert_int_equal(READ("/", &auth, NULL, HOST, DATE, DATE, SHA, SIGNED), ERR_INVALID);
	assert_int_equal(READ("/", &auth, NULL, HOST, DATE, SHA, SIGNED, SIGNED), ERR_INVALID);
	assert_int_equal(READ("/", &auth, NULL, DATE, SHA, SIGNED), ERR_INVALID);
	assert_int_equal(READ("/", &auth, NULL, HEADER("Host", " "), DATE, SHA, SIGNED), ERR_INVALID);
}

static void a_signed_header_must_be_there(void **state)
{
	struct sigv4 auth;
	struct why why;
	(void)state;

	assert_int_equal(READ("/", &auth, &why, HOST, DATE, SHA,
	                      HEADER("Authorization", AUTHORIZATION("expect;host;x-amz-content-sha256;x-amz-date"))),
	                 ERR_INVALID);
	assert_non_null(strstr(why.text, "expect"));
}

/* One request with this Authorization header. */
static int read_authorization(const char *text)
{
	const struct sigv4_header headers[] = {HOST, DATE, SHA, {slice_str("authorization"), slice_str(text)}};
	struct sigv4 auth;

	return read_headers("GET", "/", headers, 4, &auth, NULL);
}

static void malformed_authorization_is_refused(void **state)
{
	static const char *const refused[] = {
		"AWS4-ECDSA-P256-SHA256 Credential=AKID/" SCOPE ", SignedHeaders=host, Signature=" SIGNATURE,
		"AWS AKID:signature",
		"AWS4-HMAC-SHA256",
		"AWS4-HMAC-SHA256 ",
		"AWS4-HMAC-SHA256 Credential=AKID/" SCOPE ", SignedHeaders=host",
		"AWS4-HMAC-SHA256 Credential=AKID/" SCOPE ", Signature=" SIGNATURE,
		"AWS4-HMAC-SHA256 SignedHeaders=host, Signature=" SIGNATURE,
		AUTHORIZATION("host;x-amz-content-sha256;x-amz-date") ", Extra=1",
		AUTHORIZATION("host;x-amz-content-sha256;x-amz-date") ", Signature=" SIGNATURE,
		AUTHORIZATION("host;x-amz-content-sha256;x-amz-date") ",",
		AUTHORIZATION("host;x-amz-content-sha256;x-amz-date") "00",
		AUTHORIZATION(""),
		AUTHORIZATION("host;x-amz-content-sha256;x-amz-date;"),
		AUTHORIZATION(";host;x-amz-content-sha256;x-amz-date"),
		AUTHORIZATION("host;;x-amz-content-sha256;x-amz-date"),
		AUTHORIZATION("host;x-amz-date;x-amz-content-sha256"),
		AUTHORIZATION("host;host;x-amz-content-sha256;x-amz-date"),
		AUTHORIZATION("Host;x-amz-content-sha256;x-amz-date"),
		AUTHORIZATION("ho st;x-amz-content-sha256;x-amz-date"),
		"AWS4-HMAC-SHA256 Credential=AKID/20130525/us-east-1/s3/aws4_request, "
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" SIGNATURE,
		"AWS4-HMAC-SHA256 Credential=AKID/20130524/us-east-1/s3/aws4, "
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" SIGNATURE,
		"AWS4-HMAC-SHA256 Credential=AKID/20130524/us-east-1/s3/x/aws4_request, "
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" SIGNATURE,
		"AWS4-HMAC-SHA256 Credential=/20130524/us-east-1/s3/aws4_request, "
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" SIGNATURE,
		"AWS4-HMAC-SHA256 Credential=AK ID/20130524/us-east-1/s3/aws4_request, "
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" SIGNATURE,
	};
	char upper[512];
	(void)state;

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		assert_int_equal(read_authorization(refused[i]), ERR_INVALID);
	snprintf(upper, sizeof upper, "%s", AUTHORIZATION("host;x-amz-content-sha256;x-amz-date"));
	assert_int_equal(read_authorization(upper), ERR_OK);
	upper[strlen(upper) - 1] = 'A';
	assert_int_equal(read_authorization(upper), ERR_INVALID);
}

static void spelling_that_clients_use_is_accepted(void **state)
{
	(void)state;

	assert_int_equal(read_authorization("AWS4-HMAC-SHA256 Signature=" SIGNATURE ",Credential=AKID/" SCOPE
	                                    " ,  SignedHeaders=host;x-amz-content-sha256;x-amz-date"),
	                 ERR_OK);
}

static void an_over_long_part_is_a_limit(void **state)
{
	char text[SIGV4_AUTHORIZATION_BYTES_MAX + 64];
	char key[SIGV4_ACCESS_KEY_BYTES_MAX + 2];
	(void)state;

	memset(text, 'a', sizeof text);
	memcpy(text, "AWS4-HMAC-SHA256 ", 17);
	text[sizeof text - 1] = 0;
	assert_int_equal(read_authorization(text), ERR_LIMIT);
	memset(key, 'K', sizeof key);
	key[sizeof key - 1] = 0;
	snprintf(text, sizeof text,
	         "AWS4-HMAC-SHA256 Credential=%s/" SCOPE
	         ", SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" SIGNATURE,
	         key);
	assert_int_equal(read_authorization(text), ERR_LIMIT);
	snprintf(text, sizeof text,
	         "AWS4-HMAC-SHA256 Credential=%s/" SCOPE
	         ", SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" SIGNATURE,
	         key + 1);
	assert_int_equal(read_authorization(text), ERR_OK);
	snprintf(text, sizeof text,
	         "AWS4-HMAC-SHA256 Credential=AKID/" SCOPE ", SignedHeaders=%0*d, Signature=" SIGNATURE,
	         SIGV4_SIGNED_HEADERS_BYTES_MAX + 1, 0);
	assert_int_equal(read_authorization(text), ERR_LIMIT);
	snprintf(text, sizeof text,
	         "AWS4-HMAC-SHA256 Credential=AKID/20130524/%0*d/s3/aws4_request, SignedHeaders=host, "
	         "Signature=" SIGNATURE,
	         SIGV4_REGION_BYTES_MAX + 1, 0);
	assert_int_equal(read_authorization(text), ERR_LIMIT);
	snprintf(text, sizeof text,
	         "AWS4-HMAC-SHA256 Credential=AKID/20130524/r/%0*d/aws4_request, SignedHeaders=host, "
	         "Signature=" SIGNATURE,
	         SIGV4_SERVICE_BYTES_MAX + 1, 0);
	assert_int_equal(read_authorization(text), ERR_LIMIT);
}

static void a_request_over_the_limits_is_refused(void **state)
{
	static char target[SIGV4_TARGET_BYTES_MAX + 2];
	struct sigv4_header headers[SIGV4_HEADERS_MAX + 1];
	char token[SIGV4_TOKEN_BYTES_MAX + 2];
	struct sigv4 auth;
	(void)state;

	memset(target, '/', sizeof target - 1);
	assert_int_equal(READ(target, &auth, NULL, HOST), ERR_LIMIT);
	target[SIGV4_TARGET_BYTES_MAX] = 0;
	assert_int_equal(READ(target, &auth, NULL, HOST), ERR_NOTFOUND);
	for (size_t i = 0; i <= SIGV4_HEADERS_MAX; i++)
		headers[i] = (struct sigv4_header)HEADER("a", "b");
	assert_int_equal(read_headers("GET", "/", headers, SIGV4_HEADERS_MAX + 1, &auth, NULL), ERR_LIMIT);
	assert_int_equal(read_headers("GET", "/", headers, SIGV4_HEADERS_MAX, &auth, NULL), ERR_NOTFOUND);
	memset(token, 't', sizeof token);
	token[sizeof token - 1] = 0;
	headers[0] = (struct sigv4_header)HOST;
	headers[1] = (struct sigv4_header)DATE;
	headers[2] = (struct sigv4_header)SHA;
	headers[3] = (struct sigv4_header)HEADER(
		"Authorization", AUTHORIZATION("host;x-amz-content-sha256;x-amz-date;x-amz-security-token"));
	headers[4] = (struct sigv4_header){slice_str("X-Amz-Security-Token"), slice_str(token)};
	assert_int_equal(read_headers("GET", "/", headers, 5, &auth, NULL), ERR_LIMIT);
	headers[4].value.len--;
	assert_int_equal(read_headers("GET", "/", headers, 5, &auth, NULL), ERR_OK);
	assert_int_equal(strlen(auth.token), SIGV4_TOKEN_BYTES_MAX);
}

/* A line end in any part would let one signed text stand for two requests. */
static void what_could_be_read_in_two_ways_is_refused(void **state)
{
	const struct sigv4_header good[] = {HOST, DATE, SHA, SIGNED};
	struct sigv4 auth;
	(void)state;

	assert_int_equal(read_headers("GET\n/", "/", good, 4, &auth, NULL), ERR_INVALID);
	assert_int_equal(read_headers("", "/", good, 4, &auth, NULL), ERR_INVALID);
	assert_int_equal(read_headers("GET", "/a\nb", good, 4, &auth, NULL), ERR_INVALID);
	assert_int_equal(read_headers("GET", "/a\x7f", good, 4, &auth, NULL), ERR_INVALID);
	assert_int_equal(read_headers("GET", "/a%", good, 4, &auth, NULL), ERR_INVALID);
	assert_int_equal(read_headers("GET", "/a%4?b", good, 4, &auth, NULL), ERR_INVALID);
	assert_int_equal(read_headers("GET", "/%zz", good, 4, &auth, NULL), ERR_INVALID);
	assert_int_equal(read_headers("GET", "a", good, 4, &auth, NULL), ERR_INVALID);
	assert_int_equal(read_headers("GET", "", good, 4, &auth, NULL), ERR_INVALID);
	assert_int_equal(READ("/", &auth, NULL, HOST, DATE, SHA, SIGNED, HEADER("a", "b\nx-amz-acl:public")),
	                 ERR_INVALID);
	assert_int_equal(READ("/", &auth, NULL, HOST, DATE, SHA, SIGNED, HEADER("a", "b\r")), ERR_INVALID);
	assert_int_equal(READ("/", &auth, NULL, HOST, DATE, SHA, SIGNED, HEADER("a", "b\0")), ERR_INVALID);
	assert_int_equal(READ("/", &auth, NULL, HOST, DATE, SHA, SIGNED, HEADER("a:b", "")), ERR_INVALID);
	assert_int_equal(READ("/", &auth, NULL, HOST, DATE, SHA, SIGNED, HEADER("", "b")), ERR_INVALID);
	assert_int_equal(READ("/", &auth, NULL, HOST, DATE, SHA, SIGNED, HEADER("a", "\tb\xc3\xa4")), ERR_OK);
}

static void the_date_header_stands_in_for_x_amz_date_and_is_signed(void **state)
{
	static const char *const refused[] = {
		"Fri, 24 May 2013 00:00:00",
		"Fri, 24 May 2013 00:00:00 CET",
		"Fri, 24 Mai 2013 00:00:00 GMT",
		"Friday, 24-May-13 00:00:00 GMT",
		"Fri, 32 May 2013 00:00:00 GMT",
		"Fri, +4 May 2013 00:00:00 GMT",
		"Fri May 24 00:00:00 2013",
		"20130524T000000",
		"",
	};
	struct sigv4 auth;
	(void)state;

#define DATED HEADER("Authorization", AUTHORIZATION("date;host;x-amz-content-sha256"))
	assert_int_equal(READ("/", &auth, NULL, HOST, SHA, DATED, HEADER("Date", "Fri, 24 May 2013 00:00:01 GMT")),
	                 ERR_OK);
	assert_string_equal(auth.timestamp, "20130524T000001Z");
	assert_int_equal(READ("/", &auth, NULL, HOST, SHA, DATED, HEADER("Date", "Fri, 24 May 2013 23:59:59 -0000")),
	                 ERR_OK);
	assert_int_equal(READ("/", &auth, NULL, HOST, SHA, DATED, HEADER("Date", "20130524T000000Z")), ERR_OK);
	assert_int_equal(READ("/", &auth, NULL, HOST, SHA, HEADER("Date", "20130524T000000Z"),
	                      HEADER("Authorization", AUTHORIZATION("host;x-amz-content-sha256"))),
	                 ERR_DENIED);
	/* beside x-amz-date it says nothing */
	assert_int_equal(READ("/", &auth, NULL, HOST, SHA, DATE, SIGNED, HEADER("Date", "whenever")), ERR_OK);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		const struct sigv4_header headers[] = {HOST, SHA, DATED, {slice_str("date"), slice_str(refused[i])}};

		assert_int_equal(read_headers("GET", "/", headers, 4, &auth, NULL), ERR_INVALID);
	}
	assert_int_equal(READ("/", &auth, NULL, HOST, SHA, SIGNED), ERR_INVALID);
}

static void payload_modes_are_those_of_s3(void **state)
{
	static const struct {
		const char *text;
		int expected, payload;
	} cases[] = {
		{"UNSIGNED-PAYLOAD", ERR_OK, SIGV4_PAYLOAD_UNSIGNED},
		{"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", ERR_OK, SIGV4_PAYLOAD_CHUNKS},
		{"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", ERR_OK, SIGV4_PAYLOAD_CHUNKS_TRAILER},
		{"STREAMING-UNSIGNED-PAYLOAD-TRAILER", ERR_OK, SIGV4_PAYLOAD_UNSIGNED_TRAILER},
		{EMPTY_SHA256, ERR_OK, SIGV4_PAYLOAD_SHA256},
		{"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", ERR_INVALID, 0},
		{"unsigned-payload", ERR_INVALID, 0},
		{"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", ERR_INVALID, 0},
		{"e3b0", ERR_INVALID, 0},
		{"", ERR_INVALID, 0},
	};
	struct sigv4 auth;
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct sigv4_header headers[] = {
			HOST, DATE, SIGNED, {slice_str("x-amz-content-sha256"), slice_str(cases[i].text)}};

		assert_int_equal(read_headers("PUT", "/", headers, 4, &auth, NULL), cases[i].expected);
		if (cases[i].expected == ERR_OK)
			assert_int_equal(auth.payload, cases[i].payload);
	}
	assert_int_equal(READ("/", &auth, NULL, HOST, DATE, HEADER("Authorization", AUTHORIZATION("host;x-amz-date"))),
	                 ERR_INVALID);
}

#define PRESIGNED_BUT(expires, rest)                                                                 \
	"/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20130524%2Fus-east-1%2Fs3%2F" \
	"aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=" expires rest
#define PRESIGNED PRESIGNED_BUT("86400", "&X-Amz-SignedHeaders=host&X-Amz-Signature=" SIGNATURE)

static void presigned_urls_keep_the_same_rules(void **state)
{
	struct sigv4 auth;
	(void)state;

	assert_int_equal(READ(PRESIGNED, &auth, NULL, HOST), ERR_OK);
	assert_int_equal(auth.origin, SIGV4_IN_QUERY);
	assert_int_equal(auth.expires_s, 86400);
	assert_int_equal(auth.payload, SIGV4_PAYLOAD_UNSIGNED);
	assert_int_equal(READ(PRESIGNED "&X-Amz-Security-Token=a%2Bb", &auth, NULL, HOST), ERR_OK);
	assert_string_equal(auth.token, "a+b");
	assert_int_equal(READ(PRESIGNED "&X-Amz-Content-Sha256=" EMPTY_SHA256, &auth, NULL, HOST), ERR_OK);
	assert_int_equal(auth.payload, SIGV4_PAYLOAD_SHA256);

	assert_int_equal(READ(PRESIGNED, &auth, NULL, HOST, HEADER("x-amz-acl", "public-read")), ERR_DENIED);
	assert_int_equal(READ(PRESIGNED, &auth, NULL, HOST, SIGNED), ERR_INVALID);
	assert_int_equal(READ(PRESIGNED, &auth, NULL, HOST, HEADER("Authorization", "Bearer t")), ERR_INVALID);
	assert_int_equal(READ(PRESIGNED "&X-Amz-Date=20130524T000000Z", &auth, NULL, HOST), ERR_INVALID);
	assert_int_equal(READ(PRESIGNED "&X%2DAmz-Date=20130524T000000Z", &auth, NULL, HOST), ERR_INVALID);
	assert_int_equal(READ(PRESIGNED "&versionId=1&versionId=2", &auth, NULL, HOST), ERR_INVALID);
	assert_int_equal(READ(PRESIGNED "&prefix=a+b", &auth, NULL, HOST), ERR_INVALID);
	assert_int_equal(READ(PRESIGNED "&prefix=%0", &auth, NULL, HOST), ERR_INVALID);
}

static void presigned_urls_live_from_a_second_to_a_week(void **state)
{
	struct sigv4 auth;
	(void)state;

#define REST "&X-Amz-SignedHeaders=host&X-Amz-Signature=" SIGNATURE
	assert_int_equal(READ(PRESIGNED_BUT("1", REST), &auth, NULL, HOST), ERR_OK);
	assert_int_equal(READ(PRESIGNED_BUT("604800", REST), &auth, NULL, HOST), ERR_OK);
	assert_int_equal(READ(PRESIGNED_BUT("604801", REST), &auth, NULL, HOST), ERR_INVALID);
	_Static_assert(SIGV4_EXPIRES_S_MAX == 604800, "the two lines above are at the limit, and past it");
	assert_int_equal(READ(PRESIGNED_BUT("0", REST), &auth, NULL, HOST), ERR_INVALID);
	assert_int_equal(READ(PRESIGNED_BUT("-1", REST), &auth, NULL, HOST), ERR_INVALID);
	assert_int_equal(READ(PRESIGNED_BUT("", REST), &auth, NULL, HOST), ERR_INVALID);
	assert_int_equal(READ(PRESIGNED_BUT("01", REST), &auth, NULL, HOST), ERR_INVALID);
	assert_int_equal(READ(PRESIGNED_BUT("9", "&X-Amz-SignedHeaders=host"), &auth, NULL, HOST), ERR_INVALID);
	assert_int_equal(READ(PRESIGNED_BUT("9", "&X-Amz-Signature=" SIGNATURE), &auth, NULL, HOST), ERR_INVALID);
}

static void freshness_is_told(void **state)
{
	struct sigv4 auth = {.origin = SIGV4_IN_HEADER, .time_ms = MAY_24_MS, .expires_s = 60};
	(void)state;

	assert_int_equal(sigv4_freshness(&auth, MAY_24_MS), SIGV4_FRESH);
	assert_int_equal(sigv4_freshness(&auth, MAY_24_MS + SIGV4_SKEW_MS), SIGV4_FRESH);
	assert_int_equal(sigv4_freshness(&auth, MAY_24_MS - SIGV4_SKEW_MS), SIGV4_FRESH);
	assert_int_equal(sigv4_freshness(&auth, MAY_24_MS + SIGV4_SKEW_MS + 1), SIGV4_SKEWED);
	assert_int_equal(sigv4_freshness(&auth, MAY_24_MS - SIGV4_SKEW_MS - 1), SIGV4_SKEWED);
	auth.origin = SIGV4_IN_QUERY;
	assert_int_equal(sigv4_freshness(&auth, MAY_24_MS + 60000), SIGV4_FRESH);
	assert_int_equal(sigv4_freshness(&auth, MAY_24_MS + 60001), SIGV4_EXPIRED);
	assert_int_equal(sigv4_freshness(&auth, MAY_24_MS - SIGV4_SKEW_MS), SIGV4_FRESH);
	assert_int_equal(sigv4_freshness(&auth, MAY_24_MS - SIGV4_SKEW_MS - 1), SIGV4_SKEWED);
}

static void another_region_or_service_is_denied_and_named(void **state)
{
	struct sigv4 auth = {.region = "us-east-1", .service = "kms"};
	struct why why;
	(void)state;

	assert_int_equal(sigv4_scope_check(&auth, "us-east-1", "kms", &why), ERR_OK);
	assert_int_equal(sigv4_scope_check(&auth, "us-east-2", "kms", &why), ERR_DENIED);
	assert_non_null(strstr(why.text, "us-east-2"));
	assert_int_equal(sigv4_scope_check(&auth, "us-east-1", "s3", &why), ERR_DENIED);
	assert_non_null(strstr(why.text, "kms"));
}

static void a_body_that_is_not_the_declared_one_is_denied(void **state)
{
	const struct sigv4_header headers[] = {HOST, DATE, SHA, SIGNED};
	const struct sigv4_request request = {slice_str("GET"), slice_str("/"), headers, 4};
	CLEANUP(buf_freep) struct buf *text = NULL;
	uint8_t other[32] = {1}, same[32];
	struct sigv4 auth;
	(void)state;

	assert_int_equal(buf_new(4096, &text, NULL), ERR_OK);
	assert_int_equal(sigv4_read(&request, &auth, NULL), ERR_OK);
	memcpy(same, auth.payload_sha256, 32);
	assert_int_equal(sigv4_canonical_put(&request, &auth, other, text, NULL), ERR_DENIED);
	buf_reset(text);
	assert_int_equal(sigv4_canonical_put(&request, &auth, same, text, NULL), ERR_OK);
	buf_reset(text);
	assert_int_equal(sigv4_canonical_put(&request, &auth, NULL, text, NULL), ERR_OK);
	auth.payload = SIGV4_PAYLOAD_ABSENT;
	assert_int_equal(sigv4_canonical_put(&request, &auth, NULL, text, NULL), ERR_INTERNAL);
}

static void what_was_hashed_can_be_read_back(void **state)
{
	static const char text[] =
		"PUT\n/b/a%0Ab\nacl=&prefix=%2F\nhost:h\nx-amz-date:20130524T000000Z\nx-amz-meta-a:b:c\n\n"
		"host;x-amz-date;x-amz-meta-a\nUNSIGNED-PAYLOAD";
	struct sigv4_canonical parts;
	struct slice value;
	(void)state;

	assert_int_equal(sigv4_canonical_split(slice_str(text), &parts, NULL), ERR_OK);
	assert_true(slice_is_str(parts.method, "PUT"));
	assert_true(slice_is_str(parts.path, "/b/a%0Ab"));
	assert_true(slice_is_str(parts.query, "acl=&prefix=%2F"));
	assert_true(slice_is_str(parts.payload, "UNSIGNED-PAYLOAD"));
	assert_true(sigv4_canonical_header(&parts, "x-amz-meta-a", &value));
	assert_true(slice_is_str(value, "b:c"));
	assert_true(sigv4_canonical_header(&parts, "host", &value));
	assert_false(sigv4_canonical_header(&parts, "range", &value));
	for (size_t len = 0; len < 60; len++)
		assert_int_equal(sigv4_canonical_split(slice_of(text, len), &parts, NULL), ERR_INVALID);
}

static void every_spelling_of_an_s3_path_is_signed_as_one(void **state)
{
	static const char *const spellings[] = {"/b/a%2fb%c3%a4%7E+", "/b/a/b\xc3\xa4~%2B", "/b/a%2Fb%C3%A4~+"};
	const struct sigv4_header headers[] = {HOST};
	(void)state;

	for (size_t i = 0; i < 3; i++) {
		const struct sigv4_request request = {slice_str("GET"), slice_str(spellings[i]), headers, 1};
		const struct sigv4 auth = {
			.service = "s3", .signed_headers = "host", .payload = SIGV4_PAYLOAD_UNSIGNED};
		CLEANUP(buf_freep) struct buf *text = NULL;
		struct sigv4_canonical parts;

		assert_int_equal(buf_new(4096, &text, NULL), ERR_OK);
		assert_int_equal(sigv4_canonical_put(&request, &auth, NULL, text, NULL), ERR_OK);
		assert_int_equal(sigv4_canonical_split(buf_slice(text), &parts, NULL), ERR_OK);
		assert_true(slice_is_str(parts.path, "/b/a/b%C3%A4~%2B"));
	}
}

static void s3_paths_are_never_tidied_and_others_are(void **state)
{
	static const struct {
		const char *target, *s3, *other;
	} cases[] = {
		{"/", "/", "/"},
		{"//", "//", "/"},
		{"/a/../b", "/a/../b", "/b"},
		{"/../a/.", "/../a/.", "/a"},
		{"/a//b/", "/a//b/", "/a/b/"},
		{"/a%20b", "/a%20b", "/a%2520b"},
	};
	const struct sigv4_header headers[] = {HOST};
	(void)state;

	for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
		const struct sigv4_request request = {slice_str("GET"), slice_str(cases[i / 2].target), headers, 1};
		struct sigv4 auth = {.signed_headers = "host", .payload = SIGV4_PAYLOAD_UNSIGNED};
		CLEANUP(buf_freep) struct buf *text = NULL;
		struct sigv4_canonical parts;

		snprintf(auth.service, sizeof auth.service, "%s", i % 2 ? "s3" : "kms");
		assert_int_equal(buf_new(4096, &text, NULL), ERR_OK);
		assert_int_equal(sigv4_canonical_put(&request, &auth, NULL, text, NULL), ERR_OK);
		assert_int_equal(sigv4_canonical_split(buf_slice(text), &parts, NULL), ERR_OK);
		assert_true(slice_is_str(parts.path, i % 2 ? cases[i / 2].s3 : cases[i / 2].other));
	}
}

/* What a client signs, a server reads back as the same text. */
static void what_is_signed_is_what_is_read(void **state)
{
	static const struct sigv4_signer signer = {.access_key = "AKID",
	                                           .region = "eu-central-2",
	                                           .service = "s3",
	                                           .token = "tok",
	                                           .time_ms = MAY_24_MS + 999};
	struct sigv4_header headers[] = {HOST,
	                                 DATE,
	                                 SHA,
	                                 HEADER("X-Amz-Security-Token", "tok"),
	                                 HEADER("Content-Type", "a/b"),
	                                 HEADER("X-Cloister-Nonce", "1"),
	                                 HEADER("User-Agent", "me"),
	                                 HEADER("Authorization", "")};
	struct sigv4_request request = {slice_str("PUT"), slice_str("/b/k?acl"), headers, 7};
	CLEANUP(buf_freep) struct buf *ours = NULL, *theirs = NULL, *value = NULL;
	struct sigv4 auth, read;
	(void)state;

	assert_int_equal(buf_new(4096, &ours, NULL), ERR_OK);
	assert_int_equal(buf_new(4096, &theirs, NULL), ERR_OK);
	assert_int_equal(buf_new(4096, &value, NULL), ERR_OK);
	assert_int_equal(sigv4_sign_begin(&signer, &request, &auth, NULL), ERR_OK);
	assert_string_equal(auth.signed_headers,
	                    "content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token;"
	                    "x-cloister-nonce");
	assert_int_equal(sigv4_canonical_put(&request, &auth, NULL, ours, NULL), ERR_OK);
	memset(auth.signature, 0xab, 32);
	assert_int_equal(sigv4_authorization_put(&auth, value, NULL), ERR_OK);
	headers[7].value = buf_slice(value);
	request.header_count = 8;
	assert_int_equal(sigv4_read(&request, &read, NULL), ERR_OK);
	assert_memory_equal(&read, &auth, sizeof read);
	assert_int_equal(sigv4_canonical_put(&request, &read, NULL, theirs, NULL), ERR_OK);
	assert_true(slice_equal(buf_slice(ours), buf_slice(theirs)));
}

static void a_presigned_url_of_ours_is_read_back(void **state)
{
	static const struct sigv4_signer signer = {
		.access_key = "AKID", .region = "r", .service = "s3", .token = "a+/=", .time_ms = MAY_24_MS};
	static const char *const targets[] = {"/b/k", "/b/k?", "/b/k?versionId=a%2Bb"};
	const struct sigv4_header headers[] = {HOST};
	(void)state;

	for (size_t i = 0; i < 3; i++) {
		struct sigv4_request request = {slice_str("GET"), slice_str(targets[i]), headers, 1};
		CLEANUP(buf_freep) struct buf *url = NULL, *ours = NULL, *theirs = NULL;
		struct sigv4 auth, read;

		assert_int_equal(buf_new(4096, &url, NULL), ERR_OK);
		assert_int_equal(buf_new(4096, &ours, NULL), ERR_OK);
		assert_int_equal(buf_new(4096, &theirs, NULL), ERR_OK);
		assert_int_equal(sigv4_presign_begin(&signer, &request, 60, &auth, url, NULL), ERR_OK);
		request.target = buf_slice(url);
		assert_int_equal(sigv4_canonical_put(&request, &auth, NULL, ours, NULL), ERR_OK);
		memset(auth.signature, 0xcd, 32);
		assert_int_equal(sigv4_presign_finish(&auth, url, NULL), ERR_OK);
		request.target = buf_slice(url);
		assert_int_equal(sigv4_read(&request, &read, NULL), ERR_OK);
		assert_memory_equal(&read, &auth, sizeof read);
		assert_int_equal(sigv4_canonical_put(&request, &read, NULL, theirs, NULL), ERR_OK);
		assert_true(slice_equal(buf_slice(ours), buf_slice(theirs)));
		assert_int_equal(sigv4_presign_begin(&signer, &request, 604801, &auth, url, NULL), ERR_INVALID);
		assert_int_equal(sigv4_presign_begin(&signer, &request, 0, &auth, url, NULL), ERR_INVALID);
	}
}

static void a_client_that_dates_its_request_otherwise_is_told(void **state)
{
	static const struct sigv4_signer signer = {
		.access_key = "AKID", .region = "r", .service = "kms", .time_ms = MAY_24_MS + 1000};
	const struct sigv4_header headers[] = {HOST, DATE};
	const struct sigv4_request request = {slice_str("GET"), slice_str("/"), headers, 2};
	struct sigv4 auth;
	(void)state;

	assert_int_equal(sigv4_sign_begin(&signer, &request, &auth, NULL), ERR_INTERNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_claim_is_read_whole),
		cmocka_unit_test(a_request_without_an_aws_signature_is_told_apart),
		cmocka_unit_test(every_header_that_services_act_upon_must_be_signed),
		cmocka_unit_test(content_type_must_be_signed_except_for_s3),
		cmocka_unit_test(a_header_that_is_acted_upon_is_there_once),
		cmocka_unit_test(a_signed_header_must_be_there),
		cmocka_unit_test(malformed_authorization_is_refused),
		cmocka_unit_test(spelling_that_clients_use_is_accepted),
		cmocka_unit_test(an_over_long_part_is_a_limit),
		cmocka_unit_test(a_request_over_the_limits_is_refused),
		cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
		cmocka_unit_test(the_date_header_stands_in_for_x_amz_date_and_is_signed),
		cmocka_unit_test(payload_modes_are_those_of_s3),
		cmocka_unit_test(presigned_urls_keep_the_same_rules),
		cmocka_unit_test(presigned_urls_live_from_a_second_to_a_week),
		cmocka_unit_test(freshness_is_told),
		cmocka_unit_test(another_region_or_service_is_denied_and_named),
		cmocka_unit_test(a_body_that_is_not_the_declared_one_is_denied),
		cmocka_unit_test(what_was_hashed_can_be_read_back),
		cmocka_unit_test(every_spelling_of_an_s3_path_is_signed_as_one),
		cmocka_unit_test(s3_paths_are_never_tidied_and_others_are),
		cmocka_unit_test(what_is_signed_is_what_is_read),
		cmocka_unit_test(a_presigned_url_of_ours_is_read_back),
		cmocka_unit_test(a_client_that_dates_its_request_otherwise_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
