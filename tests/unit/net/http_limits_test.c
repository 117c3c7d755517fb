/* The server's patience and its limits. */
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

static void connections_end_after_their_share_of_requests(void **state)
{
	struct fixture *f = *state;
	CLEANUP(http_client_freep) struct http_client *c = NULL;
	CLEANUP(buf_freep) struct buf *body = NULL;

	fixture_stop(f);
	f->config.requests_per_connection_max = 3;
	fixture_start(f);
	c = fixture_client(f, false);
	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	for (int i = 1; i <= 7; i++) {
		assert_int_equal(fixture_get(c, "/hello", body), 200);
		assert_int_equal(http_client_is_connected(c), i % 3 != 0);
	}
	assert_int_equal(fixture_stats(f).accepted, 3);
}

/* Many slow heads hold no thread: one worker serves others beside them, and their time runs out. */
static void slow_heads_hold_no_worker_and_time_out(void **state)
{
	enum { SLOW = 40 };
	struct fixture *f = *state;
	CLEANUP(buf_freep) struct buf *body = NULL;
	int fds[SLOW];

	fixture_stop(f);
	f->config.workers = 1;
	f->config.head_ms = 600;
	fixture_start(f);
	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	for (int i = 0; i < SLOW; i++) {
		fds[i] = raw_connect(f);
		raw_send(fds[i], "GET /hello HTTP/1.1\r\nHost");
	}
	CLEANUP(http_client_freep) struct http_client *c = fixture_client(f, true);

	for (int round = 0; round < 8; round++) {
		uint64_t before = time_mono_ms();

		assert_int_equal(fixture_get(c, "/hello", body), 200);
		assert_true(time_mono_ms() - before < 400);
		for (int i = 0; i < SLOW && round < 5; i++)
			raw_send(fds[i], "x");
		usleep(100000);
	}
	for (int i = 0; i < SLOW; i++) {
		raw_expect(fds[i], "HTTP/1.1 408 ");
		close(fds[i]);
	}
	assert_int_equal(fixture_stats(f).timeouts, SLOW);
}

static void handshakes_that_stall_hold_no_worker_and_time_out(void **state)
{
	enum { SLOW = 20 };
	struct fixture *f = *state;
	CLEANUP(buf_freep) struct buf *body = NULL;
	int fds[SLOW];
	uint16_t plain_port;

	fixture_stop(f);
	f->config.workers = 1;
	f->config.handshake_ms = 600;
	fixture_start(f);
	plain_port = f->plain_port;
	f->plain_port = f->tls_port; /* raw bytes to the TLS port */
	for (int i = 0; i < SLOW; i++) {
		fds[i] = raw_connect(f);
		raw_send_bytes(fds[i], "\x16\x03\x01\x02", i % 2 ? 4 : 0);
	}
	f->plain_port = plain_port;
	CLEANUP(http_client_freep) struct http_client *c = fixture_client(f, true);

	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	assert_int_equal(fixture_get(c, "/hello", body), 200);
	for (int i = 0; i < SLOW; i++) {
		assert_true(raw_is_closed(fds[i], 3000));
		close(fds[i]);
	}
	assert_int_equal(fixture_stats(f).timeouts, SLOW);
	assert_int_equal(fixture_get(c, "/hello", body), 200);
}

static void a_body_that_drips_is_408(void **state)
{
	struct fixture *f = *state;
	int fd;

	fixture_stop(f);
	f->config.stall_ms = 300;
	f->config.bytes_per_s_min = 1000;
	fixture_start(f);
	fd = raw_connect(f);
	raw_send(fd, "PUT /count HTTP/1.1\r\n" H "Content-Length: 100000\r\n\r\n");
	for (int i = 0; i < 12; i++) {
		raw_send(fd, "x"); /* 20 bytes a second buy next to nothing */
		usleep(50000);
	}
	raw_expect(fd, "HTTP/1.1 408 ");
	close(fd);
	assert_int_equal(fixture_stats(f).timeouts, 1);
	/* A thousand bytes buy a second: this one stalls longer than 300 ms, and may. */
	fd = raw_connect(f);
	raw_send(fd, "PUT /count HTTP/1.1\r\n" H "Content-Length: 1001\r\n\r\n");
	for (int i = 0; i < 1000; i += 10)
		raw_send(fd, "xxxxxxxxxx");
	usleep(600000);
	raw_send(fd, "y");
	raw_expect(fd, "HTTP/1.1 200 ");
	close(fd);
}

static void a_peer_that_does_not_read_its_answer_is_cut_off(void **state)
{
	struct fixture *f = *state;
	uint64_t before = time_mono_ms();
	int fd, small = 4096;

	fixture_stop(f);
	f->config.stall_ms = 300;
	f->config.bytes_per_s_min = 1000 * 1000 * 1000;
	fixture_start(f);
	fd = raw_connect(f);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	raw_send(fd, "GET /large?400000000 HTTP/1.1\r\n" H "\r\n");
	while (fixture_stats(f).timeouts == 0 && time_mono_ms() - before < 8000)
		usleep(20000);
	assert_int_equal(fixture_stats(f).timeouts, 1);
	close(fd);
}

