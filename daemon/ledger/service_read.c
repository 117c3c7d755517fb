/* Looking things up in the log. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/canon.h"
#include "audit/history.h"
#include "audit/receipt.h"
#include "audit/tiles.h"
#include "base/time.h"
#include "daemon/ledger/service.h"
#include "daemon/ledger/service_state.h"

/* --- keys of records ---------------------------------------------------------------------------------------------- */

/* Finds keys for one account; where they are missing, their hours are noted. */
struct key_search {
	struct log_service *service;
	struct slice account;
	bool own_only;
	struct ledger_hours *missing; /* or NULL */
};

static void note_missing(struct ledger_hours *missing, uint64_t hour)
{
	for (size_t i = 0; i < missing->count; i++)
		if (missing->hours[i] == hour)
			return;
	if (missing->count < LEDGER_HOURS_MAX)
		missing->hours[missing->count++] = hour;
}

static int find_key(void *context, const uint8_t id[static RECORD_KEY_ID_BYTES], const struct secret **ret_secret,
                    struct why *reterr_why)
{
	const struct key_search *search = context;
	int err;

	if (slice_equal(slice_of(id, RECORD_KEY_ID_BYTES), slice_of(own_key_id, RECORD_KEY_ID_BYTES))) {
		*ret_secret = search->service->own.secret;
		return ERR_OK;
	}
	ENSURE(!search->own_only, ERR_NOTFOUND, reterr_why, "the record is sealed under a key of its account");
	err = hour_keys_find(search->service->hours, search->account, id, ret_secret, reterr_why);
	if (err == ERR_NOTFOUND && search->missing)
		note_missing(search->missing, hour_key_hour(id));
	return err;
}

static struct record_keys keys_of(struct key_search *search)
{
	return (struct record_keys){find_key, search};
}

/* What is staged has no history yet; and who asks now has been told of it, or will be at once. */
static int prepare(struct log_service *s, struct why *reterr_why)
{
	log_service_commit(s);
	return log_service_usable(s, reterr_why);
}

/* Something on the disk is not what was logged. The log goes on, since what it holds in memory is right. */
static int judge(struct log_service *s, int err, const struct why *why)
{
	const struct log_service_sink *sink = &s->options.sink;
	CLEANUP(buf_freep) struct buf *detail = NULL;

	if (err_class(err) != ERR_TAMPERED || !sink->event || buf_new(EVENT_DETAIL_BYTES_MAX, &detail, NULL) != ERR_OK)
		return err;
	if (buf_put_str(detail, "{\"why\":", NULL) == ERR_OK &&
	    canon_put_string(detail, slice_str(why->text), NULL) == ERR_OK &&
	    buf_put_str(detail, "}", NULL) == ERR_OK) {
		const char *text;

		if (buf_str(detail, &text, NULL) == ERR_OK)
			sink->event(sink->context, EVENT_ALERT, "ledger.tampered", text);
	}
	return err;
}

/* --- views -------------------------------------------------------------------------------------------------------- */

/* One pass over some of an account's records, oldest first. */
struct scan {
	const struct ledger_view *view;
	struct record_keys keys;
	uint64_t *indexes; /* of the records to look at */
	size_t count;
	uint64_t first_seq; /* of indexes[0] */
	bool has_more;      /* records behind those */
	struct ledger_viewed *viewed;
	size_t offsets[LEDGER_VIEW_RECORDS_MAX]; /* of the viewed records in the buffer, which may still move */
};

/* The number of the account's newest record that was appended at or before a moment; 0 if there is none. */
static int seq_at(struct log_service *s, struct slice account, uint64_t time_ms, uint64_t *ret_seq,
                  struct why *reterr_why)
{
	struct ledger_item item;
	uint64_t index;

	*ret_seq = 0;
	TRY(ledger_find(s->ledger, account, UINT64_MAX, time_ms, &index, reterr_why));
	if (index == HISTORY_NONE)
		return ERR_OK;
	TRY(ledger_read_entry(s->ledger, index, &item, reterr_why));
	*ret_seq = item.account_seq;
	return ERR_OK;
}

