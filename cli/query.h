/* query.h: verbs over IAM and STS, whose calls are forms and whose answers are XML. */
#pragma once
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/table.h"

/* One call and its answer. */
struct query {
	struct client *client;
	struct xml *doc;
	const struct xml_node *result; /* borrowed from doc */
};
void query_clear(struct query *q);

/* Opens the client of the verb. */
MUST_USE int query_open(const struct cli *cli, struct query *ret_query, struct why *reterr_why);

/* Calls an action with parameters name, value, …, NULL; those whose value is NULL are left out. What the last call
 * answered is gone. */
MUST_USE int query_call(struct query *q, const char *service, const char *action, const char *const *parameters,
                        struct why *reterr_why);

#define QUERY_PARAMETERS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A column whose field in the answer is an element. */
struct query_list {
	const char *service, *action;
	const char *element; /* of the result, that holds <member>s */
	const char *json_name;
	const struct table_column *columns;
	const char *const *members; /* the element of a member for each column; "" is the member's own text */
};

/* Lists page after page, and prints. */
MUST_USE int query_list(const struct cli *cli, const struct query_list *list, const char *parameter, const char *value,
                        struct why *reterr_why);

/* Prints one thing: the elements `members` of `node`. */
MUST_USE int query_show(const struct cli *cli, const struct xml_node *node, const struct table_column *columns,
                        const char *const *members, struct why *reterr_why);

/* Opens a client, calls, and prints nothing. */
MUST_USE int query_do(const struct cli *cli, const char *service, const char *action, const char *const *parameters,
                      struct why *reterr_why);
