#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/http1_date.h"

static void the_standards_own_date_goes_both_ways(void **state)
{
	char text[HTTP1_DATE_BYTES];
	uint64_t wall_ms = 0;
	(void)state;

	http1_date_format(784111777000, text); /* RFC 9110 5.6.7 */
	assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
	assert_int_equal(http1_date_parse(slice_str(text), &wall_ms, NULL), ERR_OK);
	assert_true(wall_ms == 784111777000);
}

static void every_day_of_four_centuries_survives(void **state)
{
	char text[HTTP1_DATE_BYTES];
	uint64_t wall_ms;
	(void)state;

	for (uint64_t day = 0; day < 400 * 365; day++) {
		uint64_t at = day * 86400000 + day % 86400 * 1000;

		http1_date_format(at, text);
		assert_int_equal(http1_date_parse(slice_str(text), &wall_ms, NULL), ERR_OK);
		assert_true(wall_ms == at);
	}
}

static void other_spellings_and_impossible_days_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 GM",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		"Mon, 06 Nov 1994 08:49:37 GMT",
		"sun, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 nov 1994 08:49:37 GMT",
		"Sun, 31 Feb 1994 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:00:00 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1994 08:49:60 GMT",
		"Sun, 6  Nov 1994 08:49:37 GMT",
		"Sun, 0x Nov 1994 08:49:37 GMT",
		"Sun,_06 Nov 1994 08:49:37 GMT",
		"Wed, 31 Dec 1969 23:59:59 GMT",
	};
	uint64_t wall_ms = 77;
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (http1_date_parse(slice_str(bad[i]), &wall_ms, NULL) != ERR_INVALID)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(wall_ms, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_standards_own_date_goes_both_ways),
		cmocka_unit_test(every_day_of_four_centuries_survives),
		cmocka_unit_test(other_spellings_and_impossible_days_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