/* An event happened before it was logged, by at most VIEW_DELAY_MS_MAX, and clocks differ no more than that. */
static int choose_range(struct log_service *s, const struct ledger_view *view, uint64_t *ret_first, uint64_t *ret_last,
                        struct why *reterr_why)
{
	uint64_t before = 0, to_ms = UINT64_MAX;

	if (view->from_wall_ms > VIEW_DELAY_MS_MAX)
		TRY(seq_at(s, view->account, view->from_wall_ms - VIEW_DELAY_MS_MAX - 1, &before, reterr_why));
	if (view->to_wall_ms && view->to_wall_ms < UINT64_MAX - VIEW_DELAY_MS_MAX)
		to_ms = view->to_wall_ms + VIEW_DELAY_MS_MAX;
	TRY(seq_at(s, view->account, to_ms, ret_last, reterr_why));
	*ret_first = (view->after_seq > before ? view->after_seq : before) + 1;
	return ERR_OK;
}

/* The list goes from new to old, so it is walked back from the last record that is wanted. */
static int collect(struct log_service *s, struct scan *scan, struct why *reterr_why)
{
	uint64_t first, last, index, newest;

	ENSURE(scan->view->after_seq < UINT64_MAX, ERR_INVALID, reterr_why, "there is no record after the last number");
	TRY(choose_range(s, scan->view, &first, &newest, reterr_why));
	scan->viewed->last_seq = first - 1;
	if (newest < first)
		return ERR_OK;
	last = newest - first >= LEDGER_VIEW_SCAN_MAX ? first + LEDGER_VIEW_SCAN_MAX - 1 : newest;
	scan->has_more = last < newest;
	scan->first_seq = first;
	scan->count = (size_t)(last - first + 1);
	TRY(ledger_find(s->ledger, scan->view->account, last, UINT64_MAX, &index, reterr_why));
	for (size_t i = scan->count; i > 0; i--) {
		struct ledger_item item;

		ENSURE(index != HISTORY_NONE, ERR_TAMPERED, reterr_why,
		       "an account's history ends before its first record");
		TRY(ledger_read_entry(s->ledger, index, &item, reterr_why));
		ENSURE(item.account_seq == first + i - 1, ERR_TAMPERED, reterr_why,
		       "record %" PRIu64 " of an account stands where number %" PRIu64 " should", item.account_seq,
		       first + (uint64_t)i - 1);
		scan->indexes[i - 1] = index;
		index = item.prev;
	}
	return ERR_OK;
}

static bool has_name(struct slice record, struct slice name)
{
	struct slice value, text;

	return canon_find(record, "eventName", &value) && canon_plain_string(value, &text, NULL) == ERR_OK &&
	       slice_equal(text, name);
}

static uint64_t event_time(struct slice record, uint64_t appended_ms)
{
	struct slice value, text;
	uint64_t time_ms;

	if (canon_find(record, "eventTime", &value) && canon_plain_string(value, &text, NULL) == ERR_OK &&
	    time_parse(text, &time_ms, NULL) == ERR_OK)
		return time_ms;
	return appended_ms;
}

/* An unreadable record matches by the moment at which it was logged, and no name. */
static bool matches(const struct ledger_view *view, struct slice record, uint64_t appended_ms)
{
	uint64_t time_ms = record.len ? event_time(record, appended_ms) : appended_ms;

	if (time_ms < view->from_wall_ms || (view->to_wall_ms && time_ms > view->to_wall_ms))
		return false;
	return view->event_name.len == 0 || (record.len && has_name(record, view->event_name));
}

