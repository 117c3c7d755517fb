#include "daemon/link/keys_ledger.h"

#include <string.h>

int ledger_append_put(const struct ledger_append *append, struct buf *into, struct why *reterr_why)
{
	ENSURE(append->count <= LEDGER_ENTRIES_PER_CALL_MAX, ERR_LIMIT, reterr_why,
	       "%zu records at once; at most %d are accepted", append->count, LEDGER_ENTRIES_PER_CALL_MAX);
	TRY(buf_put_u16be(into, (uint16_t)append->count, reterr_why));
	for (size_t i = 0; i < append->count; i++) {
		TRY(buf_put_lp(into, append->entries[i].account, reterr_why));
		TRY(buf_put_lp(into, append->entries[i].record, reterr_why));
	}
	return ERR_OK;
}

int ledger_append_take(struct slice message, struct ledger_append *ret_append, struct why *reterr_why)
{
	struct cursor c = cursor_of(message);
	uint16_t count;

	TRY(cursor_take_u16be(&c, &count, reterr_why));
	ENSURE(count >= 1 && count <= LEDGER_ENTRIES_PER_CALL_MAX, ERR_LIMIT, reterr_why,
	       "%u records at once; 1 to %d are accepted", count, LEDGER_ENTRIES_PER_CALL_MAX);
	for (ret_append->count = 0; ret_append->count < count; ret_append->count++) {
		struct ledger_entry *e = &ret_append->entries[ret_append->count];

		TRY(cursor_take_lp(&c, LEDGER_ACCOUNT_BYTES_MAX, &e->account, reterr_why));
		TRY(cursor_take_lp(&c, LEDGER_RECORD_BYTES_MAX, &e->record, reterr_why));
	}
	return cursor_finish(&c, reterr_why);
}

int ledger_appended_put(const struct ledger_appended *appended, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_u64be(into, appended->first_index, reterr_why));
	return buf_put_u64be(into, appended->tree_size, reterr_why);
}

int ledger_appended_take(struct slice message, struct ledger_appended *ret_appended, struct why *reterr_why)
{
	struct cursor c = cursor_of(message);

	TRY(cursor_take_u64be(&c, &ret_appended->first_index, reterr_why));
	TRY(cursor_take_u64be(&c, &ret_appended->tree_size, reterr_why));
	return cursor_finish(&c, reterr_why);
}

int ledger_account_key_put(const struct ledger_account_key *key, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_lp(into, key->account, reterr_why));
	TRY(buf_put_u64be(into, key->hour, reterr_why));
	return buf_put_lp(into, key->key, reterr_why);
}

int ledger_account_key_take(struct slice message, struct ledger_account_key *ret_key, struct why *reterr_why)
{
	struct cursor c = cursor_of(message);

	TRY(cursor_take_lp(&c, LEDGER_ACCOUNT_BYTES_MAX, &ret_key->account, reterr_why));
	TRY(cursor_take_u64be(&c, &ret_key->hour, reterr_why));
	TRY(cursor_take_lp(&c, 32, &ret_key->key, reterr_why));
	ENSURE(ret_key->key.len == 32, ERR_INVALID, reterr_why, "an account key of %zu bytes", ret_key->key.len);
	return cursor_finish(&c, reterr_why);
}

int ledger_view_put(const struct ledger_view *view, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_lp(into, view->account, reterr_why));
	TRY(buf_put_u64be(into, view->from_wall_ms, reterr_why));
	TRY(buf_put_u64be(into, view->to_wall_ms, reterr_why));
	TRY(buf_put_lp(into, view->event_name, reterr_why));
	TRY(buf_put_u64be(into, view->after_seq, reterr_why));
	return buf_put_u16be(into, view->limit, reterr_why);
}

int ledger_view_take(struct slice message, struct ledger_view *ret_view, struct why *reterr_why)
{
	struct cursor c = cursor_of(message);

	TRY(cursor_take_lp(&c, LEDGER_ACCOUNT_BYTES_MAX, &ret_view->account, reterr_why));
	TRY(cursor_take_u64be(&c, &ret_view->from_wall_ms, reterr_why));
	TRY(cursor_take_u64be(&c, &ret_view->to_wall_ms, reterr_why));
	TRY(cursor_take_lp(&c, LEDGER_EVENT_NAME_BYTES_MAX, &ret_view->event_name, reterr_why));
	TRY(cursor_take_u64be(&c, &ret_view->after_seq, reterr_why));
	TRY(cursor_take_u16be(&c, &ret_view->limit, reterr_why));
	ENSURE(ret_view->limit >= 1 && ret_view->limit <= LEDGER_VIEW_RECORDS_MAX, ERR_LIMIT, reterr_why,
	       "%u records in a page; 1 to %d are accepted", ret_view->limit, LEDGER_VIEW_RECORDS_MAX);
	return cursor_finish(&c, reterr_why);
}

