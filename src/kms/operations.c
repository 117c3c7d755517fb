#include "kms/operations.h"

#include <string.h>

#include "kms/blob.h"
#include "kms/resolve.h"

/* Hands the key to the caller. */
static void give_key(struct kms_found *found, struct kms_key *ret_key)
{
	*ret_key = found->key;
	found->key = (struct kms_key){0};
}

int kms_describe_key(struct kms_keystore *ks, struct kms_call *call, struct slice ref, struct kms_key *ret_key,
                     struct why *reterr_why)
{
	CLEANUP(kms_found_clear) struct kms_found found = {0};

	TRY(kms_resolve_allowed(ks, call, "kms:DescribeKey", ref, NULL, &found, reterr_why));
	give_key(&found, ret_key);
	return ERR_OK;
}

int kms_list_keys(struct kms_keystore *ks, struct kms_call *call, const uint8_t *after, size_t max,
                  uint8_t (*ret_ids)[UUID_BYTES], size_t *ret_count, bool *ret_more, struct why *reterr_why)
{
	TRY(kms_ask_own(call, "kms:ListKeys", "*", reterr_why));
	return kms_key_list(ks, call->account, after, max, ret_ids, ret_count, ret_more, reterr_why);
}

/* Encrypts under the key's current version. */
static int seal_blob(struct kms_keystore *ks, const struct kms_key *key, const struct kms_context *context,
                     const struct secret *plain, struct buf *into, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *material = NULL;

	TRY(kms_key_check_usable(key, reterr_why));
	TRY(kms_key_material(ks, key, key->version, &material, reterr_why));
	return kms_blob_seal(material, key->id, key->version, kms_context_canonical(context),
	                     slice_of(secret_peek(plain), secret_len(plain)), into, reterr_why);
}

int kms_encrypt(struct kms_keystore *ks, struct kms_call *call, struct slice ref, const struct kms_context *context,
                const struct secret *plain, struct buf *into, struct kms_key *ret_key, struct why *reterr_why)
{
	CLEANUP(kms_found_clear) struct kms_found found = {0};

	TRY(kms_resolve_allowed(ks, call, "kms:Encrypt", ref, context, &found, reterr_why));
	TRY(seal_blob(ks, &found.key, context, plain, into, reterr_why));
	give_key(&found, ret_key);
	return ERR_OK;
}

int kms_generate_data_key(struct kms_keystore *ks, struct kms_call *call, struct slice ref,
                          const struct kms_context *context, size_t len, struct buf *into, struct secret **ret_plain,
                          struct kms_key *ret_key, struct why *reterr_why)
{
	const char *action = ret_plain ? "kms:GenerateDataKey" : "kms:GenerateDataKeyWithoutPlaintext";
	CLEANUP(kms_found_clear) struct kms_found found = {0};
	CLEANUP(secret_freep) struct secret *plain = NULL;

	ENSURE(len >= 1 && len <= KMS_DATA_KEY_BYTES_MAX, ERR_INVALID, reterr_why,
	       "a data key of %zu bytes; 1 to %d are accepted", len, KMS_DATA_KEY_BYTES_MAX);
	TRY(kms_resolve_allowed(ks, call, action, ref, context, &found, reterr_why));
	TRY(secret_new_random(len, &plain, reterr_why));
	TRY(seal_blob(ks, &found.key, context, plain, into, reterr_why));
	if (ret_plain)
		*ret_plain = take_ptr(plain);
	give_key(&found, ret_key);
	return ERR_OK;
}

/* The key that a blob names. A destroyed key is told to its own account only. */
static int find_blob_key(struct kms_keystore *ks, const struct kms_call *call, const struct kms_blob *blob,
                         struct kms_found *found, struct why *reterr_why)
{
	int err = kms_key_get(ks, blob->key_id, &found->key, reterr_why);
	bool is_destroyed = err == ERR_OK && found->key.state == KMS_KEY_DESTROYED;

	ENSURE(!is_destroyed || !slice_is_str(slice_str(found->key.account), call->account), KMS_ERR_CIPHERTEXT,
	       reterr_why, "the key of this ciphertext was destroyed; what it holds cannot be recovered");
	ENSURE(err != ERR_NOTFOUND && !is_destroyed, KMS_ERR_CIPHERTEXT, reterr_why,
	       "the key of this ciphertext does not exist here; was it made by another installation?");
	return err;
}

/* A key that the caller names besides has to be the one that the blob names. */
static int check_named(struct kms_keystore *ks, struct kms_call *call, struct slice ref, struct kms_found *found,
                       struct why *reterr_why)
{
	CLEANUP(kms_found_clear) struct kms_found named = {0};
	int err;

	if (!ref.len)
		return ERR_OK;
	err = kms_resolve(ks, call, "kms:Decrypt", ref, &named, reterr_why);
	if (err != ERR_OK && err != ERR_DENIED) /* a foreign key that does not exist answers as one that does */
		return err;
	ENSURE(err == ERR_OK && slice_equal(slice_of(named.key.id, UUID_BYTES), slice_of(found->key.id, UUID_BYTES)),
	       KMS_ERR_WRONG_KEY, reterr_why, "the ciphertext is under another key than the one named");
	memcpy(found->alias, named.alias, sizeof found->alias);
	return ERR_OK;
}

