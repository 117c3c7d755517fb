#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "wire/uri.h"

static void assert_slice(struct slice s, const char *text)
{
	assert_int_equal(s.len, strlen(text));
	assert_memory_equal(s.ptr ? s.ptr : (const uint8_t *)"", text, s.len);
}

static void origin_form_is_taken_apart_unchanged(void **state)
{
	struct uri_target t;
	(void)state;

	assert_int_equal(uri_target_parse(slice_str("/b/a%20b/../c//?x=%2F&y"), &t, NULL), ERR_OK);
	assert_slice(t.authority, "");
	assert_slice(t.path, "/b/a%20b/../c//");
	assert_slice(t.query, "x=%2F&y");
	assert_true(t.has_query);
	assert_int_equal(uri_target_parse(slice_str("/"), &t, NULL), ERR_OK);
	assert_false(t.has_query);
	assert_int_equal(uri_target_parse(slice_str("/a?"), &t, NULL), ERR_OK);
	assert_true(t.has_query);
	assert_int_equal(t.query.len, 0);
	assert_int_equal(uri_target_parse(slice_str("/a?b?c/d"), &t, NULL), ERR_OK);
	assert_slice(t.query, "b?c/d");
}

static void absolute_form_names_its_authority(void **state)
{
	struct uri_target t;
	(void)state;

	assert_int_equal(uri_target_parse(slice_str("http://a.example:8443/p?q"), &t, NULL), ERR_OK);
	assert_slice(t.authority, "a.example:8443");
	assert_slice(t.path, "/p");
	assert_slice(t.query, "q");
	assert_int_equal(uri_target_parse(slice_str("HTTPS://[::1]/"), &t, NULL), ERR_OK);
	assert_slice(t.authority, "[::1]");
}

static void other_targets_are_refused_and_touch_nothing(void **state)
{
	static const char *const bad[] = {
		"",           "*",         "a",           "example:443", "ftp://a/",     "http://",      "http://a",
		"http://a?b", "http:///p", "http://u@a/", "//a b",       "/a#b",         "/a%",          "/a%2",
		"/a%2g",      "/a?%",      "/a?%zz",      "/\x80",       "/a\\b",        "/a\"b",        "/a<b",
		"/a|b",       "/a?b[c]",   "/\x7f",       "/a\tb",       "http://a:0/p", "http://a:b/p", "http://a%41/",
		"/a?b^c",     "/a?b\x01",  "/{x}",        "/`",          "http:/a/",     "\\\\a\\b",
	};
	struct uri_target t = {0};
	struct why why;
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		why.text[0] = 0;
		if (uri_target_parse(slice_str(bad[i]), &t, &why) != ERR_INVALID)
			fail_msg("accepted: %s", bad[i]);
		assert_true(why.text[0] != 0);
	}
	assert_null(t.path.ptr);
}

static void a_nul_byte_in_a_target_is_refused(void **state)
{
	struct uri_target t;
	(void)state;

	assert_int_equal(uri_target_parse(slice_of("/a\0b", 4), &t, NULL), ERR_INVALID);
}

static void every_byte_is_allowed_in_a_path_exactly_when_rfc_3986_says(void **state)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				      "-._~!$&'()*+,;=:@/";
	(void)state;

	for (int byte = 1; byte < 256; byte++) {
		char text[4] = {'/', 'a', (char)byte, 0};
		struct uri_target t;
		bool is_allowed = strchr(allowed, byte) || byte == '?';

		assert_int_equal(uri_target_parse(slice_str(text), &t, NULL), is_allowed ? ERR_OK : ERR_INVALID);
	}
}

static void authorities_are_split(void **state)
{
	struct slice host;
	uint16_t port;
	(void)state;

	assert_int_equal(uri_authority_parse(slice_str("bucket.s3_x.example:443"), &host, &port, NULL), ERR_OK);
	assert_slice(host, "bucket.s3_x.example");
	assert_int_equal(port, 443);
	assert_int_equal(uri_authority_parse(slice_str("127.0.0.1"), &host, &port, NULL), ERR_OK);
	assert_slice(host, "127.0.0.1");
	assert_int_equal(port, 0);
	assert_int_equal(uri_authority_parse(slice_str("[fe80::1]:65535"), &host, &port, NULL), ERR_OK);
	assert_slice(host, "fe80::1");
	assert_int_equal(port, 65535);
	assert_int_equal(uri_authority_parse(slice_str("[::ffff:127.0.0.1]"), &host, &port, NULL), ERR_OK);
	assert_slice(host, "::ffff:127.0.0.1");
}

