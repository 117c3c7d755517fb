/* A leaf has one spelling, and that is canonical JSON. */
#include "fuzz.h"

#include "audit/canon.h"
#include "audit/leaf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	CLEANUP(buf_freep) struct buf *again = NULL;
	struct slice text = slice_of(data, len);
	struct leaf leaf;

	if (leaf_parse(text, &leaf, NULL) != ERR_OK)
		return 0;
	FUZZ_CHECK(buf_new(LEAF_BYTES_MAX, &again, NULL) == ERR_OK);
	FUZZ_CHECK(leaf_put(&leaf, again, NULL) == ERR_OK);
	FUZZ_CHECK(slice_equal(buf_slice(again), text));
	FUZZ_CHECK(canon_check_object(text, NULL) == ERR_OK);
	return 0;
}
