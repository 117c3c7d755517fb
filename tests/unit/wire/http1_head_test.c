#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/http1_head.h"

#define H "Host: a\r\n"

static void assert_slice(struct slice s, const char *text)
{
	assert_int_equal(s.len, strlen(text));
	assert_memory_equal(s.ptr ? s.ptr : (const uint8_t *)"", text, s.len);
}

static void parse(const char *head, struct http1_request *r)
{
	struct why why = {""};

	if (http1_request_parse(slice_str(head), r, NULL, &why) != ERR_OK)
		fail_msg("refused: %s", why.text);
}

static void a_request_is_taken_apart(void **state)
{
	struct http1_request r;
	(void)state;

	parse("PUT /b/k?x=1 HTTP/1.1\r\nHost: a:8443\r\nContent-Length: 42\r\nExpect: 100-Continue\r\n\r\n", &r);
	assert_slice(r.method, "PUT");
	assert_slice(r.target, "/b/k?x=1");
	assert_slice(r.uri.path, "/b/k");
	assert_slice(r.uri.query, "x=1");
	assert_slice(r.host, "a:8443");
	assert_int_equal(r.framing, HTTP1_FRAMING_LENGTH);
	assert_int_equal(r.length, 42);
	assert_int_equal(r.fields.count, 3);
	assert_true(r.keep_alive);
	assert_true(r.expects_continue);
	assert_false(r.is_http10);
}

static void framing_is_none_without_its_headers(void **state)
{
	struct http1_request r;
	(void)state;

	parse("GET / HTTP/1.1\r\n" H "\r\n", &r);
	assert_int_equal(r.framing, HTTP1_FRAMING_NONE);
	assert_false(r.expects_continue);
	parse("POST / HTTP/1.1\r\n" H "transfer-encoding: CHUNKED\r\n\r\n", &r);
	assert_int_equal(r.framing, HTTP1_FRAMING_CHUNKED);
	parse("POST / HTTP/1.1\r\n" H "Content-Length: 0\r\nExpect: 100-continue\r\n\r\n", &r);
	assert_int_equal(r.framing, HTTP1_FRAMING_LENGTH);
	assert_false(r.expects_continue); /* there is nothing to wait for */
}

static void methods_are_case_sensitive_tokens(void **state)
{
	struct http1_request r;
	(void)state;

	parse("get / HTTP/1.1\r\n" H "\r\n", &r);
	assert_slice(r.method, "get");
	assert_false(slice_is_str(r.method, "GET"));
	parse("M-SEARCH / HTTP/1.1\r\n" H "\r\n", &r);
	assert_slice(r.method, "M-SEARCH");
}

static void connection_close_is_heard_in_any_list(void **state)
{
	struct http1_request r;
	(void)state;

	parse("GET / HTTP/1.1\r\n" H "Connection: foo, Close\r\n\r\n", &r);
	assert_false(r.keep_alive);
	parse("GET / HTTP/1.1\r\n" H "Connection: keep-alive\r\n\r\n", &r);
	assert_true(r.keep_alive);
}

static void http_1_0_gets_one_request(void **state)
{
	struct http1_request r;
	(void)state;

	parse("GET / HTTP/1.0\r\n" H "Connection: keep-alive\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", &r);
	assert_true(r.is_http10);
	assert_false(r.keep_alive);
	assert_false(r.expects_continue);
}

static void an_absolute_target_must_agree_with_host(void **state)
{
	struct http1_request r;
	(void)state;

	parse("GET http://a/p HTTP/1.1\r\n" H "\r\n", &r);
	assert_slice(r.uri.path, "/p");
	assert_slice(r.host, "a");
}

/* The well-known ways to let two readers of one byte stream disagree: request smuggling by CL.TE, TE.CL, TE.TE and
 * CL.CL (RFC 9112 11.2), by spaces and folds, by bare CR or LF, by versions, by Host. All of them are refused. */
