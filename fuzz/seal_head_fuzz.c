/* Heads and cores of sealed files: what is read, written again, gives the same bytes; and FILE.wraps. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "seal/wraps_file.h"

static void check_core(struct slice json)
{
	CLEANUP(buf_freep) struct buf *again = NULL;
	struct seal_core core;
	struct why why;

	if (seal_core_parse(json, &core, &why) != ERR_OK)
		return;
	FUZZ_CHECK(buf_new(2 * SEAL_CORE_BYTES_MAX, &again, NULL) == ERR_OK);
	FUZZ_CHECK(seal_core_print(&core, again, &why) == ERR_OK);
	FUZZ_CHECK(slice_equal(buf_slice(again), json));
}

static void check_head(struct slice bytes)
{
	CLEANUP(buf_freep) struct buf *again = NULL;
	struct seal_head head;
	struct why why;

	if (seal_head_parse(bytes, &head, &why) != ERR_OK)
		return;
	FUZZ_CHECK(head.message_at <= bytes.len && head.wraps_at + head.wraps.len == head.message_at);
	FUZZ_CHECK(buf_new(SEAL_HEAD_BYTES_MAX, &again, NULL) == ERR_OK);
	FUZZ_CHECK(seal_head_print(head.core, head.wraps, again, &why) == ERR_OK);
	FUZZ_CHECK(slice_equal(buf_slice(again), slice_of(bytes.ptr, head.message_at)));
	check_core(head.core);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	CLEANUP(seal_wraps_freep) struct seal_wraps *wraps = NULL;
	uint8_t hash[SEAL_HASH_BYTES];
	struct why why;

	check_head(slice_of(data, len));
	check_core(slice_of(data, len));
	if (seal_sidecar_parse(slice_of(data, len), hash, &wraps, &why) == ERR_OK)
		FUZZ_CHECK(len >= sizeof SEAL_SIDECAR_MAGIC - 1 + SEAL_HASH_BYTES + 4);
	return 0;
}
