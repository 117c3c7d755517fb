#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "wire/config.h"
#include "wire/json.h"
#include "wire/yaml.h"

static const char *const levels[] = {"debug", "info", "warn", NULL};
static const struct config_key keys[] = {
	{.path = "state", .type = CONFIG_STRING, .min = 1, .max = 16, .default_text = "/var/lib/x"},
	{.path = "front.listen", .type = CONFIG_STRING, .min = 1, .max = 64, .is_required = true},
	{.path = "front.threads", .type = CONFIG_INT, .min = 1, .max = 256, .default_number = 16},
	{.path = "front.insecure_http", .type = CONFIG_BOOL, .is_insecure = true, .max = 1},
	{.path = "front.body", .type = CONFIG_BYTES, .min = 1024, .max = INT64_C(1) << 40, .default_number = 65536},
	{.path = "front.idle", .type = CONFIG_MS, .min = 1, .max = INT64_C(86400000) * 30, .default_number = 60000},
	{.path = "log.level", .type = CONFIG_CHOICE, .choices = levels, .default_text = "info"},
	{.path = "watch.rules", .type = CONFIG_LIST, .min = 0, .max = 2},
	{.path = "oidc", .type = CONFIG_TREE},
};
enum { KEYS = sizeof keys / sizeof *keys };

static int read_str(const char *text, struct config **config, struct why *why)
{
	CLEANUP(json_freep) json_t *tree = NULL, *lines = NULL;

	assert_int_equal(yaml_read(slice_str(text), &tree, &lines, NULL), ERR_OK);
	return config_read(tree, lines, "", keys, KEYS, config, why);
}

static void assert_refused(const char *text, const char *sentence)
{
	struct config *config = NULL;
	struct why why = {""};

	assert_int_equal(read_str(text, &config, &why), ERR_INVALID);
	assert_string_equal(why.text, sentence);
	assert_null(config);
}

static void values_are_read_by_the_table(void **state)
{
	CLEANUP(config_freep) struct config *c = NULL;
	(void)state;

	assert_int_equal(
		read_str("state: /srv\nfront:\n  listen: a:1\n  threads: 4\n  insecure_http: true\n  body: 4MiB\n"
	                 "  idle: 2h\nlog: {level: warn}\nwatch:\n  rules: [a, b]\noidc: [{any: thing}]\n",
	                 &c, NULL),
		ERR_OK);
	assert_string_equal(config_string(c, "state"), "/srv");
	assert_string_equal(config_string(c, "front.listen"), "a:1");
	assert_int_equal(config_number(c, "front.threads"), 4);
	assert_true(config_bool(c, "front.insecure_http"));
	assert_int_equal(config_number(c, "front.body"), 4 << 20);
	assert_int_equal(config_number(c, "front.idle"), 7200000);
	assert_string_equal(config_string(c, "log.level"), "warn");
	assert_int_equal(config_list_count(c, "watch.rules"), 2);
	assert_string_equal(config_list_at(c, "watch.rules", 1), "b");
	assert_null(config_list_at(c, "watch.rules", 2));
	assert_int_equal(json_array_size(config_tree(c, "oidc")), 1);
	assert_string_equal(config_insecure(c, 0), "front.insecure_http");
	assert_null(config_insecure(c, 1));
	assert_true(config_is_set(c, "state"));
}

static void what_is_not_written_has_its_default(void **state)
{
	CLEANUP(config_freep) struct config *c = NULL;
	(void)state;

	assert_int_equal(read_str("front:\n  listen: a:1\n  threads:\nlog:\n", &c, NULL), ERR_OK);
	assert_string_equal(config_string(c, "state"), "/var/lib/x");
	assert_int_equal(config_number(c, "front.threads"), 16);
	assert_int_equal(config_number(c, "front.body"), 65536);
	assert_int_equal(config_number(c, "front.idle"), 60000);
	assert_string_equal(config_string(c, "log.level"), "info");
	assert_false(config_bool(c, "front.insecure_http"));
	assert_int_equal(config_list_count(c, "watch.rules"), 0);
	assert_null(config_tree(c, "oidc"));
	assert_null(config_insecure(c, 0));
	assert_false(config_is_set(c, "front.threads"));
}

static void unknown_keys_are_named_with_line_and_neighbour(void **state)
{
	(void)state;

	assert_refused("front:\n  listen: a\n  treads: 4\n",
	               "line 3: front.treads: unknown key; did you mean front.threads?");
	assert_refused("front:\n  listen: a\nfrnt:\n  x: 1\n", "line 3: frnt: unknown key");
	assert_refused("front:\n  listen: a\n\nstat: x\n", "line 4: stat: unknown key; did you mean state?");
	assert_refused("front:\n  listen: a\nzzzzzzzz: 1\n", "line 3: zzzzzzzz: unknown key");
	assert_refused("front.listen: a\n", "line 1: front.listen: unknown key; did you mean front.listen?");
}

