/* continuity.h: whether a log goes on from a checkpoint that somebody saved, told from the public tiles alone: for
 * whoever watches a log without trusting it. */
#pragma once
#include "audit/tiles.h"
#include "audit/trust.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* Where tiles come from: appends the content of one, over the network or from files. */
struct tile_fetch {
	int (*fetch)(void *context, const struct tile_path *path, struct buf *into, struct why *reterr_why);
	void *context;
};

/* Hashes of a tree of `size` leaves from its tiles; what is fetched is checked for its length only, so the proofs made
 * from it have to be verified. `source` is borrowed by what it gives. */
struct tile_source {
	struct tile_fetch fetch;
	uint64_t size;
};
struct merkle_source tile_source(struct tile_source *source);

struct continuity {
	struct merkle_head older, newer;
};

/* Opens both signed checkpoints and verifies that the newer log is the older one with leaves appended, fetching the
 * tiles that this takes (none if the sizes are equal). ERR_TAMPERED if it is not, or if the newer one is the smaller;
 * of a checkpoint, as trust_checkpoint_open(); of fetching, its own. */
MUST_USE int continuity_verify(struct slice older, struct slice newer, const struct trust *trust,
                               const struct tile_fetch *fetch, struct continuity *ret_continuity,
                               struct why *reterr_why);
