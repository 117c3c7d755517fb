/* What comes back from a server, and how it is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/client.h"
#include "cli/s3.h"
#include "cli/table.h"

static struct why why;

static void errors_of_each_api_are_understood(void **state)
{
	static const struct {
		unsigned status;
		const char *body;
		int err;
		const char *word;
	} cases[] = {
		{404, "<Error><Code>NoSuchKey</Code><Message>gone</Message><RequestId>r1</RequestId></Error>",
	         ERR_NOTFOUND, "gone (NoSuchKey, request r1)"},
		{403,
	         "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error><RequestId>r2</RequestId>"
	         "</ErrorResponse>",
	         ERR_DENIED, "no (AccessDenied, request r2)"},
		{400, "{\"__type\":\"com.amazonaws.kms#NotFoundException\",\"message\":\"none\"}", ERR_NOTFOUND,
	         "none (NotFoundException)"},
		{400, "{\"__type\":\"InvalidCiphertextException\"}", ERR_TAMPERED, "InvalidCiphertext"},
		{400, "{\"__type\":\"AccessDeniedException\",\"Message\":\"old\"}", ERR_DENIED, "old"},
		{400, "{\"__type\":\"Whatever\",\"message\":\"m\"}", ERR_INVALID, "m (Whatever)"},
		{503, "<html>busy</html>", ERR_UNAVAILABLE, "status 503"},
		{403, "", ERR_DENIED, "status 403"},
		{409, "{}", ERR_CONFLICT, "status 409"},
		{413, "<Error></Error>", ERR_LIMIT, "status 413"},
		{301, "", ERR_INVALID, "status 301"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(client_error(cases[i].status, slice_str(cases[i].body), &why), cases[i].err);
		assert_non_null(strstr(why.text, cases[i].word));
	}
}

static void names_of_objects_are_split_at_the_first_slash(void **state)
{
	struct s3_name name;
	(void)state;

	assert_int_equal(s3_name_parse("b/a/c", true, &name, &why), ERR_OK);
	assert_true(slice_is_str(name.bucket, "b"));
	assert_true(slice_is_str(name.key, "a/c"));
	assert_int_equal(s3_name_parse("b//a", true, &name, &why), ERR_OK);
	assert_true(slice_is_str(name.key, "/a"));
	assert_int_equal(s3_name_parse("b", false, &name, &why), ERR_OK);
	assert_int_equal(name.key.len, 0);
	assert_int_equal(s3_name_parse("b/", true, &name, &why), ERR_INVALID);
	assert_int_equal(s3_name_parse("/a", false, &name, &why), ERR_INVALID);
	assert_int_equal(s3_name_parse("", false, &name, &why), ERR_INVALID);
}

static const struct table_column columns[] = {
	{"name", "NAME", false, true}, {"size", "SIZE", true, false}, {"kind", "KIND", false, false}, {0}};

static void print(const struct terminal *to, char *out, size_t size)
{
	CLEANUP(table_freep) struct table *t = NULL;
	CLEANUP(buf_freep) struct buf *text = NULL;

	assert_int_equal(table_new(columns, &t, &why), ERR_OK);
	assert_int_equal(table_add(t, (struct slice[]){slice_str("é"), slice_str("5"), slice_str("x\033")}, &why),
	                 ERR_OK);
	assert_int_equal(
		table_add(t, (struct slice[]){slice_str("a long name here"), slice_str("12345"), slice_str("y")}, &why),
		ERR_OK);
	assert_int_equal(table_rows(t), 2);
	assert_int_equal(buf_new(4096, &text, &why), ERR_OK);
	assert_int_equal(table_print(t, to, text, &why), ERR_OK);
	assert_int_equal(slice_to_str(buf_slice(text), out, size, &why), ERR_OK);
}

static void a_table_lines_up_and_shows_no_control_characters(void **state)
{
	const struct terminal file = {.width = 20}, wide = {.is_terminal = true, .width = 80};
	const char *expected = "NAME               SIZE  KIND\n"
			       "é                     5  x?\n"
			       "a long name here  12345  y\n";
	char text[512];
	(void)state;

	print(&file, text, sizeof text);
	assert_string_equal(text, expected);
	print(&wide, text, sizeof text);
	assert_string_equal(text, expected);
}

static void a_narrow_terminal_cuts_what_may_give_way(void **state)
{
	const struct terminal narrow = {.is_terminal = true, .width = 22};
	char text[512];
	(void)state;

	print(&narrow, text, sizeof text);
	assert_string_equal(text, "NAME        SIZE  KIND\n"
	                          "é              5  x?\n"
	                          "a long n…  12345  y\n");
}

static void a_cell_with_a_nul_is_refused_and_leaves_the_table_whole(void **state)
{
	CLEANUP(table_freep) struct table *t = NULL;
	(void)state;

	assert_int_equal(table_new(columns, &t, &why), ERR_OK);
	assert_int_equal(table_add(t, (struct slice[]){slice_str("a"), slice_of("b\0c", 3), slice_str("d")}, &why),
	                 ERR_INVALID);
	assert_int_equal(table_rows(t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_of_each_api_are_understood),
		cmocka_unit_test(names_of_objects_are_split_at_the_first_slash),
		cmocka_unit_test(a_table_lines_up_and_shows_no_control_characters),
		cmocka_unit_test(a_narrow_terminal_cuts_what_may_give_way),
		cmocka_unit_test(a_cell_with_a_nul_is_refused_and_leaves_the_table_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