static void idle_connections_are_closed_without_a_word(void **state)
{
	struct fixture *f = *state;
	char out[256];
	int fd;

	fixture_stop(f);
	f->config.idle_ms = 300;
	fixture_start(f);
	fd = raw_connect(f);
	raw_send(fd, "GET /hello HTTP/1.1\r\n" H "\r\n");
	raw_expect(fd, "hello\n");
	assert_int_equal(raw_read(fd, out, sizeof out, 3000), 0);
	assert_true(raw_is_closed(fd, 100));
	assert_int_equal(fixture_stats(f).timeouts, 0);
	close(fd);
}

static void a_kept_connection_that_has_ended_is_made_anew(void **state)
{
	struct fixture *f = *state;
	CLEANUP(http_client_freep) struct http_client *c = NULL;
	CLEANUP(buf_freep) struct buf *body = NULL;

	fixture_stop(f);
	f->config.idle_ms = 200;
	fixture_start(f);
	c = fixture_client(f, true);
	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	assert_int_equal(fixture_get(c, "/hello", body), 200);
	usleep(900000);
	assert_int_equal(fixture_get(c, "/hello", body), 200);
	assert_int_equal(fixture_stats(f).accepted, 2);
}

static void one_peer_gets_its_share_of_connections(void **state)
{
	struct fixture *f = *state;
	char out[1024];
	int fds[3];

	fixture_stop(f);
	f->config.connections_per_peer_max = 2;
	fixture_start(f);
	for (int i = 0; i < 3; i++)
		fds[i] = raw_connect(f);
	for (int i = 0; i < 2; i++)
		raw_send(fds[i], "GET /hello HTTP/1.1\r\n" H "\r\n");
	raw_expect(fds[0], "hello\n");
	raw_expect(fds[1], "hello\n");
	raw_read(fds[2], out, sizeof out, 3000);
	assert_non_null(strstr(out, "HTTP/1.1 503 "));
	assert_int_equal(fixture_stats(f).refused_peer, 1);
	close(fds[2]);
	close(fds[0]);
	usleep(200000); /* what is closed counts no more */
	fds[0] = raw_connect(f);
	raw_send(fds[0], "GET /hello HTTP/1.1\r\n" H "\r\n");
	raw_expect(fds[0], "hello\n");
	close(fds[0]);
	close(fds[1]);
}

