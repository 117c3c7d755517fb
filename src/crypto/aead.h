/* aead.h: AES-256-GCM (NIST SP 800-38D) by the faster of two engines, chosen once at run time.
 *
 * libipsec-mb where the processor has VAES or AES-NI with AVX, OpenSSL otherwise; their outputs are byte-identical and
 * tests hold them to it. CLOISTER_AEAD_ENGINE=openssl|ipsec-mb in the environment overrides the choice. Nonces are the
 * caller's duty: each (key, nonce) seals one message, ever. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"

#define AEAD_KEY_BYTES 32
#define AEAD_NONCE_BYTES 12
#define AEAD_TAG_BYTES 16

enum aead_engine {
	AEAD_ENGINE_BEST,
	AEAD_ENGINE_OPENSSL,
	AEAD_ENGINE_IPSEC_MB,
};

/* A key, expanded: a kilobyte of round keys and powers, too large for a slot of struct secret, so in ordinary memory
 * that aead_free() wipes. One thread at a time. */
struct aead;

/* ERR_INVALID if the key is not of 32 bytes, ERR_UNAVAILABLE if a named engine is not on this host. */
MUST_USE int aead_new(const struct secret *key, enum aead_engine engine, struct aead **ret_aead,
                      struct why *reterr_why);
void aead_free(struct aead *a);
void aead_freep(struct aead **a);

/* "openssl" or "ipsec-mb": what BEST means on this host; "none" if CLOISTER_AEAD_ENGINE names neither. */
const char *aead_engine_name(void);

/* Writes plain.len bytes of ciphertext, then the tag, to `out`; `out` may be plain.ptr itself. ERR_LIMIT past
 * AEAD_MESSAGE_BYTES_MAX. */
MUST_USE int aead_seal(struct aead *a, const uint8_t nonce[static AEAD_NONCE_BYTES], struct slice aad,
                       struct slice plain, uint8_t *out, struct why *reterr_why);

/* Checks the tag and writes sealed.len - 16 bytes to `out`. ERR_TAMPERED if it does not verify; `out` is then zeroed.
 * It may be sealed.ptr itself. */
MUST_USE int aead_open(struct aead *a, const uint8_t nonce[static AEAD_NONCE_BYTES], struct slice aad,
                       struct slice sealed, uint8_t *out, struct why *reterr_why);
