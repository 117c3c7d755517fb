#include "audit/tree.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A tile with the hashes between its own level and the next: row 0 holds the tile itself, row 7 two hashes. */
struct rows {
	uint64_t index;
	unsigned width; /* of row 0 */
	unsigned level;
	uint64_t used; /* when it was last asked for, 0 for never */
	struct merkle_hash row0[TILE_WIDTH];
	struct merkle_hash above[TILE_WIDTH - 2]; /* rows 1 (128 hashes) to 7 (2 hashes), one after the other */
};

struct tree {
	struct tree_tiles tiles;
	uint64_t size;
	struct rows edge[TREE_LEVELS];
	struct rows cache[LEDGER_TILE_CACHE];
	uint64_t clock;
};

int tree_new(const struct tree_tiles *tiles, struct tree **ret_tree, struct why *reterr_why)
{
	struct tree *t = calloc(1, sizeof *t);

	ENSURE(t, ERR_UNAVAILABLE, reterr_why, "out of memory for the hashes of the log");
	t->tiles = *tiles;
	*ret_tree = t;
	return ERR_OK;
}

void tree_free(struct tree *t)
{
	free(t);
}

void tree_freep(struct tree **t)
{
	tree_free(*t);
	*t = NULL;
}

uint64_t tree_size(const struct tree *t)
{
	return t->size;
}

/* Where hash number `at` of row `row` stands: row r begins behind 128 + 64 + … hashes. */
static struct merkle_hash *row_hash(struct rows *rows, unsigned row, uint64_t at)
{
	if (row == 0)
		return &rows->row0[at];
	return &rows->above[(unsigned)(TILE_WIDTH - (TILE_WIDTH >> (row - 1))) + at];
}

/* Appends a hash to row 0 and completes the rows above it as far as they go. */
static void rows_append(struct rows *rows, const struct merkle_hash *hash)
{
	unsigned at = rows->width++;

	rows->row0[at] = *hash;
	for (unsigned row = 0; row < TILE_HEIGHT - 1 && (at & 1); row++) {
		merkle_node_hash(row_hash(rows, row, at - 1), row_hash(rows, row, at), row_hash(rows, row + 1, at / 2));
		at /= 2;
	}
}

static void rows_root(struct rows *rows, struct merkle_hash *ret_root)
{
	merkle_node_hash(row_hash(rows, TILE_HEIGHT - 1, 0), row_hash(rows, TILE_HEIGHT - 1, 1), ret_root);
}

/* --- full tiles -----------------------------------------------------------------------------------------------------
 */

static struct rows *cache_oldest(struct tree *t)
{
	struct rows *oldest = &t->cache[0];

	for (size_t i = 1; i < LEDGER_TILE_CACHE; i++)
		if (t->cache[i].used < oldest->used)
			oldest = &t->cache[i];
	return oldest;
}

static struct rows *cache_find(struct tree *t, unsigned level, uint64_t index)
{
	for (size_t i = 0; i < LEDGER_TILE_CACHE; i++) {
		struct rows *rows = &t->cache[i];

		if (rows->used && rows->level == level && rows->index == index)
			return rows;
	}
	return NULL;
}

static int cache_get(struct tree *t, unsigned level, uint64_t index, struct rows **ret_rows, struct why *reterr_why)
{
	struct rows *rows = cache_find(t, level, index);
	struct merkle_hash hashes[TILE_WIDTH];

	if (!rows) {
		TRY(t->tiles.load(t->tiles.context, level, index, hashes, reterr_why));
		rows = cache_oldest(t);
		rows->level = level;
		rows->index = index;
		rows->width = 0;
		for (size_t i = 0; i < TILE_WIDTH; i++)
			rows_append(rows, &hashes[i]);
	}
	rows->used = ++t->clock;
	*ret_rows = rows;
	return ERR_OK;
}

/* --- the right edge
 * --------------------------------------------------------------------------------------------------- */

int tree_take_up(struct tree *t, uint64_t size, struct why *reterr_why)
{
	struct merkle_hash hashes[TILE_WIDTH], root;

	ENSURE(size % TILE_WIDTH == 0, ERR_INTERNAL, reterr_why, "%" PRIu64 " leaves are not whole tiles", size);
	memset(t->edge, 0, sizeof t->edge);
	t->edge[0].index = size / TILE_WIDTH;
	for (unsigned level = 1; level < TREE_LEVELS; level++) {
		uint64_t nodes = size >> (level * TILE_HEIGHT);
		uint64_t first = nodes - nodes % TILE_WIDTH;

		t->edge[level].level = level;
		t->edge[level].index = first / TILE_WIDTH;
		for (uint64_t below = first; below < nodes; below++) {
			TRY(t->tiles.load(t->tiles.context, level - 1, below, hashes, reterr_why));
			tile_root(hashes, &root);
			rows_append(&t->edge[level], &root);
		}
	}
	t->size = size;
	return ERR_OK;
}

int tree_append(struct tree *t, const struct merkle_hash *leaf, const struct tree_sink *sink, struct why *reterr_why)
{
	struct merkle_hash hash = *leaf;

	t->size++;
	for (unsigned level = 0; level < TREE_LEVELS; level++) {
		struct rows *edge = &t->edge[level], *cached;

		rows_append(edge, &hash);
		if (edge->width < TILE_WIDTH)
			break;
		TRY(sink->full(sink->context, level, edge->index, edge->row0, reterr_why));
		rows_root(edge, &hash);
		/* What has just been appended is what proofs are asked for. */
		cached = cache_oldest(t);
		*cached = *edge;
		cached->used = ++t->clock;
		edge->index++;
		edge->width = 0;
	}
	return ERR_OK;
}

const struct merkle_hash *tree_edge(const struct tree *t, unsigned level, unsigned *ret_width)
{
	*ret_width = level < TREE_LEVELS ? t->edge[level].width : 0;
	return level < TREE_LEVELS ? t->edge[level].row0 : NULL;
}

static int tree_node(void *context, unsigned height, uint64_t index, struct merkle_hash *ret_hash,
                     struct why *reterr_why)
{
	struct tree *t = context;
	unsigned level = height / TILE_HEIGHT, row = height % TILE_HEIGHT;
	uint64_t tile = index >> (TILE_HEIGHT - row), at = index & ((uint64_t)(TILE_WIDTH >> row) - 1);
	struct rows *rows;

	ENSURE(level < TREE_LEVELS && tile <= t->edge[level].index, ERR_INTERNAL, reterr_why,
	       "hash %" PRIu64 " of height %u is beyond the log", index, height);
	rows = &t->edge[level];
	if (tile < rows->index)
		TRY(cache_get(t, level, tile, &rows, reterr_why));
	ENSURE((at + 1) << row <= rows->width, ERR_INTERNAL, reterr_why,
	       "hash %" PRIu64 " of height %u is beyond the log", index, height);
	*ret_hash = *row_hash(rows, row, at);
	return ERR_OK;
}

struct merkle_source tree_source(struct tree *t)
{
	return (struct merkle_source){tree_node, t};
}
