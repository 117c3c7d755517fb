/* cloister key create, ls, show, policy, enable, disable: keys of the installation's KMS. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/time.h"
#include "cli/client.h"
#include "cli/table.h"
#include "cli/verbs.h"

static const struct table_column columns[] = {
	{"key_id", "KEY", false, false},      {"state", "STATE", false, false},
	{"created", "CREATED", false, false}, {"description", "DESCRIPTION", false, true},
	{"arn", "ARN", false, true},          {0},
};

/* KeyMetadata, as AWS describes a key, as a row. */
static int add_key(struct table *t, const json_t *answer, struct why *reterr_why)
{
	const char *id, *arn, *state, *description = "";
	char created[TIME_RFC3339_BYTES];
	json_t *metadata;
	int64_t seconds;

	TRY(json_get_object(answer, "KeyMetadata", &metadata, reterr_why));
	TRY(json_get_str(metadata, "KeyId", &id, reterr_why));
	TRY(json_get_str(metadata, "Arn", &arn, reterr_why));
	TRY(json_get_str(metadata, "KeyState", &state, reterr_why));
	TRY(json_opt_str(metadata, "Description", &description, reterr_why));
	TRY(json_get_int(metadata, "CreationDate", 0, INT64_MAX / 1000, &seconds, reterr_why));
	time_format((uint64_t)seconds * 1000, created);
	return table_add(t,
	                 (struct slice[]){slice_str(id), slice_str(state), slice_str(created), slice_str(description),
	                                  slice_str(arn)},
	                 reterr_why);
}

/* Calls an operation whose input is some strings: name, value, …, NULL; those without a value are left out. */
static int call(struct client *c, const char *operation, const char *const *strings, json_t **ret_output,
                struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *input = json_object();

	ENSURE(input, ERR_UNAVAILABLE, reterr_why, "out of memory");
	for (; strings[0]; strings += 2)
		if (strings[1])
			TRY(json_set_str(input, strings[0], slice_str(strings[1]), reterr_why));
	return client_kms(c, operation, input, ret_output, reterr_why);
}
#define STRINGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static int read_document(const char *path, struct buf **ret_text, const char **ret_str, struct why *reterr_why)
{
	TRY(buf_new(IAM_POLICY_BYTES_MAX, ret_text, reterr_why));
	TRY(file_read_given(path, *ret_text, reterr_why));
	return buf_str(*ret_text, ret_str, reterr_why);
}

static int create(struct cli *cli, struct why *reterr_why)
{
	CLEANUP(client_freep) struct client *c = NULL;
	CLEANUP(table_freep) struct table *t = NULL;
	CLEANUP(json_freep) json_t *answer = NULL;
	CLEANUP(buf_freep) struct buf *text = NULL;
	const char *policy = NULL;

	if (cli_has(cli, "policy"))
		TRY(read_document(cli_value(cli, "policy"), &text, &policy, reterr_why));
	TRY(client_open(cli_value(cli, "profile"), &c, reterr_why));
	TRY(call(c, "CreateKey", STRINGS("Description", cli_value(cli, "description"), "Policy", policy), &answer,
	         reterr_why));
	TRY(table_new(columns, &t, reterr_why));
	TRY(add_key(t, answer, reterr_why));
	return table_show_one(t, cli->is_json, reterr_why);
}

static int show(struct cli *cli, struct why *reterr_why)
{
	CLEANUP(client_freep) struct client *c = NULL;
	CLEANUP(table_freep) struct table *t = NULL;
	CLEANUP(json_freep) json_t *answer = NULL;

	TRY(client_open(cli_value(cli, "profile"), &c, reterr_why));
	TRY(call(c, "DescribeKey", STRINGS("KeyId", cli->arguments[0]), &answer, reterr_why));
	TRY(table_new(columns, &t, reterr_why));
	TRY(add_key(t, answer, reterr_why));
	return table_show_one(t, cli->is_json, reterr_why);
}

/* One page of ListKeys, each key described. *marker is left empty after the last. */
static int list_page(struct client *c, struct table *t, struct buf *marker, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *page = NULL;
	const char *from, *next = "", *id;
	json_t *keys;

	TRY(buf_str(marker, &from, reterr_why));
	TRY(call(c, "ListKeys", STRINGS("Marker", from[0] ? from : NULL), &page, reterr_why));
	TRY(json_get_array(page, "Keys", &keys, reterr_why));
	TRY(json_opt_str(page, "NextMarker", &next, reterr_why));
	for (size_t i = 0; i < json_array_size(keys); i++) {
		CLEANUP(json_freep) json_t *answer = NULL;

		TRY(json_get_str(json_array_get(keys, i), "KeyId", &id, reterr_why));
		TRY(call(c, "DescribeKey", STRINGS("KeyId", id), &answer, reterr_why));
		TRY(add_key(t, answer, reterr_why));
	}
	buf_reset(marker);
	return buf_put_str(marker, next, reterr_why);
}

