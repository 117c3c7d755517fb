/* A path of a tile has one spelling. */
#include "fuzz.h"

#include "audit/tiles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char spelled[TILE_PATH_BYTES];
	struct tile_path path;

	if (tile_path_parse(slice_of(data, len), &path, NULL) != ERR_OK)
		return 0;
	FUZZ_CHECK(path.level <= TILE_LEVEL_MAX && path.width >= 1 && path.width <= TILE_WIDTH);
	tile_path_format(&path, spelled);
	FUZZ_CHECK(slice_is_str(slice_of(data, len), spelled));
	return 0;
}
