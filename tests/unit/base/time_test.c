#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "base/time.h"

static uint64_t parsed(const char *text)
{
	uint64_t ms = 0;

	assert_int_equal(time_parse(slice_str(text), &ms, NULL), ERR_OK);
	return ms;
}

static void known_moments_are_read_and_written(void **state)
{
	/* From `date -u -d @N`. */
	static const struct {
		uint64_t ms;
		const char *text, *text_ms, *basic;
	} moments[] = {
		{0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z", "19700101T000000Z"},
		{951782400000, "2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z", "20000229T000000Z"},
		{1795375987042, "2026-11-22T19:33:07Z", "2026-11-22T19:33:07.042Z", "20261122T193307Z"},
		{4107542400000, "2100-03-01T00:00:00Z", "2100-03-01T00:00:00.000Z", "21000301T000000Z"},
		{253402300799999, "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999Z", "99991231T235959Z"},
	};
	char out[TIME_RFC3339_BYTES], basic[TIME_BASIC_BYTES];
	uint64_t ms;
	(void)state;

	for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
		time_format(moments[i].ms, out);
		assert_string_equal(out, moments[i].text);
		time_format_ms(moments[i].ms, out);
		assert_string_equal(out, moments[i].text_ms);
		time_format_basic(moments[i].ms, basic);
		assert_string_equal(basic, moments[i].basic);
		assert_true(parsed(moments[i].text_ms) == moments[i].ms);
		assert_true(parsed(moments[i].text) == moments[i].ms / 1000 * 1000);
		assert_int_equal(time_parse_basic(slice_str(moments[i].basic), &ms, NULL), ERR_OK);
		assert_true(ms == moments[i].ms / 1000 * 1000);
	}
}

static void every_day_of_a_century_comes_back(void **state)
{
	char out[TIME_RFC3339_BYTES], basic[TIME_BASIC_BYTES];
	uint64_t day = 86400000, back;
	(void)state;

	for (uint64_t ms = 12345678; ms < 130 * 366 * day; ms += day) {
		time_format_ms(ms, out);
		assert_true(parsed(out) == ms);
		time_format_basic(ms, basic);
		assert_int_equal(time_parse_basic(slice_str(basic), &back, NULL), ERR_OK);
		assert_true(back == ms / 1000 * 1000);
	}
}

static void moments_that_do_not_exist_are_refused(void **state)
{
	static const char *const none[] = {
		"2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-00-10T00:00:00Z",
		"2026-13-10T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z", "2016-12-31T23:59:60Z", "1969-12-31T23:59:59Z", "0000-01-01T00:00:00Z",
	};
	uint64_t ms = 7;
	struct why why;
	(void)state;

	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		assert_int_equal(time_parse(slice_str(none[i]), &ms, &why), ERR_INVALID);
	assert_string_equal(why.text, "0000-01-01T00:00:00Z is not a moment from 1970 on");
	assert_int_equal(time_parse_basic(slice_str("20260229T000000Z"), &ms, NULL), ERR_INVALID);
	assert_true(ms == 7);
}

/* One right spelling, and every byte of it replaced in turn by what might slip through. */
static void only_one_spelling_is_read(void **state)
{
	static const char right[] = "2026-11-22T19:33:07.042Z", basic[] = "20261122T193307Z";
	static const char wrong[] = {'\0', ' ', '/', ':', 'x', '-', '+', '\xb2'};
	char text[sizeof right];
	uint64_t ms;
	(void)state;

	for (size_t at = 0; at < sizeof right - 1; at++)
		for (size_t w = 0; w < sizeof wrong; w++) {
			memcpy(text, right, sizeof right);
			text[at] = wrong[w];
			if (text[at] != right[at])
				assert_int_equal(time_parse(slice_of(text, sizeof right - 1), &ms, NULL), ERR_INVALID);
		}
	for (size_t len = 0; len < sizeof right - 1; len++)
		assert_int_equal(time_parse(slice_of(right, len), &ms, NULL), ERR_INVALID);
	for (size_t at = 0; at < sizeof basic - 1; at++) {
		memcpy(text, basic, sizeof basic);
		text[at] = '_';
		assert_int_equal(time_parse_basic(slice_of(text, sizeof basic - 1), &ms, NULL), ERR_INVALID);
	}
	assert_int_equal(time_parse_basic(slice_of(basic, 15), &ms, NULL), ERR_INVALID);
	assert_int_equal(time_parse(slice_str("2026-11-22T19:33:07+00:00"), &ms, NULL), ERR_INVALID);
	assert_int_equal(time_parse(slice_str("2026-11-22 19:33:07Z"), &ms, NULL), ERR_INVALID);
	assert_int_equal(time_parse(slice_str("2026-11-22t19:33:07z"), &ms, NULL), ERR_INVALID);
	assert_int_equal(time_parse(slice_str("2026-11-22T19:33:07.42Z"), &ms, NULL), ERR_INVALID);
	assert_int_equal(time_parse(slice_of(NULL, 0), &ms, NULL), ERR_INVALID);
}

static void the_end_of_time_fits_its_buffers(void **state)
{
	char out[TIME_RFC3339_BYTES], basic[TIME_BASIC_BYTES];
	(void)state;

	time_format_ms(UINT64_MAX, out);
	assert_string_equal(out, "584556019-04-03T14:25:51.615Z");
	time_format_basic(UINT64_MAX, basic);
	assert_string_equal(basic, "5845560190403T142551Z");
}

static void the_clocks_are_the_clocks(void **state)
{
	uint64_t before = time_mono_ms(), wall = time_wall_ms();
	struct timespec pause = {.tv_nsec = 20000000};
	(void)state;

	assert_true(wall / 1000 - (uint64_t)time(NULL) + 1 <= 2);
	nanosleep(&pause, NULL);
	assert_true(time_mono_ms() - before >= 20);
	assert_true(time_mono_ms() - before < 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_moments_are_read_and_written),
		cmocka_unit_test(every_day_of_a_century_comes_back),
		cmocka_unit_test(moments_that_do_not_exist_are_refused),
		cmocka_unit_test(only_one_spelling_is_read),
		cmocka_unit_test(the_end_of_time_fits_its_buffers),
		cmocka_unit_test(the_clocks_are_the_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
