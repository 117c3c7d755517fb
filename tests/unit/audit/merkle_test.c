#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "vectors.h"

/* --- the published vectors ---------------------------------------------------------------------------------------- */

/* Base64 of exactly one hash. */
static bool read_hash(struct slice text, struct merkle_hash *hash)
{
	size_t len;

	return base64_decode(text, hash->bytes, sizeof hash->bytes, &len, NULL) == ERR_OK && len == sizeof hash->bytes;
}

/* Hashes with a space between them. False for one of the wrong length, as some bad proofs have. */
static bool read_proof(struct slice text, struct merkle_proof *proof)
{
	struct cursor c = cursor_of(text);

	proof->count = 0;
	while (c.rest.len) {
		struct slice word;

		if (cursor_take_until(&c, ' ', &word, NULL) != ERR_OK)
			assert_ok(cursor_take(&c, c.rest.len, &word, NULL));
		assert_true(proof->count < MERKLE_PROOF_HASHES_MAX);
		if (!read_hash(word, &proof->hashes[proof->count++]))
			return false;
	}
	return true;
}

static bool inclusion_holds(struct vectors *v)
{
	struct merkle_hash root, leaf;
	struct merkle_proof proof;

	return read_hash(vectors_text(v, "root"), &root) && read_hash(vectors_text(v, "leaf"), &leaf) &&
	       read_proof(vectors_text(v, "proof"), &proof) &&
	       merkle_verify_inclusion(&leaf, vectors_number(v, "index"), vectors_number(v, "size"), &proof, &root,
	                               NULL) == ERR_OK;
}

static bool consistency_holds(struct vectors *v)
{
	struct merkle_head older = {.size = vectors_number(v, "size1")}, newer = {.size = vectors_number(v, "size2")};
	struct merkle_proof proof;

	return read_hash(vectors_text(v, "root1"), &older.root) && read_hash(vectors_text(v, "root2"), &newer.root) &&
	       read_proof(vectors_text(v, "proof"), &proof) &&
	       merkle_verify_consistency(&older, &newer, &proof, NULL) == ERR_OK;
}

static void check_all(const char *name, bool (*holds)(struct vectors *), int expected_valid, int expected_invalid)
{
	CLEANUP(vectors_closep) struct vectors *v = vectors_open(name);
	int valid = 0, invalid = 0;

	while (vectors_next(v)) {
		struct slice file = vectors_text(v, "file");
		bool is_valid = vectors_is_valid(v);

		if (holds(v) != is_valid)
			fail_msg("%.*s should be %s", (int)file.len, (const char *)file.ptr,
			         is_valid ? "valid" : "invalid");
		*(is_valid ? &valid : &invalid) += 1;
	}
	assert_int_equal(valid, expected_valid);
	assert_int_equal(invalid, expected_invalid);
}

static void the_published_inclusion_proofs_are_judged_rightly(void **state)
{
	(void)state;
	check_all("tlog/inclusion.txt", inclusion_holds, 3, 46);
}

static void the_published_consistency_proofs_are_judged_rightly(void **state)
{
	(void)state;
	check_all("tlog/consistency.txt", consistency_holds, 4, 45);
}

static void the_published_roots_of_0_to_8_leaves_come_out(void **state)
{
	CLEANUP(vectors_closep) struct vectors *v = vectors_open("tlog/roots.txt");
	struct merkle_range range = {.size = 0};
	uint64_t size = 0;
	(void)state;

	for (; vectors_next(v); size++) {
		struct merkle_hash leaf, root;

		assert_int_equal(vectors_number(v, "size"), size);
		if (size > 0) {
			merkle_leaf_hash(vectors_bytes(v, "leaf"), &leaf);
			merkle_range_append(&range, &leaf, NULL);
		}
		merkle_range_root(&range, &root);
		assert_memory_equal(root.bytes, vectors_bytes(v, "root").ptr, MERKLE_HASH_BYTES);
	}
	assert_int_equal(size, 9);
}

/* --- against the definition --------------------------------------------------------------------------------------- */

enum { LEAVES = 200, HEIGHTS = 9 };

/* A whole small tree in memory, by height, filled by appending. */
struct tree {
	struct merkle_hash nodes[HEIGHTS][LEAVES];
	size_t counts[HEIGHTS];
	struct merkle_range range;
};

