#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iam/api.h"
#include "wire/xml.h"
#include "world.h"

/* Who calls in these tests. */
struct caller {
	struct iam_caller *is;
	struct secret *secret;
};

static void clear(struct caller *c)
{
	iam_caller_freep(&c->is);
	secret_freep(&c->secret);
}

static struct caller caller_of(struct world *w, const struct iam_account *account, const char *user)
{
	struct caller c = {0};
	struct iam_access_key key = world_key(w, account, user, &c.secret);

	assert_int_equal(iam_caller_of_key(w->iam, &key, &c.is, NULL), ERR_OK);
	return c;
}

static const struct iam_circumstances now = {.now_ms = NOW_MS, .source_ip = "192.0.2.1", .is_secure = true};

static struct iam_reply *call(struct world *w, const struct iam_caller *caller, const char *service, const char *form)
{
	CLEANUP(form_freep) struct form *f = NULL;
	struct iam_api_call c = {caller, &now, "11111111-2222-3333-4444-555555555555", IAM_ORIGIN_SEALED};
	struct iam_reply *reply = NULL;
	struct why why = {{0}};

	if (form_read(slice_str(form), FORM_BODY, FORM_REPEATS_REFUSED, &f, &why) != ERR_OK ||
	    iam_api_query(w->iam, &c, service, f, &reply, &why) != ERR_OK)
		fail_msg("%s", why.text);
	return reply;
}

/* Calls, and gives the text of the element at a path ("CreateUserResult/User/Arn") below the root in `out`. */
static void answered(struct world *w, const struct iam_caller *caller, const char *service, const char *form,
                     const char *path, char *out, size_t size)
{
	CLEANUP(iam_reply_freep) struct iam_reply *reply = call(w, caller, service, form);
	CLEANUP(xml_freep) struct xml *doc = NULL;
	const struct xml_node *node;
	char root[80], part[64];

	if (reply->status != 200)
		fail_msg("%s: %s", form, reply->why.text);
	assert_null(reply->error_code);
	assert_int_equal(xml_read(buf_slice(reply->body), &doc, NULL), ERR_OK);
	snprintf(root, sizeof root, "%sResponse", reply->event_name);
	assert_int_equal(xml_root(doc, root, &node, NULL), ERR_OK);
	assert_non_null(xml_child(node, "ResponseMetadata"));
	while (path && *path) {
		size_t len = strcspn(path, "/");

		snprintf(part, sizeof part, "%.*s", (int)len, path);
		node = xml_child(node, part);
		if (!node)
			fail_msg("no %s in %.*s", part, (int)buf_len(reply->body), buf_slice(reply->body).ptr);
		path += len + (path[len] == '/');
	}
	if (out)
		assert_int_equal(slice_to_str(node->text, out, size, NULL), ERR_OK);
}

static void refused(struct world *w, const struct iam_caller *caller, const char *service, const char *form, int status,
                    const char *code)
{
	CLEANUP(iam_reply_freep) struct iam_reply *reply = call(w, caller, service, form);
	CLEANUP(xml_freep) struct xml *doc = NULL;
	const struct xml_node *root;
	struct slice text;

	if (reply->status != status || !reply->error_code || strcmp(reply->error_code, code) != 0)
		fail_msg("%s: %d %s (%s) instead of %d %s", form, reply->status,
		         reply->error_code ? reply->error_code : "", reply->why.text, status, code);
	assert_int_equal(xml_read(buf_slice(reply->body), &doc, NULL), ERR_OK);
	assert_int_equal(xml_root(doc, "ErrorResponse", &root, NULL), ERR_OK);
	assert_int_equal(xml_get_text(xml_child(root, "Error"), "Code", &text, NULL), ERR_OK);
	assert_true(slice_is_str(text, code));
	assert_non_null(xml_child(root, "RequestId"));
}

#define ALLOW_ALL_FORM                                                                                                 \
	"%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22*%" \
	"22%2C"                                                                                                        \
	"%22Resource%22%3A%22*%22%7D%7D"

