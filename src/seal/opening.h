/* opening.h: what opening a sealed file begins with, as a stream or at random: the head, the key, the message taken up.
 * Internal to seal/. */
#pragma once
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/chunked.h"
#include "seal/head.h"
#include "seal/seal.h"
#include "seal/wraps.h"

struct seal_opening {
	struct buf *head_bytes;
	struct seal_core core;
	struct chunked *message;
	uint64_t chunks_at; /* offset from where the sealed file begins */
};

/* Reads the head from where `fd` stands, finds the data key, takes up the message; `fd` then stands at the first chunk.
 * Errors as seal_open_stream() has them. */
MUST_USE int seal_opening_begin(struct seal_opening *o, int fd, const struct seal_wraps *sidecar,
                                const struct seal_key_source *source, struct why *reterr_why);
void seal_opening_clear(struct seal_opening *o);

/* Authenticates the last of `chunks_bytes` bytes of chunks at offset `start`: then the message is neither longer nor
 * shorter than it was sealed. */
MUST_USE int seal_opening_check_end(struct chunked *message, int fd, uint64_t start, uint64_t chunks_bytes,
                                    struct why *reterr_why);
