/* The frame of a message, and the body of an error reply: whatever is accepted must encode to the same bytes. */
#include <stdlib.h>

#include "ipc/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void try_error(struct slice body)
{
	CLEANUP(buf_freep) struct buf *again = NULL;
	struct why sentence, why;
	int code;

	if (ipc_error_take(body, &code, &sentence, &why) != ERR_OK)
		return;
	if (code >= 0 || buf_new(body.len, &again, NULL) != ERR_OK ||
	    ipc_error_put(again, code, sentence.text, NULL) != ERR_OK || !slice_equal(buf_slice(again), body))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t again[IPC_HEADER_BYTES];
	struct ipc_header header;
	struct slice body;
	struct why why;

	if (ipc_header_decode(slice_of(bytes, len), &header, &body, &why) != ERR_OK)
		return 0;
	ipc_header_encode(&header, again);
	if (body.len + sizeof again != len ||
	    !slice_equal(slice_of(again, sizeof again), slice_of(bytes, sizeof again)))
		abort();
	if (header.flags & IPC_FLAG_ERROR)
		try_error(body);
	return 0;
}
