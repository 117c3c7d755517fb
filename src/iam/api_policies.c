/* The policies of users and roles, managed policies and permissions boundaries. */
#include <stdio.h>
#include <string.h>

#include "iam/api_internal.h"

static int put_inline(struct api_run *r, enum iam_kind kind, struct why *reterr_why)
{
	struct iam_identity owner;
	struct slice name, document;

	TRY(api_get(r, "PolicyName", &name, reterr_why));
	TRY(api_get(r, "PolicyDocument", &document, reterr_why));
	TRY(api_find(r, kind, &owner, reterr_why));
	return iam_inline_put(r->iam, &owner, name, document, reterr_why);
}

static int get_inline(struct api_run *r, enum iam_kind kind, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *document = NULL;
	struct iam_identity owner;
	struct slice name;

	TRY(api_get(r, "PolicyName", &name, reterr_why));
	TRY(api_find(r, kind, &owner, reterr_why));
	TRY(buf_new(POLICY_BYTES_MAX, &document, reterr_why));
	TRY(iam_inline_get(r->iam, &owner, name, document, reterr_why));
	xml_str(r->xml, kind == IAM_KIND_USER ? "UserName" : "RoleName", owner.name);
	xml_text(r->xml, "PolicyName", name);
	return api_put_document(r, "PolicyDocument", buf_slice(document), reterr_why);
}

struct listing {
	struct api_run *run;
	char last[IAM_POLICY_NAME_BYTES_MAX + 1];
};

static int put_name(void *self, struct slice name)
{
	struct listing *listing = self;

	TRY(slice_to_str(name, listing->last, sizeof listing->last, NULL));
	xml_text(listing->run->xml, "member", name);
	return ERR_OK;
}

static int list_inline(struct api_run *r, enum iam_kind kind, struct why *reterr_why)
{
	struct listing listing = {.run = r};
	uint64_t max = IAM_LIST_DEFAULT;
	struct iam_identity owner;
	bool more;

	TRY(api_opt_number(r, "MaxItems", 1, IAM_LIST_MAX, &max, reterr_why));
	TRY(api_find(r, kind, &owner, reterr_why));
	xml_open(r->xml, "PolicyNames");
	TRY(iam_inline_list(r->iam, &owner, api_opt(r, "Marker"), max, put_name, &listing, &more, reterr_why));
	xml_close(r->xml);
	api_list_end(r, more, listing.last);
	return ERR_OK;
}

static int delete_inline(struct api_run *r, enum iam_kind kind, struct why *reterr_why)
{
	struct iam_identity owner;
	struct slice name;

	TRY(api_get(r, "PolicyName", &name, reterr_why));
	TRY(api_find(r, kind, &owner, reterr_why));
	return iam_inline_delete(r->iam, &owner, name, reterr_why);
}

/* The name in a managed policy's ARN, which has to be one of the caller's account. */
static int policy_of_arn(struct api_run *r, const char *parameter, struct slice *ret_name, struct why *reterr_why)
{
	char prefix[64];
	struct slice arn;

	snprintf(prefix, sizeof prefix, "arn:aws:iam::%s:policy/", r->call->caller->account);
	TRY(api_get(r, parameter, &arn, reterr_why));
	ENSURE(slice_starts_with(arn, prefix), ERR_INVALID, reterr_why,
	       "%s is \"%.*s\": an ARN that begins with %s is expected", parameter,
	       (int)(arn.len < 200 ? arn.len : 200), (const char *)arn.ptr, prefix);
	*ret_name = slice_of(arn.ptr + strlen(prefix), arn.len - strlen(prefix));
	return iam_name_check(*ret_name, IAM_POLICY_NAME_BYTES_MAX, reterr_why);
}

static int ask_policy(struct api_run *r, struct slice name, char ret_arn[static IAM_ARN_BYTES_MAX],
                      struct why *reterr_why)
{
	TRY(iam_name_check(name, IAM_POLICY_NAME_BYTES_MAX, reterr_why));
	snprintf(ret_arn, IAM_ARN_BYTES_MAX, "arn:aws:iam::%s:policy/%.*s", r->call->caller->account, (int)name.len,
	         (const char *)name.ptr);
	return api_ask(r, ret_arn, reterr_why);
}

