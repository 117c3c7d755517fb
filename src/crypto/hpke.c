#include "crypto/hpke.h"

#include <string.h>

#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "crypto/ossl.h"

/* RFC 9180, sections 4.1 and 5.1: what every derivation is labelled with. The strings' own NULs are not part. */
#define SUITE_KEM slice_of("KEM\x00\x20", 5)
#define SUITE_HPKE slice_of("HPKE\x00\x20\x00\x01\x00\x02", 10)
#define VERSION slice_str("HPKE-v1")

enum {
	DIGEST_BYTES = SHA256_BYTES,
	MODE_BASE = 0,
	CONTEXT_BYTES = 1 + 2 * DIGEST_BYTES,
	LABELED_BYTES_MAX = 64 + CONTEXT_BYTES, /* length, version, suite and label take less than 64 */
};

static const struct slice nothing;

/* Section 4: LabeledExtract(). */
static int labeled_extract(struct slice suite, struct slice salt, const char *label, struct slice ikm,
                           struct secret **ret_prk, struct why *reterr_why)
{
	const struct slice parts[] = {VERSION, suite, slice_str(label), ikm};

	return hkdf_extract(HASH_SHA256, salt, parts, 4, ret_prk, reterr_why);
}

/* Section 4: LabeledExpand(). What is expanded from is at most the context of the key schedule. */
static int labeled_expand(struct slice suite, const struct secret *prk, const char *label, struct slice info,
                          size_t len, struct secret **ret_okm, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *labeled = NULL;

	TRY(buf_new(LABELED_BYTES_MAX, &labeled, reterr_why));
	TRY(buf_put_u16be(labeled, (uint16_t)len, reterr_why));
	TRY(buf_put(labeled, VERSION, reterr_why));
	TRY(buf_put(labeled, suite, reterr_why));
	TRY(buf_put_str(labeled, label, reterr_why));
	TRY(buf_put(labeled, info, reterr_why));
	return hkdf_expand(HASH_SHA256, prk, buf_slice(labeled), len, ret_okm, reterr_why);
}

static int pkey_of_private(const struct secret *key, EVP_PKEY **ret_pkey, struct why *reterr_why)
{
	ENSURE(secret_len(key) == HPKE_PRIVATE_BYTES, ERR_INVALID, reterr_why, "an X25519 key has %d bytes, not %zu",
	       HPKE_PRIVATE_BYTES, secret_len(key));
	*ret_pkey = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, secret_peek(key), HPKE_PRIVATE_BYTES);
	ENSURE_OSSL(*ret_pkey, ERR_UNAVAILABLE, reterr_why, "cannot set up X25519");
	return ERR_OK;
}

/* X25519, RFC 7748. ERR_INVALID if the result is all zeros, which a public key of low order gives with every private
 * one (RFC 9180, 7.1.4). */
static int exchange(const struct secret *private_key, const uint8_t *public_key, struct secret **ret_shared,
                    struct why *reterr_why)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *own = NULL, *peer = NULL;
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = NULL;
	CLEANUP(secret_freep) struct secret *shared = NULL;
	size_t len = HPKE_PUBLIC_BYTES;

	TRY(pkey_of_private(private_key, &own, reterr_why));
	peer = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, public_key, HPKE_PUBLIC_BYTES);
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	ENSURE_OSSL(peer && ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1,
	            ERR_UNAVAILABLE, reterr_why, "cannot set up X25519");
	TRY(secret_new(len, &shared, reterr_why));
	ENSURE_OSSL(EVP_PKEY_derive(ctx, secret_bytes(shared), &len) == 1 && len == HPKE_PUBLIC_BYTES, ERR_INVALID,
	            reterr_why, "a public key of low order");
	*ret_shared = take_ptr(shared);
	return ERR_OK;
}

/* Section 4.1: ExtractAndExpand(), over what the exchange gave and both public keys. */
static int kem_secret(const struct secret *dh, const uint8_t *enc, const uint8_t *recipient, struct secret **ret_secret,
                      struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *prk = NULL;
	uint8_t context[HPKE_ENC_BYTES + HPKE_PUBLIC_BYTES];

	memcpy(context, enc, HPKE_ENC_BYTES);
	memcpy(context + HPKE_ENC_BYTES, recipient, HPKE_PUBLIC_BYTES);
	TRY(labeled_extract(SUITE_KEM, nothing, "eae_prk", slice_of(secret_peek(dh), secret_len(dh)), &prk,
	                    reterr_why));
	return labeled_expand(SUITE_KEM, prk, "shared_secret", slice_of(context, sizeof context), DIGEST_BYTES,
	                      ret_secret, reterr_why);
}