static const struct {
	const char *what;
	const char *head;
	unsigned status;
} smuggling[] = {
	{"CL.TE", "POST / HTTP/1.1\r\n" H "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
	{"TE.CL", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n", 400},
	{"CL.CL differing", "POST / HTTP/1.1\r\n" H "Content-Length: 6\r\nContent-Length: 5\r\n\r\n", 400},
	{"CL.CL equal", "POST / HTTP/1.1\r\n" H "Content-Length: 6\r\nContent-Length: 6\r\n\r\n", 400},
	{"CL list", "POST / HTTP/1.1\r\n" H "Content-Length: 6, 6\r\n\r\n", 400},
	{"CL signed", "POST / HTTP/1.1\r\n" H "Content-Length: +6\r\n\r\n", 400},
	{"CL negative", "POST / HTTP/1.1\r\n" H "Content-Length: -6\r\n\r\n", 400},
	{"CL hexadecimal", "POST / HTTP/1.1\r\n" H "Content-Length: 0x6\r\n\r\n", 400},
	{"CL octal", "POST / HTTP/1.1\r\n" H "Content-Length: 010\r\n\r\n", 400},
	{"CL fraction", "POST / HTTP/1.1\r\n" H "Content-Length: 6.0\r\n\r\n", 400},
	{"CL exponent", "POST / HTTP/1.1\r\n" H "Content-Length: 1e2\r\n\r\n", 400},
	{"CL with digit groups", "POST / HTTP/1.1\r\n" H "Content-Length: 1_0\r\n\r\n", 400},
	{"CL empty", "POST / HTTP/1.1\r\n" H "Content-Length: \r\n\r\n", 400},
	{"CL inner space", "POST / HTTP/1.1\r\n" H "Content-Length: 1 0\r\n\r\n", 400},
	{"CL vertical tab", "POST / HTTP/1.1\r\n" H "Content-Length: \v6\r\n\r\n", 400},
	{"CL form feed", "POST / HTTP/1.1\r\n" H "Content-Length: 6\f\r\n\r\n", 400},
	{"CL past 63 bits", "POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\n", 400},
	{"CL past 64 bits", "POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551622\r\n\r\n", 400},
	{"CL fullwidth digit", "POST / HTTP/1.1\r\n" H "Content-Length: \xef\xbc\x96\r\n\r\n", 400},
	{"CL quoted", "POST / HTTP/1.1\r\n" H "Content-Length: \"6\"\r\n\r\n", 400},
	{"TE twice", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
	{"TE.TE obfuscated", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-encoding: x\r\n\r\n", 400},
	{"TE list", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
	{"TE list, chunked first", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, identity\r\n\r\n", 501},
	{"TE chunked twice", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n\r\n", 501},
	{"TE identity", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", 501},
	{"TE prefixed", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", 501},
	{"TE suffixed", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunkedx\r\n\r\n", 501},
	{"TE quoted", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n", 501},
	{"TE parameter", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked;q=1\r\n\r\n", 501},
	{"TE empty", "POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n", 501},
	{"TE trailing comma", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked,\r\n\r\n", 501},
	{"TE space before colon", "POST / HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n", 400},
	{"TE tab before colon", "POST / HTTP/1.1\r\n" H "Transfer-Encoding\t: chunked\r\n\r\n", 400},
	{"TE leading space", "POST / HTTP/1.1\r\n" H " Transfer-Encoding: chunked\r\n\r\n", 400},
	{"TE first line folded", "POST / HTTP/1.1\r\n Transfer-Encoding: chunked\r\n" H "\r\n", 400},
	{"TE folded value", "POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n chunked\r\n\r\n", 400},
	{"TE folded by tab", "POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\tchunked\r\n\r\n", 400},
	{"TE vertical tab", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: \vchunked\r\n\r\n", 400},
	{"TE form feed", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\f\r\n\r\n", 400},
	{"TE bare CR in value", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\rX: y\r\n\r\n", 400},
	{"TE bare CR at end", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\r\n\r\n", 400},
	{"TE name with CR", "POST / HTTP/1.1\r\n" H "Foo: bar\r\n\rTransfer-Encoding: chunked\r\n\r\n", 400},
	{"TE name with backspace", "POST / HTTP/1.1\r\n" H "Transfer-Encoding\b: chunked\r\n\r\n", 400},
	{"TE name with high byte", "POST / HTTP/1.1\r\n" H "Transfer-Encoding\xa0: chunked\r\n\r\n", 400},
	{"TE value with high byte",
         "POST / HTTP/1.1\r\n" H "Transfer-Encoding: \xa0"
         "chunked\r\n\r\n",
         501},
	{"TE quoted name", "POST / HTTP/1.1\r\n" H "\"Transfer-Encoding\": chunked\r\n\r\n", 400},
	{"TE in HTTP/1.0", "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n", 400},
	{"CL space before colon", "POST / HTTP/1.1\r\n" H "Content-Length : 6\r\n\r\n", 400},
	{"CL folded", "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\n 0\r\n\r\n", 400},
	{"bare LF line", "GET / HTTP/1.1\r\n" H "A: b\nTransfer-Encoding: chunked\r\n\r\n", 400},
	{"bare LF throughout", "GET / HTTP/1.1\nHost: a\n\n", 400},
	{"bare LF empty line", "GET / HTTP/1.1\r\n" H "\n\r\n", 400},
	{"LF CR LF", "GET / HTTP/1.1\r\n" H "A: b\n\r\n", 400},
	{"bare CR lines", "GET / HTTP/1.1\r\n" H "A: b\rC: d\r\r\n\r\n", 400},
	{"request line bare LF", "GET / HTTP/1.1\n" H "\r\n", 400},
	{"request line bare CR", "GET / HTTP/1.1\r" H "\r\n\r\n", 400},
	{"empty line first", "\r\nGET / HTTP/1.1\r\n" H "\r\n", 400},
	{"line without colon", "GET / HTTP/1.1\r\n" H "GET /admin HTTP/1.1\r\n\r\n", 400},
	{"empty name", "GET / HTTP/1.1\r\n" H ": x\r\n\r\n", 400},
	{"no Host", "GET / HTTP/1.1\r\nA: b\r\n\r\n", 400},
	{"no Host in HTTP/1.0", "GET / HTTP/1.0\r\nA: b\r\n\r\n", 400},
	{"no header at all", "GET / HTTP/1.1\r\n\r\n", 400},
	{"two Hosts", "GET / HTTP/1.1\r\n" H "Host: b\r\n\r\n", 400},
	{"two equal Hosts", "GET / HTTP/1.1\r\n" H H "\r\n", 400},
	{"Host empty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
	{"Host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
	{"Host with path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
	{"Host with user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
	{"Host with bad port", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400},
	{"Host folded", "GET / HTTP/1.1\r\nHost:\r\n a\r\n\r\n", 400},
	{"Host space before colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
	{"target's host differs", "GET http://b/ HTTP/1.1\r\n" H "\r\n", 400},
	{"target's port differs", "GET http://a:1/ HTTP/1.1\r\n" H "\r\n", 400},
	{"target with user", "GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n", 400},
	{"authority form", "CONNECT a:443 HTTP/1.1\r\n" H "\r\n", 400},
	{"asterisk form", "OPTIONS * HTTP/1.1\r\n" H "\r\n", 400},
	{"target with fragment", "GET /a#b HTTP/1.1\r\n" H "\r\n", 400},
	{"target with raw byte", "GET /\xff HTTP/1.1\r\n" H "\r\n", 400},
	{"target with broken escape", "GET /%0 HTTP/1.1\r\n" H "\r\n", 400},
	{"two spaces", "GET  / HTTP/1.1\r\n" H "\r\n", 400},
	{"two spaces before version", "GET /  HTTP/1.1\r\n" H "\r\n", 400},
	{"tab for space", "GET\t/\tHTTP/1.1\r\n" H "\r\n", 400},
	{"space in target", "GET /a b HTTP/1.1\r\n" H "\r\n", 400},
	{"space at end", "GET / HTTP/1.1 \r\n" H "\r\n", 400},
	{"space at start", " GET / HTTP/1.1\r\n" H "\r\n", 400},
	{"no target", "GET HTTP/1.1\r\n" H "\r\n", 400},
	{"no version", "GET /\r\n" H "\r\n", 400},
	{"method no token", "G(T / HTTP/1.1\r\n" H "\r\n", 400},
	{"method empty", " / HTTP/1.1\r\n" H "\r\n", 400},
	{"method too long", "ABCDEFGHIJKLMNOPQRSTUVWXY / HTTP/1.1\r\n" H "\r\n", 501},
	{"HTTP/0.9", "GET / HTTP/0.9\r\n" H "\r\n", 505},
	{"HTTP/1.2", "GET / HTTP/1.2\r\n" H "\r\n", 505},
	{"HTTP/2.0", "GET / HTTP/2.0\r\n" H "\r\n", 505},
	{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
	{"HTTP/1.10", "GET / HTTP/1.10\r\n" H "\r\n", 400},
	{"HTTP/01.1", "GET / HTTP/01.1\r\n" H "\r\n", 400},
	{"HTTP/1,1", "GET / HTTP/1,1\r\n" H "\r\n", 400},
	{"http/1.1", "GET / http/1.1\r\n" H "\r\n", 400},
	{"HTTP /1.1", "GET / HTTP /1.1\r\n" H "\r\n", 400},
	{"unknown expectation", "PUT / HTTP/1.1\r\n" H "Content-Length: 1\r\nExpect: 200-ok\r\n\r\n", 417},
	{"two expectations", "PUT / HTTP/1.1\r\n" H "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n", 417},
	{"bytes after the head", "GET / HTTP/1.1\r\n" H "\r\nX", 400},
	{"no empty line", "GET / HTTP/1.1\r\n" H, 400},
};

static void every_known_smuggling_trick_is_refused_with_its_status(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof smuggling / sizeof *smuggling; i++) {
		struct http1_request r = {.length = 77};
		unsigned status = 0;
		struct why why = {""};
		int err = http1_request_parse(slice_str(smuggling[i].head), &r, &status, &why);

		if (err == ERR_OK || status != smuggling[i].status || !why.text[0] || r.length != 77)
			fail_msg("%s: %d, status %u, \"%s\"", smuggling[i].what, err, status, why.text);
	}
}

static void nul_anywhere_in_a_head_is_refused(void **state)
{
	static const char head[] = "GET /a HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n";
	(void)state;

	for (size_t i = 0; i < sizeof head - 1; i++) {
		char altered[sizeof head];
		struct http1_request r;

		memcpy(altered, head, sizeof head);
		altered[i] = 0;
		assert_int_equal(http1_request_parse(slice_of(altered, sizeof head - 1), &r, NULL, NULL), ERR_INVALID);
	}
}

static void refusals_say_exactly_what_is_wrong(void **state)
{
	static const struct {
		const char *head;
		const char *sentence;
	} bad[] = {
		{"POST / HTTP/1.1\r\n" H "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n",
	         "both Content-Length and Transfer-Encoding are given"},
		{"POST / HTTP/1.1\r\n" H "Content-Length: 6\r\nContent-Length: 5\r\n\r\n",
	         "Content-Length is given 2 times"},
		{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n",
	         "Transfer-Encoding must be chunked and nothing else"},
		{"GET / HTTP/1.1\r\nA: b\r\n\r\n", "header Host is missing"},
		{"GET / HTTP/1.1\r\n" H H "\r\n", "header Host is given twice"},
		{"GET / HTTP/2.0\r\n" H "\r\n", "version HTTP/2.0; HTTP/1.1 is spoken here"},
		{"GET http://b/ HTTP/1.1\r\n" H "\r\n", "the host in the request target differs from the Host header"},
	};
	struct http1_request r;
	struct why why;
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(http1_request_parse(slice_str(bad[i].head), &r, NULL, &why), ERR_INVALID);
		assert_string_equal(why.text, bad[i].sentence);
	}
}

static void a_target_may_be_as_long_as_its_limit_and_not_longer(void **state)
{
	static char head[HTTP1_HEAD_BYTES_MAX];
	struct http1_request r;
	unsigned status = 0;
	int len;
	(void)state;

	for (int extra = 0; extra < 2; extra++) {
		len = snprintf(head, sizeof head, "GET /%0*d HTTP/1.1\r\n" H "\r\n", HTTP1_TARGET_BYTES_MAX - 1 + extra,
		               0);
		if (!extra) {
			assert_int_equal(http1_request_parse(slice_of(head, (size_t)len), &r, &status, NULL), ERR_OK);
			continue;
		}
		assert_int_equal(http1_request_parse(slice_of(head, (size_t)len), &r, &status, NULL), ERR_LIMIT);
		assert_int_equal(status, 414);
	}
}

static void a_method_may_be_as_long_as_its_limit_and_not_longer(void **state)
{
	char method[HTTP1_METHOD_BYTES_MAX + 2], head[128];
	struct http1_request r;
	unsigned status = 0;
	(void)state;

	memset(method, 'M', sizeof method);
	for (int extra = 0; extra < 2; extra++) {
		int len = snprintf(head, sizeof head, "%.*s / HTTP/1.1\r\n" H "\r\n", HTTP1_METHOD_BYTES_MAX + extra,
		                   method);

		assert_int_equal(http1_request_parse(slice_of(head, (size_t)len), &r, &status, NULL),
		                 extra ? ERR_LIMIT : ERR_OK);
	}
	assert_int_equal(status, 501);
}

#define PADDED "GET / HTTP/1.1\r\n" H "A: %0*d\r\n\r\n"

static void a_head_may_be_as_large_as_its_limit_and_not_larger(void **state)
{
	static char head[HTTP1_HEAD_BYTES_MAX + 64];
	struct http1_request r;
	unsigned status = 0;
	(void)state;

	for (int extra = 0; extra < 2; extra++) {
		int around = snprintf(head, sizeof head, PADDED, 1, 0) - 1;
		int len = snprintf(head, sizeof head, PADDED, HTTP1_HEAD_BYTES_MAX - around + extra, 0);
		size_t scanned = 0, found = 0;
		int err = http1_head_find_end(slice_of(head, (size_t)len), &scanned, &found, NULL);

		assert_int_equal(len, HTTP1_HEAD_BYTES_MAX + extra);
		assert_int_equal(err, extra ? ERR_LIMIT : ERR_OK);
		assert_int_equal(found, extra ? 0 : HTTP1_HEAD_BYTES_MAX);
		err = http1_request_parse(slice_of(head, (size_t)len), &r, &status, NULL);
		assert_int_equal(err, extra ? ERR_LIMIT : ERR_OK);
		assert_int_equal(status, extra ? 431 : 0);
	}
}

static void one_header_line_too_many_is_431(void **state)
{
	static char head[16 * (HTTP1_FIELDS_MAX + 4)];
	struct http1_request r;
	unsigned status = 0;
	size_t len = 0;
	(void)state;

	len += (size_t)snprintf(head, sizeof head, "GET / HTTP/1.1\r\n" H);
	for (size_t i = 0; i < HTTP1_FIELDS_MAX; i++)
		len += (size_t)snprintf(head + len, sizeof head - len, "A: b\r\n");
	len += (size_t)snprintf(head + len, sizeof head - len, "\r\n");
	assert_int_equal(http1_request_parse(slice_of(head, len), &r, &status, NULL), ERR_LIMIT);
	assert_int_equal(status, 431);
}

static void the_end_of_a_head_is_found_however_it_arrives(void **state)
{
	static const char stream[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /next";
	size_t head_len = strlen("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	(void)state;

	for (size_t step = 1; step < sizeof stream; step++) {
		size_t scanned = 0, found = 0;

		for (size_t have = step; !found; have += step) {
			size_t len = have < sizeof stream - 1 ? have : sizeof stream - 1;

			assert_int_equal(http1_head_find_end(slice_of(stream, len), &scanned, &found, NULL), ERR_OK);
			assert_true(found == 0 || found == head_len);
			assert_true(found || len < head_len);
		}
	}
}

static void a_bare_lf_is_seen_before_the_head_is_complete(void **state)
{
	size_t scanned = 0, len = 0;
	(void)state;

	assert_int_equal(http1_head_find_end(slice_str("GET / HTTP/1.1\n"), &scanned, &len, NULL), ERR_INVALID);
	assert_int_equal(http1_head_find_end(slice_str("\r\n"), &scanned, &len, NULL), ERR_INVALID);
	assert_int_equal(http1_head_find_end(slice_str("\n"), &scanned, &len, NULL), ERR_INVALID);
	assert_int_equal(len, 0);
}

static int respond(const char *head, const char *method, struct http1_response *r)
{
	return http1_response_parse(slice_str(head), slice_str(method), r, NULL);
}

static void a_response_is_taken_apart(void **state)
{
	struct http1_response r;
	(void)state;

	assert_int_equal(respond("HTTP/1.1 206 Partial Content\r\nContent-Length: 3\r\nETag: \"x\"\r\n\r\n", "GET", &r),
	                 ERR_OK);
	assert_int_equal(r.status, 206);
	assert_slice(r.reason, "Partial Content");
	assert_int_equal(r.framing, HTTP1_FRAMING_LENGTH);
	assert_int_equal(r.length, 3);
	assert_true(r.keep_alive);
	assert_int_equal(respond("HTTP/1.1 599 \r\nTransfer-Encoding: chunked\r\n\r\n", "GET", &r), ERR_OK);
	assert_int_equal(r.framing, HTTP1_FRAMING_CHUNKED);
	assert_int_equal(r.reason.len, 0);
}

static void responses_without_bodies_are_known(void **state)
{
	struct http1_response r;
	(void)state;

	assert_int_equal(respond("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HEAD", &r), ERR_OK);
	assert_int_equal(r.framing, HTTP1_FRAMING_NONE);
	assert_int_equal(r.length, 3);
	assert_int_equal(respond("HTTP/1.1 204 No Content\r\n\r\n", "GET", &r), ERR_OK);
	assert_int_equal(r.framing, HTTP1_FRAMING_NONE);
	assert_true(r.keep_alive);
	assert_int_equal(respond("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "GET", &r), ERR_OK);
	assert_int_equal(r.framing, HTTP1_FRAMING_NONE);
	assert_int_equal(respond("HTTP/1.1 100 Continue\r\n\r\n", "GET", &r), ERR_OK);
	assert_int_equal(r.framing, HTTP1_FRAMING_NONE);
}

static void a_response_up_to_the_close_ends_its_connection(void **state)
{
	struct http1_response r;
	(void)state;

	assert_int_equal(respond("HTTP/1.1 200 OK\r\n\r\n", "GET", &r), ERR_OK);
	assert_int_equal(r.framing, HTTP1_FRAMING_CLOSE);
	assert_false(r.keep_alive);
	assert_int_equal(respond("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", "GET", &r), ERR_OK);
	assert_false(r.keep_alive);
	assert_int_equal(respond("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n", "GET", &r),
	                 ERR_OK);
	assert_false(r.keep_alive);
}

static void malformed_responses_are_refused(void **state)
{
	static const char *const bad[] = {
		"HTTP/1.1 200\r\n\r\n",
		"HTTP/1.1 20 OK\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1 099 OK\r\n\r\n",
		"HTTP/1.1 600 OK\r\n\r\n",
		"HTTP/1.1  200 OK\r\n\r\n",
		"HTTP/1.1 2x0 OK\r\n\r\n",
		"HTTP/2.0 200 OK\r\n\r\n",
		"ICY 200 OK\r\n\r\n",
		"SSH-2.0-x\r\n\r\n",
		"HTTP/1.1 200 O\x01K\r\n\r\n",
		"HTTP/1.1 200 OK\n\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
		"HTTP/1.1 200 OK\r\n",
		"\r\n\r\n",
	};
	struct http1_response r = {.status = 77};
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (respond(bad[i], "GET", &r) != ERR_INVALID)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(r.status, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_taken_apart),
		cmocka_unit_test(framing_is_none_without_its_headers),
		cmocka_unit_test(methods_are_case_sensitive_tokens),
		cmocka_unit_test(connection_close_is_heard_in_any_list),
		cmocka_unit_test(http_1_0_gets_one_request),
		cmocka_unit_test(an_absolute_target_must_agree_with_host),
		cmocka_unit_test(every_known_smuggling_trick_is_refused_with_its_status),
		cmocka_unit_test(nul_anywhere_in_a_head_is_refused),
		cmocka_unit_test(refusals_say_exactly_what_is_wrong),
		cmocka_unit_test(a_target_may_be_as_long_as_its_limit_and_not_longer),
		cmocka_unit_test(a_method_may_be_as_long_as_its_limit_and_not_longer),
		cmocka_unit_test(a_head_may_be_as_large_as_its_limit_and_not_larger),
		cmocka_unit_test(one_header_line_too_many_is_431),
		cmocka_unit_test(the_end_of_a_head_is_found_however_it_arrives),
		cmocka_unit_test(a_bare_lf_is_seen_before_the_head_is_complete),
		cmocka_unit_test(a_response_is_taken_apart),
		cmocka_unit_test(responses_without_bodies_are_known),
		cmocka_unit_test(a_response_up_to_the_close_ends_its_connection),
		cmocka_unit_test(malformed_responses_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
