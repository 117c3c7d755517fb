#include <string.h>

#include "crypto/xaes.h"
#include "kms/keystore_internal.h"

/* The epoch key: what wraps key material, and what is destroyed to shred it. */

/* u64 as the whole of a part. */
static int put_u64(struct buf *into, uint64_t value, struct why *reterr_why)
{
	return kms_row_put_u64(into, value, reterr_why);
}

static int put_epoch_aad(uint64_t epoch, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_lp(into, slice_str("cloister.kms-epoch/v1"), reterr_why));
	return put_u64(into, epoch, reterr_why);
}

/* Material is good for one key, account, version and epoch: rows that were exchanged do not unwrap. */
static int put_material_aad(uint64_t epoch, const struct kms_key *key, uint32_t version, struct buf *into,
                            struct why *reterr_why)
{
	TRY(buf_put_lp(into, slice_str("cloister.kms-material/v1"), reterr_why));
	TRY(buf_put_lp(into, slice_of(key->id, sizeof key->id), reterr_why));
	TRY(buf_put_lp(into, slice_str(key->account), reterr_why));
	TRY(put_u64(into, version, reterr_why));
	return put_u64(into, epoch, reterr_why);
}

int kms_material_wrap(const struct secret *epoch_key, uint64_t epoch, const struct kms_key *key, uint32_t version,
                      const struct secret *material, struct buf *into, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *aad = NULL;

	TRY(buf_new(256, &aad, reterr_why));
	TRY(put_material_aad(epoch, key, version, aad, reterr_why));
	return xaes_seal(epoch_key, buf_slice(aad), slice_of(secret_peek(material), secret_len(material)), into,
	                 reterr_why);
}

int kms_material_unwrap(const struct secret *epoch_key, uint64_t epoch, const struct kms_key *key, uint32_t version,
                        struct slice wrapped, struct secret **ret_material, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *material = NULL;
	CLEANUP(buf_freep) struct buf *aad = NULL;
	int err;

	TRY(buf_new(256, &aad, reterr_why));
	TRY(put_material_aad(epoch, key, version, aad, reterr_why));
	err = xaes_open(epoch_key, buf_slice(aad), wrapped, &material, reterr_why);
	ENSURE((err == ERR_OK && secret_len(material) == KMS_KEY_BYTES) || err_class(err) == ERR_UNAVAILABLE ||
	               err_class(err) == ERR_LIMIT,
	       ERR_TAMPERED, reterr_why, "the material of a key was altered in the keys database; restore a backup");
	TRY(err);
	*ret_material = take_ptr(material);
	return ERR_OK;
}

static int put_epoch(struct kms_keystore *ks, uint64_t epoch, const struct secret *epoch_key, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *aad = NULL;
	CLEANUP(buf_freep) struct buf *wrapped = NULL;
	struct db_stmt *q;

	TRY(buf_new(256, &aad, reterr_why));
	TRY(buf_new(256, &wrapped, reterr_why));
	TRY(put_epoch_aad(epoch, aad, reterr_why));
	TRY(xaes_seal(ks->wrap_key, buf_slice(aad), slice_of(secret_peek(epoch_key), secret_len(epoch_key)), wrapped,
	              reterr_why));
	TRY(db_sql(ks->db,
	           "INSERT INTO kms_epoch (id, number, wrapped) VALUES (1, ?1, ?2)"
	           " ON CONFLICT (id) DO UPDATE SET number = ?1, wrapped = ?2",
	           &q, reterr_why));
	TRY(db_bind_i64(q, 1, (int64_t)epoch, reterr_why));
	TRY(db_bind_blob(q, 2, buf_slice(wrapped), reterr_why));
	return db_run(q, reterr_why);
}

/* The row of the epoch as the state hashes it. */
static int encode_epoch(uint64_t epoch, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_lp(into, slice_str("kms_epoch"), reterr_why));
	TRY(put_u64(into, epoch, reterr_why));
	return buf_put_lp(into, slice_str("the epoch whose key wraps all material"), reterr_why);
}

/* Moves the epoch row on within a change. */
static int change_epoch(struct kms_keystore *ks, struct kms_change *change, uint64_t epoch,
                        const struct secret *epoch_key, struct why *reterr_why)
{
	kms_rows_reset(ks);
	if (ks->epoch)
		TRY(encode_epoch(ks->epoch, ks->before, reterr_why));
	TRY(encode_epoch(epoch, ks->after, reterr_why));
	TRY(put_epoch(ks, epoch, epoch_key, reterr_why));
	kms_change_row(change, buf_slice(ks->before), buf_slice(ks->after));
	return ERR_OK;
}

