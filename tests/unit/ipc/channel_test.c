#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "ipc/channel.h"

/* One channel, and a bare socket at its other end, to play a peer that keeps no rules. */
struct fixture {
	struct ipc_channel *channel;
	int peer;
	int fds_before;
};

static int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	int mine;

	f->fds_before = open_fds();
	assert_int_equal(ipc_channel_pair(&mine, &f->peer, NULL), ERR_OK);
	assert_int_equal(ipc_channel_new(mine, &f->channel, NULL), ERR_OK);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	int leaked;

	ipc_channel_free(f->channel);
	fd_closep(&f->peer);
	leaked = open_fds() - f->fds_before;
	free(f);
	return leaked;
}

static void put_raw(int fd, const struct ipc_header *header, size_t body_len, const int *fds, size_t fd_count)
{
	static uint8_t body[IPC_INLINE_BYTES_MAX + 16];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))] = {0};
	uint8_t head[IPC_HEADER_BYTES];
	struct iovec iov[2] = {{head, sizeof head}, {body, body_len}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

	ipc_header_encode(header, head);
	if (fd_count) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		CMSG_FIRSTHDR(&msg)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&msg)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&msg)->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), fds, fd_count * sizeof(int));
	}
	assert_true(sendmsg(fd, &msg, 0) > 0);
}

static void round_trip(struct fixture *f, size_t len)
{
	struct ipc_channel *other;
	struct ipc_message got;
	uint8_t *bytes = malloc(len + 1);

	memset(bytes, 'k', len);
	assert_int_equal(ipc_channel_new(take_fd(f->peer), &other, NULL), ERR_OK);
	struct ipc_message sent = {.type = 7, .id = 9, .body = slice_of(bytes, len)};
	assert_int_equal(ipc_channel_send(f->channel, &sent, 0, NULL), ERR_OK);
	assert_int_equal(ipc_channel_receive(other, 0, &got, NULL), ERR_OK);
	assert_int_equal(got.type, 7);
	assert_int_equal(got.id, 9);
	assert_int_equal(got.flags, 0);
	assert_int_equal(got.place, len > IPC_INLINE_BYTES_MAX ? IPC_BODY_MAPPED : IPC_BODY_RECEIVED);
	assert_int_equal(got.fd_count, 0);
	assert_true(slice_equal(got.body, sent.body));
	ipc_message_clear(&got);
	ipc_message_clear(&got);
	ipc_channel_free(other);
	free(bytes);
}

static void a_small_body_arrives(void **state)
{
	round_trip(*state, 5);
}

static void an_empty_body_arrives(void **state)
{
	round_trip(*state, 0);
}

static void the_largest_inline_body_arrives(void **state)
{
	round_trip(*state, IPC_INLINE_BYTES_MAX);
}

static void a_body_over_64_kib_arrives_in_a_memfd(void **state)
{
	round_trip(*state, IPC_INLINE_BYTES_MAX + 1);
}

static void the_largest_body_arrives(void **state)
{
	round_trip(*state, IPC_BODY_BYTES_MAX);
}

static void a_body_over_the_limit_is_not_sent(void **state)
{
	struct fixture *f = *state;
	uint8_t *bytes = calloc(1, IPC_BODY_BYTES_MAX + 1);
	struct ipc_message m = {.type = 1, .body = slice_of(bytes, IPC_BODY_BYTES_MAX + 1)};
	char c;

	assert_int_equal(ipc_channel_send(f->channel, &m, 0, NULL), ERR_LIMIT);
	assert_int_equal(recv(f->peer, &c, 1, MSG_DONTWAIT), -1);
	free(bytes);
}

static void descriptors_arrive_close_on_exec_and_are_closed_unless_taken(void **state)
{
	struct fixture *f = *state;
	int pipes[2];
	struct ipc_message got;

	assert_int_equal(pipe2(pipes, 0), 0);
	put_raw(f->peer, &(struct ipc_header){.type = 1}, 0, pipes, 2);
	assert_int_equal(ipc_channel_receive(f->channel, 0, &got, NULL), ERR_OK);
	assert_int_equal(got.fd_count, 2);
	assert_int_equal(fcntl(got.fds[0], F_GETFD), FD_CLOEXEC);
	int taken = take_fd(got.fds[0]), left = got.fds[1];

	ipc_message_clear(&got);
	assert_int_equal(fcntl(left, F_GETFD), -1);
	assert_int_not_equal(fcntl(taken, F_GETFD), -1);
	close(taken);
	close(pipes[0]);
	close(pipes[1]);
}