static void the_table_of_connections_has_an_end(void **state)
{
	struct fixture *f = *state;
	char out[1024];
	int fds[4];

	fixture_stop(f);
	f->config.connections_max = 3;
	fixture_start(f);
	for (int i = 0; i < 4; i++)
		fds[i] = raw_connect(f);
	raw_read(fds[3], out, sizeof out, 3000);
	assert_non_null(strstr(out, "HTTP/1.1 503 "));
	assert_int_equal(fixture_stats(f).refused_full, 1);
	assert_int_equal(fixture_stats(f).connections, 3);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

static void a_full_table_makes_room_by_its_longest_idle(void **state)
{
	struct fixture *f = *state;
	int fds[4];

	fixture_stop(f);
	f->config.connections_max = 2;
	fixture_start(f);
	for (int i = 0; i < 2; i++) {
		fds[i] = raw_connect(f);
		raw_send(fds[i], "GET /hello HTTP/1.1\r\n" H "\r\n");
		raw_expect(fds[i], "hello\n");
		usleep(50000);
	}
	fds[2] = raw_connect(f);
	raw_expect(fds[2], "HTTP/1.1 503 ");
	assert_true(raw_is_closed(fds[0], 3000));
	fds[3] = raw_connect(f);
	raw_send(fds[3], "GET /hello HTTP/1.1\r\n" H "\r\n");
	raw_expect(fds[3], "hello\n");
	raw_send(fds[1], "GET /hello HTTP/1.1\r\n" H "\r\n");
	raw_expect(fds[1], "hello\n");
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

static void an_unread_body_is_dropped_up_to_its_bound(void **state)
{
	static char body[NET_DRAIN_BYTES_MAX + 1];
	struct fixture *f = *state;

	memset(body, 'x', sizeof body);
	for (int extra = 0; extra < 2; extra++) {
		int fd = raw_connect(f);
		char head[128], out[1024];

		snprintf(head, sizeof head, "PUT /early HTTP/1.1\r\n" H "Content-Length: %d\r\n\r\n",
		         NET_DRAIN_BYTES_MAX + extra);
		raw_send(fd, head);
		raw_expect(fd, extra ? "Connection: close\r\n" : "\r\n\r\nno\n");
		raw_send_bytes(fd, body, (size_t)NET_DRAIN_BYTES_MAX + (size_t)extra);
		raw_send(fd, "GET /hello HTTP/1.1\r\n" H "\r\n");
		if (extra) { /* what came after it is nobody's request */
			raw_read(fd, out, sizeof out, 1000);
			assert_null(strstr(out, "hello"));
		} else {
			raw_expect(fd, "hello\n");
		}
		close(fd);
	}
}

static void lingering_has_an_end_in_time(void **state)
{
	struct fixture *f = *state;
	uint64_t before = time_mono_ms();
	int fd;

	fixture_stop(f);
	f->config.linger_ms = 300;
	fixture_start(f);
	fd = raw_connect(f);
	raw_send(fd, "GET /hello HTTP/1.1\r\n" H "Connection: close\r\n\r\n");
	raw_expect(fd, "hello\n");
	while (fixture_stats(f).connections && time_mono_ms() - before < 5000)
		usleep(10000);
	assert_int_equal(fixture_stats(f).connections, 0);
	assert_true(time_mono_ms() - before >= 300);
	close(fd);
}

static void lingering_has_an_end_in_bytes(void **state)
{
	static const char piece[256 * 1024];
	struct fixture *f = *state;
	uint64_t sent = 0;
	int fd;

	fixture_stop(f);
	f->config.linger_ms = 60000;
	fixture_start(f);
	fd = raw_connect(f);
	raw_send(fd, "PUT /early HTTP/1.1\r\n" H "Content-Length: 1000000000\r\n\r\n");
	while (sent < 1000000000) {
		ssize_t put = send(fd, piece, sizeof piece, MSG_NOSIGNAL);

		if (put <= 0)
			break;
		sent += (uint64_t)put;
	}
	/* What is beyond the bound lies in the buffers of the two sockets. */
	assert_in_range(sent, NET_LINGER_BYTES_MAX, NET_LINGER_BYTES_MAX + 32 * 1024 * 1024);
	close(fd);
}

static void the_fields_of_an_answer_have_a_bound(void **state)
{
	struct fixture *f = *state;
	int fd = raw_connect(f);
	char request[64];

	snprintf(request, sizeof request, "GET /fields?%d HTTP/1.1\r\n" H "\r\n", NET_ANSWER_FIELDS_BYTES_MAX / 1024);
	raw_send(fd, request);
	raw_expect(fd, "\r\n\r\nmany\n");
	snprintf(request, sizeof request, "GET /fields?%d HTTP/1.1\r\n" H "\r\n",
	         NET_ANSWER_FIELDS_BYTES_MAX / 1024 + 1);
	raw_send(fd, request);
	raw_expect(fd, "HTTP/1.1 500 ");
	close(fd);
}

static void a_server_listens_on_so_many_sockets_and_no_more(void **state)
{
	struct fixture *f = *state;
	CLEANUP(http_server_freep) struct http_server *s = NULL;
	int fd;

	assert_int_equal(http_server_new(&f->config, &s, NULL), ERR_OK);
	for (int i = 0; i <= NET_LISTENERS_MAX; i++) {
		assert_int_equal(socket_listen("127.0.0.1:0", &fd, NULL), ERR_OK);
		assert_int_equal(http_server_listen(s, fd, NULL, NULL), i < NET_LISTENERS_MAX ? ERR_OK : ERR_LIMIT);
	}
	close(fd);
}

/* The tests above set what they wait for, or fill, to less. What a server has whose program says nothing: */
static void the_limits_are_what_a_server_starts_with(void **state)
{
	struct http_server_config config;
	(void)state;

	http_server_config_init(&config);
	assert_int_equal(config.connections_max, NET_CONNECTIONS_MAX);
	assert_int_equal(config.connections_per_peer_max, NET_CONNECTIONS_PER_PEER_MAX);
	assert_int_equal(config.requests_per_connection_max, NET_REQUESTS_PER_CONNECTION_MAX);
	assert_int_equal(config.body_bytes_max, NET_BODY_BYTES_MAX);
	assert_int_equal(config.handshake_ms, NET_HANDSHAKE_MS);
	assert_int_equal(config.head_ms, NET_HEAD_MS);
	assert_int_equal(config.idle_ms, NET_IDLE_MS);
	assert_int_equal(config.linger_ms, NET_LINGER_MS);
	assert_int_equal(config.stall_ms, NET_STALL_MS);
	assert_int_equal(config.bytes_per_s_min, NET_BYTES_PER_S_MIN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(connections_end_after_their_share_of_requests),
		TEST(slow_heads_hold_no_worker_and_time_out),
		TEST(handshakes_that_stall_hold_no_worker_and_time_out),
		TEST(a_body_that_drips_is_408),
		TEST(a_peer_that_does_not_read_its_answer_is_cut_off),
		TEST(idle_connections_are_closed_without_a_word),
		TEST(a_kept_connection_that_has_ended_is_made_anew),
		TEST(one_peer_gets_its_share_of_connections),
		TEST(the_table_of_connections_has_an_end),
		TEST(a_full_table_makes_room_by_its_longest_idle),
		TEST(an_unread_body_is_dropped_up_to_its_bound),
		TEST(lingering_has_an_end_in_time),
		TEST(lingering_has_an_end_in_bytes),
		TEST(the_fields_of_an_answer_have_a_bound),
		TEST(a_server_listens_on_so_many_sockets_and_no_more),
		TEST(the_limits_are_what_a_server_starts_with),
	};

	return cmocka_run_group_tests(tests, fixture_new, fixture_free);
}
