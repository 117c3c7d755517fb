#include "audit/continuity.h"

#include <inttypes.h>
#include <string.h>

/* Joins 2^height neighbours into the root above them. */
static void join(struct merkle_hash *hashes, unsigned height)
{
	for (size_t count = (size_t)1 << height; count > 1; count /= 2)
		for (size_t i = 0; i < count / 2; i++)
			merkle_node_hash(&hashes[2 * i], &hashes[2 * i + 1], &hashes[i]);
}

/* Node (height, index) is the root over 2^(height % 8) neighbouring hashes of one tile. */
static int node(void *context, unsigned height, uint64_t index, struct merkle_hash *ret_hash, struct why *reterr_why)
{
	const struct tile_source *source = context;
	unsigned above = height % TILE_HEIGHT;
	struct tile_path path = {.level = height / TILE_HEIGHT, .index = index << above >> TILE_HEIGHT};
	size_t first = (index << above) % TILE_WIDTH, count = (size_t)1 << above;
	CLEANUP(buf_freep) struct buf *content = NULL;
	struct merkle_hash hashes[TILE_WIDTH];

	path.width = tile_width(path.level, path.index, source->size);
	ENSURE(first + count <= path.width, ERR_INTERNAL, reterr_why, "a node beyond a tree of %" PRIu64 " leaves",
	       source->size);
	TRY(buf_new(TILE_BYTES + 1, &content, reterr_why));
	TRY(source->fetch.fetch(source->fetch.context, &path, content, reterr_why));
	ENSURE(buf_len(content) == path.width * sizeof *hashes, ERR_TAMPERED, reterr_why,
	       "a tile of %zu bytes where %zu are expected", buf_len(content), path.width * sizeof *hashes);
	memcpy(hashes, buf_slice(content).ptr + first * sizeof *hashes, count * sizeof *hashes);
	join(hashes, above);
	*ret_hash = hashes[0];
	return ERR_OK;
}

struct merkle_source tile_source(struct tile_source *source)
{
	return (struct merkle_source){node, source};
}

int continuity_verify(struct slice older, struct slice newer, const struct trust *trust, const struct tile_fetch *fetch,
                      struct continuity *ret_continuity, struct why *reterr_why)
{
	struct merkle_proof proof = {.count = 0};
	struct tile_source tiles = {.fetch = *fetch};
	struct merkle_source source = tile_source(&tiles);
	struct continuity c;
	uint64_t time_s;

	TRY(trust_checkpoint_open(trust, older, &c.older, &time_s, reterr_why));
	TRY(trust_checkpoint_open(trust, newer, &c.newer, &time_s, reterr_why));
	ENSURE(c.older.size <= c.newer.size, ERR_TAMPERED, reterr_why,
	       "the log has been rolled back from %" PRIu64 " to %" PRIu64 " leaves", c.older.size, c.newer.size);
	tiles.size = c.newer.size;
	if (c.older.size > 0 && c.older.size < c.newer.size)
		TRY(merkle_prove_consistency(&source, c.older.size, c.newer.size, &proof, reterr_why));
	TRY(merkle_verify_consistency(&c.older, &c.newer, &proof, reterr_why));
	*ret_continuity = c;
	return ERR_OK;
}
