#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/keystore_internal.h"

void kms_key_clear(struct kms_key *key)
{
	free(key->description);
	free(key->policy);
	*key = (struct kms_key){0};
}

int kms_key_copy(const struct kms_key *key, struct kms_key *ret_copy, struct why *reterr_why)
{
	CLEANUP(kms_key_clear) struct kms_key copy = *key;

	copy.description = NULL;
	copy.policy = NULL;
	TRY(slice_dup_str(slice_str(key->description), &copy.description, reterr_why));
	TRY(slice_dup_str(slice_str(key->policy), &copy.policy, reterr_why));
	*ret_copy = copy;
	copy = (struct kms_key){0};
	return ERR_OK;
}

void kms_key_arn(const struct kms_keystore *ks, const struct kms_key *key, char out[static KMS_KEY_ARN_BYTES_MAX])
{
	char id[UUID_TEXT_BYTES];

	uuid_print(key->id, id);
	snprintf(out, KMS_KEY_ARN_BYTES_MAX, "arn:aws:kms:%s:%s:key/%s", ks->region, key->account, id);
}

int kms_key_encode(const struct kms_key *key, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_lp(into, slice_str("kms_key"), reterr_why));
	TRY(buf_put_lp(into, slice_of(key->id, sizeof key->id), reterr_why));
	TRY(buf_put_lp(into, slice_str(key->account), reterr_why));
	TRY(kms_row_put_u64(into, (uint64_t)key->state, reterr_why));
	TRY(kms_row_put_u64(into, key->version, reterr_why));
	TRY(kms_row_put_u64(into, key->created_wall_ms, reterr_why));
	TRY(kms_row_put_u64(into, key->deletion_wall_ms, reterr_why));
	TRY(kms_row_put_u64(into, key->policy_generation, reterr_why));
	TRY(buf_put_lp(into, slice_str(key->description), reterr_why));
	return buf_put_lp(into, slice_str(key->policy), reterr_why);
}

int kms_key_read(struct db_stmt *q, struct kms_key *ret_key, struct why *reterr_why)
{
	CLEANUP(kms_key_clear) struct kms_key key = {0};
	struct slice id = db_column(q, 0);

	ENSURE(id.len == UUID_BYTES, ERR_TAMPERED, reterr_why, "the keys database holds a key id of %zu bytes", id.len);
	memcpy(key.id, id.ptr, UUID_BYTES);
	TRY(slice_to_str(db_column(q, 1), key.account, sizeof key.account, reterr_why));
	key.state = (enum kms_key_state)db_column_i64(q, 2);
	key.version = (uint32_t)db_column_i64(q, 3);
	key.created_wall_ms = (uint64_t)db_column_i64(q, 4);
	key.deletion_wall_ms = (uint64_t)db_column_i64(q, 5);
	key.policy_generation = (uint64_t)db_column_i64(q, 6);
	TRY(slice_dup_str(db_column(q, 7), &key.description, reterr_why));
	TRY(slice_dup_str(db_column(q, 8), &key.policy, reterr_why));
	*ret_key = key;
	key = (struct kms_key){0};
	return ERR_OK;
}

int kms_keys_tally(struct kms_keystore *ks, struct kms_tally *tally, struct why *reterr_why)
{
	struct db_stmt *q;
	bool has_row;

	TRY(db_sql(ks->db, "SELECT " KMS_KEY_COLUMNS " FROM kms_key", &q, reterr_why));
	for (;;) {
		CLEANUP(kms_key_clear) struct kms_key key = {0};

		TRY(db_step(q, &has_row, reterr_why));
		if (!has_row)
			break;
		TRY(kms_key_read(q, &key, reterr_why));
		kms_rows_reset(ks);
		TRY(kms_key_encode(&key, ks->after, reterr_why));
		kms_tally_row(tally, buf_slice(ks->after));
	}
	db_reset(q);
	return ERR_OK;
}

/* Inserts or replaces the row. */
static int put_row(struct kms_keystore *ks, const struct kms_key *key, struct why *reterr_why)
{
	struct db_stmt *q;

	TRY(db_sql(ks->db,
	           "INSERT INTO kms_key (" KMS_KEY_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
	           " ON CONFLICT (id) DO UPDATE SET state = ?3, version = ?4, deletion_ms = ?6,"
	           " policy_generation = ?7, description = ?8, policy = ?9",
	           &q, reterr_why));
	TRY(db_bind_blob(q, 1, slice_of(key->id, sizeof key->id), reterr_why));
	TRY(db_bind_text(q, 2, slice_str(key->account), reterr_why));
	TRY(db_bind_i64(q, 3, key->state, reterr_why));
	TRY(db_bind_i64(q, 4, key->version, reterr_why));
	TRY(db_bind_i64(q, 5, (int64_t)key->created_wall_ms, reterr_why));
	TRY(db_bind_i64(q, 6, (int64_t)key->deletion_wall_ms, reterr_why));
	TRY(db_bind_i64(q, 7, (int64_t)key->policy_generation, reterr_why));
	TRY(db_bind_text(q, 8, slice_str(key->description), reterr_why));
	TRY(db_bind_text(q, 9, slice_str(key->policy), reterr_why));
	return db_run(q, reterr_why);
}

