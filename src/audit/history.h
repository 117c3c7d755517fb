/* history.h: where each leaf's record lies in the journal, and each account's records in their order.
 *
 * One entry of fixed size per leaf, in a file that is derived from the journal. The entries of one account are a list
 * linked from the newest to the oldest; each also holds a far link, so that any number or moment in it is found in
 * logarithmic time. The far links are those of Myers' random-access lists: two jumps of equal length become one. */
#pragma once
#include <stdint.h>

#include "audit/journal.h"
#include "base/err.h"
#include "base/slice.h"

#define HISTORY_ENTRY_BYTES 48
#define HISTORY_NONE UINT64_MAX

struct history_entry {
	struct journal_place place;
	uint64_t time_ms;     /* when the ledger appended it; never less than the entry before */
	uint64_t account_seq; /* from 1 */
	uint64_t prev;        /* leaf index of the account's previous record, HISTORY_NONE for its first */
	uint64_t far;         /* leaf index of an earlier one, HISTORY_NONE for the first */
	uint64_t far_seq;     /* its number in the account, 0 for none */
};

void history_entry_encode(const struct history_entry *entry, uint8_t out[static HISTORY_ENTRY_BYTES]);
void history_entry_decode(const uint8_t bytes[static HISTORY_ENTRY_BYTES], struct history_entry *ret_entry);

/* Gives the entry of a leaf. */
struct history_source {
	int (*entry)(void *context, uint64_t leaf_index, struct history_entry *ret_entry, struct why *reterr_why);
	void *context;
};

/* Fills the links of the entry that follows the account's record at `prev` (HISTORY_NONE for its first). */
MUST_USE int history_link(const struct history_source *source, uint64_t prev, struct history_entry *entry,
                          struct why *reterr_why);

/* The leaf index of the newest of the account's records, from `newest` back, whose number is at most `seq` and whose
 * time is at most `time_ms`. HISTORY_NONE if there is none. ERR_TAMPERED if the links do not lead back. */
MUST_USE int history_find(const struct history_source *source, uint64_t newest, uint64_t seq, uint64_t time_ms,
                          uint64_t *ret_leaf_index, struct why *reterr_why);