/* Looks at one record. *ret_is_full: the page has no room for it. */
static int look_at(struct log_service *s, struct scan *scan, size_t i, bool *ret_is_full, struct why *reterr_why)
{
	struct ledger_viewed *viewed = scan->viewed;
	uint8_t salt[SALT_BYTES];
	struct ledger_item item;
	struct slice record;
	int err;

	TRY(ledger_read_entry(s->ledger, scan->indexes[i], &item, reterr_why));
	buf_reset(s->record);
	err = ledger_read_record(s->ledger, scan->indexes[i], scan->view->account, &scan->keys, salt, s->record,
	                         reterr_why);
	explicit_bzero(salt, sizeof salt);
	if (err != ERR_NOTFOUND)
		TRY(err);
	record = buf_slice(s->record);
	*ret_is_full = viewed->count == scan->view->limit || record.len > buf_room(s->scratch);
	if (!matches(scan->view, record, item.time_ms)) {
		*ret_is_full = false;
		return ERR_OK;
	}
	if (*ret_is_full)
		return ERR_OK;
	scan->offsets[viewed->count] = buf_len(s->scratch);
	viewed->records[viewed->count++] = (struct ledger_viewed_record){
		.account_seq = scan->first_seq + i,
		.index = scan->indexes[i],
		.record.len = record.len,
	};
	return buf_put(s->scratch, record, reterr_why);
}

static int scan_records(struct log_service *s, struct scan *scan, struct why *reterr_why)
{
	struct ledger_viewed *viewed = scan->viewed;
	bool is_full = false;

	TRY(collect(s, scan, reterr_why));
	for (size_t i = 0; i < scan->count && !is_full; i++) {
		TRY(look_at(s, scan, i, &is_full, reterr_why));
		if (!is_full)
			viewed->last_seq = scan->first_seq + i;
	}
	viewed->has_more = is_full || scan->has_more;
	for (size_t i = 0; i < viewed->count; i++)
		viewed->records[i].record.ptr = buf_slice(s->scratch).ptr + scan->offsets[i];
	return ERR_OK;
}

static int run_view(struct log_service *s, const struct ledger_view *view, struct ledger_hours *missing,
                    struct ledger_viewed *viewed, struct why *reterr_why)
{
	struct key_search search = {.service = s, .account = view->account, .missing = missing};
	CLEANUP(free_p) uint64_t *indexes = calloc(LEDGER_VIEW_SCAN_MAX, sizeof *indexes);
	struct scan scan = {.view = view, .keys = keys_of(&search), .indexes = indexes, .viewed = viewed};

	ENSURE(indexes, ERR_UNAVAILABLE, reterr_why, "out of memory for a view");
	TRY(prepare(s, reterr_why));
	TRY(record_account_check(view->account, reterr_why));
	ENSURE(view->limit >= 1 && view->limit <= LEDGER_VIEW_RECORDS_MAX, ERR_INVALID, reterr_why,
	       "a page of %u records; 1 to %d are possible", view->limit, LEDGER_VIEW_RECORDS_MAX);
	buf_reset(s->scratch);
	viewed->count = 0;
	return scan_records(s, &scan, reterr_why);
}

int log_service_view(struct log_service *s, const struct ledger_view *view, struct ledger_viewed *ret_viewed,
                     struct why *reterr_why)
{
	struct why why = {{0}};
	int err = judge(s, run_view(s, view, NULL, ret_viewed, &why), &why);

	why_set(reterr_why, "%s", why.text);
	return err;
}

int log_service_hours(struct log_service *s, const struct ledger_view *view, struct ledger_hours *ret_hours,
                      struct why *reterr_why)
{
	CLEANUP(free_p) struct ledger_viewed *viewed = calloc(1, sizeof *viewed);
	struct why why = {{0}};
	int err;

	ENSURE(viewed, ERR_UNAVAILABLE, reterr_why, "out of memory for a view");
	ret_hours->count = 0;
	err = judge(s, run_view(s, view, ret_hours, viewed, &why), &why);
	why_set(reterr_why, "%s", why.text);
	return err;
}

/* --- receipts ----------------------------------------------------------------------------------------------------- */

static int run_receipt(struct log_service *s, const struct ledger_receipt *receipt, struct ledger_hours *missing,
                       struct buf *into, struct why *reterr_why)
{
	struct key_search search = {.service = s, .account = receipt->account, .missing = missing};
	struct record_keys keys = keys_of(&search);

	TRY(prepare(s, reterr_why));
	buf_reset(into);
	return ledger_put_receipt(s->ledger, receipt->index, receipt->account, &keys, into, reterr_why);
}

int log_service_receipt(struct log_service *s, const struct ledger_receipt *receipt, struct slice *ret_json,
                        struct why *reterr_why)
{
	struct why why = {{0}};
	int err = judge(s, run_receipt(s, receipt, NULL, s->scratch, &why), &why);

