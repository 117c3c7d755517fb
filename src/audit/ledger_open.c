#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "audit/canon.h"
#include "audit/checkpoint.h"
#include "audit/ledger.h"
#include "audit/ledger_state.h"
#include "audit/public.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"

/* Opening a log: what the mark vouches for is taken up, what the journal holds beyond it is replayed. */

/* A bundle at the right edge: 255 leaves, or a full one before it is written. */
enum { BUNDLE_BYTES_MAX = TILE_WIDTH * (2 + LEAF_BYTES_MAX) };

/* --- making and freeing the object -------------------------------------------------------------------------------- */

static int make_buffers(struct ledger *l, struct why *reterr_why)
{
	TRY(buf_new(LEDGER_FRAME_BYTES_MAX, &l->items, reterr_why));
	TRY(buf_new(LEDGER_FRAME_BYTES_MAX, &l->frame, reterr_why));
	TRY(buf_new(BUNDLE_BYTES_MAX, &l->bundle, reterr_why));
	TRY(buf_new(CHECKPOINT_BYTES_MAX, &l->checkpoint, reterr_why));
	/* More than a record may have, so that a record that grows too long is refused by its own limit. */
	TRY(buf_new(2 * RECORD_BYTES_MAX, &l->record, reterr_why));
	TRY(buf_new(RECORD_SEALED_BYTES_MAX, &l->sealed, reterr_why));
	TRY(buf_new(2 * LEAF_BYTES_MAX, &l->leaf, reterr_why));
	TRY(chains_new("producers", LEDGER_PRODUCERS_MAX, &l->producers, reterr_why));
	return chains_new("accounts", LEDGER_ACCOUNTS_MAX, &l->accounts, reterr_why);
}

/* The lock is on a descriptor of our own, so that it goes when the ledger is freed. */
static int open_files(struct ledger *l, int dir_fd, struct why *reterr_why)
{
	TRY(path_open_beneath(dir_fd, ".", O_RDONLY | O_DIRECTORY, 0, &l->dir_fd, reterr_why));
	ENSURE(flock(l->dir_fd, LOCK_EX | LOCK_NB) == 0, ERR_CONFLICT, reterr_why,
	       "another process has this ledger open; only one may write it");
	TRY(path_mkdir_beneath(l->dir_fd, "public", 0755, &l->public_fd, reterr_why));
	TRY(path_open_beneath(l->dir_fd, "history", O_RDWR | O_CREAT, 0600, &l->history_fd, reterr_why));
	return journal_open(l->dir_fd, slice_str(ledger_origin(l)), &l->journal, reterr_why);
}

static int make(int dir_fd, const struct note_signer *signer, struct ledger **ret_ledger, struct why *reterr_why)
{
	CLEANUP(ledger_freep) struct ledger *l = calloc(1, sizeof *l);
	struct tree_tiles tiles = {ledger_load_tile, l};

	ENSURE(l, ERR_UNAVAILABLE, reterr_why, "out of memory for the ledger");
	l->dir_fd = l->public_fd = l->history_fd = -1;
	l->signer = signer;
	TRY(make_buffers(l, reterr_why));
	TRY(tree_new(&tiles, &l->tree, reterr_why));
	TRY(open_files(l, dir_fd, reterr_why));
	*ret_ledger = take_ptr(l);
	return ERR_OK;
}

void ledger_free(struct ledger *l)
{
	if (!l)
		return;
	settler_stop(l->settler);
	journal_free(l->journal);
	chains_free(l->producers);
	chains_free(l->accounts);
	tree_free(l->tree);
	free(l->written);
	buf_free(l->items);
	buf_free(l->frame);
	buf_free(l->bundle);
	buf_free(l->checkpoint);
	buf_free(l->record);
	buf_free(l->sealed);
	buf_free(l->leaf);
	fd_closep(&l->history_fd);
	fd_closep(&l->public_fd);
	fd_closep(&l->dir_fd);
	free(l);
}

void ledger_freep(struct ledger **l)
{
	ledger_free(*l);
	*l = NULL;
}

/* --- taking up the mark ------------------------------------------------------------------------------------------- */

/* Without a mark everything begins at the start of the journal. */
static int read_mark(struct ledger *l, struct mark *ret_mark, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *bytes = NULL;
	int err;

	TRY(buf_new(LEDGER_MARK_BYTES_MAX, &bytes, reterr_why));
	err = file_read(l->dir_fd, "mark", bytes, reterr_why);
	if (err == ERR_NOTFOUND) {
		*ret_mark = (struct mark){.place = journal_start()};
		merkle_empty_root(&ret_mark->head.root);
		return ERR_OK;
	}
	TRY(err);
	return mark_open(buf_slice(bytes), note_signer_verifier(l->signer), ret_mark, l->producers, l->accounts,
	                 reterr_why);
}

