#include <string.h>

#include "base/limits.h"
#include "store/index.h"
#include "store/index_private.h"

static int column_id(struct db_stmt *s, int at, uint8_t ret_id[static STORE_ID_BYTES], struct why *reterr_why)
{
	struct slice id = db_column(s, at);

	ENSURE(id.len == STORE_ID_BYTES, ERR_TAMPERED, reterr_why,
	       "the store's index is damaged; remove it and it will be rebuilt");
	memcpy(ret_id, id.ptr, STORE_ID_BYTES);
	return ERR_OK;
}

static struct segment_at at_of(int64_t seq, int64_t length)
{
	return (struct segment_at){(uint32_t)((uint64_t)seq >> 32), (uint32_t)seq, (uint32_t)length};
}

int index_bucket_is_empty(struct index *ix, const uint8_t bucket_id[static STORE_ID_BYTES], bool *ret_empty,
                          struct why *reterr_why)
{
	CLEANUP(db_resetp) struct db_stmt *s = NULL;
	bool row;

	TRY(db_sql(ix->db,
	           "SELECT EXISTS (SELECT 1 FROM version WHERE bucket = ?1) OR EXISTS (SELECT 1 FROM upload WHERE "
	           "bucket = ?1)",
	           &s, reterr_why));
	TRY(db_bind_blob(s, 1, id_slice(bucket_id), reterr_why));
	TRY(db_step(s, &row, reterr_why));
	*ret_empty = row && db_column_i64(s, 0) == 0;
	return ERR_OK;
}

/* Columns: id, marker, size, created, seq, length. */
static int column_version(struct db_stmt *s, struct index_version *v, struct why *reterr_why)
{
	TRY(column_id(s, 0, v->id, reterr_why));
	v->is_marker = db_column_i64(s, 1) != 0;
	v->size = (uint64_t)db_column_i64(s, 2);
	v->created_wall_ms = (uint64_t)db_column_i64(s, 3);
	v->at = at_of(db_column_i64(s, 4), db_column_i64(s, 5));
	return ERR_OK;
}

int index_version(struct index *ix, const uint8_t bucket_id[static STORE_ID_BYTES], struct slice object_key,
                  const uint8_t *version_id, struct index_version *ret_version, struct why *reterr_why)
{
	struct index_version v = {.object_key = object_key};
	CLEANUP(db_resetp) struct db_stmt *s = NULL;
	bool row;

	if (version_id) {
		TRY(db_sql(ix->db,
		           "SELECT id, marker, size, created, seq, length FROM version"
		           " WHERE bucket = ?1 AND id = ?3 AND key = ?2",
		           &s, reterr_why));
		TRY(db_bind_blob(s, 3, id_slice(version_id), reterr_why));
	} else {
		TRY(db_sql(ix->db,
		           "SELECT id, marker, size, created, seq, length FROM version"
		           " WHERE bucket = ?1 AND key = ?2 ORDER BY seq DESC LIMIT 1",
		           &s, reterr_why));
	}
	TRY(db_bind_blob(s, 1, id_slice(bucket_id), reterr_why));
	TRY(db_bind_blob(s, 2, object_key, reterr_why));
	TRY(db_step(s, &row, reterr_why));
	ENSURE(row, ERR_NOTFOUND, reterr_why, "there is no such %s", version_id ? "version of this object" : "object");
	TRY(column_version(s, &v, reterr_why));
	v.is_latest = !version_id;
	*ret_version = v;
	return ERR_OK;
}

/* Columns: id, bucket, version, created, key, metadata, wrap; the slices are the row's. */
static int column_upload(struct db_stmt *s, struct record_upload *u, struct why *reterr_why)
{
	TRY(column_id(s, 0, u->upload_id, reterr_why));
	TRY(column_id(s, 1, u->bucket_id, reterr_why));
	TRY(column_id(s, 2, u->version_id, reterr_why));
	u->created_wall_ms = (uint64_t)db_column_i64(s, 3);
	u->object_key = db_column(s, 4);
	u->metadata = db_column(s, 5);
	u->wrap = db_column(s, 6);
	return ERR_OK;
}

/* Copies what the row lends into the index, so that the row can go. */
static int keep_upload(struct index *ix, struct record_upload *u, struct why *reterr_why)
{
	const uint8_t *at;

	buf_reset(ix->row);
	TRY(buf_put(ix->row, u->object_key, reterr_why));
	TRY(buf_put(ix->row, u->metadata, reterr_why));
	TRY(buf_put(ix->row, u->wrap, reterr_why));
	at = buf_slice(ix->row).ptr;
	u->object_key.ptr = at;
	u->metadata.ptr = at ? at + u->object_key.len : NULL;
	u->wrap.ptr = at ? at + u->object_key.len + u->metadata.len : NULL;
	return ERR_OK;
}

