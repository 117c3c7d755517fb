/* store.h: object versions in a directory: sealed blobs, the segments that name them, the index that finds them.
 *
 * The store decides nothing about who may do what, knows buckets by their ids only, and keeps no key: callers bring a
 * version key for as long as they write or read. Every function may be called by any thread. What a function that
 * changes something answered with ERR_OK survives kill -9 and power loss. */
#pragma once
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"
#include "store/blob.h"
#include "store/index.h"
#include "store/sidecar.h"

struct store;

/* Opens, or makes, the store in a directory, and catches its index up with the segments. `path` is the same directory
 * for SQLite, which opens by name. ERR_TAMPERED names what is damaged. */
MUST_USE int store_open(int dir_fd, const char *path, struct store **ret_store, struct why *reterr_why);
void store_close(struct store *s);
void store_closep(struct store **s);

/* A reading handle for one thread: index.h's queries. */
MUST_USE int store_reader(struct store *s, struct index **ret_index, struct why *reterr_why);

/* --- writing an object ------------------------------------------------------------------------------------------- */

/* For the bytes of an object or of one part of an upload: blob.h. Free it whether or not it was committed. */
MUST_USE int store_blob_new(struct store *s, const struct secret *version_key, struct blob_writer **ret_writer,
                            struct why *reterr_why);

/* Makes what was written a new version, the key's latest. `fields` has ids, key, ETag, metadata, wrap and creation
 * time; length and part are the writer's. */
MUST_USE int store_version_put(struct store *s, const struct sidecar *fields, const struct secret *version_key,
                               struct blob_writer *blob, struct why *reterr_why);

/* What must hold of the key's latest version at the moment of the write. */
struct store_condition {
	bool must_be_absent; /* no object: no version, or a delete marker */
	struct slice etag;   /* or: the latest version has this ETag; empty: no such condition */
};

/* The same under a condition; ERR_CONFLICT, and nothing is written, if it does not hold. */
MUST_USE int store_version_put_if(struct store *s, const struct sidecar *fields, const struct secret *version_key,
                                  struct blob_writer *blob, const struct store_condition *condition,
                                  struct why *reterr_why);

/* A delete marker, which hides the key. */
MUST_USE int store_marker_put(struct store *s, const struct record_key_event *marker, struct why *reterr_why);

/* Removes one version or marker of that bucket and key for good; its blobs are removed by store_collect(). Nothing
 * happens if there is none. */
MUST_USE int store_version_remove(struct store *s, const struct record_key_event *version, struct why *reterr_why);

/* --- multipart uploads ------------------------------------------------------------------------------------------- */

MUST_USE int store_upload_create(struct store *s, const struct record_upload *upload, struct why *reterr_why);

/* Adds, or replaces, a part. ERR_NOTFOUND if the upload has ended meanwhile. */
MUST_USE int store_upload_part_put(struct store *s, const uint8_t upload_id[static STORE_ID_BYTES], uint32_t number,
                                   struct slice etag, struct blob_writer *blob, struct why *reterr_why);
MUST_USE int store_upload_abort(struct store *s, const uint8_t upload_id[static STORE_ID_BYTES],
                                struct why *reterr_why);

/* Makes the given parts, in that order, a new version and ends the upload. `fields` holds all but the lengths' sum,
 * which is filled. ERR_NOTFOUND if the upload has ended meanwhile. */
MUST_USE int store_upload_complete(struct store *s, const uint8_t upload_id[static STORE_ID_BYTES],
                                   struct sidecar *fields, const struct secret *version_key, struct why *reterr_why);
MUST_USE int store_upload_complete_if(struct store *s, const uint8_t upload_id[static STORE_ID_BYTES],
                                      struct sidecar *fields, const struct secret *version_key,
                                      const struct store_condition *condition, struct why *reterr_why);

/* --- reading an object ------------------------------------------------------------------------------------------- */

struct store_object;

/* Loads a version's record. Its wrap tells what to ask keys for; the rest may not be used before it is unlocked. */
MUST_USE int store_object_open(struct store *s, struct segment_at at, struct store_object **ret_object,
                               struct why *reterr_why);
void store_object_free(struct store_object *o);
void store_object_freep(struct store_object **o);
struct slice store_object_wrap(const struct store_object *o);

/* Checks the record against its version key, which it keeps a reference to: the key must outlive the object.
 * ERR_TAMPERED. */
MUST_USE int store_object_unlock(struct store_object *o, const struct secret *version_key, struct why *reterr_why);

/* The verified sidecar; borrowed as long as the object. NULL before store_object_unlock(). */
const struct sidecar *store_object_sidecar(const struct store_object *o);

/* Hands the plaintext of a range to `sink` in order, in pieces. An error of the sink ends it. ERR_TAMPERED names the
 * part and the chunk; pieces before it were good. */
typedef int store_sink(void *ctx, struct slice plain, struct why *reterr_why);
MUST_USE int store_object_read(struct store_object *o, uint64_t offset, uint64_t len, store_sink *sink, void *ctx,
                               struct why *reterr_why);

/* Removes blobs that nothing names any more; *ret_removed counts them. For a timer. */
MUST_USE int store_collect(struct store *s, uint32_t *ret_removed, struct why *reterr_why);
