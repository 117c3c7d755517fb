/* blob.h: the sealed bytes of one part: a Cobblestone-256 message in memory while it is small, in a file of its own
 * past STORE_INLINE_BYTES_MAX (docs/protocol/stored-object.md).
 *
 * Files are born in new/ and durable there before any record names them; once one does they move to their place. What
 * start-up finds in new/ and no record names was never acknowledged and goes. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"
#include "store/sidecar.h"

/* The directory of blob files. */
struct blobs;
MUST_USE int blobs_open(int dir_fd, struct blobs **ret_blobs, struct why *reterr_why);
void blobs_close(struct blobs *b);
void blobs_closep(struct blobs **b);

/* Empties new/: `is_named` tells whether a record names the blob, which then moves to its place, else it is removed. */
typedef int blob_is_named(void *ctx, const uint8_t blob_id[static STORE_ID_BYTES], bool *ret_named,
                          struct why *reterr_why);
MUST_USE int blobs_settle(struct blobs *b, blob_is_named *is_named, void *ctx, struct why *reterr_why);

/* Moves a blob that a record names now to its place. Failing is harmless: the next start does it. */
void blobs_place(struct blobs *b, const uint8_t blob_id[static STORE_ID_BYTES]);

/* Removes a blob's file; one that is not there is fine. */
MUST_USE int blobs_remove(struct blobs *b, const uint8_t blob_id[static STORE_ID_BYTES], struct why *reterr_why);

/* Writing: a fresh blob id and key, the key wrapped under the version key. */
struct blob_writer;
MUST_USE int blob_writer_new(struct blobs *b, const struct secret *version_key, struct blob_writer **ret_writer,
                             struct why *reterr_why);

/* Discards what was not committed. */
void blob_writer_free(struct blob_writer *w);
void blob_writer_freep(struct blob_writer **w);

/* Seals some more plaintext. `is_small` of blob_writer_finish() tells whether all of it stayed in memory. */
MUST_USE int blob_writer_write(struct blob_writer *w, struct slice plain, struct why *reterr_why);

/* Seals the last chunk and, for a file, makes it durable. Fills the part; *ret_inline is the whole message if it is
 * small (borrowed until the writer is freed), else empty. */
MUST_USE int blob_writer_finish(struct blob_writer *w, struct sidecar_part *ret_part, struct slice *ret_inline,
                                struct why *reterr_why);

/* The commitment of its head: to its key, fresh for every blob, and so a name for what is being written. */
void blob_writer_commitment(const struct blob_writer *w, uint8_t out[static SIDECAR_COMMITMENT_BYTES]);

/* For a blob that has to be a file however small it is: a part of a multipart upload. Before the first write. */
MUST_USE int blob_writer_to_file(struct blob_writer *w, struct why *reterr_why);

/* A record names the blob now: freeing the writer no longer removes it. */
void blob_writer_committed(struct blob_writer *w);

/* A record may name it: freeing the writer leaves the file to blobs_settle() at the next start, which can tell. */
void blob_writer_leave(struct blob_writer *w);

/* Reading any range of a part. `inline_message` is the blob itself if it is not a file, and is borrowed. */
struct blob_reader;
MUST_USE int blob_reader_new(struct blobs *b, const struct sidecar_part *part, struct slice inline_message,
                             const struct secret *version_key, struct blob_reader **ret_reader, struct why *reterr_why);
void blob_reader_free(struct blob_reader *r);
void blob_reader_freep(struct blob_reader **r);

/* Opens from plaintext offset `offset` on: as much as lies in one run of chunks, at most up to the part's end. The
 * bytes are borrowed until the next call. ERR_TAMPERED names the chunk; a read to the end has authenticated the last
 * one. */
MUST_USE int blob_reader_read(struct blob_reader *r, uint64_t offset, uint64_t len, struct slice *ret_plain,
                              struct why *reterr_why);
