#include "audit/merkle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"

enum { SMALL_ENTRY_BYTES = 1023 };

/* Entries of other people's logs; ours are small. A frame of its own, so that the usual ones do not pay for it. */
static __attribute__((noinline)) void large_leaf_hash(struct slice entry, struct merkle_hash *ret_hash)
{
	uint8_t prefixed[1 + LOG_ENTRY_BYTES_MAX];

	if (entry.len > LOG_ENTRY_BYTES_MAX)
		abort(); /* a defect of ours: entries are bounded where they are read */
	prefixed[0] = 0x00;
	memcpy(prefixed + 1, entry.ptr, entry.len);
	sha256(slice_of(prefixed, 1 + entry.len), ret_hash->bytes);
}

void merkle_leaf_hash(struct slice entry, struct merkle_hash *ret_hash)
{
	uint8_t prefixed[1 + SMALL_ENTRY_BYTES];

	if (entry.len > SMALL_ENTRY_BYTES) {
		large_leaf_hash(entry, ret_hash);
		return;
	}
	prefixed[0] = 0x00;
	if (entry.len)
		memcpy(prefixed + 1, entry.ptr, entry.len);
	sha256(slice_of(prefixed, 1 + entry.len), ret_hash->bytes);
}

void merkle_node_hash(const struct merkle_hash *left, const struct merkle_hash *right, struct merkle_hash *ret_hash)
{
	uint8_t bytes[1 + 2 * MERKLE_HASH_BYTES];

	bytes[0] = 0x01;
	memcpy(bytes + 1, left->bytes, MERKLE_HASH_BYTES);
	memcpy(bytes + 1 + MERKLE_HASH_BYTES, right->bytes, MERKLE_HASH_BYTES);
	sha256(slice_of(bytes, sizeof bytes), ret_hash->bytes);
}

void merkle_empty_root(struct merkle_hash *ret_hash)
{
	sha256(slice_of(NULL, 0), ret_hash->bytes);
}

bool merkle_hash_equal(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return slice_equal(slice_of(a->bytes, MERKLE_HASH_BYTES), slice_of(b->bytes, MERKLE_HASH_BYTES));
}

/* --- verifying -------------------------------------------------------------------------------------------------- */

/* The walk from a node up to the root, as the RFC has it: `at` is the node, `last` the tree's last node, both at the
 * height reached so far. */
struct walk {
	uint64_t at;
	uint64_t last;
};

/* Whether the next hash of the proof stands to the left of what has been computed. */
static bool walk_is_right_child(const struct walk *w)
{
	return (w->at & 1) || w->at == w->last;
}

/* After a left sibling, the levels at which the last node has no sibling at all are passed over. */
static void walk_up(struct walk *w)
{
	if (walk_is_right_child(w))
		while (!(w->at & 1) && w->at) {
			w->at >>= 1;
			w->last >>= 1;
		}
	w->at >>= 1;
	w->last >>= 1;
}

int merkle_verify_inclusion(const struct merkle_hash *leaf, uint64_t index, uint64_t size,
                            const struct merkle_proof *proof, const struct merkle_hash *root, struct why *reterr_why)
{
	struct merkle_hash hash = *leaf;
	struct walk w;

	ENSURE(index < size, ERR_INVALID, reterr_why, "leaf %" PRIu64 " is not in a tree of %" PRIu64 " leaves", index,
	       size);
	w = (struct walk){index, size - 1};
	for (size_t i = 0; i < proof->count; i++) {
		ENSURE(w.last > 0, ERR_TAMPERED, reterr_why, "the inclusion proof has hashes left over");
		if (walk_is_right_child(&w))
			merkle_node_hash(&proof->hashes[i], &hash, &hash);
		else
			merkle_node_hash(&hash, &proof->hashes[i], &hash);
		walk_up(&w);
	}
	ENSURE(w.last == 0, ERR_TAMPERED, reterr_why, "the inclusion proof is too short");
	ENSURE(merkle_hash_equal(&hash, root), ERR_TAMPERED, reterr_why,
	       "the inclusion proof of leaf %" PRIu64 " does not lead to the root of %" PRIu64 " leaves", index, size);
	return ERR_OK;
}

