/* The server, driven by our client and by bytes of our own making. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/time.h"
#include "net/socket.h"
#include "net/stream.h"
#include "net_fixture.h"

#define H "Host: a\r\n"

static void requests_are_answered_over_kept_connections(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_freep) struct buf *body = NULL;

	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	for (int use_tls = 0; use_tls < 2; use_tls++) {
		CLEANUP(http_client_freep) struct http_client *c = fixture_client(f, use_tls);

		for (int i = 0; i < 20; i++) {
			assert_int_equal(fixture_get(c, "/hello", body), 200);
			assert_true(slice_is_str(buf_slice(body), "hello\n"));
			assert_true(http_client_is_connected(c));
		}
		assert_non_null(strstr(http_client_describe(c), use_tls ? "TLSv1.3" : "plain"));
	}
	assert_int_equal(fixture_stats(f).accepted, 2);
	assert_int_equal(fixture_stats(f).requests, 40);
}

static void the_handler_sees_its_peer_and_its_workers_own_state(void **state)
{
	struct fixture *f = *state;
	CLEANUP(http_client_freep) struct http_client *c = fixture_client(f, true);
	struct http_client_request r = {.method = "GET", .target = slice_str("/hello")};
	const struct http1_response *response = NULL;
	struct slice value;

	assert_int_equal(http_client_start(c, &r, &response, NULL), ERR_OK);
	assert_true(http1_fields_find(&response->fields, "X-Peer", &value));
	assert_true(slice_is_str(value, "127.0.0.1"));
	assert_true(http1_fields_find(&response->fields, "X-Worker", &value));
	assert_true(slice_is_str(value, "own"));
	assert_true(http1_fields_find(&response->fields, "Date", &value));
	assert_int_equal(value.len, 29);
}

struct pattern {
	uint64_t left, at;
};

static int yield_pattern(void *context, void *bytes, size_t size, size_t *ret_len, struct why *why)
{
	struct pattern *p = context;
	size_t len = size < p->left ? size : (size_t)p->left;
	(void)why;

	for (size_t i = 0; i < len; i++)
		((uint8_t *)bytes)[i] = (uint8_t)(p->at + i);
	p->at += len;
	p->left -= len;
	*ret_len = len;
	return ERR_OK;
}

static int check_pattern(void *context, struct slice bytes, struct why *why)
{
	struct pattern *p = context;
	(void)why;

	for (size_t i = 0; i < bytes.len; i++)
		if (bytes.ptr[i] != (uint8_t)(p->at + i))
			fail_msg("another byte at %llu", (unsigned long long)(p->at + i));
	p->at += bytes.len;
	return ERR_OK;
}

static void bodies_of_any_size_go_up_whole(void **state)
{
	static const uint64_t sizes[] = {0, 1, 16383, 16384, 65535, 65536, 131073, 5000000};
	struct fixture *f = *state;
	CLEANUP(buf_freep) struct buf *body = NULL;

	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	for (int variant = 0; variant < 4; variant++) {
		CLEANUP(http_client_freep) struct http_client *c = fixture_client(f, variant & 1);

		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			struct pattern p = {.left = sizes[i]};
			struct http_client_request r = {
				.method = "PUT",
				.target = slice_str("/count"),
				.source = yield_pattern,
				.source_context = &p,
				.source_length = variant & 2 ? HTTP_CLIENT_LENGTH_UNKNOWN : sizes[i],
			};
			uint64_t sum = sizes[i] / 256 * (255 * 128);
			char wanted[64];

			for (uint64_t rest = 0; rest < sizes[i] % 256; rest++)
				sum += rest;
			snprintf(wanted, sizeof wanted, "%llu %llu", (unsigned long long)sizes[i],
			         (unsigned long long)sum);
			assert_int_equal(fixture_call(c, &r, body), 200);
			assert_true(slice_is_str(buf_slice(body), wanted));
		}
		assert_true(http_client_is_connected(c));
	}
}

static void a_quick_answer_to_a_whole_request_keeps_the_connection(void **state)
{
	struct fixture *f = *state;
	CLEANUP(http_client_freep) struct http_client *c = fixture_client(f, false);
	CLEANUP(buf_freep) struct buf *body = NULL;

	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	for (int i = 0; i < 500; i++) {
		struct pattern p = {.left = 10};
		struct http_client_request r = {.method = "PUT",
		                                .target = slice_str("/count"),
		                                .source = yield_pattern,
		                                .source_context = &p,
		                                .source_length = i % 2 ? 10 : HTTP_CLIENT_LENGTH_UNKNOWN};

		assert_int_equal(fixture_call(c, &r, body), 200);
	}
	assert_int_equal(fixture_stats(f).accepted, 1);
}

static void bodies_of_any_size_come_down_whole(void **state)
{
	static const char *const targets[] = {"/large?0",     "/large?1",      "/large?16384",  "/large?32767",
	                                      "/large?32768", "/large?131073", "/large?9000001"};
	struct fixture *f = *state;

	for (int use_tls = 0; use_tls < 2; use_tls++) {
		CLEANUP(http_client_freep) struct http_client *c = fixture_client(f, use_tls);

		for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
			struct http_client_request r = {.method = "GET", .target = slice_str(targets[i])};
			const struct http1_response *response = NULL;
			struct pattern p = {0};

			assert_int_equal(http_client_start(c, &r, &response, NULL), ERR_OK);
			assert_int_equal(http_client_copy(c, check_pattern, &p, NULL), ERR_OK);
			assert_true(p.at == response->length);
			assert_true(p.at == strtoull(strchr(targets[i], '?') + 1, NULL, 10));
			assert_true(http_client_is_connected(c));
		}
	}
}

static void chunks_and_trailers_go_both_ways(void **state)
{
	struct fixture *f = *state;
	int fd = raw_connect(f);

	raw_send(fd, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
	             "5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 42\r\n\r\n");
	raw_expect(fd, "Transfer-Encoding: chunked\r\n");
	close(fd);
	fd = raw_connect(f);
	raw_send(fd, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
	             "5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 42\r\n\r\n");
	raw_expect(fd, "5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 42\r\n\r\n");
	close(fd);
}

static void the_client_reads_chunks_and_trailers(void **state)
{
	struct fixture *f = *state;
	CLEANUP(http_client_freep) struct http_client *c = fixture_client(f, true);
	CLEANUP(buf_freep) struct buf *body = NULL;
	struct http_client_request r = {.method = "POST", .target = slice_str("/echo"), .body = slice_str("hello")};

	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	assert_int_equal(fixture_call(c, &r, body), 200);
	assert_true(slice_is_str(buf_slice(body), "hello"));
	assert_int_equal(http_client_trailers(c)->count, 0);
}

static void head_has_the_head_of_get_and_no_body(void **state)
{
	struct fixture *f = *state;
	int fd = raw_connect(f);
	char out[4096];

	raw_send(fd, "HEAD /hello HTTP/1.1\r\n" H "\r\nHEAD /large?70000 HTTP/1.1\r\n" H "Connection: close\r\n\r\n");
	raw_read(fd, out, sizeof out, 5000);
	assert_non_null(strstr(out, "Content-Length: 6\r\n"));
	assert_non_null(strstr(out, "Content-Length: 70000\r\n"));
	assert_null(strstr(out, "hello\n"));
	assert_string_equal(out + strlen(out) - 4, "\r\n\r\n");
	close(fd);
}

static void no_content_and_not_modified_have_no_body_and_no_length(void **state)
{
	struct fixture *f = *state;
	int fd = raw_connect(f);
	char out[4096];

	raw_send(fd, "GET /status?204 HTTP/1.1\r\n" H "\r\nGET /status?304 HTTP/1.1\r\n" H
	             "\r\nGET /hello HTTP/1.1\r\n" H "Connection: close\r\n\r\n");
	raw_read(fd, out, sizeof out, 5000);
	assert_non_null(strstr(out, "HTTP/1.1 204 No Content\r\n"));
	assert_non_null(strstr(out, "HTTP/1.1 304 Not Modified\r\n"));
	assert_ptr_equal(strstr(out, "Content-Length"), strstr(out, "Content-Length: 6\r\n"));
	close(fd);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	struct fixture *f = *state;
	int fd = raw_connect(f);
	char out[16384];
	int answers = 0;

	for (int i = 0; i < 30; i++)
		raw_send(fd, "POST /limited HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc");
	raw_send(fd, "GET /hello HTTP/1.1\r\n" H "Connection: close\r\n\r\nGET /hello HTTP/1.1\r\n" H "\r\n");
	raw_read(fd, out, sizeof out, 5000);
	for (const char *at = out; (at = strstr(at, "\r\n\r\nabc")); at++)
		answers++;
	assert_int_equal(answers, 30);
	assert_string_equal(out + strlen(out) - 6, "hello\n"); /* and nothing after the close that was asked for */
	close(fd);
}

