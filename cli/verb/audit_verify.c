/* cloister audit verify: checks a receipt without the log, without a network. */
#include <stdio.h>
#include <string.h>

#include "audit/receipt.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/print.h"
#include "cli/verbs.h"

static int read_key(const char *text, struct note_verifier **ret_verifier, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *file = NULL;
	struct slice vkey = slice_str(text);

	if (strchr(text, '+'))
		return note_verifier_parse(vkey, ret_verifier, reterr_why);
	TRY(buf_new(NOTE_BYTES_MAX, &file, reterr_why));
	TRY(file_read_given(text, file, reterr_why));
	vkey = buf_slice(file);
	if (vkey.len && vkey.ptr[vkey.len - 1] == '\n')
		vkey.len--;
	return with_name(note_verifier_parse(vkey, ret_verifier, reterr_why), text, reterr_why);
}

static int print_result(const struct cli *cli, const struct receipt_result *r, const char *log, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *json = json_object();
	json_t *record;

	if (!cli->is_json) {
		printf("%.*s\n", (int)r->record.len, (const char *)r->record.ptr);
		fprintf(stderr, "the record is entry %llu of the log %s, under its signed checkpoint of %llu entries\n",
		        (unsigned long long)r->index, log, (unsigned long long)r->proof.head.size);
		return ERR_OK;
	}
	ENSURE(json, ERR_UNAVAILABLE, reterr_why, "out of memory");
	TRY(json_set_bool(json, "verified", true, reterr_why));
	TRY(json_set_str(json, "log", slice_str(log), reterr_why));
	TRY(json_set_int(json, "index", (int64_t)r->index, reterr_why));
	TRY(json_set_int(json, "tree_size", (int64_t)r->proof.head.size, reterr_why));
	TRY(json_set_str(json, "producer", r->leaf.producer, reterr_why));
	TRY(json_set_int(json, "seq", (int64_t)r->leaf.seq, reterr_why));
	TRY(json_read_object(r->record, &record, reterr_why));
	ENSURE(json_object_set_new(json, "record", record) == 0, ERR_UNAVAILABLE, reterr_why, "out of memory");
	return print_json(json, reterr_why);
}

static int run(struct cli *cli, struct why *reterr_why)
{
	CLEANUP(note_verifier_freep) struct note_verifier *key = NULL;
	CLEANUP(buf_freep) struct buf *text = NULL;
	struct receipt_result result;
	struct slice receipt;
	struct trust trust = {0};

	ENSURE(cli_has(cli, "log-key"), ERR_INVALID, reterr_why,
	       "say whose log to trust: --log-key VKEY, as cloister init printed it");
	TRY(read_key(cli_value(cli, "log-key"), &key, reterr_why));
	trust.log = key;
	TRY(buf_new(RECEIPT_BYTES_MAX + 1, &text, reterr_why));
	TRY(file_read_given(cli->arguments[0], text, reterr_why));
	receipt = buf_slice(text);
	if (receipt.len && receipt.ptr[receipt.len - 1] == '\n')
		receipt.len--;
	TRY(with_name(receipt_verify(receipt, &trust, &result, reterr_why), cli->arguments[0], reterr_why));
	return print_result(cli, &result, note_verifier_name(key), reterr_why);
}

static const struct cli_option options[] = {
	{"log-key", 'k', "VKEY", "the log's key, NAME+ID+KEY, or a file that holds it", false},
	{0},
};

const struct cli_verb verb_audit_verify = {
	.name = "audit verify",
	.summary = "check that a receipt's record is in the log as it reads",
	.arguments = "RECEIPT",
	.details = "Checks that salt and record lead to the leaf's commitment, the leaf to the checkpoint's root, and "
		   "that\n"
		   "the log signed the checkpoint; prints the record. Exit status 4 if any of it was altered. Works "
		   "without\n"
		   "a network and without the log.",
	.examples = "cloister audit verify receipt.json --log-key log.vkey",
	.options = options,
	.flags = CLI_PRINTS_DATA,
	.arguments_min = 1,
	.arguments_max = 1,
	.run = run,
};
