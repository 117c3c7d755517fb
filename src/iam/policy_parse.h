/* policy_parse.h: what the parts of the policy parser share. Of src/iam only. */
#pragma once
#include "iam/policy_ast.h"
#include "wire/json.h"

struct policy_parser {
	struct iam_policy *policy;
	enum iam_policy_kind kind;
	bool has_variables; /* Version 2012-10-17 */
};

/* Compiles a text into the policy's arena; without variables in version 2008-10-17, where ${ is refused. */
MUST_USE int policy_parser_text(struct policy_parser *p, struct slice text, struct policy_text_rules rules,
                                struct policy_text *ret_text, struct why *reterr_why);

MUST_USE int policy_parse_conditions(struct policy_parser *p, const json_t *condition, struct policy_statement *into,
                                     struct why *reterr_why);

/* "*", or {"AWS": …, "Service": …, "Federated": …}. */
MUST_USE int policy_parse_principals(struct policy_parser *p, const json_t *principal, struct policy_statement *into,
                                     struct why *reterr_why);

/* Whether `s` is an account's id: twelve digits. */
bool policy_is_account(struct slice s);
