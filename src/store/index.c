#include "store/index.h"

#include <stdlib.h>

#include "base/limits.h"
#include "store/index_private.h"

/* seq is segment << 32 | offset: the order in which things happened, and where to read them. */
static const char *const migrations[] = {
	"CREATE TABLE mark (one INTEGER PRIMARY KEY CHECK (one = 1), segment INTEGER NOT NULL, offset INTEGER NOT "
	"NULL);"
	"INSERT INTO mark VALUES (1, 0, 0);"
	"CREATE TABLE version (bucket BLOB NOT NULL, key BLOB NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL,"
	" marker INTEGER NOT NULL, size INTEGER NOT NULL, etag BLOB NOT NULL, created INTEGER NOT NULL,"
	" length INTEGER NOT NULL, PRIMARY KEY (bucket, key, seq DESC)) WITHOUT ROWID;"
	"CREATE UNIQUE INDEX version_by_id ON version (bucket, id);"
	"CREATE TABLE current (bucket BLOB NOT NULL, key BLOB NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL,"
	" size INTEGER NOT NULL, etag BLOB NOT NULL, created INTEGER NOT NULL, length INTEGER NOT NULL,"
	" PRIMARY KEY (bucket, key)) WITHOUT ROWID;"
	"CREATE TABLE upload (id BLOB PRIMARY KEY, bucket BLOB NOT NULL, key BLOB NOT NULL, version BLOB NOT NULL,"
	" created INTEGER NOT NULL, metadata BLOB NOT NULL, wrap BLOB NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX upload_by_key ON upload (bucket, key, id);"
	"CREATE TABLE upload_part (upload BLOB NOT NULL, number INTEGER NOT NULL, record BLOB NOT NULL,"
	" PRIMARY KEY (upload, number)) WITHOUT ROWID;"
	"CREATE TABLE blob (owner BLOB NOT NULL, id BLOB NOT NULL, PRIMARY KEY (owner, id)) WITHOUT ROWID;"
	"CREATE INDEX blob_by_id ON blob (id);"
	"CREATE TABLE garbage (blob BLOB PRIMARY KEY) WITHOUT ROWID;",
};

static const struct db_schema schema = {
	.name = "the store's index",
	.application_id = 0x636c7378, /* "clsx" */
	.version = 1,
	.migrations = migrations,
	.is_rebuildable = true,
};

int index_open(const char *path, struct index **ret_index, struct why *reterr_why)
{
	CLEANUP(index_closep) struct index *ix = calloc(1, sizeof *ix);

	ENSURE(ix, ERR_UNAVAILABLE, reterr_why, "out of memory for the store's index");
	TRY(buf_new(STORE_KEY_BYTES_MAX + STORE_METADATA_BYTES_MAX + STORE_WRAP_BYTES_MAX, &ix->row, reterr_why));
	TRY(db_open(path, &schema, &ix->db, reterr_why));
	*ret_index = take_ptr(ix);
	return ERR_OK;
}

void index_close(struct index *ix)
{
	if (!ix)
		return;
	db_close(ix->db);
	buf_free(ix->row);
	free(ix);
}

void index_closep(struct index **ix)
{
	index_close(*ix);
	*ix = NULL;
}

int index_begin(struct index *ix, struct why *reterr_why)
{
	return db_begin(ix->db, reterr_why);
}

void index_rollback(struct index *ix)
{
	db_rollback(ix->db);
}

int index_commit(struct index *ix, uint32_t segment, uint32_t offset, struct why *reterr_why)
{
	struct db_stmt *s;

	TRY(db_sql(ix->db, "UPDATE mark SET segment = ?1, offset = ?2", &s, reterr_why));
	TRY(db_bind_i64(s, 1, segment, reterr_why));
	TRY(db_bind_i64(s, 2, offset, reterr_why));
	TRY(db_run(s, reterr_why));
	return db_commit(ix->db, reterr_why);
}

int index_mark(struct index *ix, uint32_t *ret_segment, uint32_t *ret_offset, struct why *reterr_why)
{
	CLEANUP(db_resetp) struct db_stmt *s = NULL;
	bool row;

	TRY(db_sql(ix->db, "SELECT segment, offset FROM mark", &s, reterr_why));
	TRY(db_step(s, &row, reterr_why));
	ENSURE(row, ERR_TAMPERED, reterr_why, "the store's index has no mark; remove it and it will be rebuilt");
	*ret_segment = (uint32_t)db_column_i64(s, 0);
	*ret_offset = (uint32_t)db_column_i64(s, 1);
	return ERR_OK;
}

static int64_t seq_of(struct segment_at at)
{
	return (int64_t)((uint64_t)at.segment << 32 | at.offset);
}

/* Runs a statement with an id as its one parameter. */
static int run_with_id(struct index *ix, const char *sql, struct slice id, struct why *reterr_why)
{
	struct db_stmt *s;

	TRY(db_sql(ix->db, sql, &s, reterr_why));
	TRY(db_bind_blob(s, 1, id, reterr_why));
	return db_run(s, reterr_why);
}

