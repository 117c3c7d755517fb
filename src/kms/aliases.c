#include <string.h>

#include "kms/keystore_internal.h"

int kms_alias_check_name(struct slice name, struct why *reterr_why)
{
	static const char prefix[] = "alias/", reserved[] = "alias/aws/";

	ENSURE(slice_starts_with(name, prefix) && name.len > strlen(prefix), KMS_ERR_ALIAS_NAME, reterr_why,
	       "an alias is named like alias/training-data");
	ENSURE(name.len <= KMS_ALIAS_BYTES_MAX, KMS_ERR_ALIAS_NAME, reterr_why,
	       "an alias name of %zu characters; at most %d are accepted", name.len, KMS_ALIAS_BYTES_MAX);
	ENSURE(!slice_starts_with(name, reserved), KMS_ERR_ALIAS_NAME, reterr_why, "names under %s are reserved",
	       reserved);
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.ptr[i];

		ENSURE((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
		               c == '_' || c == '-',
		       KMS_ERR_ALIAS_NAME, reterr_why, "an alias name has letters, digits, /, _ and -");
	}
	return ERR_OK;
}

static int encode(const struct kms_alias *alias, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_lp(into, slice_str("kms_alias"), reterr_why));
	TRY(buf_put_lp(into, slice_str(alias->account), reterr_why));
	TRY(buf_put_lp(into, slice_str(alias->name), reterr_why));
	TRY(buf_put_lp(into, slice_of(alias->key_id, sizeof alias->key_id), reterr_why));
	TRY(kms_row_put_u64(into, alias->created_wall_ms, reterr_why));
	return kms_row_put_u64(into, alias->updated_wall_ms, reterr_why);
}

#define ALIAS_COLUMNS "account, name, key_id, created_ms, updated_ms"

static int read_alias(struct db_stmt *q, struct kms_alias *ret_alias, struct why *reterr_why)
{
	struct kms_alias alias = {0};
	struct slice id = db_column(q, 2);

	TRY(slice_to_str(db_column(q, 0), alias.account, sizeof alias.account, reterr_why));
	TRY(slice_to_str(db_column(q, 1), alias.name, sizeof alias.name, reterr_why));
	ENSURE(id.len == UUID_BYTES, ERR_TAMPERED, reterr_why, "the keys database holds a key id of %zu bytes", id.len);
	memcpy(alias.key_id, id.ptr, UUID_BYTES);
	alias.created_wall_ms = (uint64_t)db_column_i64(q, 3);
	alias.updated_wall_ms = (uint64_t)db_column_i64(q, 4);
	*ret_alias = alias;
	return ERR_OK;
}

int kms_aliases_tally(struct kms_keystore *ks, struct kms_tally *tally, struct why *reterr_why)
{
	struct kms_alias alias;
	struct db_stmt *q;
	bool has_row;

	TRY(db_sql(ks->db, "SELECT " ALIAS_COLUMNS " FROM kms_alias", &q, reterr_why));
	for (;;) {
		TRY(db_step(q, &has_row, reterr_why));
		if (!has_row)
			break;
		TRY(read_alias(q, &alias, reterr_why));
		kms_rows_reset(ks);
		TRY(encode(&alias, ks->after, reterr_why));
		kms_tally_row(tally, buf_slice(ks->after));
	}
	db_reset(q);
	return ERR_OK;
}

int kms_alias_get(struct kms_keystore *ks, const char *account, struct slice name, struct kms_alias *ret_alias,
                  struct why *reterr_why)
{
	struct db_stmt *q;
	bool has_row = false;
	int err = ERR_OK;

	TRY(kms_alias_check_name(name, reterr_why));
	TRY(db_sql(ks->db, "SELECT " ALIAS_COLUMNS " FROM kms_alias WHERE account = ? AND name = ?", &q, reterr_why));
	TRY(db_bind_text(q, 1, slice_str(account), reterr_why));
	TRY(db_bind_text(q, 2, name, reterr_why));
	TRY(db_step(q, &has_row, reterr_why));
	if (has_row)
		err = read_alias(q, ret_alias, reterr_why);
	db_reset(q);
	TRY(err);
	ENSURE(has_row, ERR_NOTFOUND, reterr_why, "account %s has no alias %.*s", account, (int)name.len,
	       (const char *)name.ptr);
	return ERR_OK;
}

/* Writes `after` in the place of `before`; either may be NULL. Within a change. */
static int put(struct kms_keystore *ks, struct kms_change *change, const struct kms_alias *before,
               const struct kms_alias *after, struct why *reterr_why)
{
	struct db_stmt *q;

	kms_rows_reset(ks);
	if (before) {
		TRY(encode(before, ks->before, reterr_why));
		TRY(db_sql(ks->db, "DELETE FROM kms_alias WHERE account = ? AND name = ?", &q, reterr_why));
		TRY(db_bind_text(q, 1, slice_str(before->account), reterr_why));
		TRY(db_bind_text(q, 2, slice_str(before->name), reterr_why));
		TRY(db_run(q, reterr_why));
	}
	if (after) {
		TRY(encode(after, ks->after, reterr_why));
		TRY(db_sql(ks->db, "INSERT INTO kms_alias (" ALIAS_COLUMNS ") VALUES (?, ?, ?, ?, ?)", &q, reterr_why));
		TRY(db_bind_text(q, 1, slice_str(after->account), reterr_why));
		TRY(db_bind_text(q, 2, slice_str(after->name), reterr_why));
		TRY(db_bind_blob(q, 3, slice_of(after->key_id, sizeof after->key_id), reterr_why));
		TRY(db_bind_i64(q, 4, (int64_t)after->created_wall_ms, reterr_why));
		TRY(db_bind_i64(q, 5, (int64_t)after->updated_wall_ms, reterr_why));
		TRY(db_run(q, reterr_why));
	}
	kms_change_row(change, buf_slice(ks->before), buf_slice(ks->after));
	return ERR_OK;
}

