/* A proof that parses is written again as it was, and is not taken for one of a leaf that it knows nothing of. */
#include "fuzz.h"

#include "audit/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct merkle_hash leaf = {{0x5a}}, root = {{0xa5}};
	CLEANUP(buf_freep) struct buf *again = NULL;
	struct tlog_proof proof;

	if (tlog_proof_parse(slice_of(data, len), &proof, NULL) != ERR_OK)
		return 0;
	FUZZ_CHECK(buf_new(len, &again, NULL) == ERR_OK);
	FUZZ_CHECK(tlog_proof_put(&proof, again, NULL) == ERR_OK);
	FUZZ_CHECK(slice_equal(buf_slice(again), slice_of(data, len)));
	for (uint64_t size = 1; size < 300; size += 37)
		FUZZ_CHECK(merkle_verify_inclusion(&leaf, proof.index, size, &proof.path, &root, NULL) != ERR_OK);
	return 0;
}
