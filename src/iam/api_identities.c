/* Users and roles, and their access keys. */
#include <stdio.h>
#include <string.h>

#include "iam/api_internal.h"

int api_put_identity(struct api_run *r, const struct iam_identity *i, struct why *reterr_why)
{
	bool is_user = i->kind == IAM_KIND_USER;
	char boundary[IAM_ARN_BYTES_MAX];

	xml_str(r->xml, "Path", i->path);
	xml_str(r->xml, is_user ? "UserName" : "RoleName", i->name);
	xml_str(r->xml, is_user ? "UserId" : "RoleId", i->id);
	xml_str(r->xml, "Arn", i->arn);
	api_put_time(r, "CreateDate", i->created_ms);
	if (!is_user) {
		TRY(api_put_document(r, "AssumeRolePolicyDocument", slice_str(i->trust), reterr_why));
		xml_u64(r->xml, "MaxSessionDuration", i->max_session_s);
	}
	if (i->boundary[0]) {
		snprintf(boundary, sizeof boundary, "arn:aws:iam::%s:policy/%s", i->account, i->boundary);
		xml_open(r->xml, "PermissionsBoundary");
		xml_str(r->xml, "PermissionsBoundaryType", "Policy");
		xml_str(r->xml, "PermissionsBoundaryArn", boundary);
		xml_close(r->xml);
	}
	return ERR_OK;
}

/* Asks for what does not exist yet, by the name and path that it will have. */
static int ask_new(struct api_run *r, const char *noun, struct slice path, struct slice name, struct why *reterr_why)
{
	char resource[IAM_ARN_BYTES_MAX];

	TRY(iam_name_check(name, IAM_NAME_BYTES_MAX, reterr_why));
	ENSURE(path.len <= IAM_PATH_BYTES_MAX, ERR_INVALID, reterr_why,
	       "a path of %zu characters; at most %d are accepted", path.len, IAM_PATH_BYTES_MAX);
	snprintf(resource, sizeof resource, "arn:aws:iam::%s:%s%.*s%.*s", r->call->caller->account, noun,
	         path.len ? (int)path.len : 1, path.len ? (const char *)path.ptr : "/", (int)name.len,
	         (const char *)name.ptr);
	return api_ask(r, resource, reterr_why);
}

static int create(struct api_run *r, const struct iam_identity_spec *spec, const char *element, struct why *reterr_why)
{
	struct iam_identity made;

	TRY(iam_identity_create(r->iam, spec, r->call->circumstances->now_ms, &made, reterr_why));
	TRY(api_note(r, "arn", made.arn, reterr_why));
	xml_open(r->xml, element);
	TRY(api_put_identity(r, &made, reterr_why));
	xml_close(r->xml);
	return ERR_OK;
}

int api_create_user(struct api_run *r, struct why *reterr_why)
{
	struct iam_identity_spec spec = {.kind = IAM_KIND_USER, .account = api_account(r), .path = api_opt(r, "Path")};

	TRY(api_get(r, "UserName", &spec.name, reterr_why));
	TRY(ask_new(r, "user", spec.path, spec.name, reterr_why));
	return create(r, &spec, "User", reterr_why);
}

int api_create_role(struct api_run *r, struct why *reterr_why)
{
	struct iam_identity_spec spec = {.kind = IAM_KIND_ROLE, .account = api_account(r), .path = api_opt(r, "Path")};
	uint64_t max_session_s = IAM_SESSION_S_DEFAULT;

	TRY(api_get(r, "RoleName", &spec.name, reterr_why));
	TRY(api_get(r, "AssumeRolePolicyDocument", &spec.trust, reterr_why));
	TRY(api_opt_number(r, "MaxSessionDuration", IAM_SESSION_S_DEFAULT, IAM_SESSION_S_MAX, &max_session_s,
	                   reterr_why));
	spec.max_session_s = (uint32_t)max_session_s;
	TRY(ask_new(r, "role", spec.path, spec.name, reterr_why));
	return create(r, &spec, "Role", reterr_why);
}

