#include "kms/api_json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/limits.h"
#include "kms/api_internal.h"
#include "wire/utf8.h"

const char *kms_api_error_name(int err)
{
	switch (err) {
	case KMS_ERR_DISABLED:
		return "DisabledException";
	case KMS_ERR_EXISTS:
		return "AlreadyExistsException";
	case KMS_ERR_WRONG_KEY:
		return "IncorrectKeyException";
	case KMS_ERR_CIPHERTEXT:
		return "InvalidCiphertextException";
	case KMS_ERR_POLICY:
		return "MalformedPolicyDocumentException";
	case KMS_ERR_ARN:
		return "InvalidArnException";
	case KMS_ERR_ALIAS_NAME:
		return "InvalidAliasNameException";
	case KMS_ERR_MARKER:
		return "InvalidMarkerException";
	case KMS_ERR_UNSUPPORTED:
		return "UnsupportedOperationException";
	default:
		break;
	}
	switch (err_class(err)) {
	case ERR_INVALID:
		return "ValidationException";
	case ERR_DENIED:
		return "AccessDeniedException";
	case ERR_NOTFOUND:
		return "NotFoundException";
	case ERR_CONFLICT:
		return "KMSInvalidStateException";
	case ERR_LIMIT:
		return "LimitExceededException";
	case ERR_UNAVAILABLE:
		return "DependencyTimeoutException";
	default:
		return "KMSInternalException";
	}
}

int kms_api_error_status(int err)
{
	switch (err_class(err)) {
	case ERR_OK:
		return 200;
	case ERR_UNAVAILABLE:
		return 503;
	case ERR_TAMPERED:
	case ERR_INTERNAL:
		return 500;
	default:
		return 400;
	}
}

void kms_reply_free(struct kms_reply *reply)
{
	if (!reply)
		return;
	buf_free(reply->body);
	json_decref(reply->request_parameters);
	json_decref(reply->response_elements);
	free(reply);
}

void kms_reply_freep(struct kms_reply **reply)
{
	kms_reply_free(*reply);
	*reply = NULL;
}

int kms_api_opt_text(const struct kms_api *api, const char *name, struct slice *ret_text, struct why *reterr_why)
{
	const char *text = "";

	TRY(json_opt_str(api->request, name, &text, reterr_why));
	*ret_text = slice_str(text);
	return ERR_OK;
}

int kms_api_text(const struct kms_api *api, const char *name, struct slice *ret_text, struct why *reterr_why)
{
	const char *text;

	TRY(json_get_str(api->request, name, &text, reterr_why));
	*ret_text = slice_str(text);
	return ERR_OK;
}

int kms_api_only_value(const struct kms_api *api, const char *name, const char *value, struct why *reterr_why)
{
	struct slice found;

	TRY(kms_api_opt_text(api, name, &found, reterr_why));
	ENSURE(!found.len || slice_is_str(found, value), KMS_ERR_UNSUPPORTED, reterr_why, "%s can only be %s here",
	       name, value);
	return ERR_OK;
}

int kms_api_set_key_id(struct kms_api *api, const struct kms_key *key, struct why *reterr_why)
{
	char arn[KMS_KEY_ARN_BYTES_MAX];

	kms_key_arn(api->ks, key, arn);
	return json_set_str(api->response, "KeyId", slice_str(arn), reterr_why);
}

static const struct kms_api_operation *find_in(const struct kms_api_operation *table, struct slice name)
{
	for (; table->name; table++)
		if (slice_is_str(name, table->name))
			return table;
	return NULL;
}

static const struct kms_api_operation *find_operation(struct slice target)
{
	static const char prefix[] = "TrentService.";
	const struct kms_api_operation *found;
	struct slice name;

	if (!slice_starts_with(target, prefix))
		return NULL;
	name = slice_of(target.ptr + strlen(prefix), target.len - strlen(prefix));
	found = find_in(kms_api_crypto_operations, name);
	return found ? found : find_in(kms_api_key_operations, name);
}

static bool is_member(const char *const *members, const char *name)
{
	for (; *members; members++)
		if (slice_is_str(slice_str(name), *members))
			return true;
	return false;
}

/* A record has a limit of its own; what is over it is a request that goes wrong anyway. */
static int bound_record(json_t *copy, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *text = NULL;
	int err;

	TRY(buf_new(KMS_RECORD_BYTES_MAX, &text, reterr_why));
	err = json_put(copy, text, NULL);
	if (err_class(err) != ERR_LIMIT)
		return err;
	json_object_clear(copy);
	return json_set_str(copy, "omitted", slice_str("too large for a record"), reterr_why);
}

/* Copies an object for the record: names as CloudTrail writes them, "keyId". Only members that are known, if `members`
 * is given, since anything may stand in another; and never a text or its ciphertext. */
