#include <stdio.h>

#include "kms/operations.h"
#include "kms/resolve.h"

/* Key policies and aliases: the operations that decide who reaches a key, and by what name. */

/* What a key without a policy of its own gets: its account decides, by its identities' policies. */
static int put_default_policy(const char *account, struct buf *into, struct why *reterr_why)
{
	return buf_put_fmt(into, reterr_why,
	                   "{\"Version\":\"2012-10-17\",\"Id\":\"key-default-1\",\"Statement\":[{\"Sid\":"
	                   "\"Enable IAM User Permissions\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":"
	                   "\"arn:aws:iam::%s:root\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}]}",
	                   account);
}

static int check_policy(struct kms_call *call, struct slice policy, struct why *reterr_why)
{
	int err;

	ENSURE(policy.len <= KMS_POLICY_BYTES_MAX, ERR_LIMIT, reterr_why,
	       "a key policy of %zu bytes; at most %d are accepted", policy.len, KMS_POLICY_BYTES_MAX);
	err = call->check_policy(call->gate, policy, reterr_why);
	return err_class(err) == ERR_INVALID ? KMS_ERR_POLICY : err;
}

/* Nobody should shut themselves out by mistake: under the new policy the caller could still change it. */
static int check_lockout(struct kms_call *call, const char *arn, const char *owner, struct slice policy,
                         struct why *reterr_why)
{
	const struct kms_question question = {
		.action = "kms:PutKeyPolicy", .resource = arn, .owner = owner, .policy = policy};
	int err = call->authorise(call->gate, &question, reterr_why);

	ENSURE(err != ERR_DENIED, KMS_ERR_POLICY, reterr_why,
	       "under this policy you could not change it any more; allow kms:PutKeyPolicy, or set "
	       "BypassPolicyLockoutSafetyCheck");
	return err;
}

int kms_create_key(struct kms_keystore *ks, struct kms_call *call, struct slice description, struct slice policy,
                   bool may_lock_out, struct kms_key *ret_key, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *usual = NULL;
	char arn[KMS_KEY_ARN_BYTES_MAX];

	TRY(kms_ask_own(call, "kms:CreateKey", "*", reterr_why));
	ENSURE(description.len <= KMS_DESCRIPTION_BYTES_MAX, ERR_INVALID, reterr_why,
	       "a description of %zu bytes; at most %d are accepted", description.len, KMS_DESCRIPTION_BYTES_MAX);
	TRY(buf_new(KMS_POLICY_BYTES_MAX, &usual, reterr_why));
	if (policy.len) {
		/* The key has no id yet; a policy that names one cannot be right, so any will do here. */
		snprintf(arn, sizeof arn, "arn:aws:kms:%s:%s:key/new", kms_keystore_region(ks), call->account);
		TRY(check_policy(call, policy, reterr_why));
		if (!may_lock_out)
			TRY(check_lockout(call, arn, call->account, policy, reterr_why));
	} else {
		TRY(put_default_policy(call->account, usual, reterr_why));
		policy = buf_slice(usual);
	}
	TRY(kms_key_create(ks, call->account, description, policy, call->now_wall_ms, ret_key, reterr_why));
	kms_key_arn(ks, ret_key, call->key_arn);
	snprintf(call->key_account, sizeof call->key_account, "%s", ret_key->account);
	return ERR_OK;
}

int kms_put_key_policy(struct kms_keystore *ks, struct kms_call *call, struct slice ref, struct slice policy,
                       bool may_lock_out, struct why *reterr_why)
{
	CLEANUP(kms_found_clear) struct kms_found found = {0};

	TRY(kms_resolve_allowed(ks, call, "kms:PutKeyPolicy", ref, NULL, &found, reterr_why));
	TRY(check_policy(call, policy, reterr_why));
	if (!may_lock_out)
		TRY(check_lockout(call, call->key_arn, found.key.account, policy, reterr_why));
	if (slice_is_str(policy, found.key.policy))
		return ERR_OK; /* a repeated request finds what it asks for */
	return kms_key_set_policy(ks, &found.key, policy, reterr_why);
}

int kms_get_key_policy(struct kms_keystore *ks, struct kms_call *call, struct slice ref, struct kms_key *ret_key,
                       struct why *reterr_why)
{
	CLEANUP(kms_found_clear) struct kms_found found = {0};

	TRY(kms_resolve_allowed(ks, call, "kms:GetKeyPolicy", ref, NULL, &found, reterr_why));
	*ret_key = found.key;
	found.key = (struct kms_key){0};
	return ERR_OK;
}

