#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "lib/fault.h"
#include "lib/scratch.h"

/* --- buf ---------------------------------------------------------------------------------------------------------- */

static int fill_a_buffer(void *context, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *b = NULL;
	const char *text;
	(void)context;

	TRY(buf_new(4000, &b, reterr_why));
	for (int i = 0; i < 100; i++) {
		int err = buf_put_fmt(b, reterr_why, "%d,", i);

		if (err != ERR_OK) { /* what was there stays, and no half of a number is added */
			assert_true(buf_len(b) == 0 || buf_slice(b).ptr[buf_len(b) - 1] == ',');
			return err;
		}
	}
	TRY(buf_put_lp(b, slice_str("a part that makes it grow once more"), reterr_why));
	buf_consume(b, 290 + 4); /* the numbers and the length */
	TRY(buf_str(b, &text, reterr_why));
	assert_string_equal(text, "a part that makes it grow once more");
	return ERR_OK;
}

static void a_buffer_without_memory_keeps_what_it_has(void **state)
{
	struct fault_scenario s = {.run = fill_a_buffer};
	(void)state;

	assert_true(fault_each(&s, FAULT_MEMORY, ENOMEM) >= 2);
}

/* --- file_replace ------------------------------------------------------------------------------------------------- */

static const char old_text[] = "the old content", new_text[] = "new content, and longer than the old";

struct replacing {
	int dir_fd;
	bool creates; /* file_create() where nothing is, instead of file_replace() */
};

static void put_old(void *context)
{
	struct replacing *r = context;

	assert_int_equal(path_empty_dir(r->dir_fd, NULL), ERR_OK);
	if (!r->creates)
		assert_int_equal(file_replace(r->dir_fd, "f", 0600, slice_str(old_text), NULL), ERR_OK);
}

static int put_new(void *context, struct why *reterr_why)
{
	struct replacing *r = context;

	if (r->creates)
		return file_create(r->dir_fd, "f", 0600, slice_str(new_text), reterr_why);
	return file_replace(r->dir_fd, "f", 0600, slice_str(new_text), reterr_why);
}

/* Old or new, whole; new if the call said so; nothing else beside it unless the process was killed. */
static void old_or_new(void *context, int err)
{
	struct replacing *r = context;
	CLEANUP(buf_freep) struct buf *b = NULL;
	int found;

	assert_int_equal(buf_new(100, &b, NULL), ERR_OK);
	found = file_read(r->dir_fd, "f", b, NULL);
	if (found == ERR_NOTFOUND) {
		assert_true(r->creates && err != ERR_OK);
	} else {
		bool is_new = slice_is_str(buf_slice(b), new_text);

		assert_int_equal(found, ERR_OK);
		assert_true(is_new || (!r->creates && err != ERR_OK && slice_is_str(buf_slice(b), old_text)));
	}
	if (err != ERR_CLOSED)
		assert_int_equal(scratch_count(r->dir_fd), found == ERR_OK);
	else
		assert_true(scratch_count(r->dir_fd) <= 2);
}

static void replace_under(enum fault_kind kind, int errnum, size_t at_least)
{
	struct replacing r = {.dir_fd = scratch_open()};
	struct fault_scenario s = {.run = put_new, .prepare = put_old, .check = old_or_new, .context = &r};

	assert_true(fault_each(&s, kind, errnum) >= at_least);
	r.creates = true;
	assert_true(fault_each(&s, kind, errnum) >= at_least);
	scratch_close(r.dir_fd);
}

static void a_full_disk_leaves_the_old_file(void **state)
{
	(void)state;
	replace_under(FAULT_WRITE, ENOSPC, 1);
	replace_under(FAULT_WRITE, EIO, 1);
}

static void a_failed_fsync_is_never_success(void **state)
{
	(void)state;
	replace_under(FAULT_SYNC, EIO, 2);
	replace_under(FAULT_SYNC, ENOSPC, 2);
}

static void a_failed_rename_leaves_the_old_file(void **state)
{
	(void)state;
	replace_under(FAULT_RENAME, EIO, 1);
	replace_under(FAULT_RENAME, ENOSPC, 1);
}

static void without_descriptors_the_old_file_stays(void **state)
{
	(void)state;
	replace_under(FAULT_OPEN, EMFILE, 2);
	replace_under(FAULT_OPEN, EACCES, 2);
}

static void signals_are_sat_out(void **state)
{
	(void)state;
	replace_under(FAULT_WRITE, EINTR, 1);
	replace_under(FAULT_OPEN, EINTR, 2);
}

static void short_writes_are_continued(void **state)
{
	struct replacing r = {.dir_fd = scratch_open()};
	struct fault_scenario s = {.run = put_new, .prepare = put_old, .check = old_or_new, .context = &r};
	(void)state;

	fault_short_io(&s);
	scratch_close(r.dir_fd);
}

static void killed_anywhere_the_file_is_old_or_new(void **state)
{
	struct replacing r = {.dir_fd = scratch_open()};
	struct fault_scenario s = {.run = put_new, .prepare = put_old, .check = old_or_new, .context = &r};
	(void)state;

	assert_true(fault_kill_each(&s) >= 12);
	r.creates = true;
	assert_true(fault_kill_each(&s) >= 12);
	scratch_close(r.dir_fd);
}

