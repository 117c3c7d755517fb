#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/slice.h"

static void numbers_are_read_strictly(void **state)
{
	uint64_t value = 7;
	(void)state;

	assert_int_equal(slice_to_u64(slice_str("0"), 0, &value, NULL), ERR_OK);
	assert_int_equal(value, 0);
	assert_int_equal(slice_to_u64(slice_str("18446744073709551615"), UINT64_MAX, &value, NULL), ERR_OK);
	assert_true(value == UINT64_MAX);
	assert_int_equal(slice_to_u64(slice_str("18446744073709551616"), UINT64_MAX, &value, NULL), ERR_LIMIT);
	assert_int_equal(slice_to_u64(slice_str("11"), 10, &value, NULL), ERR_LIMIT);
	assert_int_equal(slice_to_u64(slice_str("5"), 3, &value, NULL), ERR_LIMIT);
	assert_int_equal(slice_to_u64(slice_str("01"), 10, &value, NULL), ERR_INVALID);
	assert_int_equal(slice_to_u64(slice_str("-1"), 10, &value, NULL), ERR_INVALID);
	assert_int_equal(slice_to_u64(slice_str("+1"), 10, &value, NULL), ERR_INVALID);
	assert_int_equal(slice_to_u64(slice_str("1 "), 10, &value, NULL), ERR_INVALID);
	assert_int_equal(slice_to_u64(slice_of("1\0", 2), 10, &value, NULL), ERR_INVALID);
	assert_int_equal(slice_to_u64(slice_str(""), 10, &value, NULL), ERR_INVALID);
	assert_true(value == UINT64_MAX); /* no refusal has touched it */
}

/* Every number and every maximum up to 150, against plain arithmetic. */
static void a_number_passes_exactly_up_to_its_maximum(void **state)
{
	(void)state;

	for (uint64_t max = 0; max < 150; max++)
		for (uint64_t n = 0; n < 150; n++) {
			char text[8];
			uint64_t value = 999;
			int expected = n <= max ? ERR_OK : ERR_LIMIT;

			snprintf(text, sizeof text, "%u", (unsigned)n);
			assert_int_equal(slice_to_u64(slice_str(text), max, &value, NULL), expected);
			assert_true(value == (n <= max ? n : 999));
		}
}

static void slices_compare_by_content(void **state)
{
	(void)state;
	assert_true(slice_equal(slice_str("abc"), slice_of("abcd", 3)));
	assert_false(slice_equal(slice_str("abc"), slice_str("abd")));
	assert_false(slice_equal(slice_str("abc"), slice_str("ab")));
	assert_true(slice_equal(slice_of(NULL, 0), slice_str("")));
	assert_int_equal(slice_str(NULL).len, 0);
	assert_true(slice_is_str(slice_str("abc"), "abc"));
	assert_false(slice_is_str(slice_of("abc\0", 4), "abc"));
	assert_true(slice_is_str_nocase(slice_str("Content-TYPE"), "content-type"));
	assert_false(slice_is_str_nocase(slice_str("content-typ"), "content-type"));
	assert_false(slice_is_str_nocase(slice_of("a\0c", 3), "a\0d"));
	assert_true(slice_is_str_nocase(slice_of(NULL, 0), ""));
	assert_true(slice_starts_with(slice_str("x-amz-date"), "x-amz-"));
	assert_true(slice_starts_with(slice_str("x"), ""));
	assert_true(slice_starts_with(slice_of(NULL, 0), ""));
	assert_false(slice_starts_with(slice_str("x-am"), "x-amz-"));
}

static void constant_time_comparison_sees_every_bit(void **state)
{
	uint8_t a[33] = {0}, b[33] = {0};
	(void)state;

	assert_true(bytes_equal_ct(a, b, sizeof a));
	assert_true(bytes_equal_ct(a, b, 0));
	for (size_t bit = 0; bit < 8 * sizeof a; bit++) {
		b[bit / 8] = (uint8_t)(1 << bit % 8);
		assert_false(bytes_equal_ct(a, b, sizeof a));
		b[bit / 8] = 0;
	}
}

