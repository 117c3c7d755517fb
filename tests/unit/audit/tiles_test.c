#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/checkpoint.h"
#include "audit/tiles.h"

static void paths_are_read_as_the_specification_writes_them(void **state)
{
	static const struct {
		const char *text;
		struct tile_path path;
	} cases[] = {
		{"tile/0/000", {false, 0, 0, 256}},
		{"tile/0/999", {false, 0, 999, 256}},
		{"tile/0/x001/000", {false, 0, 1000, 256}},
		{"tile/3/x001/x234/067", {false, 3, 1234067, 256}},
		{"tile/63/x001/x234/067.p/255", {false, 63, 1234067, 255}},
		{"tile/entries/x001/x234/067.p/1", {true, 0, 1234067, 1}},
		{"tile/entries/000", {true, 0, 0, 256}},
		{"tile/0/x018/x446/x744/x073/x709/x551/615", {false, 0, UINT64_MAX, 256}},
		{"tile/entries/x018/x446/x744/x073/x709/x551/615.p/255", {true, 0, UINT64_MAX, 255}},
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char spelled[TILE_PATH_BYTES];
		struct tile_path path;

		assert_ok(tile_path_parse(slice_str(cases[i].text), &path, NULL));
		assert_int_equal(path.is_entries, cases[i].path.is_entries);
		assert_int_equal(path.level, cases[i].path.level);
		assert_true(path.index == cases[i].path.index);
		assert_int_equal(path.width, cases[i].path.width);
		tile_path_format(&cases[i].path, spelled);
		assert_string_equal(spelled, cases[i].text);
	}
}

static void any_other_spelling_of_a_path_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"tile",
		"tile/",
		"tile/0",
		"tile/0/",
		"tile/0/0",
		"tile/0/00",
		"tile/0/0000",
		"tile/0/00a",
		"tile/0/x000",
		"tile/0/x000/001",
		"tile/0/x001",
		"tile/0/x001/",
		"tile/0/001/002",
		"tile/0/x1/002",
		"tile/0/x001/x002",
		"tile/0/x001//002",
		"tile/00/000",
		"tile/64/000",
		"tile/-1/000",
		"tile/+1/000",
		"tile/entry/000",
		"tile/0/000/",
		"tile/0/000/1",
		"tile/0/000.p",
		"tile/0/000.p/",
		"tile/0/000.p/0",
		"tile/0/000.p/01",
		"tile/0/000.p/256",
		"tile/0/000.p/1/",
		"tile/0/000.p/1/2",
		"tile/0/000.q/1",
		"tile/0/000.p1",
		"/tile/0/000",
		"tile/0/../000",
		"tile/0/x../000",
		"tile/0/x018/x446/x744/x073/x709/x551/616",
		"tile/0/x999/x999/x999/x999/x999/x999/999",
		"tile/0/x001/x000/x000/x000/x000/x000/x000/000",
		"tile/entries/x018/x446/x744/x073/x709/x551/615.p/2555",
	};
	struct tile_path path;
	(void)state;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (tile_path_parse(slice_str(wrong[i]), &path, NULL) != ERR_INVALID &&
		    tile_path_parse(slice_str(wrong[i]), &path, NULL) != ERR_LIMIT)
			fail_msg("%s was accepted", wrong[i]);
	assert_int_not_equal(tile_path_parse(slice_of("tile/0/00\0", 10), &path, NULL), ERR_OK);
}

static void the_specifications_tree_of_70000_has_its_tiles(void **state)
{
	(void)state;

	assert_int_equal(tile_width(0, 272, 70000), 256);
	assert_int_equal(tile_width(0, 273, 70000), 112);
	assert_int_equal(tile_width(0, 274, 70000), 0);
	assert_int_equal(tile_width(1, 0, 70000), 256);
	assert_int_equal(tile_width(1, 1, 70000), 17);
	assert_int_equal(tile_width(1, 2, 70000), 0);
	assert_int_equal(tile_width(2, 0, 70000), 1);
	assert_int_equal(tile_width(3, 0, 70000), 0);
	assert_int_equal(tile_width(0, 0, 256), 256);
	assert_int_equal(tile_width(0, 1, 256), 0);
	assert_int_equal(tile_width(1, 0, 256), 1);
	assert_int_equal(tile_width(0, 0, 0), 0);
	assert_int_equal(tile_width(7, 0, UINT64_MAX), 255);
	assert_int_equal(tile_width(8, 0, UINT64_MAX), 0);
	assert_int_equal(tile_width(63, 0, UINT64_MAX), 0);
	assert_int_equal(tile_width(0, UINT64_MAX, UINT64_MAX), 0);
}

static void a_tiles_root_is_the_root_of_its_hashes(void **state)
{
	struct merkle_hash hashes[TILE_WIDTH], root, expected;
	(void)state;

	for (uint64_t i = 0; i < TILE_WIDTH; i++)
		merkle_leaf_hash(slice_of(&i, sizeof i), &hashes[i]);
	tile_root(hashes, &root);
	expected = support_root(hashes, TILE_WIDTH);
	assert_memory_equal(&root, &expected, sizeof root);
}