/* Whatever the key's latest version is now becomes what lists and plain reads see; a marker hides the key. */
static int refresh_current(struct index *ix, struct slice bucket, struct slice key, struct why *reterr_why)
{
	static const char *const steps[] = {
		"DELETE FROM current WHERE bucket = ?1 AND key = ?2",
		"INSERT INTO current SELECT bucket, key, seq, id, size, etag, created, length FROM"
		" (SELECT * FROM version WHERE bucket = ?1 AND key = ?2 ORDER BY seq DESC LIMIT 1) WHERE marker = 0",
	};

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		struct db_stmt *s;

		TRY(db_sql(ix->db, steps[i], &s, reterr_why));
		TRY(db_bind_blob(s, 1, bucket, reterr_why));
		TRY(db_bind_blob(s, 2, key, reterr_why));
		TRY(db_run(s, reterr_why));
	}
	return ERR_OK;
}

struct version_row {
	struct slice bucket, key, id, etag;
	bool is_marker;
	uint64_t size, created;
	struct segment_at at;
};

static int insert_version(struct index *ix, const struct version_row *row, struct why *reterr_why)
{
	struct db_stmt *s;

	TRY(db_sql(ix->db, "INSERT OR REPLACE INTO version VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", &s,
	           reterr_why));
	TRY(db_bind_blob(s, 1, row->bucket, reterr_why));
	TRY(db_bind_blob(s, 2, row->key, reterr_why));
	TRY(db_bind_i64(s, 3, seq_of(row->at), reterr_why));
	TRY(db_bind_blob(s, 4, row->id, reterr_why));
	TRY(db_bind_i64(s, 5, row->is_marker, reterr_why));
	TRY(db_bind_i64(s, 6, (int64_t)row->size, reterr_why));
	TRY(db_bind_blob(s, 7, row->etag, reterr_why));
	TRY(db_bind_i64(s, 8, (int64_t)row->created, reterr_why));
	TRY(db_bind_i64(s, 9, row->at.length, reterr_why));
	TRY(db_run(s, reterr_why));
	return refresh_current(ix, row->bucket, row->key, reterr_why);
}

static int insert_blob(struct index *ix, struct slice owner, struct slice blob, struct why *reterr_why)
{
	struct db_stmt *s;

	TRY(db_sql(ix->db, "INSERT OR IGNORE INTO blob VALUES (?1, ?2)", &s, reterr_why));
	TRY(db_bind_blob(s, 1, owner, reterr_why));
	TRY(db_bind_blob(s, 2, blob, reterr_why));
	return db_run(s, reterr_why);
}

/* Drops an owner's claim on its blobs; those that nobody else claims become garbage. */
static int release_blobs(struct index *ix, struct slice owner, struct why *reterr_why)
{
	TRY(run_with_id(
		ix,
		"INSERT OR IGNORE INTO garbage SELECT mine.id FROM blob AS mine WHERE mine.owner = ?1 AND NOT EXISTS"
		" (SELECT 1 FROM blob AS other WHERE other.id = mine.id AND other.owner <> ?1)",
		owner, reterr_why));
	return run_with_id(ix, "DELETE FROM blob WHERE owner = ?1", owner, reterr_why);
}

static int apply_version(struct index *ix, const struct segment_record *record, struct why *reterr_why)
{
	CLEANUP(sidecar_freep) struct sidecar *sidecar = NULL;
	struct record_version r;

	TRY(record_version_take(record->payload, &r, reterr_why));
	TRY(sidecar_decode(r.sidecar, &sidecar, reterr_why));
	for (size_t i = 0; r.blob.len == 0 && i < sidecar->part_count; i++)
		TRY(insert_blob(ix, id_slice(sidecar->version_id), id_slice(sidecar->parts[i].blob_id), reterr_why));
	const struct version_row row = {
		.bucket = id_slice(sidecar->bucket_id),
		.key = sidecar->object_key,
		.id = id_slice(sidecar->version_id),
		.etag = sidecar->etag,
		.size = sidecar->total_length,
		.created = sidecar->created_wall_ms,
		.at = record->at,
	};
	return insert_version(ix, &row, reterr_why);
}

static int apply_marker(struct index *ix, const struct segment_record *record, struct why *reterr_why)
{
	struct record_key_event r;

	TRY(record_key_event_take(record->payload, &r, reterr_why));
	const struct version_row row = {
		.bucket = id_slice(r.bucket_id),
		.key = r.object_key,
		.id = id_slice(r.version_id),
		.is_marker = true,
		.created = r.created_wall_ms,
		.at = record->at,
	};
	return insert_version(ix, &row, reterr_why);
}