#define TRUST_FORM                                                                                                    \
	"%%7B%%22Statement%%22%%3A%%7B%%22Effect%%22%%3A%%22Allow%%22%%2C%%22Action%%22%%3A%%22sts%%3AAssumeRole%%22" \
	"%%2C%%22Principal%%22%%3A%%7B%%22AWS%%22%%3A%%22%s%%22%%7D%%7D%%7D"

static void users_live_through_the_api(void **state)
{
	struct world *w = *state;
	CLEANUP(clear) struct caller root = caller_of(w, &w->alice, "");
	char text[256], expected[128];

	snprintf(expected, sizeof expected, "arn:aws:iam::%s:user/team/ann", w->alice.id);
	answered(w, root.is, "iam", "Action=CreateUser&Version=2010-05-08&UserName=ann&Path=%2Fteam%2F",
	         "CreateUserResult/User/Arn", text, sizeof text);
	assert_string_equal(text, expected);
	refused(w, root.is, "iam", "Action=CreateUser&UserName=Ann", 409, "EntityAlreadyExists");
	answered(w, root.is, "iam", "Action=GetUser&UserName=ann", "GetUserResult/User/UserName", text, sizeof text);
	assert_string_equal(text, "ann");
	answered(w, root.is, "iam", "Action=GetUser", "GetUserResult/User/UserId", text, sizeof text);
	assert_string_equal(text, w->alice.id);
	answered(w, root.is, "iam", "Action=ListUsers", "ListUsersResult/Users/member/UserName", text, sizeof text);
	assert_string_equal(text, "ann");
	answered(w, root.is, "iam", "Action=CreateUser&UserName=zoe", NULL, NULL, 0);
	answered(w, root.is, "iam", "Action=ListUsers&MaxItems=1", "ListUsersResult/Marker", text, sizeof text);
	assert_string_equal(text, "ann");
	answered(w, root.is, "iam", "Action=ListUsers&MaxItems=1&Marker=ann", "ListUsersResult/IsTruncated", text,
	         sizeof text);
	assert_string_equal(text, "false");
	answered(w, root.is, "iam", "Action=DeleteUser&UserName=ann", NULL, NULL, 0);
	refused(w, root.is, "iam", "Action=DeleteUser&UserName=ann", 404, "NoSuchEntity");
	refused(w, root.is, "iam", "Action=GetUser&UserName=no", 404, "NoSuchEntity");
}

