/* A length, that much additional data, and a sealed secret under the key of the specification's first example. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/xaes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(secret_freep) struct secret *key = NULL, *plain = NULL;
	CLEANUP(buf_freep) struct buf *again = NULL;
	struct cursor c = cursor_of(slice_of(data, size));
	struct slice aad;
	uint8_t aad_len;

	if (secret_new(32, &key, NULL) != ERR_OK || buf_new(size, &again, NULL) != ERR_OK)
		abort();
	memset(secret_bytes(key), 1, 32);
	if (cursor_take_u8(&c, &aad_len, NULL) != ERR_OK || cursor_take(&c, aad_len, &aad, NULL) != ERR_OK)
		return 0;
	if (xaes_open(key, aad, c.rest, &plain, NULL) != ERR_OK)
		return 0;
	/* What opens is what its nonce and plaintext seal to. */
	if (xaes_seal_with_nonce(key, c.rest.ptr, aad, slice_of(secret_peek(plain), secret_len(plain)), again, NULL) !=
	            ERR_OK ||
	    !slice_equal(buf_slice(again), c.rest))
		abort();
	return 0;
}
