#include "audit/history.h"

#include <inttypes.h>
#include <stdbool.h>

static uint8_t *put_number(uint8_t *out, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
	return out + len;
}

static const uint8_t *take_number(const uint8_t *bytes, size_t len, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value << 8 | bytes[i];
	*ret_value = value;
	return bytes + len;
}

void history_entry_encode(const struct history_entry *entry, uint8_t out[static HISTORY_ENTRY_BYTES])
{
	out = put_number(out, entry->place.segment, 4);
	out = put_number(out, entry->place.offset, 4);
	out = put_number(out, entry->time_ms, 8);
	out = put_number(out, entry->account_seq, 8);
	out = put_number(out, entry->prev, 8);
	out = put_number(out, entry->far, 8);
	put_number(out, entry->far_seq, 8);
}

void history_entry_decode(const uint8_t bytes[static HISTORY_ENTRY_BYTES], struct history_entry *ret_entry)
{
	uint64_t segment, offset;

	bytes = take_number(bytes, 4, &segment);
	bytes = take_number(bytes, 4, &offset);
	ret_entry->place = (struct journal_place){(uint32_t)segment, (uint32_t)offset};
	bytes = take_number(bytes, 8, &ret_entry->time_ms);
	bytes = take_number(bytes, 8, &ret_entry->account_seq);
	bytes = take_number(bytes, 8, &ret_entry->prev);
	bytes = take_number(bytes, 8, &ret_entry->far);
	take_number(bytes, 8, &ret_entry->far_seq);
}

int history_link(const struct history_source *source, uint64_t prev, struct history_entry *entry,
                 struct why *reterr_why)
{
	struct history_entry before, far;

	entry->prev = entry->far = prev;
	entry->account_seq = 1;
	entry->far_seq = 0;
	if (prev == HISTORY_NONE)
		return ERR_OK;
	TRY(source->entry(source->context, prev, &before, reterr_why));
	entry->account_seq = before.account_seq + 1;
	entry->far_seq = before.account_seq;
	if (before.far == HISTORY_NONE)
		return ERR_OK;
	TRY(source->entry(source->context, before.far, &far, reterr_why));
	if (before.account_seq - before.far_seq == before.far_seq - far.far_seq) {
		entry->far = far.far;
		entry->far_seq = far.far_seq;
	}
	return ERR_OK;
}

/* Links are to earlier leaves, or a file that somebody altered would lead in circles. */
static bool leads_back(uint64_t link, uint64_t at)
{
	return link == HISTORY_NONE || link < at;
}

int history_find(const struct history_source *source, uint64_t newest, uint64_t seq, uint64_t time_ms,
                 uint64_t *ret_leaf_index, struct why *reterr_why)
{
	uint64_t at = newest;

	while (at != HISTORY_NONE) {
		struct history_entry entry, far;

		TRY(source->entry(source->context, at, &entry, reterr_why));
		if (entry.account_seq <= seq && entry.time_ms <= time_ms)
			break;
		ENSURE(leads_back(entry.prev, at) && leads_back(entry.far, at), ERR_TAMPERED, reterr_why,
		       "the history of leaf %" PRIu64 " does not lead back; remove the file \"mark\" and restart the "
		       "ledger, which derives it again",
		       at);
		at = entry.prev;
		if (entry.far == HISTORY_NONE)
			continue;
		/* The far link is taken if everything that it passes over is still too new. */
		TRY(source->entry(source->context, entry.far, &far, reterr_why));
		if (far.account_seq > seq || far.time_ms > time_ms)
			at = entry.far;
	}
	*ret_leaf_index = at;
	return ERR_OK;
}
