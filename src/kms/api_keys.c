#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "kms/api_internal.h"

/* Operations on keys, their policies and their aliases. */

static const char *state_name(enum kms_key_state state)
{
	switch (state) {
	case KMS_KEY_ENABLED:
		return "Enabled";
	case KMS_KEY_DISABLED:
		return "Disabled";
	case KMS_KEY_PENDING_DELETION:
		return "PendingDeletion";
	default:
		return "Unavailable";
	}
}

static int set_seconds(json_t *object, const char *name, uint64_t wall_ms, struct why *reterr_why)
{
	return json_set_int(object, name, (int64_t)(wall_ms / 1000), reterr_why);
}

/* What every key here is: 256 bits, for encryption, made here. */
static int set_constants(json_t *metadata, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *algorithms = json_pack("[s]", "SYMMETRIC_DEFAULT");

	TRY(json_set_str(metadata, "KeyUsage", slice_str("ENCRYPT_DECRYPT"), reterr_why));
	TRY(json_set_str(metadata, "Origin", slice_str("AWS_KMS"), reterr_why));
	TRY(json_set_str(metadata, "KeyManager", slice_str("CUSTOMER"), reterr_why));
	TRY(json_set_str(metadata, "KeySpec", slice_str("SYMMETRIC_DEFAULT"), reterr_why));
	TRY(json_set_str(metadata, "CustomerMasterKeySpec", slice_str("SYMMETRIC_DEFAULT"), reterr_why));
	TRY(json_set_bool(metadata, "MultiRegion", false, reterr_why));
	ENSURE(algorithms && json_object_set(metadata, "EncryptionAlgorithms", algorithms) == 0, ERR_UNAVAILABLE,
	       reterr_why, "out of memory for an answer");
	return ERR_OK;
}

static int fill_metadata(const struct kms_api *api, const struct kms_key *key, json_t *metadata, struct why *reterr_why)
{
	char arn[KMS_KEY_ARN_BYTES_MAX], id[UUID_TEXT_BYTES];

	kms_key_arn(api->ks, key, arn);
	uuid_print(key->id, id);
	TRY(json_set_str(metadata, "AWSAccountId", slice_str(key->account), reterr_why));
	TRY(json_set_str(metadata, "KeyId", slice_str(id), reterr_why));
	TRY(json_set_str(metadata, "Arn", slice_str(arn), reterr_why));
	TRY(json_set_str(metadata, "Description", slice_str(key->description), reterr_why));
	TRY(json_set_bool(metadata, "Enabled", key->state == KMS_KEY_ENABLED, reterr_why));
	TRY(json_set_str(metadata, "KeyState", slice_str(state_name(key->state)), reterr_why));
	TRY(set_seconds(metadata, "CreationDate", key->created_wall_ms, reterr_why));
	if (key->state == KMS_KEY_PENDING_DELETION)
		TRY(set_seconds(metadata, "DeletionDate", key->deletion_wall_ms, reterr_why));
	return set_constants(metadata, reterr_why);
}

static int set_metadata(struct kms_api *api, const struct kms_key *key, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *metadata = json_object();

	ENSURE(metadata, ERR_UNAVAILABLE, reterr_why, "out of memory for an answer");
	TRY(fill_metadata(api, key, metadata, reterr_why));
	ENSURE(json_object_set(api->response, "KeyMetadata", metadata) == 0, ERR_UNAVAILABLE, reterr_why,
	       "out of memory for an answer");
	return ERR_OK;
}

/* Kinds of keys that are not built are refused by name. */
static int check_kind(const struct kms_api *api, struct why *reterr_why)
{
	bool is_multi_region = false;
	json_t *tags = NULL;

	TRY(kms_api_only_value(api, "KeyUsage", "ENCRYPT_DECRYPT", reterr_why));
	TRY(kms_api_only_value(api, "KeySpec", "SYMMETRIC_DEFAULT", reterr_why));
	TRY(kms_api_only_value(api, "CustomerMasterKeySpec", "SYMMETRIC_DEFAULT", reterr_why));
	TRY(kms_api_only_value(api, "Origin", "AWS_KMS", reterr_why));
	TRY(json_opt_bool(api->request, "MultiRegion", &is_multi_region, reterr_why));
	ENSURE(!is_multi_region, KMS_ERR_UNSUPPORTED, reterr_why, "keys of several regions are not supported");
	TRY(json_opt_array(api->request, "Tags", &tags, reterr_why));
	ENSURE(json_array_size(tags) == 0, KMS_ERR_UNSUPPORTED, reterr_why, "tags on keys are not supported");
	return ERR_OK;
}

