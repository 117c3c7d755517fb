/* keystore_internal.h: what the files of the keystore share. Internal to kms/. */
#pragma once
#include "kms/keystore.h"

struct kms_keystore {
	struct db *db; /* borrowed */
	char region[KMS_REGION_BYTES_MAX + 1];
	struct kms_state state;
	struct secret *wrap_key; /* derived from the root: wraps epoch keys */
	struct secret *epoch_key;
	uint64_t epoch;
	struct buf *before, *after; /* rows as they are encoded for the state; scratch */
};

/* A row of any table: its encoding for state.h has at most this many bytes. */
#define KMS_ROW_BYTES_MAX (KMS_POLICY_BYTES_MAX + KMS_DESCRIPTION_BYTES_MAX + 8192)

/* Appends the u64 as a part of lp(). */
MUST_USE int kms_row_put_u64(struct buf *row, uint64_t value, struct why *reterr_why);

/* Fresh scratch buffers for a change. */
void kms_rows_reset(struct kms_keystore *ks);

/* Adds up the rows of one table at start-up. */
MUST_USE int kms_epoch_tally(struct kms_keystore *ks, struct kms_tally *tally, struct why *reterr_why);
MUST_USE int kms_keys_tally(struct kms_keystore *ks, struct kms_tally *tally, struct why *reterr_why);
MUST_USE int kms_aliases_tally(struct kms_keystore *ks, struct kms_tally *tally, struct why *reterr_why);
MUST_USE int kms_grants_tally(struct kms_keystore *ks, struct kms_tally *tally, struct why *reterr_why);

/* The row as the state hashes it. */
MUST_USE int kms_key_encode(const struct kms_key *key, struct buf *into, struct why *reterr_why);

/* Writes a changed key's row within a change that is open, and notes it. */
MUST_USE int kms_key_put(struct kms_keystore *ks, struct kms_change *change, const struct kms_key *before,
                         const struct kms_key *after, struct why *reterr_why);

/* A copy with its own strings. */
MUST_USE int kms_key_copy(const struct kms_key *key, struct kms_key *ret_copy, struct why *reterr_why);

/* Reads a kms_key from a row selected with KMS_KEY_COLUMNS. */
#define KMS_KEY_COLUMNS "id, account, state, version, created_ms, deletion_ms, policy_generation, description, policy"
MUST_USE int kms_key_read(struct db_stmt *q, struct kms_key *ret_key, struct why *reterr_why);

/* Wraps and unwraps a version's material under an epoch key. */
MUST_USE int kms_material_wrap(const struct secret *epoch_key, uint64_t epoch, const struct kms_key *key,
                               uint32_t version, const struct secret *material, struct buf *into,
                               struct why *reterr_why);
MUST_USE int kms_material_unwrap(const struct secret *epoch_key, uint64_t epoch, const struct kms_key *key,
                                 uint32_t version, struct slice wrapped, struct secret **ret_material,
                                 struct why *reterr_why);

/* Reads, or makes, the epoch key. */
MUST_USE int kms_epoch_open(struct kms_keystore *ks, struct why *reterr_why);

/* Removes every alias of a key within a change. */
MUST_USE int kms_aliases_drop_all(struct kms_keystore *ks, struct kms_change *change, const struct kms_key *key,
                                  struct why *reterr_why);
