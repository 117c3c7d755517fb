/* mark.h: up to where the derived files of a ledger are durable, and the heads of all chains there.
 *
 * Signed with the log's key: what the next leaves link to must not be somebody else's word. Losing the mark loses
 * nothing: without it, everything is derived from the journal again. */
#pragma once
#include "audit/chains.h"
#include "audit/checkpoint.h"
#include "audit/journal.h"
#include "audit/merkle.h"
#include "audit/note.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct mark {
	struct merkle_head head;
	struct journal_place place; /* of the first frame that is not covered */
	uint64_t time_ms;
};

/* Appends the mark with all chains. */
MUST_USE int mark_put(const struct mark *mark, const struct chains *producers, const struct chains *accounts,
                      const struct note_signer *signer, struct buf *into, struct why *reterr_why);

/* Verifies a mark and reads it; the chains must be empty. ERR_TAMPERED if it is not what the log's key signed. */
MUST_USE int mark_open(struct slice bytes, const struct note_verifier *verifier, struct mark *ret_mark,
                       struct chains *producers, struct chains *accounts, struct why *reterr_why);
