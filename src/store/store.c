#include "store/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "store/commit.h"
#include "store/store_private.h"

void store_close(struct store *s)
{
	if (!s)
		return;
	committer_stop(s->committer);
	index_close(s->writer);
	segments_close(s->segments);
	blobs_close(s->blobs);
	free(s);
}

void store_closep(struct store **s)
{
	store_close(*s);
	*s = NULL;
}

static int apply_replayed(void *ctx, const struct segment_record *record, struct why *reterr_why)
{
	return index_apply(ctx, record, reterr_why);
}

/* Brings the index from its mark to the end of the segments, in one transaction. */
static int catch_up(struct store *s, struct why *reterr_why)
{
	uint32_t segment, offset;
	int err;

	TRY(index_mark(s->writer, &segment, &offset, reterr_why));
	TRY(index_begin(s->writer, reterr_why));
	err = segments_replay(s->segments, segment, offset, apply_replayed, s->writer, reterr_why);
	if (err == ERR_OK) {
		segments_end(s->segments, &segment, &offset);
		err = index_commit(s->writer, segment, offset, reterr_why);
	}
	if (err != ERR_OK)
		index_rollback(s->writer);
	return err;
}

static int blob_is_indexed(void *ctx, const uint8_t blob_id[static STORE_ID_BYTES], bool *ret_named,
                           struct why *reterr_why)
{
	return index_has_blob(ctx, blob_id, ret_named, reterr_why);
}

int store_open(int dir_fd, const char *path, struct store **ret_store, struct why *reterr_why)
{
	CLEANUP(store_closep) struct store *s = calloc(1, sizeof *s);
	CLEANUP(fd_closep) int segments_fd = -1, blobs_fd = -1;
	int len;

	ENSURE(s, ERR_UNAVAILABLE, reterr_why, "out of memory for the store");
	len = snprintf(s->index_path, sizeof s->index_path, "%s/index.db", path);
	ENSURE(len > 0 && (size_t)len < sizeof s->index_path, ERR_LIMIT, reterr_why,
	       "the path of the store is too long");
	TRY(path_open_or_mkdir(dir_fd, "segments", 0700, &segments_fd, reterr_why));
	TRY(path_open_or_mkdir(dir_fd, "blobs", 0700, &blobs_fd, reterr_why));
	TRY(segments_open(segments_fd, &s->segments, reterr_why));
	TRY(blobs_open(blobs_fd, &s->blobs, reterr_why));
	TRY(index_open(s->index_path, &s->writer, reterr_why));
	TRY(catch_up(s, reterr_why));
	TRY(blobs_settle(s->blobs, blob_is_indexed, s->writer, reterr_why));
	TRY(committer_start(s->segments, s->writer, &s->committer, reterr_why));
	*ret_store = take_ptr(s);
	return ERR_OK;
}

int store_reader(struct store *s, struct index **ret_index, struct why *reterr_why)
{
	return index_open(s->index_path, ret_index, reterr_why);
}

static int submit_one(struct store *s, enum record_type type, struct slice payload, commit_check *check, void *ctx,
                      struct why *reterr_why)
{
	struct segment_record record = {.type = (uint8_t)type, .payload = payload};

	return committer_submit(s->committer, &record, 1, check, ctx, reterr_why);
}

int store_marker_put(struct store *s, const struct record_key_event *marker, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *payload = NULL;

	TRY(buf_new(STORE_RECORD_BYTES_MAX, &payload, reterr_why));
	TRY(record_key_event_put(marker, payload, reterr_why));
	return submit_one(s, RECORD_MARKER, buf_slice(payload), NULL, NULL, reterr_why);
}

int store_version_remove(struct store *s, const struct record_key_event *version, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *payload = NULL;

	TRY(buf_new(STORE_RECORD_BYTES_MAX, &payload, reterr_why));
	TRY(record_key_event_put(version, payload, reterr_why));
	return submit_one(s, RECORD_VERSION_GONE, buf_slice(payload), NULL, NULL, reterr_why);
}

int store_upload_create(struct store *s, const struct record_upload *upload, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *payload = NULL;

	TRY(buf_new(STORE_RECORD_BYTES_MAX, &payload, reterr_why));
	TRY(record_upload_put(upload, payload, reterr_why));
	return submit_one(s, RECORD_UPLOAD, buf_slice(payload), NULL, NULL, reterr_why);
}