static void malformed_authorities_are_refused(void **state)
{
	static const char *const bad[] = {
		"",        ":80",
		"a:",      "a:0",
		"a:65536", "a:080",
		"a:8a",    "a b",
		"a/b",     "u@a",
		"[::1",    "::1",
		"[]",      "[::1]x",
		"[::1]:",  "[::1]:x",
		"[g]",     "a,b",
		"a\tb",    "a:80:90",
		"a%41",    "[fe80::1%25eth0]",
		"a\x80",   "a;b",
		"a:-1",    "a:+80",
		"a: 80",
	};
	struct slice host;
	uint16_t port;
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (uri_authority_parse(slice_str(bad[i]), &host, &port, NULL) != ERR_INVALID)
			fail_msg("accepted: %s", bad[i]);
}

static void escapes_are_decoded(void **state)
{
	CLEANUP(buf_freep) struct buf *b = NULL;
	(void)state;

	assert_int_equal(buf_new(64, &b, NULL), ERR_OK);
	assert_int_equal(uri_decode(slice_str("a%20b+%c3%A9%00"), b, NULL), ERR_OK);
	assert_int_equal(buf_len(b), 7);
	assert_memory_equal(buf_slice(b).ptr, "a b+\xc3\xa9\0", 7);
	buf_reset(b);
	assert_int_equal(uri_decode_form(slice_str("a+b%2B"), b, NULL), ERR_OK);
	assert_slice(buf_slice(b), "a b+");
}

static void broken_escapes_append_nothing(void **state)
{
	static const char *const bad[] = {"ab%", "ab%1", "ab%1g", "ab%g1", "%%41", "%-1"};
	CLEANUP(buf_freep) struct buf *b = NULL;
	(void)state;

	assert_int_equal(buf_new(64, &b, NULL), ERR_OK);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(uri_decode(slice_str(bad[i]), b, NULL), ERR_INVALID);
	assert_int_equal(buf_len(b), 0);
}

static void decoding_respects_the_bound_of_the_buffer(void **state)
{
	CLEANUP(buf_freep) struct buf *b = NULL;
	(void)state;

	assert_int_equal(buf_new(3, &b, NULL), ERR_OK);
	assert_int_equal(uri_decode(slice_str("abcd"), b, NULL), ERR_LIMIT);
	assert_int_equal(uri_decode(slice_str("%61%62%63"), b, NULL), ERR_OK); /* what counts is what comes out */
	assert_slice(buf_slice(b), "abc");
	buf_reset(b);
	assert_int_equal(uri_encode(slice_str(" a"), false, b, NULL), ERR_LIMIT);
	assert_int_equal(uri_encode(slice_str(" "), false, b, NULL), ERR_OK);
	assert_slice(buf_slice(b), "%20");
}

static void encoding_is_what_signatures_expect(void **state)
{
	CLEANUP(buf_freep) struct buf *b = NULL;
	(void)state;

	assert_int_equal(buf_new(256, &b, NULL), ERR_OK);
	assert_int_equal(uri_encode(slice_str("a/B-._~9 +*\xc3\xa9"), false, b, NULL), ERR_OK);
	assert_slice(buf_slice(b), "a%2FB-._~9%20%2B%2A%C3%A9");
	buf_reset(b);
	assert_int_equal(uri_encode(slice_str("a/b"), true, b, NULL), ERR_OK);
	assert_slice(buf_slice(b), "a/b");
}

static void every_byte_survives_encoding_and_decoding(void **state)
{
	CLEANUP(buf_freep) struct buf *encoded = NULL, *decoded = NULL;
	uint8_t all[256];
	(void)state;

	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	assert_int_equal(buf_new(1024, &encoded, NULL), ERR_OK);
	assert_int_equal(buf_new(1024, &decoded, NULL), ERR_OK);
	assert_int_equal(uri_encode(slice_of(all, sizeof all), false, encoded, NULL), ERR_OK);
	assert_int_equal(uri_decode(buf_slice(encoded), decoded, NULL), ERR_OK);
	assert_int_equal(buf_len(decoded), sizeof all);
	assert_memory_equal(buf_slice(decoded).ptr, all, sizeof all);
}

