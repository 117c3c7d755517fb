#include "iam/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "iam/api_internal.h"
#include "wire/percent.h"
#include "wire/utf8.h"

/* Lists of a thousand users with their ARNs. */
enum { BODY_BYTES_MAX = 4 << 20 };

#define PARAMETERS(...)                         \
	.parameters = (const char *const[])     \
	{                                       \
		__VA_ARGS__ __VA_OPT__(, ) NULL \
	}
#define WITH_RESULT .has_result = true

const struct api_action api_iam_actions[] = {
	{"CreateUser", IAM_EFFECT_MINTS, api_create_user, PARAMETERS("UserName", "Path"), WITH_RESULT},
	{"GetUser", IAM_EFFECT_READS, api_get_user, PARAMETERS("UserName"), WITH_RESULT},
	{"ListUsers", IAM_EFFECT_READS, api_list_users, PARAMETERS("Marker", "MaxItems"), WITH_RESULT},
	{"DeleteUser", IAM_EFFECT_SETS, api_delete_user, PARAMETERS("UserName")},
	{"CreateRole", IAM_EFFECT_MINTS, api_create_role,
         PARAMETERS("RoleName", "Path", "AssumeRolePolicyDocument", "MaxSessionDuration", "Description"), WITH_RESULT},
	{"GetRole", IAM_EFFECT_READS, api_get_role, PARAMETERS("RoleName"), WITH_RESULT},
	{"ListRoles", IAM_EFFECT_READS, api_list_roles, PARAMETERS("Marker", "MaxItems"), WITH_RESULT},
	{"DeleteRole", IAM_EFFECT_SETS, api_delete_role, PARAMETERS("RoleName")},
	{"UpdateAssumeRolePolicy", IAM_EFFECT_SETS, api_update_trust, PARAMETERS("RoleName", "PolicyDocument")},
	{"PutUserPolicy", IAM_EFFECT_SETS, api_put_user_policy, PARAMETERS("UserName", "PolicyName", "PolicyDocument")},
	{"GetUserPolicy", IAM_EFFECT_READS, api_get_user_policy, PARAMETERS("UserName", "PolicyName"), WITH_RESULT},
	{"ListUserPolicies", IAM_EFFECT_READS, api_list_user_policies, PARAMETERS("UserName", "Marker", "MaxItems"),
         WITH_RESULT},
	{"DeleteUserPolicy", IAM_EFFECT_SETS, api_delete_user_policy, PARAMETERS("UserName", "PolicyName")},
	{"PutRolePolicy", IAM_EFFECT_SETS, api_put_role_policy, PARAMETERS("RoleName", "PolicyName", "PolicyDocument")},
	{"GetRolePolicy", IAM_EFFECT_READS, api_get_role_policy, PARAMETERS("RoleName", "PolicyName"), WITH_RESULT},
	{"ListRolePolicies", IAM_EFFECT_READS, api_list_role_policies, PARAMETERS("RoleName", "Marker", "MaxItems"),
         WITH_RESULT},
	{"DeleteRolePolicy", IAM_EFFECT_SETS, api_delete_role_policy, PARAMETERS("RoleName", "PolicyName")},
	{"CreatePolicy", IAM_EFFECT_MINTS, api_create_policy, PARAMETERS("PolicyName", "PolicyDocument"), WITH_RESULT},
	{"DeletePolicy", IAM_EFFECT_SETS, api_delete_policy, PARAMETERS("PolicyArn")},
	{"AttachUserPolicy", IAM_EFFECT_SETS, api_attach_user_policy, PARAMETERS("UserName", "PolicyArn")},
	{"AttachRolePolicy", IAM_EFFECT_SETS, api_attach_role_policy, PARAMETERS("RoleName", "PolicyArn")},
	{"DetachUserPolicy", IAM_EFFECT_SETS, api_detach_user_policy, PARAMETERS("UserName", "PolicyArn")},
	{"DetachRolePolicy", IAM_EFFECT_SETS, api_detach_role_policy, PARAMETERS("RoleName", "PolicyArn")},
	{"PutUserPermissionsBoundary", IAM_EFFECT_SETS, api_put_user_boundary,
         PARAMETERS("UserName", "PermissionsBoundary")},
	{"PutRolePermissionsBoundary", IAM_EFFECT_SETS, api_put_role_boundary,
         PARAMETERS("RoleName", "PermissionsBoundary")},
	{"DeleteUserPermissionsBoundary", IAM_EFFECT_SETS, api_delete_user_boundary, PARAMETERS("UserName")},
	{"DeleteRolePermissionsBoundary", IAM_EFFECT_SETS, api_delete_role_boundary, PARAMETERS("RoleName")},
	{"CreateAccessKey", IAM_EFFECT_MINTS, api_create_access_key, PARAMETERS("UserName"), WITH_RESULT},
	{"ListAccessKeys", IAM_EFFECT_READS, api_list_access_keys, PARAMETERS("UserName", "Marker", "MaxItems"),
         WITH_RESULT},
	{"UpdateAccessKey", IAM_EFFECT_SETS, api_update_access_key, PARAMETERS("UserName", "AccessKeyId", "Status")},
	{"DeleteAccessKey", IAM_EFFECT_SETS, api_delete_access_key, PARAMETERS("UserName", "AccessKeyId")},
};
const size_t api_iam_actions_count = sizeof api_iam_actions / sizeof api_iam_actions[0];

