/* service_state.h: the inside of struct log_service, shared by the files service*.c and nobody else. */
#pragma once
#include "audit/ledger.h"
#include "daemon/ledger/hour_keys.h"
#include "daemon/ledger/log_key.h"
#include "daemon/ledger/own_records.h"
#include "daemon/ledger/service.h"

/* A request whose records are staged. */
struct log_request {
	void *request;
	uint64_t first_index;
};

struct log_service {
	struct log_service_options options;
	struct log_key key;
	char vkey[512];
	struct record_key own; /* what the ledger's own records are sealed under */
	struct hour_keys *hours;
	struct reserve reserve;
	struct ledger *ledger; /* NULL: it could not be opened anew */
	int failed;
	struct why failed_why;

	/* Requests that wait for the commit, each with at least one leaf. */
	struct log_request *requests;
	size_t request_count;
	uint64_t since_ms;

	/* The newest generation of keys' database: in the log, and in the batch. */
	struct ledger_state state, staged_state;

	struct buf *scratch; /* what was given out last */
	struct buf *record;
};

/* service.c */
void log_service_fail(struct log_service *s, int err, const struct why *why);
MUST_USE int log_service_usable(const struct log_service *s, struct why *reterr_why);

/* service_read.c */

/* Finds the newest generation of keys' database in the log. */
MUST_USE int log_service_find_state(struct log_service *s, struct why *reterr_why);
