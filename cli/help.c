#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const char exit_statuses[] = "Exit status: 0 done, 1 failed, 2 wrong usage or input, 3 denied, 4 altered or "
				    "forged, 5 unavailable for now.\n";

enum { OPTION_COLUMN = 28 };

static bool is_under(const struct cli_verb *verb, const struct cli_noun *noun)
{
	size_t len = strlen(noun->name);

	return strncmp(verb->name, noun->name, len) == 0 && verb->name[len] == ' ';
}

void cli_help(void)
{
	printf("Cloister keeps data sealed until code that its owner admitted runs on it.\n\n"
	       "Usage: cloister COMMAND [OPTION…] [ARGUMENT…]\n\nCommands:\n");
	for (const struct cli_verb *const *v = cli_verbs; *v; v++)
		if (!strchr((*v)->name, ' '))
			printf("  %-12s  %s\n", (*v)->name, (*v)->summary);
	for (const struct cli_noun *n = cli_nouns; n->name; n++)
		printf("  %-12s  %s\n", n->name, n->summary);
	printf("\nExample:\n  cloister seal data.csv\n\n"
	       "cloister COMMAND --help tells more about each. cloister --version names the version.\n%s",
	       exit_statuses);
}

void cli_help_noun(const struct cli_noun *noun)
{
	const char *examples = "";

	printf("cloister %s: %s\n\nUsage: cloister %s COMMAND [OPTION…] [ARGUMENT…]\n\nCommands:\n", noun->name,
	       noun->summary, noun->name);
	for (const struct cli_verb *const *v = cli_verbs; *v; v++) {
		if (!is_under(*v, noun))
			continue;
		printf("  cloister %-22s  %s\n", (*v)->name, (*v)->summary);
		examples = examples[0] ? examples : (*v)->examples;
	}
	printf("\nExample:\n  %.*s\n", (int)strcspn(examples, "\n"), examples);
}

static void print_option(const struct cli_option *o)
{
	char left[64];

	snprintf(left, sizeof left, "%c%c%s--%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
	         o->letter ? ", " : "  ", o->name, o->value ? " " : "", o->value ? o->value : "");
	if (strlen(left) > OPTION_COLUMN)
		printf("  %s\n  %*s  %s\n", left, OPTION_COLUMN, "", o->help);
	else
		printf("  %-*s  %s\n", OPTION_COLUMN, left, o->help);
}

void cli_help_verb(const struct cli_verb *verb)
{
	const struct cli_option *o;

	printf("cloister %s: %s\n\nUsage: cloister %s [OPTION…]%s%s\n", verb->name, verb->summary, verb->name,
	       verb->arguments[0] ? " " : "", verb->arguments);
	if (verb->details)
		printf("\n%s\n", verb->details);
	printf("\nOptions:\n");
	for (size_t i = 0; (o = cli_option_at(verb, i)); i++)
		print_option(o);
	printf("\n%s:\n", strchr(verb->examples, '\n') ? "Examples" : "Example");
	for (const char *line = verb->examples; *line;) {
		size_t len = strcspn(line, "\n");

		printf("  %.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
	printf("\n%s", exit_statuses);
}