int ledger_viewed_put(const struct ledger_viewed *viewed, struct buf *into, struct why *reterr_why)
{
	ENSURE(viewed->count <= LEDGER_VIEW_RECORDS_MAX, ERR_LIMIT, reterr_why,
	       "%zu records in a page; at most %d are accepted", viewed->count, LEDGER_VIEW_RECORDS_MAX);
	TRY(buf_put_u8(into, viewed->has_more, reterr_why));
	TRY(buf_put_u64be(into, viewed->last_seq, reterr_why));
	TRY(buf_put_u16be(into, (uint16_t)viewed->count, reterr_why));
	for (size_t i = 0; i < viewed->count; i++) {
		TRY(buf_put_u64be(into, viewed->records[i].account_seq, reterr_why));
		TRY(buf_put_u64be(into, viewed->records[i].index, reterr_why));
		TRY(buf_put_lp(into, viewed->records[i].record, reterr_why));
	}
	return ERR_OK;
}

int ledger_viewed_take(struct slice message, struct ledger_viewed *ret_viewed, struct why *reterr_why)
{
	struct cursor c = cursor_of(message);
	uint16_t count;

	TRY(call_flag_take(&c, &ret_viewed->has_more, reterr_why));
	TRY(cursor_take_u64be(&c, &ret_viewed->last_seq, reterr_why));
	TRY(cursor_take_u16be(&c, &count, reterr_why));
	ENSURE(count <= LEDGER_VIEW_RECORDS_MAX, ERR_LIMIT, reterr_why, "%u records in a page; at most %d are accepted",
	       count, LEDGER_VIEW_RECORDS_MAX);
	for (ret_viewed->count = 0; ret_viewed->count < count; ret_viewed->count++) {
		struct ledger_viewed_record *r = &ret_viewed->records[ret_viewed->count];

		TRY(cursor_take_u64be(&c, &r->account_seq, reterr_why));
		TRY(cursor_take_u64be(&c, &r->index, reterr_why));
		TRY(cursor_take_lp(&c, LEDGER_RECORD_BYTES_MAX, &r->record, reterr_why));
	}
	return cursor_finish(&c, reterr_why);
}

int ledger_hours_put(const struct ledger_hours *hours, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_u16be(into, (uint16_t)hours->count, reterr_why));
	for (size_t i = 0; i < hours->count; i++)
		TRY(buf_put_u64be(into, hours->hours[i], reterr_why));
	return ERR_OK;
}

int ledger_hours_take(struct slice message, struct ledger_hours *ret_hours, struct why *reterr_why)
{
	struct cursor c = cursor_of(message);
	uint16_t count;

	TRY(cursor_take_u16be(&c, &count, reterr_why));
	ENSURE(count <= LEDGER_HOURS_MAX, ERR_LIMIT, reterr_why, "%u hours; at most %d are accepted", count,
	       LEDGER_HOURS_MAX);
	for (ret_hours->count = 0; ret_hours->count < count; ret_hours->count++)
		TRY(cursor_take_u64be(&c, &ret_hours->hours[ret_hours->count], reterr_why));
	return cursor_finish(&c, reterr_why);
}

int ledger_receipt_put(const struct ledger_receipt *receipt, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_lp(into, receipt->account, reterr_why));
	return buf_put_u64be(into, receipt->index, reterr_why);
}

int ledger_receipt_take(struct slice message, struct ledger_receipt *ret_receipt, struct why *reterr_why)
{
	struct cursor c = cursor_of(message);

	TRY(cursor_take_lp(&c, LEDGER_ACCOUNT_BYTES_MAX, &ret_receipt->account, reterr_why));
	TRY(cursor_take_u64be(&c, &ret_receipt->index, reterr_why));
	return cursor_finish(&c, reterr_why);
}

int ledger_state_put(const struct ledger_state *state, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_u64be(into, state->generation, reterr_why));
	return buf_put(into, slice_of(state->hash, sizeof state->hash), reterr_why);
}

int ledger_state_take(struct slice message, struct ledger_state *ret_state, struct why *reterr_why)
{
	struct cursor c = cursor_of(message);

	TRY(cursor_take_u64be(&c, &ret_state->generation, reterr_why));
	TRY(cursor_take_bytes(&c, ret_state->hash, sizeof ret_state->hash, reterr_why));
	return cursor_finish(&c, reterr_why);
}