int kms_key_put(struct kms_keystore *ks, struct kms_change *change, const struct kms_key *before,
                const struct kms_key *after, struct why *reterr_why)
{
	kms_rows_reset(ks);
	if (before)
		TRY(kms_key_encode(before, ks->before, reterr_why));
	TRY(kms_key_encode(after, ks->after, reterr_why));
	TRY(put_row(ks, after, reterr_why));
	kms_change_row(change, buf_slice(ks->before), buf_slice(ks->after));
	return ERR_OK;
}

/* Makes `after` the row, as one generation, and hands it to the caller in place of `key`. */
static int replace(struct kms_keystore *ks, struct kms_key *key, struct kms_key *after, struct why *reterr_why)
{
	CLEANUP(kms_change_clear) struct kms_change change = {0};

	TRY(kms_change_begin(&change, &ks->state, reterr_why));
	TRY(kms_key_put(ks, &change, key, after, reterr_why));
	TRY(kms_change_commit(&change, reterr_why));
	kms_key_clear(key);
	*key = *after;
	*after = (struct kms_key){0};
	return ERR_OK;
}

static int put_version(struct kms_keystore *ks, const struct kms_key *key, uint32_t version, uint64_t now_wall_ms,
                       struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *material = NULL;
	CLEANUP(buf_freep) struct buf *wrapped = NULL;
	struct db_stmt *q;

	TRY(secret_new_random(KMS_KEY_BYTES, &material, reterr_why));
	TRY(buf_new(256, &wrapped, reterr_why));
	TRY(kms_material_wrap(ks->epoch_key, ks->epoch, key, version, material, wrapped, reterr_why));
	TRY(db_sql(ks->db,
	           "INSERT INTO kms_key_version (key_id, version, epoch, created_ms, wrapped) VALUES (?, ?, ?, ?, ?)",
	           &q, reterr_why));
	TRY(db_bind_blob(q, 1, slice_of(key->id, sizeof key->id), reterr_why));
	TRY(db_bind_i64(q, 2, version, reterr_why));
	TRY(db_bind_i64(q, 3, (int64_t)ks->epoch, reterr_why));
	TRY(db_bind_i64(q, 4, (int64_t)now_wall_ms, reterr_why));
	TRY(db_bind_blob(q, 5, buf_slice(wrapped), reterr_why));
	return db_run(q, reterr_why);
}

static int count_keys(struct kms_keystore *ks, const char *account, int64_t *ret_count, struct why *reterr_why)
{
	struct db_stmt *q;
	bool has_row;

	TRY(db_sql(ks->db, "SELECT count(*) FROM kms_key WHERE account = ? AND state <> 4", &q, reterr_why));
	TRY(db_bind_text(q, 1, slice_str(account), reterr_why));
	TRY(db_step(q, &has_row, reterr_why));
	*ret_count = has_row ? db_column_i64(q, 0) : 0;
	db_reset(q);
	return ERR_OK;
}

static int check_account(const char *account, struct why *reterr_why)
{
	size_t digits = strspn(account, "0123456789");

	ENSURE(digits == KMS_ACCOUNT_BYTES - 1 && !account[digits], ERR_INVALID, reterr_why,
	       "an account is named by 12 digits");
	return ERR_OK;
}

int kms_key_create(struct kms_keystore *ks, const char *account, struct slice description, struct slice policy,
                   uint64_t now_wall_ms, struct kms_key *ret_key, struct why *reterr_why)
{
	CLEANUP(kms_key_clear)
	struct kms_key key = {
		.state = KMS_KEY_ENABLED, .version = 1, .created_wall_ms = now_wall_ms, .policy_generation = 1};
	CLEANUP(kms_change_clear) struct kms_change change = {0};
	int64_t count;

	TRY(check_account(account, reterr_why));
	ENSURE(policy.len <= KMS_POLICY_BYTES_MAX && description.len <= KMS_DESCRIPTION_BYTES_MAX, ERR_LIMIT,
	       reterr_why, "a policy of %zu and a description of %zu bytes; at most %d and %d are accepted", policy.len,
	       description.len, KMS_POLICY_BYTES_MAX, KMS_DESCRIPTION_BYTES_MAX);
	TRY(count_keys(ks, account, &count, reterr_why));
	ENSURE(count < KMS_KEYS_PER_ACCOUNT_MAX, ERR_LIMIT, reterr_why, "account %s has %d keys already; delete some",
	       account, KMS_KEYS_PER_ACCOUNT_MAX);
	TRY(uuid_new(key.id, reterr_why));
	memcpy(key.account, account, sizeof key.account);
	TRY(slice_dup_str(description, &key.description, reterr_why));
	TRY(slice_dup_str(policy, &key.policy, reterr_why));
	TRY(kms_change_begin(&change, &ks->state, reterr_why));
	TRY(kms_key_put(ks, &change, NULL, &key, reterr_why));
	TRY(put_version(ks, &key, 1, now_wall_ms, reterr_why));
	TRY(kms_change_commit(&change, reterr_why));
	*ret_key = key;
	key = (struct kms_key){0};
	return ERR_OK;
}

