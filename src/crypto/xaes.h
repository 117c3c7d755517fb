/* xaes.h: XAES-256-GCM (C2SP), for wrapping keys and sealing small secrets: a random 24-byte nonce each, 2^80 messages
 * a key. It does not commit to its key: what must, says so in its additional data or uses chunked.h. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"

#define XAES_NONCE_BYTES 24
#define XAES_OVERHEAD_BYTES (XAES_NONCE_BYTES + 16)

/* Appends nonce, ciphertext and tag under a fresh random nonce. */
MUST_USE int xaes_seal(const struct secret *key, struct slice aad, struct slice plain, struct buf *into,
                       struct why *reterr_why);

/* Opens nonce, ciphertext and tag into a new secret. ERR_INVALID if too short, ERR_TAMPERED if it does not verify. */
MUST_USE int xaes_open(const struct secret *key, struct slice aad, struct slice sealed, struct secret **ret_plain,
                       struct why *reterr_why);

/* The same for a message that is not itself a key and may be longer than a secret: appends the plain bytes. */
MUST_USE int xaes_open_bytes(const struct secret *key, struct slice aad, struct slice sealed, struct buf *into,
                             struct why *reterr_why);

/* With the nonce given: for the specification's vectors only. */
MUST_USE int xaes_seal_with_nonce(const struct secret *key, const uint8_t nonce[static XAES_NONCE_BYTES],
                                  struct slice aad, struct slice plain, struct buf *into, struct why *reterr_why);