static void requests_may_arrive_byte_by_byte(void **state)
{
	static const char request[] = "POST /count HTTP/1.1\r\n" H
				      "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
	struct fixture *f = *state;
	int fd = raw_connect(f);

	for (size_t i = 0; i < sizeof request - 1; i++) {
		raw_send_bytes(fd, request + i, 1);
		if (i % 8 == 0)
			usleep(1000);
	}
	raw_expect(fd, "\r\n\r\n3 294");
	close(fd);
}

static void smuggled_and_malformed_requests_are_refused_and_the_connection_closed(void **state)
{
	static const struct {
		const char *request;
		const char *status;
	} bad[] = {
		{"POST /echo HTTP/1.1\r\n" H "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
	         "400"},
		{"POST /echo HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400"},
		{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", "501"},
		{"GET /hello HTTP/1.1\r\n" H "A : b\r\n\r\n", "400"},
		{"GET /hello HTTP/1.1\r\n\r\n", "400"},
		{"GET /hello HTTP/1.1\n", "400"},
		{"GET /hello HTTP/3.0\r\n" H "\r\n", "505"},
		{"PUT /count HTTP/1.1\r\n" H "Content-Length: 1\r\nExpect: cake\r\n\r\n", "417"},
		{"\r\nGET /hello HTTP/1.1\r\n" H "\r\n", "400"},
		{"\x16\x03\x01\x02\n", "400"}, /* TLS to the plain port */
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char out[4096], wanted[32];
		int fd = raw_connect(f);

		raw_send(fd, bad[i].request);
		raw_send(fd, "GET /hello HTTP/1.1\r\n" H "\r\n"); /* must never be answered */
		raw_read(fd, out, sizeof out, 5000);
		snprintf(wanted, sizeof wanted, "HTTP/1.1 %s ", bad[i].status);
		if (strncmp(out, wanted, strlen(wanted)) != 0 || strstr(out + 1, "HTTP/1.1 2"))
			fail_msg("%s answered: %s", bad[i].request, out);
		assert_non_null(strstr(out, "Connection: close\r\n"));
		close(fd);
	}
	assert_int_equal(fixture_stats(f).requests, 0);
	assert_int_equal(fixture_stats(f).refused_requests, sizeof bad / sizeof *bad);
}

static void broken_chunks_are_400_even_while_the_handler_reads(void **state)
{
	struct fixture *f = *state;
	int fd = raw_connect(f);

	raw_send(fd, "POST /count HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n0\r\n\r\n");
	raw_expect(fd, "HTTP/1.1 400 Bad Request\r\n");
	assert_true(raw_is_closed(fd, 5000));
	close(fd);
}

static void forbidden_trailers_are_400(void **state)
{
	struct fixture *f = *state;
	int fd = raw_connect(f);

	raw_send(fd, "POST /count HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n");
	raw_expect(fd, "HTTP/1.1 400 Bad Request\r\n");
	close(fd);
}

static void an_oversize_head_is_431_and_an_oversize_target_414(void **state)
{
	static char big[HTTP1_HEAD_BYTES_MAX + 1024];
	struct fixture *f = *state;
	int fd = raw_connect(f);

	memset(big, 'a', sizeof big - 1);
	raw_send(fd, "GET /hello HTTP/1.1\r\n" H "A: ");
	raw_send(fd, big);
	raw_expect(fd, "HTTP/1.1 431 ");
	close(fd);
	fd = raw_connect(f);
	raw_send(fd, "GET /");
	raw_send(fd, big);
	raw_expect(fd, "HTTP/1.1 414 ");
	close(fd);
	fd = raw_connect(f);
	raw_send(fd, "GET /");
	raw_send_bytes(fd, big, HTTP1_TARGET_BYTES_MAX);
	raw_send(fd, " HTTP/1.1\r\n" H "\r\n");
	raw_expect(fd, "HTTP/1.1 414 ");
	close(fd);
}

static void an_oversize_body_is_413_whether_stated_or_sent(void **state)
{
	struct fixture *f = *state;
	int fd;

	fixture_stop(f);
	f->config.body_bytes_max = 1000;
	fixture_start(f);
	fd = raw_connect(f);
	raw_send(fd, "PUT /count HTTP/1.1\r\n" H "Content-Length: 1001\r\n\r\n");
	raw_expect(fd, "HTTP/1.1 413 ");
	close(fd);
	fd = raw_connect(f);
	raw_send(fd, "PUT /count HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3e9\r\n");
	raw_expect(fd, "HTTP/1.1 413 ");
	close(fd);
	fd = raw_connect(f);
	raw_send(fd, "PUT /count HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n");
	raw_expect(fd, "HTTP/1.1 413 ");
	close(fd);
}

static void a_handler_may_lower_the_largest_body(void **state)
{
	struct fixture *f = *state;
	int fd = raw_connect(f);

	raw_send(fd, "PUT /limited HTTP/1.1\r\n" H "Content-Length: 10\r\n\r\n0123456789");
	raw_expect(fd, "0123456789");
	raw_send(fd, "PUT /limited HTTP/1.1\r\n" H "Content-Length: 11\r\n\r\n0123456789a");
	raw_expect(fd, "HTTP/1.1 413 ");
	close(fd);
	fd = raw_connect(f);
	raw_send(fd, "PUT /limited HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n");
	raw_expect(fd, "0123456789");
	raw_send(fd, "PUT /limited HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n1\r\nb");
	raw_expect(fd, "HTTP/1.1 413 ");
	close(fd);
}

static void continue_is_sent_only_when_the_body_is_read(void **state)
{
	struct fixture *f = *state;
	char out[4096];
	int fd = raw_connect(f);

	raw_send(fd, "PUT /count HTTP/1.1\r\n" H "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	raw_expect(fd, "HTTP/1.1 100 Continue\r\n\r\n");
	raw_send(fd, "abc");
	raw_expect(fd, "3 294");
	/* Whoever does not read the body does not ask for it either, and does not guess whether it will come. */
	raw_send(fd, "PUT /early HTTP/1.1\r\n" H "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	raw_read(fd, out, sizeof out, 5000);
	assert_null(strstr(out, "100 Continue"));
	assert_non_null(strstr(out, "HTTP/1.1 403 "));
	assert_non_null(strstr(out, "Connection: close\r\n"));
	close(fd);
	/* A body that comes along is not asked for. */
	fd = raw_connect(f);
	raw_send(fd, "PUT /count HTTP/1.1\r\n" H
	             "Content-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\nabc");
	raw_read(fd, out, sizeof out, 5000);
	assert_null(strstr(out, "100 Continue"));
	assert_non_null(strstr(out, "3 294"));
	close(fd);
}

static void the_client_waits_for_continue_and_takes_a_refusal(void **state)
{
	struct fixture *f = *state;
	CLEANUP(http_client_freep) struct http_client *c = fixture_client(f, true);
	CLEANUP(buf_freep) struct buf *body = NULL;
	struct pattern p = {.left = 100000};
	struct http_client_request r = {.method = "PUT",
	                                .target = slice_str("/count"),
	                                .source = yield_pattern,
	                                .source_context = &p,
	                                .source_length = 100000,
	                                .expect_continue = true};

	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	assert_int_equal(fixture_call(c, &r, body), 200);
	assert_true(slice_starts_with(buf_slice(body), "100000 "));
	p = (struct pattern){.left = 100000};
	r.target = slice_str("/early");
	assert_int_equal(fixture_call(c, &r, body), 403);
	assert_int_equal(p.left, 100000); /* not a byte of it was sent */
	r.target = slice_str("/count");
	assert_int_equal(fixture_call(c, &r, body), 200);
}

static void a_small_unread_body_is_dropped_and_the_connection_kept(void **state)
{
	struct fixture *f = *state;
	int fd = raw_connect(f);

	raw_send(fd, "PUT /early HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabcGET /hello HTTP/1.1\r\n" H "\r\n");
	raw_expect(fd, "\r\n\r\nhello\n");
	close(fd);
}

static void an_early_answer_reaches_a_client_that_is_still_sending(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_freep) struct buf *body = NULL;

	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	for (int use_tls = 0; use_tls < 2; use_tls++) {
		CLEANUP(http_client_freep) struct http_client *c = fixture_client(f, use_tls);
		struct pattern p = {.left = 500000000};
		struct http_client_request r = {.method = "PUT",
		                                .target = slice_str("/early"),
		                                .source = yield_pattern,
		                                .source_context = &p,
		                                .source_length = 500000000};

		assert_int_equal(fixture_call(c, &r, body), 403);
		assert_true(slice_is_str(buf_slice(body), "no\n"));
		assert_true(p.left > 0);
		assert_false(http_client_is_connected(c));
	}
}

static void a_handler_that_fails_is_500_without_its_reason(void **state)
{
	struct fixture *f = *state;
	char out[4096];
	int fd = raw_connect(f);

	raw_send(fd, "GET /unknown HTTP/1.1\r\n" H "\r\n");
	raw_read(fd, out, sizeof out, 5000);
	assert_non_null(strstr(out, "HTTP/1.1 500 "));
	assert_null(strstr(out, "secret"));
	assert_int_equal(f->failures, 1);
	close(fd);
}

static void an_answer_broken_off_is_never_taken_for_a_whole_one(void **state)
{
	static const char *const targets[] = {"/short", "/long"};
	struct fixture *f = *state;
	CLEANUP(buf_freep) struct buf *body = NULL;

	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	for (size_t i = 0; i < 2; i++) {
		CLEANUP(http_client_freep) struct http_client *c = fixture_client(f, true);
		struct http_client_request r = {.method = "GET", .target = slice_str(targets[i])};
		const struct http1_response *response = NULL;
		int err = http_client_start(c, &r, &response, NULL);

		if (err == ERR_OK)
			err = http_client_read_all(c, body, NULL);
		assert_int_equal(err, ERR_CLOSED);
	}
}

static void answers_can_not_be_split_nor_framed_by_handlers(void **state)
{
	struct fixture *f = *state;
	CLEANUP(http_client_freep) struct http_client *c = fixture_client(f, false);
	CLEANUP(buf_freep) struct buf *body = NULL;

	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	assert_int_equal(fixture_get(c, "/split", body), 500);
	assert_int_equal(fixture_get(c, "/ours", body), 500);
}

static void http_1_0_is_answered_plainly_and_closed(void **state)
{
	struct fixture *f = *state;
	char out[4096];
	int fd = raw_connect(f);

	raw_send(fd, "POST /echo HTTP/1.0\r\n" H "Content-Length: 5\r\nConnection: keep-alive\r\n\r\nhello");
	raw_read(fd, out, sizeof out, 5000);
	assert_null(strstr(out, "chunked"));
	assert_string_equal(out + strlen(out) - 9, "\r\n\r\nhello");
	close(fd);
}

static void a_half_closed_peer_still_gets_its_answer(void **state)
{
	struct fixture *f = *state;
	int fd = raw_connect(f);

	raw_send(fd, "GET /hello HTTP/1.1\r\n" H "\r\n");
	shutdown(fd, SHUT_WR);
	raw_expect(fd, "hello\n");
	close(fd);
	fd = raw_connect(f);
	raw_send(fd, "PUT /count HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\nabc");
	shutdown(fd, SHUT_WR);
	raw_expect(fd, "HTTP/1.1 400 ");
	close(fd);
}

static void flushed_pieces_arrive_while_the_answer_grows(void **state)
{
	struct fixture *f = *state;
	uint64_t before = time_mono_ms();
	int fd = raw_connect(f);

	raw_send(fd, "GET /follow HTTP/1.1\r\n" H "\r\n");
	raw_expect(fd, "5\r\nfirst\r\n");
	assert_true(time_mono_ms() - before < 450);
	raw_expect(fd, "6\r\nsecond\r\n0\r\nX-Last: yes\r\n\r\n");
	close(fd);
	/* Without chunks there is no place for a trailer, and the end is the close. */
	fd = raw_connect(f);
	raw_send(fd, "GET /follow HTTP/1.0\r\n" H "\r\n");
	raw_expect(fd, "\r\n\r\nfirst");
	raw_expect(fd, "second");
	assert_true(raw_is_closed(fd, 3000));
	close(fd);
}

static void a_handler_may_change_its_mind_and_sees_the_head_as_it_was_sent(void **state)
{
	struct fixture *f = *state;
	char out[4096];
	int fd = raw_connect(f);

	raw_send(fd, "GET /changed?%41 HTTP/1.1\r\nhOsT:\ta\r\n\r\n");
	raw_read(fd, out, sizeof out, 3000);
	assert_non_null(strstr(out, "HTTP/1.1 404 Not Found\r\n"));
	assert_null(strstr(out, "ETag"));
	assert_non_null(strstr(out, "X-Tls: no\r\n"));
	assert_non_null(strstr(out, "Connection: close\r\n"));
	assert_non_null(strstr(out, "\r\n\r\nGET /changed?%41 HTTP/1.1\r\nhOsT:\ta\r\n\r\n"));
	close(fd);
}

/* Requests that came in one record lie inside TLS, where no poll sees them. */
static void pipelined_requests_in_one_record_are_all_answered(void **state)
{
	enum { REQUESTS = 40 };
	struct fixture *f = *state;
	CLEANUP(stream_freep) struct stream *s = NULL;
	struct stream_pace pace = {.stall_ms = 5000};
	char all[REQUESTS * 64] = "", out[REQUESTS * 256];
	size_t len = 0, have = 0, got = 1;
	int answers = 0, fd = -1;

	for (int i = 0; i < REQUESTS; i++)
		len += (size_t)snprintf(all + len, sizeof all - len, "GET /hello HTTP/1.1\r\n" H "%s\r\n",
		                        i == REQUESTS - 1 ? "Connection: close\r\n" : "");
	assert_int_equal(socket_connect("127.0.0.1", f->tls_port, time_mono_ms() + 5000, &fd, NULL), ERR_OK);
	assert_int_equal(stream_new_connect(fd, f->trust, "localhost", &s, NULL), ERR_OK);
	assert_int_equal(stream_handshake(s, &pace, NULL), ERR_OK);
	assert_int_equal(stream_write_all(s, slice_of(all, len), &pace, NULL), ERR_OK);
	while (got) {
		assert_int_equal(stream_read(s, out + have, sizeof out - 1 - have, &pace, &got, NULL), ERR_OK);
		have += got;
	}
	out[have] = 0;
	for (const char *at = out; (at = strstr(at, "hello\n")); at++)
		answers++;
	assert_int_equal(answers, REQUESTS);
	close(fd);
}

/* Several threads of clients, certificates that change under them, connections that end in the middle. */
struct storm {
	const struct fixture *f;
	_Atomic int answered;
};

static void *storm_client(void *arg)
{
	struct storm *storm = arg;

	for (int i = 0; i < 10; i++) {
		CLEANUP(http_client_freep) struct http_client *c = fixture_client(storm->f, i % 3 != 0);
		CLEANUP(buf_freep) struct buf *body = NULL;

		if (buf_new(256 * 1024, &body, NULL) != ERR_OK)
			return NULL;
		for (int k = 0; k < 10; k++) {
			struct http_client_request get_large = {.method = "GET", .target = slice_str("/large?200000")};
			const struct http1_response *response = NULL;

			buf_reset(body);
			if (http_client_start(c, &get_large, &response, NULL) != ERR_OK)
				return NULL;
			if (k == 9) /* leaves in the middle of the answer */
				break;
			if (http_client_read_all(c, body, NULL) != ERR_OK || buf_len(body) != 200000)
				return NULL;
			atomic_fetch_add(&storm->answered, 1);
		}
	}
	return NULL;
}

static void many_clients_and_changing_certificates_get_along(void **state)
{
	enum { CLIENTS = 6 };
	struct fixture *f = *state;
	struct storm storm = {.f = f};
	pthread_t threads[CLIENTS];

	for (int i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, storm_client, &storm), 0);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(fixture_reload(f, i % 2 ? "one" : "two"), ERR_OK);
		usleep(20000);
	}
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(storm.answered, CLIENTS * 10 * 9);
	for (int i = 0; i < 100 && fixture_stats(f).connections; i++)
		usleep(50000);
	assert_int_equal(fixture_stats(f).connections, 0);
}