static const struct {
	int err;
	const char *code;
	int status;
} errors[] = {
	{API_ERR_ACTION, "InvalidAction", 400},  {IAM_ERR_EXISTS, "EntityAlreadyExists", 409},
	{IAM_ERR_IN_USE, "DeleteConflict", 409}, {IAM_ERR_POLICY, "MalformedPolicyDocument", 400},
	{ERR_INVALID, "ValidationError", 400},   {ERR_DENIED, "AccessDenied", 403},
	{ERR_NOTFOUND, "NoSuchEntity", 404},     {ERR_CONFLICT, "ConcurrentModification", 409},
	{ERR_LIMIT, "LimitExceeded", 409},       {ERR_UNAVAILABLE, "ServiceUnavailable", 503},
};

const char *api_error_code(int err, int *ret_status)
{
	for (int by_class = 0; by_class < 2; by_class++) {
		for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
			if (errors[i].err == (by_class ? (int)err_class(err) : err)) {
				*ret_status = errors[i].status;
				return errors[i].code;
			}
		}
	}
	*ret_status = 500;
	return "ServiceFailure";
}

void iam_reply_free(struct iam_reply *reply)
{
	if (!reply)
		return;
	buf_free(reply->body);
	json_decref(reply->request_parameters);
	json_decref(reply->response_elements);
	free(reply);
}

void iam_reply_freep(struct iam_reply **reply)
{
	iam_reply_free(*reply);
	*reply = NULL;
}

int api_get(struct api_run *r, const char *name, struct slice *ret_value, struct why *reterr_why)
{
	return form_get(r->form, name, ret_value, reterr_why);
}

struct slice api_opt(struct api_run *r, const char *name)
{
	struct slice value = {0};

	(void)form_find(r->form, name, &value);
	return value;
}

int api_opt_number(struct api_run *r, const char *name, uint64_t min, uint64_t max, uint64_t *inout_value,
                   struct why *reterr_why)
{
	struct slice text = api_opt(r, name);
	uint64_t value;

	if (text.len == 0)
		return ERR_OK;
	ENSURE(slice_to_u64(text, max, &value, NULL) == ERR_OK && value >= min, ERR_INVALID, reterr_why,
	       "%s is \"%.*s\": a number from %llu to %llu is expected", name, (int)(text.len < 40 ? text.len : 40),
	       (const char *)text.ptr, (unsigned long long)min, (unsigned long long)max);
	*inout_value = value;
	return ERR_OK;
}

struct slice api_account(const struct api_run *r)
{
	return slice_str(r->call->caller->account);
}

int api_ask(struct api_run *r, const char *resource, struct why *reterr_why)
{
	CLEANUP(iam_context_freep) struct iam_context *context = NULL;
	char action[64];
	struct iam_question question = {.resource = slice_str(resource),
	                                .resource_account = api_account(r),
	                                .resource_kind = IAM_RESOURCE_POLICY_NONE};

	snprintf(action, sizeof action, "iam:%s", r->reply->event_name);
	question.action = slice_str(action);
	TRY(iam_context_new(&context, reterr_why));
	TRY(iam_caller_put_context(r->call->caller, r->call->circumstances, context, reterr_why));
	question.context = context;
	return iam_ask_or_deny(r->iam, r->call->caller, &question, reterr_why);
}