static void roles_and_policies_live_through_the_api(void **state)
{
	struct world *w = *state;
	CLEANUP(clear) struct caller root = caller_of(w, &w->alice, "");
	char text[512], form[1024], document[512];

	snprintf(document, sizeof document, TRUST_FORM, w->bob.id);
	snprintf(form, sizeof form, "Action=CreateRole&RoleName=job&AssumeRolePolicyDocument=%s", document);
	answered(w, root.is, "iam", form, "CreateRoleResult/Role/AssumeRolePolicyDocument", text, sizeof text);
	assert_string_equal(text, document);
	snprintf(form, sizeof form, "Action=UpdateAssumeRolePolicy&RoleName=job&PolicyDocument=%s", document);
	answered(w, root.is, "iam", form, NULL, NULL, 0);
	refused(w, root.is, "iam", "Action=UpdateAssumeRolePolicy&RoleName=job&PolicyDocument=x", 400,
	        "MalformedPolicyDocument");
	answered(w, root.is, "iam", "Action=GetRole&RoleName=job", "GetRoleResult/Role/MaxSessionDuration", text,
	         sizeof text);
	assert_string_equal(text, "3600");
	answered(w, root.is, "iam", "Action=ListRoles", "ListRolesResult/Roles/member/RoleName", text, sizeof text);
	answered(w, root.is, "iam", "Action=PutRolePolicy&RoleName=job&PolicyName=p&PolicyDocument=" ALLOW_ALL_FORM,
	         NULL, NULL, 0);
	answered(w, root.is, "iam", "Action=GetRolePolicy&RoleName=job&PolicyName=p",
	         "GetRolePolicyResult/PolicyDocument", text, sizeof text);
	assert_non_null(strstr(text, "%22Effect%22%3A%22Allow%22"));
	answered(w, root.is, "iam", "Action=ListRolePolicies&RoleName=job", "ListRolePoliciesResult/PolicyNames/member",
	         text, sizeof text);
	assert_string_equal(text, "p");
	refused(w, root.is, "iam", "Action=DeleteRole&RoleName=job", 409, "DeleteConflict");
	answered(w, root.is, "iam", "Action=DeleteRolePolicy&RoleName=job&PolicyName=p", NULL, NULL, 0);
	refused(w, root.is, "iam", "Action=GetRolePolicy&RoleName=job&PolicyName=p", 404, "NoSuchEntity");
	answered(w, root.is, "iam", "Action=CreatePolicy&PolicyName=m&PolicyDocument=" ALLOW_ALL_FORM,
	         "CreatePolicyResult/Policy/Arn", text, sizeof text);
	refused(w, root.is, "iam", "Action=CreatePolicy&PolicyName=m&PolicyDocument=" ALLOW_ALL_FORM, 409,
	        "EntityAlreadyExists");
	snprintf(form, sizeof form, "Action=AttachRolePolicy&RoleName=job&PolicyArn=%s", text);
	answered(w, root.is, "iam", form, NULL, NULL, 0);
	snprintf(form, sizeof form, "Action=DeletePolicy&PolicyArn=%s", text);
	refused(w, root.is, "iam", form, 409, "DeleteConflict");
	snprintf(form, sizeof form, "Action=DetachRolePolicy&RoleName=job&PolicyArn=%s", text);
	answered(w, root.is, "iam", form, NULL, NULL, 0);
	snprintf(form, sizeof form, "Action=PutRolePermissionsBoundary&RoleName=job&PermissionsBoundary=%s", text);
	answered(w, root.is, "iam", form, NULL, NULL, 0);
	answered(w, root.is, "iam", "Action=GetRole&RoleName=job", "GetRoleResult/Role/PermissionsBoundary", NULL, 0);
	answered(w, root.is, "iam", "Action=DeleteRolePermissionsBoundary&RoleName=job", NULL, NULL, 0);
	snprintf(form, sizeof form, "Action=DeletePolicy&PolicyArn=%s", text);
	answered(w, root.is, "iam", form, NULL, NULL, 0);
	refused(w, root.is, "iam", "Action=DeletePolicy&PolicyArn=arn:aws:iam::000000000000:policy/m", 400,
	        "ValidationError");
}

static void users_manage_their_own_keys_if_they_may(void **state)
{
	struct world *w = *state;
	CLEANUP(clear) struct caller root = caller_of(w, &w->alice, "");
	char text[128], form[256];

	world_user(w, &w->alice, "ann");
	CLEANUP(clear) struct caller ann = caller_of(w, &w->alice, "ann");

	refused(w, ann.is, "iam", "Action=CreateAccessKey", 403, "AccessDenied");
	/* Whether somebody exists is told to those who may know. */
	refused(w, ann.is, "iam", "Action=GetUser&UserName=nobody", 403, "AccessDenied");
	answered(w, root.is, "iam", "Action=PutUserPolicy&UserName=ann&PolicyName=p&PolicyDocument=" ALLOW_ALL_FORM,
	         NULL, NULL, 0);
	answered(w, ann.is, "iam", "Action=CreateAccessKey", "CreateAccessKeyResult/AccessKey/SecretAccessKey", text,
	         sizeof text);
	assert_int_equal(strlen(text), 40);
	refused(w, ann.is, "iam", "Action=CreateAccessKey", 409, "LimitExceeded");
	answered(w, ann.is, "iam", "Action=ListAccessKeys", "ListAccessKeysResult/AccessKeyMetadata/member/AccessKeyId",
	         text, sizeof text);
	snprintf(form, sizeof form, "Action=UpdateAccessKey&AccessKeyId=%s&Status=Inactive", text);
	answered(w, ann.is, "iam", form, NULL, NULL, 0);
	snprintf(form, sizeof form, "Action=UpdateAccessKey&AccessKeyId=%s&Status=inactive", text);
	refused(w, ann.is, "iam", form, 400, "ValidationError");
	snprintf(form, sizeof form, "Action=DeleteAccessKey&UserName=ann&AccessKeyId=%s", text);
	answered(w, ann.is, "iam", form, NULL, NULL, 0);
	refused(w, ann.is, "iam", form, 404, "NoSuchEntity");
	/* The root user's own. */
	answered(w, root.is, "iam", "Action=ListAccessKeys",
	         "ListAccessKeysResult/AccessKeyMetadata/member/AccessKeyId", text, sizeof text);
	assert_string_equal(text, root.is->access_key);
}

