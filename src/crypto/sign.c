#include "crypto/sign.h"

#include <stdlib.h>

#include "base/limits.h"
#include "crypto/ossl.h"
#include "crypto/sign_ossl.h"

/* The kind is written down at birth, after the key was found to be of it, so that nothing later has to fail for it. */
struct sign_key {
	EVP_PKEY *pkey;
	enum sign_kind kind;
};

struct sign_public {
	EVP_PKEY *pkey;
	enum sign_kind kind;
};

/* A SubjectPublicKeyInfo of each kind is this head and the key's bytes, of a fixed length: RFC 8410 for Ed25519, RFC
 * 5480 for a named curve with an uncompressed point. Other spellings of the same key (compressed points, explicit
 * curves, BER) are refused everywhere, since hashes of public keys are compared. */
#define HEAD_ED25519 "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"
#define HEAD_P256                                                                                      \
	"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07" \
	"\x03\x42\x00\x04"
#define HEAD_P384 "\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00\x04"

static const struct {
	const char *type;
	const char *group; /* NULL: has none */
	const char *digest;
	struct slice spki_head;
	size_t spki_bytes;
} kinds[] = {
	[SIGN_ED25519] = {"ED25519", NULL, NULL, {(const uint8_t *)HEAD_ED25519, sizeof HEAD_ED25519 - 1}, 44},
	[SIGN_P256] = {"EC", "P-256", "SHA2-256", {(const uint8_t *)HEAD_P256, sizeof HEAD_P256 - 1}, 91},
	[SIGN_P384] = {"EC", "P-384", "SHA2-384", {(const uint8_t *)HEAD_P384, sizeof HEAD_P384 - 1}, 120},
};

static int kind_of_spki(struct slice der, enum sign_kind *ret_kind, struct why *reterr_why)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (der.len != kinds[i].spki_bytes)
			continue;
		if (!slice_equal(slice_of(der.ptr, kinds[i].spki_head.len), kinds[i].spki_head))
			continue;
		*ret_kind = (enum sign_kind)i;
		return ERR_OK;
	}
	why_set(reterr_why, "not a key of Ed25519, P-256 or P-384 in its usual encoding");
	return ERR_INVALID;
}

static int put_spki(const EVP_PKEY *pkey, struct buf *into, struct why *reterr_why)
{
	int len = i2d_PUBKEY(pkey, NULL);
	uint8_t *room;

	ENSURE_OSSL(len > 0, ERR_INVALID, reterr_why, "cannot write a public key");
	TRY(buf_reserve(into, (size_t)len, &room, reterr_why));
	ENSURE_OSSL(i2d_PUBKEY(pkey, &room) == len, ERR_INTERNAL, reterr_why, "cannot write a public key");
	buf_commit(into, (size_t)len);
	return ERR_OK;
}

static int kind_of(const EVP_PKEY *pkey, enum sign_kind *ret_kind, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *spki = NULL;

	TRY(buf_new(SIGN_SPKI_BYTES_MAX, &spki, reterr_why));
	TRY(put_spki(pkey, spki, reterr_why));
	return kind_of_spki(buf_slice(spki), ret_kind, reterr_why);
}

/* Both take ownership of `pkey`, success or not. */
static int key_from_pkey(EVP_PKEY *pkey, struct sign_key **ret_key, struct why *reterr_why)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *owned = pkey;
	enum sign_kind kind;
	struct sign_key *key;

	TRY(kind_of(pkey, &kind, reterr_why));
	key = calloc(1, sizeof *key);
	ENSURE(key, ERR_UNAVAILABLE, reterr_why, "out of memory for a key");
	key->pkey = take_ptr(owned);
	key->kind = kind;
	*ret_key = key;
	return ERR_OK;
}

int sign_public_from_pkey(EVP_PKEY *pkey, struct sign_public **ret_public, struct why *reterr_why)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *owned = pkey;
	enum sign_kind kind;
	struct sign_public *public;

	TRY(kind_of(pkey, &kind, reterr_why));
	public = calloc(1, sizeof *public);
	ENSURE(public, ERR_UNAVAILABLE, reterr_why, "out of memory for a key");
	public->pkey = take_ptr(owned);
	public->kind = kind;
	*ret_public = public;
	return ERR_OK;
}

EVP_PKEY *sign_key_pkey(const struct sign_key *key)
{
	return key->pkey;
}

EVP_PKEY *sign_public_pkey(const struct sign_public *key)
{
	return key->pkey;
}

int sign_key_generate(enum sign_kind kind, struct sign_key **ret_key, struct why *reterr_why)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, kinds[kind].type, kinds[kind].group);

	ENSURE_OSSL(pkey, ERR_UNAVAILABLE, reterr_why, "cannot make a key");
	return key_from_pkey(pkey, ret_key, reterr_why);
}

int sign_key_export(const struct sign_key *key, struct secret **ret_der, struct why *reterr_why)
{
	CLEANUP(PKCS8_PRIV_KEY_INFO_freep) PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
	CLEANUP(secret_freep) struct secret *der = NULL;
	uint8_t *at;
	int len;

	len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : -1;
	ENSURE_OSSL(len > 0, ERR_UNAVAILABLE, reterr_why, "cannot write a private key");
	TRY(secret_new((size_t)len, &der, reterr_why));
	at = secret_bytes(der);
	ENSURE_OSSL(i2d_PKCS8_PRIV_KEY_INFO(info, &at) == len, ERR_INTERNAL, reterr_why, "cannot write a private key");
	*ret_der = take_ptr(der);
	return ERR_OK;
}

