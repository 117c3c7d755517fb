/* RFC 8785. The larger vectors are those of its author, github.com/cyberphone/json-canonicalization, testdata/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/json.h"

static int canonical(const char *text, struct buf *into, struct why *why)
{
	CLEANUP(json_freep) json_t *value = NULL;

	TRY(json_read(slice_str(text), &value, why));
	return json_canonical_put(value, into, why);
}

static void the_authors_vectors_hold(void **state)
{
	static const struct {
		const char *name, *in, *out;
	} vectors[] = {
		{"arrays", "[\n 56,\n {\n \"d\": true,\n \"10\": null,\n \"1\": [ ]\n }\n]",
	         "[56,{\"1\":[],\"10\":null,\"d\":true}]"},
		{"french",
	         "{\"peach\": \"This sorting order\",\n\"péché\": \"is wrong according to French\",\n"
	         "\"pêche\": \"but canonicalization MUST\",\n\"sin\":   \"ingnore locale\"}",
	         "{\"peach\":\"This sorting order\",\"péché\":\"is wrong according to French\","
	         "\"pêche\":\"but canonicalization MUST\",\"sin\":\"ingnore locale\"}"},
		{"structures",
	         "{\"1\": {\"f\": {\"f\": \"hi\",\"F\": 5} ,\"\\n\": 56.0},\"10\": { },\"\": \"empty\",\"a\": { },"
	         "\"111\": [ { } ],\"A\": { }}",
	         "{\"\":\"empty\",\"1\":{\"\\n\":56,\"f\":{\"F\":5,\"f\":\"hi\"}},\"10\":{},\"111\":[{}],\"A\":{},"
	         "\"a\":{}}"},
		{"unicode", "{\"Unnormalized Unicode\":\"A\\u030a\"}", "{\"Unnormalized Unicode\":\"A\xcc\x8a\"}"},
		{"weird",
	         "{\"\\u20ac\": \"Euro Sign\",\"\\r\": \"Carriage Return\",\"1\": \"One\",\"\\u0080\": "
	         "\"Control\\u007f\","
	         "\"\\ud83d\\ude02\": \"Smiley\",\"\\u00f6\": \"Latin Small Letter O With Diaeresis\","
	         "\"\\ufb33\": \"Hebrew Letter Dalet With Dagesh\",\"</script>\": \"Browser Challenge\"}",
	         "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"</script>\":\"Browser Challenge\","
	         "\"\xc2\x80\":\"Control\x7f\",\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\","
	         "\"\xe2\x82\xac\":\"Euro Sign\",\"\xf0\x9f\x98\x82\":\"Smiley\","
	         "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}"},
		{"values, without its numbers",
	         "{\"escaping\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\",\"literals\": [null, "
	         "true, false]}",
	         "{\"escaping\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\",\"literals\":[null,true,false]}"},
	};
	CLEANUP(buf_freep) struct buf *out = NULL;
	(void)state;

	assert_int_equal(buf_new(4096, &out, NULL), ERR_OK);
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		CLEANUP(json_freep) json_t *value = NULL;
		const char *text;

		buf_reset(out);
		assert_int_equal(canonical(vectors[i].in, out, NULL), ERR_OK);
		assert_int_equal(buf_str(out, &text, NULL), ERR_OK);
		assert_string_equal(text, vectors[i].out);
		assert_int_equal(json_canonical_read(buf_slice(out), &value, NULL), ERR_OK);
		assert_int_equal(json_canonical_read(slice_str(vectors[i].in), &value, NULL), ERR_INVALID);
	}
}

static void control_characters_have_one_escape_each(void **state)
{
	CLEANUP(buf_freep) struct buf *out = NULL;
	(void)state;

	assert_int_equal(buf_new(4096, &out, NULL), ERR_OK);
	assert_int_equal(
		canonical("[\"\\u0001\\u0008\\u0009\\u000A\\u000b\\u000C\\u000D\\u001F\\u007f\\/\"]", out, NULL),
		ERR_OK);
	assert_true(slice_is_str(buf_slice(out), "[\"\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\x7f/\"]"));
}

/* UTF-16 order: U+FFFF comes after every pair of surrogates. Names that begin alike are told apart where they differ.
 */
static void members_are_sorted_by_utf16(void **state)
{
	CLEANUP(buf_freep) struct buf *out = NULL;
	(void)state;

	assert_int_equal(buf_new(4096, &out, NULL), ERR_OK);
	assert_int_equal(
		canonical("{\"a\xef\xbf\xbf\":1,\"a\xf0\x90\x80\x80\":2,\"a\xed\x9f\xbf\":3,\"a\xee\x80\x80\":4,"
	                  "\"a\xf4\x8f\xbf\xbf\":5,\"a\":6,\"\":7,\"B\":8}",
	                  out, NULL),
		ERR_OK);
	assert_true(slice_is_str(buf_slice(out), "{\"\":7,\"B\":8,\"a\":6,\"a\xed\x9f\xbf\":3,\"a\xf0\x90\x80\x80\":2,"
	                                         "\"a\xf4\x8f\xbf\xbf\":5,\"a\xee\x80\x80\":4,\"a\xef\xbf\xbf\":1}"));
}

static void only_integers_that_everybody_keeps_have_a_form(void **state)
{
	static const char *const refused[] = {"[1.5]",  "[9007199254740992]",   "[-9007199254740992]",
	                                      "[1e16]", "[333333333.33333329]", "[2e-3]",
	                                      "[1E30]", "[9223372036854775807]"};
	CLEANUP(buf_freep) struct buf *out = NULL;
	struct why why;
	(void)state;

	assert_int_equal(buf_new(4096, &out, NULL), ERR_OK);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		assert_int_equal(canonical(refused[i], out, &why), ERR_INVALID);
	buf_reset(out);
	assert_int_equal(canonical("[9007199254740991,-9007199254740991,-0,-0.0,1e3,0.0,10.0]", out, NULL), ERR_OK);
	assert_true(slice_is_str(buf_slice(out), "[9007199254740991,-9007199254740991,0,0,1000,0,10]"));
}

static void text_that_is_not_its_own_form_is_refused(void **state)
{
	static const char *const refused[] = {
		"{\"b\":1,\"a\":2}", "{ }",       "[1 ]",         "{}\n", "[-0]", "[1.0]", "[1e15]",
		"[\"\\u0041\"]",     "[\"\\/\"]", "[\"\\u000A\"]"};
	json_t *value = NULL;
	struct why why;
	(void)state;

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		assert_int_equal(json_canonical_read(slice_str(refused[i]), &value, &why), ERR_INVALID);
	assert_int_equal(json_canonical_read(slice_str("{\"a\":1,\"c\":2,\"b\":3}"), &value, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "byte 8"));
	assert_null(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_authors_vectors_hold),
		cmocka_unit_test(control_characters_have_one_escape_each),
		cmocka_unit_test(members_are_sorted_by_utf16),
		cmocka_unit_test(only_integers_that_everybody_keeps_have_a_form),
		cmocka_unit_test(text_that_is_not_its_own_form_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
