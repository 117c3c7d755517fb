/* What is read as root.json, written again, is read as the same. */
#include "base/limits.h"
#include "fuzz/fuzz.h"
#include "kms/root.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	CLEANUP(kms_root_file_clear) struct kms_root_file file = {0}, again = {0};
	CLEANUP(buf_freep) struct buf *text = NULL;
	struct why why;

	if (kms_root_file_parse(slice_of(data, len), &file, &why) != ERR_OK)
		return 0;
	FUZZ_CHECK(buf_new(2 * KMS_ROOT_FILE_BYTES_MAX, &text, NULL) == ERR_OK);
	FUZZ_CHECK(kms_root_file_print(&file, text, &why) == ERR_OK);
	FUZZ_CHECK(kms_root_file_parse(buf_slice(text), &again, &why) == ERR_OK);
	FUZZ_CHECK(slice_equal(buf_slice(file.parameters), buf_slice(again.parameters)));
	FUZZ_CHECK(slice_equal(slice_str(file.provider), slice_str(again.provider)));
	FUZZ_CHECK(file.wrapped_len == again.wrapped_len);
	return 0;
}
