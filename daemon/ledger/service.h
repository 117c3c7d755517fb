/* service.h: what role ledger does, without its messages: the log in a directory, the requests that wait for a commit,
 * the keys that records are sealed under, and looking things up.
 *
 * Appending gathers: log_service_append() stages, log_service_commit() makes everything durable together and tells the
 * sink of each request. When the disk fails, whoever waits is refused and the log is opened anew from what is durable.
 */
#pragma once
#include <stdbool.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/slice.h"
#include "daemon/ledger/reserve.h"
#include "daemon/link/events.h"
#include "daemon/link/keys_ledger.h"

struct log_service;

struct log_service_sink {
	/* A request of log_service_append() is durable (ERR_OK), or refused and nothing of it logged. */
	void (*appended)(void *context, void *request, int err, const struct ledger_appended *appended,
	                 const struct why *why);
	/* For watch. `detail` is JSON. */
	void (*event)(void *context, enum event_severity severity, const char *name, const char *detail);
	void *context;
};

struct log_service_options {
	int dir_fd; /* borrowed */
	struct log_service_sink sink;
	uint32_t starts;                                                    /* of this role, for the record */
	int (*measure)(int fd, uint64_t *ret_free, struct why *reterr_why); /* of the reserve; NULL: the disk */
};

/* Opens the log, or begins a new one, and logs that it did. Errors as ledger_open() and log_key_load(). */
MUST_USE int log_service_open(const struct log_service_options *options, struct log_service **ret_service,
                              struct why *reterr_why);

/* Commits what waits, and settles. Then free it. */
MUST_USE int log_service_close(struct log_service *s, struct why *reterr_why);
void log_service_free(struct log_service *s);
void log_service_freep(struct log_service **s);

/* After the log could not be opened anew: ERR_UNAVAILABLE and the reason, for good. */
MUST_USE int log_service_check(const struct log_service *s, struct why *reterr_why);

/* Stages all records of the request, or none. What is wrong with it the sink hears at once: ERR_INVALID, ERR_LIMIT,
 * ERR_CONFLICT (no key for the account), ERR_UNAVAILABLE (no room). `request` goes to the sink. */
void log_service_append(struct log_service *s, struct slice producer, const struct ledger_append *append,
                        void *request);

/* Whether requests wait for a commit, and since when (time_mono_ms()). */
bool log_service_is_waiting(const struct log_service *s, uint64_t *ret_since_ms);
void log_service_commit(struct log_service *s);

/* To be called every LEDGER_TICK_MS: publishes what is due and takes the reserve back. */
void log_service_tick(struct log_service *s);

MUST_USE int log_service_account_key(struct log_service *s, const struct ledger_account_key *key,
                                     struct why *reterr_why);

/* Looking things up commits what waits first. Slices of the results are borrowed until the next call. */
MUST_USE int log_service_view(struct log_service *s, const struct ledger_view *view, struct ledger_viewed *ret_viewed,
                              struct why *reterr_why);
MUST_USE int log_service_hours(struct log_service *s, const struct ledger_view *view, struct ledger_hours *ret_hours,
                               struct why *reterr_why);
MUST_USE int log_service_receipt(struct log_service *s, const struct ledger_receipt *receipt, struct slice *ret_json,
                                 struct why *reterr_why);
MUST_USE int log_service_receipt_hour(struct log_service *s, const struct ledger_receipt *receipt,
                                      struct ledger_hours *ret_hours, struct why *reterr_why);
void log_service_last_state(struct log_service *s, struct ledger_state *ret_state);

/* What is public, by its path below /-/log/: always an answer, 404 for what is not there. */
void log_service_fetch(struct log_service *s, struct slice path, struct call_answer *ret_answer);

/* The verifier key as text. Borrowed for good. */
const char *log_service_vkey(const struct log_service *s);
