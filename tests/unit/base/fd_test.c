#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "lib/scratch.h"

static struct buf *new_buf(size_t max)
{
	struct buf *b = NULL;

	assert_int_equal(buf_new(max, &b, NULL), ERR_OK);
	return b;
}

static void closing_forgets_and_taking_hands_over(void **state)
{
	size_t before = scratch_open_fds();
	int fd = dup(0), mine = take_fd(fd);
	(void)state;

	assert_int_equal(fd, -1);
	fd_closep(&fd);
	assert_int_equal(scratch_open_fds(), before + 1);
	fd_closep(&mine);
	assert_int_equal(mine, -1);
	assert_int_equal(scratch_open_fds(), before);
}

static void whole_reads_and_writes_at_an_offset(void **state)
{
	CLEANUP(fd_closep) int fd = memfd_create("t", MFD_CLOEXEC);
	char got[16] = {0};
	size_t len = 99;
	(void)state;

	assert_int_equal(fd_write_all(fd, slice_str("0123456789"), NULL), ERR_OK);
	assert_int_equal(fd_write_all(fd, slice_of(NULL, 0), NULL), ERR_OK);
	assert_int_equal(fd_pwrite_all(fd, slice_str("abc"), 4, NULL), ERR_OK);
	assert_int_equal(fd_pread_full(fd, got, 4, 3, &len, NULL), ERR_OK);
	assert_int_equal(len, 4);
	assert_memory_equal(got, "3abc", 4);
	assert_int_equal(fd_pread_full(fd, got, 16, 7, &len, NULL), ERR_OK);
	assert_int_equal(len, 3); /* what there is */
	assert_int_equal(fd_pread_full(fd, got, 16, 1000, &len, NULL), ERR_OK);
	assert_int_equal(len, 0);
	assert_int_equal(fd_read_full(fd, got, 16, &len, NULL), ERR_OK);
	assert_int_equal(len, 0); /* it stands at its end */
}

static void *write_in_pieces(void *fd)
{
	for (int i = 0; i < 1000; i++) {
		if (write(*(int *)fd, "0123456789", 10) != 10)
			return "cannot write";
		if (i % 100 == 0)
			usleep(1000);
	}
	close(*(int *)fd);
	return NULL;
}

static void a_pipe_is_read_to_its_end_whatever_its_pieces(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf(10000);
	pthread_t thread;
	void *complaint;
	int ends[2];
	(void)state;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&thread, NULL, write_in_pieces, &ends[1]), 0);
	assert_int_equal(fd_read_to_end(ends[0], b, NULL), ERR_OK);
	assert_int_equal(pthread_join(thread, &complaint), 0);
	assert_null(complaint);
	assert_int_equal(buf_len(b), 10000); /* exactly what it may hold */
	assert_memory_equal(buf_slice(b).ptr + 9990, "0123456789", 10);
	close(ends[0]);
}

static void more_than_the_buffer_may_hold_is_refused(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf(9);
	CLEANUP(buf_freep) struct buf *none = new_buf(0);
	CLEANUP(fd_closep) int fd = memfd_create("t", MFD_CLOEXEC);
	struct why why;
	(void)state;

	assert_int_equal(fd_read_to_end(fd, none, NULL), ERR_OK);
	assert_int_equal(fd_write_all(fd, slice_str("0123456789"), NULL), ERR_OK);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(fd_read_to_end(fd, b, &why), ERR_LIMIT);
	assert_string_equal(why.text, "more than the 9 bytes that are accepted here");
	assert_int_equal(fd_read_to_end(-1, b, NULL), ERR_UNAVAILABLE);
}

static void a_failed_write_says_what_failed(void **state)
{
	CLEANUP(fd_closep) int full = -1;
	struct why why;
	size_t len;
	int ends[2];
	(void)state;

	full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_int_equal(fd_write_all(full, slice_str("abc"), &why), ERR_UNAVAILABLE);
	assert_string_equal(why.text, "cannot write 3 bytes: No space left on device");
	assert_int_equal(fd_pwrite_all(full, slice_str("abc"), UINT64_MAX, NULL), ERR_UNAVAILABLE);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	assert_int_equal(fd_write_all(ends[1], slice_str("abc"), NULL), ERR_UNAVAILABLE);
	assert_int_equal(fd_read_full(ends[1], &len, 1, &len, NULL), ERR_UNAVAILABLE);
	close(ends[1]);
}