static void a_bundle_holds_exactly_its_entries(void **state)
{
	static const char bundle[] = "\0\1a\0\0\0\3bcd";
	struct slice bytes = slice_of(bundle, sizeof bundle - 1), entries[TILE_WIDTH];
	(void)state;

	assert_ok(bundle_parse(bytes, 3, entries, NULL));
	assert_true(slice_is_str(entries[0], "a"));
	assert_int_equal(entries[1].len, 0);
	assert_true(slice_is_str(entries[2], "bcd"));
	assert_int_equal(bundle_parse(bytes, 2, entries, NULL), ERR_INVALID);
	assert_int_equal(bundle_parse(bytes, 4, entries, NULL), ERR_INVALID);
	for (size_t len = 0; len < bytes.len; len++)
		assert_int_equal(bundle_parse(slice_of(bundle, len), 3, entries, NULL), ERR_INVALID);
}

static void a_bundle_of_the_longest_entries_is_read(void **state)
{
	size_t len = TILE_WIDTH * (2 + (size_t)LOG_ENTRY_BYTES_MAX);
	CLEANUP(free_p) uint8_t *bundle = malloc(len);
	struct slice entries[TILE_WIDTH];
	(void)state;

	memset(bundle, 0xff, len);
	assert_ok(bundle_parse(slice_of(bundle, len), TILE_WIDTH, entries, NULL));
	assert_int_equal(entries[TILE_WIDTH - 1].len, LOG_ENTRY_BYTES_MAX);
	assert_int_equal(bundle_parse(slice_of(bundle, len - 1), TILE_WIDTH, entries, NULL), ERR_INVALID);
}

/* --- somebody else's log, from end to end --------------------------------------------------------------------------
 */

enum { TESSERA_SIZE = 15 };

static void read_head(const struct note_verifier *v, uint64_t size, struct merkle_head *head)
{
	CLEANUP(buf_freep) struct buf *text = NULL;
	struct checkpoint checkpoint;
	struct note note;
	char name[64];

	snprintf(name, sizeof name, "tessera/log/checkpoint.%u", (unsigned)size);
	text = support_vector(name);
	assert_ok(checkpoint_open(buf_slice(text), v, &note, &checkpoint, NULL));
	assert_int_equal(checkpoint.head.size, size);
	*head = checkpoint.head;
}

static struct buf *read_resource(bool is_entries, unsigned width)
{
	struct tile_path path = {is_entries, 0, 0, width};
	char spelled[TILE_PATH_BYTES], name[128];

	tile_path_format(&path, spelled);
	snprintf(name, sizeof name, "tessera/log/%s", spelled);
	return support_vector(name);
}

/* Each partial bundle leads to each partial tile, each tile to each signed root, and the roots to each other. */
static void the_tessera_log_is_derived_again(void **state)
{
	CLEANUP(note_verifier_freep) struct note_verifier *v = support_vkey("tessera/log.vkey");
	struct merkle_head heads[TESSERA_SIZE + 1];
	struct merkle_hash leaves[TESSERA_SIZE];
	(void)state;

	read_head(v, 0, &heads[0]);
	for (unsigned size = 1; size <= TESSERA_SIZE; size++) {
		CLEANUP(buf_freep) struct buf *tile = read_resource(false, size), *bundle = read_resource(true, size);
		struct slice entries[TILE_WIDTH];
		struct merkle_range range = {.size = 0};
		struct merkle_hash root;

		assert_ok(bundle_parse(buf_slice(bundle), size, entries, NULL));
		for (unsigned i = 0; i < size; i++) {
			merkle_leaf_hash(entries[i], &leaves[i]);
			merkle_range_append(&range, &leaves[i], NULL);
		}
		assert_int_equal(buf_len(tile), size * MERKLE_HASH_BYTES);
		assert_memory_equal(buf_slice(tile).ptr, leaves, buf_len(tile));
		merkle_range_root(&range, &root);
		read_head(v, size, &heads[size]);
		assert_memory_equal(&root, &heads[size].root, sizeof root);
	}
	merkle_empty_root(&leaves[0]);
	assert_memory_equal(&heads[0].root, &leaves[0], MERKLE_HASH_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_read_as_the_specification_writes_them),
		cmocka_unit_test(any_other_spelling_of_a_path_is_refused),
		cmocka_unit_test(the_specifications_tree_of_70000_has_its_tiles),
		cmocka_unit_test(a_tiles_root_is_the_root_of_its_hashes),
		cmocka_unit_test(a_bundle_holds_exactly_its_entries),
		cmocka_unit_test(a_bundle_of_the_longest_entries_is_read),
		cmocka_unit_test(the_tessera_log_is_derived_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
