/* The text of a checkpoint: what is read from it gives, written again, the same text. */
#include "fuzz.h"

#include "audit/checkpoint.h"
#include "base/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	CLEANUP(buf_freep) struct buf *again = NULL;
	struct slice text = slice_of(data, len);
	struct checkpoint c;

	if (checkpoint_parse(text, &c, NULL) != ERR_OK)
		return 0;
	FUZZ_CHECK(buf_new(len + 1024, &again, NULL) == ERR_OK);
	FUZZ_CHECK(buf_put(again, c.origin, NULL) == ERR_OK);
	FUZZ_CHECK(buf_put_fmt(again, NULL, "\n%llu\n", (unsigned long long)c.head.size) == ERR_OK);
	FUZZ_CHECK(base64_put(again, slice_of(c.head.root.bytes, MERKLE_HASH_BYTES), NULL) == ERR_OK);
	FUZZ_CHECK(buf_put_str(again, "\n", NULL) == ERR_OK);
	FUZZ_CHECK(buf_put(again, c.extensions, NULL) == ERR_OK);
	FUZZ_CHECK(slice_equal(buf_slice(again), text));
	return 0;
}
