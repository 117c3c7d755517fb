/* cloister key identity: a key pair of one's own, to be sealed to. */
#include <stdio.h>

#include "base/fd.h"
#include "cli/output.h"
#include "cli/print.h"
#include "cli/recipient.h"
#include "cli/verbs.h"

static int print_recipient(const struct cli *cli, const struct secret *private_key, const char *path,
                           struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *json = json_object();
	uint8_t public_key[HPKE_PUBLIC_BYTES];
	char text[RECIPIENT_TEXT_BYTES];

	ENSURE(json, ERR_UNAVAILABLE, reterr_why, "out of memory");
	TRY(hpke_key_public(private_key, public_key, reterr_why));
	recipient_print(public_key, text);
	if (!cli->is_json) {
		printf("%s\n", text);
		return ERR_OK;
	}
	TRY(json_set_str(json, "identity", slice_str(path), reterr_why));
	TRY(json_set_str(json, "recipient", slice_str(text), reterr_why));
	return print_json(json, reterr_why);
}

static int make(const char *path, struct secret **ret_private, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *private_key = NULL;
	CLEANUP(secret_freep) struct secret *text = NULL;
	CLEANUP(output_freep) struct output *out = NULL;
	uint8_t public_key[HPKE_PUBLIC_BYTES];

	/* Never replaced: what was sealed to the old one could not be opened any more. */
	int err = output_open(path, false, 0600, &out, reterr_why);

	ENSURE(err != ERR_CONFLICT, err, reterr_why,
	       "%s exists already and identities are never replaced; name another file, or --show its recipient", path);
	TRY(err);
	TRY(hpke_key_generate(&private_key, public_key, reterr_why));
	TRY(identity_print(private_key, &text, reterr_why));
	TRY(fd_write_all(output_fd(out), slice_of(secret_peek(text), secret_len(text)), reterr_why));
	TRY(output_finish(out, reterr_why));
	*ret_private = take_ptr(private_key);
	return ERR_OK;
}

static int run(struct cli *cli, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *private_key = NULL;
	const char *path = cli->arguments[0];

	ENSURE(path[0] != '-' || path[1], ERR_INVALID, reterr_why,
	       "an identity is kept in a file; name one, such as me.identity");
	if (cli_has(cli, "show"))
		TRY(identity_read(path, &private_key, reterr_why));
	else
		TRY(make(path, &private_key, reterr_why));
	return print_recipient(cli, private_key, path, reterr_why);
}

static const struct cli_option options[] = {
	{"show", 's', NULL, "make nothing: print the recipient of the identity in FILE", false},
	{0},
};

const struct cli_verb verb_key_identity = {
	.name = "key identity",
	.summary = "make an identity file and print the recipient to seal to",
	.arguments = "FILE",
	.details = "FILE is secret and opens what is sealed to it; an existing one is never replaced. The recipient "
		   "that is\n"
		   "printed is public: give it to whoever is to seal for you. Works without a network.",
	.examples = "cloister key identity me.identity\ncloister key identity --show me.identity",
	.options = options,
	.flags = CLI_PRINTS_DATA,
	.arguments_min = 1,
	.arguments_max = 1,
	.run = run,
};
