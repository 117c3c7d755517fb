/* leaf.h: the leaves of our own log (docs/protocol/log.md): who wrote the how-manieth record, after which one, and a
 * salted commitment to it. Nothing else is public, so tiles can be served to everybody. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "audit/merkle.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define SALT_BYTES 32

struct leaf {
	struct slice producer;
	uint64_t seq;            /* the producer's own count, from 1 to CANON_NUMBER_MAX; a gap shows what was lost */
	bool has_prev;           /* false for the first leaf of this producer in this log */
	struct merkle_hash prev; /* leaf hash of the producer's previous leaf */
	uint8_t commit[MERKLE_HASH_BYTES];
};

/* Appends {"commit":…,"prev":…,"producer":…,"seq":…,"v":1}. ERR_INVALID for a producer or a number that no leaf has. */
MUST_USE int leaf_put(const struct leaf *leaf, struct buf *into, struct why *reterr_why);

/* Reads a leaf in its one spelling; the producer is borrowed from the text. ERR_INVALID, ERR_LIMIT. */
MUST_USE int leaf_parse(struct slice text, struct leaf *ret_leaf, struct why *reterr_why);

/* 1 to LEAF_PRODUCER_BYTES_MAX of letters, digits and "._-:@/". ERR_INVALID otherwise. */
MUST_USE int leaf_producer_check(struct slice producer, struct why *reterr_why);

/* What a leaf commits to a record by: SHA-256(lp(salt, record)). Without the salt it tells nothing of the record. */
void leaf_commit(const uint8_t salt[static SALT_BYTES], struct slice record,
                 uint8_t ret_commit[static MERKLE_HASH_BYTES]);
