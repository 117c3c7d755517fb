/* journal.h: the one file that is made durable before the ledger answers (docs/protocol/ledger-storage.md).
 *
 * A batch is one frame: its leaves, their sealed records, and the signed checkpoint over everything up to them. Frames
 * are appended to numbered segments; one fdatasync each. Tiles, bundles and index are derived from them. The sealed
 * records stay here for good, and are erased in place. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "audit/record.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/slice.h"

/* --- frames: pure ------------------------------------------------------------------------------------------------- */

/* A leaf and the record that it commits to. */
struct journal_item {
	struct slice leaf;
	struct slice account;
	uint64_t account_seq;
	uint8_t key_id[RECORD_KEY_ID_BYTES];
	struct slice sealed; /* zeros once it is erased */
	bool is_erased;
	size_t erase_at;  /* where in the item its state byte stands; the sealed bytes follow it */
	size_t total_len; /* bytes of the whole item */
};

struct journal_frame {
	uint64_t first; /* index of its first leaf */
	uint32_t count;
	uint64_t time_ms;
	struct slice items;      /* journal_item_take() them */
	struct slice checkpoint; /* the signed note */
	size_t total_len;
};

#define JOURNAL_ITEM_BYTES_MAX                                                                      \
	(2 + LEAF_BYTES_MAX + 1 + RECORD_ACCOUNT_BYTES_MAX + 8 + RECORD_KEY_ID_BYTES + 32 + 4 + 1 + \
	 RECORD_SEALED_BYTES_MAX)
#define JOURNAL_HEAD_BYTES 32
#define JOURNAL_DIGEST_BYTES 32

/* Appends one item; `is_erased`, `erase_at` and `total_len` do not matter. */
MUST_USE int journal_item_put(const struct journal_item *item, struct buf *items, struct why *reterr_why);

/* Appends the frame of these items: uses first, count, time_ms, items and checkpoint. ERR_LIMIT over
 * LEDGER_FRAME_BYTES_MAX. */
MUST_USE int journal_frame_put(const struct journal_frame *frame, struct buf *into, struct why *reterr_why);

/* Reads the frame at the start of `bytes` and checks its digest and the items' form; slices point into it. ERR_INVALID
 * if there is no whole, right frame there. */
MUST_USE int journal_frame_parse(struct slice bytes, struct journal_frame *ret_frame, struct why *reterr_why);

/* Takes the next item. ERR_INVALID if there is no right one. The second does not look at the sealed bytes: for frames
 * that have been parsed, or made, already. */
MUST_USE int journal_item_take(struct cursor *items, struct journal_item *ret_item, struct why *reterr_why);
MUST_USE int journal_item_retake(struct cursor *items, struct journal_item *ret_item, struct why *reterr_why);

/* --- segments ----------------------------------------------------------------------------------------------------- */

/* A place in the journal: segment (from 1) and offset in its file. */
struct journal_place {
	uint32_t segment;
	uint32_t offset;
};

struct journal;

/* Opens the journal in the directory, or begins one. Nothing is read but the segments' heads. ERR_TAMPERED if a segment
 * is missing or is another log's. */
MUST_USE int journal_open(int dir_fd, struct slice origin, struct journal **ret_journal, struct why *reterr_why);
void journal_free(struct journal *j);
void journal_freep(struct journal **j);

/* Bytes that were cut off as the torn end of an unfinished write. */
uint64_t journal_torn_bytes(const struct journal *j);

/* Where the first frame is, or would be. */
struct journal_place journal_start(void);

/* Where the next frame will be appended. */
struct journal_place journal_end(const struct journal *j);

/* Reads the frame at a place and moves the place past it; the frame's slices live until the next call. *ret_has is
 * false at the end of the journal. A torn frame at the very end is cut off; anything else that is wrong is ERR_TAMPERED
 * with the segment's name and offset. */
MUST_USE int journal_read_frame(struct journal *j, struct journal_place *place, bool *ret_has,
                                struct journal_frame *ret_frame, struct why *reterr_why);

/* Writes the frame at `place` once more and makes it durable: after a crash, the last one may be readable only because
 * it is still in memory. */
MUST_USE int journal_rewrite(struct journal *j, struct journal_place place, struct why *reterr_why);

/* Appends a frame and makes it durable. *ret_place is where it begins. On error nothing was appended; if that itself is
 * uncertain, every further call fails with ERR_UNAVAILABLE until the journal is opened anew. */
MUST_USE int journal_append(struct journal *j, struct slice frame, struct journal_place *ret_place,
                            struct why *reterr_why);

/* Reads the item at a place; its slices live until the next call. ERR_TAMPERED if there is none. */
MUST_USE int journal_read_item(struct journal *j, struct journal_place place, struct journal_item *ret_item,
                               struct why *reterr_why);

/* Overwrites the item's sealed record with zeros, durably. Doing it again finishes what a crash interrupted. */
MUST_USE int journal_erase_item(struct journal *j, struct journal_place place, struct why *reterr_why);
