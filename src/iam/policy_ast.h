/* policy_ast.h: a policy as it stands parsed. Of src/iam only. Everything lies in the policy's arena. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iam/arena.h"
#include "iam/policy.h"
#include "iam/policy_text.h"

enum principal_kind {
	PRINCIPAL_ANY,       /* "*" */
	PRINCIPAL_ACCOUNT,   /* an account's id, or its root ARN */
	PRINCIPAL_ARN,       /* a user, a role, or a role's session */
	PRINCIPAL_SERVICE,   /* sagemaker.amazonaws.com */
	PRINCIPAL_FEDERATED, /* an identity provider */
};

struct policy_principal {
	enum principal_kind kind;
	struct slice text; /* of an account: the twelve digits */
};

/* How two values are compared; the operators are these, some of them negated. */
enum comparison {
	COMPARE_STRING,
	COMPARE_STRING_NOCASE,
	COMPARE_PATTERN,
	COMPARE_EQUAL,
	COMPARE_LESS,
	COMPARE_LESS_EQUAL,
	COMPARE_GREATER,
	COMPARE_GREATER_EQUAL,
	COMPARE_BOOL,
	COMPARE_BINARY,
	COMPARE_ADDRESS,
	COMPARE_ARN,
	COMPARE_NULL,
};

/* What the values of a comparison are. */
enum value_kind {
	VALUE_TEXT,
	VALUE_NUMBER,
	VALUE_DATE,
	VALUE_BOOL,
	VALUE_BINARY,
	VALUE_NETWORK,
};

enum set_operator {
	SET_NONE,
	SET_ANY, /* ForAnyValue: */
	SET_ALL, /* ForAllValues: */
};

struct policy_condition {
	struct slice operator_name; /* as written, for sentences */
	struct slice key_name;      /* as written */
	struct slice key;           /* canonical */
	bool is_claim;
	enum comparison comparison;
	enum value_kind value_kind;
	bool is_negated;
	bool if_exists;
	enum set_operator set;
	const struct policy_text *values; /* of VALUE_TEXT compiled, of the rest the source only */
	size_t count;
};

struct policy_statement {
	struct slice sid; /* may be empty */
	bool is_allow;
	bool not_principal, not_action, not_resource;
	const struct policy_principal *principals;
	size_t principal_count;
	const struct policy_text *actions;
	size_t action_count;
	const struct policy_text *resources; /* none in a trust policy */
	size_t resource_count;
	const struct policy_condition *conditions;
	size_t condition_count;
};

struct iam_policy {
	struct arena arena;
	const struct policy_statement *statements;
	size_t count;
};

/* Fills a condition's operator from its name: StringEquals … with ForAnyValue: or ForAllValues: before and IfExists
 * after it. ERR_INVALID names what is not known. */
MUST_USE int policy_operator_read(struct slice name, struct policy_condition *into, struct why *reterr_why);

/* Whether a value of a condition can be compared at all. */
MUST_USE int policy_value_check(const struct policy_condition *c, struct slice value, struct why *reterr_why);

/* Whether a context's value stands to a policy's value as the condition's comparison says. */
enum truth policy_value_compare(const struct policy_condition *c, const struct policy_text *value,
                                const struct policy_scope *scope, struct slice subject);
