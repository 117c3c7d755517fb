#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/public.h"
#include "audit/settler.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "lib/scratch.h"

static int set_up(void **state)
{
	int *dir_fd = malloc(sizeof *dir_fd);

	*dir_fd = scratch_open();
	*state = dir_fd;
	return 0;
}

static int tear_down(void **state)
{
	scratch_close(*(int *)*state);
	free(*state);
	return 0;
}

static bool exists(int dir_fd, const char *name)
{
	struct stat st;

	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static void a_resource_is_written_with_the_folders_that_it_needs(void **state)
{
	int dir_fd = *(int *)*state;
	struct tile_path path = {.index = 1234067, .width = 5};
	CLEANUP(buf_freep) struct buf *read = support_buf();

	assert_int_equal(public_read(dir_fd, &path, read, NULL), ERR_NOTFOUND);
	assert_ok(public_write(dir_fd, &path, slice_str("one"), NULL));
	assert_ok(public_write(dir_fd, &path, slice_str("another"), NULL));
	assert_ok(public_read(dir_fd, &path, read, NULL));
	assert_true(slice_is_str(buf_slice(read), "another"));
	assert_true(exists(dir_fd, "tile/0/x001/x234/067.p/5"));
	assert_false(exists(dir_fd, "tile/0/x001/x234/067.p/5.new"));
}

static void what_a_crash_left_beside_a_file_is_in_nobodys_way(void **state)
{
	int dir_fd = *(int *)*state;
	struct tile_path path = {.is_entries = true, .width = TILE_WIDTH};
	CLEANUP(buf_freep) struct buf *read = support_buf();
	CLEANUP(fd_closep) int fd = -1;

	assert_ok(public_write(dir_fd, &path, slice_str("old"), NULL));
	assert_ok(path_open_beneath(dir_fd, "tile/entries/000.new", O_WRONLY | O_CREAT, 0644, &fd, NULL));
	assert_int_equal(write(fd, "half of what was to come, and longer", 36), 36);
	assert_ok(public_write(dir_fd, &path, slice_str("new"), NULL));
	assert_ok(public_read(dir_fd, &path, read, NULL));
	assert_true(slice_is_str(buf_slice(read), "new"));
}

static void a_tile_has_exactly_its_width(void **state)
{
	int dir_fd = *(int *)*state;
	struct tile_path path = {.width = 3};
	struct merkle_hash hashes[TILE_WIDTH], read[TILE_WIDTH];

	memset(hashes, 7, sizeof hashes);
	assert_int_equal(public_read_tile(dir_fd, &path, read, NULL), ERR_TAMPERED);
	assert_ok(public_write(dir_fd, &path, slice_of(hashes, 3 * sizeof *hashes), NULL));
	assert_ok(public_read_tile(dir_fd, &path, read, NULL));
	assert_memory_equal(read, hashes, 3 * sizeof *hashes);
	assert_ok(public_write(dir_fd, &path, slice_of(hashes, 3 * sizeof *hashes - 1), NULL));
	assert_int_equal(public_read_tile(dir_fd, &path, read, NULL), ERR_TAMPERED);
	assert_ok(public_write(dir_fd, &path, slice_of(hashes, 3 * sizeof *hashes + 1), NULL));
	assert_int_equal(public_read_tile(dir_fd, &path, read, NULL), ERR_TAMPERED);
}

static void partial_ones_go_when_the_full_one_comes(void **state)
{
	int dir_fd = *(int *)*state;
	struct tile_path path = {.level = 1, .index = 2};

	assert_ok(public_drop_partials(dir_fd, &path, NULL));
	for (path.width = 1; path.width < 5; path.width++)
		assert_ok(public_write(dir_fd, &path, slice_str("x"), NULL));
	assert_true(exists(dir_fd, "tile/1/002.p/4"));
	path.width = TILE_WIDTH;
	assert_ok(public_write(dir_fd, &path, slice_str("full"), NULL));
	assert_ok(public_drop_partials(dir_fd, &path, NULL));
	assert_false(exists(dir_fd, "tile/1/002.p"));
	assert_true(exists(dir_fd, "tile/1/002"));
}

static void a_link_in_the_way_is_not_followed(void **state)
{
	int dir_fd = *(int *)*state;
	struct tile_path path = {.width = 1};
	CLEANUP(buf_freep) struct buf *read = support_buf();

	assert_ok(public_write(dir_fd, &path, slice_str("x"), NULL));
	assert_int_equal(unlinkat(dir_fd, "tile/0/000.p/1", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", dir_fd, "tile/0/000.p/1"), 0);
	assert_int_equal(public_read(dir_fd, &path, read, NULL), ERR_INVALID);
	assert_int_equal(buf_len(read), 0);
}

/* --- the settler -------------------------------------------------------------------------------------------------- */

static struct buf *text_buf(const char *text)
{
	struct buf *b = support_buf();

	assert_ok(buf_put_str(b, text, NULL));
	return b;
}

static struct settler_job job_of(const char *mark, const char *checkpoint)
{
	return (struct settler_job){.mark = mark ? text_buf(mark) : NULL,
	                            .checkpoint = checkpoint ? text_buf(checkpoint) : NULL};
}

static void add_file(struct settler_job *job, uint64_t index)
{
	job->files = realloc(job->files, (job->file_count + 1) * sizeof *job->files);
	job->files[job->file_count++] = (struct tile_path){.index = index, .width = TILE_WIDTH};
}

static struct settler *start(int dir_fd, bool has_thread)
{
	struct settler_place place = {dir_fd, dir_fd, dir_fd};
	struct settler *s = NULL;

	assert_ok(settler_start(&place, has_thread, &s, NULL));
	return s;
}

static void assert_file_is(int dir_fd, const char *name, const char *expected)
{
	CLEANUP(buf_freep) struct buf *read = support_buf();

	assert_ok(file_read(dir_fd, name, read, NULL));
	assert_true(slice_is_str(buf_slice(read), expected));
}

static void jobs_are_done_with_and_without_a_thread(void **state)
{
	int dir_fd = *(int *)*state;

	for (int has_thread = 0; has_thread <= 1; has_thread++) {
		CLEANUP(settler_stopp) struct settler *s = start(dir_fd, has_thread);
		struct settler_job first = job_of("mark 1", "checkpoint 1"), second = job_of(NULL, "checkpoint 2");
		bool is_busy;

		for (uint64_t index = 0; index < 3000; index += 500) {
			struct tile_path path = {.index = index, .width = TILE_WIDTH};

			assert_ok(public_write(dir_fd, &path, slice_str("x"), NULL));
			add_file(&first, index);
		}
		assert_ok(settler_submit(s, &first, NULL));
		assert_ok(settler_wait(s, NULL));
		assert_file_is(dir_fd, "mark", "mark 1");
		assert_file_is(dir_fd, "checkpoint", "checkpoint 1");
		assert_ok(settler_submit(s, &second, NULL));
		assert_ok(settler_wait(s, NULL));
		assert_ok(settler_poll(s, &is_busy, NULL));
		assert_false(is_busy);
		assert_file_is(dir_fd, "mark", "mark 1");
		assert_file_is(dir_fd, "checkpoint", "checkpoint 2");
	}
}

static void a_mark_is_not_made_when_a_file_before_it_is_missing(void **state)
{
	int dir_fd = *(int *)*state;

	for (int has_thread = 0; has_thread <= 1; has_thread++) {
		CLEANUP(settler_stopp) struct settler *s = start(dir_fd, has_thread);
		struct settler_job job = job_of("mark", "checkpoint"), next = job_of(NULL, "checkpoint");
		struct why why = {{0}};
		bool is_busy;

		add_file(&job, 77);
		assert_int_equal(settler_submit(s, &job, NULL), has_thread ? ERR_OK : ERR_UNAVAILABLE);
		assert_int_equal(settler_wait(s, &why), ERR_UNAVAILABLE);
		assert_non_null(strstr(why.text, "tile/0/077"));
		assert_false(exists(dir_fd, "mark"));
		assert_false(exists(dir_fd, "checkpoint"));
		/* And it stays so. */
		assert_int_equal(settler_submit(s, &next, NULL), ERR_UNAVAILABLE);
		assert_int_equal(settler_poll(s, &is_busy, NULL), ERR_UNAVAILABLE);
	}
}

static void stopping_finishes_the_job_in_hand(void **state)
{
	int dir_fd = *(int *)*state;

	for (int i = 0; i < 50; i++) {
		struct settler *s = start(dir_fd, true);
		struct settler_job job = job_of(NULL, "checkpoint");

		unlinkat(dir_fd, "checkpoint", 0);
		assert_ok(settler_submit(s, &job, NULL));
		settler_stop(s);
		assert_file_is(dir_fd, "checkpoint", "checkpoint");
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_resource_is_written_with_the_folders_that_it_needs),
		TEST(what_a_crash_left_beside_a_file_is_in_nobodys_way),
		TEST(a_tile_has_exactly_its_width),
		TEST(partial_ones_go_when_the_full_one_comes),
		TEST(a_link_in_the_way_is_not_followed),
		TEST(jobs_are_done_with_and_without_a_thread),
		TEST(a_mark_is_not_made_when_a_file_before_it_is_missing),
		TEST(stopping_finishes_the_job_in_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
