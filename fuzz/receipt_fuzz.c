/* A receipt that parses is written again as it was. */
#include "fuzz.h"

#include "audit/receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	CLEANUP(buf_freep) struct buf *proof = NULL, *again = NULL;
	struct receipt receipt;

	FUZZ_CHECK(buf_new(len + 1, &proof, NULL) == ERR_OK);
	FUZZ_CHECK(buf_new(2 * len + 1024, &again, NULL) == ERR_OK);
	if (receipt_parse(slice_of(data, len), &receipt, proof, NULL) != ERR_OK)
		return 0;
	FUZZ_CHECK(receipt_put(&receipt, buf_slice(proof), again, NULL) == ERR_OK);
	FUZZ_CHECK(slice_equal(buf_slice(again), slice_of(data, len)));
	return 0;
}