/* --- aliases: the alias and the key are both asked for, as the interface we follow does --- */

static int ask_alias(struct kms_keystore *ks, struct kms_call *call, const char *action, struct slice name,
                     struct why *reterr_why)
{
	char arn[KMS_KEY_ARN_BYTES_MAX + KMS_ALIAS_BYTES_MAX];

	TRY(kms_alias_check_name(name, reterr_why));
	snprintf(arn, sizeof arn, "arn:aws:kms:%s:%s:%.*s", kms_keystore_region(ks), call->account, (int)name.len,
	         (const char *)name.ptr);
	return kms_ask_own(call, action, arn, reterr_why);
}

/* The key an alias is to lead to: of the caller's own account, named without an alias, and not pending deletion. */
static int resolve_target(struct kms_keystore *ks, struct kms_call *call, const char *action, struct slice ref,
                          struct kms_found *ret_found, struct why *reterr_why)
{
	TRY(kms_resolve_allowed(ks, call, action, ref, NULL, ret_found, reterr_why));
	ENSURE(!ret_found->alias[0], ERR_INVALID, reterr_why, "TargetKeyId must be a key's id or ARN, not an alias");
	ENSURE(slice_is_str(slice_str(ret_found->key.account), call->account), ERR_INVALID, reterr_why,
	       "an alias and its key must be of the same account");
	ENSURE(ret_found->key.state != KMS_KEY_PENDING_DELETION, ERR_CONFLICT, reterr_why,
	       "the key is pending deletion");
	return ERR_OK;
}

int kms_create_alias(struct kms_keystore *ks, struct kms_call *call, struct slice name, struct slice ref,
                     struct why *reterr_why)
{
	CLEANUP(kms_found_clear) struct kms_found found = {0};

	TRY(ask_alias(ks, call, "kms:CreateAlias", name, reterr_why));
	TRY(resolve_target(ks, call, "kms:CreateAlias", ref, &found, reterr_why));
	return kms_alias_create(ks, call->account, name, found.key.id, call->now_wall_ms, reterr_why);
}

/* The alias, and the right to take it from the key it leads to. */
static int take_alias(struct kms_keystore *ks, struct kms_call *call, const char *action, struct slice name,
                      struct kms_alias *ret_alias, struct why *reterr_why)
{
	CLEANUP(kms_found_clear) struct kms_found found = {0};

	TRY(ask_alias(ks, call, action, name, reterr_why));
	TRY(kms_alias_get(ks, call->account, name, ret_alias, reterr_why));
	TRY(kms_key_get(ks, ret_alias->key_id, &found.key, reterr_why));
	return kms_ask_key(ks, call, action, &found, NULL, reterr_why);
}

int kms_update_alias(struct kms_keystore *ks, struct kms_call *call, struct slice name, struct slice ref,
                     struct why *reterr_why)
{
	CLEANUP(kms_found_clear) struct kms_found found = {0};
	struct kms_alias alias;

	TRY(take_alias(ks, call, "kms:UpdateAlias", name, &alias, reterr_why));
	TRY(resolve_target(ks, call, "kms:UpdateAlias", ref, &found, reterr_why));
	return kms_alias_move(ks, &alias, found.key.id, call->now_wall_ms, reterr_why);
}

int kms_delete_alias(struct kms_keystore *ks, struct kms_call *call, struct slice name, struct why *reterr_why)
{
	struct kms_alias alias;

	TRY(take_alias(ks, call, "kms:DeleteAlias", name, &alias, reterr_why));
	return kms_alias_delete(ks, &alias, reterr_why);
}

int kms_list_aliases(struct kms_keystore *ks, struct kms_call *call, struct slice ref, struct slice after, size_t max,
                     struct kms_alias *ret_aliases, size_t *ret_count, bool *ret_more, struct why *reterr_why)
{
	CLEANUP(kms_found_clear) struct kms_found found = {0};

	TRY(kms_ask_own(call, "kms:ListAliases", "*", reterr_why));
	if (ref.len) {
		TRY(kms_resolve(ks, call, "kms:ListAliases", ref, &found, reterr_why));
		if (!slice_is_str(slice_str(found.key.account), call->account))
			return kms_deny_foreign("kms:ListAliases", reterr_why);
	}
	return kms_alias_list(ks, call->account, ref.len ? found.key.id : NULL, after, max, ret_aliases, ret_count,
	                      ret_more, reterr_why);
}
