#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/crc.h"

/* RFC 3720 B.4. */
static void the_published_values(void **state)
{
	uint8_t bytes[32];
	(void)state;

	memset(bytes, 0, sizeof bytes);
	assert_int_equal(crc32c(0, slice_of(bytes, sizeof bytes)), 0x8a9136aa);
	memset(bytes, 0xff, sizeof bytes);
	assert_int_equal(crc32c(0, slice_of(bytes, sizeof bytes)), 0x62a8ab43);
	for (uint8_t i = 0; i < 32; i++)
		bytes[i] = i;
	assert_int_equal(crc32c(0, slice_of(bytes, sizeof bytes)), 0x46dd794e);
	assert_int_equal(crc32c(0, slice_str("123456789")), 0xe3069283);
	assert_int_equal(crc32c(0, slice_str("")), 0);
}

static void pieces_give_what_the_whole_gives(void **state)
{
	uint8_t bytes[100];
	uint32_t whole;
	(void)state;

	for (uint8_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 31);
	whole = crc32c(0, slice_of(bytes, sizeof bytes));
	for (size_t cut = 0; cut <= sizeof bytes; cut++)
		assert_int_equal(crc32c(crc32c(0, slice_of(bytes, cut)), slice_of(bytes + cut, sizeof bytes - cut)),
		                 whole);
}

/* The check values of both in the catalogue of parametrised CRC algorithms (reveng.sourceforge.io). */
static void the_sums_of_s3_have_their_check_values(void **state)
{
	(void)state;

	assert_int_equal(crc32_iso(0, slice_str("123456789")), 0xcbf43926);
	assert_true(crc64_nvme(0, slice_str("123456789")) == 0xae8b14860a799888u);
	assert_int_equal(crc32_iso(0, slice_str("")), 0);
	assert_true(crc64_nvme(0, slice_str("")) == 0);
}

static void the_sums_of_s3_do_not_depend_on_where_they_are_cut(void **state)
{
	uint8_t bytes[100];
	(void)state;

	for (uint8_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 31);
	for (size_t cut = 0; cut <= sizeof bytes; cut++) {
		struct slice whole = slice_of(bytes, sizeof bytes), first = slice_of(bytes, cut);
		struct slice rest = slice_of(bytes + cut, sizeof bytes - cut);

		assert_int_equal(crc32_iso(crc32_iso(0, first), rest), crc32_iso(0, whole));
		assert_true(crc64_nvme(crc64_nvme(0, first), rest) == crc64_nvme(0, whole));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_values),
		cmocka_unit_test(pieces_give_what_the_whole_gives),
		cmocka_unit_test(the_sums_of_s3_have_their_check_values),
		cmocka_unit_test(the_sums_of_s3_do_not_depend_on_where_they_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
