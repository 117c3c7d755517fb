/* cloister role create, ls, rm: roles, which others may assume. */
#include "base/file.h"
#include "base/limits.h"
#include "cli/query.h"
#include "cli/verbs.h"

static const struct table_column columns[] = {
	{"name", "ROLE", false, false}, {"created", "CREATED", false, false}, {"arn", "ARN", false, true}, {0}};
static const char *const members[] = {"RoleName", "CreateDate", "Arn", NULL};

static int create(struct cli *cli, struct why *reterr_why)
{
	CLEANUP(query_clear) struct query q = {0};
	CLEANUP(buf_freep) struct buf *text = NULL;
	const char *trust;

	ENSURE(cli_has(cli, "trust"), ERR_INVALID, reterr_why,
	       "say who may assume the role: --trust FILE, a policy with Principal and sts:AssumeRole");
	TRY(buf_new(IAM_TRUST_BYTES_MAX, &text, reterr_why));
	TRY(file_read_given(cli_value(cli, "trust"), text, reterr_why));
	TRY(buf_str(text, &trust, reterr_why));
	TRY(query_open(cli, &q, reterr_why));
	TRY(query_call(&q, "iam", "CreateRole",
	               QUERY_PARAMETERS("RoleName", cli->arguments[0], "AssumeRolePolicyDocument", trust), reterr_why));
	return query_show(cli, xml_child(q.result, "Role"), columns, members, reterr_why);
}

static int ls(struct cli *cli, struct why *reterr_why)
{
	const struct query_list list = {"iam", "ListRoles", "Roles", "roles", columns, members};

	return query_list(cli, &list, NULL, NULL, reterr_why);
}

static int rm(struct cli *cli, struct why *reterr_why)
{
	return query_do(cli, "iam", "DeleteRole", QUERY_PARAMETERS("RoleName", cli->arguments[0]), reterr_why);
}

static const struct cli_option create_options[] = {
	{"trust", 0, "FILE", "the policy that says who may assume it", false},
	{0},
};

const struct cli_verb verb_role_create = {
	.name = "role create",
	.summary = "make a role",
	.arguments = "ROLE",
	.examples = "cloister role create trainer --trust trust.json",
	.options = create_options,
	.flags = CLI_PRINTS_DATA | CLI_CALLS,
	.arguments_min = 1,
	.arguments_max = 1,
	.run = create,
};
const struct cli_verb verb_role_ls = {
	.name = "role ls",
	.summary = "list the account's roles",
	.arguments = "",
	.examples = "cloister role ls",
	.flags = CLI_PRINTS_DATA | CLI_CALLS,
	.run = ls,
};
const struct cli_verb verb_role_rm = {
	.name = "role rm",
	.summary = "remove a role that has no policies any more",
	.arguments = "ROLE",
	.examples = "cloister role rm trainer",
	.flags = CLI_CALLS,
	.arguments_min = 1,
	.arguments_max = 1,
	.run = rm,
};
