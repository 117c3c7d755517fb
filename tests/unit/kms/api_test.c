#include "fixture.h"

#include "base/encode.h"
#include "base/limits.h"

/* A gate in the place of the policy evaluator: an account does as it likes with what it owns, a key policy admits
 * another account by naming it, and one action can be forbidden. */
struct gate {
	const char *account;
	const char *forbidden;
	char last_action[64];
	char last_context[256];
	char last_alias[64];
	unsigned questions;
};

static int authorise(void *gate, const struct kms_question *q, struct why *reterr_why)
{
	struct gate *g = gate;
	char admitted[64];

	g->questions++;
	snprintf(g->last_action, sizeof g->last_action, "%s", q->action);
	snprintf(g->last_alias, sizeof g->last_alias, "%s", q->alias ? q->alias : "");
	if (q->context)
		OK(slice_to_str(kms_context_canonical(q->context), g->last_context, sizeof g->last_context, &why));
	snprintf(admitted, sizeof admitted, "admit %s", g->account);
	ENSURE(!g->forbidden || strcmp(g->forbidden, q->action) != 0, ERR_DENIED, reterr_why, "%s is forbidden",
	       q->action);
	ENSURE(strcmp(q->owner, g->account) == 0 || memmem(q->policy.ptr, q->policy.len, admitted, strlen(admitted)),
	       ERR_DENIED, reterr_why, "secret reason");
	ENSURE(!q->policy.len || !memmem(q->policy.ptr, q->policy.len, "lock", 4), ERR_DENIED, reterr_why,
	       "locked out");
	return ERR_OK;
}

static int check_policy(void *gate, struct slice policy, struct why *reterr_why)
{
	(void)gate;
	ENSURE(policy.len && policy.ptr[0] == '{', ERR_INVALID, reterr_why, "a policy is an object");
	return ERR_OK;
}

static struct gate gate;
static struct kms_reply *reply;
static json_t *body;

static void drop_reply(void)
{
	json_freep(&body);
	kms_reply_freep(&reply);
}

/* Calls as an account; the reply stays until the next call. Returns the error code, or "". */
static const char *call_at(struct fixture *f, uint64_t now, const char *account, const char *operation,
                           const char *request)
{
	struct kms_call call = {.account = account,
	                        .now_wall_ms = now,
	                        .gate = &gate,
	                        .authorise = authorise,
	                        .check_policy = check_policy};
	char target[96];

	drop_reply();
	gate.account = account;
	snprintf(target, sizeof target, "TrentService.%s", operation);
	OK(kms_api_call(f->ks, &call, slice_str(target), slice_str(request), &reply, &why));
	if (buf_len(reply->body))
		OK(json_read_object(buf_slice(reply->body), &body, &why));
	return reply->error_code ? reply->error_code : "";
}

static const char *call(struct fixture *f, const char *operation, const char *request)
{
	return call_at(f, NOW_MS, ACCOUNT, operation, request);
}

static const char *callf(struct fixture *f, const char *account, const char *operation, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
static const char *callf(struct fixture *f, const char *account, const char *operation, const char *fmt, ...)
{
	static char request[65536];
	va_list args;

	va_start(args, fmt);
	vsnprintf(request, sizeof request, fmt, args);
	va_end(args);
	return call_at(f, NOW_MS, account, operation, request);
}

static const char *text(const char *name)
{
	const char *value = NULL;

	OK(json_get_str(body, name, &value, &why));
	return value;
}

/* Creates a key and returns its ARN, to free. */
static char *new_key(struct fixture *f)
{
	json_t *metadata;
	const char *arn;

	memset(&gate, 0, sizeof gate);
	assert_string_equal(call(f, "CreateKey", "{\"Description\":\"d\"}"), "");
	OK(json_get_object(body, "KeyMetadata", &metadata, &why));
	OK(json_get_str(metadata, "Arn", &arn, &why));
	return strdup(arn);
}

static void a_created_key_is_described_and_listed(void **state)
{
	struct fixture *f = *state;
	char *arn = new_key(f);
	json_t *metadata, *keys;
	const char *value;
	bool enabled;

	assert_string_equal(reply->event_name, "CreateKey");
	assert_false(reply->is_read_only);
	assert_non_null(json_object_get(reply->response_elements, "keyMetadata"));
	assert_string_equal(reply->key_arn, arn);
	assert_string_equal(callf(f, ACCOUNT, "DescribeKey", "{\"KeyId\":\"%s\"}", arn), "");
	OK(json_get_object(body, "KeyMetadata", &metadata, &why));
	OK(json_get_str(metadata, "KeyState", &value, &why));
	assert_string_equal(value, "Enabled");
	OK(json_get_bool(metadata, "Enabled", &enabled, &why));
	assert_true(enabled);
	OK(json_get_str(metadata, "AWSAccountId", &value, &why));
	assert_string_equal(value, ACCOUNT);
	assert_int_equal(json_integer_value(json_object_get(metadata, "CreationDate")), NOW_MS / 1000);
	assert_string_equal(call(f, "ListKeys", ""), "");
	OK(json_get_array(body, "Keys", &keys, &why));
	assert_int_equal(json_array_size(keys), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(keys, 0), "KeyArn")), arn);
	free(arn);
	drop_reply();
}

