/* cloister data ls: the objects of a bucket. */
#include <stdio.h>

#include "base/limits.h"
#include "cli/s3.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "wire/form.h"
#include "wire/uri.h"

enum { TOKEN_BYTES_MAX = 4096, KEY_BYTES_MAX = 4096 };

static int put_target(const struct s3_name *name, const struct buf *token, struct buf *into, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *query = NULL;
	const struct s3_name bucket = {.bucket = name->bucket};

	TRY(buf_new(SIGV4_TARGET_BYTES_MAX, &query, reterr_why));
	if (buf_len(token))
		TRY(form_put(query, "continuation-token", buf_slice(token), reterr_why));
	/* Keys may hold characters that XML has no place for. */
	TRY(form_put(query, "encoding-type", slice_str("url"), reterr_why));
	TRY(form_put(query, "list-type", slice_str("2"), reterr_why));
	if (name->key.len)
		TRY(form_put(query, "prefix", name->key, reterr_why));
	buf_reset(into);
	TRY(s3_target_put(&bucket, into, reterr_why));
	TRY(buf_put_u8(into, '?', reterr_why));
	return buf_put(into, buf_slice(query), reterr_why);
}

static int add_object(struct table *t, const struct xml_node *node, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *key = NULL;
	struct slice cells[4] = {{0}};

	TRY(buf_new(KEY_BYTES_MAX, &key, reterr_why));
	TRY(xml_get_text(node, "Key", &cells[0], reterr_why));
	TRY(uri_decode_form(cells[0], key, reterr_why));
	cells[0] = buf_slice(key);
	TRY(xml_get_text(node, "Size", &cells[1], reterr_why));
	TRY(xml_get_text(node, "LastModified", &cells[2], reterr_why));
	TRY(xml_opt_text(node, "ETag", &cells[3], reterr_why));
	return table_add(t, cells, reterr_why);
}

static int list_page(struct client *c, const struct s3_name *name, struct table *t, struct buf *token,
                     struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *target = NULL;
	CLEANUP(buf_freep) struct buf *answer = NULL;
	CLEANUP(xml_freep) struct xml *doc = NULL;
	const struct xml_node *root;
	struct slice next = {0};

	TRY(buf_new(SIGV4_TARGET_BYTES_MAX, &target, reterr_why));
	TRY(buf_new(XML_BYTES_MAX, &answer, reterr_why));
	TRY(put_target(name, token, target, reterr_why));
	TRY(s3_call(c, "GET", target, answer, reterr_why));
	TRY(xml_read(buf_slice(answer), &doc, reterr_why));
	TRY(xml_root(doc, "ListBucketResult", &root, reterr_why));
	for (const struct xml_node *n = xml_child(root, "Contents"); n; n = xml_next(n, "Contents"))
		TRY(add_object(t, n, reterr_why));
	buf_reset(token);
	TRY(xml_opt_text(root, "NextContinuationToken", &next, reterr_why));
	return buf_put(token, next, reterr_why);
}

static int run(struct cli *cli, struct why *reterr_why)
{
	static const struct table_column columns[] = {{"key", "KEY", false, true},
	                                              {"size", "SIZE", true, false},
	                                              {"modified", "MODIFIED", false, false},
	                                              {"etag", "ETAG", false, true},
	                                              {0}};
	CLEANUP(client_freep) struct client *c = NULL;
	CLEANUP(table_freep) struct table *t = NULL;
	CLEANUP(buf_freep) struct buf *token = NULL;
	struct s3_name name;

	TRY(s3_name_parse(cli->arguments[0], false, &name, reterr_why));
	TRY(client_open(cli_value(cli, "profile"), &c, reterr_why));
	TRY(table_new(columns, &t, reterr_why));
	TRY(buf_new(TOKEN_BYTES_MAX, &token, reterr_why));
	do
		TRY(list_page(c, &name, t, token, reterr_why));
	while (buf_len(token));
	return table_show(t, "objects", cli->is_json, &cli->out, reterr_why);
}

const struct cli_verb verb_data_ls = {
	.name = "data ls",
	.summary = "list the objects of a bucket",
	.arguments = "BUCKET[/PREFIX]",
	.examples = "cloister data ls patients-2026\ncloister data ls patients-2026/2026-11- --json",
	.flags = CLI_PRINTS_DATA | CLI_CALLS,
	.arguments_min = 1,
	.arguments_max = 1,
	.run = run,
};
