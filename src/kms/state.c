#include "kms/state.h"

#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "crypto/hash.h"

static void u64_print(uint64_t value, uint8_t out[static 8])
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(value >> (56 - 8 * i));
}

/* Adds a row's value to the sum, or takes it out: numbers of 256 bits, big-endian, modulo 2^256. Not XOR, in which a
 * row that stands there twice is not seen. */
static void sum_change(uint8_t sum[static KMS_HASH_BYTES], const struct secret *row_key, struct slice row, bool is_out)
{
	uint8_t mac[SHA256_BYTES];
	unsigned carry = is_out; /* taking out is adding the complement and 1 */

	if (!row.len)
		return;
	hmac_sha256_secret(row_key, row, mac);
	for (size_t i = KMS_HASH_BYTES; i-- > 0;) {
		carry += (unsigned)sum[i] + (uint8_t)(is_out ? ~mac[i] : mac[i]);
		sum[i] = (uint8_t)carry;
		carry >>= 8;
	}
}

/* Hides or shows the sum as it is stored. In clear, the sums of two generations would tell the value of the row between
 * them, and who knows enough values can look for other rows that add up to the same. */
static void sum_mask(const struct kms_state *s, const struct kms_point *at, uint8_t sum[static KMS_HASH_BYTES])
{
	uint8_t generation[8], digest[SHA256_BYTES], mask[SHA256_BYTES];
	const struct slice parts[] = {
		slice_str("cloister.keys-sum-mask/v1"),
		slice_of(generation, sizeof generation),
		slice_of(at->hash, KMS_HASH_BYTES),
	};

	u64_print(at->generation, generation);
	sha256_lp(parts, 3, digest);
	hmac_sha256_secret(s->row_key, slice_of(digest, sizeof digest), mask);
	for (size_t i = 0; i < KMS_HASH_BYTES; i++)
		sum[i] = (uint8_t)(sum[i] ^ mask[i]);
}

/* Binds generation, hash and sum. What is MACed has 32 bytes, and every row's encoding is longer, so that no row's MAC
 * can stand for a state's. */
static void state_mac(const struct kms_state *s, const struct kms_point *at, const uint8_t sum[static KMS_HASH_BYTES],
                      uint8_t out[static SHA256_BYTES])
{
	uint8_t generation[8], digest[SHA256_BYTES];
	const struct slice parts[] = {
		slice_str("cloister.keys-state-mac/v1"),
		slice_of(generation, sizeof generation),
		slice_of(at->hash, KMS_HASH_BYTES),
		slice_of(sum, KMS_HASH_BYTES),
	};

	u64_print(at->generation, generation);
	sha256_lp(parts, 4, digest);
	hmac_sha256_secret(s->row_key, slice_of(digest, sizeof digest), out);
}

/* The hash of a generation from the one before it. */
static void next_hash(const uint8_t before[static KMS_HASH_BYTES], uint64_t generation,
                      const uint8_t rows[static KMS_HASH_BYTES], uint8_t out[static KMS_HASH_BYTES])
{
	uint8_t number[8];
	const struct slice parts[] = {
		slice_str("cloister.keys-state/v1"),
		slice_of(before, KMS_HASH_BYTES),
		slice_of(number, sizeof number),
		slice_of(rows, KMS_HASH_BYTES),
	};

	u64_print(generation, number);
	sha256_lp(parts, 4, out);
}

static int put_history(const struct kms_state *s, const struct kms_point *at, const uint8_t rows[static KMS_HASH_BYTES],
                       struct why *reterr_why)
{
	struct db_stmt *insert, *trim;

	TRY(db_sql(s->db, "INSERT INTO kms_history (generation, hash, rows) VALUES (?, ?, ?)", &insert, reterr_why));
	TRY(db_bind_i64(insert, 1, (int64_t)at->generation, reterr_why));
	TRY(db_bind_blob(insert, 2, slice_of(at->hash, KMS_HASH_BYTES), reterr_why));
	TRY(db_bind_blob(insert, 3, slice_of(rows, KMS_HASH_BYTES), reterr_why));
	TRY(db_run(insert, reterr_why));
	if (at->generation < KMS_HISTORY_ROWS_MAX)
		return ERR_OK;
	TRY(db_sql(s->db, "DELETE FROM kms_history WHERE generation <= ?", &trim, reterr_why));
	TRY(db_bind_i64(trim, 1, (int64_t)(at->generation - KMS_HISTORY_ROWS_MAX), reterr_why));
	return db_run(trim, reterr_why);
}