static void a_sentence_that_was_cut_is_still_text(void **state)
{
	struct world *w = *state;
	struct iam_identity ann = world_user(w, &w->alice, "ann");
	CLEANUP(clear) struct caller caller = caller_of(w, &w->alice, "ann");
	char document[512] = "{\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\",\"Sid\":\"x";

	for (int i = 0; i < 60; i++)
		snprintf(document + strlen(document), sizeof document - strlen(document), "\xc3\xbc");
	snprintf(document + strlen(document), sizeof document - strlen(document), "\"}}");
	assert_int_equal(iam_inline_put(w->iam, &ann, slice_str("p"), slice_str(document), NULL), ERR_OK);
	refused(w, caller.is, "iam", "Action=ListUsers", 403, "AccessDenied");
}

static void nothing_crosses_accounts(void **state)
{
	struct world *w = *state;
	CLEANUP(clear) struct caller bob = caller_of(w, &w->bob, "");

	world_user(w, &w->alice, "ann");
	refused(w, bob.is, "iam", "Action=GetUser&UserName=ann", 404, "NoSuchEntity");
	refused(w, bob.is, "iam", "Action=DeleteUser&UserName=ann", 404, "NoSuchEntity");
}

static void what_is_not_known_is_refused(void **state)
{
	struct world *w = *state;
	CLEANUP(clear) struct caller root = caller_of(w, &w->alice, "");
	CLEANUP(form_freep) struct form *f = NULL;
	enum iam_effect effect;

	refused(w, root.is, "iam", "Action=Nothing", 400, "InvalidAction");
	refused(w, root.is, "iam", "Version=2010-05-08", 400, "InvalidAction");
	refused(w, root.is, "sts", "Action=CreateUser&UserName=x", 400, "InvalidAction");
	refused(w, root.is, "iam", "Action=CreateUser&UserName=x&Tags.member.1.Key=a", 400, "ValidationError");
	refused(w, root.is, "iam", "Action=CreateUser", 400, "ValidationError");
	refused(w, root.is, "iam", "Action=ListUsers&MaxItems=0", 400, "ValidationError");
	refused(w, root.is, "iam", "Action=ListUsers&MaxItems=1001", 400, "ValidationError");
	assert_int_equal(form_read(slice_str("Action=PutUserPolicy"), FORM_BODY, FORM_REPEATS_REFUSED, &f, NULL),
	                 ERR_OK);
	assert_int_equal(iam_api_effect("iam", f, &effect, NULL), ERR_OK);
	assert_int_equal(effect, IAM_EFFECT_SETS);
	assert_int_equal(err_class(iam_api_effect("sts", f, &effect, NULL)), ERR_INVALID);
}

static void the_record_has_no_secret(void **state)
{
	struct world *w = *state;
	CLEANUP(clear) struct caller root = caller_of(w, &w->alice, "");
	CLEANUP(iam_reply_freep) struct iam_reply *reply = NULL;
	CLEANUP(buf_freep) struct buf *record = NULL;
	const char *text, *id;

	world_user(w, &w->alice, "ann");
	reply = call(w, root.is, "iam", "Action=CreateAccessKey&UserName=ann");
	assert_int_equal(buf_new(65536, &record, NULL), ERR_OK);
	assert_int_equal(json_put(reply->request_parameters, record, NULL), ERR_OK);
	assert_int_equal(json_put(reply->response_elements, record, NULL), ERR_OK);
	assert_int_equal(buf_str(record, &text, NULL), ERR_OK);
	assert_int_equal(json_get_str(reply->response_elements, "accessKeyId", &id, NULL), ERR_OK);
	assert_memory_equal(id, "CLAK", 4);
	assert_string_equal(reply->event_source, "iam.amazonaws.com");
	assert_string_equal(reply->event_name, "CreateAccessKey");
	assert_int_equal(reply->effect, IAM_EFFECT_MINTS);
	assert_non_null(strstr(text, "\"UserName\":\"ann\""));
	assert_null(strstr(text, "Secret"));
}

