#include "crypto/xaes.h"

#include <string.h>

#include "base/random.h"
#include "crypto/aead.h"
#include "crypto/ossl.h"

enum { BLOCK_BYTES = 16 };

/* AES-256 of whole blocks under the wrapping key: the derivation below is CMAC written out. */
static int encrypt_blocks(EVP_CIPHER_CTX *ctx, const uint8_t *in, uint8_t *out, int len, struct why *reterr_why)
{
	int written = 0;

	ENSURE_OSSL(EVP_EncryptUpdate(ctx, out, &written, in, len) == 1 && written == len, ERR_INTERNAL, reterr_why,
	            "AES failed");
	return ERR_OK;
}

/* CMAC's first subkey (SP 800-38B, 6.1): L doubled in GF(2^128), without a branch on its secret top bit. */
static void double_in_field(uint8_t block[static BLOCK_BYTES])
{
	uint8_t carry = (uint8_t)(-(block[0] >> 7) & 0x87);

	for (int i = 0; i < BLOCK_BYTES - 1; i++)
		block[i] = (uint8_t)(block[i] << 1 | block[i + 1] >> 7);
	block[BLOCK_BYTES - 1] = (uint8_t)(block[BLOCK_BYTES - 1] << 1 ^ carry);
}

/* The message's key from the wrapping key and the nonce's first half: SP 800-108r1 in counter mode with CMAC, of which
 * every input is one whole block. */
static int derive(EVP_CIPHER_CTX *ctx, const uint8_t *nonce, struct secret *subkey, struct secret *work,
                  struct why *reterr_why)
{
	uint8_t *l = secret_bytes(work), *blocks = l + BLOCK_BYTES;

	TRY(encrypt_blocks(ctx, l, l, BLOCK_BYTES, reterr_why)); /* of zeros: work is fresh */
	double_in_field(l);
	for (uint8_t counter = 1; counter <= 2; counter++) {
		uint8_t *block = blocks + (counter - 1) * BLOCK_BYTES;

		block[1] = counter;
		block[2] = 'X';
		memcpy(block + 4, nonce, 12);
		for (int i = 0; i < BLOCK_BYTES; i++)
			block[i] ^= l[i];
	}
	return encrypt_blocks(ctx, blocks, secret_bytes(subkey), 2 * BLOCK_BYTES, reterr_why);
}

static int message_key(const struct secret *key, const uint8_t *nonce, struct aead **ret_aead, struct why *reterr_why)
{
	CLEANUP(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = NULL;
	CLEANUP(secret_freep) struct secret *subkey = NULL, *work = NULL;

	ENSURE(secret_len(key) == AEAD_KEY_BYTES, ERR_INVALID, reterr_why, "an XAES-256-GCM key has %d bytes, not %zu",
	       AEAD_KEY_BYTES, secret_len(key));
	TRY(secret_new(AEAD_KEY_BYTES, &subkey, reterr_why));
	TRY(secret_new(3 * BLOCK_BYTES, &work, reterr_why));
	ctx = EVP_CIPHER_CTX_new();
	ENSURE_OSSL(ctx && EVP_EncryptInit_ex2(ctx, EVP_aes_256_ecb(), secret_peek(key), NULL, NULL) == 1,
	            ERR_UNAVAILABLE, reterr_why, "cannot set up AES");
	TRY(derive(ctx, nonce, subkey, work, reterr_why));
	return aead_new(subkey, AEAD_ENGINE_BEST, ret_aead, reterr_why);
}

int xaes_seal_with_nonce(const struct secret *key, const uint8_t nonce[static XAES_NONCE_BYTES], struct slice aad,
                         struct slice plain, struct buf *into, struct why *reterr_why)
{
	CLEANUP(aead_freep) struct aead *aead = NULL;
	uint8_t *room;

	TRY(message_key(key, nonce, &aead, reterr_why));
	TRY(buf_reserve(into, XAES_OVERHEAD_BYTES + plain.len, &room, reterr_why));
	memcpy(room, nonce, XAES_NONCE_BYTES);
	TRY(aead_seal(aead, nonce + 12, aad, plain, room + XAES_NONCE_BYTES, reterr_why));
	buf_commit(into, XAES_OVERHEAD_BYTES + plain.len);
	return ERR_OK;
}

int xaes_seal(const struct secret *key, struct slice aad, struct slice plain, struct buf *into, struct why *reterr_why)
{
	uint8_t nonce[XAES_NONCE_BYTES];

	TRY(random_fill(nonce, sizeof nonce, reterr_why));
	return xaes_seal_with_nonce(key, nonce, aad, plain, into, reterr_why);
}

/* `out` has room for sealed.len - XAES_OVERHEAD_BYTES, which the caller has checked. */
static int open_to(const struct secret *key, struct slice aad, struct slice sealed, uint8_t *out,
                   struct why *reterr_why)
{
	CLEANUP(aead_freep) struct aead *aead = NULL;

	TRY(message_key(key, sealed.ptr, &aead, reterr_why));
	return aead_open(aead, sealed.ptr + 12, aad,
	                 slice_of(sealed.ptr + XAES_NONCE_BYTES, sealed.len - XAES_NONCE_BYTES), out, reterr_why);
}

static int check_length(struct slice sealed, struct why *reterr_why)
{
	ENSURE(sealed.len >= XAES_OVERHEAD_BYTES, ERR_INVALID, reterr_why,
	       "%zu bytes cannot hold a sealed message; it has at least %d", sealed.len, XAES_OVERHEAD_BYTES);
	return ERR_OK;
}

int xaes_open(const struct secret *key, struct slice aad, struct slice sealed, struct secret **ret_plain,
              struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *plain = NULL;

	TRY(check_length(sealed, reterr_why));
	TRY(secret_new(sealed.len - XAES_OVERHEAD_BYTES, &plain, reterr_why));
	TRY(open_to(key, aad, sealed, secret_bytes(plain), reterr_why));
	*ret_plain = take_ptr(plain);
	return ERR_OK;
}

int xaes_open_bytes(const struct secret *key, struct slice aad, struct slice sealed, struct buf *into,
                    struct why *reterr_why)
{
	uint8_t *room;

	TRY(check_length(sealed, reterr_why));
	TRY(buf_reserve(into, sealed.len - XAES_OVERHEAD_BYTES, &room, reterr_why));
	TRY(open_to(key, aad, sealed, room, reterr_why));
	buf_commit(into, sealed.len - XAES_OVERHEAD_BYTES);
	return ERR_OK;
}