static void as_many_descriptors_as_the_limit_beside_a_memfd_body(void **state)
{
	struct fixture *f = *state;
	static uint8_t body[IPC_INLINE_BYTES_MAX + 1];
	struct ipc_message m = {.type = 1, .body = slice_of(body, sizeof body), .fds = {0, 0, 0, 0}, .fd_count = 4};
	struct ipc_message got;
	struct ipc_channel *other;

	assert_int_equal(ipc_channel_new(take_fd(f->peer), &other, NULL), ERR_OK);
	assert_int_equal(ipc_channel_send(f->channel, &m, 0, NULL), ERR_OK);
	assert_int_equal(ipc_channel_receive(other, 0, &got, NULL), ERR_OK);
	assert_int_equal(got.fd_count, 4);
	assert_int_equal(got.body.len, sizeof body);
	ipc_message_clear(&got);
	m.fd_count = 5;
	assert_int_equal(ipc_channel_send(f->channel, &m, 0, NULL), ERR_LIMIT);
	ipc_channel_free(other);
}

static void too_many_descriptors_are_refused_and_closed(void **state)
{
	struct fixture *f = *state;
	int fds[16] = {0};
	struct ipc_message got;

	for (size_t count = IPC_FDS_MAX + 1; count <= 16; count++) {
		put_raw(f->peer, &(struct ipc_header){.type = 1}, 0, fds, count);
		assert_int_equal(ipc_channel_receive(f->channel, 0, &got, NULL), ERR_LIMIT);
	}
}

/* On the wire it looks like the end of the connection, which brings nothing. */
static void descriptors_of_an_empty_datagram_are_closed(void **state)
{
	struct fixture *f = *state;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	struct msghdr msg = {.msg_control = control, .msg_controllen = sizeof control};
	struct ipc_message m;
	struct why why;

	CMSG_FIRSTHDR(&msg)->cmsg_level = SOL_SOCKET;
	CMSG_FIRSTHDR(&msg)->cmsg_type = SCM_RIGHTS;
	CMSG_FIRSTHDR(&msg)->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &f->peer, sizeof(int));
	assert_int_equal(sendmsg(f->peer, &msg, 0), 0);
	assert_int_equal(ipc_channel_receive(f->channel, 0, &m, &why), ERR_INVALID);
	assert_string_equal(why.text, "descriptors without a message");
}

static void descriptors_of_a_malformed_message_are_closed(void **state)
{
	struct fixture *f = *state;
	int fds[2] = {0};
	struct ipc_message got;

	put_raw(f->peer, &(struct ipc_header){.type = 0}, 0, fds, 2);
	assert_int_equal(ipc_channel_receive(f->channel, 0, &got, NULL), ERR_INVALID);
}

static void a_datagram_over_the_limit_is_refused(void **state)
{
	struct fixture *f = *state;
	struct ipc_message got;

	put_raw(f->peer, &(struct ipc_header){.type = 1, .body_len = IPC_INLINE_BYTES_MAX}, IPC_INLINE_BYTES_MAX + 1,
	        NULL, 0);
	assert_int_equal(ipc_channel_receive(f->channel, 0, &got, NULL), ERR_LIMIT);
}

