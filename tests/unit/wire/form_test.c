#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "wire/form.h"
#include "wire/percent.h"
#include "wire/utf8.h"

static int read_body(const char *text, struct form **form)
{
	return form_read(slice_str(text), FORM_BODY, FORM_REPEATS_REFUSED, form, NULL);
}

static void pairs_are_decoded_in_their_order(void **state)
{
	CLEANUP(form_freep) struct form *form = NULL;
	struct slice value;
	(void)state;

	assert_int_equal(read_body("Action=AssumeRole&a%3Db=c+d%2B%c3%a4&flag&empty=&x==y", &form), ERR_OK);
	assert_int_equal(form_count(form), 5);
	assert_true(slice_is_str(form_at(form, 1).name, "a=b"));
	assert_true(slice_is_str(form_at(form, 1).value, "c d+\xc3\xa4"));
	assert_true(form_find(form, "flag", &value));
	assert_int_equal(value.len, 0);
	assert_true(form_find(form, "x", &value));
	assert_true(slice_is_str(value, "=y"));
	assert_false(form_find(form, "Flag", &value));
}

static void nothing_is_no_pairs(void **state)
{
	CLEANUP(form_freep) struct form *form = NULL;
	(void)state;

	assert_int_equal(read_body("", &form), ERR_OK);
	assert_int_equal(form_count(form), 0);
}

static void a_parameter_that_must_be_there_is_named(void **state)
{
	CLEANUP(form_freep) struct form *form = NULL;
	struct slice value;
	struct why why;
	(void)state;

	assert_int_equal(read_body("RoleArn=&Version=1", &form), ERR_OK);
	assert_int_equal(form_get(form, "Version", &value, &why), ERR_OK);
	assert_int_equal(form_get(form, "Action", &value, &why), ERR_INVALID);
	assert_string_equal(why.text, "the parameter Action is missing");
	assert_int_equal(form_get(form, "RoleArn", &value, &why), ERR_INVALID);
	assert_string_equal(why.text, "the parameter RoleArn is empty");
}

static void malformed_pairs_are_refused(void **state)
{
	static const char *const refused[] = {"a&&b",     "&a",          "a&",    "=b",        "a=%",
	                                      "a=%4",     "a=%g0",       "a=%00", "%00=a",     "a=%ff",
	                                      "a=%c0%80", "a=%ed%a0%80", "a&a",   "a=1&b&a=2", "a=1&%61="};
	struct form *form = NULL;
	(void)state;

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		assert_int_equal(read_body(refused[i], &form), ERR_INVALID);
	assert_null(form);
}

static void the_parameter_at_fault_is_counted(void **state)
{
	struct form *form = NULL;
	struct why why;
	(void)state;

	assert_int_equal(form_read(slice_str("a=1&b=2&a=3"), FORM_BODY, FORM_REPEATS_REFUSED, &form, &why),
	                 ERR_INVALID);
	assert_string_equal(why.text, "parameter 3: it repeats the name of parameter 1");
}

static void a_query_may_not_hold_a_plus(void **state)
{
	CLEANUP(form_freep) struct form *form = NULL;
	(void)state;

	assert_int_equal(form_read(slice_str("a=b+c"), FORM_QUERY, FORM_REPEATS_KEPT, &form, NULL), ERR_INVALID);
	assert_int_equal(form_read(slice_str("a=b%2Bc&a"), FORM_QUERY, FORM_REPEATS_KEPT, &form, NULL), ERR_OK);
	assert_int_equal(form_count(form), 2);
}

static void forms_over_the_limits_are_refused(void **state)
{
	static char text[FORM_BYTES_MAX + 2];
	static char many[4 * FORM_PAIRS_MAX + 8];
	struct form *form = NULL;
	(void)state;

	memset(text, 'a', FORM_BYTES_MAX + 1);
	assert_int_equal(read_body(text, &form), ERR_LIMIT);
	text[FORM_BYTES_MAX] = 0;
	assert_int_equal(read_body(text, &form), ERR_OK);
	form_freep(&form);
	for (size_t i = 0; i <= FORM_PAIRS_MAX; i++) {
		many[4 * i] = (char)('a' + i % 26);
		many[4 * i + 1] = (char)('a' + i / 26 % 26);
		many[4 * i + 2] = '=';
		many[4 * i + 3] = '&';
	}
	many[4 * FORM_PAIRS_MAX + 3] = 0;
	assert_int_equal(read_body(many, &form), ERR_LIMIT);
	many[4 * FORM_PAIRS_MAX - 1] = 0;
	assert_int_equal(read_body(many, &form), ERR_OK);
	form_freep(&form);
}