static int create_key(struct kms_api *api, struct why *reterr_why)
{
	CLEANUP(kms_key_clear) struct kms_key key = {0};
	struct slice description, policy;
	bool may_lock_out = false;

	TRY(check_kind(api, reterr_why));
	TRY(kms_api_opt_text(api, "Description", &description, reterr_why));
	TRY(kms_api_opt_text(api, "Policy", &policy, reterr_why));
	TRY(json_opt_bool(api->request, "BypassPolicyLockoutSafetyCheck", &may_lock_out, reterr_why));
	TRY(kms_create_key(api->ks, api->call, description, policy, may_lock_out, &key, reterr_why));
	return set_metadata(api, &key, reterr_why);
}

static int describe_key(struct kms_api *api, struct why *reterr_why)
{
	CLEANUP(kms_key_clear) struct kms_key key = {0};
	struct slice ref;

	TRY(kms_api_text(api, "KeyId", &ref, reterr_why));
	TRY(kms_describe_key(api->ks, api->call, ref, &key, reterr_why));
	return set_metadata(api, &key, reterr_why);
}

static int read_page(const struct kms_api *api, int64_t usual, int64_t *ret_limit, struct slice *ret_marker,
                     struct why *reterr_why)
{
	*ret_limit = usual;
	TRY(json_opt_int(api->request, "Limit", 1, KMS_PAGE_ROWS_MAX, ret_limit, reterr_why));
	return kms_api_opt_text(api, "Marker", ret_marker, reterr_why);
}

static int set_page_end(struct kms_api *api, bool more, const char *marker, struct why *reterr_why)
{
	TRY(json_set_bool(api->response, "Truncated", more, reterr_why));
	return more ? json_set_str(api->response, "NextMarker", slice_str(marker), reterr_why) : ERR_OK;
}

static int add_key(const struct kms_api *api, json_t *list, const uint8_t id[static UUID_BYTES], struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *entry = json_object();
	char text[UUID_TEXT_BYTES], arn[KMS_KEY_ARN_BYTES_MAX];

	ENSURE(entry && json_array_append(list, entry) == 0, ERR_UNAVAILABLE, reterr_why,
	       "out of memory for an answer");
	uuid_print(id, text);
	snprintf(arn, sizeof arn, "arn:aws:kms:%s:%s:key/%s", kms_keystore_region(api->ks), api->call->account, text);
	TRY(json_set_str(entry, "KeyId", slice_str(text), reterr_why));
	return json_set_str(entry, "KeyArn", slice_str(arn), reterr_why);
}

static int list_keys(struct kms_api *api, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *list = json_array();
	CLEANUP(free_p) uint8_t(*ids)[UUID_BYTES] = NULL;
	char marker_text[UUID_TEXT_BYTES] = "";
	uint8_t after[UUID_BYTES];
	struct slice marker;
	int64_t limit;
	size_t count;
	bool more;

	TRY(read_page(api, 100, &limit, &marker, reterr_why));
	if (marker.len && uuid_parse(marker, after, reterr_why) != ERR_OK)
		return KMS_ERR_MARKER;
	ids = calloc((size_t)limit, sizeof *ids);
	ENSURE(ids && list, ERR_UNAVAILABLE, reterr_why, "out of memory for an answer");
	TRY(kms_list_keys(api->ks, api->call, marker.len ? after : NULL, (size_t)limit, ids, &count, &more,
	                  reterr_why));
	for (size_t i = 0; i < count; i++)
		TRY(add_key(api, list, ids[i], reterr_why));
	ENSURE(json_object_set(api->response, "Keys", list) == 0, ERR_UNAVAILABLE, reterr_why,
	       "out of memory for an answer");
	if (count)
		uuid_print(ids[count - 1], marker_text);
	return set_page_end(api, more, marker_text, reterr_why);
}

/* --- policies: one per key, by the name that the API gives it --- */

