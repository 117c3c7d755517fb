/* An encapsulated key and a sealed message, to the private key of the published vector, with its info and aad. */
#include <stdint.h>
#include <stdlib.h>

#include "base/encode.h"
#include "crypto/hpke.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char private_key[] = "497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d";
	CLEANUP(secret_freep) struct secret *key = NULL, *plain = NULL;
	struct slice sealed;

	if (secret_new(HPKE_PRIVATE_BYTES, &key, NULL) != ERR_OK ||
	    hex_decode(slice_str(private_key), secret_bytes(key), HPKE_PRIVATE_BYTES, NULL) != ERR_OK)
		abort();
	if (size < HPKE_ENC_BYTES)
		return 0;
	sealed = slice_of(data + HPKE_ENC_BYTES, size - HPKE_ENC_BYTES);
	if (hpke_open(key, data, slice_str("Ode on a Grecian Urn"), slice_str("Count-0"), sealed, &plain, NULL) ==
	            ERR_OK &&
	    secret_len(plain) + 16 != sealed.len)
		abort();
	return 0;
}
