#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/random.h"

static void no_two_fills_are_alike(void **state)
{
	uint8_t a[32], b[32];
	(void)state;

	assert_int_equal(random_fill(a, sizeof a, NULL), ERR_OK);
	assert_int_equal(random_fill(b, sizeof b, NULL), ERR_OK);
	assert_memory_not_equal(a, b, sizeof a);
	assert_int_equal(random_fill(a, 0, NULL), ERR_OK);
}

/* Every byte of a block larger than one getrandom(2) hands out unasked, and none around it. */
static void a_fill_reaches_both_ends_and_no_further(void **state)
{
	static uint8_t block[1 << 16];
	uint8_t seen[1 << 16] = {0};
	(void)state;

	for (int round = 0; round < 8; round++) { /* that a byte is 0 eight times has a chance of 2^-64 */
		memset(block, 0, sizeof block);
		assert_int_equal(random_fill(block + 1, sizeof block - 2, NULL), ERR_OK);
		for (size_t i = 0; i < sizeof block; i++)
			seen[i] |= block[i];
	}
	assert_int_equal(seen[0] | seen[sizeof block - 1], 0);
	for (size_t i = 1; i < sizeof block - 1; i++)
		assert_int_not_equal(seen[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_two_fills_are_alike),
		cmocka_unit_test(a_fill_reaches_both_ends_and_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
