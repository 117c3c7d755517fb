/* Making certificates. Every value that an extension's textual form is built from is a constant of ours; names go in as
 * typed objects, so that no name can smuggle in a second one. */
#include <arpa/inet.h>
#include <string.h>

#include <openssl/pem.h>

#include "base/limits.h"
#include "base/random.h"
#include "crypto/sign_ossl.h"
#include "crypto/x509.h"
#include "crypto/x509_ossl.h"

enum { SERIAL_BYTES = 16, DNS_NAME_BYTES_MAX = 253, DNS_LABEL_BYTES_MAX = 63 };

/* The end of year 9999, which GeneralizedTime cannot pass (RFC 5280, 4.1.2.5). */
#define LAST_WALL_MS UINT64_C(253402300799000)

/* RFC 5280, 4.1.2.2: positive, at most 20 octets; 128 random bits, so that none repeats and none can be foreseen. */
static int set_serial(X509 *cert, struct why *reterr_why)
{
	CLEANUP(BN_freep) BIGNUM *number = NULL;
	uint8_t bytes[SERIAL_BYTES];

	TRY(random_fill(bytes, sizeof bytes, reterr_why));
	number = BN_bin2bn(bytes, sizeof bytes, NULL);
	ENSURE_OSSL(number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)), ERR_UNAVAILABLE, reterr_why,
	            "cannot set a serial number");
	return ERR_OK;
}

static int set_validity(X509 *cert, const struct x509_subject *subject, struct why *reterr_why)
{
	ENSURE(subject->not_before_wall_ms < subject->not_after_wall_ms && subject->not_after_wall_ms <= LAST_WALL_MS,
	       ERR_INVALID, reterr_why, "a certificate must end after it begins, and before the year 10000");
	ENSURE_OSSL(ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(subject->not_before_wall_ms / 1000)) &&
	                    ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(subject->not_after_wall_ms / 1000)),
	            ERR_UNAVAILABLE, reterr_why, "cannot set the time of a certificate");
	return ERR_OK;
}

/* Version 3 with serial, validity, key and subject; no issuer yet. */
static int certificate_new(const struct x509_subject *subject, EVP_PKEY *key, X509 **ret_cert, struct why *reterr_why)
{
	CLEANUP(X509_freep) X509 *cert = X509_new();
	const unsigned char *name = (const unsigned char *)subject->common_name;

	ENSURE_OSSL(cert && X509_set_version(cert, X509_VERSION_3) == 1 && X509_set_pubkey(cert, key) == 1,
	            ERR_UNAVAILABLE, reterr_why, "cannot make a certificate");
	TRY(set_serial(cert, reterr_why));
	TRY(set_validity(cert, subject, reterr_why));
	ENSURE_OSSL(X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_commonName, MBSTRING_UTF8, name, -1, -1,
	                                       0) == 1,
	            ERR_INVALID, reterr_why, "a common name must be 1 to 64 characters of UTF-8");
	*ret_cert = take_ptr(cert);
	return ERR_OK;
}

struct extension {
	int nid;
	const char *value; /* OpenSSL's textual form; constants only */
};

static int add_extensions(X509 *cert, X509 *issuer, const struct extension *list, size_t count, struct why *reterr_why)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	for (size_t i = 0; i < count; i++) {
		CLEANUP(X509_EXTENSION_freep)
		X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, list[i].nid, list[i].value);

		ENSURE_OSSL(extension && X509_add_ext(cert, extension, -1) == 1, ERR_UNAVAILABLE, reterr_why,
		            "cannot extend a certificate");
	}
	return ERR_OK;
}

static bool is_dns_label(struct slice label)
{
	if (label.len == 0 || label.len > DNS_LABEL_BYTES_MAX)
		return false;
	if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++) {
		uint8_t c = label.ptr[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!is_letter && !(c >= '0' && c <= '9') && c != '-')
			return false;
	}
	return true;
}

/* Letters, digits and hyphens (RFC 1123, 2.1); the first label may be an asterisk. */
static bool is_dns_name(const char *text)
{
	struct cursor c = cursor_of(slice_str(text));
	struct slice label;

	if (c.rest.len > DNS_NAME_BYTES_MAX)
		return false;
	if (slice_starts_with(c.rest, "*."))
		c.rest = slice_of(c.rest.ptr + 2, c.rest.len - 2);
	while (cursor_take_until(&c, '.', &label, NULL) == ERR_OK)
		if (!is_dns_label(label))
			return false;
	return is_dns_label(c.rest);
}

static int push_name(GENERAL_NAMES *names, int type, const void *bytes, size_t len, struct why *reterr_why)
{
	/* An IA5String is an ASN1_STRING as well, of another type. */
	ASN1_STRING *value = ASN1_STRING_type_new(type == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);
	GENERAL_NAME *name = GENERAL_NAME_new();

	if (value && name && ASN1_STRING_set(value, bytes, (int)len) == 1 && sk_GENERAL_NAME_push(names, name) > 0) {
		GENERAL_NAME_set0_value(name, type, value);
		return ERR_OK;
	}
	ASN1_STRING_free(value);
	GENERAL_NAME_free(name);
	return ossl_fail(reterr_why, ERR_UNAVAILABLE, "out of memory for a name");
}

static int push_dns_names(GENERAL_NAMES *names, const char *const *list, struct why *reterr_why)
{
	for (; list && *list; list++) {
		ENSURE(is_dns_name(*list), ERR_INVALID, reterr_why, "not a DNS name: '%.64s'", *list);
		TRY(push_name(names, GEN_DNS, *list, slice_str(*list).len, reterr_why));
	}
	return ERR_OK;
}

