#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/verbs.h"

static int run_nothing(struct cli *cli, struct why *reterr_why)
{
	(void)cli;
	(void)reterr_why;
	return ERR_OK;
}

static const struct cli_option options[] = {
	{"output", 'o', "OUT", "where to", false},
	{"recipient", 'r', "WHO", "for whom", true},
	{"force", 'f', NULL, "replace", false},
	{0},
};
static const struct cli_verb verb = {.name = "seal",
                                     .arguments = "FILE",
                                     .options = options,
                                     .flags = CLI_PRINTS_DATA,
                                     .arguments_min = 1,
                                     .arguments_max = 2,
                                     .run = run_nothing};

static int read_words(struct cli *cli, struct why *why, const char *const *words)
{
	char *argv[CLI_ARGUMENTS_MAX + 8];
	int argc = 0;

	memset(cli, 0, sizeof *cli);
	cli->verb = &verb;
	for (; words[argc]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc];
	return cli_read(cli, argc, argv, why);
}
#define READ(...) read_words(&cli, &why, (const char *const[]){__VA_ARGS__, NULL})

static struct cli cli;
static struct why why;

static void options_and_arguments_mix_in_any_order(void **state)
{
	(void)state;
	assert_int_equal(READ("a", "-o", "x", "--recipient=r1", "b", "-r", "r2", "--json"), ERR_OK);
	assert_int_equal(cli.argument_count, 2);
	assert_string_equal(cli.arguments[1], "b");
	assert_string_equal(cli_value(&cli, "output"), "x");
	assert_string_equal(cli_value_at(&cli, "recipient", 0), "r1");
	assert_string_equal(cli_value_at(&cli, "recipient", 1), "r2");
	assert_null(cli_value_at(&cli, "recipient", 2));
	assert_true(cli.is_json);
	assert_false(cli_has(&cli, "force"));
}

static void a_dash_is_an_argument_and_two_end_the_options(void **state)
{
	(void)state;
	assert_int_equal(READ("-", "--", "--force"), ERR_OK);
	assert_string_equal(cli.arguments[0], "-");
	assert_string_equal(cli.arguments[1], "--force");
	assert_false(cli_has(&cli, "force"));
}

static void a_value_may_be_empty_or_begin_with_a_dash(void **state)
{
	(void)state;
	assert_int_equal(READ("a", "--output=", "-r", "-"), ERR_OK);
	assert_string_equal(cli_value(&cli, "output"), "");
	assert_string_equal(cli_value(&cli, "recipient"), "-");
}

static void an_unknown_option_is_named_with_the_nearest(void **state)
{
	(void)state;
	assert_int_equal(READ("a", "--recipent", "x"), ERR_INVALID);
	assert_non_null(strstr(why.text, "did you mean --recipient?"));
	assert_int_equal(READ("a", "--zzzzzzzz=1"), ERR_INVALID);
	assert_non_null(strstr(why.text, "see cloister seal --help"));
	assert_int_equal(READ("a", "-x"), ERR_INVALID);
}

static void what_is_missing_or_too_much_is_said(void **state)
{
	(void)state;
	assert_int_equal(READ("a", "-o"), ERR_INVALID);
	assert_non_null(strstr(why.text, "OUT"));
	assert_int_equal(READ("a", "-o", "x", "--output", "y"), ERR_INVALID);
	assert_non_null(strstr(why.text, "twice"));
	assert_int_equal(READ("a", "--force=yes"), ERR_INVALID);
	assert_int_equal(READ("-f"), ERR_INVALID);
	assert_non_null(strstr(why.text, "usage is cloister seal FILE"));
	assert_int_equal(READ("a", "b", "c"), ERR_INVALID);
	assert_non_null(strstr(why.text, "\"c\""));
	assert_int_equal(READ("--help"), ERR_OK);
	assert_true(cli.wants_help);
}

static void more_words_than_the_limit_are_refused(void **state)
{
	const char *words[CLI_ARGUMENTS_MAX + 2];
	(void)state;

	for (size_t i = 0; i <= CLI_ARGUMENTS_MAX; i++)
		words[i] = "w";
	words[CLI_ARGUMENTS_MAX + 1] = NULL;
	assert_int_equal(read_words(&cli, &why, words), ERR_LIMIT);
}

static int find(const char *first, const char *second, const struct cli_verb **ret_verb,
                const struct cli_noun **ret_noun)
{
	char *argv[] = {(char *)(uintptr_t)first, (char *)(uintptr_t)second};
	int words = 0;

	return cli_find_verb(second ? 2 : first ? 1 : 0, argv, ret_verb, ret_noun, &words, &why);
}

static void verbs_of_one_and_two_words_are_found(void **state)
{
	const struct cli_verb *found;
	const struct cli_noun *noun;
	(void)state;

	assert_int_equal(find("seal", "identity", &found, &noun), ERR_OK);
	assert_ptr_equal(found, &verb_seal);
	assert_int_equal(find("key", "identity", &found, &noun), ERR_OK);
	assert_ptr_equal(found, &verb_key_identity);
	assert_int_equal(find("key", "--help", &found, &noun), ERR_OK);
	assert_null(found);
	assert_string_equal(noun->name, "key");
}

static void unknown_verbs_come_with_the_nearest(void **state)
{
	const struct cli_verb *found;
	const struct cli_noun *noun;
	(void)state;

	assert_int_equal(find("opne", NULL, &found, &noun), ERR_INVALID);
	assert_non_null(strstr(why.text, "did you mean cloister open?"));
	assert_int_equal(find("key", "idenity", &found, &noun), ERR_INVALID);
	assert_non_null(strstr(why.text, "did you mean cloister key identity?"));
	assert_int_equal(find("key", NULL, &found, &noun), ERR_INVALID);
	assert_non_null(strstr(why.text, "cloister key --help"));
	assert_int_equal(find("frobnicate", NULL, &found, &noun), ERR_INVALID);
	assert_int_equal(find(NULL, NULL, &found, &noun), ERR_INVALID);
}

static void every_verb_says_what_help_needs(void **state)
{
	(void)state;
	for (const struct cli_verb *const *v = cli_verbs; *v; v++) {
		assert_non_null((*v)->summary);
		assert_non_null((*v)->arguments);
		assert_non_null(strstr((*v)->examples, (*v)->name));
		assert_true((*v)->arguments_min <= (*v)->arguments_max);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_arguments_mix_in_any_order),
		cmocka_unit_test(a_dash_is_an_argument_and_two_end_the_options),
		cmocka_unit_test(a_value_may_be_empty_or_begin_with_a_dash),
		cmocka_unit_test(an_unknown_option_is_named_with_the_nearest),
		cmocka_unit_test(what_is_missing_or_too_much_is_said),
		cmocka_unit_test(more_words_than_the_limit_are_refused),
		cmocka_unit_test(verbs_of_one_and_two_words_are_found),
		cmocka_unit_test(unknown_verbs_come_with_the_nearest),
		cmocka_unit_test(every_verb_says_what_help_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
