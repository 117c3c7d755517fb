/* Cloister's own calls about accounts, in JSON. */
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "iam/api_internal.h"

static int account_json(const struct iam_account *account, json_t **ret_json, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *json = json_object();
	char arn[64], created[TIME_RFC3339_BYTES];

	ENSURE(json, ERR_UNAVAILABLE, reterr_why, "out of memory for a reply");
	snprintf(arn, sizeof arn, "arn:aws:iam::%s:root", account->id);
	time_format(account->created_ms, created);
	TRY(json_set_str(json, "Id", slice_str(account->id), reterr_why));
	TRY(json_set_str(json, "Name", slice_str(account->name), reterr_why));
	TRY(json_set_str(json, "Arn", slice_str(arn), reterr_why));
	TRY(json_set_str(json, "CreatedAt", slice_str(created), reterr_why));
	TRY(json_set_bool(json, "Operator", account->is_operator, reterr_why));
	*ret_json = take_ptr(json);
	return ERR_OK;
}

/* The first key of the account's root user goes to the operator who made the account, to be handed to its owner, who
 * replaces it: that is the moment from which the operator has no way in. */
static int create_account(struct iam *iam, const struct iam_api_call *call, const json_t *input, json_t *output,
                          struct iam_reply *reply, struct why *reterr_why)
{
	static const char *const known[] = {"Name", NULL};
	CLEANUP(secret_freep) struct secret *secret = NULL;
	struct iam_account account;
	struct iam_access_key key;
	json_t *json, *key_json;
	const char *name;

	TRY(json_only_members(input, known, reterr_why));
	TRY(json_get_str(input, "Name", &name, reterr_why));
	TRY(iam_account_create(iam, slice_str(name), false, call->circumstances->now_ms, &account, reterr_why));
	TRY(iam_access_key_create(iam, slice_str(account.id), (struct slice){0}, call->reply_origin,
	                          call->circumstances->now_ms, &key, &secret, reterr_why));
	TRY(account_json(&account, &json, reterr_why));
	ENSURE(json_object_set_new(output, "Account", json) == 0, ERR_UNAVAILABLE, reterr_why, "out of memory");
	key_json = json_object();
	ENSURE(key_json && json_object_set_new(output, "RootAccessKey", key_json) == 0, ERR_UNAVAILABLE, reterr_why,
	       "out of memory");
	TRY(json_set_str(key_json, "AccessKeyId", slice_str(key.id), reterr_why));
	TRY(json_set_str(key_json, "SecretAccessKey", slice_of(secret_peek(secret), secret_len(secret)), reterr_why));
	TRY(json_set_str(reply->response_elements, "accountId", slice_str(account.id), reterr_why));
	return json_set_str(reply->response_elements, "accessKeyId", slice_str(key.id), reterr_why);
}

struct account_list {
	json_t *array;
	char last[IAM_ACCOUNT_BYTES];
};

static int add_account(void *self, const struct iam_account *account)
{
	struct account_list *list = self;
	json_t *json;

	TRY(account_json(account, &json, NULL));
	memcpy(list->last, account->id, sizeof list->last);
	return json_array_append_new(list->array, json) == 0 ? ERR_OK : ERR_UNAVAILABLE;
}

static int list_accounts(struct iam *iam, const json_t *input, json_t *output, struct why *reterr_why)
{
	static const char *const known[] = {"Marker", "MaxItems", NULL};
	struct account_list list = {.array = json_array()};
	const char *marker = "";
	int64_t max = IAM_LIST_DEFAULT;
	bool more;

	ENSURE(list.array && json_object_set_new(output, "Accounts", list.array) == 0, ERR_UNAVAILABLE, reterr_why,
	       "out of memory");
	TRY(json_only_members(input, known, reterr_why));
	TRY(json_opt_str(input, "Marker", &marker, reterr_why));
	TRY(json_opt_int(input, "MaxItems", 1, IAM_LIST_MAX, &max, reterr_why));
	TRY(iam_account_list(iam, slice_str(marker), (size_t)max, add_account, &list, &more, reterr_why));
	return more ? json_set_str(output, "Marker", slice_str(list.last), reterr_why) : ERR_OK;
}

static int run_accounts(struct iam *iam, const struct iam_api_call *call, const json_t *input, json_t *output,
                        struct iam_reply *reply, struct why *reterr_why)
{
	CLEANUP(iam_context_freep) struct iam_context *context = NULL;
	char action[64];
	struct iam_question question = {.resource = slice_str("*"),
	                                .resource_account = slice_str(call->caller->account),
	                                .resource_kind = IAM_RESOURCE_POLICY_NONE};

	if (reply->event_name[0] == 0)
		return api_no_action("cloister", reterr_why);
	ENSURE(call->caller->is_operator, ERR_DENIED, reterr_why, "only the operator account manages accounts");
	snprintf(action, sizeof action, "cloister:%s", reply->event_name);
	question.action = slice_str(action);
	TRY(iam_context_new(&context, reterr_why));
	TRY(iam_caller_put_context(call->caller, call->circumstances, context, reterr_why));
	question.context = context;
	TRY(iam_ask_or_deny(iam, call->caller, &question, reterr_why));
	return reply->effect == IAM_EFFECT_READS ? list_accounts(iam, input, output, reterr_why)
	                                         : create_account(iam, call, input, output, reply, reterr_why);
}

int iam_api_accounts(struct iam *iam, const struct iam_api_call *call, struct slice operation, const json_t *input,
                     struct iam_reply **ret_reply, struct why *reterr_why)
{
	CLEANUP(iam_reply_freep) struct iam_reply *reply = NULL;
	CLEANUP(json_freep) json_t *output = json_object();

	ENSURE(output, ERR_UNAVAILABLE, reterr_why, "out of memory for a reply");
	TRY(api_reply_new(&reply, reterr_why));
	reply->event_source = "config.cloister";
	if (slice_is_str(operation, "CreateAccount")) {
		reply->event_name = "CreateAccount";
		reply->effect = IAM_EFFECT_MINTS;
	} else if (slice_is_str(operation, "ListAccounts")) {
		reply->event_name = "ListAccounts";
		reply->effect = IAM_EFFECT_READS;
	}
	ENSURE(json_object_update((json_t *)reply->request_parameters, (json_t *)(uintptr_t)input) == 0,
	       ERR_UNAVAILABLE, reterr_why, "out of memory for a reply");
	reply->err = run_accounts(iam, call, input, output, reply, &reply->why);
	if (reply->err != ERR_OK) {
		reply->error_code = api_error_code(reply->err, &reply->status);
		json_object_clear(output);
		TRY(json_set_str(output, "__type", slice_str(reply->error_code), reterr_why));
		TRY(json_set_str(
			output, "message",
			slice_str(reply->status < 500 ? reply->why.text : "The service failed; try again later"),
			reterr_why));
	}
	TRY(json_put(output, reply->body, reterr_why));
	*ret_reply = take_ptr(reply);
	return ERR_OK;
}
