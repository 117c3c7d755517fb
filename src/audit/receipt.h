/* receipt.h: one opened record with all that proves it was logged: leaf, salt and inclusion proof, as canonical JSON
 * (docs/protocol/log.md). Whoever holds it needs the log's key and nothing else. */
#pragma once
#include "audit/leaf.h"
#include "audit/proof.h"
#include "audit/trust.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct receipt {
	struct slice leaf;   /* the entry of the log, as logged */
	struct slice record; /* as hashed */
	uint8_t salt[SALT_BYTES];
};

/* Appends {"leaf":…,"proof":"…","record":…,"salt":"…","v":1}; `proof` is the text of a .tlog-proof. */
MUST_USE int receipt_put(const struct receipt *receipt, struct slice proof, struct buf *into, struct why *reterr_why);

/* Reads a receipt; slices point into `text`, the proof's text is appended to `proof_into`. Nothing is verified.
 * ERR_INVALID, also for one that is not canonical JSON; ERR_LIMIT over RECEIPT_BYTES_MAX. */
MUST_USE int receipt_parse(struct slice text, struct receipt *ret_receipt, struct buf *proof_into,
                           struct why *reterr_why);

struct receipt_result {
	struct leaf leaf;    /* borrows from the receipt's text */
	struct slice record; /* likewise */
	uint64_t index;
	struct tlog_proof_result proof;
};

/* Verifies everything: salt and record lead to the leaf's commitment, the leaf to the checkpoint's root, and the
 * checkpoint satisfies the trust. ERR_TAMPERED if one of them does not; else as tlog_proof_verify(). */
MUST_USE int receipt_verify(struct slice text, const struct trust *trust, struct receipt_result *ret_result,
                            struct why *reterr_why);
