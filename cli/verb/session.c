/* cloister session whoami: whom the installation takes the caller for. */
#include "cli/query.h"
#include "cli/verbs.h"

static int whoami(struct cli *cli, struct why *reterr_why)
{
	static const struct table_column columns[] = {{"account", "Account", false, false},
	                                              {"arn", "ARN", false, false},
	                                              {"user_id", "User id", false, false},
	                                              {0}};
	static const char *const members[] = {"Account", "Arn", "UserId", NULL};
	CLEANUP(query_clear) struct query q = {0};

	TRY(query_open(cli, &q, reterr_why));
	TRY(query_call(&q, "sts", "GetCallerIdentity", NULL, reterr_why));
	return query_show(cli, q.result, columns, members, reterr_why);
}

const struct cli_verb verb_session_whoami = {
	.name = "session whoami",
	.summary = "say whom the installation takes you for",
	.arguments = "",
	.examples = "cloister session whoami",
	.flags = CLI_PRINTS_DATA | CLI_CALLS,
	.run = whoami,
};
