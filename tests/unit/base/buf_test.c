#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "lib/scratch.h"

static struct buf *new_buf(size_t max)
{
	struct buf *b = NULL;

	assert_int_equal(buf_new(max, &b, NULL), ERR_OK);
	return b;
}

static void numbers_are_written_big_endian(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf(100);
	(void)state;

	assert_int_equal(buf_put_u8(b, 0xff, NULL), ERR_OK);
	assert_int_equal(buf_put_u16be(b, 0x0102, NULL), ERR_OK);
	assert_int_equal(buf_put_u32be(b, 0x80000001, NULL), ERR_OK);
	assert_int_equal(buf_put_u64be(b, 0xfe01020304050607, NULL), ERR_OK);
	assert_int_equal(buf_put_lp(b, slice_str("ab"), NULL), ERR_OK);
	assert_int_equal(buf_put_lp(b, slice_of(NULL, 0), NULL), ERR_OK);
	assert_true(slice_equal(buf_slice(b), slice_of("\xff\1\2\x80\0\0\1\xfe\1\2\3\4\5\6\7\0\0\0\2ab\0\0\0\0", 25)));
}

static void the_maximum_can_be_reached_and_not_passed(void **state)
{
	static const size_t maxima[] = {0, 1, 2, 255, 256, 257, 1000, 4096};
	(void)state;

	for (size_t i = 0; i < sizeof maxima / sizeof maxima[0]; i++) {
		CLEANUP(buf_freep) struct buf *b = new_buf(maxima[i]);
		const char *text;

		for (size_t n = 0; n < maxima[i]; n++)
			assert_int_equal(buf_put_u8(b, 'x', NULL), ERR_OK);
		assert_int_equal(buf_room(b), 0);
		assert_int_equal(buf_put_u8(b, 'x', NULL), ERR_LIMIT);
		assert_int_equal(buf_put_str(b, "", NULL), ERR_OK);
		assert_int_equal(buf_str(b, &text, NULL), ERR_OK); /* its NUL is not of the content */
		assert_int_equal(strlen(text), maxima[i]);
	}
}

static void what_does_not_fit_is_not_appended_at_all(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf(10);
	struct why why;
	uint8_t *room;
	(void)state;

	assert_int_equal(buf_put_str(b, "1234567", NULL), ERR_OK);
	assert_int_equal(buf_put_str(b, "8901", &why), ERR_LIMIT);
	assert_string_equal(why.text, "1 bytes more than the 10 that are accepted here");
	assert_int_equal(buf_put_fmt(b, NULL, "%04d", 1), ERR_LIMIT);
	assert_int_equal(buf_put_u32be(b, 1, NULL), ERR_LIMIT);
	assert_int_equal(buf_put_lp(b, slice_str(""), NULL), ERR_LIMIT);
	assert_int_equal(buf_reserve(b, SIZE_MAX, &room, NULL), ERR_LIMIT);
	assert_true(slice_is_str(buf_slice(b), "1234567"));
	assert_int_equal(buf_put_fmt(b, NULL, "%03d", 1), ERR_OK);
	assert_true(slice_is_str(buf_slice(b), "1234567001"));
}

static void a_maximum_beyond_memory_is_refused(void **state)
{
	struct buf *b = NULL;
	(void)state;

	assert_int_equal(buf_new(SIZE_MAX, &b, NULL), ERR_LIMIT);
	assert_null(b);
}

static void consumed_room_is_used_again(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf(64);
	char expected[65];
	(void)state;

	for (unsigned round = 0; round < 1000; round++) {
		unsigned n = round % 60;

		snprintf(expected, sizeof expected, "%*u", (int)n + 4, round);
		assert_int_equal(buf_put_fmt(b, NULL, "%s", expected), ERR_OK);
		assert_true(slice_is_str(buf_slice(b), expected));
		buf_consume(b, n);
		assert_int_equal(buf_len(b), 4);
		assert_true(slice_is_str(buf_slice(b), expected + n));
		buf_consume(b, 1000);
		assert_int_equal(buf_len(b), 0);
		assert_null(buf_slice(b).ptr);
	}
}

static void content_survives_every_move(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf(100000);
	(void)state;

	for (uint32_t i = 0; i < 20000; i++) {
		assert_int_equal(buf_put_u32be(b, i, NULL), ERR_OK);
		if (i % 3 == 2)
			buf_consume(b, 4);
	}
	struct cursor c = cursor_of(buf_slice(b));

	for (uint32_t i = 6666; i < 20000; i++) {
		uint32_t value;

		assert_int_equal(cursor_take_u32be(&c, &value, NULL), ERR_OK);
		assert_int_equal(value, i);
	}
	assert_int_equal(cursor_finish(&c, NULL), ERR_OK);
}

static void it_is_cut_from_either_side(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf(100);
	(void)state;

	assert_int_equal(buf_put_str(b, "0123456789", NULL), ERR_OK);
	buf_truncate(b, 20);
	buf_truncate(b, 8);
	buf_consume(b, 2);
	assert_true(slice_is_str(buf_slice(b), "234567"));
	buf_reset(b);
	assert_int_equal(buf_len(b), 0);
	assert_int_equal(buf_put_str(b, "ab", NULL), ERR_OK);
	assert_true(slice_is_str(buf_slice(b), "ab"));
}

static void text_with_a_nul_is_no_string(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf(100);
	const char *text = NULL;
	(void)state;

	assert_int_equal(buf_str(b, &text, NULL), ERR_OK);
	assert_string_equal(text, "");
	assert_int_equal(buf_put(b, slice_of("a\0b", 3), NULL), ERR_OK);
	text = NULL;
	assert_int_equal(buf_str(b, &text, NULL), ERR_INVALID);
	assert_null(text);
	buf_consume(b, 2);
	assert_int_equal(buf_str(b, &text, NULL), ERR_OK);
	assert_string_equal(text, "b");
}

static void lent_room_is_committed_in_part(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf(1000);
	uint8_t *room;
	(void)state;

	assert_int_equal(buf_reserve(b, 500, &room, NULL), ERR_OK);
	memset(room, 'r', 500);
	assert_int_equal(buf_len(b), 0);
	buf_commit(b, 3);
	assert_true(slice_is_str(buf_slice(b), "rrr"));
}

static void commit_too_much(void *context)
{
	struct buf *b = context;
	uint8_t *room;

	if (buf_reserve(b, 10, &room, NULL) == ERR_OK)
		buf_commit(b, 2000);
}

static void committing_more_than_was_lent_ends_the_process(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf(1000);
	(void)state;

	assert_int_equal(scratch_child(commit_too_much, b), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_written_big_endian),
		cmocka_unit_test(the_maximum_can_be_reached_and_not_passed),
		cmocka_unit_test(what_does_not_fit_is_not_appended_at_all),
		cmocka_unit_test(a_maximum_beyond_memory_is_refused),
		cmocka_unit_test(consumed_room_is_used_again),
		cmocka_unit_test(content_survives_every_move),
		cmocka_unit_test(it_is_cut_from_either_side),
		cmocka_unit_test(text_with_a_nul_is_no_string),
		cmocka_unit_test(lent_room_is_committed_in_part),
		cmocka_unit_test(committing_more_than_was_lent_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