/* A root user has no name and is nobody's entity. */
static int put_root_user(struct api_run *r, struct why *reterr_why)
{
	const struct iam_caller *caller = r->call->caller;
	struct iam_account account;

	TRY(iam_account_get(r->iam, api_account(r), &account, reterr_why));
	xml_open(r->xml, "User");
	xml_str(r->xml, "UserId", caller->account);
	xml_str(r->xml, "Arn", caller->arn);
	api_put_time(r, "CreateDate", account.created_ms);
	xml_close(r->xml);
	return ERR_OK;
}

int api_get_user(struct api_run *r, struct why *reterr_why)
{
	struct iam_identity found;

	if (api_opt(r, "UserName").len == 0 && r->call->caller->principal.kind == IAM_ROOT)
		return put_root_user(r, reterr_why);
	TRY(api_find(r, IAM_KIND_USER, &found, reterr_why));
	xml_open(r->xml, "User");
	TRY(api_put_identity(r, &found, reterr_why));
	xml_close(r->xml);
	return ERR_OK;
}

int api_get_role(struct api_run *r, struct why *reterr_why)
{
	struct iam_identity found;

	TRY(api_find(r, IAM_KIND_ROLE, &found, reterr_why));
	xml_open(r->xml, "Role");
	TRY(api_put_identity(r, &found, reterr_why));
	xml_close(r->xml);
	return ERR_OK;
}

struct listing {
	struct api_run *run;
	char last[IAM_NAME_BYTES_MAX + 1];
};

static int put_member(void *self, const struct iam_identity *identity)
{
	struct listing *listing = self;

	memcpy(listing->last, identity->name, sizeof listing->last);
	xml_open(listing->run->xml, "member");
	TRY(api_put_identity(listing->run, identity, NULL));
	xml_close(listing->run->xml);
	return ERR_OK;
}

static int list(struct api_run *r, enum iam_kind kind, const char *element, const char *resource,
                struct why *reterr_why)
{
	struct listing listing = {.run = r};
	uint64_t max = IAM_LIST_DEFAULT;
	char arn[64];
	bool more;

	snprintf(arn, sizeof arn, "arn:aws:iam::%s:%s", r->call->caller->account, resource);
	TRY(api_opt_number(r, "MaxItems", 1, IAM_LIST_MAX, &max, reterr_why));
	TRY(api_ask(r, arn, reterr_why));
	xml_open(r->xml, element);
	TRY(iam_identity_list(r->iam, kind, api_account(r), api_opt(r, "Marker"), max, put_member, &listing, &more,
	                      reterr_why));
	xml_close(r->xml);
	api_list_end(r, more, listing.last);
	return ERR_OK;
}

int api_list_users(struct api_run *r, struct why *reterr_why)
{
	return list(r, IAM_KIND_USER, "Users", "user/", reterr_why);
}

int api_list_roles(struct api_run *r, struct why *reterr_why)
{
	return list(r, IAM_KIND_ROLE, "Roles", "role/", reterr_why);
}

static int delete(struct api_run *r, enum iam_kind kind, struct why *reterr_why)
{
	struct iam_identity found;

	TRY(api_find(r, kind, &found, reterr_why));
	return iam_identity_delete(r->iam, kind, slice_str(found.account), slice_str(found.name), reterr_why);
}

int api_delete_user(struct api_run *r, struct why *reterr_why)
{
	return delete (r, IAM_KIND_USER, reterr_why);
}

int api_delete_role(struct api_run *r, struct why *reterr_why)
{
	return delete (r, IAM_KIND_ROLE, reterr_why);
}

int api_update_trust(struct api_run *r, struct why *reterr_why)
{
	struct iam_identity found;
	struct slice document;

	TRY(api_get(r, "PolicyDocument", &document, reterr_why));
	TRY(api_find(r, IAM_KIND_ROLE, &found, reterr_why));
	return iam_role_set_trust(r->iam, slice_str(found.account), slice_str(found.name), document, reterr_why);
}