static bool is_power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

/* Both roots from one proof; `older` is neither empty nor as large as `newer`. */
static int walk_consistency(const struct merkle_head *older, const struct merkle_head *newer,
                            const struct merkle_proof *proof, struct why *reterr_why)
{
	struct walk w = {older->size - 1, newer->size - 1};
	struct merkle_hash first, old_root, new_root;
	size_t next = 0;

	while (w.at & 1) {
		w.at >>= 1;
		w.last >>= 1;
	}
	ENSURE(proof->count > 0, ERR_TAMPERED, reterr_why, "the consistency proof is empty");
	/* The older tree is itself a subtree of the newer one when its size is a power of two; else the proof begins
	 * with the subtree that they share. */
	first = is_power_of_two(older->size) ? older->root : proof->hashes[next++];
	old_root = new_root = first;
	for (; next < proof->count; next++) {
		const struct merkle_hash *hash = &proof->hashes[next];

		ENSURE(w.last > 0, ERR_TAMPERED, reterr_why, "the consistency proof has hashes left over");
		if (walk_is_right_child(&w)) {
			merkle_node_hash(hash, &old_root, &old_root);
			merkle_node_hash(hash, &new_root, &new_root);
		} else {
			merkle_node_hash(&new_root, hash, &new_root);
		}
		walk_up(&w);
	}
	ENSURE(w.last == 0, ERR_TAMPERED, reterr_why, "the consistency proof is too short");
	ENSURE(merkle_hash_equal(&old_root, &older->root) && merkle_hash_equal(&new_root, &newer->root), ERR_TAMPERED,
	       reterr_why, "the tree of %" PRIu64 " leaves is not the beginning of the tree of %" PRIu64 " leaves",
	       older->size, newer->size);
	return ERR_OK;
}

int merkle_verify_consistency(const struct merkle_head *older, const struct merkle_head *newer,
                              const struct merkle_proof *proof, struct why *reterr_why)
{
	struct merkle_hash empty;

	ENSURE(older->size <= newer->size, ERR_INVALID, reterr_why,
	       "a tree of %" PRIu64 " leaves is not older than one of %" PRIu64, older->size, newer->size);
	if (older->size > 0 && older->size < newer->size)
		return walk_consistency(older, newer, proof, reterr_why);
	ENSURE(proof->count == 0, ERR_TAMPERED, reterr_why, "a consistency proof where none is needed");
	if (older->size == newer->size) {
		ENSURE(merkle_hash_equal(&older->root, &newer->root), ERR_TAMPERED, reterr_why,
		       "two different trees of %" PRIu64 " leaves", older->size);
		return ERR_OK;
	}
	merkle_empty_root(&empty);
	ENSURE(merkle_hash_equal(&older->root, &empty), ERR_TAMPERED, reterr_why,
	       "the root of a tree without leaves is not the hash of nothing");
	return ERR_OK;
}

/* --- appending -------------------------------------------------------------------------------------------------- */

void merkle_range_append(struct merkle_range *range, const struct merkle_hash *leaf, const struct merkle_sink *sink)
{
	size_t count = (size_t)__builtin_popcountll(range->size);
	struct merkle_hash hash = *leaf;
	unsigned height = 0;

	if (sink)
		sink->node(sink->context, 0, range->size, &hash);
	/* As in binary addition: each subtree of the height that has just become complete merges with it. */
	while (range->size >> height & 1) {
		merkle_node_hash(&range->nodes[--count], &hash, &hash);
		height++;
		if (sink)
			sink->node(sink->context, height, range->size >> height, &hash);
	}
	range->nodes[count] = hash;
	range->size++;
}