static void keep_node(void *context, unsigned height, uint64_t index, const struct merkle_hash *hash)
{
	struct tree *t = context;

	assert_true(height < HEIGHTS);
	assert_int_equal(index, t->counts[height]);
	t->nodes[height][t->counts[height]++] = *hash;
}

static int give_node(void *context, unsigned height, uint64_t index, struct merkle_hash *ret_hash, struct why *why)
{
	const struct tree *t = context;

	ENSURE(height < HEIGHTS && index < t->counts[height], ERR_INTERNAL, why, "no node %u, %lu", height,
	       (unsigned long)index);
	*ret_hash = t->nodes[height][index];
	return ERR_OK;
}

static struct tree *new_tree(void)
{
	struct tree *t = calloc(1, sizeof *t);
	struct merkle_sink sink = {keep_node, t};

	assert_non_null(t);
	for (uint64_t i = 0; i < LEAVES; i++) {
		struct merkle_hash leaf;

		merkle_leaf_hash(slice_of(&i, sizeof i), &leaf);
		merkle_range_append(&t->range, &leaf, &sink);
	}
	return t;
}

static void appending_gives_the_roots_of_the_definition(void **state)
{
	CLEANUP(free_p) struct tree *t = new_tree();
	struct merkle_source source = {give_node, t};
	struct merkle_range range = {.size = 0};
	(void)state;

	for (uint64_t size = 0; size <= LEAVES; size++) {
		struct merkle_hash expected = support_root(t->nodes[0], size), root;

		merkle_range_root(&range, &root);
		assert_memory_equal(&root, &expected, sizeof root);
		assert_ok(merkle_source_root(&source, size, &root, NULL));
		assert_memory_equal(&root, &expected, sizeof root);
		if (size < LEAVES)
			merkle_range_append(&range, &t->nodes[0][size], NULL);
	}
}

/* RFC 6962 section 2.1.1, word for word: PATH(m, D[n]). */
static void definition_path(const struct merkle_hash *leaves, uint64_t m, uint64_t n, struct merkle_proof *proof)
{
	uint64_t k = 1;

	if (n == 1)
		return;
	while (k * 2 < n)
		k *= 2;
	if (m < k) {
		definition_path(leaves, m, k, proof);
		proof->hashes[proof->count++] = support_root(leaves + k, n - k);
	} else {
		definition_path(leaves + k, m - k, n - k, proof);
		proof->hashes[proof->count++] = support_root(leaves, k);
	}
}

/* Section 2.1.2: SUBPROOF(m, D[n], b). */
static void definition_subproof(const struct merkle_hash *leaves, uint64_t m, uint64_t n, bool b,
                                struct merkle_proof *proof)
{
	uint64_t k = 1;

	if (m == n) {
		if (!b)
			proof->hashes[proof->count++] = support_root(leaves, n);
		return;
	}
	while (k * 2 < n)
		k *= 2;
	if (m <= k) {
		definition_subproof(leaves, m, k, b, proof);
		proof->hashes[proof->count++] = support_root(leaves + k, n - k);
	} else {
		definition_subproof(leaves + k, m - k, n - k, false, proof);
		proof->hashes[proof->count++] = support_root(leaves, k);
	}
}

static void assert_same_proof(const struct merkle_proof *a, const struct merkle_proof *b)
{
	assert_int_equal(a->count, b->count);
	assert_memory_equal(a->hashes, b->hashes, a->count * sizeof *a->hashes);
}

static void every_inclusion_proof_is_the_definitions_and_verifies(void **state)
{
	CLEANUP(free_p) struct tree *t = new_tree();
	struct merkle_source source = {give_node, t};
	(void)state;

	for (uint64_t size = 1; size <= 70; size++) {
		struct merkle_hash root = support_root(t->nodes[0], size);

		for (uint64_t index = 0; index < size; index++) {
			struct merkle_proof proof, expected = {.count = 0};

			assert_ok(merkle_prove_inclusion(&source, index, size, &proof, NULL));
			definition_path(t->nodes[0], index, size, &expected);
			assert_same_proof(&proof, &expected);
			assert_ok(merkle_verify_inclusion(&t->nodes[0][index], index, size, &proof, &root, NULL));
		}
	}
}

