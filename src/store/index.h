/* index.h: where to find what the segments hold: a SQLite database that can be thrown away and rebuilt from them.
 *
 * It remembers up to where it has applied the segments, in the transaction that applied them, so that it catches up
 * after a crash by replaying the rest. One handle applies records (the committer's); each reading thread opens its own.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/slice.h"
#include "store/record.h"
#include "store/segment.h"

struct index;

MUST_USE int index_open(const char *path, struct index **ret_index, struct why *reterr_why);
void index_close(struct index *ix);
void index_closep(struct index **ix);

/* Applies records and moves the mark, in one transaction between begin and commit. */
MUST_USE int index_begin(struct index *ix, struct why *reterr_why);
MUST_USE int index_apply(struct index *ix, const struct segment_record *record, struct why *reterr_why);
MUST_USE int index_commit(struct index *ix, uint32_t segment, uint32_t offset, struct why *reterr_why);
void index_rollback(struct index *ix);
MUST_USE int index_mark(struct index *ix, uint32_t *ret_segment, uint32_t *ret_offset, struct why *reterr_why);

/* Whether a bucket holds neither versions, markers nor uploads. */
MUST_USE int index_bucket_is_empty(struct index *ix, const uint8_t bucket_id[static STORE_ID_BYTES], bool *ret_empty,
                                   struct why *reterr_why);

struct index_version {
	uint8_t id[STORE_ID_BYTES];
	bool is_marker;
	bool is_latest;
	uint64_t size;
	uint64_t created_wall_ms;
	struct segment_at at;          /* of its RECORD_VERSION */
	struct slice object_key, etag; /* borrowed: from the caller, or until the next row */
};

/* The latest version of a key, or with `version_id` that one. ERR_NOTFOUND. A marker is returned as one. The ETag is
 * not filled. */
MUST_USE int index_version(struct index *ix, const uint8_t bucket_id[static STORE_ID_BYTES], struct slice object_key,
                           const uint8_t *version_id, struct index_version *ret_version, struct why *reterr_why);

/* One page of a listing in the order of keys' bytes: current objects, or all versions (newest first within a key). */
struct index_list {
	struct slice prefix;
	struct slice delimiter;       /* empty: none */
	struct slice after;           /* only keys above this */
	bool after_is_prefix;         /* `after` is a common prefix that was listed: skip all under it */
	const uint8_t *after_version; /* versions: go on after this version of the key `after`; NULL: after the key */
	bool wants_versions;
	uint32_t limit; /* keys and common prefixes together */
};

/* `each` gets every entry; a common prefix comes with prefix.len > 0 and version NULL. *ret_truncated tells that more
 * entries follow. */
typedef int index_list_each(void *ctx, const struct index_version *version, struct slice common_prefix,
                            struct why *reterr_why);
MUST_USE int index_list(struct index *ix, const uint8_t bucket_id[static STORE_ID_BYTES],
                        const struct index_list *query, index_list_each *each, void *ctx, bool *ret_truncated,
                        struct why *reterr_why);

/* A multipart upload in progress; ERR_NOTFOUND. Slices borrow until the next index_upload() on this handle. */
MUST_USE int index_upload(struct index *ix, const uint8_t upload_id[static STORE_ID_BYTES],
                          struct record_upload *ret_upload, struct why *reterr_why);

/* Its parts by number, above `after_number`, at most `limit`. */
typedef int index_part_each(void *ctx, const struct record_upload_part *part, struct why *reterr_why);
MUST_USE int index_upload_parts(struct index *ix, const uint8_t upload_id[static STORE_ID_BYTES], uint32_t after_number,
                                uint32_t limit, index_part_each *each, void *ctx, struct why *reterr_why);

/* Uploads of a bucket in progress, by key. */
typedef int index_upload_each(void *ctx, const struct record_upload *upload, struct why *reterr_why);
MUST_USE int index_uploads(struct index *ix, const uint8_t bucket_id[static STORE_ID_BYTES], struct slice prefix,
                           uint32_t limit, index_upload_each *each, void *ctx, struct why *reterr_why);

/* Whether a version or an upload names this blob file. */
MUST_USE int index_has_blob(struct index *ix, const uint8_t blob_id[static STORE_ID_BYTES], bool *ret_has,
                            struct why *reterr_why);

/* Blob files that may be removed since nothing names them any more: queued by index_apply(), taken off by
 * index_garbage_done(). */
typedef int index_garbage_each(void *ctx, const uint8_t blob_id[static STORE_ID_BYTES], struct why *reterr_why);
MUST_USE int index_garbage(struct index *ix, uint32_t limit, index_garbage_each *each, void *ctx,
                           struct why *reterr_why);
MUST_USE int index_garbage_done(struct index *ix, const uint8_t blob_id[static STORE_ID_BYTES], struct why *reterr_why);
