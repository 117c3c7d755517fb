/* cloister policy put, get, ls, rm: the policies of a user or a role. */
#include <stdio.h>

#include "base/file.h"
#include "base/limits.h"
#include "cli/query.h"
#include "cli/verbs.h"
#include "wire/uri.h"

/* Whose policy: exactly one of --user and --role. Actions differ by a word in their name. */
struct whose {
	const char *parameter, *name;
	bool is_role;
};

static int read_whose(const struct cli *cli, struct whose *ret_whose, struct why *reterr_why)
{
	const char *user = cli_value(cli, "user"), *role = cli_value(cli, "role");

	ENSURE(!user != !role, ERR_INVALID, reterr_why, "say whose policy it is: --user USER or --role ROLE");
	*ret_whose = (struct whose){role ? "RoleName" : "UserName", role ? role : user, role != NULL};
	return ERR_OK;
}

static int put(struct cli *cli, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *text = NULL;
	const char *document;
	struct whose w;

	TRY(read_whose(cli, &w, reterr_why));
	TRY(buf_new(IAM_POLICY_BYTES_MAX, &text, reterr_why));
	TRY(file_read_given(cli->arguments[1], text, reterr_why));
	TRY(buf_str(text, &document, reterr_why));
	return query_do(
		cli, "iam", w.is_role ? "PutRolePolicy" : "PutUserPolicy",
		QUERY_PARAMETERS(w.parameter, w.name, "PolicyName", cli->arguments[0], "PolicyDocument", document),
		reterr_why);
}

static int get(struct cli *cli, struct why *reterr_why)
{
	CLEANUP(query_clear) struct query q = {0};
	CLEANUP(buf_freep) struct buf *text = NULL;
	struct slice document;
	struct whose w;

	TRY(read_whose(cli, &w, reterr_why));
	TRY(query_open(cli, &q, reterr_why));
	TRY(query_call(&q, "iam", w.is_role ? "GetRolePolicy" : "GetUserPolicy",
	               QUERY_PARAMETERS(w.parameter, w.name, "PolicyName", cli->arguments[0]), reterr_why));
	TRY(xml_get_text(q.result, "PolicyDocument", &document, reterr_why));
	TRY(buf_new(IAM_POLICY_BYTES_MAX, &text, reterr_why));
	TRY(uri_decode(document, text, reterr_why));
	printf("%.*s\n", (int)buf_len(text), (const char *)buf_slice(text).ptr);
	return ERR_OK;
}

static int ls(struct cli *cli, struct why *reterr_why)
{
	static const struct table_column columns[] = {{"name", "POLICY", false, false}, {0}};
	static const char *const members[] = {"", NULL};
	struct query_list list = {"iam", "ListUserPolicies", "PolicyNames", "policies", columns, members};
	struct whose w;

	TRY(read_whose(cli, &w, reterr_why));
	if (w.is_role)
		list.action = "ListRolePolicies";
	return query_list(cli, &list, w.parameter, w.name, reterr_why);
}

static int rm(struct cli *cli, struct why *reterr_why)
{
	struct whose w;

	TRY(read_whose(cli, &w, reterr_why));
	return query_do(cli, "iam", w.is_role ? "DeleteRolePolicy" : "DeleteUserPolicy",
	                QUERY_PARAMETERS(w.parameter, w.name, "PolicyName", cli->arguments[0]), reterr_why);
}

static const struct cli_option options[] = {
	{"user", 'u', "USER", "the user whose policy it is", false},
	{"role", 'r', "ROLE", "the role whose policy it is", false},
	{0},
};

const struct cli_verb verb_policy_put = {
	.name = "policy put",
	.summary = "put a policy of a user or a role in force",
	.arguments = "NAME FILE",
	.examples = "cloister policy put read-only read-only.json --user alice",
	.options = options,
	.flags = CLI_CALLS,
	.arguments_min = 2,
	.arguments_max = 2,
	.run = put,
};
const struct cli_verb verb_policy_get = {
	.name = "policy get",
	.summary = "print a policy of a user or a role",
	.arguments = "NAME",
	.examples = "cloister policy get read-only --user alice",
	.options = options,
	.flags = CLI_PRINTS_DATA | CLI_CALLS,
	.arguments_min = 1,
	.arguments_max = 1,
	.run = get,
};
const struct cli_verb verb_policy_ls = {
	.name = "policy ls",
	.summary = "list the policies of a user or a role",
	.arguments = "",
	.examples = "cloister policy ls --role trainer",
	.options = options,
	.flags = CLI_PRINTS_DATA | CLI_CALLS,
	.run = ls,
};
const struct cli_verb verb_policy_rm = {
	.name = "policy rm",
	.summary = "take a policy away from a user or a role",
	.arguments = "NAME",
	.examples = "cloister policy rm read-only --user alice",
	.options = options,
	.flags = CLI_CALLS,
	.arguments_min = 1,
	.arguments_max = 1,
	.run = rm,
};