/* Whose access keys are meant: the named user's, the caller's, or the root user's (an empty name). */
static int find_key_owner(struct api_run *r, char ret_name[static IAM_NAME_BYTES_MAX + 1], struct why *reterr_why)
{
	struct iam_identity found;

	if (api_opt(r, "UserName").len == 0 && r->call->caller->principal.kind == IAM_ROOT) {
		ret_name[0] = 0;
		return ERR_OK;
	}
	TRY(api_find(r, IAM_KIND_USER, &found, reterr_why));
	memcpy(ret_name, found.name, sizeof found.name);
	return ERR_OK;
}

int api_create_access_key(struct api_run *r, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *secret = NULL;
	char user[IAM_NAME_BYTES_MAX + 1];
	struct iam_access_key key;

	TRY(find_key_owner(r, user, reterr_why));
	TRY(iam_access_key_create(r->iam, api_account(r), slice_str(user), r->call->reply_origin,
	                          r->call->circumstances->now_ms, &key, &secret, reterr_why));
	TRY(api_note(r, "accessKeyId", key.id, reterr_why));
	xml_open(r->xml, "AccessKey");
	xml_str(r->xml, "UserName", key.user);
	xml_str(r->xml, "AccessKeyId", key.id);
	xml_str(r->xml, "Status", "Active");
	xml_text(r->xml, "SecretAccessKey", slice_of(secret_peek(secret), secret_len(secret)));
	api_put_time(r, "CreateDate", key.created_ms);
	xml_close(r->xml);
	return ERR_OK;
}

static int put_key(void *self, const struct iam_access_key *key)
{
	struct api_run *r = self;

	xml_open(r->xml, "member");
	xml_str(r->xml, "UserName", key->user);
	xml_str(r->xml, "AccessKeyId", key->id);
	xml_str(r->xml, "Status", key->is_active ? "Active" : "Inactive");
	api_put_time(r, "CreateDate", key->created_ms);
	xml_close(r->xml);
	return ERR_OK;
}

int api_list_access_keys(struct api_run *r, struct why *reterr_why)
{
	char user[IAM_NAME_BYTES_MAX + 1];

	TRY(find_key_owner(r, user, reterr_why));
	if (user[0])
		xml_str(r->xml, "UserName", user);
	xml_open(r->xml, "AccessKeyMetadata");
	TRY(iam_access_key_list(r->iam, api_account(r), slice_str(user), put_key, r, reterr_why));
	xml_close(r->xml);
	api_list_end(r, false, "");
	return ERR_OK;
}

int api_update_access_key(struct api_run *r, struct why *reterr_why)
{
	char user[IAM_NAME_BYTES_MAX + 1];
	struct slice id, status;

	TRY(api_get(r, "AccessKeyId", &id, reterr_why));
	TRY(api_get(r, "Status", &status, reterr_why));
	ENSURE(slice_is_str(status, "Active") || slice_is_str(status, "Inactive"), ERR_INVALID, reterr_why,
	       "Status is \"%.*s\": Active or Inactive is expected", (int)(status.len < 40 ? status.len : 40),
	       (const char *)status.ptr);
	TRY(find_key_owner(r, user, reterr_why));
	return iam_access_key_set_active(r->iam, api_account(r), slice_str(user), id, slice_is_str(status, "Active"),
	                                 reterr_why);
}

int api_delete_access_key(struct api_run *r, struct why *reterr_why)
{
	char user[IAM_NAME_BYTES_MAX + 1];
	struct slice id;

	TRY(api_get(r, "AccessKeyId", &id, reterr_why));
	TRY(find_key_owner(r, user, reterr_why));
	return iam_access_key_delete(r->iam, api_account(r), slice_str(user), id, reterr_why);
}