static void callers_learn_who_they_are(void **state)
{
	struct world *w = *state;

	world_user(w, &w->alice, "ann");
	CLEANUP(clear) struct caller ann = caller_of(w, &w->alice, "ann");
	char text[128];

	answered(w, ann.is, "sts", "Action=GetCallerIdentity&Version=2011-06-15", "GetCallerIdentityResult/Arn", text,
	         sizeof text);
	assert_string_equal(text, ann.is->arn);
	answered(w, ann.is, "sts", "Action=GetCallerIdentity", "GetCallerIdentityResult/Account", text, sizeof text);
	assert_string_equal(text, w->alice.id);
}

static void a_role_is_assumed_when_both_sides_allow(void **state)
{
	struct world *w = *state;
	struct iam_identity ann = world_user(w, &w->alice, "ann");
	CLEANUP(clear) struct caller caller = caller_of(w, &w->alice, "ann");
	struct iam_session *session = NULL;
	char trust[256], form[1024], id[64], token[SIGV4_TOKEN_BYTES_MAX + 1], arn[128];

	snprintf(trust, sizeof trust, TRUST_ACCOUNT, w->bob.id);
	world_role(w, &w->bob, "job", trust);
	snprintf(form, sizeof form, "Action=AssumeRole&RoleArn=arn:aws:iam::%s:role/job&RoleSessionName=s1", w->bob.id);
	refused(w, caller.is, "sts", form, 403, "AccessDenied");
	snprintf(trust, sizeof trust, TRUST_ACCOUNT, w->alice.id);
	assert_int_equal(iam_role_set_trust(w->iam, slice_str(w->bob.id), slice_str("job"), slice_str(trust), NULL),
	                 ERR_OK);
	refused(w, caller.is, "sts", form, 403, "AccessDenied");
	assert_int_equal(iam_inline_put(w->iam, &ann, slice_str("p"), slice_str(ALLOW_ALL), NULL), ERR_OK);
	answered(w, caller.is, "sts", form, "AssumeRoleResult/Credentials/AccessKeyId", id, sizeof id);
	assert_memory_equal(id, "CLAS", 4);
	answered(w, caller.is, "sts", form, "AssumeRoleResult/AssumedRoleUser/Arn", arn, sizeof arn);
	assert_non_null(strstr(arn, ":assumed-role/job/s1"));

	CLEANUP(iam_reply_freep) struct iam_reply *reply = call(w, caller.is, "sts", form);
	CLEANUP(xml_freep) struct xml *doc = NULL;
	const struct xml_node *credentials;
	struct slice text;

	assert_int_equal(xml_read(buf_slice(reply->body), &doc, NULL), ERR_OK);
	assert_int_equal(xml_root(doc, "AssumeRoleResponse", &credentials, NULL), ERR_OK);
	credentials = xml_child(xml_child(credentials, "AssumeRoleResult"), "Credentials");
	assert_int_equal(xml_get_text(credentials, "AccessKeyId", &text, NULL), ERR_OK);
	assert_int_equal(slice_to_str(text, id, sizeof id, NULL), ERR_OK);
	assert_int_equal(xml_get_text(credentials, "SessionToken", &text, NULL), ERR_OK);
	assert_int_equal(slice_to_str(text, token, sizeof token, NULL), ERR_OK);
	assert_int_equal(iam_session_open(w->iam, id, slice_str(token), NOW_MS, &session, NULL), ERR_OK);
	assert_int_equal(session->origin, IAM_ORIGIN_SEALED);
	assert_int_equal(session->expires_ms, NOW_MS + 3600000);

	/* From a session it is an hour at most; a role that is not there is refused as one that does not trust. */
	struct iam_caller *assumed = NULL;

	assert_int_equal(iam_caller_of_session(w->iam, id, session, &assumed, NULL), ERR_OK);
	snprintf(form, sizeof form, "Action=AssumeRole&RoleArn=%s&RoleSessionName=s1&DurationSeconds=3601",
	         assumed->role_arn);
	refused(w, assumed, "sts", form, 400, "ValidationError");
	iam_caller_free(assumed);
	snprintf(form, sizeof form, "Action=AssumeRole&RoleArn=arn:aws:iam::%s:role/nothing&RoleSessionName=s1",
	         w->bob.id);
	refused(w, caller.is, "sts", form, 403, "AccessDenied");
	snprintf(form, sizeof form, "Action=AssumeRole&RoleArn=arn:aws:iam::%s:role/other/job&RoleSessionName=s1",
	         w->bob.id);
	refused(w, caller.is, "sts", form, 403, "AccessDenied");
	refused(w, caller.is, "sts", "Action=AssumeRole&RoleArn=job&RoleSessionName=s1", 400, "ValidationError");
}