/* Writes the state after `before`; 0 rows changed means that somebody else wrote meanwhile. */
static int put_state(const struct kms_state *s, const struct kms_point *at, const uint8_t sum[static KMS_HASH_BYTES],
                     const uint8_t rows[static KMS_HASH_BYTES], struct why *reterr_why)
{
	uint8_t mac[SHA256_BYTES], masked[KMS_HASH_BYTES];
	struct db_stmt *q;

	state_mac(s, at, sum, mac);
	memcpy(masked, sum, sizeof masked);
	sum_mask(s, at, masked);
	TRY(db_sql(s->db,
	           "INSERT INTO kms_state (id, generation, hash, sum, mac) VALUES (1, ?1, ?2, ?3, ?4)"
	           " ON CONFLICT (id) DO UPDATE SET generation = ?1, hash = ?2, sum = ?3, mac = ?4"
	           " WHERE generation = ?1 - 1",
	           &q, reterr_why));
	TRY(db_bind_i64(q, 1, (int64_t)at->generation, reterr_why));
	TRY(db_bind_blob(q, 2, slice_of(at->hash, KMS_HASH_BYTES), reterr_why));
	TRY(db_bind_blob(q, 3, slice_of(masked, sizeof masked), reterr_why));
	TRY(db_bind_blob(q, 4, slice_of(mac, sizeof mac), reterr_why));
	TRY(db_run(q, reterr_why));
	ENSURE(db_changes(s->db) == 1, ERR_CONFLICT, reterr_why,
	       "another program changed the keys database; only one keys process may have it open");
	return put_history(s, at, rows, reterr_why);
}

void kms_point_genesis(struct kms_point *ret_point)
{
	ret_point->generation = 0;
	sha256(slice_str("cloister.keys-state/v1"), ret_point->hash);
}

/* Generation 0: nothing has happened, and no row is there. */
static int make_first(struct kms_state *s, struct why *reterr_why)
{
	static const uint8_t no_rows[KMS_HASH_BYTES];
	int err;

	kms_point_genesis(&s->at);
	TRY(db_begin(s->db, reterr_why));
	err = put_state(s, &s->at, s->sum, no_rows, reterr_why);
	if (err == ERR_OK)
		err = db_commit(s->db, reterr_why);
	if (err != ERR_OK)
		db_rollback(s->db);
	return err;
}

static int read_hash(struct db_stmt *q, int column, uint8_t out[static KMS_HASH_BYTES], struct why *reterr_why)
{
	struct slice found = db_column(q, column);

	ENSURE(found.len == KMS_HASH_BYTES, ERR_TAMPERED, reterr_why,
	       "the keys database holds a hash of %zu bytes; it is damaged, restore it from a backup", found.len);
	memcpy(out, found.ptr, KMS_HASH_BYTES);
	return ERR_OK;
}

static int read_state(struct kms_state *s, struct db_stmt *q, struct why *reterr_why)
{
	uint8_t mac[SHA256_BYTES], expected[SHA256_BYTES];

	s->at.generation = (uint64_t)db_column_i64(q, 0);
	TRY(read_hash(q, 1, s->at.hash, reterr_why));
	TRY(read_hash(q, 2, s->sum, reterr_why));
	TRY(read_hash(q, 3, mac, reterr_why));
	sum_mask(s, &s->at, s->sum);
	state_mac(s, &s->at, s->sum, expected);
	ENSURE(bytes_equal_ct(mac, expected, sizeof mac), ERR_TAMPERED, reterr_why,
	       "the keys database is not by this installation's root key, or its state was altered; restore it and "
	       "root.json from the same backup");
	return ERR_OK;
}

int kms_state_open(struct kms_state *s, struct db *db, struct secret *row_key, struct why *reterr_why)
{
	struct db_stmt *q;
	bool has_row = false;
	int err;

	*s = (struct kms_state){.db = db, .row_key = row_key};
	TRY(db_sql(db, "SELECT generation, hash, sum, mac FROM kms_state WHERE id = 1", &q, reterr_why));
	TRY(db_step(q, &has_row, reterr_why));
	err = has_row ? read_state(s, q, reterr_why) : ERR_OK;
	db_reset(q);
	TRY(err);
	return has_row ? ERR_OK : make_first(s, reterr_why);
}

void kms_state_clear(struct kms_state *s)
{
	secret_freep(&s->row_key);
}

void kms_tally_row(struct kms_tally *t, struct slice row)
{
	sum_change(t->sum, t->state->row_key, row, false);
}

int kms_tally_check(const struct kms_tally *t, struct why *reterr_why)
{
	ENSURE(bytes_equal_ct(t->sum, t->state->sum, KMS_HASH_BYTES), ERR_TAMPERED, reterr_why,
	       "rows of the keys database were altered, added or removed from outside; restore it from a backup");
	return ERR_OK;
}

