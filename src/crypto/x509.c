#include "crypto/x509.h"

#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/limits.h"
#include "crypto/sign_ossl.h"
#include "crypto/x509_ossl.h"

enum { NAME_BYTES = 128 };

/* What PEM_read_bio() allocates. */
struct pem_block {
	char *name, *header;
	unsigned char *der;
	long len;
};

static void pem_block_freep(struct pem_block *b)
{
	OPENSSL_free(b->name);
	OPENSSL_free(b->header);
	OPENSSL_free(b->der);
}

static int append_certificate(const struct pem_block *block, struct stack_st_X509 *list, struct why *reterr_why)
{
	CLEANUP(X509_freep) X509 *cert = NULL;
	const unsigned char *at = block->der;
	int number = sk_X509_num(list) + 1;

	ENSURE(slice_is_str(slice_str(block->name), "CERTIFICATE") && block->header[0] == 0, ERR_INVALID, reterr_why,
	       "block %d of this PEM text is not a certificate", number);
	ENSURE(number <= X509_CERTIFICATES_MAX, ERR_LIMIT, reterr_why, "more than %d certificates in one text",
	       X509_CERTIFICATES_MAX);
	cert = d2i_X509(NULL, &at, block->len);
	ENSURE_OSSL(cert && at == block->der + block->len, ERR_INVALID, reterr_why,
	            "a certificate that cannot be read");
	ENSURE_OSSL(sk_X509_push(list, cert) > 0, ERR_UNAVAILABLE, reterr_why, "out of memory for certificates");
	(void)take_ptr(cert);
	return ERR_OK;
}

int x509_read_pem(struct slice pem, struct stack_st_X509 **ret_list, struct why *reterr_why)
{
	CLEANUP(ossl_certificates_freep) struct stack_st_X509 *list = sk_X509_new_null();
	CLEANUP(BIO_freep) BIO *bio = NULL;
	unsigned long end;

	ENSURE(pem.len > 0, ERR_INVALID, reterr_why, "no certificate in this text: it is empty");
	ENSURE(pem.len <= X509_PEM_BYTES_MAX, ERR_LIMIT, reterr_why, "%zu bytes of certificates; at most %d are read",
	       pem.len, X509_PEM_BYTES_MAX);
	bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	ENSURE_OSSL(bio && list, ERR_UNAVAILABLE, reterr_why, "out of memory for certificates");
	for (;;) {
		CLEANUP(pem_block_freep) struct pem_block block = {0};

		if (PEM_read_bio(bio, &block.name, &block.header, &block.der, &block.len) != 1)
			break;
		TRY(append_certificate(&block, list, reterr_why));
	}
	/* It says in the same way that there is no more and that a block is broken. */
	end = ERR_peek_last_error();
	ENSURE_OSSL(ERR_GET_REASON(end) == PEM_R_NO_START_LINE, ERR_INVALID, reterr_why,
	            "a PEM text that cannot be read");
	ERR_clear_error();
	ENSURE(sk_X509_num(list) > 0, ERR_INVALID, reterr_why, "no certificate in this text");
	*ret_list = take_ptr(list);
	return ERR_OK;
}

/* A certificate's subject for a sentence: it is hostile, so escaped (RFC 2253) and cut. */
static void subject_of(X509 *cert, char out[static NAME_BYTES])
{
	CLEANUP(BIO_freep) BIO *bio = BIO_new(BIO_s_mem());
	const char *text = NULL;
	long len = 0;

	out[0] = 0;
	if (!bio || !cert)
		return;
	X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253);
	len = BIO_get_mem_data(bio, &text);
	if (len > NAME_BYTES - 1)
		len = NAME_BYTES - 1;
	if (len > 0)
		memcpy(out, text, (size_t)len);
	out[len > 0 ? len : 0] = 0;
}

/* Only these roots, no system's; each is trusted for itself, so that one may also be an intermediate that was pinned.
 */
static int store_of_roots(struct stack_st_X509 *roots, X509_STORE **ret_store, struct why *reterr_why)
{
	CLEANUP(X509_STORE_freep) X509_STORE *store = X509_STORE_new();

	ENSURE_OSSL(store, ERR_UNAVAILABLE, reterr_why, "out of memory for certificates");
	for (int i = 0; i < sk_X509_num(roots); i++)
		ENSURE_OSSL(X509_STORE_add_cert(store, sk_X509_value(roots, i)) == 1, ERR_UNAVAILABLE, reterr_why,
		            "cannot take up a root certificate");
	ENSURE_OSSL(X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1, ERR_UNAVAILABLE, reterr_why,
	            "cannot set up a verification");
	*ret_store = take_ptr(store);
	return ERR_OK;
}

static int verify(X509_STORE *store, struct stack_st_X509 *chain, uint64_t at_wall_ms, struct why *reterr_why)
{
	CLEANUP(X509_STORE_CTX_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	char name[NAME_BYTES];
	int code;

	ENSURE_OSSL(ctx && X509_STORE_CTX_init(ctx, store, sk_X509_value(chain, 0), chain) == 1, ERR_UNAVAILABLE,
	            reterr_why, "cannot set up a verification");
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)(at_wall_ms / 1000));
	X509_VERIFY_PARAM_set_auth_level(param, X509_SECURITY_LEVEL);
	if (X509_verify_cert(ctx) == 1)
		return ERR_OK;
	code = X509_STORE_CTX_get_error(ctx);
	subject_of(X509_STORE_CTX_get_current_cert(ctx), name);
	ERR_clear_error();
	why_set(reterr_why, "certificate %d of the chain (%s): %s", X509_STORE_CTX_get_error_depth(ctx), name,
	        X509_verify_cert_error_string(code));
	return code == X509_V_ERR_OUT_OF_MEM ? ERR_UNAVAILABLE : ERR_TAMPERED;
}

int x509_chain_verify(struct slice chain_pem, struct slice roots_pem, uint64_t at_wall_ms,
                      struct sign_public **ret_leaf_key, struct why *reterr_why)
{
	CLEANUP(ossl_certificates_freep) struct stack_st_X509 *chain = NULL;
	CLEANUP(ossl_certificates_freep) struct stack_st_X509 *roots = NULL;
	CLEANUP(X509_STORE_freep) X509_STORE *store = NULL;
	EVP_PKEY *leaf_key;

	TRY(x509_read_pem(chain_pem, &chain, reterr_why));
	TRY(x509_read_pem(roots_pem, &roots, reterr_why));
	TRY(store_of_roots(roots, &store, reterr_why));
	TRY(verify(store, chain, at_wall_ms, reterr_why));
	leaf_key = X509_get_pubkey(sk_X509_value(chain, 0));
	ENSURE_OSSL(leaf_key, ERR_INVALID, reterr_why, "the certificate's key cannot be read");
	return sign_public_from_pkey(leaf_key, ret_leaf_key, reterr_why);
}

int x509_not_after(struct slice pem, uint64_t *ret_wall_ms, struct why *reterr_why)
{
	CLEANUP(ossl_certificates_freep) struct stack_st_X509 *list = NULL;
	struct tm tm = {0};
	time_t seconds;

	TRY(x509_read_pem(pem, &list, reterr_why));
	ENSURE_OSSL(ASN1_TIME_to_tm(X509_get0_notAfter(sk_X509_value(list, 0)), &tm) == 1, ERR_INVALID, reterr_why,
	            "the certificate's notAfter cannot be read");
	seconds = timegm(&tm);
	ENSURE(seconds >= 0, ERR_INVALID, reterr_why, "the certificate ended before 1970");
	*ret_wall_ms = (uint64_t)seconds * 1000;
	return ERR_OK;
}
