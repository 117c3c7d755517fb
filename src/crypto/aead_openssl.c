/* AES-256-GCM by OpenSSL: on every host. The context keeps the expanded key; only the nonce changes from call to call,
 * which for messages of 4 KiB is 1.6 times as fast as a context for each. */
#include <openssl/err.h>

#include "crypto/aead_engine.h"
#include "crypto/ossl.h"

/* Looked up once: OpenSSL 3.0 takes longer to find an algorithm by its name than to seal a small secret. */
static EVP_CIPHER *cipher;

/* A failure leaves entries in OpenSSL's queue, which whoever uses the thread next, TLS above all, would take for their
 * own. */
static bool settle(bool is_ok)
{
	if (!is_ok)
		ERR_clear_error();
	return is_ok;
}

static bool is_usable(void)
{
	cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	return settle(cipher != NULL);
}

static void *key_new(const uint8_t *key)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (!settle(ctx && EVP_EncryptInit_ex2(ctx, cipher, key, NULL, NULL) == 1))
		EVP_CIPHER_CTX_freep(&ctx);
	return ctx;
}

static void key_free(void *state)
{
	EVP_CIPHER_CTX_free(state); /* wipes the expanded key */
}

/* The int casts are safe: AEAD_MESSAGE_BYTES_MAX. OpenSSL takes a NULL input for the end of the message. */
static bool put_aad(EVP_CIPHER_CTX *ctx, struct slice aad)
{
	int len;

	return aad.len == 0 || EVP_CipherUpdate(ctx, NULL, &len, aad.ptr, (int)aad.len) == 1;
}

static bool put_text(EVP_CIPHER_CTX *ctx, struct slice text, uint8_t *out)
{
	int len;

	return text.len == 0 || EVP_CipherUpdate(ctx, out, &len, text.ptr, (int)text.len) == 1;
}

static bool seal(void *state, const uint8_t *nonce, struct slice aad, struct slice plain, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = state;
	int len;

	return settle(EVP_EncryptInit_ex2(ctx, NULL, NULL, nonce, NULL) == 1 && put_aad(ctx, aad) &&
	              put_text(ctx, plain, out) && EVP_EncryptFinal_ex(ctx, out + plain.len, &len) == 1 &&
	              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_BYTES, out + plain.len) == 1);
}

static bool open_sealed(void *state, const uint8_t *nonce, struct slice aad, struct slice sealed, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = state;
	struct slice text = slice_of(sealed.ptr, sealed.len - AEAD_TAG_BYTES);
	uint8_t tag[AEAD_TAG_BYTES], rest[1];
	int len;

	for (size_t i = 0; i < sizeof tag; i++)
		tag[i] = sealed.ptr[text.len + i];
	return settle(EVP_DecryptInit_ex2(ctx, NULL, NULL, nonce, NULL) == 1 && put_aad(ctx, aad) &&
	              put_text(ctx, text, out) &&
	              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_BYTES, tag) == 1 &&
	              EVP_DecryptFinal_ex(ctx, rest, &len) == 1);
}

const struct aead_engine_ops aead_engine_openssl = {
	.name = "openssl",
	.is_usable = is_usable,
	.key_new = key_new,
	.key_free = key_free,
	.seal = seal,
	.open_sealed = open_sealed,
};