int api_find(struct api_run *r, enum iam_kind kind, struct iam_identity *ret_identity, struct why *reterr_why)
{
	const struct iam_caller *caller = r->call->caller;
	const char *noun = kind == IAM_KIND_USER ? "user" : "role";
	char resource[IAM_ARN_BYTES_MAX];
	struct iam_identity found;
	struct slice name;
	struct why missing;
	int err;

	/* Users may leave out their own name. */
	if (kind == IAM_KIND_USER && api_opt(r, "UserName").len == 0 && caller->principal.kind == IAM_USER)
		name = slice_str(caller->user_name);
	else
		TRY(api_get(r, kind == IAM_KIND_USER ? "UserName" : "RoleName", &name, reterr_why));
	TRY(iam_name_check(name, IAM_NAME_BYTES_MAX, reterr_why));
	err = iam_identity_get(r->iam, kind, api_account(r), name, &found, &missing);
	if (err != ERR_OK && err != ERR_NOTFOUND) {
		why_set(reterr_why, "%s", missing.text);
		return err;
	}
	snprintf(resource, sizeof resource, "arn:aws:iam::%s:%s/%.*s", caller->account, noun, (int)name.len,
	         (const char *)name.ptr);
	TRY(api_ask(r, err == ERR_OK ? found.arn : resource, reterr_why));
	ENSURE(err == ERR_OK, err, reterr_why, "%s", missing.text);
	*ret_identity = found;
	return ERR_OK;
}

int api_note(struct api_run *r, const char *name, const char *value, struct why *reterr_why)
{
	return json_set_str(r->reply->response_elements, name, slice_str(value), reterr_why);
}

void api_list_end(struct api_run *r, bool is_truncated, const char *marker)
{
	xml_bool(r->xml, "IsTruncated", is_truncated);
	if (is_truncated)
		xml_str(r->xml, "Marker", marker);
}

void api_put_time(struct api_run *r, const char *name, uint64_t wall_ms)
{
	char text[TIME_RFC3339_BYTES];

	time_format(wall_ms, text);
	xml_str(r->xml, name, text);
}

int api_put_document(struct api_run *r, const char *name, struct slice document, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *encoded = NULL;

	TRY(buf_new(3 * POLICY_BYTES_MAX, &encoded, reterr_why));
	TRY(percent_encode_put(encoded, document, NULL, reterr_why));
	xml_text(r->xml, name, buf_slice(encoded));
	return ERR_OK;
}

static bool is_known(const struct api_action *action, struct slice name)
{
	if (slice_is_str(name, "Action") || slice_is_str(name, "Version"))
		return true;
	for (const char *const *known = action->parameters; *known; known++)
		if (slice_is_str(name, *known))
			return true;
	return false;
}

/* Refuses unknown parameters, and notes the known ones for the record. */
static int take_parameters(struct api_run *r, const struct api_action *action, struct why *reterr_why)
{
	for (size_t i = 0; i < form_count(r->form); i++) {
		struct form_pair pair = form_at(r->form, i);
		char name[64];

		ENSURE(is_known(action, pair.name), ERR_INVALID, reterr_why, "%s has no parameter %.*s here",
		       action->name, (int)(pair.name.len < 80 ? pair.name.len : 80), (const char *)pair.name.ptr);
		if (slice_is_str(pair.name, "Action") || slice_is_str(pair.name, "Version"))
			continue;
		TRY(slice_to_str(pair.name, name, sizeof name, reterr_why));
		TRY(json_set_str(r->reply->request_parameters, name, pair.value, reterr_why));
	}
	return ERR_OK;
}

static const struct api_action *find_action(const char *service, const struct form *form)
{
	bool is_sts = strcmp(service, "sts") == 0;
	const struct api_action *actions = is_sts ? api_sts_actions : api_iam_actions;
	size_t count = is_sts ? api_sts_actions_count : api_iam_actions_count;
	struct slice name = {0};

	(void)form_find(form, "Action", &name);
	for (size_t i = 0; i < count; i++)
		if (slice_is_str(name, actions[i].name))
			return &actions[i];
	return NULL;
}

int api_no_action(const char *service, struct why *reterr_why)
{
	why_set(reterr_why, "the service %s has no such action here", service);
	return API_ERR_ACTION;
}

