/* AES-256-GCM by libipsec-mb: three times OpenSSL 3.0's speed where the processor has VAES and AVX-512.
 *
 * Its "direct" calls use the manager only as a table of functions for this processor and keep no state in it, so that
 * one serves all threads. It stays allocated for the life of the process. */
#include <intel-ipsec-mb.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/aead_engine.h"

struct expanded {
	struct gcm_key_data key; /* 64-byte aligned */
	struct gcm_context_data context;
};

static IMB_MGR *manager;

static bool is_usable(void)
{
	const uint64_t needed = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ | IMB_FEATURE_AVX2;
	uint64_t found;

	manager = alloc_mb_mgr(0);
	if (!manager)
		return false;
	init_mb_mgr_auto(manager, NULL);
	found = manager->features;
	/* A library that can test itself must have passed. */
	if ((found & needed) == needed && (!(found & IMB_FEATURE_SELF_TEST) || (found & IMB_FEATURE_SELF_TEST_PASS)))
		return true;
	free_mb_mgr(manager);
	manager = NULL;
	return false;
}

static void *key_new(const uint8_t *key)
{
	struct expanded *e = aligned_alloc(_Alignof(struct expanded), sizeof *e);

	if (e)
		IMB_AES256_GCM_PRE(manager, key, &e->key);
	return e;
}

static void key_free(void *state)
{
	if (state)
		explicit_bzero(state, sizeof(struct expanded));
	free(state);
}

static bool seal(void *state, const uint8_t *nonce, struct slice aad, struct slice plain, uint8_t *out)
{
	struct expanded *e = state;

	IMB_AES256_GCM_ENC(manager, &e->key, &e->context, out, plain.ptr, plain.len, nonce, aad.ptr, aad.len,
	                   out + plain.len, AEAD_TAG_BYTES);
	return true;
}

static bool open_sealed(void *state, const uint8_t *nonce, struct slice aad, struct slice sealed, uint8_t *out)
{
	struct expanded *e = state;
	size_t text_len = sealed.len - AEAD_TAG_BYTES;
	uint8_t wanted[AEAD_TAG_BYTES], tag[AEAD_TAG_BYTES];

	/* Before anything is written: `out` may be where the sealed bytes lie. */
	memcpy(wanted, sealed.ptr + text_len, sizeof wanted);
	IMB_AES256_GCM_DEC(manager, &e->key, &e->context, out, sealed.ptr, text_len, nonce, aad.ptr, aad.len, tag,
	                   sizeof tag);
	return bytes_equal_ct(tag, wanted, sizeof tag);
}

const struct aead_engine_ops aead_engine_ipsec_mb = {
	.name = "ipsec-mb",
	.is_usable = is_usable,
	.key_new = key_new,
	.key_free = key_free,
	.seal = seal,
	.open_sealed = open_sealed,
};
