#include "crypto/init.h"

#include <time.h>

#include <openssl/crypto.h>

#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/ossl.h"
#include "crypto/xaes.h"

int crypto_open(struct why *reterr_why)
{
	CLEANUP(hash_freep) struct hash *hash = NULL;
	CLEANUP(aead_freep) struct aead *aead = NULL;
	CLEANUP(secret_freep) struct secret *key = NULL;

	ENSURE_OSSL(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1, ERR_UNAVAILABLE, reterr_why,
	            "cannot start OpenSSL");
	/* OpenSSL reads times by gmtime(), which looks up the local time zone the first time. */
	tzset();
	/* One use of each kind fetches its algorithms for good. */
	TRY(hash_new(HASH_SHA256, &hash, reterr_why));
	TRY(secret_new(AEAD_KEY_BYTES, &key, reterr_why));
	return aead_new(key, AEAD_ENGINE_BEST, &aead, reterr_why);
}
