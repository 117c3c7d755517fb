/* state.h: what makes the keys database prove that it is whole and not an older copy of itself (docs/protocol/keys.md
 * 4).
 *
 * Every committed transaction is a generation. Its hash chains over the generations before it and over the rows that it
 * changed, so that the log, which holds each hash, knows every history apart. Besides, the sum of a keyed hash of every
 * row is kept, hidden and under a MAC: rows altered, added or taken away by anybody without the root key are found at
 * start-up, where all rows are read once. The chain costs two hashes a row, whatever the size of the database.
 *
 *     CLEANUP(kms_change_clear) struct kms_change change = {0};
 *     TRY(kms_change_begin(&change, state, reterr_why));
 *     ... statements, and kms_change_row() for each row ...
 *     TRY(kms_change_commit(&change, reterr_why)); */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"
#include "db/db.h"

#define KMS_HASH_BYTES 32

struct kms_point {
	uint64_t generation;
	uint8_t hash[KMS_HASH_BYTES];
};

/* Where every chain begins: what a log that holds no generation stands for. */
void kms_point_genesis(struct kms_point *ret_point);

struct kms_state {
	struct db *db;          /* borrowed */
	struct secret *row_key; /* owned */
	struct kms_point at;
	uint8_t sum[KMS_HASH_BYTES];
	bool is_broken; /* a commit failed without telling whether it is durable: the program must start again */
};

/* Reads the state of a database, or makes generation 0 in an empty one. Takes `row_key` over. ERR_TAMPERED if the state
 * is not by this root key. The rows are still to be checked: kms_state_check_rows(). */
MUST_USE int kms_state_open(struct kms_state *s, struct db *db, struct secret *row_key, struct why *reterr_why);
void kms_state_clear(struct kms_state *s);

/* Sums up rows as they are read at start-up, then compares. ERR_TAMPERED. */
struct kms_tally {
	const struct kms_state *state;
	uint8_t sum[KMS_HASH_BYTES];
};
void kms_tally_row(struct kms_tally *t, struct slice row);
MUST_USE int kms_tally_check(const struct kms_tally *t, struct why *reterr_why);

/* Compares with the last generation that the log holds. ERR_TAMPERED if the database is behind it or has another
 * history. A database that is ahead is good: a crash came between its commit and the leaf; *ret_ahead tells how many
 * leaves are to be written, from kms_state_point(). */
MUST_USE int kms_state_check_log(const struct kms_state *s, const struct kms_point *logged, uint64_t *ret_ahead,
                                 struct why *reterr_why);

/* The hash of a past generation. ERR_NOTFOUND if it is older than what is kept (KMS_HISTORY_ROWS_MAX). */
MUST_USE int kms_state_point(const struct kms_state *s, uint64_t generation, struct kms_point *ret_point,
                             struct why *reterr_why);

/* One transaction. */
struct kms_change {
	struct kms_state *state;
	uint8_t rows_hash[KMS_HASH_BYTES];
	uint8_t sum[KMS_HASH_BYTES];
	bool is_open;
};
MUST_USE int kms_change_begin(struct kms_change *c, struct kms_state *s, struct why *reterr_why);

/* Notes that a row was added (`before` empty), replaced, or removed (`after` empty). Rows are encoded as lp() of the
 * table's name and the columns. */
void kms_change_row(struct kms_change *c, struct slice before, struct slice after);

/* Notes a change of rows that are not summed here, another library's in the same database: they enter the chain. */
void kms_change_note(struct kms_change *c, struct slice record);
MUST_USE int kms_change_commit(struct kms_change *c, struct why *reterr_why);

/* Rolls back what was not committed. */
void kms_change_clear(struct kms_change *c);