static void a_sealed_memfd_can_be_mapped_and_no_longer_changed(void **state)
{
	CLEANUP(fd_closep) int fd = -1;
	struct slice bytes;
	(void)state;

	assert_int_equal(fd_memfd_sealed("body", slice_str("0123456789"), &fd, NULL), ERR_OK);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fd_map_sealed(fd, 10, &bytes, NULL), ERR_OK);
	assert_true(slice_is_str(bytes, "0123456789"));
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, 20), -1);
	assert_true(mmap(NULL, 10, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	assert_true(slice_is_str(bytes, "0123456789"));
	fd_unmap(bytes);
}

static void a_body_over_its_limit_is_not_mapped(void **state)
{
	CLEANUP(fd_closep) int fd = -1;
	CLEANUP(fd_closep) int empty = -1;
	struct slice bytes = {0};
	struct why why;
	(void)state;

	assert_int_equal(fd_memfd_sealed("body", slice_str("0123456789"), &fd, NULL), ERR_OK);
	assert_int_equal(fd_map_sealed(fd, 9, &bytes, &why), ERR_LIMIT);
	assert_string_equal(why.text, "a body of 10 bytes; at most 9 are accepted");
	assert_null(bytes.ptr);
	assert_int_equal(fd_memfd_sealed("body", slice_of(NULL, 0), &empty, NULL), ERR_OK);
	assert_int_equal(fd_map_sealed(empty, 0, &bytes, NULL), ERR_OK);
	assert_int_equal(bytes.len, 0);
	fd_unmap(bytes);
}

/* Whoever can still write, grow or shrink a body could change it between our check and our use. */
static void a_memfd_that_lacks_any_seal_is_refused(void **state)
{
	static const int needed[] = {F_SEAL_WRITE, F_SEAL_GROW, F_SEAL_SHRINK};
	struct slice bytes = {0};
	(void)state;

	for (unsigned set = 0; set < 8; set++) {
		CLEANUP(fd_closep) int fd = memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		int seals = 0;

		assert_int_equal(fd_write_all(fd, slice_str("abc"), NULL), ERR_OK);
		for (size_t i = 0; i < 3; i++)
			seals |= set >> i & 1 ? needed[i] : 0;
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
		assert_int_equal(fd_map_sealed(fd, 100, &bytes, NULL), set == 7 ? ERR_OK : ERR_DENIED);
	}
	fd_unmap(bytes);
}

static void what_is_no_memfd_is_refused(void **state)
{
	CLEANUP(fd_closep) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CLEANUP(fd_closep) int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct slice bytes;
	int pair[2];
	(void)state;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(fd_map_sealed(null, 100, &bytes, NULL), ERR_DENIED);
	assert_int_equal(fd_map_sealed(file, 1 << 30, &bytes, NULL), ERR_DENIED);
	assert_int_equal(fd_map_sealed(pair[0], 100, &bytes, NULL), ERR_DENIED);
	assert_int_equal(fd_map_sealed(-1, 100, &bytes, NULL), ERR_DENIED);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closing_forgets_and_taking_hands_over),
		cmocka_unit_test(whole_reads_and_writes_at_an_offset),
		cmocka_unit_test(a_pipe_is_read_to_its_end_whatever_its_pieces),
		cmocka_unit_test(more_than_the_buffer_may_hold_is_refused),
		cmocka_unit_test(a_failed_write_says_what_failed),
		cmocka_unit_test(a_sealed_memfd_can_be_mapped_and_no_longer_changed),
		cmocka_unit_test(a_body_over_its_limit_is_not_mapped),
		cmocka_unit_test(a_memfd_that_lacks_any_seal_is_refused),
		cmocka_unit_test(what_is_no_memfd_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