static int copy_for_record(const json_t *object, const char *const *members, json_t **ret_copy, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *copy = json_object();
	const char *name;
	json_t *value;

	ENSURE(copy, ERR_UNAVAILABLE, reterr_why, "out of memory for a record");
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		CLEANUP(free_p) char *lower = NULL;

		if (slice_is_str(slice_str(name), "Plaintext") || slice_is_str(slice_str(name), "CiphertextBlob") ||
		    (members && !is_member(members, name)))
			continue;
		TRY(slice_dup_str(slice_str(name), &lower, reterr_why));
		lower[0] = (char)tolower((unsigned char)lower[0]);
		ENSURE(json_object_set(copy, lower, value) == 0, ERR_UNAVAILABLE, reterr_why,
		       "out of memory for a record");
	}
	TRY(bound_record(copy, reterr_why));
	*ret_copy = take_ptr(copy);
	return ERR_OK;
}

/* The response, with the plaintext written from its secret straight into the body. */
static int print_response(const struct kms_api *api, struct buf *body, struct why *reterr_why)
{
	TRY(json_put(api->response, body, reterr_why));
	if (!api->plaintext)
		return ERR_OK;
	buf_truncate(body, buf_len(body) - 1); /* the closing brace */
	TRY(buf_put_str(body, json_object_size(api->response) ? ",\"Plaintext\":\"" : "\"Plaintext\":\"", reterr_why));
	TRY(base64_put(body, slice_of(secret_peek(api->plaintext), secret_len(api->plaintext)), reterr_why));
	return buf_put_str(body, "\"}", reterr_why);
}

/* What the caller is told. Failures of ours are told to the operator; the caller learns that there was one. */
static int print_error(struct kms_reply *reply, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *error = json_object();
	struct slice sentence = slice_str(reply->why.text);

	if (reply->status >= 500)
		sentence = slice_str("the service could not do this; its operator finds the reason in the log");
	while (!utf8_is_valid(sentence)) /* cut at its limit, within a character */
		sentence.len--;
	ENSURE(error, ERR_UNAVAILABLE, reterr_why, "out of memory for an answer");
	TRY(json_set_str(error, "__type", slice_str(reply->error_code), reterr_why));
	TRY(json_set_str(error, "message", sentence, reterr_why));
	buf_reset(reply->body);
	return json_put(error, reply->body, reterr_why);
}

static int run_operation(struct kms_api *api, const struct kms_api_operation *operation, struct kms_reply *reply,
                         struct why *reterr_why)
{
	TRY(copy_for_record(api->request, operation->members, &reply->request_parameters, reterr_why));
	TRY(json_only_members(api->request, operation->members, reterr_why));
	TRY(operation->handle(api, reterr_why));
	if (!operation->is_read_only && json_object_size(api->response))
		TRY(copy_for_record(api->response, NULL, &reply->response_elements, reterr_why));
	return print_response(api, reply->body, reterr_why);
}

static void api_clear(struct kms_api *api)
{
	json_decref(api->response);
	secret_freep(&api->plaintext);
}

/* Runs the request; its errors end up in the reply. */
static int answer(struct kms_keystore *ks, struct kms_call *call, struct slice target, struct slice body,
                  struct kms_reply *reply)
{
	CLEANUP(api_clear) struct kms_api api = {.ks = ks, .call = call, .response = json_object()};
	CLEANUP(json_freep) json_t *request = NULL;
	const struct kms_api_operation *operation = find_operation(target);

	if (!operation) {
		why_set(&reply->why, "there is no such operation here");
		reply->error_code = "UnknownOperationException";
		return ERR_INVALID;
	}
	reply->event_name = operation->name;
	reply->is_read_only = operation->is_read_only;
	ENSURE(body.len <= KMS_REQUEST_BYTES_MAX, ERR_INVALID, &reply->why,
	       "a request of %zu bytes; at most %d are accepted", body.len, KMS_REQUEST_BYTES_MAX);
	ENSURE(api.response, ERR_UNAVAILABLE, &reply->why, "out of memory for an answer");
	if (json_read_object(body.len ? body : slice_str("{}"), &request, &reply->why) != ERR_OK) {
		reply->error_code = "SerializationException";
		return ERR_INVALID;
	}
	api.request = request;
	return run_operation(&api, operation, reply, &reply->why);
}

int kms_api_call(struct kms_keystore *ks, struct kms_call *call, struct slice target, struct slice body,
                 struct kms_reply **ret_reply, struct why *reterr_why)
{
	CLEANUP(kms_reply_freep) struct kms_reply *reply = calloc(1, sizeof *reply);

	ENSURE(reply, ERR_UNAVAILABLE, reterr_why, "out of memory for an answer");
	TRY(buf_new(KMS_REPLY_BYTES_MAX, &reply->body, reterr_why));
	reply->event_name = "";
	call->key_arn[0] = 0;
	call->key_account[0] = 0;
	reply->err = answer(ks, call, target, body, reply);
	reply->status = kms_api_error_status(reply->err);
	if (reply->err != ERR_OK) {
		if (!reply->error_code)
			reply->error_code = kms_api_error_name(reply->err);
		TRY(print_error(reply, reterr_why));
	}
	memcpy(reply->key_arn, call->key_arn, sizeof reply->key_arn);
	memcpy(reply->key_account, call->key_account, sizeof reply->key_account);
	*ret_reply = take_ptr(reply);
	return ERR_OK;
}
