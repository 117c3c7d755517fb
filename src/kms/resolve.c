#include "kms/resolve.h"

#include <string.h>

#include "base/limits.h"

void kms_found_clear(struct kms_found *found)
{
	kms_key_clear(&found->key);
}

/* The parts of "arn:aws:kms:REGION:ACCOUNT:key/ID" that matter here. */
struct arn {
	struct slice account;
	struct slice name; /* "key/ID" or "alias/NAME" */
};

static bool is_account(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
	return text.len == KMS_ACCOUNT_BYTES - 1;
}

static int parse_arn(const struct kms_keystore *ks, struct slice text, struct arn *ret_arn, struct why *reterr_why)
{
	static const char prefix[] = "arn:aws:kms:";
	struct cursor in = cursor_of(text);
	struct slice skipped, region;

	ENSURE(slice_starts_with(text, prefix), KMS_ERR_ARN, reterr_why,
	       "a key's ARN begins with arn:aws:kms:%s:", kms_keystore_region(ks));
	TRY(cursor_take(&in, strlen(prefix), &skipped, reterr_why));
	ENSURE(cursor_take_until(&in, ':', &region, NULL) == ERR_OK &&
	               cursor_take_until(&in, ':', &ret_arn->account, NULL) == ERR_OK,
	       KMS_ERR_ARN, reterr_why, "a key's ARN has six parts, separated by colons");
	ENSURE(slice_is_str(region, kms_keystore_region(ks)), KMS_ERR_ARN, reterr_why,
	       "that ARN is of another region than this installation's, %s", kms_keystore_region(ks));
	ENSURE(is_account(ret_arn->account), KMS_ERR_ARN, reterr_why, "an ARN names its account by 12 digits");
	ret_arn->name = in.rest;
	return ERR_OK;
}

static void note_key(struct kms_keystore *ks, struct kms_call *call, const struct kms_key *key)
{
	kms_key_arn(ks, key, call->key_arn);
	memcpy(call->key_account, key->account, sizeof call->key_account);
}

int kms_deny_foreign(const char *action, struct why *reterr_why)
{
	why_set(reterr_why,
	        "%s is not allowed on this key: it does not exist, or its policy or yours does not allow it", action);
	return ERR_DENIED;
}

static int find_by_id(struct kms_keystore *ks, const char *account, struct slice text, struct kms_key *ret_key,
                      struct why *reterr_why)
{
	CLEANUP(kms_key_clear) struct kms_key key = {0};
	uint8_t id[UUID_BYTES];

	TRY(uuid_parse(text, id, reterr_why));
	TRY(kms_key_get(ks, id, &key, reterr_why));
	ENSURE(key.state != KMS_KEY_DESTROYED && slice_is_str(slice_str(key.account), account), ERR_NOTFOUND,
	       reterr_why, "account %s has no key %.*s", account, (int)text.len, (const char *)text.ptr);
	*ret_key = key;
	key = (struct kms_key){0};
	return ERR_OK;
}

static int find_by_alias(struct kms_keystore *ks, const char *account, struct slice name, struct kms_found *ret_found,
                         struct why *reterr_why)
{
	struct kms_alias alias;

	TRY(kms_alias_get(ks, account, name, &alias, reterr_why));
	TRY(kms_key_get(ks, alias.key_id, &ret_found->key, reterr_why));
	memcpy(ret_found->alias, alias.name, sizeof alias.name);
	return ERR_OK;
}

/* "key/ID" or "alias/NAME" of one account. */
static int find_named(struct kms_keystore *ks, const char *account, struct slice name, struct kms_found *ret_found,
                      struct why *reterr_why)
{
	static const char key_prefix[] = "key/";

	if (slice_starts_with(name, "alias/"))
		return find_by_alias(ks, account, name, ret_found, reterr_why);
	ENSURE(slice_starts_with(name, key_prefix), KMS_ERR_ARN, reterr_why,
	       "a key's ARN ends in key/ID or alias/NAME");
	return find_by_id(ks, account, slice_of(name.ptr + strlen(key_prefix), name.len - strlen(key_prefix)),
	                  &ret_found->key, reterr_why);
}

