#include "daemon/keys/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "daemon/keys/event.h"
#include "daemon/link/keys_ledger.h"

enum { HOUR_MS = 3600 * 1000, OPERATORS_SHARE = KEYS_OUTBOX_RECORDS_MAX / 8 };

struct record {
	char account[LEDGER_ACCOUNT_BYTES_MAX + 1];
	struct buf *json;
};

struct waiter {
	struct waiter *next;
	uint64_t ticket;
	keys_outbox_done *done;
	void *arg;
};

struct announced {
	char account[LEDGER_ACCOUNT_BYTES_MAX + 1];
	uint64_t hour;
};

struct keys_outbox {
	const struct kms_root *root;
	const struct kms_state *state;
	struct keys_log_port port;
	bool is_attached;
	uint64_t generation;        /* the newest that a record tells of */
	uint64_t first;             /* ticket of records[head]; all below are durable */
	size_t head, count, flying; /* of the ring; `flying` of them are under way */
	struct record records[KEYS_OUTBOX_RECORDS_MAX];
	struct waiter *waiters;
	size_t waiter_count;
	size_t announced_count;
	struct announced *announced; /* on this link */
};

int keys_outbox_new(const struct kms_root *root, const struct kms_state *state, struct keys_outbox **ret_outbox,
                    struct why *reterr_why)
{
	struct keys_outbox *o = calloc(1, sizeof *o);
	struct announced *announced = calloc(KEYS_ANNOUNCED_MAX, sizeof *announced);

	if (!o || !announced) {
		free(o);
		free(announced);
		why_set(reterr_why, "out of memory for records");
		return ERR_UNAVAILABLE;
	}
	o->root = root;
	o->state = state;
	o->announced = announced;
	o->first = 1;
	*ret_outbox = o;
	return ERR_OK;
}

static struct record *record_at(struct keys_outbox *o, size_t at)
{
	return &o->records[(o->head + at) % KEYS_OUTBOX_RECORDS_MAX];
}

/* Calls those whose record is durable, or all with an error. The list is cut first: a callback may wait again. */
static void call_waiters(struct keys_outbox *o, int err, const struct why *why)
{
	struct waiter **at = &o->waiters, *due = NULL;

	while (*at) {
		struct waiter *w = *at;

		if (err == ERR_OK && w->ticket >= o->first) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->next = due;
		due = w;
		o->waiter_count--;
	}
	while (due) {
		struct waiter *next = due->next;

		due->done(due->arg, err, why);
		free(due);
		due = next;
	}
}

void keys_outbox_free(struct keys_outbox *o)
{
	struct why why;

	if (!o)
		return;
	why_set(&why, "keys is stopping");
	call_waiters(o, ERR_UNAVAILABLE, &why);
	for (size_t i = 0; i < o->count; i++)
		buf_free(record_at(o, i)->json);
	free(o->announced);
	free(o);
}

void keys_outbox_attach(struct keys_outbox *o, const struct keys_log_port *port, uint64_t logged_generation)
{
	o->port = *port;
	o->is_attached = true;
	o->flying = 0;
	o->announced_count = 0;
	/* What waits already tells of newer ones. */
	if (o->generation < logged_generation)
		o->generation = logged_generation;
}

void keys_outbox_detach(struct keys_outbox *o)
{
	o->is_attached = false;
	o->flying = 0;
}

int keys_outbox_check(const struct keys_outbox *o, bool is_operator, struct why *reterr_why)
{
	size_t max = KEYS_OUTBOX_RECORDS_MAX - 4 - (is_operator ? 0 : OPERATORS_SHARE);

	ENSURE(o->is_attached, ERR_UNAVAILABLE, reterr_why,
	       "the log is not at hand, and nothing is done without a record of it: try again in a moment");
	ENSURE(o->count < max, ERR_UNAVAILABLE, reterr_why,
	       "%zu records wait for the log already: try again in a moment", o->count);
	return ERR_OK;
}

/* What does not fit the log keeps who, when and what, and loses the details. */
static int print(json_t *record, struct buf *into, struct why *reterr_why)
{
	int err = json_canonical_put(record, into, reterr_why);

	if (err_class(err) != ERR_LIMIT)
		return err;
	buf_reset(into);
	(void)!json_object_del(record, "responseElements");
	(void)!json_object_del(record, "requestParameters");
	TRY(json_set_bool(record, "omitted", true, reterr_why));
	return json_canonical_put(record, into, reterr_why);
}

/* accountPrev and accountSeq are put in by ledger. */
enum { RECORD_ROOM = 256 };

int keys_outbox_put(struct keys_outbox *o, const char *account, json_t *record, uint64_t *ret_ticket,
                    struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *json = NULL;
	struct record *r;

	ENSURE(o->count < KEYS_OUTBOX_RECORDS_MAX, ERR_UNAVAILABLE, reterr_why,
	       "%d records wait for the log already: try again in a moment", KEYS_OUTBOX_RECORDS_MAX);
	TRY(buf_new(LEDGER_RECORD_BYTES_MAX - RECORD_ROOM, &json, reterr_why));
	TRY(print(record, json, reterr_why));
	r = record_at(o, o->count);
	TRY(slice_to_str(slice_str(account), r->account, sizeof r->account, reterr_why));
	r->json = take_ptr(json);
	*ret_ticket = o->first + o->count++;
	return ERR_OK;
}

