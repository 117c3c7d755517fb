/* operations.h: what a caller can do with keys: find the key, ask whether the caller may, look at the key's state, act.
 *
 * The order is always that one, so that nobody learns from an answer what they may not know. Whether the caller may is
 * not decided here: the caller of this library hands in `authorise`, which knows identities and the policy language. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"
#include "kms/context.h"
#include "kms/keystore.h"

/* One question to the policy evaluator. Everything is borrowed for the call. */
struct kms_question {
	const char *action;                /* "kms:Decrypt" */
	const char *resource;              /* ARN of a key or alias, or "*" for actions that name none */
	const char *owner;                 /* the account that the resource belongs to */
	struct slice policy;               /* the key's policy; empty where there is none to ask */
	const struct kms_context *context; /* the encryption context, or NULL: kms:EncryptionContext:NAME */
	const char *alias;                 /* the alias by which the key was named, or NULL: kms:RequestAlias */
};

/* Who calls, and the gate to pass. */
struct kms_call {
	const char *account;
	uint64_t now_wall_ms;
	void *gate;
	/* ERR_OK, or ERR_DENIED with a sentence; anything else ends the call as a failure of ours. */
	int (*authorise)(void *gate, const struct kms_question *question, struct why *reterr_why);
	/* ERR_OK if the text is a key policy that the evaluator understands; ERR_INVALID with what is wrong in it. */
	int (*check_policy)(void *gate, struct slice policy, struct why *reterr_why);

	/* What the call was about, for the record; filled as soon as it is known, also when it is then denied. */
	char key_arn[KMS_KEY_ARN_BYTES_MAX];
	char key_account[KMS_ACCOUNT_BYTES];
};

/* `ref` names a key as the API does: a UUID, an ARN, "alias/NAME" or an alias's ARN. ERR_NOTFOUND for a key that is not
 * there; a key of another account that is not there is ERR_DENIED like one that is not allowed. ret_key is the caller's
 * to clear. */
MUST_USE int kms_describe_key(struct kms_keystore *ks, struct kms_call *call, struct slice ref, struct kms_key *ret_key,
                              struct why *reterr_why);

/* An empty policy is the usual one: the account's own identities, as their policies say. Otherwise the caller must stay
 * able to change it, unless `may_lock_out`. KMS_ERR_POLICY. */
MUST_USE int kms_create_key(struct kms_keystore *ks, struct kms_call *call, struct slice description,
                            struct slice policy, bool may_lock_out, struct kms_key *ret_key, struct why *reterr_why);
MUST_USE int kms_list_keys(struct kms_keystore *ks, struct kms_call *call, const uint8_t *after, size_t max,
                           uint8_t (*ret_ids)[UUID_BYTES], size_t *ret_count, bool *ret_more, struct why *reterr_why);

/* Encryption. Blobs are appended to `into`. KMS_ERR_DISABLED, ERR_CONFLICT (pending deletion). */
MUST_USE int kms_encrypt(struct kms_keystore *ks, struct kms_call *call, struct slice ref,
                         const struct kms_context *context, const struct secret *plain, struct buf *into,
                         struct kms_key *ret_key, struct why *reterr_why);

/* `ret_plain` NULL: only the blob is wanted, and kms:GenerateDataKeyWithoutPlaintext is asked for. */
MUST_USE int kms_generate_data_key(struct kms_keystore *ks, struct kms_call *call, struct slice ref,
                                   const struct kms_context *context, size_t len, struct buf *into,
                                   struct secret **ret_plain, struct kms_key *ret_key, struct why *reterr_why);

/* `ref` may be empty; otherwise KMS_ERR_WRONG_KEY if the blob is under another key. KMS_ERR_CIPHERTEXT if it is none of
 * ours, altered, or made with another context. */
MUST_USE int kms_decrypt(struct kms_keystore *ks, struct kms_call *call, struct slice ref,
                         const struct kms_context *context, struct slice blob, struct secret **ret_plain,
                         struct kms_key *ret_key, struct why *reterr_why);
MUST_USE int kms_generate_random(struct kms_call *call, size_t len, struct secret **ret_random, struct why *reterr_why);

MUST_USE int kms_put_key_policy(struct kms_keystore *ks, struct kms_call *call, struct slice ref, struct slice policy,
                                bool may_lock_out, struct why *reterr_why);
MUST_USE int kms_get_key_policy(struct kms_keystore *ks, struct kms_call *call, struct slice ref,
                                struct kms_key *ret_key, struct why *reterr_why);

MUST_USE int kms_create_alias(struct kms_keystore *ks, struct kms_call *call, struct slice name, struct slice ref,
                              struct why *reterr_why);
MUST_USE int kms_update_alias(struct kms_keystore *ks, struct kms_call *call, struct slice name, struct slice ref,
                              struct why *reterr_why);
MUST_USE int kms_delete_alias(struct kms_keystore *ks, struct kms_call *call, struct slice name,
                              struct why *reterr_why);
/* `ref` may be empty: aliases of every key. */
MUST_USE int kms_list_aliases(struct kms_keystore *ks, struct kms_call *call, struct slice ref, struct slice after,
                              size_t max, struct kms_alias *ret_aliases, size_t *ret_count, bool *ret_more,
                              struct why *reterr_why);

MUST_USE int kms_enable_key(struct kms_keystore *ks, struct kms_call *call, struct slice ref, struct why *reterr_why);
MUST_USE int kms_disable_key(struct kms_keystore *ks, struct kms_call *call, struct slice ref, struct why *reterr_why);

/* Deletion in `days`; the key is unusable from now on, and destroyed when the epoch next rolls after that day. */
MUST_USE int kms_schedule_key_deletion(struct kms_keystore *ks, struct kms_call *call, struct slice ref, uint32_t days,
                                       struct kms_key *ret_key, struct why *reterr_why);
MUST_USE int kms_cancel_key_deletion(struct kms_keystore *ks, struct kms_call *call, struct slice ref,
                                     struct kms_key *ret_key, struct why *reterr_why);
