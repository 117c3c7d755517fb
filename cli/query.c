#include "cli/query.h"

#include <string.h>

#include "base/limits.h"
#include "wire/form.h"

enum { MARKER_BYTES = 1024 };

void query_clear(struct query *q)
{
	xml_free(q->doc);
	client_free(q->client);
	*q = (struct query){0};
}

int query_open(const struct cli *cli, struct query *ret_query, struct why *reterr_why)
{
	struct query q = {0};

	TRY(client_open(cli_value(cli, "profile"), &q.client, reterr_why));
	*ret_query = q;
	return ERR_OK;
}

int query_call(struct query *q, const char *service, const char *action, const char *const *parameters,
               struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *form = NULL;

	TRY(buf_new(FORM_BYTES_MAX, &form, reterr_why));
	for (; parameters && parameters[0]; parameters += 2)
		if (parameters[1])
			TRY(form_put(form, parameters[0], slice_str(parameters[1]), reterr_why));
	xml_freep(&q->doc);
	return client_query(q->client, service, action, form, &q->doc, &q->result, reterr_why);
}

static int add_row(struct table *t, const struct xml_node *node, const char *const *members, struct why *reterr_why)
{
	struct slice cells[TABLE_COLUMNS_MAX] = {{0}};

	for (size_t i = 0; members[i]; i++) {
		if (members[i][0] == 0)
			cells[i] = node->text;
		else
			TRY(xml_opt_text(node, members[i], &cells[i], reterr_why));
	}
	return table_add(t, cells, reterr_why);
}

static int add_page(const struct query *q, const struct query_list *list, struct table *t, struct buf *marker,
                    struct why *reterr_why)
{
	const struct xml_node *rows = xml_child(q->result, list->element);
	struct slice next = {0};

	for (const struct xml_node *n = rows ? xml_child(rows, "member") : NULL; n; n = xml_next(n, "member"))
		TRY(add_row(t, n, list->members, reterr_why));
	buf_reset(marker);
	TRY(xml_opt_text(q->result, "Marker", &next, reterr_why));
	return buf_put(marker, next, reterr_why);
}

int query_list(const struct cli *cli, const struct query_list *list, const char *parameter, const char *value,
               struct why *reterr_why)
{
	CLEANUP(query_clear) struct query q = {0};
	CLEANUP(table_freep) struct table *t = NULL;
	CLEANUP(buf_freep) struct buf *marker = NULL;
	const char *from;

	TRY(query_open(cli, &q, reterr_why));
	TRY(table_new(list->columns, &t, reterr_why));
	TRY(buf_new(MARKER_BYTES, &marker, reterr_why));
	do {
		TRY(buf_str(marker, &from, reterr_why));
		TRY(query_call(&q, list->service, list->action,
		               QUERY_PARAMETERS("Marker", from[0] ? from : NULL, parameter, value), reterr_why));
		TRY(add_page(&q, list, t, marker, reterr_why));
	} while (buf_len(marker));
	return table_show(t, list->json_name, cli->is_json, &cli->out, reterr_why);
}

int query_show(const struct cli *cli, const struct xml_node *node, const struct table_column *columns,
               const char *const *members, struct why *reterr_why)
{
	CLEANUP(table_freep) struct table *t = NULL;

	ENSURE(node, ERR_INVALID, reterr_why, "the server's answer lacks what was asked for");
	TRY(table_new(columns, &t, reterr_why));
	TRY(add_row(t, node, members, reterr_why));
	return table_show_one(t, cli->is_json, reterr_why);
}

int query_do(const struct cli *cli, const char *service, const char *action, const char *const *parameters,
             struct why *reterr_why)
{
	CLEANUP(query_clear) struct query q = {0};

	TRY(query_open(cli, &q, reterr_why));
	return query_call(&q, service, action, parameters, reterr_why);
}
