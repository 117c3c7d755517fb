/* A bundle: the first byte says how many entries it should have; together they take up all of it. */
#include "fuzz.h"

#include "audit/tiles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct slice entries[TILE_WIDTH];
	unsigned width = len ? data[0] + 1u : 0;
	size_t total = 0;

	if (len == 0 || bundle_parse(slice_of(data + 1, len - 1), width, entries, NULL) != ERR_OK)
		return 0;
	for (unsigned i = 0; i < width; i++) {
		struct merkle_hash hash;

		merkle_leaf_hash(entries[i], &hash);
		total += 2 + entries[i].len;
	}
	FUZZ_CHECK(total == len - 1);
	return 0;
}