static int memfd_of(size_t len, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	if (seals)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void assert_body_refused(struct fixture *f, int fd, uint32_t claimed, int expected)
{
	struct ipc_header h = {.type = 1, .flags = IPC_FLAG_MEMFD_BODY, .body_len = claimed};
	struct ipc_message got;

	put_raw(f->peer, &h, 0, &fd, fd >= 0 ? 1 : 0);
	assert_int_equal(ipc_channel_receive(f->channel, 0, &got, NULL), expected);
	fd_closep(&fd);
}

static void a_body_whose_memfd_is_not_sealed_is_refused(void **state)
{
	const uint32_t len = IPC_INLINE_BYTES_MAX + 1;

	assert_body_refused(*state, memfd_of(len, 0), len, ERR_DENIED);
	assert_body_refused(*state, memfd_of(len, F_SEAL_WRITE | F_SEAL_GROW), len, ERR_DENIED);
	assert_body_refused(*state, memfd_of(len, F_SEAL_WRITE | F_SEAL_SHRINK), len, ERR_DENIED);
	assert_body_refused(*state, memfd_of(len, F_SEAL_GROW | F_SEAL_SHRINK), len, ERR_DENIED);
	assert_body_refused(*state, memfd_of(len, F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK), len, ERR_DENIED);
	assert_body_refused(*state, open("/etc/passwd", O_RDONLY | O_CLOEXEC), len, ERR_DENIED);
}

static void a_body_of_another_length_than_claimed_is_refused(void **state)
{
	const uint32_t len = IPC_INLINE_BYTES_MAX + 1;
	const int all = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;

	assert_body_refused(*state, memfd_of(len - 1, all), len, ERR_INVALID);
	assert_body_refused(*state, memfd_of(len + 1, all), len, ERR_INVALID);
	assert_body_refused(*state, memfd_of(0, all), len, ERR_INVALID);
	assert_body_refused(*state, memfd_of((size_t)1 << 40, all), len, ERR_LIMIT);
	assert_body_refused(*state, -1, len, ERR_INVALID);
}

static void a_peer_that_has_gone_is_closed_for_both_directions(void **state)
{
	struct fixture *f = *state;
	struct ipc_message m = {.type = 1};

	fd_closep(&f->peer);
	assert_int_equal(ipc_channel_receive(f->channel, 0, &m, NULL), ERR_CLOSED);
	assert_int_equal(ipc_channel_send(f->channel, &m, 0, NULL), ERR_CLOSED);
}

static void the_last_words_of_a_peer_that_left_ours_unread_are_heard(void **state)
{
	struct fixture *f = *state;
	struct ipc_message unread = {.type = 0x1001}, m;

	assert_int_equal(ipc_channel_send(f->channel, &unread, 0, NULL), ERR_OK);
	put_raw(f->peer, &(struct ipc_header){.type = 0x1002, .id = 1, .body_len = 3}, 3, NULL, 0);
	fd_closep(&f->peer);
	assert_int_equal(ipc_channel_receive(f->channel, 0, &m, NULL), ERR_OK);
	assert_int_equal(m.type, 0x1002);
	ipc_message_clear(&m);
	assert_int_equal(ipc_channel_receive(f->channel, 0, &m, NULL), ERR_CLOSED);
}

static void waiting_ends_at_the_deadline(void **state)
{
	struct fixture *f = *state;
	static uint8_t body[IPC_INLINE_BYTES_MAX];
	struct ipc_message m = {.type = 1, .body = slice_of(body, sizeof body)};
	uint64_t start = time_mono_ms();
	struct why why;
	int err;

	assert_int_equal(ipc_channel_receive(f->channel, start + 50, &m, &why), ERR_TIMEOUT);
	assert_true(time_mono_ms() - start >= 50 && time_mono_ms() - start < 1000);
	assert_non_null(strstr(why.text, "in time"));
	do
		err = ipc_channel_send(f->channel, &m, start + 100, &why);
	while (err == ERR_OK);
	assert_int_equal(err, ERR_TIMEOUT);
	assert_true(time_mono_ms() - start >= 100 && time_mono_ms() - start < 2000);
}

static void a_stream_socket_is_no_link(void **state)
{
	int both[2];
	struct ipc_channel *channel;
	(void)state;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, both), 0);
	assert_int_equal(ipc_channel_new(both[0], &channel, NULL), ERR_INVALID);
	close(both[0]);
	close(both[1]);
}

static void a_received_body_is_wiped_when_the_message_ends(void **state)
{
	struct fixture *f = *state;
	struct ipc_message got;
	struct slice body;

	assert_int_equal(send(f->peer, "\0\1\0\0\0\0\0\0\0\0\0\3key", 15, 0), 15);
	assert_int_equal(ipc_channel_receive(f->channel, 0, &got, NULL), ERR_OK);
	body = got.body;
	assert_true(slice_is_str(body, "key"));
	ipc_message_clear(&got);
	assert_memory_equal(body.ptr, "\0\0\0", 3);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(a_small_body_arrives),
		WITH_FIXTURE(an_empty_body_arrives),
		WITH_FIXTURE(the_largest_inline_body_arrives),
		WITH_FIXTURE(a_body_over_64_kib_arrives_in_a_memfd),
		WITH_FIXTURE(the_largest_body_arrives),
		WITH_FIXTURE(a_body_over_the_limit_is_not_sent),
		WITH_FIXTURE(descriptors_arrive_close_on_exec_and_are_closed_unless_taken),
		WITH_FIXTURE(as_many_descriptors_as_the_limit_beside_a_memfd_body),
		WITH_FIXTURE(too_many_descriptors_are_refused_and_closed),
		WITH_FIXTURE(descriptors_of_an_empty_datagram_are_closed),
		WITH_FIXTURE(descriptors_of_a_malformed_message_are_closed),
		WITH_FIXTURE(a_datagram_over_the_limit_is_refused),
		WITH_FIXTURE(a_body_whose_memfd_is_not_sealed_is_refused),
		WITH_FIXTURE(a_body_of_another_length_than_claimed_is_refused),
		WITH_FIXTURE(a_peer_that_has_gone_is_closed_for_both_directions),
		WITH_FIXTURE(the_last_words_of_a_peer_that_left_ours_unread_are_heard),
		WITH_FIXTURE(waiting_ends_at_the_deadline),
		WITH_FIXTURE(a_stream_socket_is_no_link),
		WITH_FIXTURE(a_received_body_is_wiped_when_the_message_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