static int find(struct kms_keystore *ks, const struct kms_call *call, const char *action, struct slice ref,
                struct kms_found *ret_found, struct why *reterr_why)
{
	char account[KMS_ACCOUNT_BYTES];
	struct arn arn;
	int err;

	ENSURE(ref.len > 0 && ref.len <= KMS_ARN_BYTES_MAX, ERR_INVALID, reterr_why,
	       "KeyId has %zu characters; 1 to %d are accepted", ref.len, KMS_ARN_BYTES_MAX);
	if (slice_starts_with(ref, "alias/"))
		return find_by_alias(ks, call->account, ref, ret_found, reterr_why);
	if (!slice_starts_with(ref, "arn:"))
		return find_by_id(ks, call->account, ref, &ret_found->key, reterr_why);
	TRY(parse_arn(ks, ref, &arn, reterr_why));
	TRY(slice_to_str(arn.account, account, sizeof account, reterr_why));
	err = find_named(ks, account, arn.name, ret_found, reterr_why);
	if (err == ERR_NOTFOUND && !slice_is_str(arn.account, call->account))
		return kms_deny_foreign(action, reterr_why);
	return err;
}

int kms_resolve(struct kms_keystore *ks, struct kms_call *call, const char *action, struct slice ref,
                struct kms_found *ret_found, struct why *reterr_why)
{
	CLEANUP(kms_found_clear) struct kms_found found = {0};

	TRY(find(ks, call, action, ref, &found, reterr_why));
	note_key(ks, call, &found.key);
	*ret_found = found;
	found = (struct kms_found){0};
	return ERR_OK;
}

int kms_ask_key(struct kms_keystore *ks, struct kms_call *call, const char *action, const struct kms_found *found,
                const struct kms_context *context, struct why *reterr_why)
{
	char arn[KMS_KEY_ARN_BYTES_MAX];
	const struct kms_question question = {
		.action = action,
		.resource = arn,
		.owner = found->key.account,
		.policy = slice_str(found->key.policy),
		.context = context,
		.alias = found->alias[0] ? found->alias : NULL,
	};
	int err;

	kms_key_arn(ks, &found->key, arn);
	note_key(ks, call, &found->key);
	err = call->authorise(call->gate, &question, reterr_why);
	if (err == ERR_DENIED && !slice_is_str(slice_str(found->key.account), call->account))
		return kms_deny_foreign(action, reterr_why);
	return err;
}

int kms_resolve_allowed(struct kms_keystore *ks, struct kms_call *call, const char *action, struct slice ref,
                        const struct kms_context *context, struct kms_found *ret_found, struct why *reterr_why)
{
	CLEANUP(kms_found_clear) struct kms_found found = {0};

	TRY(kms_resolve(ks, call, action, ref, &found, reterr_why));
	TRY(kms_ask_key(ks, call, action, &found, context, reterr_why));
	*ret_found = found;
	found = (struct kms_found){0};
	return ERR_OK;
}

int kms_ask_own(struct kms_call *call, const char *action, const char *resource, struct why *reterr_why)
{
	const struct kms_question question = {.action = action, .resource = resource, .owner = call->account};

	return call->authorise(call->gate, &question, reterr_why);
}

int kms_key_check_usable(const struct kms_key *key, struct why *reterr_why)
{
	char id[UUID_TEXT_BYTES];

	uuid_print(key->id, id);
	ENSURE(key->state != KMS_KEY_DISABLED, KMS_ERR_DISABLED, reterr_why, "key %s is disabled", id);
	ENSURE(key->state != KMS_KEY_PENDING_DELETION, ERR_CONFLICT, reterr_why,
	       "key %s is pending deletion; CancelKeyDeletion, then EnableKey, makes it usable again", id);
	ENSURE(key->state == KMS_KEY_ENABLED, ERR_CONFLICT, reterr_why, "key %s is not enabled", id);
	return ERR_OK;
}