static void wrong_kinds_and_ranges_are_said_in_a_sentence(void **state)
{
#define FRONT "front:\n  listen: a\n"
	(void)state;

	assert_refused(FRONT "  threads: many\n", "line 3: front.threads: must be a whole number");
	assert_refused(FRONT "  threads: 257\n", "line 3: front.threads: must be from 1 to 256, not 257");
	assert_refused(FRONT "  threads: 0\n", "line 3: front.threads: must be from 1 to 256, not 0");
	assert_refused(FRONT "  insecure_http: yes\n", "line 3: front.insecure_http: must be true or false");
	assert_refused(FRONT "  body: 12 MB\n",
	               "line 3: front.body: must be a size such as 64MiB (KiB, MiB, GiB, TiB)");
	assert_refused(FRONT "  body: 1023\n",
	               "line 3: front.body: must be from 1024 to 1099511627776 bytes, not 1023");
	assert_refused(FRONT "  idle: 90\n", "line 3: front.idle: must be a duration such as 90s (ms, s, m, h, d)");
	assert_refused(FRONT "  idle: s\n", "line 3: front.idle: a number was expected where there is nothing");
	assert_refused(FRONT "  idle: 0s\n", "line 3: front.idle: must be from 1 to 2592000000 ms, not 0");
	assert_refused(FRONT "log: {level: inof}\n",
	               "line 3: log.level: must be one of debug, info, warn; did you mean info?");
	assert_refused(FRONT "log: {level: 3}\n", "line 3: log.level: must be one of debug, info, warn");
	assert_refused(FRONT "log: debug\n", "line 3: log: must be a section with keys of its own");
	assert_refused(FRONT "state: 7\n", "line 3: state: must be text; put it in quotes if it looks like a number");
	assert_refused(FRONT "state: ''\n", "line 3: state: must have from 1 to 16 characters, not 0");
	assert_refused(FRONT "watch: {rules: a}\n", "line 3: watch.rules: must be a list");
	assert_refused(FRONT "watch: {rules: [a, 1]}\n", "line 3: watch.rules: entry 2 must be text");
	assert_refused(FRONT "watch: {rules: [a, b, c]}\n",
	               "line 3: watch.rules: must have from 0 to 2 entries, not 3");
	assert_refused("log: {level: info}\n", "line 1: front.listen: must be set");
	assert_refused("", "front.listen: must be set");
	assert_refused("[1]\n", "line 1: must be a section with keys of its own");
}

static void numbers_that_overflow_are_limits_not_wraps(void **state)
{
	struct config *c = NULL;
	(void)state;

	assert_int_equal(read_str(FRONT "  body: 9999999999TiB\n", &c, NULL), ERR_INVALID);
	assert_int_equal(read_str(FRONT "  idle: 99999999999999999999d\n", &c, NULL), ERR_INVALID);
	assert_null(c);
}

static void a_part_of_a_tree_is_read_with_its_prefix(void **state)
{
	static const struct config_key part[] = {{.path = "issuer", .type = CONFIG_STRING, .min = 1, .max = 9}};
	CLEANUP(json_freep) json_t *tree = NULL, *lines = NULL;
	struct config *c = NULL;
	struct why why;
	(void)state;

	assert_int_equal(yaml_read(slice_str("oidc:\n  - issuer: a\n  - isuer: b\n"), &tree, &lines, NULL), ERR_OK);
	assert_int_equal(
		config_read(json_array_get(json_object_get(tree, "oidc"), 1), lines, "oidc[1]", part, 1, &c, &why),
		ERR_INVALID);
	assert_string_equal(why.text, "line 3: oidc[1].isuer: unknown key; did you mean issuer?");
	assert_int_equal(
		config_read(json_array_get(json_object_get(tree, "oidc"), 0), lines, "oidc[0]", part, 1, &c, &why),
		ERR_OK);
	assert_string_equal(config_string(c, "issuer"), "a");
	config_free(c);
}

static void a_table_may_not_hide_what_is_insecure(void **state)
{
	static const struct config_key bad[][1] = {
		{{.path = "front.http", .type = CONFIG_BOOL, .is_insecure = true, .max = 1}},
		{{.path = "front.insecure_http", .type = CONFIG_BOOL, .max = 1}},
		{{.path = "insecure_http", .type = CONFIG_BOOL, .is_insecure = true, .max = 1, .default_number = 1}},
		{{.path = "insecure_http", .type = CONFIG_STRING, .is_insecure = true, .max = 1}},
		{{.path = "level", .type = CONFIG_CHOICE}},
		{{.path = "n", .type = CONFIG_INT, .min = 2, .max = 1}},
	};
	CLEANUP(json_freep) json_t *tree = json_object();
	struct config *c = NULL;
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(config_read(tree, NULL, "", bad[i], 1, &c, NULL), ERR_INTERNAL);
	assert_null(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read_by_the_table),
		cmocka_unit_test(what_is_not_written_has_its_default),
		cmocka_unit_test(unknown_keys_are_named_with_line_and_neighbour),
		cmocka_unit_test(wrong_kinds_and_ranges_are_said_in_a_sentence),
		cmocka_unit_test(numbers_that_overflow_are_limits_not_wraps),
		cmocka_unit_test(a_part_of_a_tree_is_read_with_its_prefix),
		cmocka_unit_test(a_table_may_not_hide_what_is_insecure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
