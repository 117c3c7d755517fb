#include "support.h"

#include <stdio.h>
#include <string.h>

#include "audit/canon.h"

static int check(const char *text)
{
	return canon_check_object(slice_str(text), NULL);
}

static void canonical_objects_are_accepted(void **state)
{
	static const char *const right[] = {
		"{}",
		"{\"a\":1}",
		"{\"\":0}",
		"{\"a\":[],\"b\":{},\"c\":[1,2,[3]],\"d\":{\"e\":null}}",
		"{\"a\":true,\"b\":false,\"c\":null}",
		"{\"a\":-1,\"b\":0.5,\"c\":-0.25,\"d\":1e+21,\"e\":1.5e-7,\"f\":9007199254740993}",
		"{\"a\":\"\\b\\t\\n\\f\\r\\\"\\\\\\u0000\\u001f\x7f/\"}",
		"{\"a\":\"\xe2\x82\xac\xf0\x9f\x98\x80\"}",
		"{\"A\":0,\"B\":0,\"a\":0,\"aa\":0,\"b\":0}",
		/* The order of RFC 8785 section 3.2.3: the surrogate pair before U+FB33. */
		"{\"\\n\":0,\"\\r\":0,\"1\":0,\"\xc2\x80\":0,\"\xc3\xb6\":0,\"\xe2\x82\xac\":0,\"\xf0\x9f\x98\x80\":0}",
		"{\"\xf0\x9f\x98\x80\":0,\"\xef\xac\xb3\":0}",
	};
	(void)state;

	for (size_t i = 0; i < sizeof right / sizeof *right; i++)
		if (check(right[i]) != ERR_OK)
			fail_msg("%s was refused", right[i]);
}

static const char *const wrong[] = {
	"",
	"1",
	"[]",
	"\"a\"",
	"null",
	" {}",
	"{} ",
	"{ }",
	"{}{}",
	"{",
	"}",
	"{\"a\"}",
	"{\"a\":}",
	"{\"a\":1,}",
	"{,\"a\":1}",
	"{\"a\":1 }",
	"{\"a\": 1}",
	"{\"a\":1\"b\":2}",
	"{\"b\":1,\"a\":2}",
	"{\"a\":1,\"a\":2}",
	"{\"aa\":1,\"a\":2}",
	"{\"\xef\xac\xb3\":0,\"\xf0\x9f\x98\x80\":0}", /* sorted by code point instead of UTF-16 */
	"{'a':1}",
	"{a:1}",
	"{\"a\":[1,]}",
	"{\"a\":[1}",
	"{\"a\":]",
	"{\"a\":tru}",
	"{\"a\":True}",
	"{\"a\":nul}",
	"{\"a\":01}",
	"{\"a\":+1}",
	"{\"a\":-}",
	"{\"a\":-0}",
	"{\"a\":.5}",
	"{\"a\":1.}",
	"{\"a\":1.0}",
	"{\"a\":1.50}",
	"{\"a\":1E+21}",
	"{\"a\":1e21}",
	"{\"a\":1e+}",
	"{\"a\":1e+021}",
	"{\"a\":0e+1}",
	"{\"a\":0x10}",
	"{\"a\":NaN}",
	"{\"a\":\"\\/\"}",
	"{\"a\":\"\\u0041\"}",
	"{\"a\":\"\\u000A\"}",
	"{\"a\":\"\\u000a\"}",
	"{\"a\":\"\\u001F\"}",
	"{\"a\":\"\\u20ac\"}",
	"{\"a\":\"\\ud83d\\ude00\"}",
	"{\"a\":\"\\x\"}",
	"{\"a\":\"\\",
	"{\"a\":\"\\u00",
	"{\"a\":\"tab\t\"}",
	"{\"a\":\"line\n\"}",
	"{\"a\":\"\xff\"}",
	"{\"a\":\"\xed\xa0\x80\"}",
	"{\"a\":\"open}",
	"{\"\\u0041\":1}",
};

static void every_other_spelling_is_refused(void **state)
{
	/* lint: long because it is one table of cases. */
	(void)state;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (check(wrong[i]) != ERR_INVALID)
			fail_msg("%s was accepted", wrong[i]);
	assert_int_equal(canon_check_object(slice_of("{\"a\":\"\0\"}", 9), NULL), ERR_INVALID);
}

static void every_cut_of_an_object_is_refused(void **state)
{
	static const char text[] = "{\"a\":[1,{\"b\":\"\\u0001\xe2\x82\xac\"}],\"c\":-1.5e-7}";
	(void)state;

	for (size_t len = 0; len < sizeof text - 1; len++)
		assert_int_equal(canon_check_object(slice_of(text, len), NULL), ERR_INVALID);
	assert_ok(canon_check_object(slice_of(text, sizeof text - 1), NULL));
}

