/* policy_case.h: one line of tests/vectors/policy/<name>.jsonl: policies, a request, and what the answer must be.
 *
 * {"name":…, "as":"user|root|session|service|anonymous", "account":…, "arn":…, "role":…, "action":…, "resource":…,
 *  "owner":…, "release":bool, "context":{key:[value, …]}, "identity":[policy, …], "boundary":policy,
 *  "session":policy, "kind":"none|sufficient|required", "policy":policy, "trust":bool,
 *  "expect":reason or "invalid", "says":part of the sentence}
 *
 * Without "as" it is user/ann of account 111111111111; without "action", "resource" and "owner" it is kms:Decrypt on a
 * key of that account. */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "iam/evaluate.h"

/* Evaluates a case. *ret_reason is the reason's name, or "invalid" if a policy or the context is refused; *ret_expected
 * and *ret_says are what the case wants of them ("" if nothing). ERR_INVALID for a case that is itself malformed. */
struct policy_case_result {
	char name[160], reason[32], expected[32], says[160];
	struct why text;
};
MUST_USE int policy_case_run(struct slice line, struct policy_case_result *ret_result, struct why *reterr_why);
