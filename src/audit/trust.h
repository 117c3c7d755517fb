/* trust.h: whose word counts: a log's key, and the witnesses of whom so many must have seen a checkpoint. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "audit/checkpoint.h"
#include "audit/note.h"
#include "base/err.h"
#include "base/slice.h"

/* All borrowed; witnesses are verifiers of kind NOTE_COSIGNATURE. */
struct trust {
	const struct note_verifier *log;
	const struct note_verifier *witnesses[TRUST_WITNESSES_MAX];
	size_t witness_count;
	size_t quorum; /* 0: the log's signature is enough */
};

/* Reads a checkpoint that satisfies the trust. *ret_time_s is when the last witness that the quorum needs had seen it
 * (seconds since 1970), 0 if none is needed. ERR_TAMPERED for a wrong signature by anybody named in `trust`; ERR_DENIED
 * if too few witnesses have cosigned; else as checkpoint_open(). */
MUST_USE int trust_checkpoint_open(const struct trust *trust, struct slice bytes, struct merkle_head *ret_head,
                                   uint64_t *ret_time_s, struct why *reterr_why);
