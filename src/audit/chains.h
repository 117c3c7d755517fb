/* chains.h: the last link of every producer's and every account's chain, in memory, with one batch of undo. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "audit/merkle.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/slice.h"

#define CHAIN_NAME_BYTES_MAX 64
#define CHAIN_NO_LEAF UINT64_MAX

struct chain {
	char name[CHAIN_NAME_BYTES_MAX + 1];
	uint64_t seq;            /* of its last link, from 1 */
	uint64_t leaf_index;     /* of its last link */
	struct merkle_hash hash; /* leaf hash of its last link */
};

struct chains;

/* `what` names the links' owners in sentences ("producers"); at most `max` of them. */
MUST_USE int chains_new(const char *what, size_t max, struct chains **ret_chains, struct why *reterr_why);
void chains_free(struct chains *c);
void chains_freep(struct chains **c);

/* NULL if it has no link yet. Borrowed until the next chains_advance() or chains_revert(). */
const struct chain *chains_find(const struct chains *c, struct slice name);

/* Sets the last link; a new name is added. ERR_LIMIT when there are too many names. */
MUST_USE int chains_advance(struct chains *c, struct slice name, const struct chain *link, struct why *reterr_why);

/* Makes all that was advanced final, or undoes what was advanced since chains_savepoint() (0: since chains_keep()). */
void chains_keep(struct chains *c);
size_t chains_savepoint(const struct chains *c);
void chains_revert(struct chains *c, size_t savepoint);

/* All of them, in no particular order that matters: for the mark. */
size_t chains_count(const struct chains *c);
const struct chain *chains_at(const struct chains *c, size_t i);