int sign_key_import(const struct secret *der, struct sign_key **ret_key, struct why *reterr_why)
{
	CLEANUP(PKCS8_PRIV_KEY_INFO_freep) PKCS8_PRIV_KEY_INFO *info = NULL;
	const uint8_t *start = secret_peek(der), *at = start;
	EVP_PKEY *pkey;

	info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)secret_len(der));
	ENSURE_OSSL(info && at == start + secret_len(der), ERR_INVALID, reterr_why, "not a private key in PKCS #8");
	pkey = EVP_PKCS82PKEY(info);
	ENSURE_OSSL(pkey, ERR_INVALID, reterr_why, "not a private key that can be used");
	return key_from_pkey(pkey, ret_key, reterr_why);
}

void sign_key_free(struct sign_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

void sign_key_freep(struct sign_key **key)
{
	sign_key_free(*key);
	*key = NULL;
}

int sign_key_public(const struct sign_key *key, struct sign_public **ret_public, struct why *reterr_why)
{
	/* By way of its encoding, so that a public key never drags the private half along. */
	CLEANUP(buf_freep) struct buf *spki = NULL;
	const struct sign_public borrowed = {.pkey = key->pkey, .kind = key->kind};

	TRY(buf_new(SIGN_SPKI_BYTES_MAX, &spki, reterr_why));
	TRY(sign_public_spki(&borrowed, spki, reterr_why));
	return sign_public_from_spki(buf_slice(spki), ret_public, reterr_why);
}

int sign_public_spki(const struct sign_public *key, struct buf *into, struct why *reterr_why)
{
	return put_spki(key->pkey, into, reterr_why);
}

int sign_public_from_spki(struct slice der, struct sign_public **ret_public, struct why *reterr_why)
{
	const uint8_t *at = der.ptr;
	enum sign_kind kind;
	EVP_PKEY *pkey;

	/* First ours, so that OpenSSL's decoders never see anything but a key of a known kind and length. */
	TRY(kind_of_spki(der, &kind, reterr_why));
	pkey = d2i_PUBKEY(NULL, &at, (long)der.len);
	ENSURE_OSSL(pkey, ERR_INVALID, reterr_why, "not a public key: its point is not on the curve");
	return sign_public_from_pkey(pkey, ret_public, reterr_why);
}

int sign_public_raw_ed25519(const struct sign_public *key, uint8_t out[static 32], struct why *reterr_why)
{
	uint8_t raw[32];
	size_t len = sizeof raw;

	ENSURE(key->kind == SIGN_ED25519, ERR_INVALID, reterr_why, "not an Ed25519 key");
	ENSURE_OSSL(EVP_PKEY_get_raw_public_key(key->pkey, raw, &len) == 1 && len == sizeof raw, ERR_INTERNAL,
	            reterr_why, "cannot read an Ed25519 key");
	for (size_t i = 0; i < sizeof raw; i++)
		out[i] = raw[i];
	return ERR_OK;
}

int sign_public_from_raw_ed25519(const uint8_t raw[static 32], struct sign_public **ret_public, struct why *reterr_why)
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, raw, 32);

	ENSURE_OSSL(pkey, ERR_INVALID, reterr_why, "not an Ed25519 key");
	return sign_public_from_pkey(pkey, ret_public, reterr_why);
}

enum sign_kind sign_public_kind(const struct sign_public *key)
{
	return key->kind;
}

void sign_public_free(struct sign_public *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

void sign_public_freep(struct sign_public **key)
{
	sign_public_free(*key);
	*key = NULL;
}

int sign_key_begin(const struct sign_key *key, EVP_MD_CTX *ctx, struct why *reterr_why)
{
	ENSURE_OSSL(EVP_DigestSignInit_ex(ctx, NULL, kinds[key->kind].digest, NULL, NULL, key->pkey, NULL) == 1,
	            ERR_UNAVAILABLE, reterr_why, "cannot set up a signature");
	return ERR_OK;
}

int sign_message(const struct sign_key *key, struct slice message, uint8_t out[static SIGN_BYTES_MAX], size_t *ret_len,
                 struct why *reterr_why)
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = SIGN_BYTES_MAX;

	ENSURE_OSSL(ctx, ERR_UNAVAILABLE, reterr_why, "out of memory for a signature");
	TRY(sign_key_begin(key, ctx, reterr_why));
	ENSURE_OSSL(EVP_DigestSign(ctx, out, &len, message.ptr, message.len) == 1, ERR_UNAVAILABLE, reterr_why,
	            "cannot sign");
	*ret_len = len;
	return ERR_OK;
}

int sign_verify(const struct sign_public *key, struct slice message, struct slice signature, struct why *reterr_why)
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	ENSURE_OSSL(ctx && EVP_DigestVerifyInit_ex(ctx, NULL, kinds[key->kind].digest, NULL, NULL, key->pkey, NULL) ==
	                            1,
	            ERR_UNAVAILABLE, reterr_why, "cannot set up a verification");
	/* 0 is a wrong signature, negative one that cannot even be read: the same to us. */
	ENSURE_OSSL(EVP_DigestVerify(ctx, signature.ptr, signature.len, message.ptr, message.len) == 1, ERR_TAMPERED,
	            reterr_why, "the signature is not by this key over this message");
	return ERR_OK;
}
