/* Asking the evaluator with what the database holds about a caller. */
#include <stdio.h>
#include <string.h>

#include "iam/caller.h"
#include "iam/iam_internal.h"

/* The parsed policies of one question. */
struct loaded {
	struct iam_policy *owned[IAM_POLICIES_PER_IDENTITY_MAX + 3];
	size_t owned_count;
	char names[IAM_POLICIES_PER_IDENTITY_MAX][IAM_POLICY_NAME_BYTES_MAX + 16];
	struct iam_named_policy identity[IAM_POLICIES_PER_IDENTITY_MAX], boundary, session, resource;
	struct iam_policies policies;
};

static void loaded_clear(struct loaded *l)
{
	for (size_t i = 0; i < l->owned_count; i++)
		iam_policy_free(l->owned[i]);
	l->owned_count = 0;
}

/* Only what parsed was ever stored: what does not parse now was altered. Going on without it could drop a Deny. */
static int parse(struct loaded *l, struct slice document, enum iam_policy_kind kind, const char *name,
                 struct iam_named_policy *into, struct why *reterr_why)
{
	struct iam_policy *policy = NULL;
	int err = iam_policy_parse(document, kind, &policy, reterr_why);

	if (err_class(err) == ERR_INVALID || err_class(err) == ERR_LIMIT) {
		why_prefix(reterr_why, "%s in the keys database does not parse: ", name);
		return ERR_TAMPERED;
	}
	TRY(err);
	l->owned[l->owned_count++] = policy;
	*into = (struct iam_named_policy){policy, name};
	return ERR_OK;
}

/* Inline and attached policies, each row a name and a document. */
static int load_identity(struct iam *iam, const struct iam_identity *identity, struct loaded *l, struct why *reterr_why)
{
	struct iam_folded folded = iam_fold(slice_str(identity->name));
	struct slice texts[3] = {slice_str(identity->account),
	                         slice_str(identity->kind == IAM_KIND_USER ? "user" : "role"),
	                         iam_folded_slice(&folded)};
	struct db_stmt *s;
	bool row;
	int err = ERR_OK;

	TRY(iam_sql(iam,
	            "SELECT name, document FROM iam_inline WHERE account = ?1 AND kind = ?2 AND owner = ?3"
	            " UNION ALL SELECT m.name, m.document FROM iam_attachment a JOIN iam_managed m"
	            " ON m.account = a.account AND m.name = a.name"
	            " WHERE a.account = ?1 AND a.kind = ?2 AND a.owner = ?3",
	            texts, 3, &s, reterr_why));
	TRY(db_step(s, &row, reterr_why));
	while (row && err == ERR_OK) {
		size_t at = l->policies.identity_count;
		struct slice name = db_column(s, 0);

		if (at == IAM_POLICIES_PER_IDENTITY_MAX) {
			why_set(reterr_why, "more than %d policies of one identity", IAM_POLICIES_PER_IDENTITY_MAX);
			err = ERR_TAMPERED;
			break;
		}
		snprintf(l->names[at], sizeof l->names[at], "policy %.*s", (int)name.len, (const char *)name.ptr);
		err = parse(l, db_column(s, 1), IAM_POLICY_IDENTITY, l->names[at], &l->identity[at], reterr_why);
		if (err == ERR_OK) {
			l->policies.identity_count++;
			err = db_step(s, &row, reterr_why);
		}
	}
	db_reset(s);
	l->policies.identity = l->identity;
	return err;
}

static int load_boundary(struct iam *iam, const struct iam_identity *identity, struct loaded *l, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *document = NULL;
	int err;

	if (identity->boundary[0] == 0)
		return ERR_OK;
	TRY(buf_new(POLICY_BYTES_MAX, &document, reterr_why));
	err = iam_managed_get(iam, slice_str(identity->account), slice_str(identity->boundary), document, reterr_why);
	/* Without its boundary an identity could do more, not less. */
	ENSURE(err != ERR_NOTFOUND, ERR_TAMPERED, reterr_why, "the permissions boundary %s of %s is gone",
	       identity->boundary, identity->name);
	TRY(err);
	TRY(parse(l, buf_slice(document), IAM_POLICY_IDENTITY, "the permissions boundary", &l->boundary, reterr_why));
	l->policies.boundary = &l->boundary;
	return ERR_OK;
}

static int load(struct iam *iam, const struct iam_caller *c, const struct iam_question *q, struct loaded *l,
                struct why *reterr_why)
{
	if (c->principal.kind == IAM_USER || c->principal.kind == IAM_SESSION) {
		TRY(load_identity(iam, &c->identity, l, reterr_why));
		TRY(load_boundary(iam, &c->identity, l, reterr_why));
	}
	if (c->session && c->session->policy[0]) {
		TRY(parse(l, slice_str(c->session->policy), IAM_POLICY_IDENTITY, "the session's policy", &l->session,
		          reterr_why));
		l->policies.session = &l->session;
	}
	l->policies.resource_kind = q->resource_kind;
	if (q->resource_policy.len) {
		TRY(parse(l, q->resource_policy, q->is_trust ? IAM_POLICY_TRUST : IAM_POLICY_RESOURCE,
		          q->resource_policy_name ? q->resource_policy_name : "the resource's policy", &l->resource,
		          reterr_why));
		l->policies.resource = &l->resource;
	}
	return ERR_OK;
}

int iam_ask(struct iam *iam, const struct iam_caller *c, const struct iam_question *question,
            struct iam_decision *ret_decision, struct why *reterr_why)
{
	CLEANUP(loaded_clear) struct loaded l = {0};
	const struct iam_request request = {
		.principal = c->principal,
		.action = question->action,
		.resource = question->resource,
		.resource_account = question->resource_account,
		.context = question->context,
		.is_release = question->is_release,
	};

	TRY(load(iam, c, question, &l, reterr_why));
	iam_evaluate(&request, &l.policies, ret_decision);
	/* It names a policy that ends with this function. */
	ret_decision->policy = NULL;
	return ERR_OK;
}

/* What a refused caller learns: all about policies of their own account, and of others' only that they refuse. */
static const char *told(const struct iam_caller *c, const struct iam_question *question,
                        const struct iam_decision *decision)
{
	if (slice_equal(c->principal.account, question->resource_account))
		return decision->text.text;
	switch (decision->reason) {
	case IAM_REASON_EXPLICIT_DENY:
		return "a policy denies it";
	case IAM_REASON_NO_RESOURCE_ALLOW:
		return "no policy of the resource's owner allows it";
	default:
		return decision->text.text;
	}
}

int iam_ask_or_deny(struct iam *iam, const struct iam_caller *c, const struct iam_question *question,
                    struct why *reterr_why)
{
	struct iam_decision decision;

	TRY(iam_ask(iam, c, question, &decision, reterr_why));
	ENSURE(decision.is_allowed, ERR_DENIED, reterr_why,
	       "User: %.160s is not authorized to perform: %.*s on resource: %.*s because %.200s", c->arn,
	       (int)(question->action.len < 80 ? question->action.len : 80), (const char *)question->action.ptr,
	       (int)(question->resource.len < 120 ? question->resource.len : 120), (const char *)question->resource.ptr,
	       told(c, question, &decision));
	return ERR_OK;
}
