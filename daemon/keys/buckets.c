#include "daemon/keys/buckets.h"

#include <string.h>

#include "base/random.h"

const char *const keys_bucket_migrations[] = {
	"CREATE TABLE keys_bucket ("
	" name TEXT PRIMARY KEY, id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),"
	" account TEXT NOT NULL REFERENCES iam_account (id), created_ms INTEGER NOT NULL, is_versioned INTEGER NOT "
	"NULL,"
	" kms_key TEXT NOT NULL, policy TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX keys_bucket_of_account ON keys_bucket (account, name);",
};
const int keys_bucket_migrations_count = sizeof keys_bucket_migrations / sizeof keys_bucket_migrations[0];

enum { ROW_BYTES_MAX = sizeof(struct keys_bucket) + 256 };

/* The row as the state hashes it. */
static int encode(const struct keys_bucket *bucket, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_lp(into, slice_str("keys_bucket"), reterr_why));
	TRY(buf_put_lp(into, slice_str(bucket->name), reterr_why));
	TRY(buf_put_lp(into, slice_of(bucket->id, sizeof bucket->id), reterr_why));
	TRY(buf_put_lp(into, slice_str(bucket->account), reterr_why));
	TRY(buf_put_u32be(into, 8, reterr_why));
	TRY(buf_put_u64be(into, bucket->created_ms, reterr_why));
	TRY(buf_put_lp(into, slice_str(bucket->is_versioned ? "1" : "0"), reterr_why));
	TRY(buf_put_lp(into, slice_str(bucket->kms_key), reterr_why));
	return buf_put_lp(into, slice_str(bucket->policy), reterr_why);
}

static int column(struct db_stmt *s, int at, char *out, size_t size, struct why *reterr_why)
{
	ENSURE(slice_to_str(db_column(s, at), out, size, NULL) == ERR_OK, ERR_TAMPERED, reterr_why,
	       "a bucket in the keys database has a text that is too long");
	return ERR_OK;
}

static int read_row(struct db_stmt *s, struct keys_bucket *bucket, struct why *reterr_why)
{
	struct slice id = db_column(s, 1);

	ENSURE(id.len == sizeof bucket->id, ERR_TAMPERED, reterr_why, "a bucket in the keys database has no id");
	memcpy(bucket->id, id.ptr, id.len);
	bucket->created_ms = (uint64_t)db_column_i64(s, 3);
	bucket->is_versioned = db_column_i64(s, 4) != 0;
	TRY(column(s, 0, bucket->name, sizeof bucket->name, reterr_why));
	TRY(column(s, 2, bucket->account, sizeof bucket->account, reterr_why));
	TRY(column(s, 5, bucket->kms_key, sizeof bucket->kms_key, reterr_why));
	return column(s, 6, bucket->policy, sizeof bucket->policy, reterr_why);
}

int keys_bucket_get(const struct keys_buckets *b, struct slice name, struct keys_bucket *ret_bucket,
                    struct why *reterr_why)
{
	struct db_stmt *s;
	bool row;
	int err = ERR_OK;

	TRY(db_sql(
		b->db,
		"SELECT name, id, account, created_ms, is_versioned, kms_key, policy FROM keys_bucket WHERE name = ?",
		&s, reterr_why));
	TRY(db_bind_text(s, 1, name, reterr_why));
	TRY(db_step(s, &row, reterr_why));
	if (row)
		err = read_row(s, ret_bucket, reterr_why);
	db_reset(s);
	ENSURE(row, ERR_NOTFOUND, reterr_why, "there is no bucket %.*s", (int)(name.len < 64 ? name.len : 64),
	       (const char *)name.ptr);
	return err;
}

/* Notes the change of one row and makes it durable. */
static int finish(struct kms_change *change, const struct keys_bucket *before, const struct keys_bucket *after,
                  struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *old = NULL;
	CLEANUP(buf_freep) struct buf *new = NULL;

	TRY(buf_new(ROW_BYTES_MAX, &old, reterr_why));
	TRY(buf_new(ROW_BYTES_MAX, &new, reterr_why));
	if (before)
		TRY(encode(before, old, reterr_why));
	if (after)
		TRY(encode(after, new, reterr_why));
	kms_change_row(change, buf_slice(old), buf_slice(new));
	return kms_change_commit(change, reterr_why);
}

static int count_of(const struct keys_buckets *b, const char *account, int64_t *ret_count, struct why *reterr_why)
{
	struct db_stmt *s;
	bool row;

	TRY(db_sql(b->db, "SELECT count(*) FROM keys_bucket WHERE account = ?", &s, reterr_why));
	TRY(db_bind_text(s, 1, slice_str(account), reterr_why));
	TRY(db_step(s, &row, reterr_why));
	*ret_count = row ? db_column_i64(s, 0) : 0;
	db_reset(s);
	return ERR_OK;
}

