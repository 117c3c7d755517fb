#include "policy_case.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "wire/json.h"

#define ANN_ACCOUNT "111111111111"
#define ANN_ARN "arn:aws:iam::111111111111:user/ann"
#define ANN_KEY "arn:aws:kms:us-east-1:111111111111:key/k1"

enum { IDENTITY_MAX = 8, VALUES_MAX = 64 };

struct loaded {
	struct iam_policy *owned[IDENTITY_MAX + 3];
	size_t owned_count;
	struct iam_named_policy identity[IDENTITY_MAX], boundary, session, resource;
	struct iam_policies policies;
	struct iam_context *context;
};

static void loaded_clear(struct loaded *l)
{
	for (size_t i = 0; i < l->owned_count; i++)
		iam_policy_free(l->owned[i]);
	iam_context_free(l->context);
}

static int load_policy(struct loaded *l, const json_t *json, enum iam_policy_kind kind, const char *name,
                       struct iam_named_policy *into, struct why *why)
{
	CLEANUP(buf_freep) struct buf *text = NULL;
	struct iam_policy *policy = NULL;

	TRY(buf_new(1 << 20, &text, why));
	/* A string is a document as it stands, for those that are not even JSON. */
	if (json_is_string(json))
		TRY(buf_put(text, slice_of(json_string_value(json), json_string_length(json)), why));
	else
		TRY(json_put(json, text, why));
	TRY(iam_policy_parse(buf_slice(text), kind, &policy, why));
	l->owned[l->owned_count++] = policy;
	*into = (struct iam_named_policy){policy, name};
	return ERR_OK;
}

static int load_context(struct loaded *l, json_t *json, struct why *why)
{
	const char *key;
	json_t *list;

	TRY(iam_context_new(&l->context, why));
	json_object_foreach(json, key, list)
	{
		struct slice values[VALUES_MAX];
		size_t count = json_array_size(list);

		ENSURE(count <= VALUES_MAX, ERR_INVALID, why, "too many values for a test case");
		for (size_t i = 0; i < count; i++)
			values[i] = slice_of(json_string_value(json_array_get(list, i)),
			                     json_string_length(json_array_get(list, i)));
		TRY(iam_context_put_all(l->context, slice_str(key), values, count, why));
	}
	return ERR_OK;
}

static int load_policies(struct loaded *l, const json_t *c, struct why *why)
{
	const json_t *identity = json_object_get(c, "identity");
	const char *kind = "none";
	bool is_trust = false;

	TRY(json_opt_str(c, "kind", &kind, why));
	TRY(json_opt_bool(c, "trust", &is_trust, why));
	for (size_t i = 0; i < json_array_size(identity); i++) {
		TRY(load_policy(l, json_array_get(identity, i), IAM_POLICY_IDENTITY, "the identity policy",
		                &l->identity[i], why));
		l->policies.identity_count++;
	}
	l->policies.identity = l->identity;
	if (json_object_get(c, "boundary")) {
		TRY(load_policy(l, json_object_get(c, "boundary"), IAM_POLICY_IDENTITY, "the boundary", &l->boundary,
		                why));
		l->policies.boundary = &l->boundary;
	}
	if (json_object_get(c, "session")) {
		TRY(load_policy(l, json_object_get(c, "session"), IAM_POLICY_IDENTITY, "the session policy",
		                &l->session, why));
		l->policies.session = &l->session;
	}
	if (json_object_get(c, "policy")) {
		TRY(load_policy(l, json_object_get(c, "policy"), is_trust ? IAM_POLICY_TRUST : IAM_POLICY_RESOURCE,
		                "the resource policy", &l->resource, why));
		l->policies.resource = &l->resource;
	}
	l->policies.resource_kind = strcmp(kind, "required") == 0     ? IAM_RESOURCE_POLICY_REQUIRED
	                            : strcmp(kind, "sufficient") == 0 ? IAM_RESOURCE_POLICY_SUFFICIENT
	                                                              : IAM_RESOURCE_POLICY_NONE;
	return ERR_OK;
}

static int load_request(const json_t *c, struct iam_request *into, struct why *why)
{
	bool is_ann = !json_object_get(c, "as");
	const char *as = "user", *account = is_ann ? ANN_ACCOUNT : "", *arn = is_ann ? ANN_ARN : "", *role = "";
	const char *action = "kms:Decrypt", *resource = ANN_KEY, *owner = ANN_ACCOUNT;

	TRY(json_opt_str(c, "as", &as, why));
	TRY(json_opt_str(c, "account", &account, why));
	TRY(json_opt_str(c, "arn", &arn, why));
	TRY(json_opt_str(c, "role", &role, why));
	TRY(json_opt_str(c, "action", &action, why));
	TRY(json_opt_str(c, "resource", &resource, why));
	TRY(json_opt_str(c, "owner", &owner, why));
	TRY(json_opt_bool(c, "release", &into->is_release, why));
	into->principal.kind = strcmp(as, "root") == 0      ? IAM_ROOT
	                       : strcmp(as, "user") == 0    ? IAM_USER
	                       : strcmp(as, "session") == 0 ? IAM_SESSION
	                       : strcmp(as, "service") == 0 ? IAM_SERVICE
	                                                    : IAM_ANONYMOUS;
	into->principal.account = slice_str(account);
	into->principal.arn = slice_str(arn);
	into->principal.role_arn = slice_str(role);
	into->action = slice_str(action);
	into->resource = slice_str(resource);
	into->resource_account = slice_str(owner);
	return ERR_OK;
}

static int run_loaded(const json_t *c, struct loaded *l, struct policy_case_result *result)
{
	struct iam_request request = {0};
	struct iam_decision decision;
	json_t *context = json_object_get(c, "context");
	int err = load_request(c, &request, &result->text);

	if (err == ERR_OK)
		err = load_policies(l, c, &result->text);
	if (err == ERR_OK)
		err = load_context(l, context, &result->text);
	if (err != ERR_OK) {
		snprintf(result->reason, sizeof result->reason, "invalid");
		return ERR_OK;
	}
	request.context = l->context;
	iam_evaluate(&request, &l->policies, &decision);
	snprintf(result->reason, sizeof result->reason, "%s", iam_reason_name(decision.reason));
	result->text = decision.text;
	return decision.is_allowed == (decision.reason == IAM_REASON_ALLOWED) ? ERR_OK : ERR_INTERNAL;
}

int policy_case_run(struct slice line, struct policy_case_result *ret_result, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *c = NULL;
	struct policy_case_result result = {0};
	struct loaded loaded = {0};
	const char *name, *expected = "", *says = "";
	int err;

	TRY(json_read_object(line, &c, reterr_why));
	TRY(json_get_str(c, "name", &name, reterr_why));
	TRY(json_opt_str(c, "expect", &expected, reterr_why));
	TRY(json_opt_str(c, "says", &says, reterr_why));
	snprintf(result.name, sizeof result.name, "%s", name);
	snprintf(result.expected, sizeof result.expected, "%s", expected);
	snprintf(result.says, sizeof result.says, "%s", says);
	err = run_loaded(c, &loaded, &result);
	loaded_clear(&loaded);
	*ret_result = result;
	return err;
}