/* What power loss leaves depends on this order alone: content before the name, the name before the answer. */
static void content_is_durable_before_its_name_and_both_before_success(void **state)
{
	struct replacing r = {.dir_fd = scratch_open()};
	struct fault_scenario s = {.run = put_new, .prepare = put_old, .context = &r};
	(void)state;

	assert_string_equal(fault_trace(&s), "open open write sync rename sync");
	scratch_close(r.dir_fd);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static int read_back(void *context, struct why *reterr_why)
{
	struct replacing *r = context;
	CLEANUP(buf_freep) struct buf *b = NULL;
	int err;

	TRY(buf_new(100, &b, reterr_why));
	TRY(buf_put_str(b, "before ", reterr_why));
	err = file_read(r->dir_fd, "f", b, reterr_why);
	assert_true(slice_is_str(buf_slice(b), err == ERR_OK ? "before the old content" : "before "));
	return err;
}

static void a_failed_read_adds_nothing(void **state)
{
	struct replacing r = {.dir_fd = scratch_open()};
	struct fault_scenario s = {.run = read_back, .prepare = put_old, .context = &r};
	(void)state;

	assert_true(fault_each(&s, FAULT_READ, EIO) >= 2);
	assert_true(fault_each(&s, FAULT_READ, EINTR) >= 2);
	assert_true(fault_each(&s, FAULT_OPEN, EMFILE) >= 1);
	assert_true(fault_each(&s, FAULT_MEMORY, ENOMEM) >= 2);
	fault_short_io(&s);
	scratch_close(r.dir_fd);
}

/* --- secrets ------------------------------------------------------------------------------------------------------ */

static int read_a_secret(void *context, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *s = NULL;
	CLEANUP(secret_freep) struct secret *other = NULL;

	TRY(file_read_secret(context, &s, reterr_why));
	TRY(secret_new_random(32, &other, reterr_why));
	assert_int_equal(secret_len(s), strlen(old_text));
	return ERR_OK;
}

static void a_secret_that_cannot_be_read_leaves_no_slot_behind(void **state)
{
	struct replacing r = {.dir_fd = scratch_open()};
	char path[600];
	struct fault_scenario s = {.run = read_a_secret, .context = path};
	(void)state;

	put_old(&r);
	snprintf(path, sizeof path, "%s/f", scratch_path());
	assert_true(fault_each(&s, FAULT_READ, EIO) >= 2);
	assert_true(fault_each(&s, FAULT_READ, EINTR) >= 2);
	assert_true(fault_each(&s, FAULT_OPEN, EMFILE) >= 1);
	fault_short_io(&s);
	scratch_close(r.dir_fd);
}

/* --- directories -------------------------------------------------------------------------------------------------- */

static void make_a_tree(void *context)
{
	struct replacing *r = context;
	int fd;

	assert_int_equal(path_empty_dir(r->dir_fd, NULL), ERR_OK);
	assert_int_equal(mkdirat(r->dir_fd, "a", 0700), 0);
	assert_int_equal(mkdirat(r->dir_fd, "a/b", 0700), 0);
	assert_int_equal(mkdirat(r->dir_fd, "a/b/c", 0700), 0);
	assert_int_equal(path_open_beneath(r->dir_fd, "a/b/c/f", O_WRONLY | O_CREAT, 0600, &fd, NULL), ERR_OK);
	close(fd);
}

static int empty_it(void *context, struct why *reterr_why)
{
	return path_empty_dir(((struct replacing *)context)->dir_fd, reterr_why);
}

static void is_empty_if_it_says_so(void *context, int err)
{
	if (err == ERR_OK)
		assert_int_equal(scratch_count(((struct replacing *)context)->dir_fd), 0);
}

static void a_tree_half_removed_can_be_removed_again(void **state)
{
	struct replacing r = {.dir_fd = scratch_open()};
	struct fault_scenario s = {
		.run = empty_it, .prepare = make_a_tree, .check = is_empty_if_it_says_so, .context = &r};
	(void)state;

	assert_true(fault_each(&s, FAULT_OPEN, EMFILE) >= 5);
	assert_true(fault_each(&s, FAULT_RENAME, EACCES) >= 2);
	assert_true(fault_kill_each(&s) >= 10);
	scratch_close(r.dir_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_without_memory_keeps_what_it_has),
		cmocka_unit_test(a_full_disk_leaves_the_old_file),
		cmocka_unit_test(a_failed_fsync_is_never_success),
		cmocka_unit_test(a_failed_rename_leaves_the_old_file),
		cmocka_unit_test(without_descriptors_the_old_file_stays),
		cmocka_unit_test(signals_are_sat_out),
		cmocka_unit_test(short_writes_are_continued),
		cmocka_unit_test(killed_anywhere_the_file_is_old_or_new),
		cmocka_unit_test(content_is_durable_before_its_name_and_both_before_success),
		cmocka_unit_test(a_failed_read_adds_nothing),
		cmocka_unit_test(a_secret_that_cannot_be_read_leaves_no_slot_behind),
		cmocka_unit_test(a_tree_half_removed_can_be_removed_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