static int make_first(struct kms_keystore *ks, struct why *reterr_why)
{
	CLEANUP(kms_change_clear) struct kms_change change = {0};
	CLEANUP(secret_freep) struct secret *key = NULL;

	TRY(secret_new_random(KMS_KEY_BYTES, &key, reterr_why));
	TRY(kms_change_begin(&change, &ks->state, reterr_why));
	TRY(change_epoch(ks, &change, 1, key, reterr_why));
	TRY(kms_change_commit(&change, reterr_why));
	ks->epoch = 1;
	ks->epoch_key = take_ptr(key);
	return ERR_OK;
}

static int read_epoch(struct kms_keystore *ks, struct db_stmt *q, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *aad = NULL;
	int err;

	ks->epoch = (uint64_t)db_column_i64(q, 0);
	TRY(buf_new(256, &aad, reterr_why));
	TRY(put_epoch_aad(ks->epoch, aad, reterr_why));
	err = xaes_open(ks->wrap_key, buf_slice(aad), db_column(q, 1), &ks->epoch_key, reterr_why);
	ENSURE(err_class(err) != ERR_TAMPERED && err_class(err) != ERR_INVALID, ERR_TAMPERED, reterr_why,
	       "the epoch key in the keys database was altered, or is another installation's; restore a backup");
	return err;
}

int kms_epoch_open(struct kms_keystore *ks, struct why *reterr_why)
{
	struct db_stmt *q;
	bool has_row = false;
	int err;

	TRY(db_sql(ks->db, "SELECT number, wrapped FROM kms_epoch WHERE id = 1", &q, reterr_why));
	TRY(db_step(q, &has_row, reterr_why));
	err = has_row ? read_epoch(ks, q, reterr_why) : ERR_OK;
	db_reset(q);
	TRY(err);
	ENSURE(has_row || ks->state.at.generation == 0, ERR_TAMPERED, reterr_why,
	       "the keys database has lost its epoch key; restore it from a backup");
	return has_row ? ERR_OK : make_first(ks, reterr_why);
}

int kms_epoch_tally(struct kms_keystore *ks, struct kms_tally *tally, struct why *reterr_why)
{
	kms_rows_reset(ks);
	TRY(encode_epoch(ks->epoch, ks->after, reterr_why));
	kms_tally_row(tally, buf_slice(ks->after));
	return ERR_OK;
}

uint64_t kms_epoch_number(const struct kms_keystore *ks)
{
	return ks->epoch;
}

/* --- rolling --- */

struct roll {
	struct kms_change *change;
	struct secret *key;
	uint64_t epoch;
	uint64_t now_wall_ms;
	struct kms_epoch_report report;
};

/* The next version of any key after the one given: one row at a time, since statements of the rewrap run between. */
static int next_version(struct kms_keystore *ks, struct kms_key *key, uint32_t *version, struct buf *wrapped,
                        bool *ret_has_row, struct why *reterr_why)
{
	struct db_stmt *q;
	struct slice id;
	int err = ERR_OK;

	TRY(db_sql(ks->db,
	           "SELECT v.key_id, v.version, v.wrapped, k.account FROM kms_key_version v"
	           " JOIN kms_key k ON k.id = v.key_id WHERE (v.key_id, v.version) > (?, ?)"
	           " ORDER BY v.key_id, v.version LIMIT 1",
	           &q, reterr_why));
	TRY(db_bind_blob(q, 1, slice_of(key->id, sizeof key->id), reterr_why));
	TRY(db_bind_i64(q, 2, *version, reterr_why));
	TRY(db_step(q, ret_has_row, reterr_why));
	if (*ret_has_row) {
		id = db_column(q, 0);
		memcpy(key->id, id.ptr, id.len == UUID_BYTES ? UUID_BYTES : 0);
		*version = (uint32_t)db_column_i64(q, 1);
		buf_reset(wrapped);
		err = buf_put(wrapped, db_column(q, 2), reterr_why);
		if (err == ERR_OK)
			err = slice_to_str(db_column(q, 3), key->account, sizeof key->account, reterr_why);
	}
	db_reset(q);
	return err;
}

static int rewrap_version(struct kms_keystore *ks, const struct roll *roll, const struct kms_key *key, uint32_t version,
                          struct slice wrapped, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *material = NULL;
	CLEANUP(buf_freep) struct buf *again = NULL;
	struct db_stmt *q;

	TRY(buf_new(256, &again, reterr_why));
	TRY(kms_material_unwrap(ks->epoch_key, ks->epoch, key, version, wrapped, &material, reterr_why));
	TRY(kms_material_wrap(roll->key, roll->epoch, key, version, material, again, reterr_why));
	TRY(db_sql(ks->db, "UPDATE kms_key_version SET wrapped = ?, epoch = ? WHERE key_id = ? AND version = ?", &q,
	           reterr_why));
	TRY(db_bind_blob(q, 1, buf_slice(again), reterr_why));
	TRY(db_bind_i64(q, 2, (int64_t)roll->epoch, reterr_why));
	TRY(db_bind_blob(q, 3, slice_of(key->id, sizeof key->id), reterr_why));
	TRY(db_bind_i64(q, 4, version, reterr_why));
	return db_run(q, reterr_why);
}

