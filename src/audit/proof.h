/* proof.h: that an entry is in a log, as a file that anybody can check without the log (C2SP tlog-proof). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "audit/merkle.h"
#include "audit/trust.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct tlog_proof {
	struct slice extra_base64; /* unauthenticated; empty if there is none */
	uint64_t index;
	struct merkle_proof path;
	struct slice checkpoint; /* verbatim, with its signatures */
};

/* Reads a .tlog-proof; slices point into `text`. ERR_INVALID, ERR_LIMIT over TLOG_PROOF_BYTES_MAX or
 * MERKLE_PROOF_HASHES_MAX. Nothing is verified. */
MUST_USE int tlog_proof_parse(struct slice text, struct tlog_proof *ret_proof, struct why *reterr_why);

/* Appends the text of a proof. */
MUST_USE int tlog_proof_put(const struct tlog_proof *proof, struct buf *into, struct why *reterr_why);

/* Verifies that a leaf is in the log at the proof's index, under a checkpoint that satisfies the trust. Fills what it
 * proves: the head, and when the witnesses had seen it (trust.h). ERR_TAMPERED, ERR_NOTFOUND, ERR_DENIED. */
struct tlog_proof_result {
	struct merkle_head head;
	uint64_t time_s;
};
MUST_USE int tlog_proof_verify(const struct tlog_proof *proof, const struct merkle_hash *leaf,
                               const struct trust *trust, struct tlog_proof_result *ret_result, struct why *reterr_why);