static void refuse_as_json(void *context, const struct http_refusal *refusal, struct buf *body, const char **type)
{
	(void)context;
	*type = "application/problem+json";
	assert_int_equal(buf_put_fmt(body, NULL, "{\"status\":%u,\"known\":%s}", refusal->status,
	                             refusal->request ? "true" : "false"),
	                 ERR_OK);
}

static void refusals_take_the_shape_the_program_gives_them(void **state)
{
	struct fixture *f = *state;
	int fd;

	fixture_stop(f);
	f->config.refuse = refuse_as_json;
	fixture_start(f);
	fd = raw_connect(f);
	raw_send(fd, "GET /hello HTTP/1.1\r\n\r\n");
	raw_expect(fd, "Content-Type: application/problem+json\r\n");
	close(fd);
	fd = raw_connect(f);
	raw_send(fd, "GET /hello HTTP/1.1\r\n\r\n");
	raw_expect(fd, "\r\n\r\n{\"status\":400,\"known\":false}");
	close(fd);
	fd = raw_connect(f);
	raw_send(fd, "GET /unknown HTTP/1.1\r\n" H "\r\n");
	raw_expect(fd, "\r\n\r\n{\"status\":500,\"known\":true}");
	close(fd);
}

static void stopping_lets_exchanges_finish_and_closes_what_is_idle(void **state)
{
	struct fixture *f = *state;
	uint64_t before = time_mono_ms();
	int busy = raw_connect(f), idle = raw_connect(f), half = raw_connect(f);
	char out[1024];

	raw_send(idle, "GET /hello HTTP/1.1\r\n" H "\r\n");
	raw_expect(idle, "hello\n");
	raw_send(half, "GET /hello HTT");
	raw_send(busy, "GET /sleep HTTP/1.1\r\n" H "\r\n");
	usleep(100000);
	http_server_stop(f->server, 3000);
	assert_true(time_mono_ms() - before < 2900);
	raw_read(busy, out, sizeof out, 1000);
	assert_non_null(strstr(out, "slept\n"));
	assert_non_null(strstr(out, "Connection: close\r\n"));
	assert_true(raw_is_closed(idle, 100));
	raw_read(half, out, sizeof out, 1000);
	assert_non_null(strstr(out, "HTTP/1.1 503 "));
	close(busy);
	close(idle);
	close(half);
}

