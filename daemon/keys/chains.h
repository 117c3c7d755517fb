/* chains.h: bodies with signed chunks that are on their way: front hashes the chunks, keys checks their signatures. */
#pragma once
#include "base/limits.h"
#include "daemon/link/front_keys.h"
#include "iam/signature.h"

struct keys_chain {
	uint32_t handle;   /* 0: free */
	uint16_t instance; /* the link that it belongs to */
	bool wants_trailer;
	uint64_t begun_ms;
	struct sigv4 auth;
	struct iam_chunk_chain chain;
};

struct keys_chains {
	uint32_t last;
	struct keys_chain list[KEYS_CHAINS_MAX];
};

/* Begins a chain after a request whose signature was checked. A link has one request at a time: what it left unfinished
 * is dropped. ERR_UNAVAILABLE when too many are under way. */
MUST_USE int keys_chains_begin(struct keys_chains *c, struct iam *iam, const struct sigv4 *auth, uint16_t instance,
                               uint32_t *ret_handle, struct why *reterr_why);

/* Checks chunks in order. ERR_DENIED names the first that does not verify, and ends the chain; ERR_NOTFOUND for a
 * handle that is not this link's. */
MUST_USE int keys_chains_verify(struct keys_chains *c, uint16_t instance, const struct s3_chunks *chunks,
                                struct why *reterr_why);

/* Drops what a link left unfinished. */
void keys_chains_drop(struct keys_chains *c, uint16_t instance);
void keys_chains_clear(struct keys_chains *c);
