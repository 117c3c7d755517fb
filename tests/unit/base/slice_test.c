#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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
	assert_int_equal(slice_to_u64(slice_str(""), 10, &value, NULL), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