/* The leaves behind the last full bundle are in no file but the journal. */
static int take_up_rest(struct ledger *l, uint64_t first, uint64_t size, struct why *reterr_why)
{
	struct history_source history = ledger_history(l);

	for (uint64_t index = first; index < size; index++) {
		struct history_entry entry;
		struct journal_item item;

		TRY(history.entry(history.context, index, &entry, reterr_why));
		TRY(journal_read_item(l->journal, entry.place, &item, reterr_why));
		TRY(ledger_derive_leaf(l, item.leaf, reterr_why));
	}
	return ERR_OK;
}

/* The subtrees that appending needs, from the tree. */
static int fill_range(struct ledger *l, uint64_t size, struct why *reterr_why)
{
	struct merkle_source source = tree_source(l->tree);
	uint64_t begin = 0;
	size_t count = 0;

	for (int height = 63; height >= 0; height--) {
		if (!(size >> height & 1))
			continue;
		TRY(source.node(source.context, (unsigned)height, begin >> height, &l->range.nodes[count++],
		                reterr_why));
		begin += UINT64_C(1) << height;
	}
	l->range.size = size;
	return ERR_OK;
}

static int take_up(struct ledger *l, const struct mark *mark, struct why *reterr_why)
{
	uint64_t full = mark->head.size - mark->head.size % TILE_WIDTH;
	struct merkle_hash root;

	TRY(tree_take_up(l->tree, full, reterr_why));
	TRY(take_up_rest(l, full, mark->head.size, reterr_why));
	TRY(fill_range(l, mark->head.size, reterr_why));
	merkle_range_root(&l->range, &root);
	if (!merkle_hash_equal(&root, &mark->head.root)) {
		TRY(ledger_check_tiles(l, mark->head.size, reterr_why)); /* names the one that is wrong */
		why_set(reterr_why,
		        "the tiles at the log's right edge do not have the root of %" PRIu64 " leaves that was signed",
		        mark->head.size);
		return ERR_TAMPERED;
	}
	l->head = mark->head;
	l->time_ms = mark->time_ms;
	return ERR_OK;
}

/* --- replaying ---------------------------------------------------------------------------------------------------- */

/* Checks that the leaf continues its producer's chain and its account's, and advances both. */
static int follow_chains(struct ledger *l, const struct journal_item *item, uint64_t index, uint32_t at,
                         struct why *reterr_why)
{
	const struct chain *account = chains_find(l->accounts, item->account), *producer;
	struct chain link = {.leaf_index = index};
	struct leaf leaf;

	TRY(leaf_parse(item->leaf, &leaf, reterr_why));
	producer = chains_find(l->producers, leaf.producer);
	ENSURE(leaf.seq > (producer ? producer->seq : 0) && leaf.has_prev == (producer != NULL) &&
	               (!producer || merkle_hash_equal(&leaf.prev, &producer->hash)),
	       ERR_TAMPERED, reterr_why, "leaf %" PRIu64 " does not continue the chain of its producer", index);
	ENSURE(item->account_seq == (account ? account->seq + 1 : 1), ERR_TAMPERED, reterr_why,
	       "the record of leaf %" PRIu64 " does not continue the history of its account", index);
	l->prevs[at] = account ? account->leaf_index : HISTORY_NONE;
	merkle_leaf_hash(item->leaf, &link.hash);
	merkle_range_append(&l->range, &link.hash, NULL);
	link.seq = leaf.seq;
	TRY(chains_advance(l->producers, leaf.producer, &link, reterr_why));
	link.seq = item->account_seq;
	return chains_advance(l->accounts, item->account, &link, reterr_why);
}

/* The frame's checkpoint must be over exactly what it and the frames before it hold. */
static int check_root(struct ledger *l, const struct journal_frame *frame, struct why *reterr_why)
{
	struct checkpoint checkpoint;
	struct merkle_hash root;
	struct note note;

	TRY(note_parse(frame->checkpoint, &note, reterr_why));
	TRY(checkpoint_parse(note.text, &checkpoint, reterr_why));
	merkle_range_root(&l->range, &root);
	ENSURE(slice_is_str(checkpoint.origin, ledger_origin(l)) && checkpoint.head.size == l->range.size &&
	               merkle_hash_equal(&root, &checkpoint.head.root),
	       ERR_TAMPERED, reterr_why, "the leaves from %" PRIu64 " on are not what was signed with them",
	       frame->first);
	l->head = checkpoint.head;
	buf_reset(l->checkpoint);
	return buf_put(l->checkpoint, frame->checkpoint, reterr_why);
}

static int replay_frame(struct ledger *l, const struct journal_frame *frame, struct journal_place place,
                        struct why *reterr_why)
{
	struct cursor items = cursor_of(frame->items);

