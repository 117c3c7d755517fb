#include "audit/view.h"

#include <inttypes.h>

#include "audit/canon.h"
#include "audit/history.h"
#include "base/time.h"

/* The members that are filtered by. A record without an eventTime happened when it was appended. */
static uint64_t event_time(struct slice record, uint64_t appended_ms)
{
	struct slice value, text;
	uint64_t time_ms;

	if (canon_find(record, "eventTime", &value) && canon_plain_string(value, &text, NULL) == ERR_OK &&
	    time_parse(text, &time_ms, NULL) == ERR_OK)
		return time_ms;
	return appended_ms;
}

static bool has_name(struct slice record, struct slice name)
{
	struct slice value, text;

	return canon_find(record, "eventName", &value) && canon_plain_string(value, &text, NULL) == ERR_OK &&
	       slice_equal(text, name);
}

static bool matches(const struct view_query *query, const struct view_record *record, uint64_t appended_ms)
{
	uint64_t time_ms = record->is_erased ? appended_ms : event_time(record->record, appended_ms);

	if (time_ms < query->from_ms || time_ms > query->to_ms)
		return false;
	return query->event_name.len == 0 || (!record->is_erased && has_name(record->record, query->event_name));
}

/* Opens one record; what was erased, or whose key was, is a result too. */
static int open_record(struct ledger *l, const struct view_query *query, const struct record_keys *keys, uint64_t index,
                       struct buf *opened, struct view_record *ret_record, struct why *reterr_why)
{
	uint8_t salt[SALT_BYTES];
	int err;

	buf_reset(opened);
	err = ledger_read_record(l, index, query->account, keys, salt, opened, reterr_why);
	if (err != ERR_NOTFOUND)
		TRY(err);
	ret_record->index = index;
	ret_record->is_erased = err == ERR_NOTFOUND;
	ret_record->record = buf_slice(opened);
	return ERR_OK;
}

/* Where the view begins: nothing that was appended long after `to_ms` can have happened before it. */
static int find_start(struct ledger *l, const struct view_query *query, uint64_t *ret_index, struct why *reterr_why)
{
	uint64_t latest_ms = query->to_ms > UINT64_MAX - VIEW_DELAY_MS_MAX ? UINT64_MAX
	                                                                   : query->to_ms + VIEW_DELAY_MS_MAX;
	uint64_t last_seq = query->before_seq ? query->before_seq - 1 : UINT64_MAX;

	return ledger_find(l, query->account, last_seq, latest_ms, ret_index, reterr_why);
}

static int walk(struct ledger *l, const struct view_query *query, const struct record_keys *keys,
                const struct view_sink *sink, struct buf *opened, struct view_result *result, struct why *reterr_why)
{
	uint64_t index, expected = 0;

	TRY(find_start(l, query, &index, reterr_why));
	for (size_t scanned = 0; index != HISTORY_NONE; scanned++) {
		struct view_record record;
		struct ledger_item entry;
		uint64_t time_ms, prev;

		if (result->count == query->limit || scanned == VIEW_SCAN_MAX)
			return ERR_OK;
		TRY(ledger_read_entry(l, index, &entry, reterr_why));
		time_ms = entry.time_ms;
		prev = entry.prev;
		record.account_seq = entry.account_seq;
		/* The links are in a file that somebody may have altered; the numbers have no gaps. */
		ENSURE(expected == 0 || entry.account_seq == expected, ERR_TAMPERED, reterr_why,
		       "record %" PRIu64 " of the account is passed over by the ledger's file \"history\"", expected);
		expected = entry.account_seq - 1;
		if (time_ms < query->from_ms && query->from_ms - time_ms > VIEW_DELAY_MS_MAX)
			break; /* and so is everything before it */
		TRY(open_record(l, query, keys, index, opened, &record, reterr_why));
		if (matches(query, &record, time_ms)) {
			TRY(sink->each(sink->context, &record, reterr_why));
			result->count++;
		}
		result->next = prev == HISTORY_NONE ? 0 : record.account_seq;
		index = prev;
	}
	result->next = 0;
	return ERR_OK;
}

int view_run(struct ledger *l, const struct view_query *query, const struct record_keys *keys,
             const struct view_sink *sink, struct view_result *ret_result, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *opened = NULL;
	struct view_result result = {.next = 0};

	TRY(record_account_check(query->account, reterr_why));
	ENSURE(query->limit >= 1 && query->limit <= VIEW_LIMIT_MAX, ERR_INVALID, reterr_why,
	       "a limit of %zu records; 1 to %d are accepted", query->limit, VIEW_LIMIT_MAX);
	ENSURE(query->from_ms <= query->to_ms, ERR_INVALID, reterr_why, "the time range ends before it begins");
	TRY(buf_new(RECORD_BYTES_MAX, &opened, reterr_why));
	TRY(walk(l, query, keys, sink, opened, &result, reterr_why));
	*ret_result = result;
	return ERR_OK;
}