static int upload_must_exist(void *ctx, struct index *ix, struct why *reterr_why)
{
	struct record_upload found;

	return index_upload(ix, ctx, &found, reterr_why);
}

/* What has to hold of a key, and of the upload that ends with the write, if one does. */
struct check {
	const struct sidecar *fields;
	const struct store_condition *condition; /* NULL: none */
	uint8_t *upload_id;                      /* NULL: no upload */
	bool is_there, is_same;
};

static int compare_current(void *ctx, const struct index_version *version, struct slice common_prefix,
                           struct why *reterr_why)
{
	struct check *c = ctx;
	(void)common_prefix, (void)reterr_why;

	if (slice_equal(version->object_key, c->fields->object_key)) {
		c->is_there = true;
		c->is_same = slice_equal(version->etag, c->condition->etag);
	}
	return ERR_OK;
}

/* A part that was replaced after the caller looked may be on its way out already. */
static int parts_must_exist(const struct sidecar *fields, struct index *ix, struct why *reterr_why)
{
	for (size_t i = 0; i < fields->part_count; i++) {
		bool has;

		TRY(index_has_blob(ix, fields->parts[i].blob_id, &has, reterr_why));
		ENSURE(has, ERR_CONFLICT, reterr_why, "part %zu of the list was replaced meanwhile", i + 1);
	}
	return ERR_OK;
}

static int must_hold(void *ctx, struct index *ix, struct why *reterr_why)
{
	struct check *c = ctx;
	struct index_list query = {.prefix = c->fields->object_key, .limit = 1};
	bool truncated;

	if (c->upload_id) {
		TRY(upload_must_exist(c->upload_id, ix, reterr_why));
		TRY(parts_must_exist(c->fields, ix, reterr_why));
	}
	if (!c->condition)
		return ERR_OK;
	/* The first key with this prefix is the key itself, if it is there. */
	TRY(index_list(ix, c->fields->bucket_id, &query, compare_current, c, &truncated, reterr_why));
	ENSURE(!c->condition->must_be_absent || !c->is_there, ERR_CONFLICT, reterr_why,
	       "there is an object of this name already");
	ENSURE(!c->condition->etag.len || c->is_same, ERR_CONFLICT, reterr_why,
	       "the object has changed meanwhile, or is gone");
	return ERR_OK;
}

int store_upload_abort(struct store *s, const uint8_t upload_id[static STORE_ID_BYTES], struct why *reterr_why)
{
	uint8_t id[STORE_ID_BYTES];

	memcpy(id, upload_id, sizeof id);
	return submit_one(s, RECORD_UPLOAD_GONE, slice_of(id, sizeof id), upload_must_exist, id, reterr_why);
}

int store_blob_new(struct store *s, const struct secret *version_key, struct blob_writer **ret_writer,
                   struct why *reterr_why)
{
	return blob_writer_new(s->blobs, version_key, ret_writer, reterr_why);
}

/* Submits a record that names a blob. If it failed in a way that leaves the record where the next start may find it,
 * the blob must still be there then. */
static int submit_blob(struct store *s, enum record_type type, struct slice payload, struct blob_writer *blob,
                       commit_check *check, void *ctx, struct why *reterr_why)
{
	int err = submit_one(s, type, payload, check, ctx, reterr_why);

	if (err == ERR_OK)
		blob_writer_committed(blob);
	else if (segments_refuses_writes(s->segments))
		blob_writer_leave(blob);
	return err;
}

int store_upload_part_put(struct store *s, const uint8_t upload_id[static STORE_ID_BYTES], uint32_t number,
                          struct slice etag, struct blob_writer *blob, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *payload = NULL;
	struct record_upload_part r = {.number = number, .created_wall_ms = time_wall_ms(), .etag = etag};
	struct slice inline_message;

	memcpy(r.upload_id, upload_id, STORE_ID_BYTES);
	TRY(blob_writer_to_file(blob, reterr_why)); /* the part must be removable alone */
	TRY(blob_writer_finish(blob, &r.part, &inline_message, reterr_why));
	TRY(buf_new(STORE_RECORD_BYTES_MAX, &payload, reterr_why));
	TRY(record_upload_part_put(&r, payload, reterr_why));
	return submit_blob(s, RECORD_UPLOAD_PART, buf_slice(payload), blob, upload_must_exist, r.upload_id, reterr_why);
}