int kms_key_get(struct kms_keystore *ks, const uint8_t id[static UUID_BYTES], struct kms_key *ret_key,
                struct why *reterr_why)
{
	char text[UUID_TEXT_BYTES];
	struct db_stmt *q;
	bool has_row = false;
	int err = ERR_OK;

	TRY(db_sql(ks->db, "SELECT " KMS_KEY_COLUMNS " FROM kms_key WHERE id = ?", &q, reterr_why));
	TRY(db_bind_blob(q, 1, slice_of(id, UUID_BYTES), reterr_why));
	TRY(db_step(q, &has_row, reterr_why));
	if (has_row)
		err = kms_key_read(q, ret_key, reterr_why);
	db_reset(q);
	TRY(err);
	uuid_print(id, text);
	ENSURE(has_row, ERR_NOTFOUND, reterr_why, "there is no key %s", text);
	return ERR_OK;
}

int kms_key_set_policy(struct kms_keystore *ks, struct kms_key *key, struct slice policy, struct why *reterr_why)
{
	CLEANUP(kms_key_clear) struct kms_key after = {0};

	ENSURE(policy.len <= KMS_POLICY_BYTES_MAX, ERR_LIMIT, reterr_why,
	       "a policy of %zu bytes; at most %d are accepted", policy.len, KMS_POLICY_BYTES_MAX);
	TRY(kms_key_copy(key, &after, reterr_why));
	free(after.policy);
	after.policy = NULL;
	TRY(slice_dup_str(policy, &after.policy, reterr_why));
	after.policy_generation++;
	return replace(ks, key, &after, reterr_why);
}

int kms_key_set_state(struct kms_keystore *ks, struct kms_key *key, enum kms_key_state state, uint64_t deletion_wall_ms,
                      struct why *reterr_why)
{
	CLEANUP(kms_key_clear) struct kms_key after = {0};

	TRY(kms_key_copy(key, &after, reterr_why));
	after.state = state;
	after.deletion_wall_ms = deletion_wall_ms;
	return replace(ks, key, &after, reterr_why);
}

int kms_key_rotate(struct kms_keystore *ks, struct kms_key *key, uint64_t now_wall_ms, struct why *reterr_why)
{
	CLEANUP(kms_key_clear) struct kms_key after = {0};
	CLEANUP(kms_change_clear) struct kms_change change = {0};

	TRY(kms_key_copy(key, &after, reterr_why));
	after.version++;
	TRY(kms_change_begin(&change, &ks->state, reterr_why));
	TRY(kms_key_put(ks, &change, key, &after, reterr_why));
	TRY(put_version(ks, &after, after.version, now_wall_ms, reterr_why));
	TRY(kms_change_commit(&change, reterr_why));
	kms_key_clear(key);
	*key = after;
	after = (struct kms_key){0};
	return ERR_OK;
}

int kms_key_list(struct kms_keystore *ks, const char *account, const uint8_t *after, size_t max,
                 uint8_t (*ret_ids)[UUID_BYTES], size_t *ret_count, bool *ret_more, struct why *reterr_why)
{
	struct db_stmt *q;
	bool has_row = true;
	size_t count = 0;

	TRY(db_sql(ks->db, "SELECT id FROM kms_key WHERE account = ? AND state <> 4 AND id > ? ORDER BY id LIMIT ?", &q,
	           reterr_why));
	TRY(db_bind_text(q, 1, slice_str(account), reterr_why));
	TRY(db_bind_blob(q, 2, slice_of(after ? after : (const uint8_t *)"", after ? UUID_BYTES : 0), reterr_why));
	TRY(db_bind_i64(q, 3, (int64_t)max + 1, reterr_why)); /* one more tells whether there is more */
	for (;;) {
		TRY(db_step(q, &has_row, reterr_why));
		if (!has_row || count == max)
			break;
		struct slice id = db_column(q, 0);

		if (id.len == UUID_BYTES)
			memcpy(ret_ids[count++], id.ptr, UUID_BYTES);
	}
	db_reset(q);
	*ret_count = count;
	*ret_more = has_row;
	return ERR_OK;
}

int kms_key_material(struct kms_keystore *ks, const struct kms_key *key, uint32_t version, struct secret **ret_material,
                     struct why *reterr_why)
{
	struct db_stmt *q;
	bool has_row = false;
	int err = ERR_OK;

	TRY(db_sql(ks->db, "SELECT wrapped FROM kms_key_version WHERE key_id = ? AND version = ?", &q, reterr_why));
	TRY(db_bind_blob(q, 1, slice_of(key->id, sizeof key->id), reterr_why));
	TRY(db_bind_i64(q, 2, version, reterr_why));
	TRY(db_step(q, &has_row, reterr_why));
	if (has_row)
		err = kms_material_unwrap(ks->epoch_key, ks->epoch, key, version, db_column(q, 0), ret_material,
		                          reterr_why);
	db_reset(q);
	TRY(err);
	ENSURE(has_row, ERR_NOTFOUND, reterr_why, "the key has no version %u", version);
	return ERR_OK;
}
