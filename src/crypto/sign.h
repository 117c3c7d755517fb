/* sign.h: signatures: Ed25519 (RFC 8032), ECDSA with P-256/SHA-256 and P-384/SHA-384 (FIPS 186-5, DER signatures). */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"

enum sign_kind {
	SIGN_ED25519,
	SIGN_P256,
	SIGN_P384,
};

#define SIGN_BYTES_MAX 112 /* a P-384 signature in DER is at most 104 */

struct sign_key;    /* a private key; its bytes are held by OpenSSL in memory that is wiped on free */
struct sign_public; /* a public key */

MUST_USE int sign_key_generate(enum sign_kind kind, struct sign_key **ret_key, struct why *reterr_why);

/* PKCS #8 DER, as a secret. */
MUST_USE int sign_key_export(const struct sign_key *key, struct secret **ret_der, struct why *reterr_why);
MUST_USE int sign_key_import(const struct secret *der, struct sign_key **ret_key, struct why *reterr_why);
void sign_key_free(struct sign_key *key);
void sign_key_freep(struct sign_key **key);

MUST_USE int sign_key_public(const struct sign_key *key, struct sign_public **ret_public, struct why *reterr_why);

/* SubjectPublicKeyInfo DER; and for Ed25519 the 32 raw bytes. */
MUST_USE int sign_public_spki(const struct sign_public *key, struct buf *into, struct why *reterr_why);
MUST_USE int sign_public_from_spki(struct slice der, struct sign_public **ret_public, struct why *reterr_why);
MUST_USE int sign_public_raw_ed25519(const struct sign_public *key, uint8_t out[static 32], struct why *reterr_why);
MUST_USE int sign_public_from_raw_ed25519(const uint8_t raw[static 32], struct sign_public **ret_public,
                                          struct why *reterr_why);
enum sign_kind sign_public_kind(const struct sign_public *key);
void sign_public_free(struct sign_public *key);
void sign_public_freep(struct sign_public **key);

/* Signs `message` (not its digest); *ret_len <= SIGN_BYTES_MAX. */
MUST_USE int sign_message(const struct sign_key *key, struct slice message, uint8_t out[static SIGN_BYTES_MAX],
                          size_t *ret_len, struct why *reterr_why);

/* ERR_TAMPERED if the signature is not by this key over this message. */
MUST_USE int sign_verify(const struct sign_public *key, struct slice message, struct slice signature,
                         struct why *reterr_why);
