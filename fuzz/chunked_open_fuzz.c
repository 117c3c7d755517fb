/* Whole messages under the key of the published vectors, so that seeds open and what grows from them almost does. */
#include <stdint.h>
#include <stdlib.h>

#include "crypto/chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_run(struct chunked *c, struct slice body, bool is_last, uint64_t wanted)
{
	uint8_t *out = malloc(body.len + 1); /* exactly what the header asks for, for the address sanitizer */
	size_t len = 0;

	if (chunked_open_run(c, 0, body, is_last, out, &len, NULL) == ERR_OK && is_last && len != wanted)
		abort();
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(chunked_freep) struct chunked *c = NULL;
	struct slice body = slice_of(NULL, 0);
	uint64_t plain_len = 0;

	if (secret_new_from(slice_str("YELLOW SUBMARINE YELLOW SUBMARIN"), &key, NULL) != ERR_OK)
		abort();
	if (chunked_plain_len(size, &plain_len, NULL) == ERR_OK && chunked_message_len(plain_len) != size)
		abort();
	if (size < CHUNKED_HEAD_BYTES || chunked_open_new(key, slice_of(NULL, 0), data, &c, NULL) != ERR_OK)
		return 0;
	body = slice_of(data + CHUNKED_HEAD_BYTES, size - CHUNKED_HEAD_BYTES);
	open_run(c, body, true, plain_len);
	open_run(c, body, false, plain_len);
	return 0;
}
