/* One byte that says how long the public key is, the key, and the rest a signature over a fixed
 * message. A key that is read must be written back byte for byte. */
#include <stdint.h>
#include <stdlib.h>

#include "base/limits.h"
#include "crypto/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(sign_public_freep) struct sign_public *key = NULL;
	CLEANUP(buf_freep) struct buf *again = NULL;
	struct cursor c = cursor_of(slice_of(data, size));
	struct slice spki;
	uint8_t len;

	if (cursor_take_u8(&c, &len, NULL) != ERR_OK || cursor_take(&c, len, &spki, NULL) != ERR_OK)
		return 0;
	if (sign_public_from_spki(spki, &key, NULL) != ERR_OK)
		return 0;
	if (buf_new(SIGN_SPKI_BYTES_MAX, &again, NULL) != ERR_OK || sign_public_spki(key, again, NULL) != ERR_OK ||
	    !slice_equal(buf_slice(again), spki))
		abort();
	(void)!sign_verify(key, slice_str("message"), c.rest, NULL);
	return 0;
}
