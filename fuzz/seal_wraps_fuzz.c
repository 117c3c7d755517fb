/* Lists of wraps: what is read, written again, is read as the same wraps, and costs nobody more than the limits. */
#include "base/limits.h"
#include "fuzz/fuzz.h"
#include "seal/wraps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	CLEANUP(seal_wraps_freep) struct seal_wraps *wraps = NULL, *again = NULL;
	CLEANUP(buf_freep) struct buf *text = NULL;
	struct why why;

	if (len > SEAL_WRAPS_BYTES_MAX || seal_wraps_parse(slice_of(data, len), &wraps, &why) != ERR_OK)
		return 0;
	FUZZ_CHECK(seal_wraps_count(wraps) <= SEAL_WRAPS_MAX);
	FUZZ_CHECK(buf_new(SEAL_WRAPS_BYTES_MAX, &text, NULL) == ERR_OK);
	if (seal_wraps_print(wraps, text, &why) != ERR_OK)
		return 0; /* a kind that is not known may hold numbers that have no canonical form */
	FUZZ_CHECK(seal_wraps_parse(buf_slice(text), &again, &why) == ERR_OK);
	FUZZ_CHECK(seal_wraps_count(wraps) == seal_wraps_count(again));
	for (size_t i = 0; i < seal_wraps_count(wraps); i++) {
		const struct seal_wrap *a = seal_wraps_at(wraps, i), *b = seal_wraps_at(again, i);

		FUZZ_CHECK(a->kind == b->kind && slice_equal(a->ciphertext, b->ciphertext));
		FUZZ_CHECK(slice_equal(a->key, b->key));
		FUZZ_CHECK(a->kind != SEAL_WRAP_PASSPHRASE || a->cost.log_n <= SEAL_SCRYPT_LOG_N_MAX);
	}
	return 0;
}