int index_upload(struct index *ix, const uint8_t upload_id[static STORE_ID_BYTES], struct record_upload *ret_upload,
                 struct why *reterr_why)
{
	CLEANUP(db_resetp) struct db_stmt *s = NULL;
	struct record_upload u;
	bool row;

	TRY(db_sql(ix->db, "SELECT id, bucket, version, created, key, metadata, wrap FROM upload WHERE id = ?1", &s,
	           reterr_why));
	TRY(db_bind_blob(s, 1, id_slice(upload_id), reterr_why));
	TRY(db_step(s, &row, reterr_why));
	ENSURE(row, ERR_NOTFOUND, reterr_why, "there is no such multipart upload; it was completed or aborted");
	TRY(column_upload(s, &u, reterr_why));
	TRY(keep_upload(ix, &u, reterr_why));
	*ret_upload = u;
	return ERR_OK;
}

int index_upload_parts(struct index *ix, const uint8_t upload_id[static STORE_ID_BYTES], uint32_t after_number,
                       uint32_t limit, index_part_each *each, void *ctx, struct why *reterr_why)
{
	struct record_upload_part part;
	CLEANUP(db_resetp) struct db_stmt *s = NULL;
	bool row;

	TRY(db_sql(ix->db, "SELECT record FROM upload_part WHERE upload = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
	           &s, reterr_why));
	TRY(db_bind_blob(s, 1, id_slice(upload_id), reterr_why));
	TRY(db_bind_i64(s, 2, after_number, reterr_why));
	TRY(db_bind_i64(s, 3, limit, reterr_why));
	for (;;) {
		TRY(db_step(s, &row, reterr_why));
		if (!row)
			return ERR_OK;
		TRY(record_upload_part_take(db_column(s, 0), &part, reterr_why));
		TRY(each(ctx, &part, reterr_why));
	}
}

int index_uploads(struct index *ix, const uint8_t bucket_id[static STORE_ID_BYTES], struct slice prefix, uint32_t limit,
                  index_upload_each *each, void *ctx, struct why *reterr_why)
{
	struct record_upload u;
	CLEANUP(db_resetp) struct db_stmt *s = NULL;
	bool row;

	TRY(db_sql(ix->db,
	           "SELECT id, bucket, version, created, key, metadata, wrap FROM upload"
	           " WHERE bucket = ?1 AND key >= ?2 AND substr(key, 1, length(?2)) = ?2 ORDER BY key, id LIMIT ?3",
	           &s, reterr_why));
	TRY(db_bind_blob(s, 1, id_slice(bucket_id), reterr_why));
	TRY(db_bind_blob(s, 2, prefix, reterr_why));
	TRY(db_bind_i64(s, 3, limit, reterr_why));
	for (;;) {
		TRY(db_step(s, &row, reterr_why));
		if (!row)
			return ERR_OK;
		TRY(column_upload(s, &u, reterr_why));
		TRY(each(ctx, &u, reterr_why));
	}
}

int index_garbage(struct index *ix, uint32_t limit, index_garbage_each *each, void *ctx, struct why *reterr_why)
{
	uint8_t id[STORE_ID_BYTES];
	CLEANUP(db_resetp) struct db_stmt *s = NULL;
	bool row;

	TRY(db_sql(ix->db, "SELECT blob FROM garbage LIMIT ?1", &s, reterr_why));
	TRY(db_bind_i64(s, 1, limit, reterr_why));
	for (;;) {
		TRY(db_step(s, &row, reterr_why));
		if (!row)
			return ERR_OK;
		TRY(column_id(s, 0, id, reterr_why));
		TRY(each(ctx, id, reterr_why));
	}
}

int index_garbage_done(struct index *ix, const uint8_t blob_id[static STORE_ID_BYTES], struct why *reterr_why)
{
	struct db_stmt *s;

	TRY(db_sql(ix->db, "DELETE FROM garbage WHERE blob = ?1", &s, reterr_why));
	TRY(db_bind_blob(s, 1, id_slice(blob_id), reterr_why));
	return db_run(s, reterr_why);
}

int index_has_blob(struct index *ix, const uint8_t blob_id[static STORE_ID_BYTES], bool *ret_has,
                   struct why *reterr_why)
{
	CLEANUP(db_resetp) struct db_stmt *s = NULL;

	TRY(db_sql(ix->db, "SELECT 1 FROM blob WHERE id = ?1", &s, reterr_why));
	TRY(db_bind_blob(s, 1, id_slice(blob_id), reterr_why));
	TRY(db_step(s, ret_has, reterr_why));
	return ERR_OK;
}
