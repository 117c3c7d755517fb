/* Reading the command line: the verb, its options, its arguments. */
#include <string.h>

#include "base/slice.h"
#include "cli/cli.h"
#include "wire/suggest.h"

enum { NAMES_MAX = 128 };

static const struct cli_option help_option = {"help", 'h', NULL, "show this help", false};
static const struct cli_option json_option = {"json", 0, NULL, "print JSON with stable fields instead of a table",
                                              false};
static const struct cli_option profile_option = {
	"profile", 0, "NAME",
	"the profile to use (see cloister login --help; else $CLOISTER_PROFILE, "
	"else default)",
	false};

const struct cli_option *cli_option_at(const struct cli_verb *verb, size_t at)
{
	for (const struct cli_option *own = verb->options; own && own->name; own++)
		if (at-- == 0)
			return own;
	if (verb->flags & CLI_PRINTS_DATA && at-- == 0)
		return &json_option;
	if (verb->flags & CLI_CALLS && at-- == 0)
		return &profile_option;
	return at == 0 ? &help_option : NULL;
}

/* --- the verb --- */

static const char *second_word(const struct cli_verb *verb)
{
	const char *space = strchr(verb->name, ' ');

	return space ? space + 1 : NULL;
}

static bool has_first_word(const struct cli_verb *verb, const char *word)
{
	size_t len = strcspn(verb->name, " ");

	return slice_equal(slice_of(verb->name, len), slice_str(word));
}

static const struct cli_noun *find_noun(const char *word)
{
	for (const struct cli_noun *n = cli_nouns; n->name; n++)
		if (strcmp(n->name, word) == 0)
			return n;
	return NULL;
}

static int unknown_first(const char *word, struct why *reterr_why)
{
	const char *names[NAMES_MAX] = {"help"}, *near;
	size_t count = 1;

	for (const struct cli_noun *n = cli_nouns; n->name && count < NAMES_MAX - 1; n++)
		names[count++] = n->name;
	for (const struct cli_verb *const *v = cli_verbs; *v && count < NAMES_MAX - 1; v++)
		if (!second_word(*v))
			names[count++] = (*v)->name;
	near = suggest_nearest(word, names);
	ENSURE(!near, ERR_INVALID, reterr_why, "there is no command \"%s\"; did you mean cloister %s?", word, near);
	why_set(reterr_why, "there is no command \"%s\"; cloister --help lists them", word);
	return ERR_INVALID;
}

static int unknown_second(const struct cli_noun *noun, const char *word, struct why *reterr_why)
{
	const char *names[NAMES_MAX] = {NULL}, *near;
	size_t count = 0;

	for (const struct cli_verb *const *v = cli_verbs; *v && count < NAMES_MAX - 1; v++)
		if (second_word(*v) && has_first_word(*v, noun->name))
			names[count++] = second_word(*v);
	near = suggest_nearest(word, names);
	ENSURE(!near, ERR_INVALID, reterr_why, "there is no command \"%s %s\"; did you mean cloister %s %s?",
	       noun->name, word, noun->name, near);
	why_set(reterr_why, "there is no command \"%s %s\"; cloister %s --help lists what there is", noun->name, word,
	        noun->name);
	return ERR_INVALID;
}

int cli_find_verb(int argc, char **argv, const struct cli_verb **ret_verb, const struct cli_noun **ret_noun,
                  int *ret_words, struct why *reterr_why)
{
	const struct cli_noun *noun;

	*ret_verb = NULL;
	*ret_noun = NULL;
	ENSURE(argc > 0, ERR_INVALID, reterr_why, "say what to do; cloister --help lists the commands");
	for (const struct cli_verb *const *v = cli_verbs; *v; v++) {
		const char *second = second_word(*v);

		if (!has_first_word(*v, argv[0]) || (second && (argc < 2 || strcmp(second, argv[1]) != 0)))
			continue;
		*ret_verb = *v;
		*ret_words = second ? 2 : 1;
		return ERR_OK;
	}
	noun = find_noun(argv[0]);
	if (!noun)
		return unknown_first(argv[0], reterr_why);
	ENSURE(argc > 1, ERR_INVALID, reterr_why, "say what to do with %s; cloister %s --help lists what there is",
	       noun->name, noun->name);
	if (strcmp(argv[1], "--help") != 0 && strcmp(argv[1], "-h") != 0)
		return unknown_second(noun, argv[1], reterr_why);
	*ret_noun = noun;
	return ERR_OK;
}

/* --- options and arguments --- */