void merkle_range_root(const struct merkle_range *range, struct merkle_hash *ret_root)
{
	size_t count = (size_t)__builtin_popcountll(range->size);

	if (count == 0) {
		merkle_empty_root(ret_root);
		return;
	}
	*ret_root = range->nodes[--count];
	while (count)
		merkle_node_hash(&range->nodes[--count], ret_root, ret_root);
}

/* --- proving ---------------------------------------------------------------------------------------------------- */

/* The hash of the leaves [begin, end), where `begin` is a multiple of the largest power of two below their number: the
 * perfect subtrees they are made of, from the left, combined from the right. */
static int subtree_hash(const struct merkle_source *source, uint64_t begin, uint64_t end, struct merkle_hash *ret_hash,
                        struct why *reterr_why)
{
	struct merkle_hash parts[64];
	size_t count = 0;

	while (begin < end) {
		unsigned height = 63 - (unsigned)__builtin_clzll(end - begin);

		TRY(source->node(source->context, height, begin >> height, &parts[count++], reterr_why));
		begin += (uint64_t)1 << height;
	}
	while (count > 1) {
		merkle_node_hash(&parts[count - 2], &parts[count - 1], &parts[count - 2]);
		count--;
	}
	*ret_hash = parts[0];
	return ERR_OK;
}

int merkle_source_root(const struct merkle_source *source, uint64_t size, struct merkle_hash *ret_root,
                       struct why *reterr_why)
{
	if (size > 0)
		return subtree_hash(source, 0, size, ret_root, reterr_why);
	merkle_empty_root(ret_root);
	return ERR_OK;
}

/* Appends the siblings on the way from node (height, at) to the root of `size` leaves. */
static int put_siblings(const struct merkle_source *source, unsigned height, uint64_t at, uint64_t size,
                        struct merkle_proof *proof, struct why *reterr_why)
{
	uint64_t last = (size - 1) >> height;

	for (; last > 0; height++, at >>= 1, last >>= 1) {
		uint64_t sibling = at ^ 1;
		struct merkle_hash *hash = &proof->hashes[proof->count];

		if (sibling > last) /* the last node, and on the left of nothing: it moves up unchanged */
			continue;
		if (sibling < last)
			TRY(source->node(source->context, height, sibling, hash, reterr_why));
		else
			TRY(subtree_hash(source, sibling << height, size, hash, reterr_why));
		proof->count++;
	}
	return ERR_OK;
}

int merkle_prove_inclusion(const struct merkle_source *source, uint64_t index, uint64_t size,
                           struct merkle_proof *ret_proof, struct why *reterr_why)
{
	struct merkle_proof proof = {.count = 0};

	ENSURE(index < size, ERR_INVALID, reterr_why, "leaf %" PRIu64 " is not in a tree of %" PRIu64 " leaves", index,
	       size);
	TRY(put_siblings(source, 0, index, size, &proof, reterr_why));
	*ret_proof = proof;
	return ERR_OK;
}

int merkle_prove_consistency(const struct merkle_source *source, uint64_t older_size, uint64_t size,
                             struct merkle_proof *ret_proof, struct why *reterr_why)
{
	struct merkle_proof proof = {.count = 0};
	unsigned height;
	uint64_t at;

	ENSURE(older_size <= size, ERR_INVALID, reterr_why,
	       "a tree of %" PRIu64 " leaves is not older than one of %" PRIu64, older_size, size);
	if (older_size > 0 && older_size < size) {
		/* The last perfect subtree of the older tree: both trees hold it. */
		height = (unsigned)__builtin_ctzll(older_size);
		at = (older_size >> height) - 1;
		if (at > 0)
			TRY(source->node(source->context, height, at, &proof.hashes[proof.count++], reterr_why));
		TRY(put_siblings(source, height, at, size, &proof, reterr_why));
	}
	*ret_proof = proof;
	return ERR_OK;
}
