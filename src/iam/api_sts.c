/* STS: GetCallerIdentity and AssumeRole. */
#include <string.h>

#include "iam/api_internal.h"

static int get_caller_identity(struct api_run *r, struct why *reterr_why)
{
	const struct iam_caller *caller = r->call->caller;

	(void)reterr_why;
	/* Needs no permission: who asks has proved it already. */
	xml_str(r->xml, "Arn", caller->arn);
	xml_str(r->xml, "UserId", caller->id);
	xml_str(r->xml, "Account", caller->account);
	return ERR_OK;
}

/* What stands behind the last '/' of a role's path and name. */
static struct slice name_in_path(struct slice path)
{
	const uint8_t *slash = path.len ? memrchr(path.ptr, '/', path.len) : NULL;
	size_t skip = slash ? (size_t)(slash - path.ptr) + 1 : 0;

	return slice_of(path.ptr + skip, path.len - skip);
}

/* arn:aws:iam::ACCOUNT:role/PATH/NAME -> account and name. */
static int read_role_arn(struct slice arn, struct slice *ret_account, struct slice *ret_name, struct why *reterr_why)
{
	const size_t prefix = strlen("arn:aws:iam::"), kind = strlen("role/");
	bool is_arn = slice_starts_with(arn, "arn:aws:iam::");
	struct cursor in = cursor_of(is_arn ? slice_of(arn.ptr + prefix, arn.len - prefix) : slice_of(NULL, 0));
	struct slice account;

	ENSURE(is_arn && cursor_take_until(&in, ':', &account, NULL) == ERR_OK && slice_starts_with(in.rest, "role/"),
	       ERR_INVALID, reterr_why, "RoleArn is \"%.*s\": the ARN of a role is expected",
	       (int)(arn.len < 200 ? arn.len : 200), (const char *)arn.ptr);
	*ret_account = account;
	*ret_name = name_in_path(slice_of(in.rest.ptr + kind, in.rest.len - kind));
	return ERR_OK;
}

static int ask_assume(struct api_run *r, const struct iam_identity *role, struct slice session_name,
                      struct why *reterr_why)
{
	CLEANUP(iam_context_freep) struct iam_context *context = NULL;
	struct slice external_id = api_opt(r, "ExternalId");
	struct iam_question question = {
		.action = slice_str("sts:AssumeRole"),
		.resource = slice_str(role->arn),
		.resource_account = slice_str(role->account),
		.resource_kind = IAM_RESOURCE_POLICY_REQUIRED,
		.resource_policy = slice_str(role->trust),
		.is_trust = true,
		.resource_policy_name = "the role's trust policy",
	};

	TRY(iam_context_new(&context, reterr_why));
	TRY(iam_caller_put_context(r->call->caller, r->call->circumstances, context, reterr_why));
	TRY(iam_context_put(context, "sts:RoleSessionName", session_name, reterr_why));
	if (external_id.len)
		TRY(iam_context_put(context, "sts:ExternalId", external_id, reterr_why));
	question.context = context;
	return iam_ask_or_deny(r->iam, r->call->caller, &question, reterr_why);
}

/* A role that is not there is denied in the words for one that does not trust the caller. */
static int find_role(struct api_run *r, struct slice arn, struct slice session_name, struct iam_identity *ret_role,
                     struct why *reterr_why)
{
	struct slice account, name;
	struct iam_identity role;
	int err;

	TRY(read_role_arn(arn, &account, &name, reterr_why));
	err = iam_identity_get(r->iam, IAM_KIND_ROLE, account, name, &role, NULL);
	if (err == ERR_OK && slice_is_str(arn, role.arn))
		err = ask_assume(r, &role, session_name, reterr_why);
	else if (err == ERR_OK)
		err = ERR_NOTFOUND;
	/* About roles of their own account callers are told why. */
	if (err == ERR_DENIED && slice_equal(account, api_account(r)))
		return err;
	ENSURE(err_class(err) != ERR_NOTFOUND && err_class(err) != ERR_DENIED, ERR_DENIED, reterr_why,
	       "User: %.200s is not authorized to perform: sts:AssumeRole on resource: %.*s", r->call->caller->arn,
	       (int)(arn.len < 200 ? arn.len : 200), (const char *)arn.ptr);
	TRY(err);
	*ret_role = role;
	return ERR_OK;
}

static void put_credentials(struct api_run *r, const struct iam_credentials *c)
{
	xml_open(r->xml, "Credentials");
	xml_str(r->xml, "AccessKeyId", c->access_key);
	xml_text(r->xml, "SecretAccessKey", slice_of(secret_peek(c->secret), secret_len(c->secret)));
	xml_str(r->xml, "SessionToken", c->token);
	api_put_time(r, "Expiration", c->expires_ms);
	xml_close(r->xml);
}

static int put_assumed(struct api_run *r, const struct iam_identity *role, struct slice name, struct why *reterr_why)
{
	CLEANUP(iam_caller_freep) struct iam_caller *assumed = NULL;

	TRY(iam_caller_of_role(r->iam, slice_str(role->account), slice_str(role->name), name, &assumed, reterr_why));
	TRY(api_note(r, "assumedRoleArn", assumed->arn, reterr_why));
	xml_open(r->xml, "AssumedRoleUser");
	xml_str(r->xml, "AssumedRoleId", assumed->id);
	xml_str(r->xml, "Arn", assumed->arn);
	xml_close(r->xml);
	return ERR_OK;
}

static int assume_role(struct api_run *r, struct why *reterr_why)
{
	CLEANUP(iam_credentials_clear) struct iam_credentials credentials = {0};
	struct iam_session_spec spec = {.policy = api_opt(r, "Policy"),
	                                .issued_ms = r->call->circumstances->now_ms,
	                                .lasts_s = IAM_SESSION_S_DEFAULT,
	                                .origin = r->call->reply_origin};
	/* A role assumed from a role's session lasts an hour at most, as with AWS. */
	uint64_t longest_s = r->call->caller->session ? IAM_SESSION_S_DEFAULT : IAM_SESSION_S_MAX;
	struct iam_identity role;
	struct slice arn;

	TRY(api_get(r, "RoleArn", &arn, reterr_why));
	TRY(api_get(r, "RoleSessionName", &spec.name, reterr_why));
	TRY(iam_name_check(spec.name, IAM_NAME_BYTES_MAX, reterr_why));
	TRY(api_opt_number(r, "DurationSeconds", IAM_SESSION_S_MIN, longest_s, &spec.lasts_s, reterr_why));
	TRY(find_role(r, arn, spec.name, &role, reterr_why));
	spec.role = &role;
	TRY(iam_session_issue(r->iam, &spec, &credentials, reterr_why));
	TRY(api_note(r, "accessKeyId", credentials.access_key, reterr_why));
	put_credentials(r, &credentials);
	return put_assumed(r, &role, spec.name, reterr_why);
}

const struct api_action api_sts_actions[] = {
	{"GetCallerIdentity", IAM_EFFECT_READS, get_caller_identity, (const char *const[]){NULL}, true},
	{"AssumeRole", IAM_EFFECT_MINTS, assume_role,
         (const char *const[]){"RoleArn", "RoleSessionName", "Policy", "DurationSeconds", "ExternalId", NULL}, true},
};
const size_t api_sts_actions_count = sizeof api_sts_actions / sizeof api_sts_actions[0];
