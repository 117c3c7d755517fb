#include "crypto/aead.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "crypto/aead_engine.h"

struct aead {
	const struct aead_engine_ops *ops;
	void *state;
};

/* Filled once; what is not usable here is NULL. */
static pthread_once_t choose_once = PTHREAD_ONCE_INIT;
static const struct aead_engine_ops *engines[AEAD_ENGINE_IPSEC_MB + 1];

static const struct aead_engine_ops *best_of_host(void)
{
	const char *wanted = secure_getenv("CLOISTER_AEAD_ENGINE");

	if (!wanted || !*wanted)
		return engines[AEAD_ENGINE_IPSEC_MB] ? engines[AEAD_ENGINE_IPSEC_MB] : engines[AEAD_ENGINE_OPENSSL];
	for (size_t i = AEAD_ENGINE_OPENSSL; i <= AEAD_ENGINE_IPSEC_MB; i++)
		if (engines[i] && slice_is_str(slice_str(wanted), engines[i]->name))
			return engines[i];
	return NULL;
}

static void choose(void)
{
	if (aead_engine_openssl.is_usable())
		engines[AEAD_ENGINE_OPENSSL] = &aead_engine_openssl;
	if (aead_engine_ipsec_mb.is_usable())
		engines[AEAD_ENGINE_IPSEC_MB] = &aead_engine_ipsec_mb;
	engines[AEAD_ENGINE_BEST] = best_of_host();
}

int aead_new(const struct secret *key, enum aead_engine engine, struct aead **ret_aead, struct why *reterr_why)
{
	CLEANUP(aead_freep) struct aead *a = NULL;

	pthread_once(&choose_once, choose);
	ENSURE(secret_len(key) == AEAD_KEY_BYTES, ERR_INVALID, reterr_why, "an AES-256 key has %d bytes, not %zu",
	       AEAD_KEY_BYTES, secret_len(key));
	ENSURE(engines[engine], ERR_UNAVAILABLE, reterr_why,
	       engine == AEAD_ENGINE_BEST
	               ? "the engine that CLOISTER_AEAD_ENGINE names is not on this host; use openssl or ipsec-mb"
	               : "this engine for AES-256-GCM cannot run on this processor");
	a = calloc(1, sizeof *a);
	ENSURE(a, ERR_UNAVAILABLE, reterr_why, "out of memory for a key");
	a->ops = engines[engine];
	a->state = a->ops->key_new(secret_peek(key));
	ENSURE(a->state, ERR_UNAVAILABLE, reterr_why, "engine %s cannot take up a key", a->ops->name);
	*ret_aead = take_ptr(a);
	return ERR_OK;
}

void aead_free(struct aead *a)
{
	if (!a)
		return;
	a->ops->key_free(a->state);
	free(a);
}

void aead_freep(struct aead **a)
{
	aead_free(*a);
	*a = NULL;
}

const char *aead_engine_name(void)
{
	pthread_once(&choose_once, choose);
	return engines[AEAD_ENGINE_BEST] ? engines[AEAD_ENGINE_BEST]->name : "none";
}

int aead_seal(struct aead *a, const uint8_t nonce[static AEAD_NONCE_BYTES], struct slice aad, struct slice plain,
              uint8_t *out, struct why *reterr_why)
{
	ENSURE(plain.len <= AEAD_MESSAGE_BYTES_MAX && aad.len <= AEAD_MESSAGE_BYTES_MAX, ERR_LIMIT, reterr_why,
	       "%zu bytes with %zu of additional data; at most %u each are sealed in one piece", plain.len, aad.len,
	       AEAD_MESSAGE_BYTES_MAX);
	ENSURE(a->ops->seal(a->state, nonce, aad, plain, out), ERR_INTERNAL, reterr_why, "engine %s failed to seal",
	       a->ops->name);
	return ERR_OK;
}

int aead_open(struct aead *a, const uint8_t nonce[static AEAD_NONCE_BYTES], struct slice aad, struct slice sealed,
              uint8_t *out, struct why *reterr_why)
{
	ENSURE(sealed.len >= AEAD_TAG_BYTES, ERR_TAMPERED, reterr_why, "%zu bytes cannot hold a tag", sealed.len);
	ENSURE(sealed.len - AEAD_TAG_BYTES <= AEAD_MESSAGE_BYTES_MAX && aad.len <= AEAD_MESSAGE_BYTES_MAX, ERR_LIMIT,
	       reterr_why, "%zu bytes with %zu of additional data; at most %u each are opened in one piece", sealed.len,
	       aad.len, AEAD_MESSAGE_BYTES_MAX);
	if (!a->ops->open_sealed(a->state, nonce, aad, sealed, out)) {
		/* What was decrypted is the attacker's choice, and must not be taken for the owner's. */
		explicit_bzero(out, sealed.len - AEAD_TAG_BYTES);
		why_set(reterr_why, "the tag does not verify: altered, or sealed under another key or context");
		return ERR_TAMPERED;
	}
	return ERR_OK;
}
