#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "crypto/init.h"
#include "wire/json.h"

static int complain(const struct cli_verb *verb, int err, struct why *why)
{
	terminal_clean(why->text);
	fprintf(stderr, "cloister%s%s: %s\n", verb ? " " : "", verb ? verb->name : "",
	        why->text[0] ? why->text : "failed without a reason; please report this");
	return err_exit_status(err);
}

static int prepare(struct why *reterr_why)
{
	/* A peer or a reader that goes away is an error of write(2), with a sentence, not a silent end. */
	signal(SIGPIPE, SIG_IGN);
	TRY(json_init(reterr_why));
	return crypto_open(reterr_why);
}

/* What was printed may still lie in a buffer, and the disk may be full. */
static int flush(struct why *reterr_why)
{
	ENSURE_SYS(fflush(stdout) == 0, reterr_why, "cannot write to standard output");
	return ERR_OK;
}

static int run(struct cli *cli, int argc, char **argv, struct why *reterr_why)
{
	TRY(cli_read(cli, argc, argv, reterr_why));
	if (cli->wants_help) {
		cli_help_verb(cli->verb);
		return flush(reterr_why);
	}
	TRY(prepare(reterr_why));
	cli->out = terminal_of(STDOUT_FILENO);
	cli->err = terminal_of(STDERR_FILENO);
	TRY(cli->verb->run(cli, reterr_why));
	return flush(reterr_why);
}

/* "cloister help key create" is "cloister key create --help". */
static int help(int argc, char **argv, struct why *reterr_why)
{
	const struct cli_noun *noun = NULL;
	const struct cli_verb *verb = NULL;
	char ask[] = "--help", *words[3] = {ask, ask, ask};
	int used;

	if (argc == 0) {
		cli_help();
		return flush(reterr_why);
	}
	words[0] = argv[0];
	if (argc > 1)
		words[1] = argv[1];
	TRY(cli_find_verb(2, words, &verb, &noun, &used, reterr_why));
	if (verb)
		cli_help_verb(verb);
	else
		cli_help_noun(noun);
	return flush(reterr_why);
}

static bool is_word(const char *word, const char *one, const char *other)
{
	return strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

int main(int argc, char **argv)
{
	static struct cli cli;
	const struct cli_noun *noun = NULL;
	struct why why = {{0}};
	int words, err;

	if (argc > 1 && is_word(argv[1], "--version", "-V")) {
		printf("cloister %s\n", CLOISTER_VERSION);
		err = flush(&why);
	} else if (argc > 1 && is_word(argv[1], "--help", "-h")) {
		err = help(0, NULL, &why);
	} else if (argc > 1 && strcmp(argv[1], "help") == 0) {
		err = help(argc - 2, argv + 2, &why);
	} else {
		err = cli_find_verb(argc - 1, argv + 1, &cli.verb, &noun, &words, &why);
		if (err == ERR_OK && noun) {
			cli_help_noun(noun);
			err = flush(&why);
		} else if (err == ERR_OK) {
			err = run(&cli, argc - 1 - words, argv + 1 + words, &why);
		}
	}
	return err == ERR_OK ? 0 : complain(cli.verb, err, &why);
}