int api_create_policy(struct api_run *r, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *found = NULL;
	struct slice name, document;
	char arn[IAM_ARN_BYTES_MAX];
	int err;

	TRY(api_get(r, "PolicyName", &name, reterr_why));
	TRY(api_get(r, "PolicyDocument", &document, reterr_why));
	TRY(ask_policy(r, name, arn, reterr_why));
	TRY(buf_new(POLICY_BYTES_MAX, &found, reterr_why));
	err = iam_managed_get(r->iam, api_account(r), name, found, NULL);
	ENSURE(err != ERR_OK, IAM_ERR_EXISTS, reterr_why, "there is a policy %.*s already", (int)name.len,
	       (const char *)name.ptr);
	TRY(iam_managed_put(r->iam, api_account(r), name, document, r->call->circumstances->now_ms, reterr_why));
	TRY(api_note(r, "arn", arn, reterr_why));
	xml_open(r->xml, "Policy");
	xml_text(r->xml, "PolicyName", name);
	xml_str(r->xml, "Arn", arn);
	xml_str(r->xml, "DefaultVersionId", "v1");
	api_put_time(r, "CreateDate", r->call->circumstances->now_ms);
	xml_close(r->xml);
	return ERR_OK;
}

int api_delete_policy(struct api_run *r, struct why *reterr_why)
{
	char arn[IAM_ARN_BYTES_MAX];
	struct slice name;

	TRY(policy_of_arn(r, "PolicyArn", &name, reterr_why));
	TRY(ask_policy(r, name, arn, reterr_why));
	return iam_managed_delete(r->iam, api_account(r), name, reterr_why);
}

static int attach(struct api_run *r, enum iam_kind kind, struct why *reterr_why)
{
	struct iam_identity to;
	struct slice name;

	TRY(policy_of_arn(r, "PolicyArn", &name, reterr_why));
	TRY(api_find(r, kind, &to, reterr_why));
	return iam_managed_attach(r->iam, &to, name, reterr_why);
}

static int detach(struct api_run *r, enum iam_kind kind, struct why *reterr_why)
{
	struct iam_identity from;
	struct slice name;

	TRY(policy_of_arn(r, "PolicyArn", &name, reterr_why));
	TRY(api_find(r, kind, &from, reterr_why));
	return iam_managed_detach(r->iam, &from, name, reterr_why);
}

static int put_boundary(struct api_run *r, enum iam_kind kind, struct why *reterr_why)
{
	struct iam_identity of;
	struct slice name;

	TRY(policy_of_arn(r, "PermissionsBoundary", &name, reterr_why));
	TRY(api_find(r, kind, &of, reterr_why));
	return iam_identity_set_boundary(r->iam, kind, slice_str(of.account), slice_str(of.name), name, reterr_why);
}

static int delete_boundary(struct api_run *r, enum iam_kind kind, struct why *reterr_why)
{
	struct iam_identity of;

	TRY(api_find(r, kind, &of, reterr_why));
	return iam_identity_set_boundary(r->iam, kind, slice_str(of.account), slice_str(of.name), (struct slice){0},
	                                 reterr_why);
}

/* Each action for users and for roles. */
#define BOTH(of_user, of_role, action)                         \
	int of_user(struct api_run *r, struct why *reterr_why) \
	{                                                      \
		return action(r, IAM_KIND_USER, reterr_why);   \
	}                                                      \
	int of_role(struct api_run *r, struct why *reterr_why) \
	{                                                      \
		return action(r, IAM_KIND_ROLE, reterr_why);   \
	}

BOTH(api_put_user_policy, api_put_role_policy, put_inline)
BOTH(api_get_user_policy, api_get_role_policy, get_inline)
BOTH(api_list_user_policies, api_list_role_policies, list_inline)
BOTH(api_delete_user_policy, api_delete_role_policy, delete_inline)
BOTH(api_attach_user_policy, api_attach_role_policy, attach)
BOTH(api_detach_user_policy, api_detach_role_policy, detach)
BOTH(api_put_user_boundary, api_put_role_boundary, put_boundary)
BOTH(api_delete_user_boundary, api_delete_role_boundary, delete_boundary)
