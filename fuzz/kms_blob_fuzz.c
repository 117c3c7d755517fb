/* What opens is what would be sealed: nothing but a blob of this key and context opens. */
#include <string.h>

#include "base/limits.h"
#include "fuzz/fuzz.h"
#include "kms/blob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	CLEANUP(secret_freep) struct secret *key = NULL, *plain = NULL;
	struct kms_blob blob;
	struct why why;

	if (kms_blob_parse(slice_of(data, len), &blob, &why) != ERR_OK)
		return 0;
	FUZZ_CHECK(blob.key_version > 0);
	FUZZ_CHECK(blob.sealed.len + 21 == len && len <= KMS_BLOB_BYTES_MAX);
	FUZZ_CHECK(secret_new(32, &key, NULL) == ERR_OK);
	memset(secret_bytes(key), 1, 32);
	if (kms_blob_open(key, &blob, slice_str("{}"), &plain, &why) == ERR_OK)
		FUZZ_CHECK(secret_len(plain) + KMS_BLOB_OVERHEAD_BYTES == len);
	return 0;
}
