/* outbox.h: records on their way into the log, and who waits for them.
 *
 * Records get numbers, tickets, in the order in which they were put. One APPEND is under way at a time; what comes
 * meanwhile goes with the next one, so that many answers wait for one commit. When the link breaks, what was not
 * acknowledged is sent again: a record may then be in the log twice, with the same eventID, but never be missing. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/secret.h"
#include "kms/root.h"
#include "kms/state.h"
#include "wire/json.h"

struct keys_outbox;

/* The way to ledger; each sends and returns at once. The answer to `append` comes by keys_outbox_acknowledge(). */
struct keys_log_port {
	void *self;
	int (*append)(void *self, struct slice body, struct why *reterr_why);
	int (*account_key)(void *self, struct slice body, struct why *reterr_why);
};

/* `root` and `state` are borrowed: hourly account keys are derived from one, generations are told of the other. */
MUST_USE int keys_outbox_new(const struct kms_root *root, const struct kms_state *state,
                             struct keys_outbox **ret_outbox, struct why *reterr_why);
void keys_outbox_free(struct keys_outbox *o);

/* A new link, once it is known which generation the log has; everything unacknowledged goes over it. */
void keys_outbox_attach(struct keys_outbox *o, const struct keys_log_port *port, uint64_t logged_generation);
void keys_outbox_detach(struct keys_outbox *o);

/* ERR_UNAVAILABLE, with a sentence, while ledger is away or too much waits already: to be asked before a call that will
 * need a record is executed. */
MUST_USE int keys_outbox_check(const struct keys_outbox *o, bool is_operator, struct why *reterr_why);

/* Puts a record of an account ("operator" for what is nobody's); canonical JSON is made of it. A record over the limit
 * loses its parameters, not itself. */
MUST_USE int keys_outbox_put(struct keys_outbox *o, const char *account, json_t *record, uint64_t *ret_ticket,
                             struct why *reterr_why);

/* Calls `done` once, when the record is durable, or, when keys ends, with ERR_UNAVAILABLE; at once if it is already.
 * ERR_INVALID for a ticket that was never given, ERR_LIMIT. */
typedef void keys_outbox_done(void *arg, int err, const struct why *why);
MUST_USE int keys_outbox_wait(struct keys_outbox *o, uint64_t ticket, keys_outbox_done *done, void *arg,
                              struct why *reterr_why);

/* Sends what waits, if nothing is under way: called at the end of a turn of the loop. */
void keys_outbox_flush(struct keys_outbox *o, uint64_t now_ms);

/* The answer to the APPEND under way: ERR_OK, or why it failed; then the same goes again at the next flush. */
void keys_outbox_acknowledge(struct keys_outbox *o, int err);

bool keys_outbox_is_idle(const struct keys_outbox *o);

/* The body of an ACCOUNT_KEY notice for an account and hour, appended; wiped with the buffer. */
MUST_USE int keys_account_key_put(const struct kms_root *root, struct slice account, uint64_t hour, struct buf *into,
                                  struct why *reterr_why);