/* One generation of the history, as it is stored. */
static int read_history(const struct kms_state *s, uint64_t generation, uint8_t hash[static KMS_HASH_BYTES],
                        uint8_t rows[static KMS_HASH_BYTES], struct why *reterr_why)
{
	struct db_stmt *q;
	bool has_row = false;
	int err = ERR_OK;

	TRY(db_sql(s->db, "SELECT hash, rows FROM kms_history WHERE generation = ?", &q, reterr_why));
	TRY(db_bind_i64(q, 1, (int64_t)generation, reterr_why));
	TRY(db_step(q, &has_row, reterr_why));
	if (has_row)
		err = read_hash(q, 0, hash, reterr_why);
	if (has_row && err == ERR_OK)
		err = read_hash(q, 1, rows, reterr_why);
	db_reset(q);
	TRY(err);
	ENSURE(has_row, ERR_NOTFOUND, reterr_why,
	       "generation %" PRIu64 " of the keys database is not among the last %d whose hashes are kept", generation,
	       KMS_HISTORY_ROWS_MAX);
	return ERR_OK;
}

int kms_state_point(const struct kms_state *s, uint64_t generation, struct kms_point *ret_point, struct why *reterr_why)
{
	struct kms_point point = {.generation = generation};
	uint8_t rows[KMS_HASH_BYTES];

	TRY(read_history(s, generation, point.hash, rows, reterr_why));
	*ret_point = point;
	return ERR_OK;
}

/* Follows the chain from the logged hash to ours. The history is not under the MAC, but where it leads to is: no other
 * history leads there. */
static int follow_chain(const struct kms_state *s, const struct kms_point *logged, struct why *reterr_why)
{
	uint8_t hash[KMS_HASH_BYTES], stored[KMS_HASH_BYTES], rows[KMS_HASH_BYTES];
	bool is_ours = true;

	memcpy(hash, logged->hash, sizeof hash);
	for (uint64_t g = logged->generation + 1; is_ours && g <= s->at.generation; g++) {
		int err = read_history(s, g, stored, rows, reterr_why);

		ENSURE(err != ERR_NOTFOUND, ERR_TAMPERED, reterr_why,
		       "the log's last generation of the keys database is %" PRIu64 " and ours is %" PRIu64
		       ": more than a crash explains; restore the newest log",
		       logged->generation, s->at.generation);
		TRY(err);
		next_hash(hash, g, rows, hash);
		is_ours = bytes_equal_ct(hash, stored, sizeof hash);
	}
	ENSURE(is_ours && bytes_equal_ct(hash, s->at.hash, sizeof hash), ERR_TAMPERED, reterr_why,
	       "generation %" PRIu64 " of the keys database is not the one in the log: it belongs to another history",
	       logged->generation);
	return ERR_OK;
}

int kms_state_check_log(const struct kms_state *s, const struct kms_point *logged, uint64_t *ret_ahead,
                        struct why *reterr_why)
{
	ENSURE(s->at.generation >= logged->generation, ERR_TAMPERED, reterr_why,
	       "the keys database is at generation %" PRIu64 " and the log knows %" PRIu64
	       ": it is an older copy; restore the newest one",
	       s->at.generation, logged->generation);
	TRY(follow_chain(s, logged, reterr_why));
	*ret_ahead = s->at.generation - logged->generation;
	return ERR_OK;
}

int kms_change_begin(struct kms_change *c, struct kms_state *s, struct why *reterr_why)
{
	ENSURE(!s->is_broken, ERR_UNAVAILABLE, reterr_why,
	       "the keys database failed while committing; keys must be started again");
	TRY(db_begin(s->db, reterr_why));
	*c = (struct kms_change){.state = s, .is_open = true};
	memcpy(c->sum, s->sum, sizeof c->sum);
	return ERR_OK;
}

void kms_change_row(struct kms_change *c, struct slice before, struct slice after)
{
	const struct slice parts[] = {
		slice_str("cloister.keys-row/v1"),
		slice_of(c->rows_hash, sizeof c->rows_hash),
		before,
		after,
	};

	sha256_lp(parts, 4, c->rows_hash);
	sum_change(c->sum, c->state->row_key, before, true);
	sum_change(c->sum, c->state->row_key, after, false);
}

void kms_change_note(struct kms_change *c, struct slice record)
{
	const struct slice parts[] = {
		slice_str("cloister.keys-note/v1"),
		slice_of(c->rows_hash, sizeof c->rows_hash),
		record,
	};

	sha256_lp(parts, 3, c->rows_hash);
}

int kms_change_commit(struct kms_change *c, struct why *reterr_why)
{
	struct kms_state *s = c->state;
	struct kms_point next = {.generation = s->at.generation + 1};
	int err;

	next_hash(s->at.hash, next.generation, c->rows_hash, next.hash);
	TRY(put_state(s, &next, c->sum, c->rows_hash, reterr_why));
	err = db_commit(s->db, reterr_why);
	s->is_broken = err != ERR_OK;
	TRY(err);
	c->is_open = false;
	s->at = next;
	memcpy(s->sum, c->sum, sizeof s->sum);
	return ERR_OK;
}

void kms_change_clear(struct kms_change *c)
{
	if (c->is_open)
		db_rollback(c->state->db);
	c->is_open = false;
}
