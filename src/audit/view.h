/* view.h: an account looks through its own records: `cloister audit ls`, from the newest back. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "audit/ledger.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct view_query {
	struct slice account;
	uint64_t from_ms; /* eventTime of the record, both bounds included; 0 and UINT64_MAX for all */
	uint64_t to_ms;
	struct slice event_name; /* empty: any */
	size_t limit;            /* 1 to VIEW_LIMIT_MAX */
	uint64_t before_seq; /* go on before this number of the account (a result's `next`); 0: begin at the newest */
};

/* One record that matches. Slices live until the callback returns. */
struct view_record {
	uint64_t index; /* of its leaf */
	uint64_t account_seq;
	struct slice record; /* empty if it was erased or its key destroyed; such records match by time of appending */
	bool is_erased;
};

struct view_result {
	size_t count;  /* records given */
	uint64_t next; /* before_seq of the next query, 0 when there is nothing further back */
};

/* Calls `each` for every match; an error of it ends the view and is returned. At most VIEW_SCAN_MAX records are opened;
 * if the limit is not reached by then, `next` says where to go on. A record that is not what was logged is
 * ERR_TAMPERED. */
struct view_sink {
	int (*each)(void *context, const struct view_record *record, struct why *reterr_why);
	void *context;
};
MUST_USE int view_run(struct ledger *l, const struct view_query *query, const struct record_keys *keys,
                      const struct view_sink *sink, struct view_result *ret_result, struct why *reterr_why);
