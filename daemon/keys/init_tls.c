#include <string.h>

#include "base/encode.h"
#include "base/file.h"
#include "crypto/sign.h"
#include "crypto/x509.h"
#include "crypto/xaes.h"
#include "daemon/keys/init.h"
#include "kms/root.h"

#define DAY_MS UINT64_C(86400000)
/* The CA lasts as long as the hardware; a server's certificate as long as clients accept one (825 days). */
enum { CA_DAYS = 3650, SERVER_DAYS = 825, PEM_LINE = 64, PEM_BYTES_MAX = 16384 };

static struct x509_subject subject_of(const struct keys_init_spec *spec, const char *name, uint64_t days)
{
	/* An hour back, for clients whose clocks are behind. */
	return (struct x509_subject){.common_name = name,
	                             .not_before_wall_ms = spec->now_ms - DAY_MS / 24,
	                             .not_after_wall_ms = spec->now_ms + days * DAY_MS};
}

static int seal_ca_key(const struct keys_init_spec *spec, const struct kms_root *root, const struct sign_key *key,
                       struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *wrap = NULL;
	CLEANUP(secret_freep) struct secret *der = NULL;
	CLEANUP(buf_freep) struct buf *sealed = NULL;

	TRY(kms_root_derive(root, KMS_ROOT_CA, slice_of(NULL, 0), &wrap, reterr_why));
	TRY(sign_key_export(key, &der, reterr_why));
	TRY(buf_new(4096, &sealed, reterr_why));
	TRY(xaes_seal(wrap, slice_str("cloister.ca-key/v1"), slice_of(secret_peek(der), secret_len(der)), sealed,
	              reterr_why));
	return file_create(spec->keys_fd, "ca-key.sealed", 0600, buf_slice(sealed), reterr_why);
}

/* PKCS #8 in PEM, as the TLS library reads it. The buffer is wiped when it is freed. */
static int write_tls_key(const struct keys_init_spec *spec, const struct sign_key *key, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *der = NULL;
	CLEANUP(buf_freep) struct buf *text = NULL;
	CLEANUP(buf_freep) struct buf *pem = NULL;
	struct slice rest;

	TRY(sign_key_export(key, &der, reterr_why));
	TRY(buf_new(PEM_BYTES_MAX, &text, reterr_why));
	TRY(buf_new(PEM_BYTES_MAX, &pem, reterr_why));
	TRY(base64_put(text, slice_of(secret_peek(der), secret_len(der)), reterr_why));
	TRY(buf_put_str(pem, "-----BEGIN PRIVATE KEY-----\n", reterr_why));
	for (rest = buf_slice(text); rest.len;) {
		size_t len = rest.len < PEM_LINE ? rest.len : PEM_LINE;

		TRY(buf_put(pem, slice_of(rest.ptr, len), reterr_why));
		TRY(buf_put_str(pem, "\n", reterr_why));
		rest = slice_of(rest.ptr + len, rest.len - len);
	}
	TRY(buf_put_str(pem, "-----END PRIVATE KEY-----\n", reterr_why));
	return file_create(spec->store_fd, "tls-key.pem", 0600, buf_slice(pem), reterr_why);
}

static int issue_server(const struct keys_init_spec *spec, const struct sign_key *ca_key, struct slice ca_pem,
                        struct why *reterr_why)
{
	const char *const names[] = {"localhost", spec->host, NULL};
	static const char *const addresses[] = {"127.0.0.1", "::1", NULL};
	struct x509_subject subject = subject_of(spec, spec->host ? spec->host : "localhost", SERVER_DAYS);
	CLEANUP(sign_public_freep) struct sign_public *public = NULL;
	CLEANUP(sign_key_freep) struct sign_key *key = NULL;
	CLEANUP(buf_freep) struct buf *chain = NULL;

	subject.dns_names = names;
	subject.ip_addresses = addresses;
	TRY(sign_key_generate(SIGN_P256, &key, reterr_why));
	TRY(sign_key_public(key, &public, reterr_why));
	TRY(buf_new(PEM_BYTES_MAX, &chain, reterr_why));
	TRY(x509_server_issue(ca_key, ca_pem, public, &subject, chain, reterr_why));
	TRY(buf_put(chain, ca_pem, reterr_why));
	TRY(file_create(spec->store_fd, "tls-cert.pem", 0644, buf_slice(chain), reterr_why));
	return write_tls_key(spec, key, reterr_why);
}

int keys_init_tls(const struct keys_init_spec *spec, const struct kms_root *root, struct why *reterr_why)
{
	struct x509_subject subject = subject_of(spec, "Cloister CA", CA_DAYS);
	CLEANUP(sign_key_freep) struct sign_key *key = NULL;
	CLEANUP(buf_freep) struct buf *pem = NULL;

	TRY(sign_key_generate(SIGN_P256, &key, reterr_why));
	TRY(buf_new(PEM_BYTES_MAX, &pem, reterr_why));
	TRY(x509_ca_new(key, &subject, pem, reterr_why));
	TRY(seal_ca_key(spec, root, key, reterr_why));
	TRY(issue_server(spec, key, buf_slice(pem), reterr_why));
	return file_create(spec->state_fd, "ca.pem", 0644, buf_slice(pem), reterr_why);
}
