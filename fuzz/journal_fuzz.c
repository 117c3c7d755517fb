/* A frame of the journal. The digest at its end keeps a fuzzer out, so items are also read from the bare input. */
#include "fuzz.h"

#include "audit/journal.h"

static void check_items(struct slice items, struct buf *again)
{
	struct cursor c = cursor_of(items);
	struct journal_item item;

	while (c.rest.len && journal_item_take(&c, &item, NULL) == ERR_OK) {
		size_t before = buf_len(again);

		if (item.is_erased)
			continue;
		FUZZ_CHECK(journal_item_put(&item, again, NULL) == ERR_OK);
		FUZZ_CHECK(buf_len(again) - before == item.total_len);
	}
	while (c.rest.len && journal_item_retake(&c, &item, NULL) == ERR_OK)
		FUZZ_CHECK(item.erase_at < item.total_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	CLEANUP(buf_freep) struct buf *again = NULL;
	struct journal_frame frame;

	FUZZ_CHECK(buf_new(len + JOURNAL_ITEM_BYTES_MAX, &again, NULL) == ERR_OK);
	if (journal_frame_parse(slice_of(data, len), &frame, NULL) == ERR_OK) {
		FUZZ_CHECK(frame.total_len <= len);
		check_items(frame.items, again);
		return 0;
	}
	check_items(slice_of(data, len), again);
	return 0;
}
