/* keystore.h: KMS keys, their aliases and the grants of jobs, as rows of the keys database (docs/protocol/keys.md 3).
 *
 * Key material is wrapped under the epoch key, the epoch key under the root. Rolling the epoch rewraps what lives on
 * and destroys the old epoch key, and with it every deleted key's material. Every change is one generation (state.h). A
 * keystore belongs to one thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/slice.h"
#include "db/db.h"
#include "kms/root.h"
#include "kms/state.h"
#include "kms/uuid.h"

#define KMS_KEY_BYTES 32
#define KMS_ACCOUNT_BYTES 13    /* 12 digits and a NUL */
#define KMS_REGION_BYTES_MAX 32 /* "us-east-1" */
#define KMS_KEY_ARN_BYTES_MAX 128

/* Finer codes than err.h has, where the API that we follow answers differently. */
enum kms_err {
	KMS_ERR_DISABLED = ERR_CONFLICT - 1,   /* the key is disabled */
	KMS_ERR_EXISTS = ERR_CONFLICT - 2,     /* such an alias, or grant, is there already */
	KMS_ERR_WRONG_KEY = ERR_INVALID - 1,   /* the ciphertext is under another key than the one named */
	KMS_ERR_CIPHERTEXT = ERR_INVALID - 2,  /* not one of our ciphertexts, or not with this context */
	KMS_ERR_POLICY = ERR_INVALID - 3,      /* not a policy document */
	KMS_ERR_ARN = ERR_INVALID - 4,         /* not an ARN, or of another service */
	KMS_ERR_ALIAS_NAME = ERR_INVALID - 5,  /* not a name that an alias may have */
	KMS_ERR_MARKER = ERR_INVALID - 6,      /* not where a list can go on */
	KMS_ERR_UNSUPPORTED = ERR_INVALID - 7, /* part of the interface that is not built */
};

/* SQL that makes our tables, step by step; `keys` puts them into its schema, in this order, beside iam's. */
extern const char *const kms_migrations[];
extern const int kms_migrations_count;

enum kms_key_state {
	KMS_KEY_ENABLED = 1,
	KMS_KEY_DISABLED = 2,
	KMS_KEY_PENDING_DELETION = 3,
	KMS_KEY_DESTROYED = 4, /* no material any more; the row stays, so that its ciphertexts can be named */
};

struct kms_key {
	uint8_t id[UUID_BYTES];
	char account[KMS_ACCOUNT_BYTES];
	enum kms_key_state state;
	uint32_t version; /* the one that encrypts; all up to it decrypt */
	uint64_t created_wall_ms;
	uint64_t deletion_wall_ms;  /* 0 unless pending */
	uint64_t policy_generation; /* counts its policies, from 1 */
	char *description;          /* owned, as is the policy */
	char *policy;
};
void kms_key_clear(struct kms_key *key);

struct kms_keystore;

/* Takes up a database whose schema holds kms_migrations. Reads and authenticates every row: ERR_TAMPERED, with a
 * sentence, for a database that is another installation's, altered, or damaged. `db` is borrowed until
 * kms_keystore_free(), the root only for this call. */
MUST_USE int kms_keystore_open(struct db *db, const struct kms_root *root, const char *region,
                               struct kms_keystore **ret_keystore, struct why *reterr_why);

/* As above, for a database that holds other libraries' rows as well, whose changes went through kms_change_row():
 * `each` tells all of them to kms_tally_row(). */
struct kms_other_rows {
	void *self;
	int (*each)(void *self, struct kms_tally *tally, struct why *reterr_why);
};
MUST_USE int kms_keystore_open_beside(struct db *db, const struct kms_root *root, const char *region,
                                      const struct kms_other_rows *others, struct kms_keystore **ret_keystore,
                                      struct why *reterr_why);
void kms_keystore_free(struct kms_keystore *ks);
void kms_keystore_freep(struct kms_keystore **ks);

/* Generation and hash, and what starts a change of somebody else's rows in the same database. Borrowed. */
struct kms_state *kms_keystore_state(struct kms_keystore *ks);
const char *kms_keystore_region(const struct kms_keystore *ks);

/* "arn:aws:kms:REGION:ACCOUNT:key/ID" */
void kms_key_arn(const struct kms_keystore *ks, const struct kms_key *key, char out[static KMS_KEY_ARN_BYTES_MAX]);

