/* The client against a peer that says exactly what each test wants said, well or badly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/time.h"
#include "net/socket.h"
#include "net_fixture.h"

/* A client on one end of a socket pair; what the peer will say is said before the client asks. */
static struct http_client *client_to(const char *answer, bool then_close, int *ret_peer)
{
	struct http_client_config config = {.host = "peer.example", .stall_ms = 500, .connect_ms = 500};
	struct http_client *c = NULL;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(http_client_new_on_fd(&config, ends[0], &c, NULL), ERR_OK);
	raw_send(ends[1], answer);
	if (then_close)
		shutdown(ends[1], SHUT_WR);
	*ret_peer = ends[1];
	return c;
}

/* A GET whose whole answer is read; its body goes to `body`, its status comes back, or an error. */
static int fetch(struct http_client *c, struct buf *body, struct why *why)
{
	struct http_client_request r = {.method = "GET", .target = slice_str("/")};
	const struct http1_response *response = NULL;

	TRY(http_client_start(c, &r, &response, why));
	TRY(http_client_read_all(c, body, why));
	return (int)response->status;
}

static void answers_in_every_framing_are_read(void **state)
{
	static const struct {
		const char *answer;
		const char *body;
		bool kept;
	} good[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", true},
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", true},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", "abc", true},
		{"HTTP/1.1 200 OK\r\n\r\nabc", "abc", false},
		{"HTTP/1.0 200 OK\r\n\r\nabc", "abc", false},
		{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", "abc", false},
		{"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc",
	         true},
	};
	CLEANUP(buf_freep) struct buf *body = NULL;
	(void)state;

	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		int peer;
		CLEANUP(http_client_freep) struct http_client *c = client_to(good[i].answer, true, &peer);

		buf_reset(body);
		assert_int_equal(fetch(c, body, NULL), 200);
		assert_true(slice_is_str(buf_slice(body), good[i].body));
		assert_int_equal(http_client_is_connected(c), good[i].kept);
		close(peer);
	}
}

static void answers_that_break_http_or_end_early_are_errors(void **state)
{
	static const struct {
		const char *answer;
		int err;
	} bad[] = {
		{"", ERR_CLOSED},
		{"HTTP/1.1 200 OK\r\nContent-Le", ERR_CLOSED},
		{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", ERR_CLOSED},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", ERR_CLOSED},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", ERR_INVALID},
		{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", ERR_INVALID},
		{"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", ERR_INVALID},
		{"220 mail.example ESMTP\r\n\r\n", ERR_INVALID},
		{"HTTP/1.1 101 Switching Protocols\r\n\r\n", ERR_INVALID},
	};
	CLEANUP(buf_freep) struct buf *body = NULL;
	(void)state;

	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int peer;
		CLEANUP(http_client_freep) struct http_client *c = client_to(bad[i].answer, true, &peer);
		struct why why = {""};
		int err = fetch(c, body, &why);

		if (err != bad[i].err || !why.text[0])
			fail_msg("answer %zu: %d, \"%s\"", i, err, why.text);
		assert_false(http_client_is_connected(c));
		close(peer);
	}
}

static void interim_answers_have_a_bound(void **state)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	(void)state;

	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	for (int count = NET_CLIENT_INTERIM_MAX - 1; count <= NET_CLIENT_INTERIM_MAX; count++) {
		char answer[2048];
		size_t len = 0;
		struct why why;
		int peer;

		for (int i = 0; i < count; i++)
			len += (size_t)snprintf(answer + len, sizeof answer - len, "HTTP/1.1 102 Processing\r\n\r\n");
		snprintf(answer + len, sizeof answer - len, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
		CLEANUP(http_client_freep) struct http_client *c = client_to(answer, false, &peer);

		if (count < NET_CLIENT_INTERIM_MAX) {
			assert_int_equal(fetch(c, body, &why), 200);
		} else {
			assert_int_equal(fetch(c, body, &why), ERR_INVALID);
			assert_non_null(strstr(why.text, "interim"));
		}
		close(peer);
	}
}

/* A server that ignores the expectation gets the body all the same. */
static void continue_is_not_waited_for_without_end(void **state)
{
	struct http_client_request r = {
		.method = "PUT", .target = slice_str("/"), .body = slice_str("the body"), .expect_continue = true};
	struct http_client_config config = {.host = "peer.example", .stall_ms = NET_CLIENT_CONTINUE_MS + 500};
	const struct http1_response *response = NULL;
	struct http_client *c = NULL;
	uint64_t started = time_mono_ms();
	char sent[1024];
	int ends[2];
	(void)state;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(http_client_new_on_fd(&config, ends[0], &c, NULL), ERR_OK);
	assert_int_equal(http_client_start(c, &r, &response, NULL), ERR_TIMEOUT); /* no answer ever comes */
	assert_true(time_mono_ms() - started >= NET_CLIENT_CONTINUE_MS);
	raw_read(ends[1], sent, sizeof sent, 100);
	assert_non_null(strstr(sent, "\r\n\r\nthe body"));
	http_client_free(c);
	close(ends[1]);
}

