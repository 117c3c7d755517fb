/* keys_ledger.h: what keys and front ask of ledger, and its answers (docs/protocol/front-keys.md). Decoded values
 * borrow from the message. */
#pragma once
#include "daemon/link/call.h"

enum {
	KEYS_LEDGER_APPEND = 0x2301,
	KEYS_LEDGER_ACCOUNT_KEY = 0x2302, /* a notice */
	KEYS_LEDGER_VIEW = 0x2303,
	KEYS_LEDGER_RECEIPT = 0x2304,
	KEYS_LEDGER_LAST_STATE = 0x2305,
	KEYS_LEDGER_HOURS = 0x2306,
	KEYS_LEDGER_RECEIPT_HOUR = 0x2307,
	FRONT_LEDGER_FETCH = 0x1301, /* from front: public data */
};

/* A record on its way into the log. */
struct ledger_entry {
	struct slice account; /* whose record it is: 12 digits, or "operator" */
	struct slice record;  /* canonical JSON */
};

/* APPEND: entries that become leaves in this order, in one commit. */
struct ledger_append {
	size_t count;
	struct ledger_entry entries[LEDGER_ENTRIES_PER_CALL_MAX];
};
MUST_USE int ledger_append_put(const struct ledger_append *append, struct buf *into, struct why *reterr_why);
MUST_USE int ledger_append_take(struct slice message, struct ledger_append *ret_append, struct why *reterr_why);

/* Its answer, once they are durable under a signed checkpoint. */
struct ledger_appended {
	uint64_t first_index;
	uint64_t tree_size;
};
MUST_USE int ledger_appended_put(const struct ledger_appended *appended, struct buf *into, struct why *reterr_why);
MUST_USE int ledger_appended_take(struct slice message, struct ledger_appended *ret_appended, struct why *reterr_why);

/* ACCOUNT_KEY, a notice: what records of this account and hour are sealed under from here on. */
struct ledger_account_key {
	struct slice account;
	uint64_t hour;    /* hours since 1970 */
	struct slice key; /* 32 bytes: move them to a struct secret at once */
};
MUST_USE int ledger_account_key_put(const struct ledger_account_key *key, struct buf *into, struct why *reterr_why);
MUST_USE int ledger_account_key_take(struct slice message, struct ledger_account_key *ret_key, struct why *reterr_why);

/* VIEW: an account's records, oldest first. */
struct ledger_view {
	struct slice account;
	uint64_t from_wall_ms, to_wall_ms; /* 0: no bound */
	struct slice event_name;           /* empty: any */
	uint64_t after_seq;                /* go on after this accountSeq */
	uint16_t limit;
};
MUST_USE int ledger_view_put(const struct ledger_view *view, struct buf *into, struct why *reterr_why);
MUST_USE int ledger_view_take(struct slice message, struct ledger_view *ret_view, struct why *reterr_why);

struct ledger_viewed_record {
	uint64_t account_seq;
	uint64_t index;      /* of its leaf */
	struct slice record; /* empty if it was erased, or its key was not sent */
};
struct ledger_viewed {
	bool has_more;     /* go on after last_seq */
	uint64_t last_seq; /* the last number that was looked at, whether its record matched or not */
	size_t count;
	struct ledger_viewed_record records[LEDGER_VIEW_RECORDS_MAX];
};
MUST_USE int ledger_viewed_put(const struct ledger_viewed *viewed, struct buf *into, struct why *reterr_why);
MUST_USE int ledger_viewed_take(struct slice message, struct ledger_viewed *ret_viewed, struct why *reterr_why);

/* HOURS: of the records that a VIEW with the same body would open, the hours whose keys ledger does not hold.
 * RECEIPT_HOUR: the same for a RECEIPT. keys sends those that exist (ACCOUNT_KEY), then asks for the view. */
struct ledger_hours {
	size_t count;
	uint64_t hours[LEDGER_HOURS_MAX];
};
MUST_USE int ledger_hours_put(const struct ledger_hours *hours, struct buf *into, struct why *reterr_why);
MUST_USE int ledger_hours_take(struct slice message, struct ledger_hours *ret_hours, struct why *reterr_why);

/* RECEIPT: one record of an account, opened, with its salt and its proof; the answer's body is the receipt as JSON. */
struct ledger_receipt {
	struct slice account;
	uint64_t index;
};
MUST_USE int ledger_receipt_put(const struct ledger_receipt *receipt, struct buf *into, struct why *reterr_why);
MUST_USE int ledger_receipt_take(struct slice message, struct ledger_receipt *ret_receipt, struct why *reterr_why);

/* LAST_STATE: an empty request; the newest database generation that the log holds, 0 and zeros if none: of the last
 * record of account "operator" with eventSource "config.cloister", eventName "DatabaseGeneration" and requestParameters
 * {"generation":<number>,"hash":"<64 lower-case hexadecimal digits>"}. */
struct ledger_state {
	uint64_t generation;
	uint8_t hash[32];
};
MUST_USE int ledger_state_put(const struct ledger_state *state, struct buf *into, struct why *reterr_why);
MUST_USE int ledger_state_take(struct slice message, struct ledger_state *ret_state, struct why *reterr_why);

/* FETCH: the path below /-/log/ as the client asked for it; the answer is a struct call_answer. */
