/* segment.h: the append-only files that are the store's truth (docs/protocol/segments.md).
 *
 * A segment is a magic line and records {u32 length, u32 CRC-32C, u8 type, payload}. Only the last segment is written;
 * a record that is torn at its end was never acknowledged and is cut off at start; a bad record anywhere else, also in
 * front of a later commit, is tampering or rot, and is refused by place. One thread writes (commit.h); any thread
 * reads. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/slice.h"

/* Where a record's payload lies. */
struct segment_at {
	uint32_t segment;
	uint32_t offset; /* of the record's head */
	uint32_t length; /* of the payload */
};

struct segment_record {
	uint8_t type;
	struct slice payload;
	struct segment_at at; /* filled by segments_write() */
};

struct segments;

/* Opens the directory of segments, making the first one if there is none. Nothing may be written before
 * segments_replay() found the end. */
MUST_USE int segments_open(int dir_fd, struct segments **ret_segments, struct why *reterr_why);
void segments_close(struct segments *s);
void segments_closep(struct segments **s);

/* Hands every record from `segment`, `offset` on (0, 0: all) to `apply`, in order, then cuts a torn tail off the last
 * segment. An error of `apply` ends it. ERR_TAMPERED for a bad record that is not a torn tail. */
typedef int segment_apply(void *ctx, const struct segment_record *record, struct why *reterr_why);
MUST_USE int segments_replay(struct segments *s, uint32_t segment, uint32_t offset, segment_apply *apply, void *ctx,
                             struct why *reterr_why);

/* Appends the records in order, at most STORE_COMMIT_QUEUE_MAX, and returns once all are durable. A segment that grew
 * past STORE_SEGMENT_BYTES is followed by a new one; the records of a call lie in one. On error none of them counts as
 * written: the tail is cut back, and if that fails too, every later write is refused until a restart. */
MUST_USE int segments_write(struct segments *s, struct segment_record *records, size_t count, struct why *reterr_why);

/* Refuses every later write until a restart: what was written could not be indexed. Any thread may ask whether that is
 * so, or whether a failed write could not be undone: then what failed may be there after the restart. */
void segments_refuse_writes(struct segments *s);
bool segments_refuses_writes(const struct segments *s);

/* Appends a record's payload to `into`, after checking its CRC and type. Any thread. */
MUST_USE int segments_read(struct segments *s, struct segment_at at, uint8_t type, struct buf *into,
                           struct why *reterr_why);

/* Where the next record will go: the high-water mark that the index keeps. */
void segments_end(const struct segments *s, uint32_t *ret_segment, uint32_t *ret_offset);
