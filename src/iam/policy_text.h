/* policy_text.h: a text of a policy that may hold wildcards and variables, and matching it. Of src/iam only.
 *
 * Variables (IAM "Policy elements: Variables and tags"): ${key}, ${key, 'default'}, and ${*} ${?} ${$} for the
 * characters themselves. What a variable stands for is never a wildcard. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/slice.h"
#include "iam/arena.h"
#include "iam/context.h"

/* A unit of a text: a byte, a wildcard, or a variable's number. */
enum {
	UNIT_ANY_RUN = 0x100, /* '*' */
	UNIT_ANY_ONE = 0x101, /* '?' */
	UNIT_VARIABLE = 0x200,
};

struct policy_variable {
	struct slice key; /* canonical */
	bool is_claim;
	bool has_default;
	struct slice fallback;
};

struct policy_text {
	struct slice source; /* as written */
	const uint16_t *units;
	size_t count;
	bool has_wildcard;
	size_t variable_count;
	const struct policy_variable *variables;
};

/* How a text is to be read. */
struct policy_text_rules {
	bool wildcards; /* '*' and '?' are wildcards, not characters */
	bool variables; /* ${…} is a variable */
};

/* Compiles `source`, of which it keeps a copy, into the arena. ERR_INVALID for a variable that is not well-formed. */
MUST_USE int policy_text_compile(struct arena *a, struct slice source, struct policy_text_rules rules,
                                 struct policy_text *ret_text, struct why *reterr_why);

/* What a comparison gives. A claim is a key of the attestation set. Greater is stronger: see condition.c. */
enum truth {
	TRUTH_NO,
	TRUTH_UNKNOWN,       /* a variable without a value, or a value that the operator can not read */
	TRUTH_UNKNOWN_CLAIM, /* the same, and it was a claim that was missing or unreadable */
	TRUTH_YES,
};

/* For whom a text is matched. */
struct policy_scope {
	const struct iam_context *context;
	bool is_allow;
	bool is_release;
};

/* Whether the whole of `subject` is as the text says. */
enum truth policy_text_matches(const struct policy_text *t, const struct policy_scope *scope, struct slice subject,
                               bool ignore_case);

/* Whether an ARN is, each of its six components on its own; `subject` must be policy_is_arn(). */
enum truth policy_text_matches_arn(const struct policy_text *t, const struct policy_scope *scope, struct slice subject);

/* Whether `s` begins with "arn:" and has six components. */
bool policy_is_arn(struct slice s);