static int check_policy_name(const struct kms_api *api, struct why *reterr_why)
{
	struct slice name;

	TRY(kms_api_opt_text(api, "PolicyName", &name, reterr_why));
	ENSURE(!name.len || slice_is_str(name, "default"), ERR_NOTFOUND, reterr_why,
	       "a key has one policy, and it is called default");
	return ERR_OK;
}

static int put_key_policy(struct kms_api *api, struct why *reterr_why)
{
	bool may_lock_out = false;
	struct slice ref, policy;

	TRY(kms_api_text(api, "KeyId", &ref, reterr_why));
	TRY(kms_api_text(api, "Policy", &policy, reterr_why));
	TRY(check_policy_name(api, reterr_why));
	TRY(json_opt_bool(api->request, "BypassPolicyLockoutSafetyCheck", &may_lock_out, reterr_why));
	return kms_put_key_policy(api->ks, api->call, ref, policy, may_lock_out, reterr_why);
}

static int get_key_policy(struct kms_api *api, struct why *reterr_why)
{
	CLEANUP(kms_key_clear) struct kms_key key = {0};
	struct slice ref;

	TRY(kms_api_text(api, "KeyId", &ref, reterr_why));
	TRY(check_policy_name(api, reterr_why));
	TRY(kms_get_key_policy(api->ks, api->call, ref, &key, reterr_why));
	TRY(json_set_str(api->response, "Policy", slice_str(key.policy), reterr_why));
	return json_set_str(api->response, "PolicyName", slice_str("default"), reterr_why);
}

/* --- states --- */

static int enable_key(struct kms_api *api, struct why *reterr_why)
{
	struct slice ref;

	TRY(kms_api_text(api, "KeyId", &ref, reterr_why));
	return kms_enable_key(api->ks, api->call, ref, reterr_why);
}

static int disable_key(struct kms_api *api, struct why *reterr_why)
{
	struct slice ref;

	TRY(kms_api_text(api, "KeyId", &ref, reterr_why));
	return kms_disable_key(api->ks, api->call, ref, reterr_why);
}

static int schedule_key_deletion(struct kms_api *api, struct why *reterr_why)
{
	CLEANUP(kms_key_clear) struct kms_key key = {0};
	int64_t days = KMS_DELETION_DAYS_MAX;
	struct slice ref;

	TRY(kms_api_text(api, "KeyId", &ref, reterr_why));
	TRY(json_opt_int(api->request, "PendingWindowInDays", KMS_DELETION_DAYS_MIN, KMS_DELETION_DAYS_MAX, &days,
	                 reterr_why));
	TRY(kms_schedule_key_deletion(api->ks, api->call, ref, (uint32_t)days, &key, reterr_why));
	TRY(set_seconds(api->response, "DeletionDate", key.deletion_wall_ms, reterr_why));
	TRY(json_set_str(api->response, "KeyState", slice_str(state_name(key.state)), reterr_why));
	TRY(json_set_int(api->response, "PendingWindowInDays", days, reterr_why));
	return kms_api_set_key_id(api, &key, reterr_why);
}

static int cancel_key_deletion(struct kms_api *api, struct why *reterr_why)
{
	CLEANUP(kms_key_clear) struct kms_key key = {0};
	struct slice ref;

	TRY(kms_api_text(api, "KeyId", &ref, reterr_why));
	TRY(kms_cancel_key_deletion(api->ks, api->call, ref, &key, reterr_why));
	return kms_api_set_key_id(api, &key, reterr_why);
}

/* --- aliases --- */

static int create_alias(struct kms_api *api, struct why *reterr_why)
{
	struct slice name, ref;

	TRY(kms_api_text(api, "AliasName", &name, reterr_why));
	TRY(kms_api_text(api, "TargetKeyId", &ref, reterr_why));
	return kms_create_alias(api->ks, api->call, name, ref, reterr_why);
}

static int update_alias(struct kms_api *api, struct why *reterr_why)
{
	struct slice name, ref;

	TRY(kms_api_text(api, "AliasName", &name, reterr_why));
	TRY(kms_api_text(api, "TargetKeyId", &ref, reterr_why));
	return kms_update_alias(api->ks, api->call, name, ref, reterr_why);
}

static int delete_alias(struct kms_api *api, struct why *reterr_why)
{
	struct slice name;

	TRY(kms_api_text(api, "AliasName", &name, reterr_why));
	return kms_delete_alias(api->ks, api->call, name, reterr_why);
}