static int accounts(struct world *w, const struct iam_caller *caller, const char *operation, const char *input,
                    json_t **ret_output)
{
	CLEANUP(json_freep) json_t *json = NULL;
	CLEANUP(iam_reply_freep) struct iam_reply *reply = NULL;
	struct iam_api_call c = {caller, &now, "r", IAM_ORIGIN_SEALED};

	assert_int_equal(json_read_object(slice_str(input), &json, NULL), ERR_OK);
	assert_int_equal(iam_api_accounts(w->iam, &c, slice_str(operation), json, &reply, NULL), ERR_OK);
	assert_int_equal(json_read_object(buf_slice(reply->body), ret_output, NULL), ERR_OK);
	return reply->status;
}

static void accounts_are_the_operators(void **state)
{
	struct world *w = *state;
	CLEANUP(clear) struct caller operator= caller_of(w, &w->operator, "");
	CLEANUP(clear) struct caller alice = caller_of(w, &w->alice, "");
	json_t *output = NULL, *part;
	const char *text;

	assert_int_equal(accounts(w, alice.is, "CreateAccount", "{\"Name\":\"carol\"}", &output), 403);
	json_freep(&output);
	assert_int_equal(accounts(w, alice.is, "ListAccounts", "{}", &output), 403);
	json_freep(&output);
	assert_int_equal(accounts(w, operator.is, "CreateAccount", "{\"Name\":\"carol\"}", &output), 200);
	assert_int_equal(json_get_object(output, "RootAccessKey", &part, NULL), ERR_OK);
	assert_int_equal(json_get_str(part, "SecretAccessKey", &text, NULL), ERR_OK);
	assert_int_equal(strlen(text), 40);
	json_freep(&output);
	assert_int_equal(accounts(w, operator.is, "CreateAccount", "{\"Name\":\"carol\"}", &output), 409);
	json_freep(&output);
	assert_int_equal(accounts(w, operator.is, "CreateAccount", "{\"Name\":\"dan\",\"Quota\":1}", &output), 400);
	json_freep(&output);
	assert_int_equal(accounts(w, operator.is, "ListAccounts", "{\"MaxItems\":3}", &output), 200);
	assert_int_equal(json_get_array(output, "Accounts", &part, NULL), ERR_OK);
	assert_int_equal(json_array_size(part), 3);
	assert_int_equal(json_get_str(output, "Marker", &text, NULL), ERR_OK);
	json_freep(&output);
	assert_int_equal(accounts(w, operator.is, "DeleteAccount", "{}", &output), 400);
	json_freep(&output);
}

#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, world_make, world_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(users_live_through_the_api),
		IN_WORLD(roles_and_policies_live_through_the_api),
		IN_WORLD(users_manage_their_own_keys_if_they_may),
		IN_WORLD(a_sentence_that_was_cut_is_still_text),
		IN_WORLD(nothing_crosses_accounts),
		IN_WORLD(what_is_not_known_is_refused),
		IN_WORLD(the_record_has_no_secret),
		IN_WORLD(callers_learn_who_they_are),
		IN_WORLD(a_role_is_assumed_when_both_sides_allow),
		IN_WORLD(accounts_are_the_operators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
