/* own_records.h: what the ledger itself writes into the log, and the one kind of record that it must be able to read
 * back when keys is sealed or gone: the generation of keys' database.
 *
 * All of these are sealed under a key of the ledger's own. They name no person and no data. */
#pragma once
#include <stdbool.h>

#include "audit/record.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "daemon/link/keys_ledger.h"

#define LEDGER_OPERATOR "operator"
#define LEDGER_OWN_PRODUCER "ledger"

/* The id under which records name the ledger's own key: an hour that never comes. */
extern const uint8_t own_key_id[RECORD_KEY_ID_BYTES];

/* Appends a canonical record of the ledger's own with these requestParameters (canonical JSON). */
MUST_USE int own_record_put(const char *event_name, struct slice parameters, struct buf *into, struct why *reterr_why);

/* The parameters of LedgerStarted: what was found, and the state, so that it is never far back in the log. */
struct own_start {
	uint64_t leaves, torn_bytes;
	uint32_t starts;
	const struct ledger_state *state;
};
MUST_USE int own_start_put(const struct own_start *start, struct buf *into, struct why *reterr_why);

/* Whether a record tells a generation of keys' database, as keys' DatabaseGeneration and LedgerStarted do. ERR_INVALID
 * if it is such a record and not a right one. The text may be anything. */
MUST_USE int own_record_state(struct slice record, bool *ret_is_state, struct ledger_state *ret_state,
                              struct why *reterr_why);

/* Whether a record is administration: something that the operator account did, and that was not refused. The record is
 * canonical. */
bool own_record_is_administration(const struct ledger_entry *entry);
