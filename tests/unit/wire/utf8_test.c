#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/utf8.h"

/* RFC 3629, and the stress cases that its decoders get wrong. */
static void utf8_is_told_from_what_looks_like_it(void **state)
{
	static const char *const good[] = {"",
	                                   "a",
	                                   "\xc2\x80",
	                                   "\xdf\xbf",
	                                   "\xe0\xa0\x80",
	                                   "\xed\x9f\xbf",
	                                   "\xee\x80\x80",
	                                   "\xf0\x90\x80\x80",
	                                   "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80",
	                                  "\xc0\x80",
	                                  "\xc1\xbf",
	                                  "\xc2",
	                                  "\xe0\x9f\xbf",
	                                  "\xed\xa0\x80",
	                                  "\xed\xbf\xbf",
	                                  "\xe0\xa0",
	                                  "\xf0\x8f\xbf\xbf",
	                                  "\xf4\x90\x80\x80",
	                                  "\xf8\x88\x80\x80\x80",
	                                  "\xff",
	                                  "\xc2z"};
	(void)state;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(utf8_is_valid(slice_str(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(utf8_is_valid(slice_str(bad[i])));
	assert_true(utf8_is_valid(slice_of("a\0b", 3))); /* U+0000 is a character: who minds says so */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_is_told_from_what_looks_like_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