static int unknown_option(const struct cli *cli, const char *word, struct slice name, struct why *reterr_why)
{
	const char *names[NAMES_MAX] = {NULL}, *near = NULL;
	const struct cli_option *o;
	char text[64];

	for (size_t i = 0; (o = cli_option_at(cli->verb, i)) && i < NAMES_MAX - 1; i++)
		names[i] = o->name;
	if (slice_to_str(name, text, sizeof text, NULL) == ERR_OK)
		near = suggest_nearest(text, names);
	ENSURE(!near, ERR_INVALID, reterr_why, "there is no option %s; did you mean --%s?", word, near);
	why_set(reterr_why, "there is no option %s; see cloister %s --help", word, cli->verb->name);
	return ERR_INVALID;
}

static const struct cli_option *find_option(const struct cli_verb *verb, struct slice name, bool is_letter)
{
	const struct cli_option *o;

	for (size_t i = 0; (o = cli_option_at(verb, i)); i++) {
		if (is_letter ? o->letter && slice_equal(name, slice_of(&o->letter, 1)) : slice_is_str(name, o->name))
			return o;
	}
	return NULL;
}

static int note_given(struct cli *cli, const struct cli_option *option, const char *value, struct why *reterr_why)
{
	ENSURE(option->is_repeatable || !cli_has(cli, option->name), ERR_INVALID, reterr_why, "--%s is given twice",
	       option->name);
	ENSURE(cli->given_count < CLI_GIVEN_MAX, ERR_LIMIT, reterr_why, "more than %d options", CLI_GIVEN_MAX);
	cli->given[cli->given_count++] = (struct cli_given){option, value};
	return ERR_OK;
}

/* "--name", "--name=value", "-l", each with its value in the next word where it takes one; *at is moved past that. */
static int read_option(struct cli *cli, int argc, char **argv, int *at, struct why *reterr_why)
{
	const char *word = argv[*at], *equals = NULL, *value = "";
	bool is_letter = word[1] != '-';
	struct slice name = slice_str(word + (is_letter ? 1 : 2));
	const struct cli_option *option;

	if (!is_letter)
		equals = strchr(word, '=');
	if (equals)
		name.len = (size_t)(equals - word - 2);
	option = find_option(cli->verb, name, is_letter);
	if (!option)
		return unknown_option(cli, word, name, reterr_why);
	if (!option->value) {
		ENSURE(!equals, ERR_INVALID, reterr_why, "--%s takes no value", option->name);
	} else if (equals) {
		value = equals + 1;
	} else {
		ENSURE(*at + 1 < argc, ERR_INVALID, reterr_why, "%s takes a value: %s %s", word, word, option->value);
		value = argv[++*at];
	}
	return note_given(cli, option, value, reterr_why);
}

static int check_count(const struct cli *cli, struct why *reterr_why)
{
	const struct cli_verb *v = cli->verb;

	ENSURE(cli->argument_count >= v->arguments_min, ERR_INVALID, reterr_why,
	       "something is missing: usage is cloister %s %s", v->name, v->arguments);
	ENSURE(cli->argument_count <= v->arguments_max, ERR_INVALID, reterr_why,
	       "\"%s\" is one word too many: usage is cloister %s %s", cli->arguments[v->arguments_max], v->name,
	       v->arguments);
	return ERR_OK;
}

int cli_read(struct cli *cli, int argc, char **argv, struct why *reterr_why)
{
	bool are_options_over = false;

	for (int at = 0; at < argc; at++) {
		const char *word = argv[at];

		if (!are_options_over && strcmp(word, "--") == 0) {
			are_options_over = true;
		} else if (!are_options_over && word[0] == '-' && word[1]) {
			TRY(read_option(cli, argc, argv, &at, reterr_why));
		} else {
			ENSURE(cli->argument_count < CLI_ARGUMENTS_MAX, ERR_LIMIT, reterr_why, "more than %d words",
			       CLI_ARGUMENTS_MAX);
			cli->arguments[cli->argument_count++] = word;
		}
	}
	cli->wants_help = cli_has(cli, "help");
	cli->is_json = cli_has(cli, "json");
	return cli->wants_help ? ERR_OK : check_count(cli, reterr_why);
}

const char *cli_value_at(const struct cli *cli, const char *option, size_t at)
{
	for (size_t i = 0; i < cli->given_count; i++)
		if (strcmp(cli->given[i].option->name, option) == 0 && at-- == 0)
			return cli->given[i].value;
	return NULL;
}

const char *cli_value(const struct cli *cli, const char *option)
{
	return cli_value_at(cli, option, 0);
}

bool cli_has(const struct cli *cli, const char *option)
{
	return cli_value(cli, option) != NULL;
}