static void an_endless_head_is_a_limit(void **state)
{
	static char answer[HTTP1_HEAD_BYTES_MAX + 100] = "HTTP/1.1 200 OK\r\nA: ";
	CLEANUP(buf_freep) struct buf *body = NULL;
	int peer;
	(void)state;

	memset(answer + strlen(answer), 'a', sizeof answer - 1 - strlen(answer));
	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	CLEANUP(http_client_freep) struct http_client *c = client_to(answer, false, &peer);

	assert_int_equal(fetch(c, body, NULL), ERR_LIMIT);
	close(peer);
}

static void a_body_larger_than_its_buffer_is_a_limit(void **state)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	int peer;
	(void)state;

	for (size_t room = 2; room < 5; room++) {
		CLEANUP(http_client_freep)
		struct http_client *c = client_to("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", false, &peer);

		buf_freep(&body);
		assert_int_equal(buf_new(room, &body, NULL), ERR_OK);
		assert_int_equal(fetch(c, body, NULL), room < 3 ? ERR_LIMIT : 200);
		close(peer);
	}
}

static void a_silent_peer_is_a_timeout(void **state)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	uint64_t before = time_mono_ms();
	int peer;
	CLEANUP(http_client_freep) struct http_client *c = client_to("HTTP/1.1 200 OK\r\n", false, &peer);
	(void)state;

	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	assert_int_equal(fetch(c, body, NULL), ERR_TIMEOUT);
	assert_in_range(time_mono_ms() - before, 400, 3000);
	close(peer);
}

static void what_is_sent_is_exactly_this(void **state)
{
	struct http_client_field fields[] = {{"X-A", slice_str("1")}, {"X-B", slice_str("two words")}};
	struct http_client_request r = {
		.method = "PUT",
		.target = slice_str("/a%20b?c=d"),
		.fields = fields,
		.field_count = 2,
		.body = slice_str("abc"),
	};
	const struct http1_response *response = NULL;
	int peer;
	CLEANUP(http_client_freep) struct http_client *c = client_to("HTTP/1.1 204 No Content\r\n\r\n", false, &peer);
	char out[1024];
	(void)state;

	assert_int_equal(http_client_start(c, &r, &response, NULL), ERR_OK);
	raw_read(peer, out, sizeof out, 200);
	assert_string_equal(out, "PUT /a%20b?c=d HTTP/1.1\r\nHost: peer.example\r\nX-A: 1\r\nX-B: two words\r\n"
	                         "Content-Length: 3\r\n\r\nabc");
	close(peer);
}

static int yield_twice(void *context, void *bytes, size_t size, size_t *ret_len, struct why *why)
{
	int *calls = context;
	(void)why;

	assert_true(size >= 3);
	memcpy(bytes, "abc", 3);
	*ret_len = (*calls)++ < 2 ? 3 : 0;
	return ERR_OK;
}

static void a_body_of_unknown_length_goes_in_chunks(void **state)
{
	int calls = 0, peer;
	struct http_client_request r = {
		.method = "POST",
		.target = slice_str("/"),
		.source = yield_twice,
		.source_context = &calls,
		.source_length = HTTP_CLIENT_LENGTH_UNKNOWN,
	};
	const struct http1_response *response = NULL;
	struct http_client_config config = {.host = "::1", .port = 8443, .stall_ms = 300};
	struct http_client *c = NULL;
	char out[1024];
	int ends[2];
	(void)state;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(http_client_new_on_fd(&config, ends[0], &c, NULL), ERR_OK);
	peer = ends[1];
	assert_int_equal(http_client_start(c, &r, &response, NULL), ERR_TIMEOUT);
	raw_read(peer, out, sizeof out, 200);
	assert_string_equal(out, "POST / HTTP/1.1\r\nHost: [::1]:8443\r\nTransfer-Encoding: chunked\r\n\r\n"
	                         "3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n");
	http_client_free(c);
	close(peer);
}

static void a_source_that_ends_early_or_fails_breaks_the_request_off(void **state)
{
	int calls = 0, peer;
	struct http_client_request r = {
		.method = "POST",
		.target = slice_str("/"),
		.source = yield_twice,
		.source_context = &calls,
		.source_length = 9,
	};
	const struct http1_response *response = NULL;
	CLEANUP(http_client_freep) struct http_client *c = client_to("", false, &peer);
	struct why why;
	(void)state;

	assert_int_equal(http_client_start(c, &r, &response, &why), ERR_INVALID);
	assert_string_equal(why.text, "the body to send ended 3 bytes early");
	assert_false(http_client_is_connected(c));
	assert_int_equal(http_client_start(c, &r, &response, &why), ERR_CLOSED); /* there is no second connection */
	close(peer);
}

