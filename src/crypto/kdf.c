#include "crypto/kdf.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/limits.h"
#include "base/random.h"
#include "crypto/ossl.h"

static struct slice secret_slice(const struct secret *s)
{
	return slice_of(secret_peek(s), secret_len(s));
}

/* RFC 5869, section 2.3: T(i) = HMAC(PRK, T(i - 1), info, i). */
int hkdf_expand(enum hash_kind kind, const struct secret *prk, struct slice info, size_t len, struct secret **ret_okm,
                struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *okm = NULL;
	size_t digest_bytes = hash_bytes(kind), done = 0;
	uint8_t block[HASH_BYTES_MAX], counter = 0;

	ENSURE(len <= 255 * digest_bytes, ERR_LIMIT, reterr_why, "HKDF gives at most %zu bytes, not %zu",
	       255 * digest_bytes, len);
	TRY(secret_new(len, &okm, reterr_why));
	while (done < len) {
		size_t piece = len - done < digest_bytes ? len - done : digest_bytes;
		struct slice parts[3];

		counter++;
		parts[0] = slice_of(block, done ? digest_bytes : 0);
		parts[1] = info;
		parts[2] = slice_of(&counter, 1);
		hmac_parts(kind, secret_slice(prk), parts, 3, block);
		memcpy(secret_bytes(okm) + done, block, piece);
		done += piece;
	}
	explicit_bzero(block, sizeof block);
	*ret_okm = take_ptr(okm);
	return ERR_OK;
}

int hkdf_extract(enum hash_kind kind, struct slice salt, const struct slice *ikm, size_t count, struct secret **ret_prk,
                 struct why *reterr_why)
{
	struct secret *prk;

	TRY(secret_new(hash_bytes(kind), &prk, reterr_why));
	/* HMAC pads its key with zeros: an empty salt is a digest of zeros already. */
	hmac_parts(kind, salt, ikm, count, secret_bytes(prk));
	*ret_prk = prk;
	return ERR_OK;
}

int hkdf(enum hash_kind kind, const struct secret *ikm, struct slice salt, struct slice info, size_t len,
         struct secret **ret_okm, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *prk = NULL;
	struct slice ikm_bytes = secret_slice(ikm);

	TRY(hkdf_extract(kind, salt, &ikm_bytes, 1, &prk, reterr_why));
	return hkdf_expand(kind, prk, info, len, ret_okm, reterr_why);
}

int scrypt_cost_new(struct scrypt_cost *ret_cost, struct why *reterr_why)
{
	struct scrypt_cost cost = {.log_n = 17, .r = SCRYPT_R, .p = 1};

	TRY(random_fill(cost.salt, sizeof cost.salt, reterr_why));
	*ret_cost = cost;
	return ERR_OK;
}

int scrypt_raw(const struct secret *passphrase, struct slice salt, uint64_t n, uint32_t r, uint32_t p, size_t len,
               struct secret **ret_key, struct why *reterr_why)
{
	CLEANUP(EVP_KDF_freep) EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
	CLEANUP(EVP_KDF_CTX_freep) EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	CLEANUP(secret_freep) struct secret *key = NULL;
	/* Exactly what RFC 7914 needs, and a little: OpenSSL's own bound is below our usual cost. */
	uint64_t memory_bytes = 128 * (uint64_t)r * (n + p + 2) + 4096;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, (void *)secret_peek(passphrase),
	                                          secret_len(passphrase)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt.ptr, salt.len),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory_bytes),
		OSSL_PARAM_construct_end(),
	};

	ENSURE_OSSL(ctx, ERR_UNAVAILABLE, reterr_why, "cannot set up scrypt");
	TRY(secret_new(len, &key, reterr_why));
	ENSURE_OSSL(EVP_KDF_derive(ctx, secret_bytes(key), len, params) == 1, ERR_UNAVAILABLE, reterr_why,
	            "scrypt failed; is there enough free memory for its cost?");
	*ret_key = take_ptr(key);
	return ERR_OK;
}

int scrypt_derive(const struct secret *passphrase, const struct scrypt_cost *cost, struct secret **ret_key,
                  struct why *reterr_why)
{
	ENSURE(cost->log_n >= SCRYPT_LOG_N_MIN && cost->log_n <= SCRYPT_LOG_N_MAX, ERR_LIMIT, reterr_why,
	       "scrypt cost log_n is %u; %d to %d are accepted", cost->log_n, SCRYPT_LOG_N_MIN, SCRYPT_LOG_N_MAX);
	ENSURE(cost->r == SCRYPT_R, ERR_LIMIT, reterr_why, "scrypt cost r is %u; only %d is accepted", cost->r,
	       SCRYPT_R);
	ENSURE(cost->p >= 1 && cost->p <= SCRYPT_P_MAX, ERR_LIMIT, reterr_why,
	       "scrypt cost p is %u; 1 to %d are accepted", cost->p, SCRYPT_P_MAX);
	return scrypt_raw(passphrase, slice_of(cost->salt, sizeof cost->salt), (uint64_t)1 << cost->log_n, cost->r,
	                  cost->p, SCRYPT_KEY_BYTES, ret_key, reterr_why);
}
