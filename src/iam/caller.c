#include "iam/caller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "iam/iam_internal.h"

void iam_caller_free(struct iam_caller *c)
{
	if (c)
		iam_session_free(c->session);
	free(c);
}

void iam_caller_freep(struct iam_caller **c)
{
	iam_caller_free(*c);
	*c = NULL;
}

static int new_caller(struct iam *iam, const char *account, const char *access_key, struct iam_caller **ret_caller,
                      struct why *reterr_why)
{
	CLEANUP(iam_caller_freep) struct iam_caller *c = calloc(1, sizeof *c);
	struct iam_account found;

	ENSURE(c, ERR_UNAVAILABLE, reterr_why, "out of memory for a caller");
	TRY(iam_account_get(iam, slice_str(account), &found, reterr_why));
	c->is_operator = found.is_operator;
	memcpy(c->account, found.id, sizeof c->account);
	TRY(slice_to_str(slice_str(access_key), c->access_key, sizeof c->access_key, reterr_why));
	*ret_caller = take_ptr(c);
	return ERR_OK;
}

/* Once all texts are in their places. */
static void point(struct iam_caller *c, enum iam_principal_kind kind)
{
	c->principal = (struct iam_principal){kind, slice_str(c->account), slice_str(c->arn), slice_str(c->role_arn)};
}

int iam_caller_of_key(struct iam *iam, const struct iam_access_key *key, struct iam_caller **ret_caller,
                      struct why *reterr_why)
{
	CLEANUP(iam_caller_freep) struct iam_caller *c = NULL;

	TRY(new_caller(iam, key->account, key->id, &c, reterr_why));
	c->origin = key->origin;
	if (key->user[0] == 0) {
		snprintf(c->arn, sizeof c->arn, "arn:aws:iam::%s:root", c->account);
		memcpy(c->id, c->account, sizeof c->account);
		point(c, IAM_ROOT);
	} else {
		TRY(iam_identity_get(iam, IAM_KIND_USER, slice_str(key->account), slice_str(key->user), &c->identity,
		                     reterr_why));
		memcpy(c->arn, c->identity.arn, sizeof c->arn);
		memcpy(c->user_name, c->identity.name, sizeof c->user_name);
		memcpy(c->id, c->identity.id, sizeof c->identity.id);
		point(c, IAM_USER);
	}
	*ret_caller = take_ptr(c);
	return ERR_OK;
}

int iam_caller_anonymous(struct iam_caller **ret_caller, struct why *reterr_why)
{
	struct iam_caller *c = calloc(1, sizeof *c);

	ENSURE(c, ERR_UNAVAILABLE, reterr_why, "out of memory for a caller");
	point(c, IAM_ANONYMOUS);
	*ret_caller = c;
	return ERR_OK;
}

int iam_caller_of_role(struct iam *iam, struct slice account, struct slice role, struct slice session_name,
                       struct iam_caller **ret_caller, struct why *reterr_why)
{
	CLEANUP(iam_caller_freep) struct iam_caller *c = NULL;
	char name[IAM_NAME_BYTES_MAX + 1];
	struct iam_identity found;

	TRY(iam_identity_get(iam, IAM_KIND_ROLE, account, role, &found, reterr_why));
	TRY(iam_name_check(session_name, IAM_NAME_BYTES_MAX, reterr_why));
	TRY(slice_to_str(session_name, name, sizeof name, reterr_why));
	TRY(new_caller(iam, found.account, "", &c, reterr_why));
	c->identity = found;
	c->origin = IAM_ORIGIN_SEALED;
	memcpy(c->role_arn, found.arn, sizeof c->role_arn);
	snprintf(c->arn, sizeof c->arn, "arn:aws:sts::%s:assumed-role/%s/%s", c->account, found.name, name);
	snprintf(c->id, sizeof c->id, "%s:%s", found.id, name);
	point(c, IAM_SESSION);
	*ret_caller = take_ptr(c);
	return ERR_OK;
}

int iam_caller_of_session(struct iam *iam, const char *access_key, struct iam_session *session,
                          struct iam_caller **ret_caller, struct why *reterr_why)
{
	CLEANUP(iam_session_freep) struct iam_session *owned = session;
	CLEANUP(iam_caller_freep) struct iam_caller *c = NULL;

	TRY(iam_caller_of_role(iam, slice_str(owned->account), slice_str(owned->role), slice_str(owned->name), &c,
	                       reterr_why));
	/* A role that was deleted and made again is another role. */
	ENSURE(strcmp(c->identity.id, owned->role_id) == 0, ERR_NOTFOUND, reterr_why,
	       "the role of this session was deleted");
	TRY(slice_to_str(slice_str(access_key), c->access_key, sizeof c->access_key, reterr_why));
	c->origin = owned->origin;
	c->session = take_ptr(owned);
	*ret_caller = take_ptr(c);
	return ERR_OK;
}

static int put_principal(const struct iam_caller *c, struct iam_context *context, struct why *reterr_why)
{
	static const char *const types[] = {
		[IAM_ANONYMOUS] = "Anonymous", [IAM_ROOT] = "Account",       [IAM_USER] = "User",
		[IAM_SESSION] = "AssumedRole", [IAM_SERVICE] = "AWSService",
	};
	const char *arn = c->principal.kind == IAM_SESSION ? c->role_arn : c->arn;

	TRY(iam_context_put(context, "aws:PrincipalType", slice_str(types[c->principal.kind]), reterr_why));
	if (c->principal.kind == IAM_ANONYMOUS)
		return ERR_OK;
	/* Of a session it is the role's ARN, as documented. */
	TRY(iam_context_put(context, "aws:PrincipalArn", slice_str(arn), reterr_why));
	TRY(iam_context_put(context, "aws:PrincipalAccount", slice_str(c->account), reterr_why));
	TRY(iam_context_put(context, "aws:userid", slice_str(c->id), reterr_why));
	if (c->user_name[0])
		TRY(iam_context_put(context, "aws:username", slice_str(c->user_name), reterr_why));
	return iam_context_put(context, "cloister:CredentialOrigin", slice_str(iam_origin_name(c->origin)), reterr_why);
}

int iam_caller_put_context(const struct iam_caller *c, const struct iam_circumstances *circumstances,
                           struct iam_context *context, struct why *reterr_why)
{
	char moment[TIME_RFC3339_BYTES], seconds[24];

	TRY(put_principal(c, context, reterr_why));
	time_format(circumstances->now_ms, moment);
	snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)(circumstances->now_ms / 1000));
	TRY(iam_context_put(context, "aws:CurrentTime", slice_str(moment), reterr_why));
	TRY(iam_context_put(context, "aws:EpochTime", slice_str(seconds), reterr_why));
	TRY(iam_context_put(context, "aws:SecureTransport", slice_str(circumstances->is_secure ? "true" : "false"),
	                    reterr_why));
	if (circumstances->source_ip)
		TRY(iam_context_put(context, "aws:SourceIp", slice_str(circumstances->source_ip), reterr_why));
	if (!c->session)
		return ERR_OK;
	time_format(c->session->issued_ms, moment);
	TRY(iam_context_put(context, "aws:TokenIssueTime", slice_str(moment), reterr_why));
	return iam_session_put_claims(c->session, context, reterr_why);
}
