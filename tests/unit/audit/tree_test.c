#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "audit/tree.h"

/* --- a tree whose full tiles are kept in memory ------------------------------------------------------------------- */

enum { TILES = 300, LEVELS = 3 };

struct shelf {
	struct merkle_hash tiles[LEVELS][TILES][TILE_WIDTH];
	size_t counts[LEVELS];
	size_t loads;
	bool is_failing;
};

static int put_tile(void *context, unsigned level, uint64_t index, const struct merkle_hash hashes[static TILE_WIDTH],
                    struct why *why)
{
	struct shelf *shelf = context;

	ENSURE(!shelf->is_failing, ERR_UNAVAILABLE, why, "the shelf is full");
	assert_true(level < LEVELS && index < TILES);
	assert_int_equal(index, shelf->counts[level]++);
	memcpy(shelf->tiles[level][index], hashes, TILE_BYTES);
	return ERR_OK;
}

static int load_tile(void *context, unsigned level, uint64_t index, struct merkle_hash ret_hashes[static TILE_WIDTH],
                     struct why *why)
{
	struct shelf *shelf = context;

	ENSURE(level < LEVELS && index < shelf->counts[level], ERR_NOTFOUND, why, "no such tile");
	shelf->loads++;
	memcpy(ret_hashes, shelf->tiles[level][index], TILE_BYTES);
	return ERR_OK;
}

static struct tree *new_tree(struct shelf *shelf)
{
	struct tree_tiles tiles = {load_tile, shelf};
	struct tree *t = NULL;

	assert_ok(tree_new(&tiles, &t, NULL));
	return t;
}

static struct merkle_hash leaf_of(uint64_t i)
{
	struct merkle_hash hash;

	merkle_leaf_hash(slice_of(&i, sizeof i), &hash);
	return hash;
}

static void grow(struct tree *t, struct shelf *shelf, uint64_t size)
{
	struct tree_sink sink = {put_tile, shelf};

	while (tree_size(t) < size) {
		struct merkle_hash leaf = leaf_of(tree_size(t));

		assert_ok(tree_append(t, &leaf, &sink, NULL));
	}
}

static struct merkle_hash root_of(struct tree *t)
{
	struct merkle_source source = tree_source(t);
	struct merkle_hash root;

	assert_ok(merkle_source_root(&source, tree_size(t), &root, NULL));
	return root;
}

static void a_growing_tree_has_the_roots_of_the_definition(void **state)
{
	CLEANUP(free_p) struct shelf *shelf = calloc(1, sizeof *shelf);
	CLEANUP(tree_freep) struct tree *t = new_tree(shelf);
	CLEANUP(free_p) struct merkle_hash *leaves = calloc(1100, sizeof *leaves);
	(void)state;

	for (uint64_t size = 1; size <= 1100; size++) {
		struct merkle_hash root, expected;

		leaves[size - 1] = leaf_of(size - 1);
		grow(t, shelf, size);
		if (size % 37 && size % TILE_WIDTH > 2)
			continue;
		root = root_of(t);
		expected = support_root(leaves, size);
		assert_memory_equal(&root, &expected, sizeof root);
	}
	assert_int_equal(shelf->counts[0], 4);
}

static void tiles_are_handed_over_level_by_level(void **state)
{
	CLEANUP(free_p) struct shelf *shelf = calloc(1, sizeof *shelf);
	CLEANUP(tree_freep) struct tree *t = new_tree(shelf);
	struct merkle_hash root;
	unsigned width;
	(void)state;

	grow(t, shelf, 70000);
	assert_int_equal(shelf->counts[0], 273);
	assert_int_equal(shelf->counts[1], 1);
	assert_int_equal(shelf->counts[2], 0);
	tree_edge(t, 0, &width);
	assert_int_equal(width, 112);
	tree_edge(t, 1, &width);
	assert_int_equal(width, 17);
	tile_root(shelf->tiles[0][256], &root);
	assert_memory_equal(tree_edge(t, 1, &width), &root, sizeof root);
	tree_edge(t, 2, &width);
	assert_int_equal(width, 1);
	assert_null(tree_edge(t, TREE_LEVELS, &width));
	assert_int_equal(width, 0);
}