	why_set(reterr_why, "%s", why.text);
	if (err == ERR_OK)
		*ret_json = buf_slice(s->scratch);
	return err;
}

int log_service_receipt_hour(struct log_service *s, const struct ledger_receipt *receipt,
                             struct ledger_hours *ret_hours, struct why *reterr_why)
{
	struct why why = {{0}};
	int err;

	ret_hours->count = 0;
	err = run_receipt(s, receipt, ret_hours, s->scratch, &why);
	if (err == ERR_NOTFOUND && ret_hours->count)
		return ERR_OK; /* that is what was asked for */
	why_set(reterr_why, "%s", why.text);
	return judge(s, err, &why);
}

/* --- the generation of keys' database ----------------------------------------------------------------------------- */

static int state_at(struct log_service *s, uint64_t index, const struct record_keys *keys, bool *ret_is_state,
                    struct why *reterr_why)
{
	uint8_t salt[SALT_BYTES];
	int err;

	*ret_is_state = false;
	buf_reset(s->record);
	err = ledger_read_record(s->ledger, index, slice_str(LEDGER_OPERATOR), keys, salt, s->record, reterr_why);
	explicit_bzero(salt, sizeof salt);
	if (err == ERR_NOTFOUND)
		return ERR_OK;
	TRY(err);
	return own_record_state(buf_slice(s->record), ret_is_state, &s->state, reterr_why);
}

/* The operator's records from the newest back to the first that tells it, which is at the latest that of the last
 * start. Only those under the ledger's own key are opened. */
int log_service_find_state(struct log_service *s, struct why *reterr_why)
{
	struct key_search search = {.service = s, .own_only = true};
	struct record_keys keys = keys_of(&search);
	bool is_state = false;
	uint64_t index;

	s->state = (struct ledger_state){0};
	TRY(ledger_find(s->ledger, slice_str(LEDGER_OPERATOR), UINT64_MAX, UINT64_MAX, &index, reterr_why));
	while (index != HISTORY_NONE && !is_state) {
		struct ledger_item item;

		TRY(state_at(s, index, &keys, &is_state, reterr_why));
		TRY(ledger_read_entry(s->ledger, index, &item, reterr_why));
		index = item.prev;
	}
	s->staged_state = s->state;
	return ERR_OK;
}

void log_service_last_state(struct log_service *s, struct ledger_state *ret_state)
{
	log_service_commit(s);
	*ret_state = s->state;
}

/* --- what is public ----------------------------------------------------------------------------------------------- */

static void set_answer(struct call_answer *answer, uint16_t status, const char *type, const char *cache,
                       struct slice body)
{
	*answer = (struct call_answer){.status = status, .field_count = 2, .body = body};
	answer->fields[0] = (struct call_field){slice_str("content-type"), slice_str(type)};
	answer->fields[1] = (struct call_field){slice_str("cache-control"), slice_str(cache)};
}

void log_service_fetch(struct log_service *s, struct slice path, struct call_answer *ret_answer)
{
	static const char text[] = "text/plain; charset=utf-8";
	struct tile_path tile;
	struct why why = {{0}};
	int err = log_service_usable(s, &why);

	buf_reset(s->scratch);
	if (err == ERR_OK && slice_is_str(path, "checkpoint")) {
		set_answer(ret_answer, 200, text, "no-cache", ledger_checkpoint(s->ledger));
		return;
	}
	if (err == ERR_OK && tile_path_parse(path, &tile, &why) != ERR_OK)
		err = ERR_NOTFOUND;
	if (err == ERR_OK)
		err = judge(s, ledger_put_resource(s->ledger, &tile, s->scratch, &why), &why);
	if (err == ERR_OK) { /* what a tile holds never changes */
		set_answer(ret_answer, 200, "application/octet-stream", "public, max-age=31536000, immutable",
		           buf_slice(s->scratch));
		return;
	}
	if (err_class(err) == ERR_NOTFOUND)
		set_answer(ret_answer, 404, text, "no-store", slice_str("not found\n"));
	else
		set_answer(ret_answer, 503, text, "no-store", slice_str("the log cannot be read now\n"));
}
