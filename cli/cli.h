/* cli.h: what a verb of the command line is, and what it is given when it runs.
 *
 * A verb is one file in verb/ and one line in verbs.c. It says what it takes; reading the words, help, completion and
 * the exit status are done for it. It prints data to standard output and nothing else there; everything that is said to
 * a person goes to standard error. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "cli/terminal.h"

/* Recipients of one sealed file, and tags of the future: more words than anybody types. */
#define CLI_GIVEN_MAX 256
#define CLI_ARGUMENTS_MAX 64

struct cli_option {
	const char *name;  /* without its dashes */
	char letter;       /* or 0 */
	const char *value; /* what its value is called in the help; NULL: it takes none */
	const char *help;
	bool is_repeatable;
};

enum {
	CLI_PRINTS_DATA = 1 << 0, /* takes --json */
	CLI_CALLS = 1 << 1,       /* takes --profile */
};

struct cli;

struct cli_verb {
	const char *name;                 /* "seal", "key create" */
	const char *summary;              /* what it does, in one line */
	const char *arguments;            /* as the usage line shows them */
	const char *details;              /* paragraphs for the help, or NULL */
	const char *examples;             /* one a line */
	const struct cli_option *options; /* the last has no name */
	unsigned flags;
	size_t arguments_min, arguments_max;
	int (*run)(struct cli *cli, struct why *reterr_why);
};

/* Verbs that share their first word. */
struct cli_noun {
	const char *name, *summary;
};

/* In the order in which help shows them; the last has no name. */
extern const struct cli_verb *const cli_verbs[];
extern const struct cli_noun cli_nouns[];

struct cli_given {
	const struct cli_option *option;
	const char *value;
};

struct cli {
	const struct cli_verb *verb;
	const char *arguments[CLI_ARGUMENTS_MAX];
	size_t argument_count;
	struct cli_given given[CLI_GIVEN_MAX];
	size_t given_count;
	bool wants_help;
	bool is_json;
	struct terminal out, err; /* standard output, standard error */
};

/* Finds the verb in the words after the program's name and how many of them it takes. ERR_INVALID for an unknown one,
 * with the nearest. *ret_noun is set instead of *ret_verb if only a noun stands there. */
MUST_USE int cli_find_verb(int argc, char **argv, const struct cli_verb **ret_verb, const struct cli_noun **ret_noun,
                           int *ret_words, struct why *reterr_why);

/* Reads options and arguments of cli->verb. What they say stays in `argv`. ERR_INVALID names the word and what to do
 * instead. */
MUST_USE int cli_read(struct cli *cli, int argc, char **argv, struct why *reterr_why);

/* The value of an option, "" for one that takes none, NULL if it was not given; of a repeatable one the value number
 * `at`. */
const char *cli_value(const struct cli *cli, const char *option);
const char *cli_value_at(const struct cli *cli, const char *option, size_t at);
bool cli_has(const struct cli *cli, const char *option);

/* The options that every verb takes, those of its flags, and its own, in the order of the help; `at` counts from 0.
 * NULL past the last. */
const struct cli_option *cli_option_at(const struct cli_verb *verb, size_t at);

/* --- help.c: to standard output --- */

void cli_help(void);
void cli_help_noun(const struct cli_noun *noun);
void cli_help_verb(const struct cli_verb *verb);
