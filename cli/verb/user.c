/* cloister user create, ls, rm: the account's users. */
#include "cli/query.h"
#include "cli/verbs.h"

static const struct table_column columns[] = {
	{"name", "USER", false, false}, {"created", "CREATED", false, false}, {"arn", "ARN", false, true}, {0}};
static const char *const members[] = {"UserName", "CreateDate", "Arn", NULL};

static int create(struct cli *cli, struct why *reterr_why)
{
	CLEANUP(query_clear) struct query q = {0};

	TRY(query_open(cli, &q, reterr_why));
	TRY(query_call(&q, "iam", "CreateUser", QUERY_PARAMETERS("UserName", cli->arguments[0]), reterr_why));
	return query_show(cli, xml_child(q.result, "User"), columns, members, reterr_why);
}

static int ls(struct cli *cli, struct why *reterr_why)
{
	const struct query_list list = {"iam", "ListUsers", "Users", "users", columns, members};

	return query_list(cli, &list, NULL, NULL, reterr_why);
}

static int rm(struct cli *cli, struct why *reterr_why)
{
	return query_do(cli, "iam", "DeleteUser", QUERY_PARAMETERS("UserName", cli->arguments[0]), reterr_why);
}

const struct cli_verb verb_user_create = {
	.name = "user create",
	.summary = "make a user, who may do nothing yet",
	.arguments = "USER",
	.examples = "cloister user create alice",
	.flags = CLI_PRINTS_DATA | CLI_CALLS,
	.arguments_min = 1,
	.arguments_max = 1,
	.run = create,
};
const struct cli_verb verb_user_ls = {
	.name = "user ls",
	.summary = "list the account's users",
	.arguments = "",
	.examples = "cloister user ls",
	.flags = CLI_PRINTS_DATA | CLI_CALLS,
	.run = ls,
};
const struct cli_verb verb_user_rm = {
	.name = "user rm",
	.summary = "remove a user who has neither policies nor access keys any more",
	.arguments = "USER",
	.examples = "cloister user rm alice",
	.flags = CLI_CALLS,
	.arguments_min = 1,
	.arguments_max = 1,
	.run = rm,
};
