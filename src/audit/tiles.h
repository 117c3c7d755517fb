/* tiles.h: the resources in which a log is served (C2SP tlog-tiles v0.1.0): their paths and their contents.
 *
 * A tile holds up to 256 hashes of one level; level L is height 8 * L of the tree. A bundle holds the entries under one
 * tile of level 0. Both are served by the same kind of path. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/merkle.h"
#include "base/err.h"
#include "base/slice.h"

#define TILE_WIDTH 256
#define TILE_HEIGHT 8
#define TILE_BYTES (TILE_WIDTH * MERKLE_HASH_BYTES)
#define TILE_LEVEL_MAX 63

struct tile_path {
	bool is_entries;
	unsigned level; /* 0 for entries */
	uint64_t index;
	unsigned width; /* 1 to 255 for a partial one, TILE_WIDTH for a full one */
};

/* Reads "tile/<L>/<N>[.p/<W>]" or "tile/entries/<N>[.p/<W>]"; every path has one spelling. ERR_INVALID otherwise. */
MUST_USE int tile_path_parse(struct slice text, struct tile_path *ret_path, struct why *reterr_why);

/* "tile/entries/", seven groups, ".p/255", a NUL: 53, and what a compiler wants that cannot see their ranges. */
#define TILE_PATH_BYTES 80
void tile_path_format(const struct tile_path *path, char out[static TILE_PATH_BYTES]);

/* How many hashes (or entries) that tile has in a log of `size` leaves: 0 to TILE_WIDTH. */
unsigned tile_width(unsigned level, uint64_t index, uint64_t size);

/* The root of a full tile: what the tile above it holds. */
void tile_root(const struct merkle_hash hashes[static TILE_WIDTH], struct merkle_hash *ret_root);

/* Takes the next entry of a bundle. ERR_INVALID if it is cut short. */
MUST_USE int bundle_take(struct cursor *bundle, struct slice *ret_entry, struct why *reterr_why);

/* Reads a bundle that must hold exactly `width` entries and nothing else. */
MUST_USE int bundle_parse(struct slice bundle, unsigned width, struct slice ret_entries[static TILE_WIDTH],
                          struct why *reterr_why);
