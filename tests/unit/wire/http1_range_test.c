#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/http1_range.h"

/* The examples of RFC 9110 14.1.2 for a representation of 10,000 bytes, and every edge of them. */
static const struct {
	const char *value;
	uint64_t size;
	enum http1_range kind;
	uint64_t first, last;
} ranges[] = {
	{"bytes=0-499", 10000, HTTP1_RANGE_PART, 0, 499},
	{"bytes=500-999", 10000, HTTP1_RANGE_PART, 500, 999},
	{"bytes=-500", 10000, HTTP1_RANGE_PART, 9500, 9999},
	{"bytes=9500-", 10000, HTTP1_RANGE_PART, 9500, 9999},
	{"Bytes=0-0", 10000, HTTP1_RANGE_PART, 0, 0},
	{"bytes=9999-9999", 10000, HTTP1_RANGE_PART, 9999, 9999},
	{"bytes=0-", 10000, HTTP1_RANGE_PART, 0, 9999},
	{"bytes= 0-1 ", 10000, HTTP1_RANGE_PART, 0, 1},
	{"bytes=-20000", 10000, HTTP1_RANGE_PART, 0, 9999},
	{"bytes=-1", 1, HTTP1_RANGE_PART, 0, 0},
	{"bytes=5-99999999999999999999999999", 10000, HTTP1_RANGE_PART, 5, 9999},
	{"bytes=-99999999999999999999999999", 10000, HTTP1_RANGE_PART, 0, 9999},
	{"bytes=00-01", 10000, HTTP1_RANGE_PART, 0, 1},
	{"bytes=10000-", 10000, HTTP1_RANGE_UNSATISFIABLE, 0, 0},
	{"bytes=10000-10001", 10000, HTTP1_RANGE_UNSATISFIABLE, 0, 0},
	{"bytes=99999999999999999999-", 10000, HTTP1_RANGE_UNSATISFIABLE, 0, 0},
	{"bytes=18446744073709551615-18446744073709551615", UINT64_MAX, HTTP1_RANGE_UNSATISFIABLE, 0, 0},
	{"bytes=-0", 10000, HTTP1_RANGE_UNSATISFIABLE, 0, 0},
	{"bytes=0-", 0, HTTP1_RANGE_UNSATISFIABLE, 0, 0},
	{"bytes=-5", 0, HTTP1_RANGE_UNSATISFIABLE, 0, 0},
	{"bytes=0-1,3-4", 10000, HTTP1_RANGE_WHOLE, 0, 0},
	{"bytes=0-1, -1", 10000, HTTP1_RANGE_WHOLE, 0, 0},
	{"bytes=,0-1", 10000, HTTP1_RANGE_WHOLE, 0, 0},
	{"bytes=5-4", 10000, HTTP1_RANGE_WHOLE, 0, 0},
	{"bytes=", 10000, HTTP1_RANGE_WHOLE, 0, 0},
	{"bytes", 10000, HTTP1_RANGE_WHOLE, 0, 0},
	{"", 10000, HTTP1_RANGE_WHOLE, 0, 0},
	{"bytes=-", 10000, HTTP1_RANGE_WHOLE, 0, 0},
	{"bytes=--5", 10000, HTTP1_RANGE_WHOLE, 0, 0},
	{"bytes=1", 10000, HTTP1_RANGE_WHOLE, 0, 0},
	{"bytes=a-b", 10000, HTTP1_RANGE_WHOLE, 0, 0},
	{"bytes=0-a", 10000, HTTP1_RANGE_WHOLE, 0, 0},
	{"bytes=0x0-1", 10000, HTTP1_RANGE_WHOLE, 0, 0},
	{"bytes=+0-1", 10000, HTTP1_RANGE_WHOLE, 0, 0},
	{"bytes=0 - 1", 10000, HTTP1_RANGE_WHOLE, 0, 0},
	{"bytes =0-1", 10000, HTTP1_RANGE_WHOLE, 0, 0},
	{"items=0-1", 10000, HTTP1_RANGE_WHOLE, 0, 0},
	{"bytes 0-1", 10000, HTTP1_RANGE_WHOLE, 0, 0},
};

static void ranges_are_read_as_the_standard_says(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
		uint64_t first = 77, last = 78;
		enum http1_range kind = http1_range_parse(slice_str(ranges[i].value), ranges[i].size, &first, &last);

		if (kind != ranges[i].kind)
			fail_msg("%s of %llu: kind %d", ranges[i].value, (unsigned long long)ranges[i].size, kind);
		assert_true(first == (kind == HTTP1_RANGE_PART ? ranges[i].first : 77));
		assert_true(last == (kind == HTTP1_RANGE_PART ? ranges[i].last : 78));
	}
}

static void content_range_is_read(void **state)
{
	uint64_t first, last, size;
	(void)state;

	assert_int_equal(http1_content_range_parse(slice_str("bytes 42-1233/1234"), &first, &last, &size, NULL),
	                 ERR_OK);
	assert_int_equal(first, 42);
	assert_int_equal(last, 1233);
	assert_int_equal(size, 1234);
}

static void malformed_content_ranges_are_refused(void **state)
{
	static const char *const bad[] = {"",
	                                  "bytes",
	                                  "bytes */1234",
	                                  "bytes 1-2/*",
	                                  "bytes 2-1/9",
	                                  "bytes 0-9/9",
	                                  "bytes 0-0/0",
	                                  "bytes=0-1/9",
	                                  "bytes  0-1/9",
	                                  "bytes 0-1/9 ",
	                                  "bytes -1/9",
	                                  "bytes 0-/9",
	                                  "bytes 0-1",
	                                  "items 0-1/9",
	                                  "bytes 0-1/99999999999999999999"};
	uint64_t first = 77, last, size;
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (http1_content_range_parse(slice_str(bad[i]), &first, &last, &size, NULL) != ERR_INVALID)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(first, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_are_read_as_the_standard_says),
		cmocka_unit_test(content_range_is_read),
		cmocka_unit_test(malformed_content_ranges_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
