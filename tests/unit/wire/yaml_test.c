#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "wire/json.h"
#include "wire/yaml.h"

static int read_str(const char *text, json_t **value, struct why *why)
{
	return yaml_read(slice_str(text), value, NULL, why);
}

/* Asserts what a document becomes, as JSON. */
static void assert_reads_as(const char *text, const char *expected)
{
	CLEANUP(json_freep) json_t *value = NULL;
	CLEANUP(buf_freep) struct buf *json = NULL;
	const char *found;
	struct why why = {""};

	if (read_str(text, &value, &why) != ERR_OK)
		fail_msg("%s: %s", text, why.text);
	assert_int_equal(buf_new(4096, &json, NULL), ERR_OK);
	assert_int_equal(json_put(value, json, NULL), ERR_OK);
	assert_int_equal(buf_str(json, &found, NULL), ERR_OK);
	assert_string_equal(found, expected);
}

static void what_people_write_is_read(void **state)
{
	(void)state;

	assert_reads_as("# cloister.yaml\nfront:\n  listen: 127.0.0.1:8443\n  threads: 16\nroles: [front, keys]\n"
	                "watch:\n  - name: a\n    on: true\n  - {name: b, on: false}\n",
	                "{\"front\":{\"listen\":\"127.0.0.1:8443\",\"threads\":16},\"roles\":[\"front\",\"keys\"],"
	                "\"watch\":[{\"name\":\"a\",\"on\":true},{\"name\":\"b\",\"on\":false}]}");
	assert_reads_as("--- {a: 1}\n...\n", "{\"a\":1}");
	assert_reads_as("", "null");
	assert_reads_as("# nothing\n", "null");
	assert_reads_as("a: |\n  x\n  y\nb: >\n  x\n  y\n", "{\"a\":\"x\\ny\\n\",\"b\":\"x y\\n\"}");
}

static void plain_scalars_have_one_meaning(void **state)
{
	(void)state;

	assert_reads_as("[null, ~, Null, NULL, '', \"\"]", "[null,null,null,null,\"\",\"\"]");
	assert_reads_as("[true, True, TRUE, false, 'true', tRUE]", "[true,true,true,false,\"true\",\"tRUE\"]");
	assert_reads_as("[yes, no, on, off, y, n]", "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"n\"]");
	assert_reads_as("[0, -1, 12, 9223372036854775807, '12']", "[0,-1,12,9223372036854775807,\"12\"]");
	assert_reads_as("[007, 0x1f, 0o17, 1_000, +1, 12:30, 2026-11-22, 1., .5]",
	                "[\"007\",\"0x1f\",\"0o17\",\"1_000\",\"+1\",\"12:30\",\"2026-11-22\",\"1.\",\".5\"]");
	assert_reads_as("[1.5, -0.25, 1e3, 2E-2, .inf, .nan, 1e, 1e+, -]",
	                "[1.5,-0.25,1000.0,0.02,\".inf\",\".nan\",\"1e\",\"1e+\",\"-\"]");
}

static void what_is_dangerous_or_ambiguous_is_refused(void **state)
{
	static const char *const refused[] = {
		"a: &x 1\nb: *x\n",
		"a: &x [1]\n",
		"&x a: 1\n",
		"a: !!str 1\n",
		"a: !local 1\n",
		"a: !!python/object:os.system x\n",
		"!!map {a: 1}\n",
		"a: ! 1\n",
		"<<: {a: 1}\n",
		"a: 1\na: 2\n",
		"'a': 1\n\"a\": 2\n",
		"a: 1\n---\nb: 2\n",
		"%YAML 1.1\n---\na: 1\n",
		"%TAG ! tag:x,2000:\n---\na: 1\n",
		"[a]: 1\n",
		"{a: 1}: 2\n",
		"? [a]\n: 1\n",
		"a: [1\n",
		"a: {b\n",
		"a:\n\t- 1\n",
		"a: 'x\n",
		"a: \"\\0\"\n",
		"\"a\\0b\": 1\n",
		"a: \x01\n",
		"a: \xff\n",
		"a: 9223372036854775808\n",
		"a: 1e400\n",
		"a: 1e-400\n",
		"*x\n",
		"a: *x\n",
		"- 1\nb: 2\n",
	};
	json_t *value = NULL;
	(void)state;

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (read_str(refused[i], &value, NULL) != ERR_INVALID)
			fail_msg("accepted: %s", refused[i]);
	assert_int_equal(yaml_read(slice_of("a: \0\n", 5), &value, NULL, NULL), ERR_INVALID);
	assert_int_equal(yaml_read(slice_of("\xff\xfe"
	                                    "a\0",
	                                    4),
	                           &value, NULL, NULL),
	                 ERR_INVALID);
	assert_null(value);
}