static void stopping_does_not_wait_for_a_peer_that_never_reads(void **state)
{
	struct fixture *f = *state;
	int fd = raw_connect(f);
	uint64_t before;

	raw_send(fd, "GET /large?400000000 HTTP/1.1\r\n" H "\r\n");
	usleep(200000);
	before = time_mono_ms();
	http_server_stop(f->server, 300);
	assert_true(time_mono_ms() - before < 3000);
	close(fd);
}

static int third_worker_fails(void *context, void **ret_worker, struct why *why)
{
	int *calls = context;

	ENSURE(++*calls < 3, ERR_UNAVAILABLE, why, "no link for worker %d", *calls);
	*ret_worker = malloc(1);
	return ERR_OK;
}

static void a_server_that_can_not_start_leaves_nothing_running(void **state)
{
	struct fixture *f = *state;
	struct http_server_config config = f->config;
	struct http_server *s = NULL;
	struct why why;
	int calls = 0;

	config.worker_open = third_worker_fails;
	config.context = &calls;
	assert_int_equal(http_server_new(&config, &s, &why), ERR_OK);
	assert_int_equal(http_server_start(s, &why), ERR_UNAVAILABLE);
	assert_string_equal(why.text, "no link for worker 3");
	http_server_freep(&s);
	config.handle = NULL;
	assert_int_equal(http_server_new(&config, &s, &why), ERR_INTERNAL);
	assert_null(s);
}