static void thirty_two_levels_are_accepted_and_one_more_is_not(void **state)
{
	char text[256];
	(void)state;

	for (int levels = CANON_DEPTH_MAX; levels <= CANON_DEPTH_MAX + 1; levels++) {
		size_t arrays = (size_t)levels - 1;
		char *at = text;

		at += snprintf(at, 8, "{\"a\":");
		memset(at, '[', arrays);
		at[arrays] = '1';
		memset(at + arrays + 1, ']', arrays);
		memcpy(at + 2 * arrays + 1, "}", 2);
		assert_int_equal(check(text), levels <= CANON_DEPTH_MAX ? ERR_OK : ERR_LIMIT);
	}
}

static void members_are_walked_in_order(void **state)
{
	struct slice object = slice_str("{\"a\":{\"x\":[\"}\",1]},\"b\":\"q\\\"{\",\"c\":[{},[]],\"d\":7}");
	static const char *const expected[][2] = {
		{"a", "{\"x\":[\"}\",1]}"}, {"b", "\"q\\\"{\""}, {"c", "[{},[]]"}, {"d", "7"}};
	struct canon_walk walk = canon_members(object);
	struct canon_member member;
	struct slice value;
	(void)state;

	assert_ok(canon_check_object(object, NULL));
	for (size_t i = 0; i < 4; i++) {
		assert_true(canon_next(&walk, &member));
		assert_true(slice_is_str(member.name, expected[i][0]));
		assert_true(slice_is_str(member.value, expected[i][1]));
	}
	assert_false(canon_next(&walk, &member));
	assert_true(canon_find(object, "d", &value));
	assert_true(slice_is_str(value, "7"));
	assert_false(canon_find(object, "x", &value));
	assert_false(canon_find(slice_str("{}"), "x", &value));
}

static void values_are_taken_by_their_kind(void **state)
{
	struct slice text;
	uint64_t number;
	(void)state;

	assert_ok(canon_plain_string(slice_str("\"abc\""), &text, NULL));
	assert_true(slice_is_str(text, "abc"));
	assert_ok(canon_plain_string(slice_str("\"\""), &text, NULL));
	assert_int_equal(text.len, 0);
	assert_int_equal(canon_plain_string(slice_str("\"a\\n\""), &text, NULL), ERR_INVALID);
	assert_int_equal(canon_plain_string(slice_str("1"), &text, NULL), ERR_INVALID);
	assert_ok(canon_number(slice_str("9007199254740991"), &number, NULL));
	assert_true(number == CANON_NUMBER_MAX);
	assert_int_equal(canon_number(slice_str("9007199254740992"), &number, NULL), ERR_LIMIT);
	assert_int_equal(canon_number(slice_str("1.5"), &number, NULL), ERR_INVALID);
	assert_int_equal(canon_number(slice_str("\"1\""), &number, NULL), ERR_INVALID);
}

static void any_text_survives_writing_and_reading_as_a_string(void **state)
{
	char text[0x80 + 8];
	CLEANUP(buf_freep) struct buf *written = support_buf(), *read = support_buf();
	size_t len = 0;
	(void)state;

	for (int byte = 0; byte < 0x80; byte++)
		text[len++] = (char)byte;
	memcpy(text + len, "\xe2\x82\xac\xf0\x9f\x98\x80", 7);
	len += 7;
	assert_ok(buf_put_str(written, "{\"a\":", NULL));
	assert_ok(canon_put_string(written, slice_of(text, len), NULL));
	assert_ok(buf_put_str(written, "}", NULL));
	assert_ok(canon_check_object(buf_slice(written), NULL));
	assert_ok(canon_unescape(slice_of(buf_slice(written).ptr + 5, buf_len(written) - 6), read, NULL));
	assert_true(slice_equal(buf_slice(read), slice_of(text, len)));
	assert_int_equal(canon_put_string(written, slice_str("\xff"), NULL), ERR_INVALID);
	assert_int_equal(canon_unescape(slice_str("1"), read, NULL), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_objects_are_accepted),
		cmocka_unit_test(every_other_spelling_is_refused),
		cmocka_unit_test(every_cut_of_an_object_is_refused),
		cmocka_unit_test(thirty_two_levels_are_accepted_and_one_more_is_not),
		cmocka_unit_test(members_are_walked_in_order),
		cmocka_unit_test(values_are_taken_by_their_kind),
		cmocka_unit_test(any_text_survives_writing_and_reading_as_a_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