int iam_api_effect(const char *service, const struct form *form, enum iam_effect *ret_effect, struct why *reterr_why)
{
	const struct api_action *action = find_action(service, form);

	if (!action)
		return api_no_action(service, reterr_why);
	*ret_effect = action->effect;
	return ERR_OK;
}

static const char *namespace_of(const char *service)
{
	return strcmp(service, "sts") == 0 ? "https://sts.amazonaws.com/doc/2011-06-15/"
	                                   : "https://iam.amazonaws.com/doc/2010-05-08/";
}

static int write_answer(struct api_run *r, const struct api_action *action, const char *service, struct why *reterr_why)
{
	struct xml_writer w;
	char response[64], result[64];

	snprintf(response, sizeof response, "%sResponse", action->name);
	snprintf(result, sizeof result, "%sResult", action->name);
	xml_begin(&w, r->reply->body);
	xml_open_ns(&w, response, namespace_of(service));
	if (action->has_result)
		xml_open(&w, result);
	r->xml = &w;
	TRY(action->run(r, reterr_why));
	if (action->has_result)
		xml_close(&w);
	xml_open(&w, "ResponseMetadata");
	xml_str(&w, "RequestId", r->call->request_id);
	xml_close(&w);
	xml_close(&w);
	return xml_finish(&w, reterr_why);
}

/* A sentence that was cut within a character, or quotes bytes that are no text, must not make the reply fail. */
struct slice api_message(struct iam_reply *reply)
{
	if (reply->status >= 500)
		return slice_str("The service failed; try again later");
	if (!utf8_is_valid(slice_str(reply->why.text)))
		for (char *c = reply->why.text; *c; c++)
			*c = (unsigned char)*c < 0x80 ? *c : '?';
	return slice_str(reply->why.text);
}

static int write_error(struct iam_reply *reply, const struct iam_api_call *call, const char *service,
                       struct why *reterr_why)
{
	struct xml_writer w;

	buf_reset(reply->body);
	reply->error_code = api_error_code(reply->err, &reply->status);
	xml_begin(&w, reply->body);
	xml_open_ns(&w, "ErrorResponse", namespace_of(service));
	xml_open(&w, "Error");
	xml_str(&w, "Type", reply->status < 500 ? "Sender" : "Receiver");
	xml_str(&w, "Code", reply->error_code);
	xml_text(&w, "Message", api_message(reply));
	xml_close(&w);
	xml_str(&w, "RequestId", call->request_id);
	xml_close(&w);
	return xml_finish(&w, reterr_why);
}

int api_reply_new(struct iam_reply **ret_reply, struct why *reterr_why)
{
	CLEANUP(iam_reply_freep) struct iam_reply *reply = calloc(1, sizeof *reply);

	ENSURE(reply, ERR_UNAVAILABLE, reterr_why, "out of memory for a reply");
	reply->status = 200;
	reply->event_name = "";
	reply->request_parameters = json_object();
	reply->response_elements = json_object();
	ENSURE(reply->request_parameters && reply->response_elements, ERR_UNAVAILABLE, reterr_why,
	       "out of memory for a reply");
	TRY(buf_new(BODY_BYTES_MAX, &reply->body, reterr_why));
	*ret_reply = take_ptr(reply);
	return ERR_OK;
}

int iam_api_query(struct iam *iam, const struct iam_api_call *call, const char *service, const struct form *form,
                  struct iam_reply **ret_reply, struct why *reterr_why)
{
	CLEANUP(iam_reply_freep) struct iam_reply *reply = NULL;
	const struct api_action *action = find_action(service, form);
	struct api_run run = {.iam = iam, .call = call, .form = form};

	TRY(api_reply_new(&reply, reterr_why));
	reply->event_source = strcmp(service, "sts") == 0 ? "sts.amazonaws.com" : "iam.amazonaws.com";
	run.reply = reply;
	if (action) {
		reply->event_name = action->name;
		reply->effect = action->effect;
		reply->err = take_parameters(&run, action, &reply->why);
		if (reply->err == ERR_OK)
			reply->err = write_answer(&run, action, service, &reply->why);
	} else {
		reply->err = api_no_action(service, &reply->why);
	}
	if (reply->err != ERR_OK)
		TRY(write_error(reply, call, service, reterr_why));
	*ret_reply = take_ptr(reply);
	return ERR_OK;
}
