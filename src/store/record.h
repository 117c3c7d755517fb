/* record.h: what the store's segments hold (docs/protocol/segments.md), each a payload of one type.
 *
 * A record states a change that was decided and authorised; replaying all of them in order rebuilds the index. Slices
 * borrow from the payload that was read. */
#pragma once
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "store/sidecar.h"

enum record_type {
	RECORD_VERSION = 'V',
	RECORD_MARKER = 'M',
	RECORD_VERSION_GONE = 'v',
	RECORD_UPLOAD = 'U',
	RECORD_UPLOAD_PART = 'P',
	RECORD_UPLOAD_GONE = 'u',
};

/* A version's sidecar, and for a small object the whole sealed blob of its only part; empty otherwise. */
struct record_version {
	struct slice sidecar;
	struct slice blob;
};

/* A delete marker, or the removal of a version (then created_wall_ms is when it was removed). */
struct record_key_event {
	uint8_t bucket_id[STORE_ID_BYTES];
	uint8_t version_id[STORE_ID_BYTES];
	uint64_t created_wall_ms;
	struct slice object_key;
};

struct record_upload {
	uint8_t upload_id[STORE_ID_BYTES];
	uint8_t bucket_id[STORE_ID_BYTES];
	uint8_t version_id[STORE_ID_BYTES]; /* that the object will have: its key is bound to it */
	uint64_t created_wall_ms;
	struct slice object_key;
	struct slice metadata;
	struct slice wrap;
};

struct record_upload_part {
	uint8_t upload_id[STORE_ID_BYTES];
	uint32_t number; /* 1 to STORE_PARTS_MAX */
	uint64_t created_wall_ms;
	struct sidecar_part part;
	struct slice etag;
};

MUST_USE int record_version_put(const struct record_version *r, struct buf *into, struct why *reterr_why);
MUST_USE int record_version_take(struct slice payload, struct record_version *ret_r, struct why *reterr_why);
MUST_USE int record_key_event_put(const struct record_key_event *r, struct buf *into, struct why *reterr_why);
MUST_USE int record_key_event_take(struct slice payload, struct record_key_event *ret_r, struct why *reterr_why);
MUST_USE int record_upload_put(const struct record_upload *r, struct buf *into, struct why *reterr_why);
MUST_USE int record_upload_take(struct slice payload, struct record_upload *ret_r, struct why *reterr_why);
MUST_USE int record_upload_part_put(const struct record_upload_part *r, struct buf *into, struct why *reterr_why);
MUST_USE int record_upload_part_take(struct slice payload, struct record_upload_part *ret_r, struct why *reterr_why);

/* RECORD_UPLOAD_GONE is the id alone. */
MUST_USE int record_id_take(struct slice payload, uint8_t ret_id[static STORE_ID_BYTES], struct why *reterr_why);
