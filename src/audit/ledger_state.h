/* ledger_state.h: the inside of struct ledger, shared by the files ledger_*.c and nobody else. */
#pragma once
#include "audit/chains.h"
#include "audit/history.h"
#include "audit/ledger.h"
#include "audit/mark.h"
#include "audit/settler.h"
#include "audit/tree.h"

struct ledger {
	int dir_fd;     /* our own copy */
	int public_fd;  /* "public": what is served */
	int history_fd; /* "history" */
	const struct note_signer *signer;
	struct journal *journal;
	struct settler *settler;

	/* What is committed. */
	struct merkle_head head;
	struct merkle_range range;
	uint64_t time_ms;
	struct buf *checkpoint;

	/* What is staged on top of it; the chains are ahead of the committed ones, with undo. */
	struct chains *producers, *accounts;
	struct merkle_range staged_range;
	struct buf *items;
	uint32_t staged;
	uint64_t prevs[LEDGER_BATCH_LEAVES_MAX]; /* leaf index of the account's record before each staged one */

	/* The last committed batch, until it is tended. */
	bool is_pending;
	struct journal_frame pending; /* its items stand in `frame` */
	struct buf *frame;
	struct journal_place frame_place;

	/* What is derived: the tree's hashes, and the entries behind the last full bundle. */
	struct tree *tree;
	struct buf *bundle;
	struct history_entry batch[LEDGER_BATCH_LEAVES_MAX];
	uint64_t batch_first, batch_count; /* the entries in it that are not yet in the file */
	bool is_broken;                    /* deriving failed half-way: only opening anew mends it */

	/* Settling and publishing. */
	struct tile_path *written; /* full tiles and bundles since the last mark */
	size_t written_count, written_capacity;
	uint64_t settled_bytes; /* of the journal, in what the last mark covers */
	uint64_t journal_bytes; /* all that this process has appended or replayed */
	uint64_t published_mono_ms;
	uint64_t published_size;

	/* Scratch. */
	struct buf *record, *sealed, *leaf;
};

/* ledger_derive.c */

/* Derives everything from the frame at a place; prevs[] must be filled. */
MUST_USE int ledger_derive(struct ledger *l, const struct journal_frame *frame, struct journal_place place,
                           struct why *reterr_why);
struct history_source ledger_history(struct ledger *l);
MUST_USE int ledger_load_tile(void *context, unsigned level, uint64_t index,
                              struct merkle_hash ret_hashes[static TILE_WIDTH], struct why *reterr_why);

/* Appends the leaf behind the last full bundle: to the tree's right edge and to the bundle. */
MUST_USE int ledger_derive_leaf(struct ledger *l, struct slice leaf, struct why *reterr_why);

/* ledger_check.c */

/* Compares every full tile and bundle with each other up to the tree's size, which the right edge vouches for. */
MUST_USE int ledger_check_tiles(struct ledger *l, uint64_t size, struct why *reterr_why);

/* ledger_read.c */

/* ledger_check_continues() while the log is being opened. */
MUST_USE int ledger_continues(struct ledger *l, struct slice checkpoint, struct why *reterr_why);