static int rewrap_survivors(struct kms_keystore *ks, struct roll *roll, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *wrapped = NULL;
	struct kms_key key = {0};
	uint32_t version = 0;
	bool has_row = true;

	TRY(buf_new(256, &wrapped, reterr_why));
	for (;;) {
		TRY(next_version(ks, &key, &version, wrapped, &has_row, reterr_why));
		if (!has_row)
			return ERR_OK;
		TRY(rewrap_version(ks, roll, &key, version, buf_slice(wrapped), reterr_why));
		roll->report.rewrapped++;
	}
}

/* One key whose deletion is due, or none. */
static int next_due(struct kms_keystore *ks, uint64_t now_wall_ms, struct kms_key *ret_key, bool *ret_has_row,
                    struct why *reterr_why)
{
	struct db_stmt *q;
	int err = ERR_OK;

	TRY(db_sql(ks->db,
	           "SELECT " KMS_KEY_COLUMNS " FROM kms_key WHERE state = 3 AND deletion_ms <= ? ORDER BY id LIMIT 1",
	           &q, reterr_why));
	TRY(db_bind_i64(q, 1, (int64_t)now_wall_ms, reterr_why));
	TRY(db_step(q, ret_has_row, reterr_why));
	if (*ret_has_row)
		err = kms_key_read(q, ret_key, reterr_why);
	db_reset(q);
	return err;
}

static int delete_rows_of(struct kms_keystore *ks, struct kms_change *change, const struct kms_key *key,
                          struct why *reterr_why)
{
	struct db_stmt *versions;

	TRY(kms_aliases_drop_all(ks, change, key, reterr_why));
	TRY(db_sql(ks->db, "DELETE FROM kms_key_version WHERE key_id = ?", &versions, reterr_why));
	TRY(db_bind_blob(versions, 1, slice_of(key->id, sizeof key->id), reterr_why));
	return db_run(versions, reterr_why);
}

static int destroy_due(struct kms_keystore *ks, struct roll *roll, struct why *reterr_why)
{
	for (;;) {
		CLEANUP(kms_key_clear) struct kms_key key = {0};
		CLEANUP(kms_key_clear) struct kms_key gone = {0};
		bool has_row;

		TRY(next_due(ks, roll->now_wall_ms, &key, &has_row, reterr_why));
		if (!has_row)
			return ERR_OK;
		TRY(kms_key_copy(&key, &gone, reterr_why));
		gone.state = KMS_KEY_DESTROYED;
		TRY(kms_key_put(ks, roll->change, &key, &gone, reterr_why));
		TRY(delete_rows_of(ks, roll->change, &key, reterr_why));
		TRY(buf_put(roll->report.destroyed_ids, slice_of(key.id, sizeof key.id), reterr_why));
		roll->report.destroyed++;
	}
}

static void roll_clear(struct roll *roll)
{
	secret_freep(&roll->key);
	buf_freep(&roll->report.destroyed_ids);
}

/* The old epoch key may still lie in the write-ahead log: empty it. Best effort, as keystore.h says; a reader that
 * holds the log open only delays it. */
static void empty_write_ahead_log(struct kms_keystore *ks)
{
	struct db_stmt *q;
	bool has_row;

	if (db_sql(ks->db, "PRAGMA wal_checkpoint(TRUNCATE)", &q, NULL) != ERR_OK)
		return;
	if (db_step(q, &has_row, NULL) == ERR_OK)
		db_reset(q);
}

int kms_epoch_roll(struct kms_keystore *ks, uint64_t now_wall_ms, struct kms_epoch_report *ret_report,
                   struct why *reterr_why)
{
	CLEANUP(kms_change_clear) struct kms_change change = {0};
	CLEANUP(roll_clear)
	struct roll roll = {
		.change = &change,
		.epoch = ks->epoch + 1,
		.now_wall_ms = now_wall_ms,
		.report = {.old_epoch = ks->epoch, .new_epoch = ks->epoch + 1},
	};

	TRY(buf_new(SIZE_MAX / 4, &roll.report.destroyed_ids, reterr_why));
	TRY(secret_new_random(KMS_KEY_BYTES, &roll.key, reterr_why));
	TRY(kms_change_begin(&change, &ks->state, reterr_why));
	TRY(destroy_due(ks, &roll, reterr_why));
	TRY(rewrap_survivors(ks, &roll, reterr_why));
	TRY(change_epoch(ks, &change, roll.epoch, roll.key, reterr_why));
	TRY(kms_change_commit(&change, reterr_why));
	secret_free(ks->epoch_key);
	ks->epoch_key = take_ptr(roll.key);
	ks->epoch = roll.epoch;
	empty_write_ahead_log(ks);
	*ret_report = roll.report;
	roll.report.destroyed_ids = NULL;
	return ERR_OK;
}