static void the_line_of_a_mistake_is_named(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"a: 1\nb: 2\na: 3\n", "line 3: a is there twice"},
		{"a:\n  b: *x\n", "line 2: an alias"},
		{"a: 1\nb: [1\n", "line 3: not YAML"},
		{"a: 1\n\n\nb: !x 1\n", "line 4: an anchor or a tag"},
		{"a: 1\n---\nb: 2\n", "line 2: a second document"},
	};
	json_t *value = NULL;
	struct why why;
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(read_str(cases[i].text, &value, &why), ERR_INVALID);
		if (!strstr(why.text, cases[i].expected))
			fail_msg("%s: %s", cases[i].expected, why.text);
	}
}

static void every_value_has_its_line(void **state)
{
	CLEANUP(json_freep) json_t *value = NULL, *lines = NULL;
	(void)state;

	assert_int_equal(
		yaml_read(slice_str("# c\na:\n  b: 1\n  c:\n    - x\n    - y: 2\nd: 3\n"), &value, &lines, NULL),
		ERR_OK);
	assert_int_equal(yaml_line(lines, "a"), 2);
	assert_int_equal(yaml_line(lines, "a.b"), 3);
	assert_int_equal(yaml_line(lines, "a.c[0]"), 5);
	assert_int_equal(yaml_line(lines, "a.c[1].y"), 6);
	assert_int_equal(yaml_line(lines, "d"), 7);
	assert_int_equal(yaml_line(lines, "a.zzz"), 2);
	assert_int_equal(yaml_line(lines, "a.c[9].q"), 4);
	assert_int_equal(yaml_line(lines, "zzz"), 2);
	assert_int_equal(yaml_line(NULL, "a"), 0);
}

static void documents_over_the_limits_are_refused(void **state)
{
	CLEANUP(free_p) char *large = malloc(YAML_BYTES_MAX + 1);
	char deep[2 * YAML_DEPTH_MAX + 3];
	json_t *value = NULL;
	(void)state;

	memset(deep, '[', YAML_DEPTH_MAX);
	memset(deep + YAML_DEPTH_MAX, ']', YAML_DEPTH_MAX);
	deep[2 * YAML_DEPTH_MAX] = 0;
	assert_int_equal(read_str(deep, &value, NULL), ERR_OK);
	json_freep(&value);
	memset(deep, '[', YAML_DEPTH_MAX + 1);
	memset(deep + YAML_DEPTH_MAX + 1, ']', YAML_DEPTH_MAX + 1);
	deep[2 * YAML_DEPTH_MAX + 2] = 0;
	assert_int_equal(read_str(deep, &value, NULL), ERR_LIMIT);
	assert_non_null(large);
	memset(large, '\n', YAML_BYTES_MAX + 1);
	memcpy(large, "a: 1", 4);
	assert_int_equal(yaml_read(slice_of(large, YAML_BYTES_MAX + 1), &value, NULL, NULL), ERR_LIMIT);
	assert_int_equal(yaml_read(slice_of(large, YAML_BYTES_MAX), &value, NULL, NULL), ERR_OK);
	json_freep(&value);
	large[0] = '[';
	for (size_t i = 0; i < YAML_VALUES_MAX; i++)
		memcpy(large + 1 + 2 * i, "1,", 2);
	large[2 * YAML_VALUES_MAX] = ']';
	/* the list and as many numbers as there may be values */
	assert_int_equal(yaml_read(slice_of(large, 2 * YAML_VALUES_MAX + 1), &value, NULL, NULL), ERR_LIMIT);
	large[2 * YAML_VALUES_MAX - 2] = ']';
	large[2 * YAML_VALUES_MAX - 1] = '\n';
	large[2 * YAML_VALUES_MAX] = '\n';
	assert_int_equal(yaml_read(slice_of(large, 2 * YAML_VALUES_MAX + 1), &value, NULL, NULL), ERR_OK);
	json_freep(&value);
	/* two names with a dot between them: one character more than a path has, then as many */
	snprintf(large, YAML_BYTES_MAX, "{%0600d: {%0*d: 1}}", 0, YAML_PATH_BYTES_MAX - 600, 0);
	assert_int_equal(read_str(large, &value, NULL), ERR_LIMIT);
	snprintf(large, YAML_BYTES_MAX, "{%0600d: {%0*d: 1}}", 0, YAML_PATH_BYTES_MAX - 601, 0);
	assert_int_equal(read_str(large, &value, NULL), ERR_OK);
	json_freep(&value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_people_write_is_read),
		cmocka_unit_test(plain_scalars_have_one_meaning),
		cmocka_unit_test(what_is_dangerous_or_ambiguous_is_refused),
		cmocka_unit_test(the_line_of_a_mistake_is_named),
		cmocka_unit_test(every_value_has_its_line),
		cmocka_unit_test(documents_over_the_limits_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