static void requests_that_could_be_split_are_not_sent(void **state)
{
	struct http_client_field evil = {"X-A", slice_str("1\r\nX-B: 2")};
	struct http_client_field framing = {"content-length", slice_str("1")};
	struct http_client_request bad[] = {
		{.method = "GET", .target = slice_str("/"), .fields = &framing, .field_count = 1},
		{.method = "GET", .target = slice_str("/"), .fields = &evil, .field_count = 1},
		{.method = "GET", .target = slice_str("/ HTTP/1.1\r\nX-B: 2")},
		{.method = "GET / HTTP/1.1\r\n", .target = slice_str("/")},
	};
	const struct http1_response *response = NULL;
	char out[256];
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int peer;
		CLEANUP(http_client_freep) struct http_client *c = client_to("", false, &peer);

		assert_int_equal(http_client_start(c, &bad[i], &response, NULL), ERR_INVALID);
		assert_int_equal(raw_read(peer, out, sizeof out, 50), 0);
		close(peer);
	}
}

static void bytes_nobody_asked_for_end_the_connection(void **state)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	int peer;
	/* A second answer behind the first would be taken for the answer to the next request. */
	CLEANUP(http_client_freep)
	struct http_client *c = client_to(
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", false,
		&peer);
	(void)state;

	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	assert_int_equal(fetch(c, body, NULL), 200);
	assert_int_equal(fetch(c, body, NULL), ERR_CLOSED);
	assert_int_equal(buf_len(body), 0);
	close(peer);
}

static void an_unread_answer_is_never_taken_for_the_next(void **state)
{
	struct http_client_request r = {.method = "GET", .target = slice_str("/large?100000")};
	struct fixture *f = *state;
	CLEANUP(http_client_freep) struct http_client *c = NULL;
	CLEANUP(buf_freep) struct buf *body = NULL;
	const struct http1_response *response = NULL;

	fixture_start(f);
	c = fixture_client(f, true);
	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	assert_int_equal(http_client_start(c, &r, &response, NULL), ERR_OK);
	r.target = slice_str("/hello");
	assert_int_equal(http_client_start(c, &r, &response, NULL), ERR_OK);
	assert_int_equal(http_client_read_all(c, body, NULL), ERR_OK);
	assert_true(slice_is_str(buf_slice(body), "hello\n"));
	fixture_stop(f);
}

static void a_unix_socket_is_served_and_called(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CLEANUP(http_server_freep) struct http_server *server = NULL;
	CLEANUP(buf_freep) struct buf *body = NULL;

	snprintf(address.sun_path, sizeof address.sun_path, "%s/sock", f->dir);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct http_client_config config = {.host = "localhost", .unix_path = address.sun_path, .tls = f->trust};

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(http_server_new(&f->config, &server, NULL), ERR_OK);
	assert_int_equal(http_server_listen(server, fd, f->tls, NULL), ERR_OK);
	assert_int_equal(http_server_start(server, NULL), ERR_OK);
	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	CLEANUP(http_client_freep) struct http_client *c = NULL;
	assert_int_equal(http_client_new(&config, &c, NULL), ERR_OK);
	assert_int_equal(fetch(c, body, NULL), 500); /* "/" is nothing the handler knows */
	assert_non_null(strstr(http_client_describe(c), "TLSv1.3"));
}

static void unreachable_servers_are_named(void **state)
{
	struct http_client_config config = {.host = "127.0.0.1", .port = 1, .connect_ms = 1000};
	CLEANUP(http_client_freep) struct http_client *c = NULL;
	CLEANUP(buf_freep) struct buf *body = NULL;
	struct why why;
	(void)state;

	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	assert_int_equal(http_client_new(&config, &c, NULL), ERR_OK);
	assert_int_equal(fetch(c, body, &why), ERR_UNAVAILABLE);
	assert_non_null(strstr(why.text, "cannot reach 127.0.0.1:1: "));
	config.host = "a b";
	CLEANUP(http_client_freep) struct http_client *none = NULL;
	assert_int_equal(http_client_new(&config, &none, NULL), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_in_every_framing_are_read),
		cmocka_unit_test(answers_that_break_http_or_end_early_are_errors),
		cmocka_unit_test(interim_answers_have_a_bound),
		cmocka_unit_test(continue_is_not_waited_for_without_end),
		cmocka_unit_test(an_endless_head_is_a_limit),
		cmocka_unit_test(a_body_larger_than_its_buffer_is_a_limit),
		cmocka_unit_test(a_silent_peer_is_a_timeout),
		cmocka_unit_test(what_is_sent_is_exactly_this),
		cmocka_unit_test(a_body_of_unknown_length_goes_in_chunks),
		cmocka_unit_test(a_source_that_ends_early_or_fails_breaks_the_request_off),
		cmocka_unit_test(requests_that_could_be_split_are_not_sent),
		cmocka_unit_test(bytes_nobody_asked_for_end_the_connection),
		cmocka_unit_test(an_unread_answer_is_never_taken_for_the_next),
		cmocka_unit_test(a_unix_socket_is_served_and_called),
		cmocka_unit_test(unreachable_servers_are_named),
	};

	return cmocka_run_group_tests(tests, fixture_new, fixture_free);
}
