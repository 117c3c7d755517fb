#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/http1_fields.h"

static void assert_slice(struct slice s, const char *text)
{
	assert_int_equal(s.len, strlen(text));
	assert_memory_equal(s.ptr ? s.ptr : (const uint8_t *)"", text, s.len);
}

static void parse(const char *lines, struct http1_fields *fields)
{
	assert_int_equal(http1_fields_parse(slice_str(lines), fields, NULL), ERR_OK);
}

static void lines_become_names_and_trimmed_values(void **state)
{
	struct http1_fields f;
	(void)state;

	parse("Host: a\r\nx-empty:\r\nX-Blank: \t \r\nX-Inner:\t a  b\t\r\nX-Utf8: caf\xc3\xa9\r\nA:b:c\r\n", &f);
	assert_int_equal(f.count, 6);
	assert_slice(f.at[0].name, "Host");
	assert_slice(f.at[0].value, "a");
	assert_slice(f.at[1].value, "");
	assert_slice(f.at[2].value, "");
	assert_slice(f.at[3].value, "a  b");
	assert_slice(f.at[4].value, "caf\xc3\xa9");
	assert_slice(f.at[5].value, "b:c");
	parse("", &f);
	assert_int_equal(f.count, 0);
}

static void each_malformed_line_gets_its_sentence(void **state)
{
	static const struct {
		const char *lines;
		const char *sentence;
	} bad[] = {
		{"A: b\r\n c\r\n", "header line 2 begins with white space: folded lines are not accepted"},
		{"A: b\r\n\tc: d\r\n", "header line 2 begins with white space: folded lines are not accepted"},
		{" A: b\r\n", "header line 1 begins with white space: folded lines are not accepted"},
		{"A : b\r\n", "header line 1 has white space before its colon"},
		{"A\t: b\r\n", "header line 1 has white space before its colon"},
		{": b\r\n", "header line 1 has no name"},
		{"\r\n", "header line 1 has no colon"},
		{"A\r\n", "header line 1 has no colon"},
		{"A: b\n", "header line 1 ends in a bare LF; lines end in CRLF"},
		{"A: b\r\nC: d\nE: f\r\n", "header line 2 ends in a bare LF; lines end in CRLF"},
		{"A: b\rC: d\r\n", "control byte 0x0d in the value of A"},
		{"A: b\r\r\n", "control byte 0x0d in the value of A"},
		{"A: b\x01\r\n", "control byte 0x01 in the value of A"},
		{"A: b\x7f\r\n", "control byte 0x7f in the value of A"},
		{"A: b\vc\r\n", "control byte 0x0b in the value of A"},
		{"A b: c\r\n", "byte 0x20 in the name of header line 1"},
		{"A\x80: c\r\n", "byte 0x80 in the name of header line 1"},
		{"A\r: c\r\n", "byte 0x0d in the name of header line 1"},
		{"(A): c\r\n", "byte 0x28 in the name of header line 1"},
		{"A\v: c\r\n", "byte 0x0b in the name of header line 1"},
	};
	struct http1_fields f = {.count = 77};
	struct why why;
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(http1_fields_parse(slice_str(bad[i].lines), &f, &why), ERR_INVALID);
		assert_string_equal(why.text, bad[i].sentence);
	}
	assert_int_equal(f.count, 77);
}

static void nul_is_refused_in_names_and_in_values(void **state)
{
	struct http1_fields f;
	(void)state;

	assert_int_equal(http1_fields_parse(slice_of("A\0: b\r\n", 7), &f, NULL), ERR_INVALID);
	assert_int_equal(http1_fields_parse(slice_of("A: b\0c\r\n", 8), &f, NULL), ERR_INVALID);
	assert_int_equal(http1_fields_parse(slice_of("A: \0\r\n", 6), &f, NULL), ERR_INVALID);
}

static void a_cut_anywhere_within_a_line_is_refused(void **state)
{
	static const char lines[] = "Host: a\r\nB: c\r\n";
	struct http1_fields f;
	(void)state;

	for (size_t len = 1; len < sizeof lines - 1; len++)
		assert_int_equal(http1_fields_parse(slice_of(lines, len), &f, NULL), len == 9 ? ERR_OK : ERR_INVALID);
}