static int change_one(struct kms_keystore *ks, const struct kms_alias *before, const struct kms_alias *after,
                      struct why *reterr_why)
{
	CLEANUP(kms_change_clear) struct kms_change change = {0};

	TRY(kms_change_begin(&change, &ks->state, reterr_why));
	TRY(put(ks, &change, before, after, reterr_why));
	return kms_change_commit(&change, reterr_why);
}

static int count_aliases(struct kms_keystore *ks, const char *account, int64_t *ret_count, struct why *reterr_why)
{
	struct db_stmt *q;
	bool has_row;

	TRY(db_sql(ks->db, "SELECT count(*) FROM kms_alias WHERE account = ?", &q, reterr_why));
	TRY(db_bind_text(q, 1, slice_str(account), reterr_why));
	TRY(db_step(q, &has_row, reterr_why));
	*ret_count = has_row ? db_column_i64(q, 0) : 0;
	db_reset(q);
	return ERR_OK;
}

int kms_alias_create(struct kms_keystore *ks, const char *account, struct slice name,
                     const uint8_t key_id[static UUID_BYTES], uint64_t now_wall_ms, struct why *reterr_why)
{
	struct kms_alias alias = {.created_wall_ms = now_wall_ms, .updated_wall_ms = now_wall_ms}, taken;
	int64_t count;
	int err = kms_alias_get(ks, account, name, &taken, reterr_why);

	ENSURE(err != ERR_OK, KMS_ERR_EXISTS, reterr_why, "account %s has the alias %s already", account, taken.name);
	if (err != ERR_NOTFOUND)
		return err;
	TRY(count_aliases(ks, account, &count, reterr_why));
	ENSURE(count < KMS_ALIASES_PER_ACCOUNT_MAX, ERR_LIMIT, reterr_why,
	       "account %s has %d aliases already; delete some", account, KMS_ALIASES_PER_ACCOUNT_MAX);
	TRY(slice_to_str(slice_str(account), alias.account, sizeof alias.account, reterr_why));
	TRY(slice_to_str(name, alias.name, sizeof alias.name, reterr_why));
	memcpy(alias.key_id, key_id, UUID_BYTES);
	return change_one(ks, NULL, &alias, reterr_why);
}

int kms_alias_move(struct kms_keystore *ks, const struct kms_alias *alias, const uint8_t key_id[static UUID_BYTES],
                   uint64_t now_wall_ms, struct why *reterr_why)
{
	struct kms_alias after = *alias;

	after.updated_wall_ms = now_wall_ms;
	memcpy(after.key_id, key_id, UUID_BYTES);
	return change_one(ks, alias, &after, reterr_why);
}

int kms_alias_delete(struct kms_keystore *ks, const struct kms_alias *alias, struct why *reterr_why)
{
	return change_one(ks, alias, NULL, reterr_why);
}

int kms_alias_list(struct kms_keystore *ks, const char *account, const uint8_t *key_id, struct slice after, size_t max,
                   struct kms_alias *ret_aliases, size_t *ret_count, bool *ret_more, struct why *reterr_why)
{
	struct db_stmt *q;
	bool has_row = true;
	size_t count = 0;

	TRY(db_sql(ks->db,
	           "SELECT " ALIAS_COLUMNS " FROM kms_alias WHERE account = ?1 AND name > ?2"
	           " AND (length(?3) = 0 OR key_id = ?3) ORDER BY name LIMIT ?4",
	           &q, reterr_why));
	TRY(db_bind_text(q, 1, slice_str(account), reterr_why));
	TRY(db_bind_text(q, 2, after.ptr ? after : slice_str(""), reterr_why));
	TRY(db_bind_blob(q, 3, slice_of(key_id ? key_id : (const uint8_t *)"", key_id ? UUID_BYTES : 0), reterr_why));
	TRY(db_bind_i64(q, 4, (int64_t)max + 1, reterr_why));
	for (;;) {
		TRY(db_step(q, &has_row, reterr_why));
		if (!has_row || count == max)
			break;
		TRY(read_alias(q, &ret_aliases[count], reterr_why));
		count++;
	}
	db_reset(q);
	*ret_count = count;
	*ret_more = has_row;
	return ERR_OK;
}

int kms_aliases_drop_all(struct kms_keystore *ks, struct kms_change *change, const struct kms_key *key,
                         struct why *reterr_why)
{
	struct kms_alias alias;
	size_t count;
	bool more;

	for (;;) {
		TRY(kms_alias_list(ks, key->account, key->id, slice_of(NULL, 0), 1, &alias, &count, &more, reterr_why));
		if (!count)
			return ERR_OK;
		TRY(put(ks, change, &alias, NULL, reterr_why));
	}
}