int keys_bucket_create(const struct keys_buckets *b, struct keys_bucket *bucket, struct why *reterr_why)
{
	CLEANUP(kms_change_clear) struct kms_change change = {0};
	struct db_stmt *s;
	int64_t count;

	TRY(count_of(b, bucket->account, &count, reterr_why));
	ENSURE(count < KEYS_BUCKETS_PER_ACCOUNT_MAX, ERR_LIMIT, reterr_why, "the account has %d buckets; delete some",
	       KEYS_BUCKETS_PER_ACCOUNT_MAX);
	TRY(random_fill(bucket->id, sizeof bucket->id, reterr_why));
	TRY(kms_change_begin(&change, b->state, reterr_why));
	TRY(db_sql(b->db,
	           "INSERT INTO keys_bucket (name, id, account, created_ms, is_versioned, kms_key, policy)"
	           " VALUES (?, ?, ?, ?, ?, ?, ?)",
	           &s, reterr_why));
	TRY(db_bind_text(s, 1, slice_str(bucket->name), reterr_why));
	TRY(db_bind_blob(s, 2, slice_of(bucket->id, sizeof bucket->id), reterr_why));
	TRY(db_bind_text(s, 3, slice_str(bucket->account), reterr_why));
	TRY(db_bind_i64(s, 4, (int64_t)bucket->created_ms, reterr_why));
	TRY(db_bind_i64(s, 5, bucket->is_versioned, reterr_why));
	TRY(db_bind_text(s, 6, slice_str(bucket->kms_key), reterr_why));
	TRY(db_bind_text(s, 7, slice_str(bucket->policy), reterr_why));
	TRY(db_run(s, reterr_why));
	return finish(&change, NULL, bucket, reterr_why);
}

int keys_bucket_update(const struct keys_buckets *b, const struct keys_bucket *bucket, struct why *reterr_why)
{
	CLEANUP(kms_change_clear) struct kms_change change = {0};
	struct keys_bucket before;
	struct db_stmt *s;

	TRY(keys_bucket_get(b, slice_str(bucket->name), &before, reterr_why));
	TRY(kms_change_begin(&change, b->state, reterr_why));
	TRY(db_sql(b->db, "UPDATE keys_bucket SET is_versioned = ?, policy = ? WHERE name = ?", &s, reterr_why));
	TRY(db_bind_i64(s, 1, bucket->is_versioned, reterr_why));
	TRY(db_bind_text(s, 2, slice_str(bucket->policy), reterr_why));
	TRY(db_bind_text(s, 3, slice_str(bucket->name), reterr_why));
	TRY(db_run(s, reterr_why));
	return finish(&change, &before, bucket, reterr_why);
}

int keys_bucket_delete(const struct keys_buckets *b, const struct keys_bucket *bucket, struct why *reterr_why)
{
	CLEANUP(kms_change_clear) struct kms_change change = {0};
	struct db_stmt *s;

	TRY(kms_change_begin(&change, b->state, reterr_why));
	TRY(db_sql(b->db, "DELETE FROM keys_bucket WHERE name = ?", &s, reterr_why));
	TRY(db_bind_text(s, 1, slice_str(bucket->name), reterr_why));
	TRY(db_run(s, reterr_why));
	return finish(&change, bucket, NULL, reterr_why);
}

/* Calls `each` for the rows of a bound statement. */
static int each_row(struct db_stmt *s,
                    int (*each)(void *self, const struct keys_bucket *bucket, struct why *reterr_why), void *self,
                    struct why *reterr_why)
{
	struct keys_bucket bucket;
	bool row;
	int err;

	TRY(db_step(s, &row, reterr_why));
	while (row) {
		err = read_row(s, &bucket, reterr_why);
		if (err == ERR_OK)
			err = each(self, &bucket, reterr_why);
		if (err == ERR_OK)
			err = db_step(s, &row, reterr_why);
		if (err != ERR_OK) {
			db_reset(s);
			return err;
		}
	}
	db_reset(s);
	return ERR_OK;
}

int keys_bucket_list(const struct keys_buckets *b, const char *account,
                     int (*each)(void *self, const struct keys_bucket *bucket, struct why *reterr_why), void *self,
                     struct why *reterr_why)
{
	struct db_stmt *s;

	TRY(db_sql(b->db,
	           "SELECT name, id, account, created_ms, is_versioned, kms_key, policy FROM keys_bucket"
	           " WHERE account = ? ORDER BY name",
	           &s, reterr_why));
	TRY(db_bind_text(s, 1, slice_str(account), reterr_why));
	return each_row(s, each, self, reterr_why);
}

static int tally_row(void *self, const struct keys_bucket *bucket, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *row = NULL;

	TRY(buf_new(ROW_BYTES_MAX, &row, reterr_why));
	TRY(encode(bucket, row, reterr_why));
	kms_tally_row(self, buf_slice(row));
	return ERR_OK;
}

int keys_bucket_tally(const struct keys_buckets *b, struct kms_tally *tally, struct why *reterr_why)
{
	struct db_stmt *s;

	TRY(db_sql(b->db, "SELECT name, id, account, created_ms, is_versioned, kms_key, policy FROM keys_bucket", &s,
	           reterr_why));
	return each_row(s, tally_row, tally, reterr_why);
}
