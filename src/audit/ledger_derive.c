#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/ledger.h"
#include "audit/ledger_state.h"
#include "audit/public.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/time.h"

/* Deriving what others read from what was committed, and having it made durable from time to time. */

/* --- history ------------------------------------------------------------------------------------------------------ */

static int history_entry(void *context, uint64_t leaf_index, struct history_entry *ret_entry, struct why *reterr_why)
{
	struct ledger *l = context;
	uint8_t bytes[HISTORY_ENTRY_BYTES];
	size_t len;

	if (leaf_index >= l->batch_first && leaf_index < l->batch_first + l->batch_count) {
		*ret_entry = l->batch[leaf_index - l->batch_first];
		return ERR_OK;
	}
	TRY(fd_pread_full(l->history_fd, bytes, sizeof bytes, leaf_index * HISTORY_ENTRY_BYTES, &len, reterr_why));
	ENSURE(len == sizeof bytes, ERR_TAMPERED, reterr_why,
	       "the ledger's file \"history\" ends before leaf %" PRIu64
	       "; remove the file \"mark\" and restart the ledger, which derives both again",
	       leaf_index);
	history_entry_decode(bytes, ret_entry);
	return ERR_OK;
}

struct history_source ledger_history(struct ledger *l)
{
	return (struct history_source){history_entry, l};
}

static int write_history(struct ledger *l, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *bytes = NULL;
	uint8_t *room;

	TRY(buf_new(sizeof l->batch, &bytes, reterr_why));
	TRY(buf_reserve(bytes, l->batch_count * HISTORY_ENTRY_BYTES, &room, reterr_why));
	for (size_t i = 0; i < l->batch_count; i++)
		history_entry_encode(&l->batch[i], room + i * HISTORY_ENTRY_BYTES);
	buf_commit(bytes, l->batch_count * HISTORY_ENTRY_BYTES);
	TRY(fd_pwrite_all(l->history_fd, buf_slice(bytes), l->batch_first * HISTORY_ENTRY_BYTES, reterr_why));
	l->batch_first += l->batch_count;
	l->batch_count = 0;
	return ERR_OK;
}

/* --- tiles and bundles -------------------------------------------------------------------------------------------- */

int ledger_load_tile(void *context, unsigned level, uint64_t index, struct merkle_hash ret_hashes[static TILE_WIDTH],
                     struct why *reterr_why)
{
	const struct ledger *l = context;
	struct tile_path path = {.level = level, .index = index, .width = TILE_WIDTH};

	return public_read_tile(l->public_fd, &path, ret_hashes, reterr_why);
}

/* Remembers what the next mark has to be preceded by. */
static int note_written(struct ledger *l, const struct tile_path *path, struct why *reterr_why)
{
	if (l->written_count == l->written_capacity) {
		size_t capacity = l->written_capacity ? 2 * l->written_capacity : 64;
		struct tile_path *written = realloc(l->written, capacity * sizeof *written);

		ENSURE(written, ERR_UNAVAILABLE, reterr_why, "out of memory for the list of tiles");
		l->written = written;
		l->written_capacity = capacity;
	}
	l->written[l->written_count++] = *path;
	return ERR_OK;
}

/* A tile or bundle is full: it takes the place of the partial ones. */
static int write_full(struct ledger *l, const struct tile_path *path, struct slice content, struct why *reterr_why)
{
	TRY(public_write(l->public_fd, path, content, reterr_why));
	TRY(note_written(l, path, reterr_why));
	return public_drop_partials(l->public_fd, path, reterr_why);
}

static int tile_is_full(void *context, unsigned level, uint64_t index,
                        const struct merkle_hash hashes[static TILE_WIDTH], struct why *reterr_why)
{
	struct tile_path path = {.level = level, .index = index, .width = TILE_WIDTH};

	return write_full(context, &path, slice_of(hashes, TILE_BYTES), reterr_why);
}

int ledger_derive_leaf(struct ledger *l, struct slice leaf, struct why *reterr_why)
{
	struct tree_sink sink = {tile_is_full, l};
	struct merkle_hash hash;
	struct tile_path path = {.is_entries = true, .width = TILE_WIDTH};

	merkle_leaf_hash(leaf, &hash);
	TRY(buf_put_u16be(l->bundle, (uint16_t)leaf.len, reterr_why));
	TRY(buf_put(l->bundle, leaf, reterr_why));
	TRY(tree_append(l->tree, &hash, &sink, reterr_why));
	if (tree_size(l->tree) % TILE_WIDTH)
		return ERR_OK;
	path.index = tree_size(l->tree) / TILE_WIDTH - 1;
	TRY(write_full(l, &path, buf_slice(l->bundle), reterr_why));
	buf_reset(l->bundle);
	return ERR_OK;
}

static int derive_items(struct ledger *l, const struct journal_frame *frame, struct journal_place place,
                        struct why *reterr_why)
{
	struct history_source history = ledger_history(l);
	struct cursor items = cursor_of(frame->items);