static void a_string_is_made_only_of_what_can_be_one(void **state)
{
	char out[4] = "...";
	struct why why;
	char *copy = NULL;
	(void)state;

	assert_int_equal(slice_to_str(slice_str("abcd"), out, sizeof out, &why), ERR_LIMIT);
	assert_string_equal(why.text, "text of 4 bytes; at most 3 are accepted");
	assert_int_equal(slice_to_str(slice_of("a\0b", 3), out, sizeof out, NULL), ERR_INVALID);
	assert_string_equal(out, "...");
	assert_int_equal(slice_to_str(slice_str("abc"), out, sizeof out, NULL), ERR_OK);
	assert_string_equal(out, "abc");
	assert_int_equal(slice_to_str(slice_of(NULL, 0), out, sizeof out, NULL), ERR_OK);
	assert_string_equal(out, "");

	assert_int_equal(slice_dup_str(slice_of("a\0b", 3), &copy, NULL), ERR_INVALID);
	assert_null(copy);
	assert_int_equal(slice_dup_str(slice_of("abcdef", 3), &copy, NULL), ERR_OK);
	assert_string_equal(copy, "abc");
	free(copy);
	assert_int_equal(slice_dup_str(slice_of(NULL, 0), &copy, NULL), ERR_OK);
	assert_string_equal(copy, "");
	free_p(&copy);
	assert_null(copy);
}

static void big_endian_numbers_are_taken_in_order(void **state)
{
	static const uint8_t bytes[] = {0xff, 0x01, 0x02, 0x80, 0, 0, 1, 0xfe, 1, 2, 3, 4, 5, 6, 7};
	struct cursor c = cursor_of(slice_of(bytes, sizeof bytes));
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
	(void)state;

	assert_int_equal(cursor_take_u8(&c, &u8, NULL), ERR_OK);
	assert_int_equal(u8, 0xff);
	assert_int_equal(cursor_take_u16be(&c, &u16, NULL), ERR_OK);
	assert_int_equal(u16, 0x0102);
	assert_int_equal(cursor_take_u32be(&c, &u32, NULL), ERR_OK);
	assert_int_equal(u32, 0x80000001);
	assert_int_equal(cursor_take_u64be(&c, &u64, NULL), ERR_OK);
	assert_true(u64 == 0xfe01020304050607);
	assert_int_equal(cursor_finish(&c, NULL), ERR_OK);
}

static void a_cursor_that_fails_has_not_moved(void **state)
{
	static const uint8_t bytes[] = {0, 0, 0};
	struct cursor c = cursor_of(slice_of(bytes, sizeof bytes));
	struct slice taken = {0};
	struct why why;
	uint32_t u32;
	uint64_t u64;
	(void)state;

	assert_int_equal(cursor_take_u32be(&c, &u32, &why), ERR_INVALID);
	assert_string_equal(why.text, "input ends after 3 of 4 expected bytes");
	assert_int_equal(cursor_take_u64be(&c, &u64, NULL), ERR_INVALID);
	assert_int_equal(cursor_take(&c, SIZE_MAX, &taken, NULL), ERR_INVALID);
	assert_int_equal(cursor_take_lp(&c, 10, &taken, NULL), ERR_INVALID);
	assert_int_equal(cursor_take_until(&c, '\n', &taken, NULL), ERR_INVALID);
	assert_null(taken.ptr);
	assert_ptr_equal(c.rest.ptr, bytes);
	assert_int_equal(c.rest.len, 3);
	assert_int_equal(cursor_finish(&c, &why), ERR_INVALID);
	assert_string_equal(why.text, "3 bytes too many at the end");
}

static void bytes_are_copied_or_nothing_is_taken(void **state)
{
	struct cursor c = cursor_of(slice_str("abc"));
	char out[3] = "--";
	(void)state;

	assert_int_equal(cursor_take_bytes(&c, out, 4, NULL), ERR_INVALID);
	assert_memory_equal(out, "--", 3);
	assert_int_equal(cursor_take_bytes(&c, out, 2, NULL), ERR_OK);
	assert_memory_equal(out, "ab", 3);
	assert_int_equal(cursor_take_bytes(&c, NULL, 0, NULL), ERR_OK);
	assert_int_equal(c.rest.len, 1);
}

static void an_empty_input_is_an_input(void **state)
{
	struct cursor c = cursor_of(slice_of(NULL, 0));
	struct slice taken;
	uint8_t u8;
	(void)state;

	assert_int_equal(cursor_take(&c, 0, &taken, NULL), ERR_OK);
	assert_int_equal(taken.len, 0);
	assert_int_equal(cursor_take_u8(&c, &u8, NULL), ERR_INVALID);
	assert_int_equal(cursor_take_until(&c, 0, &taken, NULL), ERR_INVALID);
	assert_int_equal(cursor_finish(&c, NULL), ERR_OK);
}