/* Encodes a version's record: the sidecar, and the blob if it is small. */
static int version_payload(const struct sidecar *sidecar, const struct secret *version_key, struct slice inline_message,
                           struct buf **ret_payload, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *encoded = NULL, *payload = NULL;

	TRY(buf_new(STORE_RECORD_BYTES_MAX, &encoded, reterr_why));
	TRY(sidecar_encode(sidecar, version_key, encoded, reterr_why));
	TRY(buf_new(STORE_RECORD_BYTES_MAX, &payload, reterr_why));
	TRY(record_version_put(&(struct record_version){buf_slice(encoded), inline_message}, payload, reterr_why));
	*ret_payload = take_ptr(payload);
	return ERR_OK;
}

int store_version_put(struct store *s, const struct sidecar *fields, const struct secret *version_key,
                      struct blob_writer *blob, struct why *reterr_why)
{
	return store_version_put_if(s, fields, version_key, blob, NULL, reterr_why);
}

int store_version_put_if(struct store *s, const struct sidecar *fields, const struct secret *version_key,
                         struct blob_writer *blob, const struct store_condition *condition, struct why *reterr_why)
{
	struct check check = {.fields = fields, .condition = condition};
	CLEANUP(buf_freep) struct buf *payload = NULL;
	struct sidecar sidecar = *fields;
	struct slice inline_message;
	struct sidecar_part part;

	TRY(blob_writer_finish(blob, &part, &inline_message, reterr_why));
	sidecar.parts = &part;
	sidecar.part_count = 1;
	sidecar.total_length = part.length;
	TRY(version_payload(&sidecar, version_key, inline_message, &payload, reterr_why));
	return submit_blob(s, RECORD_VERSION, buf_slice(payload), blob, condition ? must_hold : NULL, &check,
	                   reterr_why);
}

int store_upload_complete(struct store *s, const uint8_t upload_id[static STORE_ID_BYTES], struct sidecar *fields,
                          const struct secret *version_key, struct why *reterr_why)
{
	return store_upload_complete_if(s, upload_id, fields, version_key, NULL, reterr_why);
}

int store_upload_complete_if(struct store *s, const uint8_t upload_id[static STORE_ID_BYTES], struct sidecar *fields,
                             const struct secret *version_key, const struct store_condition *condition,
                             struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *payload = NULL;
	uint8_t id[STORE_ID_BYTES];
	struct check check = {.fields = fields, .condition = condition, .upload_id = id};
	struct segment_record records[] = {
		{.type = RECORD_VERSION},
		{.type = RECORD_UPLOAD_GONE, .payload = slice_of(id, sizeof id)},
	};

	memcpy(id, upload_id, sizeof id);
	fields->total_length = 0;
	for (size_t i = 0; i < fields->part_count; i++)
		fields->total_length += fields->parts[i].length;
	TRY(version_payload(fields, version_key, slice_of(NULL, 0), &payload, reterr_why));
	records[0].payload = buf_slice(payload);
	return committer_submit(s->committer, records, 2, must_hold, &check, reterr_why);
}

static int collect_one(void *ctx, const uint8_t blob_id[static STORE_ID_BYTES], struct why *reterr_why)
{
	struct garbage_page *page = ctx;

	(void)reterr_why;
	memcpy(page->ids[page->count++], blob_id, STORE_ID_BYTES);
	return ERR_OK;
}

int store_collect(struct store *s, uint32_t *ret_removed, struct why *reterr_why)
{
	CLEANUP(index_closep) struct index *ix = NULL;
	struct garbage_page page = {.count = 0};

	TRY(store_reader(s, &ix, reterr_why));
	TRY(index_garbage(ix, GARBAGE_PAGE, collect_one, &page, reterr_why));
	for (uint32_t i = 0; i < page.count; i++) {
		TRY(blobs_remove(s->blobs, page.ids[i], reterr_why));
		TRY(index_garbage_done(ix, page.ids[i], reterr_why));
	}
	*ret_removed = page.count;
	return ERR_OK;
}
