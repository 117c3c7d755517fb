/* evaluate.h: whether a request is allowed, by which statement, or for want of what (docs/protocol/policy.md).
 *
 * A pure function: it reads no clock and no database, allocates nothing and can not fail. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"
#include "iam/context.h"
#include "iam/policy.h"

enum iam_principal_kind {
	IAM_ANONYMOUS, /* nobody proved anything; matches "*" only */
	IAM_ROOT,      /* an account's root user */
	IAM_USER,
	IAM_SESSION, /* an assumed role */
	IAM_SERVICE, /* a part of this installation that acts for itself */
};

struct iam_principal {
	enum iam_principal_kind kind;
	struct slice account;  /* twelve digits; empty for the anonymous and for services */
	struct slice arn;      /* of a session: arn:…:sts::…:assumed-role/role/session; of a service: its name */
	struct slice role_arn; /* of a session: its role's */
};

/* What a resource's own policy means beside the policies of identities. */
enum iam_resource_policy {
	IAM_RESOURCE_POLICY_NONE,       /* the resource has none: identities of its own account only */
	IAM_RESOURCE_POLICY_SUFFICIENT, /* buckets: either side allows within the account */
	IAM_RESOURCE_POLICY_REQUIRED,   /* keys, and roles to be assumed: their own policy must allow, if only by naming
	                                 * the account and so leaving it to the account's identity policies */
};

/* A policy with what to call it in sentences: "the key policy of alias/rows". */
struct iam_named_policy {
	const struct iam_policy *policy;
	const char *name;
};

struct iam_request {
	struct iam_principal principal;
	struct slice action;           /* "kms:Decrypt" */
	struct slice resource;         /* an ARN, or "*" for actions that have none */
	struct slice resource_account; /* who owns it */
	const struct iam_context *context;
	bool is_release; /* keys leave for an attested environment: the stricter rules of protocols 3 */
};

struct iam_policies {
	const struct iam_named_policy *identity;
	size_t identity_count;
	const struct iam_named_policy *boundary; /* NULL: there is none */
	const struct iam_named_policy *session;  /* NULL: there is none */
	enum iam_resource_policy resource_kind;
	const struct iam_named_policy *resource; /* NULL: it has none, which allows nobody */
};

enum iam_reason {
	IAM_REASON_ALLOWED,
	IAM_REASON_EXPLICIT_DENY,
	IAM_REASON_NO_IDENTITY_ALLOW,
	IAM_REASON_NO_RESOURCE_ALLOW,
	IAM_REASON_BOUNDARY,
	IAM_REASON_SESSION_POLICY,
	IAM_REASON_NO_TEE, /* a release without exactly one cloister:Tee */
};

struct iam_decision {
	bool is_allowed;
	enum iam_reason reason;
	const struct iam_named_policy *policy; /* that decided, or NULL */
	size_t statement;                      /* its number in there, from 1; 0 if none decided */
	struct why text;                       /* the whole of it as a sentence */
};

void iam_evaluate(const struct iam_request *request, const struct iam_policies *policies,
                  struct iam_decision *ret_decision);

/* A short name for a reason, for records: "explicit-deny". Static. */
const char *iam_reason_name(enum iam_reason reason);
