/* merkle.h: the Merkle tree of a log (RFC 6962 section 2.1): hashing, verifying proofs, making them, appending.
 *
 * All of it is arithmetic over hashes. A perfect subtree is named by its height and its index at that height: leaf i is
 * (0, i), and (h, i) covers the leaves [i * 2^h, (i + 1) * 2^h). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/slice.h"

#define MERKLE_HASH_BYTES 32

struct merkle_hash {
	uint8_t bytes[MERKLE_HASH_BYTES];
};

/* SHA-256(0x00 || entry), for an entry of at most LOG_ENTRY_BYTES_MAX bytes; SHA-256(0x01 || left || right); the root
 * of no leaves. */
void merkle_leaf_hash(struct slice entry, struct merkle_hash *ret_hash);
void merkle_node_hash(const struct merkle_hash *left, const struct merkle_hash *right, struct merkle_hash *ret_hash);
void merkle_empty_root(struct merkle_hash *ret_hash);
bool merkle_hash_equal(const struct merkle_hash *a, const struct merkle_hash *b);

struct merkle_proof {
	struct merkle_hash hashes[MERKLE_PROOF_HASHES_MAX];
	size_t count;
};

/* Verifies that `leaf` is leaf number `index` of the tree of `size` leaves with that root (RFC 9162 section 2.1.3.2).
 * ERR_INVALID if there is no such index, ERR_TAMPERED if the proof does not lead to the root. */
MUST_USE int merkle_verify_inclusion(const struct merkle_hash *leaf, uint64_t index, uint64_t size,
                                     const struct merkle_proof *proof, const struct merkle_hash *root,
                                     struct why *reterr_why);

struct merkle_head {
	uint64_t size;
	struct merkle_hash root;
};

/* Verifies that the tree `older` is a prefix of `newer` (RFC 9162 section 2.1.4.2). From the empty tree everything
 * follows, with an empty proof. ERR_INVALID if `older` is the larger one, ERR_TAMPERED if they do not fit. */
MUST_USE int merkle_verify_consistency(const struct merkle_head *older, const struct merkle_head *newer,
                                       const struct merkle_proof *proof, struct why *reterr_why);

/* The perfect subtrees that a tree of `size` leaves is made of, the largest first: all that appending needs. */
struct merkle_range {
	uint64_t size;
	struct merkle_hash nodes[64];
};

/* Told of each perfect subtree as it becomes complete, the leaf itself (height 0) first. */
struct merkle_sink {
	void (*node)(void *context, unsigned height, uint64_t index, const struct merkle_hash *hash);
	void *context;
};

/* Appends a leaf; `sink` may be NULL. */
void merkle_range_append(struct merkle_range *range, const struct merkle_hash *leaf, const struct merkle_sink *sink);
void merkle_range_root(const struct merkle_range *range, struct merkle_hash *ret_root);

/* Where proofs take their hashes from: gives the hash of a perfect subtree of the tree. */
struct merkle_source {
	int (*node)(void *context, unsigned height, uint64_t index, struct merkle_hash *ret_hash,
	            struct why *reterr_why);
	void *context;
};

/* The root of the first `size` leaves. */
MUST_USE int merkle_source_root(const struct merkle_source *source, uint64_t size, struct merkle_hash *ret_root,
                                struct why *reterr_why);

/* The proofs that the two functions above verify (RFC 6962 sections 2.1.1 and 2.1.2). ERR_INVALID for an index or a
 * size beyond `size`. */
MUST_USE int merkle_prove_inclusion(const struct merkle_source *source, uint64_t index, uint64_t size,
                                    struct merkle_proof *ret_proof, struct why *reterr_why);
MUST_USE int merkle_prove_consistency(const struct merkle_source *source, uint64_t older_size, uint64_t size,
                                      struct merkle_proof *ret_proof, struct why *reterr_why);