static int apply_version_gone(struct index *ix, struct slice payload, struct why *reterr_why)
{
	struct record_key_event r;
	struct db_stmt *s;

	TRY(record_key_event_take(payload, &r, reterr_why));
	TRY(db_sql(ix->db, "DELETE FROM version WHERE bucket = ?1 AND key = ?2 AND id = ?3", &s, reterr_why));
	TRY(db_bind_blob(s, 1, id_slice(r.bucket_id), reterr_why));
	TRY(db_bind_blob(s, 2, r.object_key, reterr_why));
	TRY(db_bind_blob(s, 3, id_slice(r.version_id), reterr_why));
	TRY(db_run(s, reterr_why));
	/* Whoever names another bucket's version must not get at its blobs. */
	if (db_changes(ix->db) == 0)
		return ERR_OK;
	TRY(release_blobs(ix, id_slice(r.version_id), reterr_why));
	return refresh_current(ix, id_slice(r.bucket_id), r.object_key, reterr_why);
}

static int apply_upload(struct index *ix, struct slice payload, struct why *reterr_why)
{
	struct record_upload r;
	struct db_stmt *s;

	TRY(record_upload_take(payload, &r, reterr_why));
	TRY(db_sql(ix->db, "INSERT OR REPLACE INTO upload VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", &s, reterr_why));
	TRY(db_bind_blob(s, 1, id_slice(r.upload_id), reterr_why));
	TRY(db_bind_blob(s, 2, id_slice(r.bucket_id), reterr_why));
	TRY(db_bind_blob(s, 3, r.object_key, reterr_why));
	TRY(db_bind_blob(s, 4, id_slice(r.version_id), reterr_why));
	TRY(db_bind_i64(s, 5, (int64_t)r.created_wall_ms, reterr_why));
	TRY(db_bind_blob(s, 6, r.metadata, reterr_why));
	TRY(db_bind_blob(s, 7, r.wrap, reterr_why));
	return db_run(s, reterr_why);
}

/* A part that is uploaded again replaces the earlier one, whose blob nothing names from then on. */
static int discard_part(struct index *ix, const struct record_upload_part *r, struct why *reterr_why)
{
	CLEANUP(db_resetp) struct db_stmt *s = NULL;
	struct record_upload_part old;
	bool row;

	TRY(db_sql(ix->db, "SELECT record FROM upload_part WHERE upload = ?1 AND number = ?2", &s, reterr_why));
	TRY(db_bind_blob(s, 1, id_slice(r->upload_id), reterr_why));
	TRY(db_bind_i64(s, 2, r->number, reterr_why));
	TRY(db_step(s, &row, reterr_why));
	if (!row)
		return ERR_OK;
	TRY(record_upload_part_take(db_column(s, 0), &old, reterr_why));
	TRY(run_with_id(ix, "INSERT OR IGNORE INTO garbage VALUES (?1)", id_slice(old.part.blob_id), reterr_why));
	return run_with_id(ix, "DELETE FROM blob WHERE id = ?1", id_slice(old.part.blob_id), reterr_why);
}

static int apply_upload_part(struct index *ix, struct slice payload, struct why *reterr_why)
{
	struct record_upload_part r;
	struct db_stmt *s;

	TRY(record_upload_part_take(payload, &r, reterr_why));
	TRY(discard_part(ix, &r, reterr_why));
	TRY(db_sql(ix->db, "INSERT OR REPLACE INTO upload_part VALUES (?1, ?2, ?3)", &s, reterr_why));
	TRY(db_bind_blob(s, 1, id_slice(r.upload_id), reterr_why));
	TRY(db_bind_i64(s, 2, r.number, reterr_why));
	TRY(db_bind_blob(s, 3, payload, reterr_why));
	TRY(db_run(s, reterr_why));
	return insert_blob(ix, id_slice(r.upload_id), id_slice(r.part.blob_id), reterr_why);
}

static int apply_upload_gone(struct index *ix, struct slice payload, struct why *reterr_why)
{
	uint8_t id[STORE_ID_BYTES];

	TRY(record_id_take(payload, id, reterr_why));
	TRY(release_blobs(ix, id_slice(id), reterr_why));
	TRY(run_with_id(ix, "DELETE FROM upload_part WHERE upload = ?1", id_slice(id), reterr_why));
	return run_with_id(ix, "DELETE FROM upload WHERE id = ?1", id_slice(id), reterr_why);
}

int index_apply(struct index *ix, const struct segment_record *record, struct why *reterr_why)
{
	switch (record->type) {
	case RECORD_VERSION:
		return apply_version(ix, record, reterr_why);
	case RECORD_MARKER:
		return apply_marker(ix, record, reterr_why);
	case RECORD_VERSION_GONE:
		return apply_version_gone(ix, record->payload, reterr_why);
	case RECORD_UPLOAD:
		return apply_upload(ix, record->payload, reterr_why);
	case RECORD_UPLOAD_PART:
		return apply_upload_part(ix, record->payload, reterr_why);
	case RECORD_UPLOAD_GONE:
		return apply_upload_gone(ix, record->payload, reterr_why);
	default:
		why_set(reterr_why, "segment %u holds a record of type 0x%02x; a newer Cloister wrote it",
		        record->at.segment, record->type);
		return ERR_CONFLICT;
	}
}