static int ls(struct cli *cli, struct why *reterr_why)
{
	CLEANUP(client_freep) struct client *c = NULL;
	CLEANUP(table_freep) struct table *t = NULL;
	CLEANUP(buf_freep) struct buf *marker = NULL;

	TRY(client_open(cli_value(cli, "profile"), &c, reterr_why));
	TRY(table_new(columns, &t, reterr_why));
	TRY(buf_new(1024, &marker, reterr_why));
	do
		TRY(list_page(c, t, marker, reterr_why));
	while (buf_len(marker));
	return table_show(t, "keys", cli->is_json, &cli->out, reterr_why);
}

static int policy(struct cli *cli, struct why *reterr_why)
{
	CLEANUP(client_freep) struct client *c = NULL;
	CLEANUP(json_freep) json_t *answer = NULL;
	CLEANUP(buf_freep) struct buf *file = NULL;
	const char *text;

	if (cli_has(cli, "set"))
		TRY(read_document(cli_value(cli, "set"), &file, &text, reterr_why));
	TRY(client_open(cli_value(cli, "profile"), &c, reterr_why));
	if (file)
		return call(c, "PutKeyPolicy", STRINGS("KeyId", cli->arguments[0], "Policy", text), &answer,
		            reterr_why);
	TRY(call(c, "GetKeyPolicy", STRINGS("KeyId", cli->arguments[0], "PolicyName", "default"), &answer, reterr_why));
	TRY(json_get_str(answer, "Policy", &text, reterr_why));
	printf("%s\n", text); /* which is JSON, so --json or not */
	return ERR_OK;
}

static int set_state(struct cli *cli, const char *operation, struct why *reterr_why)
{
	CLEANUP(client_freep) struct client *c = NULL;
	CLEANUP(json_freep) json_t *answer = NULL;

	TRY(client_open(cli_value(cli, "profile"), &c, reterr_why));
	return call(c, operation, STRINGS("KeyId", cli->arguments[0]), &answer, reterr_why);
}

static int enable(struct cli *cli, struct why *reterr_why)
{
	return set_state(cli, "EnableKey", reterr_why);
}

static int disable(struct cli *cli, struct why *reterr_why)
{
	return set_state(cli, "DisableKey", reterr_why);
}

static const struct cli_option create_options[] = {
	{"description", 'd', "TEXT", "what the key is for", false},
	{"policy", 0, "FILE", "its key policy, instead of the usual one, by which its account rules it", false},
	{0},
};
static const struct cli_option policy_options[] = {
	{"set", 0, "FILE", "put the policy in FILE in force instead of printing the one that is", false},
	{0},
};

#define KEY_DETAILS "KEY is a key's id, its ARN, or alias/NAME."

const struct cli_verb verb_key_create = {
	.name = "key create",
	.summary = "make a key",
	.arguments = "",
	.examples = "cloister key create --description \"patients 2026\"",
	.options = create_options,
	.flags = CLI_PRINTS_DATA | CLI_CALLS,
	.run = create,
};
const struct cli_verb verb_key_ls = {
	.name = "key ls",
	.summary = "list the account's keys",
	.arguments = "",
	.examples = "cloister key ls --json",
	.flags = CLI_PRINTS_DATA | CLI_CALLS,
	.run = ls,
};
const struct cli_verb verb_key_show = {
	.name = "key show",
	.summary = "show one key",
	.arguments = "KEY",
	.details = KEY_DETAILS,
	.examples = "cloister key show alias/patients",
	.flags = CLI_PRINTS_DATA | CLI_CALLS,
	.arguments_min = 1,
	.arguments_max = 1,
	.run = show,
};
const struct cli_verb verb_key_policy = {
	.name = "key policy",
	.summary = "print or set who may do what with a key",
	.arguments = "KEY",
	.details = KEY_DETAILS,
	.examples = "cloister key policy alias/patients\ncloister key policy alias/patients --set policy.json",
	.options = policy_options,
	.flags = CLI_PRINTS_DATA | CLI_CALLS,
	.arguments_min = 1,
	.arguments_max = 1,
	.run = policy,
};
const struct cli_verb verb_key_enable = {
	.name = "key enable",
	.summary = "let a disabled key be used again",
	.arguments = "KEY",
	.details = KEY_DETAILS,
	.examples = "cloister key enable alias/patients",
	.flags = CLI_CALLS,
	.arguments_min = 1,
	.arguments_max = 1,
	.run = enable,
};
const struct cli_verb verb_key_disable = {
	.name = "key disable",
	.summary = "refuse every use of a key until it is enabled again",
	.arguments = "KEY",
	.details = KEY_DETAILS,
	.examples = "cloister key disable alias/patients",
	.flags = CLI_CALLS,
	.arguments_min = 1,
	.arguments_max = 1,
	.run = disable,
};