int kms_decrypt(struct kms_keystore *ks, struct kms_call *call, struct slice ref, const struct kms_context *context,
                struct slice blob_bytes, struct secret **ret_plain, struct kms_key *ret_key, struct why *reterr_why)
{
	CLEANUP(kms_found_clear) struct kms_found found = {0};
	CLEANUP(secret_freep) struct secret *material = NULL;
	struct kms_blob blob;
	int err;

	if (kms_blob_parse(blob_bytes, &blob, reterr_why) != ERR_OK)
		return KMS_ERR_CIPHERTEXT;
	TRY(find_blob_key(ks, call, &blob, &found, reterr_why));
	TRY(check_named(ks, call, ref, &found, reterr_why));
	TRY(kms_ask_key(ks, call, "kms:Decrypt", &found, context, reterr_why));
	TRY(kms_key_check_usable(&found.key, reterr_why));
	err = kms_key_material(ks, &found.key, blob.key_version, &material, reterr_why);
	ENSURE(err != ERR_NOTFOUND, KMS_ERR_CIPHERTEXT, reterr_why,
	       "the ciphertext is under version %u of its key, which has none", blob.key_version);
	TRY(err);
	err = kms_blob_open(material, &blob, kms_context_canonical(context), ret_plain, reterr_why);
	ENSURE(err_class(err) != ERR_TAMPERED && err_class(err) != ERR_INVALID, KMS_ERR_CIPHERTEXT, reterr_why,
	       "the ciphertext was altered, or made with another encryption context");
	TRY(err);
	give_key(&found, ret_key);
	return ERR_OK;
}

int kms_generate_random(struct kms_call *call, size_t len, struct secret **ret_random, struct why *reterr_why)
{
	ENSURE(len >= 1 && len <= KMS_DATA_KEY_BYTES_MAX, ERR_INVALID, reterr_why,
	       "%zu random bytes; 1 to %d are accepted", len, KMS_DATA_KEY_BYTES_MAX);
	TRY(kms_ask_own(call, "kms:GenerateRandom", "*", reterr_why));
	return secret_new_random(len, ret_random, reterr_why);
}

/* --- states --- */

/* Resolves, asks, and sets another state; refuses a key that is pending deletion. */
static int set_enabled(struct kms_keystore *ks, struct kms_call *call, const char *action, struct slice ref,
                       enum kms_key_state state, struct why *reterr_why)
{
	CLEANUP(kms_found_clear) struct kms_found found = {0};

	TRY(kms_resolve_allowed(ks, call, action, ref, NULL, &found, reterr_why));
	ENSURE(found.key.state != KMS_KEY_PENDING_DELETION, ERR_CONFLICT, reterr_why,
	       "the key is pending deletion; CancelKeyDeletion comes first");
	if (found.key.state == state)
		return ERR_OK; /* a repeated request finds what it asks for */
	return kms_key_set_state(ks, &found.key, state, 0, reterr_why);
}

int kms_enable_key(struct kms_keystore *ks, struct kms_call *call, struct slice ref, struct why *reterr_why)
{
	return set_enabled(ks, call, "kms:EnableKey", ref, KMS_KEY_ENABLED, reterr_why);
}

int kms_disable_key(struct kms_keystore *ks, struct kms_call *call, struct slice ref, struct why *reterr_why)
{
	return set_enabled(ks, call, "kms:DisableKey", ref, KMS_KEY_DISABLED, reterr_why);
}

int kms_schedule_key_deletion(struct kms_keystore *ks, struct kms_call *call, struct slice ref, uint32_t days,
                              struct kms_key *ret_key, struct why *reterr_why)
{
	CLEANUP(kms_found_clear) struct kms_found found = {0};
	const uint64_t day_ms = 24ull * 3600 * 1000;

	ENSURE(days >= KMS_DELETION_DAYS_MIN && days <= KMS_DELETION_DAYS_MAX, ERR_INVALID, reterr_why,
	       "PendingWindowInDays must be from %d to %d, not %u", KMS_DELETION_DAYS_MIN, KMS_DELETION_DAYS_MAX, days);
	TRY(kms_resolve_allowed(ks, call, "kms:ScheduleKeyDeletion", ref, NULL, &found, reterr_why));
	ENSURE(found.key.state != KMS_KEY_PENDING_DELETION, ERR_CONFLICT, reterr_why,
	       "the key is pending deletion already");
	TRY(kms_key_set_state(ks, &found.key, KMS_KEY_PENDING_DELETION, call->now_wall_ms + days * day_ms, reterr_why));
	give_key(&found, ret_key);
	return ERR_OK;
}

int kms_cancel_key_deletion(struct kms_keystore *ks, struct kms_call *call, struct slice ref, struct kms_key *ret_key,
                            struct why *reterr_why)
{
	CLEANUP(kms_found_clear) struct kms_found found = {0};

	TRY(kms_resolve_allowed(ks, call, "kms:CancelKeyDeletion", ref, NULL, &found, reterr_why));
	ENSURE(found.key.state == KMS_KEY_PENDING_DELETION, ERR_CONFLICT, reterr_why,
	       "the key is not pending deletion");
	ENSURE(call->now_wall_ms < found.key.deletion_wall_ms, ERR_CONFLICT, reterr_why,
	       "the key's deletion is due and can no longer be cancelled");
	TRY(kms_key_set_state(ks, &found.key, KMS_KEY_DISABLED, 0, reterr_why));
	give_key(&found, ret_key);
	return ERR_OK;
}