/* Section 5.1: KeySchedule() in mode base; key and nonce of the first message. */
static int key_schedule(const struct secret *shared, struct slice info, struct aead **ret_aead,
                        uint8_t ret_nonce[static AEAD_NONCE_BYTES], struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *psk_id_hash = NULL, *info_hash = NULL, *secret = NULL;
	CLEANUP(secret_freep) struct secret *key = NULL, *nonce = NULL;
	uint8_t bytes[CONTEXT_BYTES] = {MODE_BASE};
	struct slice context = slice_of(bytes, sizeof bytes);

	TRY(labeled_extract(SUITE_HPKE, nothing, "psk_id_hash", nothing, &psk_id_hash, reterr_why));
	TRY(labeled_extract(SUITE_HPKE, nothing, "info_hash", info, &info_hash, reterr_why));
	memcpy(bytes + 1, secret_peek(psk_id_hash), DIGEST_BYTES);
	memcpy(bytes + 1 + DIGEST_BYTES, secret_peek(info_hash), DIGEST_BYTES);
	TRY(labeled_extract(SUITE_HPKE, slice_of(secret_peek(shared), secret_len(shared)), "secret", nothing, &secret,
	                    reterr_why));
	TRY(labeled_expand(SUITE_HPKE, secret, "key", context, AEAD_KEY_BYTES, &key, reterr_why));
	TRY(labeled_expand(SUITE_HPKE, secret, "base_nonce", context, AEAD_NONCE_BYTES, &nonce, reterr_why));
	TRY(aead_new(key, AEAD_ENGINE_BEST, ret_aead, reterr_why));
	memcpy(ret_nonce, secret_peek(nonce), AEAD_NONCE_BYTES);
	return ERR_OK;
}

int hpke_key_public(const struct secret *private_key, uint8_t ret_public[static HPKE_PUBLIC_BYTES],
                    struct why *reterr_why)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
	size_t len = HPKE_PUBLIC_BYTES;

	TRY(pkey_of_private(private_key, &pkey, reterr_why));
	ENSURE_OSSL(EVP_PKEY_get_raw_public_key(pkey, ret_public, &len) == 1, ERR_UNAVAILABLE, reterr_why,
	            "cannot compute an X25519 public key");
	return ERR_OK;
}

int hpke_key_generate(struct secret **ret_private, uint8_t ret_public[static HPKE_PUBLIC_BYTES], struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *key = NULL;

	/* Any 32 bytes are a private key: X25519 clamps them itself. */
	TRY(secret_new_random(HPKE_PRIVATE_BYTES, &key, reterr_why));
	TRY(hpke_key_public(key, ret_public, reterr_why));
	*ret_private = take_ptr(key);
	return ERR_OK;
}

int hpke_seal_with_ephemeral(const struct secret *ephemeral, const uint8_t public_key[static HPKE_PUBLIC_BYTES],
                             struct slice info, struct slice aad, struct slice plain,
                             uint8_t ret_enc[static HPKE_ENC_BYTES], struct buf *into, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *dh = NULL, *shared = NULL;
	CLEANUP(aead_freep) struct aead *aead = NULL;
	uint8_t enc[HPKE_ENC_BYTES], nonce[AEAD_NONCE_BYTES], *room;

	TRY(hpke_key_public(ephemeral, enc, reterr_why));
	TRY(exchange(ephemeral, public_key, &dh, reterr_why));
	TRY(kem_secret(dh, enc, public_key, &shared, reterr_why));
	TRY(key_schedule(shared, info, &aead, nonce, reterr_why));
	TRY(buf_reserve(into, plain.len + AEAD_TAG_BYTES, &room, reterr_why));
	TRY(aead_seal(aead, nonce, aad, plain, room, reterr_why));
	buf_commit(into, plain.len + AEAD_TAG_BYTES);
	memcpy(ret_enc, enc, sizeof enc);
	return ERR_OK;
}

int hpke_seal(const uint8_t public_key[static HPKE_PUBLIC_BYTES], struct slice info, struct slice aad,
              struct slice plain, uint8_t ret_enc[static HPKE_ENC_BYTES], struct buf *into, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *ephemeral = NULL;

	TRY(secret_new_random(HPKE_PRIVATE_BYTES, &ephemeral, reterr_why));
	return hpke_seal_with_ephemeral(ephemeral, public_key, info, aad, plain, ret_enc, into, reterr_why);
}

int hpke_open(const struct secret *private_key, const uint8_t enc[static HPKE_ENC_BYTES], struct slice info,
              struct slice aad, struct slice sealed, struct secret **ret_plain, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *dh = NULL, *shared = NULL, *plain = NULL;
	CLEANUP(aead_freep) struct aead *aead = NULL;
	uint8_t public_key[HPKE_PUBLIC_BYTES], nonce[AEAD_NONCE_BYTES];
	int err;

	ENSURE(sealed.len >= AEAD_TAG_BYTES, ERR_TAMPERED, reterr_why, "%zu bytes cannot hold a sealed message",
	       sealed.len);
	TRY(secret_new(sealed.len - AEAD_TAG_BYTES, &plain, reterr_why));
	TRY(hpke_key_public(private_key, public_key, reterr_why));
	err = exchange(private_key, enc, &dh, reterr_why);
	/* Our own key is sound, so that what cannot be right is what came with the message. */
	if (err == ERR_INVALID)
		return ERR_TAMPERED;
	TRY(err);
	TRY(kem_secret(dh, enc, public_key, &shared, reterr_why));
	TRY(key_schedule(shared, info, &aead, nonce, reterr_why));
	TRY(aead_open(aead, nonce, aad, sealed, secret_bytes(plain), reterr_why));
	*ret_plain = take_ptr(plain);
	return ERR_OK;
}
