/* hpke.h: HPKE (RFC 9180), base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM (0x0020, 0x0001, 0x0002).
 * One message per encapsulation: what is sealed here is small and secret, to a key pinned beforehand. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"

#define HPKE_PUBLIC_BYTES 32
#define HPKE_PRIVATE_BYTES 32
#define HPKE_ENC_BYTES 32

/* A key pair; the private half is the 32 bytes of X25519. */
MUST_USE int hpke_key_generate(struct secret **ret_private, uint8_t ret_public[static HPKE_PUBLIC_BYTES],
                               struct why *reterr_why);
MUST_USE int hpke_key_public(const struct secret *private_key, uint8_t ret_public[static HPKE_PUBLIC_BYTES],
                             struct why *reterr_why);

/* Seals to a public key: fills enc, appends ciphertext and tag. Errors: ERR_INVALID for a public key of low order,
 * ERR_LIMIT if `into` cannot hold it; then nothing is appended. */
MUST_USE int hpke_seal(const uint8_t public_key[static HPKE_PUBLIC_BYTES], struct slice info, struct slice aad,
                       struct slice plain, uint8_t ret_enc[static HPKE_ENC_BYTES], struct buf *into,
                       struct why *reterr_why);

/* Opens. Errors: ERR_TAMPERED if it was not sealed to this key with this info and aad, ERR_LIMIT if no secret can hold
 * it, ERR_INVALID if the private key has not 32 bytes. */
MUST_USE int hpke_open(const struct secret *private_key, const uint8_t enc[static HPKE_ENC_BYTES], struct slice info,
                       struct slice aad, struct slice sealed, struct secret **ret_plain, struct why *reterr_why);

/* With the ephemeral private key given: for the specification's vectors only. */
MUST_USE int hpke_seal_with_ephemeral(const struct secret *ephemeral,
                                      const uint8_t public_key[static HPKE_PUBLIC_BYTES], struct slice info,
                                      struct slice aad, struct slice plain, uint8_t ret_enc[static HPKE_ENC_BYTES],
                                      struct buf *into, struct why *reterr_why);
