/* Canonical JSON: an object that passes is, put together from its members, the same bytes; and it stays canonical when
 * the ledger adds its two members. */
#include "fuzz.h"

#include "audit/canon.h"
#include "audit/record.h"

static void check_members(struct slice object, struct buf *again)
{
	struct canon_walk walk = canon_members(object);
	struct canon_member member;
	const char *separator = "{";

	while (canon_next(&walk, &member)) {
		FUZZ_CHECK(buf_put_str(again, separator, NULL) == ERR_OK);
		FUZZ_CHECK(buf_put_str(again, "\"", NULL) == ERR_OK);
		FUZZ_CHECK(buf_put(again, member.name, NULL) == ERR_OK);
		FUZZ_CHECK(buf_put_str(again, "\":", NULL) == ERR_OK);
		FUZZ_CHECK(buf_put(again, member.value, NULL) == ERR_OK);
		separator = ",";
	}
	FUZZ_CHECK(buf_put_str(again, *separator == '{' ? "{}" : "}", NULL) == ERR_OK);
	FUZZ_CHECK(slice_equal(buf_slice(again), object));
}

/* A string that was read and is written again is the same. */
static void check_strings(struct slice object, struct buf *text, struct buf *again)
{
	struct canon_walk walk = canon_members(object);
	struct canon_member member;

	while (canon_next(&walk, &member)) {
		buf_reset(text);
		buf_reset(again);
		if (canon_unescape(member.value, text, NULL) != ERR_OK)
			continue;
		FUZZ_CHECK(canon_put_string(again, buf_slice(text), NULL) == ERR_OK);
		FUZZ_CHECK(slice_equal(buf_slice(again), member.value));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	CLEANUP(buf_freep) struct buf *text = NULL, *again = NULL;
	struct record_place place = {.account_seq = 2};
	struct slice object = slice_of(data, len);

	if (canon_check_object(object, NULL) != ERR_OK)
		return 0;
	FUZZ_CHECK(buf_new(2 * len + 1024, &text, NULL) == ERR_OK);
	FUZZ_CHECK(buf_new(2 * len + 1024, &again, NULL) == ERR_OK);
	check_members(object, again);
	check_strings(object, text, again);
	buf_reset(text);
	if (record_complete(object, &place, text, NULL) == ERR_OK)
		FUZZ_CHECK(canon_check_object(buf_slice(text), NULL) == ERR_OK);
	return 0;
}
