#include <inttypes.h>
#include <string.h>

#include "audit/ledger.h"
#include "audit/ledger_state.h"
#include "audit/public.h"

/* Comparing every full tile and bundle with the others, from the leaves up, so that what is wrong is named. */

/* The hash that the tile above holds for a full tile; at the right edge it is in memory. */
static int hash_above(struct ledger *l, unsigned level, uint64_t index, struct merkle_hash *ret_hash,
                      struct why *reterr_why)
{
	struct tile_path path = {.level = level + 1, .index = index / TILE_WIDTH, .width = TILE_WIDTH};
	struct merkle_hash hashes[TILE_WIDTH];
	unsigned width = 0;

	if (path.index < (tree_size(l->tree) >> ((level + 1) * TILE_HEIGHT)) / TILE_WIDTH)
		TRY(public_read_tile(l->public_fd, &path, hashes, reterr_why));
	else
		memcpy(hashes, tree_edge(l->tree, level + 1, &width), TILE_BYTES);
	*ret_hash = hashes[index % TILE_WIDTH];
	return ERR_OK;
}

/* The leaf hashes that a bundle's entries have. */
static int bundle_hashes(struct ledger *l, uint64_t index, struct merkle_hash ret_hashes[static TILE_WIDTH],
                         struct why *reterr_why)
{
	struct tile_path path = {.is_entries = true, .index = index, .width = TILE_WIDTH};
	struct slice entries[TILE_WIDTH];
	char name[TILE_PATH_BYTES];
	int err;

	tile_path_format(&path, name);
	buf_reset(l->frame);
	err = public_read(l->public_fd, &path, l->frame, reterr_why);
	if (err == ERR_OK)
		err = bundle_parse(buf_slice(l->frame), TILE_WIDTH, entries, reterr_why);
	if (err == ERR_NOTFOUND || err == ERR_INVALID || err == ERR_LIMIT) {
		why_prefix(reterr_why, "%s of the log is missing or damaged: ", name);
		return ERR_TAMPERED;
	}
	TRY(err);
	for (size_t i = 0; i < TILE_WIDTH; i++)
		merkle_leaf_hash(entries[i], &ret_hashes[i]);
	return ERR_OK;
}

/* What the journal says the hash of a leaf is. */
static int journal_hash(struct ledger *l, uint64_t leaf_index, struct merkle_hash *ret_hash, struct why *reterr_why)
{
	struct history_source history = ledger_history(l);
	struct history_entry entry;
	struct journal_item item;

	TRY(history.entry(history.context, leaf_index, &entry, reterr_why));
	TRY(journal_read_item(l->journal, entry.place, &item, reterr_why));
	merkle_leaf_hash(item.leaf, ret_hash);
	return ERR_OK;
}

/* A tile of level 0 and its bundle differ: the journal, which both come from, tells which is right. */
static int blame_one(struct ledger *l, uint64_t index, const struct merkle_hash *tile, const struct merkle_hash *bundle,
                     struct why *reterr_why)
{
	struct tile_path path = {.index = index, .width = TILE_WIDTH};
	struct merkle_hash truth;
	char name[TILE_PATH_BYTES];
	uint64_t leaf_index;
	size_t at = 0;

	while (at < TILE_WIDTH - 1 && merkle_hash_equal(&tile[at], &bundle[at]))
		at++;
	leaf_index = index * TILE_WIDTH + at;
	TRY(journal_hash(l, leaf_index, &truth, reterr_why));
	path.is_entries = merkle_hash_equal(&truth, &tile[at]);
	tile_path_format(&path, name);
	why_set(reterr_why, "public/%s was altered: its %s %zu is not leaf %" PRIu64 " as it was signed", name,
	        path.is_entries ? "entry" : "hash", at, leaf_index);
	return ERR_TAMPERED;
}

/* A tile agrees with everything below it, but not with the tile above it. */
static int blame_above(unsigned level, uint64_t index, struct why *reterr_why)
{
	struct tile_path path = {.level = level + 1, .index = index / TILE_WIDTH, .width = TILE_WIDTH};
	char name[TILE_PATH_BYTES];

	tile_path_format(&path, name);
	why_set(reterr_why, "public/%s was altered: its hash %" PRIu64 " is not that of the tile below it", name,
	        index % TILE_WIDTH);
	return ERR_TAMPERED;
}

static int check_bundle(struct ledger *l, uint64_t index, struct why *reterr_why)
{
	struct merkle_hash tile[TILE_WIDTH], bundle[TILE_WIDTH], above, root;
	struct tile_path path = {.index = index, .width = TILE_WIDTH};

	TRY(public_read_tile(l->public_fd, &path, tile, reterr_why));
	TRY(bundle_hashes(l, index, bundle, reterr_why));
	TRY(hash_above(l, 0, index, &above, reterr_why));
	if (!slice_equal(slice_of(tile, sizeof tile), slice_of(bundle, sizeof bundle)))
		return blame_one(l, index, tile, bundle, reterr_why);
	tile_root(tile, &root);
	return merkle_hash_equal(&root, &above) ? ERR_OK : blame_above(0, index, reterr_why);
}

/* A tile of level 1 or more, which has been compared with those below it, against the one above it. */
static int check_inner(struct ledger *l, unsigned level, uint64_t index, struct why *reterr_why)
{
	struct tile_path path = {.level = level, .index = index, .width = TILE_WIDTH};
	struct merkle_hash tile[TILE_WIDTH], above, root;

	TRY(public_read_tile(l->public_fd, &path, tile, reterr_why));
	TRY(hash_above(l, level, index, &above, reterr_why));
	tile_root(tile, &root);
	return merkle_hash_equal(&root, &above) ? ERR_OK : blame_above(level, index, reterr_why);
}

int ledger_check_tiles(struct ledger *l, uint64_t size, struct why *reterr_why)
{
	for (uint64_t index = 0; index < size / TILE_WIDTH; index++)
		TRY(check_bundle(l, index, reterr_why));
	for (unsigned level = 1; level < TREE_LEVELS - 1; level++)
		for (uint64_t index = 0; index < (size >> (level * TILE_HEIGHT)) / TILE_WIDTH; index++)
			TRY(check_inner(l, level, index, reterr_why));
	return ERR_OK;
}
