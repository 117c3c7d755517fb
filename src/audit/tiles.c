#include "audit/tiles.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char entries_name[] = "entries";

/* 64 bits take 20 decimal digits: seven groups, six of them with "x" and "/"and a NUL: 34. */
enum { GROUPS_MAX = 7, INDEX_BYTES = 40 };

/* "000" to "999", with or without the "x" of all groups but the last. */
static int take_group(struct slice group, uint64_t *ret_value, struct why *reterr_why)
{
	uint64_t value = 0;

	ENSURE(group.len == 3, ERR_INVALID, reterr_why, "a tile's index is written in groups of three digits");
	for (size_t i = 0; i < group.len; i++) {
		ENSURE(group.ptr[i] >= '0' && group.ptr[i] <= '9', ERR_INVALID, reterr_why,
		       "byte 0x%02x in a tile's index", group.ptr[i]);
		value = value * 10 + (uint64_t)(group.ptr[i] - '0');
	}
	*ret_value = value;
	return ERR_OK;
}

/* Takes up to the next slash, or to the end. */
static struct slice take_part(struct cursor *c)
{
	struct slice part = c->rest;

	if (cursor_take_until(c, '/', &part, NULL) != ERR_OK)
		c->rest = slice_of(part.ptr + part.len, 0);
	return part;
}

static bool is_inner_group(struct slice part)
{
	return part.len > 0 && part.ptr[0] == 'x';
}

/* Takes the groups of the index; *ret_last is the last one, which may carry ".p". */
static int take_index(struct cursor *c, uint64_t *ret_index, bool *ret_is_partial, struct why *reterr_why)
{
	uint64_t index = 0, group;
	struct slice part;

	for (part = take_part(c); is_inner_group(part); part = take_part(c)) {
		TRY(take_group(slice_of(part.ptr + 1, part.len - 1), &group, reterr_why));
		ENSURE(index > 0 || group > 0, ERR_INVALID, reterr_why, "a tile's index begins with x000");
		ENSURE(index <= (UINT64_MAX - group) / 1000, ERR_INVALID, reterr_why, "a tile's index over 64 bits");
		index = index * 1000 + group;
	}
	*ret_is_partial = part.len == 5 && slice_is_str(slice_of(part.ptr + 3, 2), ".p");
	TRY(take_group(*ret_is_partial ? slice_of(part.ptr, 3) : part, &group, reterr_why));
	ENSURE(index <= (UINT64_MAX - group) / 1000, ERR_INVALID, reterr_why, "a tile's index over 64 bits");
	*ret_index = index * 1000 + group;
	return ERR_OK;
}

static int take_level(struct cursor *c, struct tile_path *path, struct why *reterr_why)
{
	struct slice part = take_part(c);
	uint64_t level = 0;

	path->is_entries = slice_is_str(part, entries_name);
	if (!path->is_entries)
		TRY(slice_to_u64(part, TILE_LEVEL_MAX, &level, reterr_why));
	path->level = (unsigned)level;
	return ERR_OK;
}

int tile_path_parse(struct slice text, struct tile_path *ret_path, struct why *reterr_why)
{
	char spelled[TILE_PATH_BYTES];
	struct cursor c = cursor_of(text);
	struct tile_path path;
	bool is_partial;
	uint64_t width = TILE_WIDTH;

	ENSURE(text.len < TILE_PATH_BYTES, ERR_INVALID, reterr_why, "a tile's path of %zu bytes", text.len);
	ENSURE(slice_is_str(take_part(&c), "tile"), ERR_INVALID, reterr_why, "a tile's path begins with tile/");
	TRY(take_level(&c, &path, reterr_why));
	TRY(take_index(&c, &path.index, &is_partial, reterr_why));
	if (is_partial)
		TRY(slice_to_u64(take_part(&c), TILE_WIDTH - 1, &width, reterr_why));
	ENSURE(width > 0, ERR_INVALID, reterr_why, "a tile of no hashes");
	path.width = (unsigned)width;
	/* What is left are stray slashes and the like: a path is right only if it is what we would write. */
	tile_path_format(&path, spelled);
	ENSURE(slice_is_str(text, spelled), ERR_INVALID, reterr_why, "a tile's path that should be %s", spelled);
	*ret_path = path;
	return ERR_OK;
}

static void put_index(uint64_t index, char *out, size_t size)
{
	char digits[24];
	size_t groups, at = 0;

	/* Padded to a whole number of groups, at least one. */
	snprintf(digits, sizeof digits, "%021" PRIu64, index);
	for (groups = GROUPS_MAX; groups > 1 && strncmp(digits + (GROUPS_MAX - groups) * 3, "000", 3) == 0; groups--)
		;
	for (size_t i = GROUPS_MAX - groups; i < GROUPS_MAX; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%.3s%s", i < GROUPS_MAX - 1 ? "x" : "", digits + i * 3,
		                       i < GROUPS_MAX - 1 ? "/" : "");
}

void tile_path_format(const struct tile_path *path, char out[static TILE_PATH_BYTES])
{
	char index[INDEX_BYTES], level[12];

	put_index(path->index, index, sizeof index);
	snprintf(level, sizeof level, "%u", path->level);
	if (path->width < TILE_WIDTH)
		snprintf(out, TILE_PATH_BYTES, "tile/%s/%s.p/%u", path->is_entries ? entries_name : level, index,
		         path->width);
	else
		snprintf(out, TILE_PATH_BYTES, "tile/%s/%s", path->is_entries ? entries_name : level, index);
}

unsigned tile_width(unsigned level, uint64_t index, uint64_t size)
{
	uint64_t nodes = level * TILE_HEIGHT < 64 ? size >> (level * TILE_HEIGHT) : 0;

	if (index > nodes / TILE_WIDTH)
		return 0;
	if (index < nodes / TILE_WIDTH)
		return TILE_WIDTH;
	return (unsigned)(nodes % TILE_WIDTH);
}

void tile_root(const struct merkle_hash hashes[static TILE_WIDTH], struct merkle_hash *ret_root)
{
	struct merkle_hash row[TILE_WIDTH / 2];

	for (size_t i = 0; i < TILE_WIDTH / 2; i++)
		merkle_node_hash(&hashes[2 * i], &hashes[2 * i + 1], &row[i]);
	for (size_t width = TILE_WIDTH / 4; width > 0; width /= 2)
		for (size_t i = 0; i < width; i++)
			merkle_node_hash(&row[2 * i], &row[2 * i + 1], &row[i]);
	*ret_root = row[0];
}

int bundle_take(struct cursor *bundle, struct slice *ret_entry, struct why *reterr_why)
{
	struct cursor probe = *bundle;
	uint16_t len;

	TRY(cursor_take_u16be(&probe, &len, reterr_why));
	TRY(cursor_take(&probe, len, ret_entry, reterr_why));
	*bundle = probe;
	return ERR_OK;
}

int bundle_parse(struct slice bundle, unsigned width, struct slice ret_entries[static TILE_WIDTH],
                 struct why *reterr_why)
{
	struct slice entries[TILE_WIDTH];
	struct cursor c = cursor_of(bundle);

	for (unsigned i = 0; i < width; i++) {
		int err = bundle_take(&c, &entries[i], reterr_why);

		if (err != ERR_OK) {
			why_prefix(reterr_why, "entry %u of %u of a bundle: ", i, width);
			return err;
		}
	}
	TRY(cursor_finish(&c, reterr_why));
	memcpy(ret_entries, entries, width * sizeof *entries);
	return ERR_OK;
}