static void every_consistency_proof_is_the_definitions_and_verifies(void **state)
{
	CLEANUP(free_p) struct tree *t = new_tree();
	struct merkle_source source = {give_node, t};
	(void)state;

	for (uint64_t size = 1; size <= 70; size++) {
		struct merkle_head newer = {size, support_root(t->nodes[0], size)};

		for (uint64_t old_size = 1; old_size <= size; old_size++) {
			struct merkle_head older = {old_size, support_root(t->nodes[0], old_size)};
			struct merkle_proof proof, expected = {.count = 0};

			assert_ok(merkle_prove_consistency(&source, old_size, size, &proof, NULL));
			definition_subproof(t->nodes[0], old_size, size, true, &expected);
			assert_same_proof(&proof, &expected);
			assert_ok(merkle_verify_consistency(&older, &newer, &proof, NULL));
		}
	}
}

/* --- forgeries ---------------------------------------------------------------------------------------------------- */

static void a_proof_serves_one_leaf_at_one_index_of_one_size(void **state)
{
	CLEANUP(free_p) struct tree *t = new_tree();
	struct merkle_source source = {give_node, t};
	struct merkle_hash root = support_root(t->nodes[0], 37);
	struct merkle_proof proof;
	(void)state;

	for (uint64_t index = 0; index < 37; index++) {
		assert_ok(merkle_prove_inclusion(&source, index, 37, &proof, NULL));
		for (uint64_t other = 0; other < 37; other++) {
			if (other == index)
				continue;
			assert_int_equal(merkle_verify_inclusion(&t->nodes[0][other], index, 37, &proof, &root, NULL),
			                 ERR_TAMPERED);
			assert_int_equal(merkle_verify_inclusion(&t->nodes[0][index], other, 37, &proof, &root, NULL),
			                 ERR_TAMPERED);
		}
		assert_int_equal(merkle_verify_inclusion(&t->nodes[0][index], index, index, &proof, &root, NULL),
		                 ERR_INVALID);
	}
}

static void remove_hash(struct merkle_proof *proof, size_t at)
{
	proof->count--;
	for (size_t i = at; i < proof->count; i++)
		proof->hashes[i] = proof->hashes[i + 1];
}

static void repeat_hash(struct merkle_proof *proof, size_t at)
{
	for (size_t i = proof->count++; i > at; i--)
		proof->hashes[i] = proof->hashes[i - 1];
}

static void any_altered_missing_or_added_hash_is_found(void **state)
{
	CLEANUP(free_p) struct tree *t = new_tree();
	struct merkle_source source = {give_node, t};
	struct merkle_head older = {37, support_root(t->nodes[0], 37)}, newer = {150, support_root(t->nodes[0], 150)};
	struct merkle_proof good, bad;
	(void)state;

	assert_ok(merkle_prove_consistency(&source, 37, 150, &good, NULL));
	for (size_t i = 0; i < good.count; i++) {
		bad = good;
		bad.hashes[i].bytes[i % 32] ^= 0x10;
		assert_int_equal(merkle_verify_consistency(&older, &newer, &bad, NULL), ERR_TAMPERED);
		bad = good;
		remove_hash(&bad, i);
		assert_int_equal(merkle_verify_consistency(&older, &newer, &bad, NULL), ERR_TAMPERED);
		bad = good;
		repeat_hash(&bad, i);
		assert_int_equal(merkle_verify_consistency(&older, &newer, &bad, NULL), ERR_TAMPERED);
	}
	bad = good;
	bad.count = MERKLE_PROOF_HASHES_MAX;
	assert_int_equal(merkle_verify_consistency(&older, &newer, &bad, NULL), ERR_TAMPERED);
	bad.count = 0;
	assert_int_equal(merkle_verify_consistency(&older, &newer, &bad, NULL), ERR_TAMPERED);
	assert_int_equal(merkle_verify_consistency(&newer, &older, &good, NULL), ERR_INVALID);
}