static void a_part_is_bounded_before_it_is_taken(void **state)
{
	static const char bytes[] = "\0\0\0\3abc\0\0\0\0\0\0\0\4abc";
	struct cursor c = cursor_of(slice_of(bytes, sizeof bytes - 1));
	struct slice part;
	struct why why;
	(void)state;

	assert_int_equal(cursor_take_lp(&c, 2, &part, &why), ERR_LIMIT);
	assert_string_equal(why.text, "a part claims 3 bytes; at most 2 are accepted");
	assert_int_equal(cursor_take_lp(&c, 3, &part, NULL), ERR_OK);
	assert_true(slice_is_str(part, "abc"));
	assert_int_equal(cursor_take_lp(&c, 3, &part, NULL), ERR_OK);
	assert_int_equal(part.len, 0);
	assert_int_equal(cursor_take_lp(&c, 100, &part, NULL), ERR_INVALID); /* 4 claimed, 3 there */
	assert_int_equal(c.rest.len, 7);
	c = cursor_of(slice_of("\xff\xff\xff\xff", 4));
	assert_int_equal(cursor_take_lp(&c, SIZE_MAX, &part, NULL), ERR_INVALID);
}

static void lines_are_taken_without_their_end(void **state)
{
	struct cursor c = cursor_of(slice_str("one\n\nthree"));
	struct slice line;
	(void)state;

	assert_int_equal(cursor_take_until(&c, '\n', &line, NULL), ERR_OK);
	assert_true(slice_is_str(line, "one"));
	assert_int_equal(cursor_take_until(&c, '\n', &line, NULL), ERR_OK);
	assert_int_equal(line.len, 0);
	assert_int_equal(cursor_take_until(&c, '\n', &line, NULL), ERR_INVALID);
	assert_true(slice_is_str(c.rest, "three"));
}

static void taking_hands_over_once(void **state)
{
	char *owned = malloc(4);
	char *mine = take_ptr(owned);
	(void)state;

	assert_null(owned);
	assert_non_null(mine);
	free_p(&mine);
	assert_null(mine);
	free_p(&mine);
}

static void order_is_by_bytes_and_a_prefix_comes_first(void **state)
{
	(void)state;

	assert_true(slice_compare(slice_str("a"), slice_str("ab")) < 0);
	assert_true(slice_compare(slice_str("b"), slice_str("ab")) > 0);
	assert_true(slice_compare(slice_str("\x7f"), slice_str("\x80")) < 0);
	assert_true(slice_compare(slice_str(""), slice_str("a")) < 0);
	assert_int_equal(slice_compare(slice_str(""), slice_str(NULL)), 0);
	assert_int_equal(slice_compare(slice_str("ab"), slice_str("ab")), 0);
}

static void case_is_ignored_in_ascii_only(void **state)
{
	(void)state;

	assert_true(slice_equal_nocase(slice_str("X-Amz-Date"), slice_str("x-aMZ-dATE")));
	assert_true(slice_equal_nocase(slice_str(""), slice_str(NULL)));
	assert_false(slice_equal_nocase(slice_str("host"), slice_str("hosts")));
	assert_false(slice_equal_nocase(slice_str("@"), slice_str("`")));
	assert_false(slice_equal_nocase(slice_str("\xc3\x84"), slice_str("\xc3\xa4")));
	assert_false(slice_equal_nocase(slice_of("a\0b", 3), slice_of("a\0c", 3)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_is_by_bytes_and_a_prefix_comes_first),
		cmocka_unit_test(case_is_ignored_in_ascii_only),
		cmocka_unit_test(numbers_are_read_strictly),
		cmocka_unit_test(a_number_passes_exactly_up_to_its_maximum),
		cmocka_unit_test(slices_compare_by_content),
		cmocka_unit_test(constant_time_comparison_sees_every_bit),
		cmocka_unit_test(a_string_is_made_only_of_what_can_be_one),
		cmocka_unit_test(big_endian_numbers_are_taken_in_order),
		cmocka_unit_test(a_cursor_that_fails_has_not_moved),
		cmocka_unit_test(bytes_are_copied_or_nothing_is_taken),
		cmocka_unit_test(an_empty_input_is_an_input),
		cmocka_unit_test(a_part_is_bounded_before_it_is_taken),
		cmocka_unit_test(lines_are_taken_without_their_end),
		cmocka_unit_test(taking_hands_over_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