static int push_ip_addresses(GENERAL_NAMES *names, const char *const *list, struct why *reterr_why)
{
	for (; list && *list; list++) {
		uint8_t bytes[16];

		if (inet_pton(AF_INET, *list, bytes) == 1) {
			TRY(push_name(names, GEN_IPADD, bytes, 4, reterr_why));
			continue;
		}
		ENSURE(inet_pton(AF_INET6, *list, bytes) == 1, ERR_INVALID, reterr_why, "not an IP address: '%.64s'",
		       *list);
		TRY(push_name(names, GEN_IPADD, bytes, 16, reterr_why));
	}
	return ERR_OK;
}

/* subjectAltName (RFC 5280, 4.2.1.6): what clients compare with the host that they meant. */
static int add_names(X509 *cert, const struct x509_subject *subject, struct why *reterr_why)
{
	CLEANUP(GENERAL_NAMES_freep) GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();

	ENSURE_OSSL(names, ERR_UNAVAILABLE, reterr_why, "out of memory for names");
	TRY(push_dns_names(names, subject->dns_names, reterr_why));
	TRY(push_ip_addresses(names, subject->ip_addresses, reterr_why));
	ENSURE(sk_GENERAL_NAME_num(names) > 0, ERR_INVALID, reterr_why,
	       "a server certificate needs a DNS name or an IP address");
	ENSURE(sk_GENERAL_NAME_num(names) <= X509_NAMES_MAX, ERR_LIMIT, reterr_why,
	       "%d names in a certificate; at most %d are accepted", sk_GENERAL_NAME_num(names), X509_NAMES_MAX);
	ENSURE_OSSL(X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1, ERR_UNAVAILABLE,
	            reterr_why, "cannot extend a certificate");
	return ERR_OK;
}

static int sign_and_put_pem(X509 *cert, const struct sign_key *ca_key, struct buf *into, struct why *reterr_why)
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	CLEANUP(BIO_freep) BIO *bio = BIO_new(BIO_s_mem());
	const char *text = NULL;
	long len;

	ENSURE_OSSL(ctx && bio, ERR_UNAVAILABLE, reterr_why, "out of memory for a certificate");
	TRY(sign_key_begin(ca_key, ctx, reterr_why));
	ENSURE_OSSL(X509_sign_ctx(cert, ctx) > 0, ERR_UNAVAILABLE, reterr_why, "cannot sign a certificate");
	ENSURE_OSSL(PEM_write_bio_X509(bio, cert) == 1, ERR_UNAVAILABLE, reterr_why, "cannot write a certificate");
	len = BIO_get_mem_data(bio, &text);
	return buf_put(into, slice_of(text, (size_t)len), reterr_why);
}

int x509_ca_new(const struct sign_key *ca_key, const struct x509_subject *subject, struct buf *into_pem,
                struct why *reterr_why)
{
	static const struct extension extensions[] = {
		{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
		{NID_key_usage, "critical,keyCertSign,cRLSign"},
		{NID_subject_key_identifier, "hash"},
	};
	CLEANUP(X509_freep) X509 *cert = NULL;

	TRY(certificate_new(subject, sign_key_pkey(ca_key), &cert, reterr_why));
	ENSURE_OSSL(X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1, ERR_UNAVAILABLE, reterr_why,
	            "cannot make a certificate");
	TRY(add_extensions(cert, cert, extensions, 3, reterr_why));
	return sign_and_put_pem(cert, ca_key, into_pem, reterr_why);
}

/* The CA's certificate, which must be of this key and outlive what it signs. */
static int check_ca(X509 *ca, const struct sign_key *ca_key, const struct x509_subject *subject, struct why *reterr_why)
{
	time_t end = (time_t)(subject->not_after_wall_ms / 1000);

	ENSURE_OSSL(EVP_PKEY_eq(X509_get0_pubkey(ca), sign_key_pkey(ca_key)) == 1, ERR_INVALID, reterr_why,
	            "the CA's certificate is not of the CA's key");
	ENSURE(X509_check_ca(ca) == 1, ERR_INVALID, reterr_why, "this certificate may not sign others: it is no CA's");
	ENSURE(ASN1_TIME_cmp_time_t(X509_get0_notAfter(ca), end) >= 0, ERR_INVALID, reterr_why,
	       "a certificate may not outlive the CA that signs it");
	return ERR_OK;
}

int x509_server_issue(const struct sign_key *ca_key, struct slice ca_pem, const struct sign_public *subject_key,
                      const struct x509_subject *subject, struct buf *into_pem, struct why *reterr_why)
{
	static const struct extension extensions[] = {
		{NID_basic_constraints, "critical,CA:FALSE"},
		{NID_key_usage, "critical,digitalSignature"},
		{NID_ext_key_usage, "serverAuth"},
		{NID_subject_key_identifier, "hash"},
		{NID_authority_key_identifier, "keyid"},
	};
	CLEANUP(ossl_certificates_freep) struct stack_st_X509 *ca = NULL;
	CLEANUP(X509_freep) X509 *cert = NULL;

	TRY(x509_read_pem(ca_pem, &ca, reterr_why));
	TRY(check_ca(sk_X509_value(ca, 0), ca_key, subject, reterr_why));
	TRY(certificate_new(subject, sign_public_pkey(subject_key), &cert, reterr_why));
	ENSURE_OSSL(X509_set_issuer_name(cert, X509_get_subject_name(sk_X509_value(ca, 0))) == 1, ERR_UNAVAILABLE,
	            reterr_why, "cannot make a certificate");
	TRY(add_extensions(cert, sk_X509_value(ca, 0), extensions, 5, reterr_why));
	TRY(add_names(cert, subject, reterr_why));
	return sign_and_put_pem(cert, ca_key, into_pem, reterr_why);
}