static void from_nothing_everything_follows_but_nothing_must_be_nothing(void **state)
{
	struct merkle_head empty = {.size = 0}, some = {.size = 3, .root = {{1}}};
	struct merkle_proof none = {.count = 0}, one = {.count = 1};
	(void)state;

	merkle_empty_root(&empty.root);
	assert_ok(merkle_verify_consistency(&empty, &some, &none, NULL));
	assert_ok(merkle_verify_consistency(&empty, &empty, &none, NULL));
	assert_int_equal(merkle_verify_consistency(&empty, &some, &one, NULL), ERR_TAMPERED);
	empty.root.bytes[0] ^= 1;
	assert_int_equal(merkle_verify_consistency(&empty, &some, &none, NULL), ERR_TAMPERED);
}

static void proving_beyond_the_tree_is_refused(void **state)
{
	CLEANUP(free_p) struct tree *t = new_tree();
	struct merkle_source source = {give_node, t};
	struct merkle_proof proof = {.count = 77};
	(void)state;

	assert_int_equal(merkle_prove_inclusion(&source, 5, 5, &proof, NULL), ERR_INVALID);
	assert_int_equal(merkle_prove_inclusion(&source, 0, 0, &proof, NULL), ERR_INVALID);
	assert_int_equal(merkle_prove_consistency(&source, 6, 5, &proof, NULL), ERR_INVALID);
	assert_int_equal(merkle_prove_inclusion(&source, 0, 300, &proof, NULL), ERR_INTERNAL);
	assert_int_equal(proof.count, 77);
}

/* The largest trees there can be: the arithmetic must hold at the end of 64 bits. */
static int give_any_node(void *context, unsigned height, uint64_t index, struct merkle_hash *ret_hash, struct why *why)
{
	(void)context;
	(void)why;
	*ret_hash = (struct merkle_hash){.bytes = {(uint8_t)height, (uint8_t)index}};
	return ERR_OK;
}

static void the_largest_tree_has_proofs_of_64_hashes(void **state)
{
	struct merkle_source source = {give_any_node, NULL};
	struct merkle_hash root, leaf = {{0}};
	struct merkle_proof proof;
	(void)state;

	assert_ok(merkle_prove_inclusion(&source, 0, UINT64_MAX, &proof, NULL));
	assert_int_equal(proof.count, 64);
	assert_ok(merkle_source_root(&source, UINT64_MAX, &root, NULL));
	assert_int_equal(merkle_verify_inclusion(&leaf, 0, UINT64_MAX, &proof, &root, NULL), ERR_TAMPERED);
	assert_ok(merkle_prove_consistency(&source, UINT64_MAX - 1, UINT64_MAX, &proof, NULL));
	assert_int_equal(proof.count, 64);
}

static void large_entries_are_hashed_like_small_ones(void **state)
{
	CLEANUP(free_p) uint8_t *entry = calloc(1, LOG_ENTRY_BYTES_MAX);
	/* SHA-256 of 65,536 zero bytes, and of 1,024: one zero for the prefix, the rest the entry. */
	static const char largest[] = "de2f256064a0af797747c2b97505dc0b9f3df0de4f489eac731c23ae9ca9cc31";
	static const char kibibyte[] = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
	struct merkle_hash hash;
	char hex[65];
	(void)state;

	merkle_leaf_hash(slice_of(entry, LOG_ENTRY_BYTES_MAX), &hash);
	hex_encode(slice_of(hash.bytes, 32), hex);
	assert_string_equal(hex, largest);
	merkle_leaf_hash(slice_of(entry, 1023), &hash);
	hex_encode(slice_of(hash.bytes, 32), hex);
	assert_string_equal(hex, kibibyte);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_inclusion_proofs_are_judged_rightly),
		cmocka_unit_test(the_published_consistency_proofs_are_judged_rightly),
		cmocka_unit_test(the_published_roots_of_0_to_8_leaves_come_out),
		cmocka_unit_test(appending_gives_the_roots_of_the_definition),
		cmocka_unit_test(every_inclusion_proof_is_the_definitions_and_verifies),
		cmocka_unit_test(every_consistency_proof_is_the_definitions_and_verifies),
		cmocka_unit_test(a_proof_serves_one_leaf_at_one_index_of_one_size),
		cmocka_unit_test(any_altered_missing_or_added_hash_is_found),
		cmocka_unit_test(from_nothing_everything_follows_but_nothing_must_be_nothing),
		cmocka_unit_test(proving_beyond_the_tree_is_refused),
		cmocka_unit_test(the_largest_tree_has_proofs_of_64_hashes),
		cmocka_unit_test(large_entries_are_hashed_like_small_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
