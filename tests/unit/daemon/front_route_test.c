#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "daemon/front/route.h"
#include "daemon/front/s3_checksum.h"
#include "daemon/front/s3_lookup.h"
#include "daemon/front/s3_upload.h"

static enum front_target route(const char *first, const char *fields)
{
	static struct http1_request request;
	static char head[4096];
	int len = snprintf(head, sizeof head, "%s HTTP/1.1\r\nHost: h\r\n%s\r\n", first, fields);

	assert_int_equal(http1_request_parse(slice_of(head, (size_t)len), &request, NULL, NULL), ERR_OK);
	return front_route(&request);
}

#define SIGNED_FOR(service) \
	"Authorization: AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/" service "/aws4_request, Signature=0\r\n"

static void paths_of_our_own_never_reach_a_bucket(void **state)
{
	(void)state;
	assert_int_equal(route("GET /-/healthz", ""), FRONT_TARGET_HEALTHZ);
	assert_int_equal(route("GET /-/readyz?x", ""), FRONT_TARGET_READYZ);
	assert_int_equal(route("GET /-/log/checkpoint", ""), FRONT_TARGET_LOG);
	assert_int_equal(route("GET /-/log", ""), FRONT_TARGET_KEYS);
	assert_int_equal(route("GET /-/healthz/x", ""), FRONT_TARGET_KEYS);
	assert_int_equal(route("GET /-", SIGNED_FOR("s3")), FRONT_TARGET_KEYS);
	assert_int_equal(route("GET /-/v1/x", SIGNED_FOR("s3")), FRONT_TARGET_KEYS);
}

static void the_credential_s_scope_names_the_service(void **state)
{
	(void)state;
	assert_int_equal(route("POST /", SIGNED_FOR("kms")), FRONT_TARGET_KEYS);
	assert_int_equal(route("POST /", SIGNED_FOR("iam")), FRONT_TARGET_KEYS);
	assert_int_equal(route("POST /", SIGNED_FOR("sts")), FRONT_TARGET_KEYS);
	assert_int_equal(route("POST /", SIGNED_FOR("sagemaker")), FRONT_TARGET_KEYS);
	assert_int_equal(route("POST /", SIGNED_FOR("s3")), FRONT_TARGET_S3);
	assert_int_equal(route("POST /", SIGNED_FOR("kmsx")), FRONT_TARGET_S3);
	assert_int_equal(route("GET /?X-Amz-Credential=AK%2F20260101%2Fr%2Fsts%2Faws4_request&a=b", ""),
	                 FRONT_TARGET_KEYS);
	assert_int_equal(route("GET /b/k?X-Amz-Credential=AK%2F20260101%2Fr%2Fs3%2Faws4_request", ""), FRONT_TARGET_S3);
	assert_int_equal(route("GET /b/k?X-Amz-Credential=AK%2F2026", ""), FRONT_TARGET_S3);
	assert_int_equal(route("GET /b/k", "Authorization: Credential=\r\n"), FRONT_TARGET_S3);
	assert_int_equal(route("POST /", "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"),
	                 FRONT_TARGET_KEYS);
	assert_int_equal(route("POST /b", "Content-Type: application/x-www-form-urlencoded\r\n"), FRONT_TARGET_S3);
	assert_int_equal(route("GET /", ""), FRONT_TARGET_S3);
}

static void an_etag_is_found_in_any_spelling_of_a_list(void **state)
{
	struct slice etag = slice_str("abc");
	(void)state;

	assert_true(s3_etag_listed(slice_str("\"abc\""), etag));
	assert_true(s3_etag_listed(slice_str("abc"), etag));
	assert_true(s3_etag_listed(slice_str("W/\"abc\""), etag));
	assert_true(s3_etag_listed(slice_str("\"x\" ,\"abc\", \"y\""), etag));
	assert_true(s3_etag_listed(slice_str("*"), etag));
	assert_false(s3_etag_listed(slice_str("\"ab\""), etag));
	assert_false(s3_etag_listed(slice_str("\""), etag));
	assert_false(s3_etag_listed(slice_str(",,,"), etag));
	assert_false(s3_etag_listed(slice_str(""), etag));
}

/* FIPS 180's examples, and the check values of the CRCs' catalogue, in base64. */
static void checksums_have_their_published_values(void **state)
{
	static const struct {
		enum s3_checksum_kind kind;
		const char *text, *value;
	} known[] = {
		{S3_CHECKSUM_CRC32, "123456789", "y/Q5Jg=="},
		{S3_CHECKSUM_CRC32C, "123456789", "4waSgw=="},
		{S3_CHECKSUM_CRC64NVME, "123456789", "rosUhgp5mIg="},
		{S3_CHECKSUM_SHA1, "abc", "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="},
		{S3_CHECKSUM_SHA256, "abc", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="},
	};
	char value[S3_CHECKSUM_TEXT_BYTES];
	(void)state;

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		struct s3_checksum c;

		assert_int_equal(s3_checksum_begin(known[i].kind, &c, NULL), ERR_OK);
		s3_checksum_add(&c, slice_of(known[i].text, 2));
		s3_checksum_add(&c, slice_str(known[i].text + 2));
		s3_checksum_end(&c, value);
		s3_checksum_clear(&c);
		assert_string_equal(value, known[i].value);
		assert_int_equal(s3_checksum_by_name(slice_str(s3_checksum_name(known[i].kind))), known[i].kind);
		assert_int_equal(s3_checksum_by_header(slice_str(s3_checksum_header(known[i].kind))), known[i].kind);
	}
	assert_int_equal(s3_checksum_by_header(slice_str("x-amz-checksum-md5")), S3_CHECKSUM_NONE);
	assert_int_equal(s3_checksum_by_name(slice_str("")), S3_CHECKSUM_NONE);
}

static void a_part_s_tag_holds_its_etag_and_its_checksum(void **state)
{
	static const char etag[] = "0123456789abcdef0123456789abcdef";
	struct s3_part_tag tag;
	struct slice value;
	(void)state;

	s3_part_tag_make(&tag, etag, S3_CHECKSUM_SHA256, "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
	assert_true(slice_is_str(s3_part_tag_etag(slice_str(tag.text)), etag));
	assert_int_equal(s3_part_tag_checksum(slice_str(tag.text), &value), S3_CHECKSUM_SHA256);
	assert_true(slice_is_str(value, "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="));
	s3_part_tag_make(&tag, etag, S3_CHECKSUM_NONE, "");
	assert_string_equal(tag.text, etag);
	assert_int_equal(s3_part_tag_checksum(slice_str(tag.text), &value), S3_CHECKSUM_NONE);
	assert_int_equal(s3_part_tag_checksum(slice_str("short"), &value), S3_CHECKSUM_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_of_our_own_never_reach_a_bucket),
		cmocka_unit_test(the_credential_s_scope_names_the_service),
		cmocka_unit_test(an_etag_is_found_in_any_spelling_of_a_list),
		cmocka_unit_test(checksums_have_their_published_values),
		cmocka_unit_test(a_part_s_tag_holds_its_etag_and_its_checksum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