static void one_line_too_many_is_a_limit(void **state)
{
	char lines[(HTTP1_FIELDS_MAX + 1) * 5 + 1];
	struct http1_fields f;
	(void)state;

	for (size_t i = 0; i <= HTTP1_FIELDS_MAX; i++)
		memcpy(lines + 5 * i, "A:b\r\n", 6);
	assert_int_equal(http1_fields_parse(slice_of(lines, 5 * HTTP1_FIELDS_MAX), &f, NULL), ERR_OK);
	assert_int_equal(f.count, HTTP1_FIELDS_MAX);
	assert_int_equal(http1_fields_parse(slice_str(lines), &f, NULL), ERR_LIMIT);
}

static void lookup_ignores_case_and_sees_duplicates(void **state)
{
	struct http1_fields f;
	struct slice value;
	struct why why;
	(void)state;

	parse("Content-Type: a\r\nX-B: 1\r\nx-b: 2\r\nX-Bb: 3\r\n", &f);
	assert_int_equal(http1_fields_one(&f, "content-TYPE", &value, NULL), ERR_OK);
	assert_slice(value, "a");
	value = slice_str("before");
	assert_int_equal(http1_fields_one(&f, "X-B", &value, &why), ERR_CONFLICT);
	assert_string_equal(why.text, "header X-B is given twice");
	assert_int_equal(http1_fields_one(&f, "X-C", &value, &why), ERR_NOTFOUND);
	assert_string_equal(why.text, "header X-C is missing");
	assert_slice(value, "before");
	assert_int_equal(http1_fields_count(&f, "X-B"), 2);
	assert_int_equal(http1_fields_count(&f, "X"), 0);
	assert_true(http1_fields_find(&f, "x-B", &value));
	assert_slice(value, "1");
	assert_false(http1_fields_find(&f, "x-", &value));
	assert_int_equal(value.len, 0);
}

static void lists_are_searched_across_fields(void **state)
{
	struct http1_fields f;
	(void)state;

	parse("Connection: keep-alive ,\tUpgrade\r\nConnection: , Close\r\n", &f);
	assert_true(http1_fields_list_has(&f, "connection", "keep-alive"));
	assert_true(http1_fields_list_has(&f, "connection", "upgrade"));
	assert_true(http1_fields_list_has(&f, "connection", "close"));
	assert_false(http1_fields_list_has(&f, "connection", "clos"));
	assert_false(http1_fields_list_has(&f, "connection", "keep"));
	assert_false(http1_fields_list_has(&f, "te", "close"));
}

static void tokens_and_values_are_told_by_every_byte(void **state)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	(void)state;

	for (int byte = 0; byte < 256; byte++) {
		uint8_t text[3] = {'a', (uint8_t)byte, 'b'};
		bool is_control = (byte < 0x20 && byte != '\t') || byte == 0x7f;

		assert_int_equal(http1_is_token(slice_of(text, 3)), byte && strchr(token, byte));
		assert_int_equal(http1_is_value(slice_of(text, 3)), !is_control);
	}
	assert_false(http1_is_token(slice_str("")));
	assert_true(http1_is_value(slice_str("")));
	assert_false(http1_is_value(slice_str(" a")));
	assert_false(http1_is_value(slice_str("a\t")));
	assert_false(http1_is_value(slice_str(" ")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_become_names_and_trimmed_values),
		cmocka_unit_test(each_malformed_line_gets_its_sentence),
		cmocka_unit_test(nul_is_refused_in_names_and_in_values),
		cmocka_unit_test(a_cut_anywhere_within_a_line_is_refused),
		cmocka_unit_test(one_line_too_many_is_a_limit),
		cmocka_unit_test(lookup_ignores_case_and_sees_duplicates),
		cmocka_unit_test(lists_are_searched_across_fields),
		cmocka_unit_test(tokens_and_values_are_told_by_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