/* Keys. Each function that changes one is one generation, durable when it returns; `key` holds the new row then. */
MUST_USE int kms_key_create(struct kms_keystore *ks, const char *account, struct slice description, struct slice policy,
                            uint64_t now_wall_ms, struct kms_key *ret_key, struct why *reterr_why);
MUST_USE int kms_key_get(struct kms_keystore *ks, const uint8_t id[static UUID_BYTES], struct kms_key *ret_key,
                         struct why *reterr_why);
MUST_USE int kms_key_set_policy(struct kms_keystore *ks, struct kms_key *key, struct slice policy,
                                struct why *reterr_why);
MUST_USE int kms_key_set_state(struct kms_keystore *ks, struct kms_key *key, enum kms_key_state state,
                               uint64_t deletion_wall_ms, struct why *reterr_why);
/* Adds a version, with fresh material, and makes it the one that encrypts. */
MUST_USE int kms_key_rotate(struct kms_keystore *ks, struct kms_key *key, uint64_t now_wall_ms, struct why *reterr_why);

/* Ids of an account's keys in order, after `after` (NULL: from the start), destroyed ones left out. *ret_more tells
 * whether there are more than `max`. */
MUST_USE int kms_key_list(struct kms_keystore *ks, const char *account, const uint8_t *after, size_t max,
                          uint8_t (*ret_ids)[UUID_BYTES], size_t *ret_count, bool *ret_more, struct why *reterr_why);

/* The material of one version. ERR_NOTFOUND for a version that is not there, ERR_TAMPERED if it does not unwrap. */
MUST_USE int kms_key_material(struct kms_keystore *ks, const struct kms_key *key, uint32_t version,
                              struct secret **ret_material, struct why *reterr_why);

/* Aliases: names within an account, "alias/…", for keys of the same account. */
struct kms_alias {
	char account[KMS_ACCOUNT_BYTES];
	char name[KMS_ALIAS_BYTES_MAX + 1];
	uint8_t key_id[UUID_BYTES];
	uint64_t created_wall_ms, updated_wall_ms;
};
/* KMS_ERR_ALIAS_NAME for a name that an alias may not have. */
MUST_USE int kms_alias_check_name(struct slice name, struct why *reterr_why);
MUST_USE int kms_alias_get(struct kms_keystore *ks, const char *account, struct slice name, struct kms_alias *ret_alias,
                           struct why *reterr_why);
/* KMS_ERR_EXISTS if the name is taken. */
MUST_USE int kms_alias_create(struct kms_keystore *ks, const char *account, struct slice name,
                              const uint8_t key_id[static UUID_BYTES], uint64_t now_wall_ms, struct why *reterr_why);
MUST_USE int kms_alias_move(struct kms_keystore *ks, const struct kms_alias *alias,
                            const uint8_t key_id[static UUID_BYTES], uint64_t now_wall_ms, struct why *reterr_why);
MUST_USE int kms_alias_delete(struct kms_keystore *ks, const struct kms_alias *alias, struct why *reterr_why);
/* Aliases of an account in order of their names, after `after` (empty: from the start), of one key if `key_id` is not
 * NULL. `ret_aliases` has room for `max`. */
MUST_USE int kms_alias_list(struct kms_keystore *ks, const char *account, const uint8_t *key_id, struct slice after,
                            size_t max, struct kms_alias *ret_aliases, size_t *ret_count, bool *ret_more,
                            struct why *reterr_why);

/* What an epoch's end destroyed. */
struct kms_epoch_report {
	uint64_t old_epoch, new_epoch;
	size_t rewrapped;          /* key versions that live on */
	size_t destroyed;          /* keys whose deletion was due */
	struct buf *destroyed_ids; /* UUID_BYTES each; the caller's to free */
};
/* Destroys keys whose deletion is due and rolls the epoch: one generation. The old epoch key is overwritten in the
 * database; what a file system or a backup kept of it is beyond reach, and a certificate has to say so. */
MUST_USE int kms_epoch_roll(struct kms_keystore *ks, uint64_t now_wall_ms, struct kms_epoch_report *ret_report,
                            struct why *reterr_why);
uint64_t kms_epoch_number(const struct kms_keystore *ks);
