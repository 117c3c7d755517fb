/* cloister seal: seals a file on this machine, to a passphrase and to recipients. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/time.h"
#include "cli/output.h"
#include "cli/passphrase.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/recipient.h"
#include "cli/verbs.h"
#include "seal/seal.h"

/* What one run of the verb holds. */
struct sealing {
	struct seal_core core;
	uint8_t core_hash[SEAL_HASH_BYTES];
	struct seal_wraps *wraps;
	struct secret *data_key;
};

static void sealing_clear(struct sealing *s)
{
	seal_wraps_free(s->wraps);
	secret_free(s->data_key);
}

static int begin(struct sealing *s, const char *type, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *json = NULL;

	TRY(seal_core_new(type ? type : "application/octet-stream", time_wall_ms(), &s->core, reterr_why));
	TRY(buf_new(SEAL_CORE_BYTES_MAX, &json, reterr_why));
	TRY(seal_core_print(&s->core, json, reterr_why));
	seal_core_hash(buf_slice(json), s->core_hash);
	TRY(seal_wraps_new(&s->wraps, reterr_why));
	return secret_new_random(SEAL_KEY_BYTES, &s->data_key, reterr_why);
}

static int wrap_for_recipients(struct sealing *s, const struct cli *cli, struct why *reterr_why)
{
	uint8_t public_key[HPKE_PUBLIC_BYTES];
	const char *text;

	for (size_t i = 0; (text = cli_value_at(cli, "recipient", i)); i++) {
		TRY(recipient_parse(slice_str(text), public_key, reterr_why));
		TRY(seal_wraps_add_hpke(s->wraps, s->core_hash, public_key, s->data_key, reterr_why));
	}
	return ERR_OK;
}

static int wrap_for_passphrase(struct sealing *s, const struct cli *cli, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *passphrase = NULL;
	struct scrypt_cost cost;

	TRY(passphrase_read(cli_value(cli, "passphrase-file"), true, &passphrase, reterr_why));
	TRY(scrypt_cost_new(&cost, reterr_why));
	return seal_wraps_add_passphrase(s->wraps, s->core_hash, passphrase, &cost, s->data_key, reterr_why);
}

/* Nobody is asked for a passphrase who named recipients. */
static int add_wraps(struct sealing *s, const struct cli *cli, struct why *reterr_why)
{
	TRY(wrap_for_recipients(s, cli, reterr_why));
	if (cli_has(cli, "passphrase-file") || !cli_has(cli, "recipient"))
		TRY(wrap_for_passphrase(s, cli, reterr_why));
	return ERR_OK;
}

static int print_totals(const struct cli *cli, const char *from, const char *to, const struct seal_totals *totals,
                        struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *json = json_object();
	char size[TERMINAL_SIZE_BYTES];

	ENSURE(json, ERR_UNAVAILABLE, reterr_why, "out of memory");
	if (!cli->is_json) {
		terminal_size(totals->plain_bytes, size);
		fprintf(stderr, "sealed %s (%s) into %s\n", from, size, to);
		return ERR_OK;
	}
	TRY(json_set_str(json, "input", slice_str(from), reterr_why));
	TRY(json_set_str(json, "output", slice_str(to), reterr_why));
	TRY(json_set_int(json, "plain_bytes", (int64_t)totals->plain_bytes, reterr_why));
	TRY(json_set_int(json, "sealed_bytes", (int64_t)totals->sealed_bytes, reterr_why));
	return print_json(json, reterr_why);
}

/* FILE.sealed, or what -o says; standard output if that is where the input comes from. */
static int target_of(const struct cli *cli, const char *input, struct buf *into, const char **ret_target,
                     struct why *reterr_why)
{
	*ret_target = cli_value(cli, "output");
	if (!*ret_target && strcmp(input, "-") == 0)
		*ret_target = "-";
	if (*ret_target)
		return ERR_OK;
	TRY(buf_put_fmt(into, reterr_why, "%s.sealed", input));
	return buf_str(into, ret_target, reterr_why);
}

static int check_target(const struct cli *cli, const char *target, struct why *reterr_why)
{
	bool is_stdout = strcmp(target, "-") == 0;

	ENSURE(!is_stdout || !cli->out.is_terminal, ERR_INVALID, reterr_why,
	       "a sealed file is no text for a terminal; name a file by -o FILE or lead the output into one");
	ENSURE(!is_stdout || !cli->is_json, ERR_INVALID, reterr_why,
	       "--json and the sealed file can not both go to standard output; name a file by -o FILE");
	return ERR_OK;
}

static int run(struct cli *cli, struct why *reterr_why)
{
	CLEANUP(sealing_clear) struct sealing s = {0};
	CLEANUP(output_freep) struct output *out = NULL;
	CLEANUP(progress_stopp) struct progress *progress = NULL;
	CLEANUP(buf_freep) struct buf *name = NULL;
	CLEANUP(fd_closep) int in = -1;
	_Atomic uint64_t done = 0;
	struct seal_options options = {.done_bytes = &done};
	const char *input = cli->arguments[0], *target;
	struct seal_totals totals;
	uint64_t size;

	TRY(buf_new(PATH_BYTES_MAX, &name, reterr_why));
	TRY(target_of(cli, input, name, &target, reterr_why));
	TRY(check_target(cli, target, reterr_why));
	TRY(input_open(input, &in, &size, reterr_why));
	TRY(output_open(target, cli_has(cli, "force"), 0666, &out, reterr_why));
	TRY(begin(&s, cli_value(cli, "type"), reterr_why));
	TRY(add_wraps(&s, cli, reterr_why));
	TRY(progress_start("sealing", size, &done, &cli->err, &progress, reterr_why));
	TRY(with_name(seal_stream(&s.core, s.wraps, s.data_key, in, output_fd(out), &options, &totals, reterr_why),
	              input, reterr_why));
	progress_stopp(&progress);
	TRY(output_finish(out, reterr_why));
	return output_is_stdout(out) ? ERR_OK : print_totals(cli, input, target, &totals, reterr_why);
}

static const struct cli_option options[] = {
	{"output", 'o', "OUT", "write here instead of FILE.sealed; - is standard output", false},
	{"passphrase-file", 'p', "FILE", "seal to the passphrase in this file (mode 600)", false},
	{"recipient", 'r', "RECIPIENT", "seal to this recipient (cloister key identity); may be repeated", true},
	{"type", 't', "MEDIA-TYPE", "what the file holds, such as text/csv; anybody can read it", false},
	{"force", 'f', NULL, "replace OUT if it exists", false},
	{0},
};

const struct cli_verb verb_seal = {
	.name = "seal",
	.summary = "seal a file on this machine, before it goes anywhere",
	.arguments = "FILE",
	.details =
		"FILE may be - for standard input. Without options it asks for a new passphrase. With several keys,\n"
		"each of them opens the file. FILE itself stays as it is. Works without a network.",
	.examples = "cloister seal data.csv\n"
		    "cloister seal data.csv -o data.sealed --recipient cloister-recipient+1a2b3c4d+…\n"
		    "tar c photos | cloister seal - --passphrase-file secret.txt > photos.tar.sealed",
	.options = options,
	.flags = CLI_PRINTS_DATA,
	.arguments_min = 1,
	.arguments_max = 1,
	.run = run,
};
