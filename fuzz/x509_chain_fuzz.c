/* A chain, a NUL, and the roots that it is verified under. */
#include <stdint.h>
#include <stdlib.h>

#include "crypto/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(sign_public_freep) struct sign_public *key = NULL;
	struct cursor c = cursor_of(slice_of(data, size));
	struct slice chain;
	struct why why;
	uint64_t end;

	if (cursor_take_until(&c, 0, &chain, NULL) != ERR_OK)
		return 0;
	if (x509_chain_verify(chain, c.rest, UINT64_C(1770000000000), &key, &why) == ERR_OK && !key)
		abort();
	(void)!x509_not_after(chain, &end, &why);
	return 0;
}
