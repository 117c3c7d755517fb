/* policy.h: one policy document of the IAM JSON policy grammar, read strictly (docs/protocol/policy.md).
 *
 * What the grammar does not name is refused with its name, and so is every value that its operator could never compare:
 * a policy that is not understood must not be stored, let alone evaluated. */
#pragma once
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/slice.h"

struct iam_policy;

enum iam_policy_kind {
	IAM_POLICY_IDENTITY, /* of a user or role, a permission boundary, a session: no Principal, a Resource */
	IAM_POLICY_RESOURCE, /* of a key or bucket: a Principal and a Resource */
	IAM_POLICY_TRUST,    /* of a role: a Principal, no Resource */
};

/* Reads a document into a policy that borrows nothing from it. ERR_INVALID with the statement and element at fault,
 * ERR_LIMIT (limits.h: POLICY_*). */
MUST_USE int iam_policy_parse(struct slice json, enum iam_policy_kind kind, struct iam_policy **ret_policy,
                              struct why *reterr_why);
void iam_policy_free(struct iam_policy *p);
void iam_policy_freep(struct iam_policy **p);

size_t iam_policy_statements(const struct iam_policy *p);