static void a_tree_is_taken_up_at_any_whole_tile(void **state)
{
	static const uint64_t tiles[] = {0, 1, 2, 255, 256, 257, 273};
	CLEANUP(free_p) struct shelf *shelf = calloc(1, sizeof *shelf);
	CLEANUP(tree_freep) struct tree *whole = new_tree(shelf);
	(void)state;

	grow(whole, shelf, 70000);
	for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
		CLEANUP(free_p) struct shelf *copy = malloc(sizeof *copy);
		CLEANUP(tree_freep) struct tree *t = NULL;
		struct merkle_hash root, expected;

		memcpy(copy, shelf, sizeof *copy);
		copy->counts[0] = tiles[i];
		copy->counts[1] = tiles[i] / TILE_WIDTH;
		t = new_tree(copy);
		assert_ok(tree_take_up(t, tiles[i] * TILE_WIDTH, NULL));
		assert_int_equal(tree_size(t), tiles[i] * TILE_WIDTH);
		grow(t, copy, 70000);
		root = root_of(t);
		expected = root_of(whole);
		assert_memory_equal(&root, &expected, sizeof root);
	}
}

static void a_tree_is_not_taken_up_with_a_tile_missing_or_between_tiles(void **state)
{
	CLEANUP(free_p) struct shelf *shelf = calloc(1, sizeof *shelf);
	CLEANUP(tree_freep) struct tree *t = new_tree(shelf);
	(void)state;

	grow(t, shelf, 600);
	assert_int_equal(tree_take_up(t, 600, NULL), ERR_INTERNAL);
	assert_int_equal(tree_take_up(t, 768, NULL), ERR_NOTFOUND);
}

static void every_perfect_subtree_of_the_tree_is_given(void **state)
{
	CLEANUP(free_p) struct shelf *shelf = calloc(1, sizeof *shelf);
	CLEANUP(tree_freep) struct tree *t = new_tree(shelf);
	CLEANUP(free_p) struct merkle_hash *leaves = calloc(1000, sizeof *leaves);
	struct merkle_source source = tree_source(t);
	struct merkle_hash hash, expected;
	(void)state;

	grow(t, shelf, 1000);
	for (uint64_t i = 0; i < 1000; i++)
		leaves[i] = leaf_of(i);
	for (unsigned height = 0; height < 10; height++)
		for (uint64_t index = 0; index < 1000u >> height; index++) {
			assert_ok(source.node(source.context, height, index, &hash, NULL));
			expected = support_root(leaves + (index << height), UINT64_C(1) << height);
			assert_memory_equal(&hash, &expected, sizeof hash);
		}
	for (unsigned height = 0; height < 64; height++)
		assert_int_equal(source.node(source.context, height, UINT64_C(1000) >> height, &hash, NULL),
		                 ERR_INTERNAL);
	assert_int_equal(source.node(source.context, 64, 0, &hash, NULL), ERR_INTERNAL);
}

static void tiles_asked_for_again_come_from_the_cache(void **state)
{
	CLEANUP(free_p) struct shelf *shelf = calloc(1, sizeof *shelf);
	CLEANUP(tree_freep) struct tree *t = new_tree(shelf), *again = NULL;
	struct merkle_source source;
	struct merkle_hash hash;
	(void)state;

	grow(t, shelf, 70000);
	again = new_tree(shelf);
	assert_ok(tree_take_up(again, UINT64_C(273) * TILE_WIDTH, NULL));
	source = tree_source(again);
	shelf->loads = 0;
	for (int round = 0; round < 3; round++)
		for (uint64_t tile = 0; tile < LEDGER_TILE_CACHE; tile++)
			assert_ok(source.node(source.context, 0, tile * TILE_WIDTH, &hash, NULL));
	assert_int_equal(shelf->loads, LEDGER_TILE_CACHE);
	assert_ok(source.node(source.context, 0, (uint64_t)LEDGER_TILE_CACHE * TILE_WIDTH, &hash, NULL));
	assert_ok(source.node(source.context, 0, 0, &hash, NULL)); /* the oldest has made room */
	assert_int_equal(shelf->loads, LEDGER_TILE_CACHE + 2);
}

static void a_tile_that_cannot_be_kept_is_an_error(void **state)
{
	CLEANUP(free_p) struct shelf *shelf = calloc(1, sizeof *shelf);
	CLEANUP(tree_freep) struct tree *t = new_tree(shelf);
	struct tree_sink sink = {put_tile, shelf};
	struct merkle_hash leaf = leaf_of(255);
	(void)state;

	grow(t, shelf, 255);
	shelf->is_failing = true;
	assert_int_equal(tree_append(t, &leaf, &sink, NULL), ERR_UNAVAILABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_growing_tree_has_the_roots_of_the_definition),
		cmocka_unit_test(tiles_are_handed_over_level_by_level),
		cmocka_unit_test(a_tree_is_taken_up_at_any_whole_tile),
		cmocka_unit_test(a_tree_is_not_taken_up_with_a_tile_missing_or_between_tiles),
		cmocka_unit_test(every_perfect_subtree_of_the_tree_is_given),
		cmocka_unit_test(tiles_asked_for_again_come_from_the_cache),
		cmocka_unit_test(a_tile_that_cannot_be_kept_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
