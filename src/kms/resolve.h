/* resolve.h: from the name that a caller gave to the key, and past the gate. Internal to kms/. */
#pragma once
#include "kms/operations.h"

/* A key that was named, and how. */
struct kms_found {
	struct kms_key key;
	char alias[KMS_ALIAS_BYTES_MAX + 1]; /* "" if it was not named by an alias */
};
void kms_found_clear(struct kms_found *found);

/* Finds the key. A destroyed key is not there. Nothing is asked yet, but the call notes the key. */
MUST_USE int kms_resolve(struct kms_keystore *ks, struct kms_call *call, const char *action, struct slice ref,
                         struct kms_found *ret_found, struct why *reterr_why);

/* Asks for an action on a key that was found. */
MUST_USE int kms_ask_key(struct kms_keystore *ks, struct kms_call *call, const char *action,
                         const struct kms_found *found, const struct kms_context *context, struct why *reterr_why);

/* Both in one. */
MUST_USE int kms_resolve_allowed(struct kms_keystore *ks, struct kms_call *call, const char *action, struct slice ref,
                                 const struct kms_context *context, struct kms_found *ret_found,
                                 struct why *reterr_why);

/* Asks for an action on something in the caller's own account that has no policy of its own. */
MUST_USE int kms_ask_own(struct kms_call *call, const char *action, const char *resource, struct why *reterr_why);

/* ERR_DENIED with the one sentence about another account's key, whether it exists or not. */
MUST_USE int kms_deny_foreign(const char *action, struct why *reterr_why);

/* KMS_ERR_DISABLED or ERR_CONFLICT unless the key may be used. */
MUST_USE int kms_key_check_usable(const struct kms_key *key, struct why *reterr_why);
