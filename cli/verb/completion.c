/* cloister completion: the words that may come next, for a shell, from the same tables that the verbs are read by. */
#include <stdio.h>
#include <string.h>

#include "cli/verbs.h"

static void print_first_words(void)
{
	printf("\t\t\twords=\"help");
	for (const struct cli_noun *n = cli_nouns; n->name; n++)
		printf(" %s", n->name);
	for (const struct cli_verb *const *v = cli_verbs; *v; v++)
		if (!strchr((*v)->name, ' '))
			printf(" %s", (*v)->name);
	printf(" --help --version\"\n");
}

static void print_second_words(const struct cli_noun *noun)
{
	size_t len = strlen(noun->name);

	printf("\t\t\"%s\") words=\"--help", noun->name);
	for (const struct cli_verb *const *v = cli_verbs; *v; v++)
		if (strncmp((*v)->name, noun->name, len) == 0 && (*v)->name[len] == ' ')
			printf(" %s", (*v)->name + len + 1);
	printf("\" ;;\n");
}

static void print_options(const struct cli_verb *verb)
{
	const struct cli_option *o;

	printf("\t\t\"%s\") words=\"", verb->name);
	for (size_t i = 0; (o = cli_option_at(verb, i)); i++)
		printf("%s--%s", i ? " " : "", o->name);
	printf("\" ;;\n");
}

/* The words before the one at the cursor that name a verb or noun choose the list; files complete where no option is
 * begun. */
static int run(struct cli *cli, struct why *reterr_why)
{
	ENSURE(strcmp(cli->arguments[0], "bash") == 0, ERR_INVALID, reterr_why,
	       "there is completion for bash, not for \"%s\"", cli->arguments[0]);
	printf("# bash completion for cloister; made by: cloister completion bash\n"
	       "_cloister() {\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} verb=\"\" words=\"\"\n"
	       "\tif ((COMP_CWORD > 1)); then verb=${COMP_WORDS[1]}; fi\n"
	       "\tcase $verb in\n\t");
	for (const struct cli_noun *n = cli_nouns; n->name; n++)
		printf("%s%s", n == cli_nouns ? "" : " | ", n->name);
	printf(")\n\t\tif ((COMP_CWORD > 2)); then verb=\"$verb ${COMP_WORDS[2]}\"; fi\n\t\t;;\n\tesac\n\tcase $verb "
	       "in\n"
	       "\t\t\"\")\n");
	print_first_words();
	printf("\t\t\t;;\n");
	for (const struct cli_noun *n = cli_nouns; n->name; n++)
		print_second_words(n);
	for (const struct cli_verb *const *v = cli_verbs; *v; v++)
		print_options(*v);
	printf("\tesac\n"
	       "\tif [[ $cur == -* || $verb == \"\" ]] || { ((COMP_CWORD == 2)) && [[ $words == --help\\ * ]]; }; "
	       "then\n"
	       "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	       "\telse\n"
	       "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	       "\tfi\n"
	       "}\n"
	       "complete -o filenames -F _cloister cloister\n");
	return ERR_OK;
}

const struct cli_verb verb_completion = {
	.name = "completion",
	.summary = "print completion for a shell",
	.arguments = "bash",
	.examples = "cloister completion bash > ~/.local/share/bash-completion/completions/cloister",
	.arguments_min = 1,
	.arguments_max = 1,
	.run = run,
};