	ENSURE(frame->first == l->head.size && frame->time_ms >= l->time_ms, ERR_TAMPERED, reterr_why,
	       "leaf %" PRIu64 " should come next, but the frame there begins with leaf %" PRIu64, l->head.size,
	       frame->first);
	for (uint32_t i = 0; i < frame->count; i++) {
		struct journal_item item;

		TRY(journal_item_retake(&items, &item, reterr_why));
		TRY(follow_chains(l, &item, frame->first + i, i, reterr_why));
	}
	TRY(check_root(l, frame, reterr_why));
	chains_keep(l->producers);
	chains_keep(l->accounts);
	l->time_ms = frame->time_ms;
	l->journal_bytes += frame->total_len;
	return ledger_derive(l, frame, place, reterr_why);
}

/* What is wrong in the journal is tampering, whatever the sentence says: it was written right. */
static int judge_replay(int err, struct journal_place place, struct why *reterr_why)
{
	if (err != ERR_OK)
		why_prefix(reterr_why, "journal-%08" PRIu32 " at byte %" PRIu32 ": ", place.segment, place.offset);
	return err_class(err) == ERR_INVALID || err_class(err) == ERR_LIMIT || err_class(err) == ERR_NOTFOUND
	               ? ERR_TAMPERED
	               : err;
}

static int replay(struct ledger *l, struct journal_place place, struct why *reterr_why)
{
	struct journal_place last = {0, 0}, next = place;
	struct journal_frame frame;
	bool has;

	TRY(journal_read_frame(l->journal, &next, &has, &frame, reterr_why));
	while (has) {
		last = (struct journal_place){next.segment, next.offset - (uint32_t)frame.total_len};
		TRY(judge_replay(replay_frame(l, &frame, last, reterr_why), last, reterr_why));
		TRY(journal_read_frame(l->journal, &next, &has, &frame, reterr_why));
	}
	if (last.segment != 0)
		TRY(journal_rewrite(l->journal, last, reterr_why));
	return ERR_OK;
}

/* --- what was handed out ------------------------------------------------------------------------------------------ */

/* The last signature in the journal, or without frames a new one over what the mark says, must be of our own key. */
static int take_up_checkpoint(struct ledger *l, struct why *reterr_why)
{
	struct checkpoint checkpoint;
	struct note note;
	int err;

	if (buf_len(l->checkpoint) == 0)
		return checkpoint_put(l->signer, &l->head, l->checkpoint, reterr_why);
	err = checkpoint_open(buf_slice(l->checkpoint), note_signer_verifier(l->signer), &note, &checkpoint,
	                      reterr_why);
	if (err == ERR_NOTFOUND || err == ERR_TAMPERED) {
		why_prefix(reterr_why, "the last checkpoint in the journal: ");
		return ERR_TAMPERED;
	}
	return err;
}

/* The public checkpoint is renewed after the journal, so the log can be ahead of it and never behind. */
static int check_published(struct ledger *l, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *bytes = NULL;
	int err;

	TRY(buf_new(NOTE_BYTES_MAX, &bytes, reterr_why));
	err = file_read(l->public_fd, "checkpoint", bytes, reterr_why);
	if (err == ERR_NOTFOUND)
		return ERR_OK;
	TRY(err);
	err = ledger_continues(l, buf_slice(bytes), reterr_why);
	if (err != ERR_OK)
		why_prefix(reterr_why, "public/checkpoint: ");
	return err;
}

static int recover(struct ledger *l, const struct ledger_options *options, struct why *reterr_why)
{
	struct mark mark;

	TRY(read_mark(l, &mark, reterr_why));
	TRY(take_up(l, &mark, reterr_why));
	TRY(replay(l, mark.place, reterr_why));
	TRY(take_up_checkpoint(l, reterr_why));
	l->staged_range = l->range;
	TRY(check_published(l, reterr_why));
	if (options->at_least.len)
		TRY(ledger_continues(l, options->at_least, reterr_why));
	if (options->check == LEDGER_CHECK_ALL)
		TRY(ledger_check_tiles(l, l->head.size, reterr_why));
	return ERR_OK;
}

int ledger_open(int dir_fd, const struct ledger_options *options, struct ledger **ret_ledger, struct why *reterr_why)
{
	CLEANUP(ledger_freep) struct ledger *l = NULL;
	struct settler_place place;

	TRY(make(dir_fd, options->signer, &l, reterr_why));
	TRY(recover(l, options, reterr_why));
	place = (struct settler_place){l->dir_fd, l->public_fd, l->history_fd};
	TRY(settler_start(&place, !options->is_single_threaded, &l->settler, reterr_why));
	/* After a power loss the partial tiles may be older than the checkpoint beside them. */
	TRY(ledger_settle(l, reterr_why));
	*ret_ledger = take_ptr(l);
	return ERR_OK;
}
