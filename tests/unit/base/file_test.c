#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/limits.h"
#include "lib/scratch.h"

static int dir = -1;

static int set_up(void **state)
{
	(void)state;
	dir = scratch_open();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scratch_close(dir);
	return 0;
}

static void assert_holds(const char *name, const char *expected)
{
	CLEANUP(buf_freep) struct buf *b = NULL;

	assert_int_equal(buf_new(1000, &b, NULL), ERR_OK);
	assert_int_equal(file_read(dir, name, b, NULL), ERR_OK);
	assert_true(slice_is_str(buf_slice(b), expected));
}

static void a_file_is_replaced_whole_with_its_mode(void **state)
{
	struct stat st;
	(void)state;

	assert_int_equal(file_replace(dir, "f", 0600, slice_str("one, the longer"), NULL), ERR_OK);
	assert_holds("f", "one, the longer");
	assert_int_equal(file_replace(dir, "f", 0640, slice_str("two"), NULL), ERR_OK);
	assert_holds("f", "two");
	assert_int_equal(fstatat(dir, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(file_replace(dir, "f", 0600, slice_of(NULL, 0), NULL), ERR_OK);
	assert_holds("f", "");
	assert_int_equal(scratch_count(dir), 1);
}

/* Whoever has the old file open keeps reading the old file. */
static void a_reader_keeps_what_it_opened(void **state)
{
	CLEANUP(fd_closep) int fd = -1;
	char got[8] = {0};
	size_t len;
	(void)state;

	assert_int_equal(file_replace(dir, "f", 0600, slice_str("old"), NULL), ERR_OK);
	fd = openat(dir, "f", O_RDONLY | O_CLOEXEC);
	assert_int_equal(file_replace(dir, "f", 0600, slice_str("new"), NULL), ERR_OK);
	assert_int_equal(fd_read_full(fd, got, sizeof got, &len, NULL), ERR_OK);
	assert_string_equal(got, "old");
}

static void creating_over_a_file_is_a_conflict(void **state)
{
	struct why why;
	(void)state;

	assert_int_equal(file_create(dir, "f", 0600, slice_str("one"), NULL), ERR_OK);
	assert_int_equal(file_create(dir, "f", 0600, slice_str("two"), &why), ERR_CONFLICT);
	assert_string_equal(why.text, "cannot write f: cannot rename it into place: File exists");
	assert_holds("f", "one");
	assert_int_equal(scratch_count(dir), 1);
}

static void a_link_is_replaced_and_not_written_through(void **state)
{
	struct stat st;
	(void)state;

	assert_int_equal(file_replace(dir, "target", 0600, slice_str("kept"), NULL), ERR_OK);
	assert_int_equal(symlinkat("target", dir, "link"), 0);
	assert_int_equal(file_replace(dir, "link", 0600, slice_str("new"), NULL), ERR_OK);
	assert_holds("target", "kept");
	assert_int_equal(fstatat(dir, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
}

static void names_stay_in_their_directory(void **state)
{
	CLEANUP(buf_freep) struct buf *b = NULL;
	CLEANUP(fd_closep) int in = -1;
	(void)state;

	assert_int_equal(buf_new(1000, &b, NULL), ERR_OK);
	assert_int_equal(mkdirat(dir, "in", 0700), 0);
	in = openat(dir, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(file_replace(dir, "outside", 0600, slice_str("kept"), NULL), ERR_OK);
	assert_int_equal(file_replace(in, "../outside", 0600, slice_str("evil"), NULL), ERR_INVALID);
	assert_int_equal(file_create(in, "../evil", 0600, slice_str("evil"), NULL), ERR_INVALID);
	assert_int_equal(file_remove(in, "../outside", NULL), ERR_INVALID);
	assert_int_equal(file_read(in, "../outside", b, NULL), ERR_INVALID);
	assert_int_equal(file_replace(in, "..", 0600, slice_str("evil"), NULL), ERR_INVALID);
	assert_holds("outside", "kept");
	assert_int_equal(scratch_count(dir), 2);
	assert_int_equal(scratch_count(in), 0);
	assert_int_equal(file_replace(dir, "in/f", 0600, slice_str("one level down is beneath"), NULL), ERR_OK);
	assert_holds("in/f", "one level down is beneath");
}

static void reading_appends_or_adds_nothing(void **state)
{
	CLEANUP(buf_freep) struct buf *b = NULL;
	struct why why;
	char path[600];
	(void)state;

	assert_int_equal(buf_new(12, &b, NULL), ERR_OK);
	assert_int_equal(buf_put_str(b, "head ", NULL), ERR_OK);
	assert_int_equal(file_replace(dir, "f", 0600, slice_str("12345678"), NULL), ERR_OK);
	assert_int_equal(file_read(dir, "f", b, &why), ERR_LIMIT);
	assert_string_equal(why.text, "f: more than the 12 bytes that are accepted here");
	assert_true(slice_is_str(buf_slice(b), "head "));
	assert_int_equal(file_read(dir, "none", b, NULL), ERR_NOTFOUND);
	assert_int_equal(file_replace(dir, "f", 0600, slice_str("1234567"), NULL), ERR_OK);
	snprintf(path, sizeof path, "%s/f", scratch_path());
	assert_int_equal(file_read_given(path, b, NULL), ERR_OK);
	assert_true(slice_is_str(buf_slice(b), "head 1234567"));
	assert_int_equal(file_read_given(scratch_path(), b, &why), ERR_CONFLICT); /* a directory */
}

static void removing_is_for_what_is_there(void **state)
{
	(void)state;
	assert_int_equal(file_replace(dir, "f", 0600, slice_str("x"), NULL), ERR_OK);
	assert_int_equal(file_remove(dir, "f", NULL), ERR_OK);
	assert_int_equal(scratch_count(dir), 0);
	assert_int_equal(file_remove(dir, "f", NULL), ERR_NOTFOUND);
	assert_int_equal(mkdirat(dir, "d", 0700), 0);
	assert_int_equal(file_remove(dir, "d", NULL), ERR_CONFLICT);
}

/* --- secrets ------------------------------------------------------------------------------------------------------ */

static int secret_in(const char *content, size_t len, mode_t mode, struct secret **ret_secret, struct why *why)
{
	char path[600];

	assert_int_equal(file_replace(dir, "s", 0600, slice_of(content, len), NULL), ERR_OK);
	assert_int_equal(fchmodat(dir, "s", mode, 0), 0);
	snprintf(path, sizeof path, "%s/s", scratch_path());
	return file_read_secret(path, ret_secret, why);
}

static void a_secret_loses_one_newline(void **state)
{
	static const struct {
		const char *file, *secret;
	} cases[] = {{"hunter2", "hunter2"}, {"hunter2\n", "hunter2"}, {"hunter2\n\n", "hunter2\n"}, {" \n", " "}};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(secret_freep) struct secret *s = NULL;

		assert_int_equal(secret_in(cases[i].file, strlen(cases[i].file), 0600, &s, NULL), ERR_OK);
		assert_true(slice_is_str(slice_of(secret_peek(s), secret_len(s)), cases[i].secret));
	}
}

static void a_secret_that_others_may_touch_is_refused(void **state)
{
	static const mode_t open_modes[] = {0644, 0604, 0602, 0620, 0660, 0601};
	struct secret *s = NULL;
	struct why why;
	(void)state;

	for (size_t i = 0; i < sizeof open_modes / sizeof open_modes[0]; i++)
		assert_int_equal(secret_in("x", 1, open_modes[i], &s, &why), ERR_DENIED);
	assert_non_null(strstr(why.text, "is open to other users (mode 601); chmod it to 600"));
	assert_null(s);
	assert_int_equal(secret_count(), 0);
}

static void group_read_passes_for_roots_own_group_only(void **state)
{
	struct secret *s = NULL;
	(void)state;

	if (geteuid() == 0) { /* as systemd leaves credentials that carry an access list */
		assert_int_equal(secret_in("x", 1, 0440, &s, NULL), ERR_OK);
		secret_freep(&s);
		assert_int_equal(file_replace(dir, "s", 0600, slice_str("x"), NULL), ERR_OK);
		assert_int_equal(fchownat(dir, "s", 0, 1000, 0), 0);
		assert_int_equal(fchmodat(dir, "s", 0640, 0), 0);
	} else {
		assert_int_equal(file_replace(dir, "s", 0600, slice_str("x"), NULL), ERR_OK);
		assert_int_equal(fchmodat(dir, "s", 0640, 0), 0);
	}
	char path[600];

	snprintf(path, sizeof path, "%s/s", scratch_path());
	assert_int_equal(file_read_secret(path, &s, NULL), ERR_DENIED);
}

static void a_secret_has_a_least_and_a_largest_size(void **state)
{
	char longest[SECRET_LARGE_BYTES];
	struct secret *s = NULL;
	struct why why;
	(void)state;

	memset(longest, 'x', sizeof longest);
	assert_int_equal(secret_in("", 0, 0600, &s, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "is empty"));
	assert_int_equal(secret_in("\n", 1, 0600, &s, NULL), ERR_INVALID);
	assert_int_equal(secret_in(longest, sizeof longest, 0600, &s, &why), ERR_LIMIT);
	assert_non_null(strstr(why.text, "holds more than 8063 bytes"));
	assert_int_equal(secret_count(), 0);
	assert_int_equal(secret_in(longest, sizeof longest - 1, 0600, &s, NULL), ERR_OK);
	assert_int_equal(secret_len(s), SECRET_LARGE_BYTES - 1);
	secret_freep(&s);
	assert_int_equal(file_read_secret("/nonexistent/x", &s, NULL), ERR_NOTFOUND);
}

static void a_secret_may_come_through_a_pipe(void **state)
{
	CLEANUP(secret_freep) struct secret *s = NULL;
	char path[64];
	int ends[2];
	(void)state;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fd_write_all(ends[1], slice_str("from a pipe\n"), NULL), ERR_OK);
	close(ends[1]);
	snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]); /* what <(…) is in a shell */
	assert_int_equal(file_read_secret(path, &s, NULL), ERR_OK);
	assert_int_equal(secret_len(s), strlen("from a pipe"));
	close(ends[0]);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(a_file_is_replaced_whole_with_its_mode),
		IN_DIR(a_reader_keeps_what_it_opened),
		IN_DIR(creating_over_a_file_is_a_conflict),
		IN_DIR(a_link_is_replaced_and_not_written_through),
		IN_DIR(names_stay_in_their_directory),
		IN_DIR(reading_appends_or_adds_nothing),
		IN_DIR(removing_is_for_what_is_there),
		IN_DIR(a_secret_loses_one_newline),
		IN_DIR(a_secret_that_others_may_touch_is_refused),
		IN_DIR(group_read_passes_for_roots_own_group_only),
		IN_DIR(a_secret_has_a_least_and_a_largest_size),
		IN_DIR(a_secret_may_come_through_a_pipe),
	};

	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
