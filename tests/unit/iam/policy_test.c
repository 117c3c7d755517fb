/* The evaluator by its vectors: each line of tests/vectors/policy/<name>.jsonl is a test of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "iam/policy.h"
#include "policy_case.h"

static const char *vectors;

static size_t check_line(const char *file, size_t number, struct slice line)
{
	struct policy_case_result result;
	struct why why = {{0}};

	if (policy_case_run(line, &result, &why) != ERR_OK)
		fail_msg("%s:%zu: %s", file, number, why.text);
	if (strcmp(result.reason, result.expected) == 0 && strstr(result.text.text, result.says))
		return 0;
	print_error("%s:%zu: %s: expected %s%s%s, found %s: %s\n", file, number, result.name, result.expected,
	            result.says[0] ? " with " : "", result.says, result.reason, result.text.text);
	return 1;
}

static void check_file(const char *name, size_t at_least)
{
	CLEANUP(buf_freep) struct buf *text = NULL;
	char path[512];
	struct cursor in;
	struct slice line;
	size_t count = 0, wrong = 0;

	snprintf(path, sizeof path, "%s/%s.jsonl", vectors, name);
	assert_int_equal(buf_new(4 << 20, &text, NULL), ERR_OK);
	assert_int_equal(file_read_given(path, text, NULL), ERR_OK);
	in = cursor_of(buf_slice(text));
	while (cursor_take_until(&in, '\n', &line, NULL) == ERR_OK)
		wrong += check_line(name, ++count, line);
	assert_int_equal(in.rest.len, 0);
	assert_true(count >= at_least);
	assert_int_equal(wrong, 0);
}

static void operators_are_as_documented(void **state)
{
	(void)state;
	check_file("operators", 1300);
}

static void conditions_are_as_documented(void **state)
{
	(void)state;
	check_file("conditions", 60);
}

static void texts_are_as_documented(void **state)
{
	(void)state;
	check_file("texts", 90);
}

static void principals_are_as_documented(void **state)
{
	(void)state;
	check_file("principals", 90);
}

static void releases_follow_the_stricter_rules(void **state)
{
	(void)state;
	check_file("release", 140);
}

static void what_the_grammar_does_not_name_is_refused(void **state)
{
	(void)state;
	check_file("grammar", 170);
}

static void a_refused_policy_leaves_the_output_alone(void **state)
{
	struct iam_policy *policy = NULL;
	(void)state;

	assert_int_equal(iam_policy_parse(slice_str("{}"), IAM_POLICY_IDENTITY, &policy, NULL), ERR_INVALID);
	assert_null(policy);
	iam_policy_free(policy);
}

static void statements_are_counted(void **state)
{
	static const char text[] = "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},"
				   "{\"Effect\":\"Deny\",\"Action\":\"kms:*\",\"Resource\":\"*\"}]}";
	struct iam_policy *policy = NULL;
	(void)state;

	assert_int_equal(iam_policy_parse(slice_str(text), IAM_POLICY_IDENTITY, &policy, NULL), ERR_OK);
	assert_int_equal(iam_policy_statements(policy), 2);
	iam_policy_free(policy);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operators_are_as_documented),
		cmocka_unit_test(conditions_are_as_documented),
		cmocka_unit_test(texts_are_as_documented),
		cmocka_unit_test(principals_are_as_documented),
		cmocka_unit_test(releases_follow_the_stricter_rules),
		cmocka_unit_test(what_the_grammar_does_not_name_is_refused),
		cmocka_unit_test(a_refused_policy_leaves_the_output_alone),
		cmocka_unit_test(statements_are_counted),
	};

	if (argc != 2)
		return 2;
	vectors = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