	l->batch_first = frame->first;
	l->batch_count = 0;
	for (uint32_t i = 0; i < frame->count; i++) {
		struct history_entry *entry = &l->batch[i];
		size_t at = JOURNAL_HEAD_BYTES + frame->items.len - items.rest.len;
		struct journal_item item;

		TRY(journal_item_retake(&items, &item, reterr_why));
		TRY(ledger_derive_leaf(l, item.leaf, reterr_why));
		*entry = (struct history_entry){
			.place = {place.segment, place.offset + (uint32_t)at},
			.time_ms = frame->time_ms,
		};
		TRY(history_link(&history, l->prevs[i], entry, reterr_why));
		l->batch_count++;
	}
	return write_history(l, reterr_why);
}

int ledger_derive(struct ledger *l, const struct journal_frame *frame, struct journal_place place,
                  struct why *reterr_why)
{
	int err = derive_items(l, frame, place, reterr_why);

	if (err == ERR_OK)
		return ERR_OK;
	l->is_broken = true;
	why_prefix(reterr_why, "the log is safe in the ledger's journal, but its tiles cannot be written: ");
	return err;
}

/* --- publishing and settling ----------------------------------------------------------------------------------------
 */

/* The tiles and the bundle at the right edge, as a checkpoint of this size needs them. */
static int write_partials(struct ledger *l, struct why *reterr_why)
{
	struct tile_path path = {.is_entries = true, .index = l->head.size / TILE_WIDTH};

	path.width = (unsigned)(l->head.size % TILE_WIDTH);
	if (path.width)
		TRY(public_write(l->public_fd, &path, buf_slice(l->bundle), reterr_why));
	path.is_entries = false;
	for (; path.level < TREE_LEVELS; path.level++) {
		const struct merkle_hash *hashes = tree_edge(l->tree, path.level, &path.width);

		path.index = (l->head.size >> (path.level * TILE_HEIGHT)) / TILE_WIDTH;
		if (path.width)
			TRY(public_write(l->public_fd, &path, slice_of(hashes, path.width * sizeof *hashes),
			                 reterr_why));
	}
	return ERR_OK;
}

static int copy_of(struct slice bytes, struct buf **ret_copy, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *copy = NULL;

	TRY(buf_new(bytes.len, &copy, reterr_why));
	TRY(buf_put(copy, bytes, reterr_why));
	*ret_copy = take_ptr(copy);
	return ERR_OK;
}

/* Nothing may be staged: the mark holds the heads of the chains. */
static int put_mark(struct ledger *l, struct settler_job *job, struct why *reterr_why)
{
	struct mark mark = {.head = l->head, .place = journal_end(l->journal), .time_ms = l->time_ms};

	TRY(buf_new(LEDGER_MARK_BYTES_MAX, &job->mark, reterr_why));
	TRY(mark_put(&mark, l->producers, l->accounts, l->signer, job->mark, reterr_why));
	job->files = l->written;
	job->file_count = l->written_count;
	l->written = NULL;
	l->written_count = l->written_capacity = 0;
	l->settled_bytes = l->journal_bytes;
	return ERR_OK;
}

/* Hands the newest checkpoint, and with `is_settling` a mark, to the settler, which is not busy. */
static int hand_over(struct ledger *l, bool is_settling, struct why *reterr_why)
{
	struct settler_job job = {.mark = NULL};
	int err;

	TRY(write_partials(l, reterr_why));
	err = copy_of(buf_slice(l->checkpoint), &job.checkpoint, reterr_why);
	if (err == ERR_OK && is_settling)
		err = put_mark(l, &job, reterr_why);
	if (err != ERR_OK) {
		settler_job_drop(&job);
		return err;
	}
	l->published_mono_ms = time_mono_ms();
	l->published_size = l->head.size;
	return settler_submit(l->settler, &job, reterr_why);
}

static int publish_if_due(struct ledger *l, struct why *reterr_why)
{
	uint64_t unsettled = l->journal_bytes - l->settled_bytes;
	bool is_settling = unsettled >= LEDGER_SETTLE_BYTES && l->staged == 0;
	bool is_busy;

	if (l->published_size == l->head.size)
		return ERR_OK;
	if (!is_settling && time_mono_ms() - l->published_mono_ms < LEDGER_PUBLISH_MS)
		return ERR_OK;
	TRY(settler_poll(l->settler, &is_busy, reterr_why));
	if (is_busy && unsettled >= LEDGER_UNSETTLED_BYTES_MAX) {
		TRY(settler_wait(l->settler, reterr_why));
		is_busy = false;
	}
	return is_busy ? ERR_OK : hand_over(l, is_settling, reterr_why);
}

static int derive_pending(struct ledger *l, struct why *reterr_why)
{
	if (!l->is_pending)
		return ERR_OK;
	TRY(ledger_derive(l, &l->pending, l->frame_place, reterr_why));
	l->is_pending = false;
	return ERR_OK;
}

int ledger_tend(struct ledger *l, struct why *reterr_why)
{
	ENSURE(!l->is_broken, ERR_UNAVAILABLE, reterr_why,
	       "the ledger could not write its tiles; free the disk and restart the ledger");
	TRY(derive_pending(l, reterr_why));
	return publish_if_due(l, reterr_why);
}

int ledger_settle(struct ledger *l, struct why *reterr_why)
{
	ledger_drop(l);
	TRY(ledger_tend(l, reterr_why));
	TRY(settler_wait(l->settler, reterr_why));
	TRY(hand_over(l, true, reterr_why));
	return settler_wait(l->settler, reterr_why);
}
