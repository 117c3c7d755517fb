#include "daemon/ledger/own_records.h"

#include <inttypes.h>
#include <string.h>

#include "audit/canon.h"
#include "base/encode.h"
#include "base/random.h"
#include "base/time.h"

const uint8_t own_key_id[RECORD_KEY_ID_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                 'l',  'e',  'd',  'g',  'e',  'r',  0,    1};

int own_record_put(const char *event_name, struct slice parameters, struct buf *into, struct why *reterr_why)
{
	char time[TIME_RFC3339_BYTES], id[33];
	uint8_t bytes[16];

	TRY(random_fill(bytes, sizeof bytes, reterr_why));
	hex_encode(slice_of(bytes, sizeof bytes), id);
	time_format(time_wall_ms(), time);
	TRY(buf_put_fmt(
		into, reterr_why,
		"{\"eventCategory\":\"Management\",\"eventID\":\"%.8s-%.4s-%.4s-%.4s-%.12s\",\"eventName\":\"%s\","
		"\"eventSource\":\"host.cloister\",\"eventTime\":\"%s\",\"eventVersion\":\"1.11\","
		"\"readOnly\":false,\"recipientAccountId\":\"" LEDGER_OPERATOR "\",\"requestParameters\":",
		id, id + 8, id + 12, id + 16, id + 20, event_name, time));
	TRY(buf_put(into, parameters, reterr_why));
	return buf_put_str(
		into, ",\"userIdentity\":{\"invokedBy\":\"" LEDGER_OWN_PRODUCER ".cloister\",\"type\":\"AWSService\"}}",
		reterr_why);
}

int own_start_put(const struct own_start *start, struct buf *into, struct why *reterr_why)
{
	char hash[2 * sizeof start->state->hash + 1];

	hex_encode(slice_of(start->state->hash, sizeof start->state->hash), hash);
	return buf_put_fmt(into, reterr_why,
	                   "{\"generation\":%" PRIu64 ",\"hash\":\"%s\",\"leaves\":%" PRIu64 ",\"starts\":%" PRIu32
	                   ",\"tornBytes\":%" PRIu64 "}",
	                   start->state->generation, hash, start->leaves, start->starts, start->torn_bytes);
}

static bool member_is(struct slice record, const char *name, const char *text)
{
	struct slice value, plain;

	return canon_find(record, name, &value) && canon_plain_string(value, &plain, NULL) == ERR_OK &&
	       slice_is_str(plain, text);
}

static int take_state(struct slice record, struct ledger_state *ret_state, struct why *reterr_why)
{
	struct slice parameters, value, text;
	struct ledger_state state;

	ENSURE(canon_find(record, "requestParameters", &parameters) && slice_starts_with(parameters, "{"), ERR_INVALID,
	       reterr_why, "a record of a database generation without requestParameters");
	ENSURE(canon_find(parameters, "generation", &value), ERR_INVALID, reterr_why,
	       "a record of a database generation without \"generation\"");
	TRY(canon_number(value, &state.generation, reterr_why));
	ENSURE(canon_find(parameters, "hash", &value), ERR_INVALID, reterr_why,
	       "a record of a database generation without \"hash\"");
	TRY(canon_plain_string(value, &text, reterr_why));
	TRY(hex_decode(text, state.hash, sizeof state.hash, reterr_why));
	*ret_state = state;
	return ERR_OK;
}

int own_record_state(struct slice record, bool *ret_is_state, struct ledger_state *ret_state, struct why *reterr_why)
{
	static const char generation[] = "\"DatabaseGeneration\"", start[] = "\"LedgerStarted\"";
	bool is_generation, is_start;

	*ret_is_state = false;
	/* Nearly all records are neither, and this is the cheap way to know. */
	if (record.len == 0 || (!memmem(record.ptr, record.len, generation, sizeof generation - 1) &&
	                        !memmem(record.ptr, record.len, start, sizeof start - 1)))
		return ERR_OK;
	TRY(canon_check_object(record, reterr_why));
	is_generation = member_is(record, "eventName", "DatabaseGeneration") &&
	                member_is(record, "eventSource", "config.cloister");
	is_start = member_is(record, "eventName", "LedgerStarted") && member_is(record, "eventSource", "host.cloister");
	if (!is_generation && !is_start)
		return ERR_OK;
	TRY(take_state(record, ret_state, reterr_why));
	*ret_is_state = true;
	return ERR_OK;
}

bool own_record_is_administration(const struct ledger_entry *entry)
{
	struct slice value;

	return slice_is_str(entry->account, LEDGER_OPERATOR) && canon_check_object(entry->record, NULL) == ERR_OK &&
	       !canon_find(entry->record, "errorCode", &value);
}
