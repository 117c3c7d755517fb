/* cloister bucket create, ls, rm. */
#include "base/limits.h"
#include "cli/s3.h"
#include "cli/table.h"
#include "cli/verbs.h"

/* PUT or DELETE of the bucket that the verb names. */
static int change(const struct cli *cli, const char *method, struct why *reterr_why)
{
	CLEANUP(client_freep) struct client *c = NULL;
	CLEANUP(buf_freep) struct buf *target = NULL;
	CLEANUP(buf_freep) struct buf *answer = NULL;
	struct s3_name name;

	TRY(s3_name_parse(cli->arguments[0], false, &name, reterr_why));
	ENSURE(name.key.len == 0, ERR_INVALID, reterr_why, "\"%.100s\" is no name of a bucket: it holds a slash",
	       cli->arguments[0]);
	TRY(buf_new(SIGV4_TARGET_BYTES_MAX, &target, reterr_why));
	TRY(buf_new(XML_BYTES_MAX, &answer, reterr_why));
	TRY(s3_target_put(&name, target, reterr_why));
	TRY(client_open(cli_value(cli, "profile"), &c, reterr_why));
	return s3_call(c, method, target, answer, reterr_why);
}

static int create(struct cli *cli, struct why *reterr_why)
{
	return change(cli, "PUT", reterr_why);
}

static int rm(struct cli *cli, struct why *reterr_why)
{
	return change(cli, "DELETE", reterr_why);
}

static int ls(struct cli *cli, struct why *reterr_why)
{
	static const struct table_column columns[] = {
		{"name", "BUCKET", false, true}, {"created", "CREATED", false, false}, {0}};
	const struct client_call call = {.service = "s3", .method = "GET", .target = slice_str("/")};
	CLEANUP(client_freep) struct client *c = NULL;
	CLEANUP(buf_freep) struct buf *answer = NULL;
	CLEANUP(table_freep) struct table *t = NULL;
	CLEANUP(xml_freep) struct xml *doc = NULL;
	const struct xml_node *root, *list;
	struct slice cells[2];

	TRY(buf_new(XML_BYTES_MAX, &answer, reterr_why));
	TRY(table_new(columns, &t, reterr_why));
	TRY(client_open(cli_value(cli, "profile"), &c, reterr_why));
	TRY(client_call(c, &call, answer, reterr_why));
	TRY(xml_read(buf_slice(answer), &doc, reterr_why));
	TRY(xml_root(doc, "ListAllMyBucketsResult", &root, reterr_why));
	list = xml_child(root, "Buckets");
	for (const struct xml_node *n = list ? xml_child(list, "Bucket") : NULL; n; n = xml_next(n, "Bucket")) {
		TRY(xml_get_text(n, "Name", &cells[0], reterr_why));
		TRY(xml_get_text(n, "CreationDate", &cells[1], reterr_why));
		TRY(table_add(t, cells, reterr_why));
	}
	return table_show(t, "buckets", cli->is_json, &cli->out, reterr_why);
}

const struct cli_verb verb_bucket_create = {
	.name = "bucket create",
	.summary = "make a bucket",
	.arguments = "BUCKET",
	.details = "Names of buckets are one for the whole installation.",
	.examples = "cloister bucket create patients-2026",
	.flags = CLI_CALLS,
	.arguments_min = 1,
	.arguments_max = 1,
	.run = create,
};
const struct cli_verb verb_bucket_ls = {
	.name = "bucket ls",
	.summary = "list the account's buckets",
	.arguments = "",
	.examples = "cloister bucket ls",
	.flags = CLI_PRINTS_DATA | CLI_CALLS,
	.run = ls,
};
const struct cli_verb verb_bucket_rm = {
	.name = "bucket rm",
	.summary = "remove a bucket that is empty",
	.arguments = "BUCKET",
	.examples = "cloister bucket rm patients-2026",
	.flags = CLI_CALLS,
	.arguments_min = 1,
	.arguments_max = 1,
	.run = rm,
};
