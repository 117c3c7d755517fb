/* sign_ossl.h: OpenSSL's view of our keys, for certificates. Internal to crypto/. */
#pragma once
#include "crypto/ossl.h"
#include "crypto/sign.h"

/* Borrowed for as long as the key lives. */
EVP_PKEY *sign_key_pkey(const struct sign_key *key);
EVP_PKEY *sign_public_pkey(const struct sign_public *key);

/* Takes ownership of `pkey`, success or not. ERR_INVALID if it is of no kind of ours. */
MUST_USE int sign_public_from_pkey(EVP_PKEY *pkey, struct sign_public **ret_public, struct why *reterr_why);

/* Sets `ctx` up for a signature by the key, with the digest that belongs to its kind. */
MUST_USE int sign_key_begin(const struct sign_key *key, EVP_MD_CTX *ctx, struct why *reterr_why);