static void what_is_written_is_read_back(void **state)
{
	CLEANUP(buf_freep) struct buf *text = NULL;
	CLEANUP(form_freep) struct form *form = NULL;
	uint8_t every[255];
	struct slice value;
	(void)state;

	for (size_t i = 0; i < 127; i++)
		every[i] = (uint8_t)(i + 1);
	assert_int_equal(buf_new(4096, &text, NULL), ERR_OK);
	assert_int_equal(form_put(text, "a&b", slice_of(every, 127), NULL), ERR_OK);
	assert_int_equal(form_put(text, "c", slice_str(""), NULL), ERR_OK);
	assert_int_equal(form_read(buf_slice(text), FORM_QUERY, FORM_REPEATS_REFUSED, &form, NULL), ERR_OK);
	assert_true(form_find(form, "a&b", &value));
	assert_true(slice_equal(value, slice_of(every, 127)));
}

static void every_byte_is_encoded_and_decoded(void **state)
{
	CLEANUP(buf_freep) struct buf *encoded = NULL, *decoded = NULL;
	uint8_t every[256];
	(void)state;

	for (size_t i = 0; i < 256; i++)
		every[i] = (uint8_t)i;
	assert_int_equal(buf_new(1024, &encoded, NULL), ERR_OK);
	assert_int_equal(buf_new(1024, &decoded, NULL), ERR_OK);
	assert_int_equal(percent_encode_put(encoded, slice_of(every, 256), NULL, NULL), ERR_OK);
	assert_int_equal(buf_len(encoded), 66 + 3 * 190);
	assert_int_equal(percent_decode_put(decoded, buf_slice(encoded), false, NULL), ERR_OK);
	assert_true(slice_equal(buf_slice(decoded), slice_of(every, 256)));
	buf_reset(encoded);
	assert_int_equal(percent_encode_put(encoded, slice_of("/a b\0", 5), "/", NULL), ERR_OK);
	assert_true(slice_is_str(buf_slice(encoded), "/a%20b%00"));
}

static void utf8_is_told_from_what_is_not(void **state)
{
	static const char *const good[] = {"",
	                                   "a",
	                                   "\x7f",
	                                   "\xc2\x80",
	                                   "\xdf\xbf",
	                                   "\xe0\xa0\x80",
	                                   "\xed\x9f\xbf",
	                                   "\xee\x80\x80",
	                                   "\xef\xbf\xbf",
	                                   "\xf0\x90\x80\x80",
	                                   "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80",
	                                  "\xc0\x80",
	                                  "\xc1\xbf",
	                                  "\xc2",
	                                  "\xe0\x9f\xbf",
	                                  "\xed\xa0\x80",
	                                  "\xf0\x8f\xbf\xbf",
	                                  "\xf4\x90\x80\x80",
	                                  "\xf5\x80\x80\x80",
	                                  "\xe1\x80",
	                                  "\xf1\x80\x80",
	                                  "\xc2\xc2",
	                                  "a\xff",
	                                  "\xf0\x90\x80\xc0"};
	(void)state;

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(utf8_is_valid(slice_str(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(utf8_is_valid(slice_str(bad[i])));
}

static void only_plain_short_names_are_shown(void **state)
{
	char name[66];
	(void)state;

	memset(name, 'n', sizeof name);
	assert_true(utf8_is_showable(slice_str("front.listen[0]")));
	assert_true(utf8_is_showable(slice_of(name, 64)));
	assert_false(utf8_is_showable(slice_of(name, 65)));
	assert_false(utf8_is_showable(slice_str("")));
	assert_false(utf8_is_showable(slice_str("\x1b[2J")));
	assert_false(utf8_is_showable(slice_str("\x7f")));
	assert_false(utf8_is_showable(slice_str("\xc3\xa4")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_are_decoded_in_their_order),
		cmocka_unit_test(nothing_is_no_pairs),
		cmocka_unit_test(a_parameter_that_must_be_there_is_named),
		cmocka_unit_test(malformed_pairs_are_refused),
		cmocka_unit_test(the_parameter_at_fault_is_counted),
		cmocka_unit_test(a_query_may_not_hold_a_plus),
		cmocka_unit_test(forms_over_the_limits_are_refused),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(every_byte_is_encoded_and_decoded),
		cmocka_unit_test(utf8_is_told_from_what_is_not),
		cmocka_unit_test(only_plain_short_names_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
