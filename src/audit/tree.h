/* tree.h: the hashes of a growing log, tile by tile: the right edge in memory, full tiles from wherever they are kept.
 */
#pragma once
#include <stdint.h>

#include "audit/merkle.h"
#include "audit/tiles.h"
#include "base/cleanup.h"
#include "base/err.h"

/* 2^64 leaves are eight levels of 256. */
#define TREE_LEVELS 8

/* Where full tiles are. */
struct tree_tiles {
	/* Reads a full tile. */
	int (*load)(void *context, unsigned level, uint64_t index, struct merkle_hash ret_hashes[static TILE_WIDTH],
	            struct why *reterr_why);
	void *context;
};

struct tree;
MUST_USE int tree_new(const struct tree_tiles *tiles, struct tree **ret_tree, struct why *reterr_why);
void tree_free(struct tree *t);
void tree_freep(struct tree **t);

/* Takes up a tree of `size` leaves, a multiple of TILE_WIDTH, of which all full tiles can be loaded. Each tile that the
 * right edge rests on is read, so that a wrong one changes the root. */
MUST_USE int tree_take_up(struct tree *t, uint64_t size, struct why *reterr_why);

/* Told of each tile that becomes full. ERR_OK or an error that tree_append() then returns. */
struct tree_sink {
	int (*full)(void *context, unsigned level, uint64_t index, const struct merkle_hash hashes[static TILE_WIDTH],
	            struct why *reterr_why);
	void *context;
};

/* Appends a leaf. After an error the tree must not be used any more. */
MUST_USE int tree_append(struct tree *t, const struct merkle_hash *leaf, const struct tree_sink *sink,
                         struct why *reterr_why);
uint64_t tree_size(const struct tree *t);

/* The hashes of the tile at the right edge of a level; *ret_width of them, perhaps none. Borrowed until tree_append().
 */
const struct merkle_hash *tree_edge(const struct tree *t, unsigned level, unsigned *ret_width);

/* For proofs; valid as long as the tree. */
struct merkle_source tree_source(struct tree *t);