static void decoded_text_is_compared_without_decoding(void **state)
{
	(void)state;

	assert_true(uri_decoded_is(slice_str("X-Amz%2dDate"), "X-Amz-Date"));
	assert_true(uri_decoded_is(slice_str(""), ""));
	assert_false(uri_decoded_is(slice_str("a"), "ab"));
	assert_false(uri_decoded_is(slice_str("ab"), "a"));
	assert_false(uri_decoded_is(slice_str("a%6"), "af"));
	assert_false(uri_decoded_is(slice_str("A"), "a"));
	assert_false(uri_decoded_is(slice_of("a\0", 2), "a"));
}

static void queries_are_split_and_kept_raw(void **state)
{
	struct uri_query q;
	struct slice value;
	(void)state;

	assert_int_equal(uri_query_parse(slice_str("list-type=2&prefix=a%2Fb=c&versions&max%2dkeys="), &q, NULL),
	                 ERR_OK);
	assert_int_equal(q.count, 4);
	assert_slice(q.at[1].value, "a%2Fb=c");
	assert_false(q.at[2].has_value);
	assert_true(q.at[3].has_value);
	assert_int_equal(uri_query_one(&q, "prefix", &value, NULL), ERR_OK);
	assert_slice(value, "a%2Fb=c");
	assert_int_equal(uri_query_one(&q, "max-keys", &value, NULL), ERR_OK);
	assert_int_equal(value.len, 0);
	assert_true(uri_query_has(&q, "versions"));
	assert_false(uri_query_has(&q, "Versions"));
	assert_int_equal(uri_query_parse(slice_str(""), &q, NULL), ERR_OK);
	assert_int_equal(q.count, 0);
}

static void a_parameter_given_twice_is_nobodys(void **state)
{
	struct uri_query q;
	struct slice value = {0};
	struct why why;
	(void)state;

	assert_int_equal(uri_query_parse(slice_str("uploadId=1&upload%49d=2"), &q, NULL), ERR_OK);
	assert_int_equal(uri_query_one(&q, "uploadId", &value, &why), ERR_CONFLICT);
	assert_non_null(strstr(why.text, "uploadId"));
	assert_int_equal(uri_query_one(&q, "partNumber", &value, &why), ERR_NOTFOUND);
	assert_null(value.ptr);
}

static void malformed_queries_are_refused(void **state)
{
	static const char *const bad[] = {"&",   "a&",   "&a",    "a&&b", "=b",    "a=1&=2",
	                                  "a=%", "a=%4", "a=b#c", "a b",  "a=\xff"};
	struct uri_query q = {.count = 77};
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (uri_query_parse(slice_str(bad[i]), &q, NULL) != ERR_INVALID)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(q.count, 77);
}

static void one_parameter_too_many_is_a_limit(void **state)
{
	char text[4 * URI_PARAMETERS_MAX + 8] = "a";
	struct uri_query q;
	(void)state;

	for (size_t i = 1; i < URI_PARAMETERS_MAX; i++)
		memcpy(text + 2 * i - 1, "&a", 3);
	assert_int_equal(uri_query_parse(slice_str(text), &q, NULL), ERR_OK);
	assert_int_equal(q.count, URI_PARAMETERS_MAX);
	memcpy(text + 2 * URI_PARAMETERS_MAX - 1, "&a", 3);
	assert_int_equal(uri_query_parse(slice_str(text), &q, NULL), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(origin_form_is_taken_apart_unchanged),
		cmocka_unit_test(absolute_form_names_its_authority),
		cmocka_unit_test(other_targets_are_refused_and_touch_nothing),
		cmocka_unit_test(a_nul_byte_in_a_target_is_refused),
		cmocka_unit_test(every_byte_is_allowed_in_a_path_exactly_when_rfc_3986_says),
		cmocka_unit_test(authorities_are_split),
		cmocka_unit_test(malformed_authorities_are_refused),
		cmocka_unit_test(escapes_are_decoded),
		cmocka_unit_test(broken_escapes_append_nothing),
		cmocka_unit_test(decoding_respects_the_bound_of_the_buffer),
		cmocka_unit_test(encoding_is_what_signatures_expect),
		cmocka_unit_test(every_byte_survives_encoding_and_decoding),
		cmocka_unit_test(decoded_text_is_compared_without_decoding),
		cmocka_unit_test(queries_are_split_and_kept_raw),
		cmocka_unit_test(a_parameter_given_twice_is_nobodys),
		cmocka_unit_test(malformed_queries_are_refused),
		cmocka_unit_test(one_parameter_too_many_is_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
