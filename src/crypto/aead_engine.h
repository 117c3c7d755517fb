/* aead_engine.h: what an implementation of AES-256-GCM has to give; aead.c chooses among them. Internal to crypto/.
 *
 * Lengths have been checked when an engine is called: at most AEAD_MESSAGE_BYTES_MAX, and a tag in what is opened. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/aead.h"

struct aead_engine_ops {
	const char *name;

	/* Whether this processor can run it, and well. Called from one thread only. */
	bool (*is_usable)(void);

	/* Expands a key of AEAD_KEY_BYTES; the state is the engine's own. NULL without memory. */
	void *(*key_new)(const uint8_t *key);
	void (*key_free)(void *state);

	/* Ciphertext to `out`, tag behind it. False if the library failed, which is a defect. */
	bool (*seal)(void *state, const uint8_t *nonce, struct slice aad, struct slice plain, uint8_t *out);

	/* Plaintext to `out`, or anything at all if it returns false because the tag does not verify. */
	bool (*open_sealed)(void *state, const uint8_t *nonce, struct slice aad, struct slice sealed, uint8_t *out);
};

extern const struct aead_engine_ops aead_engine_openssl;
extern const struct aead_engine_ops aead_engine_ipsec_mb;