static void nothing_leaks_from_connections_that_come_and_go(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 200; i++) {
		int fd = raw_connect(f);

		if (i % 2)
			raw_send(fd, "GET /hello HTTP/1.1\r\n" H "\r\n");
		close(fd);
	}
	for (int i = 0; i < 100 && fixture_stats(f).connections; i++)
		usleep(50000);
	assert_int_equal(fixture_stats(f).connections, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(requests_are_answered_over_kept_connections),
		TEST(the_handler_sees_its_peer_and_its_workers_own_state),
		TEST(bodies_of_any_size_go_up_whole),
		TEST(a_quick_answer_to_a_whole_request_keeps_the_connection),
		TEST(bodies_of_any_size_come_down_whole),
		TEST(chunks_and_trailers_go_both_ways),
		TEST(the_client_reads_chunks_and_trailers),
		TEST(head_has_the_head_of_get_and_no_body),
		TEST(no_content_and_not_modified_have_no_body_and_no_length),
		TEST(pipelined_requests_are_answered_in_order),
		TEST(requests_may_arrive_byte_by_byte),
		TEST(smuggled_and_malformed_requests_are_refused_and_the_connection_closed),
		TEST(broken_chunks_are_400_even_while_the_handler_reads),
		TEST(forbidden_trailers_are_400),
		TEST(an_oversize_head_is_431_and_an_oversize_target_414),
		TEST(an_oversize_body_is_413_whether_stated_or_sent),
		TEST(a_handler_may_lower_the_largest_body),
		TEST(continue_is_sent_only_when_the_body_is_read),
		TEST(the_client_waits_for_continue_and_takes_a_refusal),
		TEST(a_small_unread_body_is_dropped_and_the_connection_kept),
		TEST(an_early_answer_reaches_a_client_that_is_still_sending),
		TEST(a_handler_that_fails_is_500_without_its_reason),
		TEST(an_answer_broken_off_is_never_taken_for_a_whole_one),
		TEST(answers_can_not_be_split_nor_framed_by_handlers),
		TEST(http_1_0_is_answered_plainly_and_closed),
		TEST(a_half_closed_peer_still_gets_its_answer),
		TEST(flushed_pieces_arrive_while_the_answer_grows),
		TEST(a_handler_may_change_its_mind_and_sees_the_head_as_it_was_sent),
		TEST(pipelined_requests_in_one_record_are_all_answered),
		TEST(many_clients_and_changing_certificates_get_along),
		TEST(refusals_take_the_shape_the_program_gives_them),
		TEST(stopping_lets_exchanges_finish_and_closes_what_is_idle),
		TEST(stopping_does_not_wait_for_a_peer_that_never_reads),
		TEST(a_server_that_can_not_start_leaves_nothing_running),
		TEST(nothing_leaks_from_connections_that_come_and_go),
	};

	return cmocka_run_group_tests(tests, fixture_new, fixture_free);
}
