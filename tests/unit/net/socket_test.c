#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/time.h"
#include "net/socket.h"
#include "net/stream.h"

static struct socket_peer peer_of(int family, const char *address)
{
	struct sockaddr_storage storage = {.ss_family = (sa_family_t)family};
	struct socket_peer peer;

	if (family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)&storage;

		in->sin_port = htons(4711);
		assert_int_equal(inet_pton(AF_INET, address, &in->sin_addr), 1);
	} else if (family == AF_INET6) {
		struct sockaddr_in6 *in = (struct sockaddr_in6 *)&storage;

		in->sin6_port = htons(4711);
		assert_int_equal(inet_pton(AF_INET6, address, &in->sin6_addr), 1);
	}
	socket_peer_describe(&storage, &peer);
	return peer;
}

static void peers_are_described(void **state)
{
	(void)state;

	assert_string_equal(peer_of(AF_INET, "192.0.2.1").text, "192.0.2.1:4711");
	assert_string_equal(peer_of(AF_INET6, "2001:db8::1").text, "[2001:db8::1]:4711");
	assert_string_equal(peer_of(AF_INET6, "::ffff:192.0.2.1").address, "192.0.2.1");
	assert_string_equal(peer_of(AF_UNIX, "").text, "unix");
	assert_true(peer_of(AF_UNIX, "").is_unix);
}

static void peers_count_by_ipv4_address_and_ipv6_network(void **state)
{
	struct socket_peer a = peer_of(AF_INET, "192.0.2.1"), mapped = peer_of(AF_INET6, "::ffff:192.0.2.1");
	struct socket_peer b = peer_of(AF_INET6, "2001:db8:0:1::1"), same = peer_of(AF_INET6, "2001:db8:0:1:9::2");
	struct socket_peer c = peer_of(AF_INET6, "2001:db8:0:2::1"), other = peer_of(AF_INET, "192.0.2.2");
	(void)state;

	assert_memory_equal(a.key, mapped.key, 16);
	assert_memory_equal(b.key, same.key, 16);
	assert_memory_not_equal(b.key, c.key, 16);
	assert_memory_not_equal(a.key, other.key, 16);
}

static void addresses_to_listen_on_are_checked(void **state)
{
	static const char *const bad[] = {"",     ":0",   "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
	                                  "[::1", "a b:1"};
	struct why why;
	int fd = -1;
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (socket_listen(bad[i], &fd, &why) != ERR_INVALID)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(fd, -1);
}

static void a_port_in_use_is_named(void **state)
{
	char address[32];
	struct why why;
	uint16_t port;
	int fd, second = -1;
	(void)state;

	assert_int_equal(socket_listen("127.0.0.1:0", &fd, NULL), ERR_OK);
	assert_int_equal(socket_local_port(fd, &port, NULL), ERR_OK);
	snprintf(address, sizeof address, "127.0.0.1:%u", port);
	assert_int_equal(socket_listen(address, &second, &why), ERR_CONFLICT);
	assert_non_null(strstr(why.text, address));
	assert_int_equal(second, -1);
	close(fd);
}

static void unknown_names_and_sockets_are_told_apart_from_refusals(void **state)
{
	uint64_t deadline = time_mono_ms() + 2000;
	struct why why;
	int fd = -1;
	(void)state;

	assert_int_equal(socket_connect("127.0.0.1", 1, deadline, &fd, &why), ERR_UNAVAILABLE);
	assert_int_equal(socket_connect_unix("/nonexistent/socket", &fd, &why), ERR_NOTFOUND);
	assert_int_equal(err_class(socket_connect("no-such-host.invalid", 1, deadline, &fd, &why)) == ERR_OK, 0);
	assert_int_equal(fd, -1);
}

/* --- Patience --------------------------------------------------------------------------------------------------- */

static struct stream *stream_on(int *ret_peer, int *ret_fd)
{
	struct stream *s = NULL;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	assert_int_equal(stream_new_plain(ends[0], &s, NULL), ERR_OK);
	*ret_fd = ends[0];
	*ret_peer = ends[1];
	return s;
}

static void waiting_ends_when_patience_does(void **state)
{
	int peer, fd;
	CLEANUP(stream_freep) struct stream *s = stream_on(&peer, &fd);
	struct stream_pace pace = {.stall_ms = 100};
	uint64_t before = time_mono_ms();
	uint8_t byte;
	size_t len;
	(void)state;

	assert_int_equal(stream_read(s, &byte, 1, &pace, &len, NULL), ERR_TIMEOUT);
	assert_in_range(time_mono_ms() - before, 95, 1000);
	/* It is used up, not renewed by asking again. */
	assert_int_equal(stream_read(s, &byte, 1, &pace, &len, NULL), ERR_TIMEOUT);
	assert_true(time_mono_ms() - before < 1000);
	close(fd);
	close(peer);
}

static void bytes_buy_patience(void **state)
{
	int peer, fd;
	CLEANUP(stream_freep) struct stream *s = stream_on(&peer, &fd);
	struct stream_pace pace = {.stall_ms = 1, .bytes_per_s = 10, .moved_bytes = 2};
	uint64_t before = time_mono_ms();
	uint8_t byte;
	size_t len;
	(void)state;

	assert_int_equal(stream_read(s, &byte, 1, &pace, &len, NULL), ERR_TIMEOUT);
	assert_in_range(time_mono_ms() - before, 195, 1000);
	close(fd);
	close(peer);
}

static void no_byte_buys_past_a_deadline(void **state)
{
	int peer, fd;
	CLEANUP(stream_freep) struct stream *s = stream_on(&peer, &fd);
	struct stream_pace pace = {.stall_ms = 60000, .bytes_per_s = 1, .moved_bytes = UINT32_MAX};
	uint64_t before = time_mono_ms();
	uint8_t byte;
	size_t len;
	(void)state;

	pace.deadline_mono_ms = before + 100;
	assert_int_equal(stream_read(s, &byte, 1, &pace, &len, NULL), ERR_TIMEOUT);
	assert_in_range(time_mono_ms() - before, 95, 1000);
	close(fd);
	close(peer);
}

static void only_waiting_costs_patience(void **state)
{
	int peer, fd;
	CLEANUP(stream_freep) struct stream *s = stream_on(&peer, &fd);
	struct stream_pace pace = {.stall_ms = 100};
	uint8_t byte;
	size_t len;
	(void)state;

	usleep(200000);
	assert_int_equal(write(peer, "x", 1), 1);
	assert_int_equal(stream_read(s, &byte, 1, &pace, &len, NULL), ERR_OK);
	assert_int_equal(len, 1);
	assert_true(pace.waited_ms < 50);
	close(peer);
	assert_int_equal(stream_read(s, &byte, 1, &pace, &len, NULL), ERR_OK);
	assert_int_equal(len, 0);
	assert_int_equal(stream_write_all(s, slice_str("x"), &pace, NULL), ERR_CLOSED);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_are_described),
		cmocka_unit_test(peers_count_by_ipv4_address_and_ipv6_network),
		cmocka_unit_test(addresses_to_listen_on_are_checked),
		cmocka_unit_test(a_port_in_use_is_named),
		cmocka_unit_test(unknown_names_and_sockets_are_told_apart_from_refusals),
		cmocka_unit_test(waiting_ends_when_patience_does),
		cmocka_unit_test(bytes_buy_patience),
		cmocka_unit_test(no_byte_buys_past_a_deadline),
		cmocka_unit_test(only_waiting_costs_patience),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
