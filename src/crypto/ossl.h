/* ossl.h: what every file here that calls OpenSSL needs: locals that own its objects, and its reasons as sentences.
 * Internal to crypto/. */
#pragma once
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/cleanup.h"
#include "base/err.h"

/* Writes "<what>: <OpenSSL's reason>", empties OpenSSL's queue of errors, so that no later call trips over them, and
 * returns `code`. */
MUST_USE int ossl_fail(struct why *w, int code, const char *what);

/* As ENSURE, for a call into OpenSSL. */
#define ENSURE_OSSL(cond, code, reterr_why, what)                       \
	do {                                                            \
		if (!(cond))                                            \
			return ossl_fail((reterr_why), (code), (what)); \
	} while (0)

/* EVP_PKEY_freep() and so on: for CLEANUP. */
#define OSSL_FREEP(type)                               \
	static inline void type##_freep(type **object) \
	{                                              \
		type##_free(*object);                  \
		*object = NULL;                        \
	}
OSSL_FREEP(BIO)
OSSL_FREEP(EVP_CIPHER_CTX)
OSSL_FREEP(EVP_KDF)
OSSL_FREEP(EVP_KDF_CTX)
OSSL_FREEP(EVP_MD_CTX)
OSSL_FREEP(EVP_PKEY)
OSSL_FREEP(EVP_PKEY_CTX)
OSSL_FREEP(GENERAL_NAMES)
OSSL_FREEP(PKCS8_PRIV_KEY_INFO)
OSSL_FREEP(X509)
OSSL_FREEP(X509_EXTENSION)
OSSL_FREEP(X509_STORE)
OSSL_FREEP(X509_STORE_CTX)

static inline void BN_freep(BIGNUM **number)
{
	BN_free(*number);
	*number = NULL;
}

/* What STACK_OF(X509) stands for. */
static inline void ossl_certificates_freep(struct stack_st_X509 **list)
{
	sk_X509_pop_free(*list, X509_free);
	*list = NULL;
}