static void what_was_encrypted_decrypts_under_its_context_only(void **state)
{
	struct fixture *f = *state;
	char *arn = new_key(f), *blob;

	assert_string_equal(
		callf(f, ACCOUNT, "Encrypt",
	              "{\"KeyId\":\"%s\",\"Plaintext\":\"aGVsbG8=\",\"EncryptionContext\":{\"b\":\"2\",\"a\":"
	              "\"1\"}}",
	              arn),
		"");
	assert_string_equal(gate.last_action, "kms:Encrypt");
	assert_string_equal(gate.last_context, "{\"a\":\"1\",\"b\":\"2\"}");
	assert_null(json_object_get(reply->request_parameters, "plaintext"));
	assert_null(json_object_get(reply->request_parameters, "Plaintext"));
	assert_non_null(json_object_get(reply->request_parameters, "encryptionContext"));
	assert_null(reply->response_elements);
	blob = strdup(text("CiphertextBlob"));
	assert_string_equal(callf(f, ACCOUNT, "Decrypt",
	                          "{\"CiphertextBlob\":\"%s\",\"EncryptionContext\":{\"a\":\"1\",\"b\":\"2\"}}", blob),
	                    "");
	assert_string_equal(text("Plaintext"), "aGVsbG8=");
	assert_string_equal(text("KeyId"), arn);
	assert_null(json_object_get(reply->request_parameters, "ciphertextBlob"));
	assert_string_equal(callf(f, ACCOUNT, "Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob),
	                    "InvalidCiphertextException");
	assert_int_equal(reply->status, 400);
	free(arn);
	free(blob);
	drop_reply();
}

static void a_data_key_decrypts_to_the_plaintext_that_was_given(void **state)
{
	struct fixture *f = *state;
	char *arn = new_key(f), *blob, *plain;

	assert_string_equal(callf(f, ACCOUNT, "GenerateDataKey", "{\"KeyId\":\"%s\",\"KeySpec\":\"AES_256\"}", arn),
	                    "");
	blob = strdup(text("CiphertextBlob"));
	plain = strdup(text("Plaintext"));
	assert_int_equal(strlen(plain), BASE64_LEN(32));
	assert_string_equal(callf(f, ACCOUNT, "Decrypt", "{\"CiphertextBlob\":\"%s\",\"KeyId\":\"%s\"}", blob, arn),
	                    "");
	assert_string_equal(text("Plaintext"), plain);
	assert_string_equal(callf(f, ACCOUNT, "GenerateDataKeyWithoutPlaintext",
	                          "{\"KeyId\":\"%s\",\"NumberOfBytes\":%d}", arn, KMS_DATA_KEY_BYTES_MAX),
	                    "");
	assert_null(json_object_get(body, "Plaintext"));
	assert_string_equal(gate.last_action, "kms:GenerateDataKeyWithoutPlaintext");
	assert_string_equal(callf(f, ACCOUNT, "GenerateDataKey", "{\"KeyId\":\"%s\",\"NumberOfBytes\":%d}", arn,
	                          KMS_DATA_KEY_BYTES_MAX + 1),
	                    "ValidationException");
	assert_string_equal(callf(f, ACCOUNT, "GenerateDataKey", "{\"KeyId\":\"%s\"}", arn), "ValidationException");
	assert_string_equal(call(f, "GenerateRandom", "{\"NumberOfBytes\":16}"), "");
	assert_int_equal(strlen(text("Plaintext")), BASE64_LEN(16));
	free(arn);
	free(blob);
	free(plain);
	drop_reply();
}

static void a_ciphertext_of_another_key_is_told_apart(void **state)
{
	struct fixture *f = *state;
	char *a = new_key(f), *b = new_key(f), *blob;

	assert_string_equal(callf(f, ACCOUNT, "Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"aGVsbG8=\"}", a), "");
	blob = strdup(text("CiphertextBlob"));
	assert_string_equal(callf(f, ACCOUNT, "Decrypt", "{\"CiphertextBlob\":\"%s\",\"KeyId\":\"%s\"}", blob, b),
	                    "IncorrectKeyException");
	assert_string_equal(call(f, "Decrypt", "{\"CiphertextBlob\":\"aGVsbG8=\"}"), "InvalidCiphertextException");
	blob[3] = blob[3] == 'A' ? 'B' : 'A'; /* in the key id: another installation's */
	assert_string_equal(callf(f, ACCOUNT, "Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob),
	                    "InvalidCiphertextException");
	free(a);
	free(b);
	free(blob);
	drop_reply();
}

static void old_ciphertexts_open_after_a_rotation(void **state)
{
	struct fixture *f = *state;
	char *arn = new_key(f), *blob;
	uint8_t id[UUID_BYTES];
	struct kms_key key;

	assert_string_equal(callf(f, ACCOUNT, "Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"aGVsbG8=\"}", arn), "");
	blob = strdup(text("CiphertextBlob"));
	OK(uuid_parse(slice_str(strrchr(arn, '/') + 1), id, &why));
	OK(kms_key_get(f->ks, id, &key, &why));
	OK(kms_key_rotate(f->ks, &key, NOW_MS, &why));
	assert_string_equal(callf(f, ACCOUNT, "Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob), "");
	kms_key_clear(&key);
	free(arn);
	free(blob);
	drop_reply();
}

static void another_account_needs_the_keys_policy_and_learns_nothing_without(void **state)
{
	struct fixture *f = *state;
	char *arn = new_key(f), *denied, *id = strrchr(arn, '/') + 1;

	assert_string_equal(callf(f, OTHER_ACCOUNT, "DescribeKey", "{\"KeyId\":\"%s\"}", arn), "AccessDeniedException");
	denied = strdup(text("message"));
	assert_null(strstr(denied, "secret reason"));
	assert_string_equal(callf(f, OTHER_ACCOUNT, "DescribeKey",
	                          "{\"KeyId\":\"arn:aws:kms:us-east-1:" ACCOUNT
	                          ":key/00000000-0000-4000-8000-000000000000\"}"),
	                    "AccessDeniedException");
	assert_string_equal(text("message"), denied);
	assert_string_equal(
		callf(f, OTHER_ACCOUNT, "DescribeKey", "{\"KeyId\":\"arn:aws:kms:us-east-1:" ACCOUNT ":alias/none\"}"),
		"AccessDeniedException");
	assert_string_equal(text("message"), denied);
	assert_string_equal(callf(f, OTHER_ACCOUNT, "DescribeKey", "{\"KeyId\":\"%s\"}", id), "NotFoundException");
	assert_string_equal(
		callf(f, ACCOUNT, "PutKeyPolicy", "{\"KeyId\":\"%s\",\"Policy\":\"{admit " OTHER_ACCOUNT "}\"}", id),
		"");
	assert_string_equal(callf(f, OTHER_ACCOUNT, "Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"aGVsbG8=\"}", arn),
	                    "");
	assert_string_equal(reply->key_account, ACCOUNT);
	free(denied);
	free(arn);
	drop_reply();
}

static void a_denied_call_changes_nothing_and_still_names_the_key(void **state)
{
	struct fixture *f = *state;
	char *arn = new_key(f);
	uint64_t generation = kms_keystore_state(f->ks)->at.generation;
	static const char *const operations[][2] = {
		{"kms:DisableKey", "DisableKey"},
		{"kms:EnableKey", "EnableKey"},
		{"kms:ScheduleKeyDeletion", "ScheduleKeyDeletion"},
		{"kms:DescribeKey", "DescribeKey"},
		{"kms:GetKeyPolicy", "GetKeyPolicy"},
	};

	for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
		gate.forbidden = operations[i][0];
		assert_string_equal(callf(f, ACCOUNT, operations[i][1], "{\"KeyId\":\"%s\"}", arn),
		                    "AccessDeniedException");
		assert_string_equal(reply->key_arn, arn);
	}
	gate.forbidden = "kms:CreateKey";
	assert_string_equal(call(f, "CreateKey", "{}"), "AccessDeniedException");
	gate.forbidden = "kms:CreateAlias";
	assert_string_equal(callf(f, ACCOUNT, "CreateAlias", "{\"AliasName\":\"alias/a\",\"TargetKeyId\":\"%s\"}", arn),
	                    "AccessDeniedException");
	gate.forbidden = NULL;
	assert_int_equal(kms_keystore_state(f->ks)->at.generation, generation);
	free(arn);
	drop_reply();
}

static void a_disabled_key_does_nothing_until_it_is_enabled(void **state)
{
	struct fixture *f = *state;
	char *arn = new_key(f), *blob;
	uint64_t generation;

	assert_string_equal(callf(f, ACCOUNT, "Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"aGVsbG8=\"}", arn), "");
	blob = strdup(text("CiphertextBlob"));
	assert_string_equal(callf(f, ACCOUNT, "DisableKey", "{\"KeyId\":\"%s\"}", arn), "");
	generation = kms_keystore_state(f->ks)->at.generation;
	assert_string_equal(callf(f, ACCOUNT, "DisableKey", "{\"KeyId\":\"%s\"}", arn), "");
	assert_int_equal(kms_keystore_state(f->ks)->at.generation, generation); /* repeated: nothing to do */
	assert_string_equal(callf(f, ACCOUNT, "Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"aGVsbG8=\"}", arn),
	                    "DisabledException");
	assert_string_equal(callf(f, ACCOUNT, "Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob), "DisabledException");
	assert_string_equal(callf(f, ACCOUNT, "EnableKey", "{\"KeyId\":\"%s\"}", arn), "");
	assert_string_equal(callf(f, ACCOUNT, "Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob), "");
	free(arn);
	free(blob);
	drop_reply();
}

static void a_key_pending_deletion_can_be_saved_until_it_is_due(void **state)
{
	struct fixture *f = *state;
	const uint64_t day_ms = 24ull * 3600 * 1000;
	char *arn = new_key(f), *blob, request[256];
	struct kms_epoch_report report;

	assert_string_equal(callf(f, ACCOUNT, "Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"aGVsbG8=\"}", arn), "");
	blob = strdup(text("CiphertextBlob"));
	assert_string_equal(
		callf(f, ACCOUNT, "ScheduleKeyDeletion", "{\"KeyId\":\"%s\",\"PendingWindowInDays\":6}", arn),
		"ValidationException");
	assert_string_equal(
		callf(f, ACCOUNT, "ScheduleKeyDeletion", "{\"KeyId\":\"%s\",\"PendingWindowInDays\":7}", arn), "");
	assert_string_equal(text("KeyState"), "PendingDeletion");
	assert_string_equal(callf(f, ACCOUNT, "Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob),
	                    "KMSInvalidStateException");
	assert_string_equal(callf(f, ACCOUNT, "EnableKey", "{\"KeyId\":\"%s\"}", arn), "KMSInvalidStateException");
	assert_string_equal(callf(f, ACCOUNT, "CancelKeyDeletion", "{\"KeyId\":\"%s\"}", arn), "");
	assert_string_equal(callf(f, ACCOUNT, "CancelKeyDeletion", "{\"KeyId\":\"%s\"}", arn),
	                    "KMSInvalidStateException");
	assert_string_equal(callf(f, ACCOUNT, "EnableKey", "{\"KeyId\":\"%s\"}", arn), "");
	assert_string_equal(
		callf(f, ACCOUNT, "ScheduleKeyDeletion", "{\"KeyId\":\"%s\",\"PendingWindowInDays\":7}", arn), "");
	snprintf(request, sizeof request, "{\"KeyId\":\"%s\"}", arn);
	assert_string_equal(call_at(f, NOW_MS + 7 * day_ms, ACCOUNT, "CancelKeyDeletion", request),
	                    "KMSInvalidStateException");
	OK(kms_epoch_roll(f->ks, NOW_MS + 7 * day_ms, &report, &why));
	buf_free(report.destroyed_ids);
	assert_string_equal(callf(f, ACCOUNT, "DescribeKey", "{\"KeyId\":\"%s\"}", arn), "NotFoundException");
	assert_string_equal(callf(f, ACCOUNT, "Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob),
	                    "InvalidCiphertextException");
	assert_non_null(strstr(text("message"), "destroyed"));
	free(arn);
	free(blob);
	drop_reply();
}

static void policies_are_set_checked_and_read_back(void **state)
{
	struct fixture *f = *state;
	char *arn = new_key(f);

	assert_string_equal(callf(f, ACCOUNT, "GetKeyPolicy", "{\"KeyId\":\"%s\"}", arn), "");
	assert_non_null(strstr(text("Policy"), "arn:aws:iam::" ACCOUNT ":root"));
	assert_string_equal(callf(f, ACCOUNT, "PutKeyPolicy", "{\"KeyId\":\"%s\",\"Policy\":\"[]\"}", arn),
	                    "MalformedPolicyDocumentException");
	assert_string_equal(callf(f, ACCOUNT, "PutKeyPolicy", "{\"KeyId\":\"%s\",\"Policy\":\"{lock}\"}", arn),
	                    "MalformedPolicyDocumentException");
	assert_non_null(strstr(text("message"), "BypassPolicyLockoutSafetyCheck"));
	assert_string_equal(
		callf(f, ACCOUNT, "PutKeyPolicy", "{\"KeyId\":\"%s\",\"Policy\":\"{x}\",\"PolicyName\":\"y\"}", arn),
		"NotFoundException");
	assert_string_equal(callf(f, ACCOUNT, "PutKeyPolicy", "{\"KeyId\":\"%s\",\"Policy\":\"{new}\"}", arn), "");
	assert_string_equal(callf(f, ACCOUNT, "GetKeyPolicy", "{\"KeyId\":\"%s\"}", arn), "");
	assert_string_equal(text("Policy"), "{new}");
	assert_string_equal(callf(f, ACCOUNT, "PutKeyPolicy",
	                          "{\"KeyId\":\"%s\",\"Policy\":\"{lock}\",\"BypassPolicyLockoutSafetyCheck\":true}",
	                          arn),
	                    "");
	assert_string_equal(callf(f, ACCOUNT, "GetKeyPolicy", "{\"KeyId\":\"%s\"}", arn), "AccessDeniedException");
	free(arn);
	drop_reply();
}

static void aliases_lead_to_keys_and_can_be_moved(void **state)
{
	struct fixture *f = *state;
	char *a = new_key(f), *b = new_key(f);
	json_t *list;

	assert_string_equal(callf(f, ACCOUNT, "CreateAlias", "{\"AliasName\":\"alias/x\",\"TargetKeyId\":\"%s\"}", a),
	                    "");
	assert_string_equal(callf(f, ACCOUNT, "CreateAlias", "{\"AliasName\":\"alias/x\",\"TargetKeyId\":\"%s\"}", b),
	                    "AlreadyExistsException");
	assert_string_equal(callf(f, ACCOUNT, "CreateAlias", "{\"AliasName\":\"y\",\"TargetKeyId\":\"%s\"}", b),
	                    "InvalidAliasNameException");
	assert_string_equal(callf(f, ACCOUNT, "CreateAlias", "{\"AliasName\":\"alias/y\",\"TargetKeyId\":\"alias/x\"}"),
	                    "ValidationException");
	assert_string_equal(call(f, "Encrypt", "{\"KeyId\":\"alias/x\",\"Plaintext\":\"aGVsbG8=\"}"), "");
	assert_string_equal(text("KeyId"), a);
	assert_string_equal(gate.last_alias, "alias/x");
	assert_string_equal(callf(f, ACCOUNT, "UpdateAlias", "{\"AliasName\":\"alias/x\",\"TargetKeyId\":\"%s\"}", b),
	                    "");
	assert_string_equal(call(f, "DescribeKey", "{\"KeyId\":\"arn:aws:kms:us-east-1:" ACCOUNT ":alias/x\"}"), "");
	assert_string_equal(reply->key_arn, b);
	assert_string_equal(callf(f, ACCOUNT, "ListAliases", "{\"KeyId\":\"%s\"}", a), "");
	OK(json_get_array(body, "Aliases", &list, &why));
	assert_int_equal(json_array_size(list), 0);
	assert_string_equal(call(f, "ListAliases", "{\"Limit\":1}"), "");
	OK(json_get_array(body, "Aliases", &list, &why));
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(call(f, "DeleteAlias", "{\"AliasName\":\"alias/x\"}"), "");
	assert_string_equal(call(f, "DescribeKey", "{\"KeyId\":\"alias/x\"}"), "NotFoundException");
	free(a);
	free(b);
	drop_reply();
}

static void pages_follow_their_marker(void **state)
{
	struct fixture *f = *state;
	char *arns[3], *marker;
	json_t *keys;

	for (int i = 0; i < 3; i++)
		arns[i] = new_key(f);
	assert_string_equal(call(f, "ListKeys", "{\"Limit\":2}"), "");
	assert_true(json_is_true(json_object_get(body, "Truncated")));
	marker = strdup(text("NextMarker"));
	assert_string_equal(callf(f, ACCOUNT, "ListKeys", "{\"Limit\":2,\"Marker\":\"%s\"}", marker), "");
	OK(json_get_array(body, "Keys", &keys, &why));
	assert_int_equal(json_array_size(keys), 1);
	assert_true(json_is_false(json_object_get(body, "Truncated")));
	assert_string_equal(call(f, "ListKeys", "{\"Marker\":\"x\"}"), "InvalidMarkerException");
	assert_string_equal(call(f, "ListKeys", "{\"Limit\":1001}"), "ValidationException");
	assert_string_equal(call(f, "ListAliases", "{\"Marker\":\"x\"}"), "InvalidMarkerException");
	for (int i = 0; i < 3; i++)
		free(arns[i]);
	free(marker);
	drop_reply();
}

static void what_is_not_built_is_refused_by_name(void **state)
{
	struct fixture *f = *state;

	memset(&gate, 0, sizeof gate);
	assert_string_equal(call(f, "CreateKey", "{\"KeySpec\":\"RSA_4096\"}"), "UnsupportedOperationException");
	assert_string_equal(call(f, "CreateKey", "{\"KeyUsage\":\"SIGN_VERIFY\"}"), "UnsupportedOperationException");
	assert_string_equal(call(f, "CreateKey", "{\"MultiRegion\":true}"), "UnsupportedOperationException");
	assert_string_equal(call(f, "CreateKey", "{\"Tags\":[{\"TagKey\":\"a\",\"TagValue\":\"b\"}]}"),
	                    "UnsupportedOperationException");
	assert_string_equal(call(f, "Decrypt", "{\"CiphertextBlob\":\"aGVsbG8=\",\"Recipient\":{}}"),
	                    "ValidationException");
	assert_string_equal(call(f, "Sign", "{}"), "UnknownOperationException");
	assert_string_equal(reply->event_name, "");
	assert_int_equal(gate.questions, 0);
	drop_reply();
}

static void malformed_requests_are_told_what_is_wrong(void **state)
{
	static const char *const cases[][3] = {
		{"Encrypt", "{", "SerializationException"},
		{"Encrypt", "[]", "SerializationException"},
		{"Encrypt", "{}", "ValidationException"},
		{"Encrypt", "{\"KeyId\":\"\",\"Plaintext\":\"aGVsbG8=\"}", "ValidationException"},
		{"Encrypt", "{\"KeyId\":1,\"Plaintext\":\"aGVsbG8=\"}", "ValidationException"},
		{"Encrypt", "{\"KeyId\":\"k\",\"Plaintext\":\"!\"}", "ValidationException"},
		{"DescribeKey", "{\"KeyId\":\"arn:aws:s3:::b\"}", "InvalidArnException"},
		{"DescribeKey", "{\"KeyId\":\"arn:aws:kms:us-east-1:" ACCOUNT ":thing/x\"}", "InvalidArnException"},
		{"DescribeKey", "{\"KeyId\":\"arn:aws:kms:eu-west-1:" ACCOUNT ":key/x\"}", "InvalidArnException"},
		{"DescribeKey", "{\"KeyId\":\"nonsense\"}", "ValidationException"},
		{"DescribeKey", "{\"KeyId\":\"00000000-0000-4000-8000-000000000000\"}", "NotFoundException"},
		{"Decrypt", "{\"CiphertextBlob\":\"\"}", "InvalidCiphertextException"},
		{"Decrypt", "{\"CiphertextBlob\":\"aGVsbG8=\",\"EncryptionContext\":{\"a\":1}}", "ValidationException"},
	};
	struct fixture *f = *state;

	memset(&gate, 0, sizeof gate);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (strcmp(call(f, cases[i][0], cases[i][1]), cases[i][2]) != 0)
			fail_msg("%s %s: %s", cases[i][0], cases[i][1], reply->error_code);
		assert_int_equal(reply->status, 400);
		assert_string_equal(text("__type"), cases[i][2]);
		assert_true(strlen(text("message")) > 5);
	}
	drop_reply();
}

static void plaintexts_have_their_limit(void **state)
{
	struct fixture *f = *state;
	char *arn = new_key(f), *plain = calloc(1, BASE64_LEN(KMS_PLAINTEXT_BYTES_MAX + 1) + 1);
	uint8_t *bytes = calloc(1, KMS_PLAINTEXT_BYTES_MAX + 1);

	base64_encode(slice_of(bytes, KMS_PLAINTEXT_BYTES_MAX), plain);
	assert_string_equal(callf(f, ACCOUNT, "Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"%s\"}", arn, plain), "");
	base64_encode(slice_of(bytes, KMS_PLAINTEXT_BYTES_MAX + 1), plain);
	assert_string_equal(callf(f, ACCOUNT, "Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"%s\"}", arn, plain),
	                    "ValidationException");
	free(arn);
	free(plain);
	free(bytes);
	drop_reply();
}

/* A request with one member of `len` times `c`. */
static char *long_request(const char *before, char c, size_t len, const char *after)
{
	char *request = malloc(strlen(before) + len + strlen(after) + 1);

	snprintf(request, strlen(before) + 1, "%s", before);
	memset(request + strlen(before), c, len);
	snprintf(request + strlen(before) + len, strlen(after) + 1, "%s", after);
	return request;
}

static void assert_at_limit(struct fixture *f, const char *operation, const char *before, const char *after,
                            size_t limit, const char *over)
{
	char *fits = long_request(before, 'x', limit, after), *too_long = long_request(before, 'x', limit + 1, after);

	assert_string_equal(call(f, operation, fits), "");
	assert_string_equal(call(f, operation, too_long), over);
	free(fits);
	free(too_long);
}

static void descriptions_policies_and_requests_have_their_limits(void **state)
{
	struct fixture *f = *state;
	char *big;

	memset(&gate, 0, sizeof gate);
	assert_at_limit(f, "CreateKey", "{\"Description\":\"", "\"}", KMS_DESCRIPTION_BYTES_MAX, "ValidationException");
	assert_at_limit(f, "CreateKey", "{\"Policy\":\"{", "\"}", KMS_POLICY_BYTES_MAX - 1, "LimitExceededException");
	big = long_request("{", ' ', KMS_REQUEST_BYTES_MAX - 2, "}");
	assert_string_equal(call(f, "CreateKey", big), "");
	free(big);
	big = long_request("{", ' ', KMS_REQUEST_BYTES_MAX - 1, "}");
	assert_string_equal(call(f, "CreateKey", big), "ValidationException");
	free(big);
	big = long_request("{\"KeyId\":\"", 'k', KMS_ARN_BYTES_MAX + 1, "\"}");
	assert_string_equal(call(f, "DescribeKey", big), "ValidationException");
	free(big);
	drop_reply();
}

static void records_hold_known_members_only_and_not_too_much(void **state)
{
	struct fixture *f = *state;
	char *big;

	memset(&gate, 0, sizeof gate);
	assert_string_equal(call(f, "Encrypt", "{\"KeyId\":\"k\",\"plaintext\":\"c2VjcmV0\",\"Secret\":\"s\"}"),
	                    "ValidationException");
	assert_int_equal(json_object_size(reply->request_parameters), 1);
	assert_non_null(json_object_get(reply->request_parameters, "keyId"));
	big = long_request("{\"KeyId\":\"", 'k', KMS_RECORD_BYTES_MAX, "\"}");
	assert_string_equal(call(f, "DescribeKey", big), "ValidationException");
	assert_null(json_object_get(reply->request_parameters, "keyId"));
	assert_non_null(json_object_get(reply->request_parameters, "omitted"));
	free(big);
	drop_reply();
}

static void a_sentence_cut_within_a_character_is_still_an_answer(void **state)
{
	struct fixture *f = *state;
	/* 32 times two bytes after one: the name is cut in the middle of a character */
	static const char name[] = "xéééééééééééééééééééééééééééééééééééééé";

	memset(&gate, 0, sizeof gate);
	assert_string_equal(callf(f, ACCOUNT, "Decrypt",
	                          "{\"CiphertextBlob\":\"aGVsbG8=\",\"EncryptionContext\":{\"%s\":1}}", name),
	                    "ValidationException");
	assert_non_null(text("message"));
	drop_reply();
}

static void failures_of_ours_are_not_explained_to_the_caller(void **state)
{
	struct fixture *f = *state;
	char *arn = new_key(f);

	fixture_tamper(f, "UPDATE kms_key_version SET wrapped = zeroblob(72)");
	OK(fixture_open_tampered(f));
	assert_string_equal(callf(f, ACCOUNT, "Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"aGVsbG8=\"}", arn),
	                    "KMSInternalException");
	assert_int_equal(reply->status, 500);
	assert_int_equal(reply->err, ERR_TAMPERED);
	assert_non_null(strstr(reply->why.text, "altered"));
	assert_null(strstr(text("message"), "altered"));
	free(arn);
	drop_reply();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(a_created_key_is_described_and_listed),
		fixture_test(what_was_encrypted_decrypts_under_its_context_only),
		fixture_test(a_data_key_decrypts_to_the_plaintext_that_was_given),
		fixture_test(a_ciphertext_of_another_key_is_told_apart),
		fixture_test(old_ciphertexts_open_after_a_rotation),
		fixture_test(another_account_needs_the_keys_policy_and_learns_nothing_without),
		fixture_test(a_denied_call_changes_nothing_and_still_names_the_key),
		fixture_test(a_disabled_key_does_nothing_until_it_is_enabled),
		fixture_test(a_key_pending_deletion_can_be_saved_until_it_is_due),
		fixture_test(policies_are_set_checked_and_read_back),
		fixture_test(aliases_lead_to_keys_and_can_be_moved),
		fixture_test(pages_follow_their_marker),
		fixture_test(what_is_not_built_is_refused_by_name),
		fixture_test(malformed_requests_are_told_what_is_wrong),
		fixture_test(plaintexts_have_their_limit),
		fixture_test(descriptions_policies_and_requests_have_their_limits),
		fixture_test(records_hold_known_members_only_and_not_too_much),
		fixture_test(a_sentence_cut_within_a_character_is_still_an_answer),
		fixture_test(failures_of_ours_are_not_explained_to_the_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