int keys_outbox_wait(struct keys_outbox *o, uint64_t ticket, keys_outbox_done *done, void *arg, struct why *reterr_why)
{
	struct waiter *w;

	ENSURE(ticket && ticket < o->first + o->count, ERR_INVALID, reterr_why, "no record has that ticket");
	if (ticket < o->first) {
		done(arg, ERR_OK, NULL);
		return ERR_OK;
	}
	ENSURE(o->waiter_count < KEYS_WAITERS_MAX, ERR_LIMIT, reterr_why, "%d answers wait for the log already",
	       KEYS_WAITERS_MAX);
	w = malloc(sizeof *w);
	ENSURE(w, ERR_UNAVAILABLE, reterr_why, "out of memory to wait for the log");
	*w = (struct waiter){o->waiters, ticket, done, arg};
	o->waiters = w;
	o->waiter_count++;
	return ERR_OK;
}

int keys_account_key_put(const struct kms_root *root, struct slice account, uint64_t hour, struct buf *into,
                         struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *context = NULL;
	CLEANUP(secret_freep) struct secret *key = NULL;
	struct ledger_account_key notice = {.account = account, .hour = hour};

	TRY(buf_new(64, &context, reterr_why));
	TRY(buf_put_lp(context, account, reterr_why));
	TRY(buf_put_u64be(context, hour, reterr_why));
	TRY(kms_root_derive(root, KMS_ROOT_RECORDS, buf_slice(context), &key, reterr_why));
	notice.key = slice_of(secret_peek(key), secret_len(key));
	return ledger_account_key_put(&notice, into, reterr_why);
}

/* Tells the hour's key before the first record under it goes over this link. */
static int announce(struct keys_outbox *o, const char *account, uint64_t hour, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	struct announced *a = o->announced, *end = a + o->announced_count;

	while (a < end && !slice_is_str(slice_str(a->account), account))
		a++;
	if (a < end && a->hour == hour)
		return ERR_OK;
	ENSURE(a < o->announced + KEYS_ANNOUNCED_MAX, ERR_LIMIT, reterr_why, "records of more accounts than there are");
	TRY(buf_new(256, &body, reterr_why));
	TRY(keys_account_key_put(o->root, slice_str(account), hour, body, reterr_why));
	TRY(o->port.account_key(o->port.self, buf_slice(body), reterr_why));
	if (a == end)
		o->announced_count++;
	a->hour = hour;
	return slice_to_str(slice_str(account), a->account, sizeof a->account, reterr_why);
}

/* Generations that no record tells of yet. One that is no longer kept is passed over: the newest chains over it. */
static int put_generations(struct keys_outbox *o, uint64_t now_ms, struct why *reterr_why)
{
	while (o->generation < o->state->at.generation && o->count < KEYS_OUTBOX_RECORDS_MAX) {
		CLEANUP(json_freep) json_t *record = NULL;
		struct kms_point point;
		uint64_t ticket;
		int err = kms_state_point(o->state, o->generation + 1, &point, reterr_why);

		if (err == ERR_OK) {
			TRY(keys_event_of_generation(&point, now_ms, &record, reterr_why));
			TRY(keys_outbox_put(o, "operator", record, &ticket, reterr_why));
		} else if (err != ERR_NOTFOUND) {
			return err;
		}
		o->generation++;
	}
	return ERR_OK;
}

static int send(struct keys_outbox *o, uint64_t now_ms, struct why *reterr_why)
{
	CLEANUP(free_p) struct ledger_append *append = calloc(1, sizeof *append);
	CLEANUP(buf_freep) struct buf *body = NULL;
	size_t bytes = 0;

	ENSURE(append, ERR_UNAVAILABLE, reterr_why, "out of memory for records");
	while (append->count < o->count && append->count < LEDGER_ENTRIES_PER_CALL_MAX) {
		struct record *r = record_at(o, append->count);

		bytes += buf_len(r->json);
		if (bytes > KEYS_APPEND_BYTES_MAX)
			break;
		TRY(announce(o, r->account, now_ms / HOUR_MS, reterr_why));
		append->entries[append->count++] = (struct ledger_entry){slice_str(r->account), buf_slice(r->json)};
	}
	TRY(buf_new(2 * KEYS_APPEND_BYTES_MAX, &body, reterr_why));
	TRY(ledger_append_put(append, body, reterr_why));
	TRY(o->port.append(o->port.self, buf_slice(body), reterr_why));
	o->flying = append->count;
	return ERR_OK;
}

void keys_outbox_flush(struct keys_outbox *o, uint64_t now_ms)
{
	struct why why;

	if (!o->is_attached || o->flying)
		return;
	/* What cannot be sent now stays and is tried at the next flush; nothing was promised to anybody yet. */
	if (put_generations(o, now_ms, &why) == ERR_OK && o->count)
		(void)!send(o, now_ms, &why);
}

void keys_outbox_acknowledge(struct keys_outbox *o, int err)
{
	size_t durable = err == ERR_OK ? o->flying : 0;

	o->flying = 0;
	for (size_t i = 0; i < durable; i++) {
		buf_free(take_ptr(record_at(o, 0)->json));
		o->head = (o->head + 1) % KEYS_OUTBOX_RECORDS_MAX;
		o->count--;
		o->first++;
	}
	if (durable)
		call_waiters(o, ERR_OK, NULL);
}

bool keys_outbox_is_idle(const struct keys_outbox *o)
{
	return o->count == 0;
}