static int add_alias(const struct kms_api *api, json_t *list, const struct kms_alias *alias, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *entry = json_object();
	char id[UUID_TEXT_BYTES], arn[KMS_KEY_ARN_BYTES_MAX + KMS_ALIAS_BYTES_MAX];

	ENSURE(entry && json_array_append(list, entry) == 0, ERR_UNAVAILABLE, reterr_why,
	       "out of memory for an answer");
	uuid_print(alias->key_id, id);
	snprintf(arn, sizeof arn, "arn:aws:kms:%s:%s:%s", kms_keystore_region(api->ks), alias->account, alias->name);
	TRY(json_set_str(entry, "AliasName", slice_str(alias->name), reterr_why));
	TRY(json_set_str(entry, "AliasArn", slice_str(arn), reterr_why));
	TRY(json_set_str(entry, "TargetKeyId", slice_str(id), reterr_why));
	TRY(set_seconds(entry, "CreationDate", alias->created_wall_ms, reterr_why));
	return set_seconds(entry, "LastUpdatedDate", alias->updated_wall_ms, reterr_why);
}

static int list_aliases(struct kms_api *api, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *list = json_array();
	CLEANUP(free_p) struct kms_alias *aliases = NULL;
	struct slice ref, marker;
	int64_t limit;
	size_t count;
	bool more;

	TRY(kms_api_opt_text(api, "KeyId", &ref, reterr_why));
	TRY(read_page(api, 50, &limit, &marker, reterr_why));
	if (marker.len && kms_alias_check_name(marker, reterr_why) != ERR_OK)
		return KMS_ERR_MARKER;
	aliases = calloc((size_t)limit, sizeof *aliases);
	ENSURE(aliases && list, ERR_UNAVAILABLE, reterr_why, "out of memory for an answer");
	TRY(kms_list_aliases(api->ks, api->call, ref, marker, (size_t)limit, aliases, &count, &more, reterr_why));
	for (size_t i = 0; i < count; i++)
		TRY(add_alias(api, list, &aliases[i], reterr_why));
	ENSURE(json_object_set(api->response, "Aliases", list) == 0, ERR_UNAVAILABLE, reterr_why,
	       "out of memory for an answer");
	return set_page_end(api, more, count ? aliases[count - 1].name : "", reterr_why);
}

static const char *const key_members[] = {"KeyId", NULL};
static const char *const create_key_members[] = {"BypassPolicyLockoutSafetyCheck",
                                                 "CustomerMasterKeySpec",
                                                 "Description",
                                                 "KeySpec",
                                                 "KeyUsage",
                                                 "MultiRegion",
                                                 "Origin",
                                                 "Policy",
                                                 "Tags",
                                                 NULL};
static const char *const list_keys_members[] = {"Limit", "Marker", NULL};
static const char *const put_policy_members[] = {"BypassPolicyLockoutSafetyCheck", "KeyId", "Policy", "PolicyName",
                                                 NULL};
static const char *const get_policy_members[] = {"KeyId", "PolicyName", NULL};
static const char *const schedule_members[] = {"KeyId", "PendingWindowInDays", NULL};
static const char *const alias_members[] = {"AliasName", "TargetKeyId", NULL};
static const char *const delete_alias_members[] = {"AliasName", NULL};
static const char *const list_aliases_members[] = {"KeyId", "Limit", "Marker", NULL};

const struct kms_api_operation kms_api_key_operations[] = {
	{"CancelKeyDeletion", false, key_members, cancel_key_deletion},
	{"CreateAlias", false, alias_members, create_alias},
	{"CreateKey", false, create_key_members, create_key},
	{"DeleteAlias", false, delete_alias_members, delete_alias},
	{"DescribeKey", true, key_members, describe_key},
	{"DisableKey", false, key_members, disable_key},
	{"EnableKey", false, key_members, enable_key},
	{"GetKeyPolicy", true, get_policy_members, get_key_policy},
	{"ListAliases", true, list_aliases_members, list_aliases},
	{"ListKeys", true, list_keys_members, list_keys},
	{"PutKeyPolicy", false, put_policy_members, put_key_policy},
	{"ScheduleKeyDeletion", false, schedule_members, schedule_key_deletion},
	{"UpdateAlias", false, alias_members, update_alias},
	{0},
};
