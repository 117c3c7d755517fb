#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "base/time.h"
#include "crypto/sign_ossl.h"
#include "crypto/x509.h"
#include "crypto/x509_ossl.h"

/* 2026-01-01, and what tests count from it. */
#define START UINT64_C(1767225600000)
#define DAY UINT64_C(86400000)

static const char *const host_names[] = {"front.example", "*.s3.example", "localhost", NULL};
static const char *const host_addresses[] = {"127.0.0.1", "::1", "192.0.2.7", NULL};

/* A CA and one server certificate of it. */
struct install {
	struct sign_key *ca_key, *server_key;
	struct sign_public *server_public;
	struct buf *ca, *server;
};

static void install_freep(struct install *i)
{
	sign_key_free(i->ca_key);
	sign_key_free(i->server_key);
	sign_public_free(i->server_public);
	buf_free(i->ca);
	buf_free(i->server);
}

static struct buf *new_buf(void)
{
	struct buf *b = NULL;

	assert_int_equal(buf_new(4 * X509_PEM_BYTES_MAX, &b, NULL), ERR_OK);
	return b;
}

static struct x509_subject server_subject(void)
{
	return (struct x509_subject){.common_name = "front.example",
	                             .dns_names = host_names,
	                             .ip_addresses = host_addresses,
	                             .not_before_wall_ms = START,
	                             .not_after_wall_ms = START + 90 * DAY};
}

static struct install new_install(enum sign_kind ca_kind, enum sign_kind server_kind)
{
	const struct x509_subject ca = {.common_name = "Cloister test CA",
	                                .not_before_wall_ms = START,
	                                .not_after_wall_ms = START + 3650 * DAY};
	struct x509_subject server = server_subject();
	struct install i = {.ca = new_buf(), .server = new_buf()};

	assert_int_equal(sign_key_generate(ca_kind, &i.ca_key, NULL), ERR_OK);
	assert_int_equal(sign_key_generate(server_kind, &i.server_key, NULL), ERR_OK);
	assert_int_equal(sign_key_public(i.server_key, &i.server_public, NULL), ERR_OK);
	assert_int_equal(x509_ca_new(i.ca_key, &ca, i.ca, NULL), ERR_OK);
	assert_int_equal(x509_server_issue(i.ca_key, buf_slice(i.ca), i.server_public, &server, i.server, NULL),
	                 ERR_OK);
	return i;
}

static X509 *parse(struct slice pem)
{
	struct stack_st_X509 *list = NULL;
	X509 *cert;

	assert_int_equal(x509_read_pem(pem, &list, NULL), ERR_OK);
	cert = sk_X509_shift(list);
	ossl_certificates_freep(&list);
	return cert;
}

static void put_pem(X509 *cert, struct buf *into)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const char *text;
	long len;

	assert_int_equal(PEM_write_bio_X509(bio, cert), 1);
	len = BIO_get_mem_data(bio, &text);
	assert_int_equal(buf_put(into, slice_of(text, (size_t)len), NULL), ERR_OK);
	BIO_free(bio);
}

/* A certificate that our own functions would refuse to make. Extensions come in pairs of name and value. */
struct forgery {
	const char *name;
	EVP_PKEY *key;
	X509 *issuer; /* NULL: itself */
	EVP_PKEY *issuer_key;
	const EVP_MD *digest;
	const char *extensions[5];
};

static X509 *forge(const struct forgery *f)
{
	X509 *cert = X509_new(), *issuer = f->issuer ? f->issuer : cert;
	X509V3_CTX ctx;

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 77);
	ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(START / 1000));
	ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)((START + 90 * DAY) / 1000));
	X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_commonName, MBSTRING_UTF8,
	                           (const unsigned char *)f->name, -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(issuer));
	assert_int_equal(X509_set_pubkey(cert, f->key), 1);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	for (int i = 0; f->extensions[i]; i += 2) {
		X509_EXTENSION *e = X509V3_EXT_conf(NULL, &ctx, f->extensions[i], f->extensions[i + 1]);

		assert_non_null(e);
		X509_add_ext(cert, e, -1);
		X509_EXTENSION_free(e);
	}
	assert_true(X509_sign(cert, f->issuer_key, f->digest) > 0);
	return cert;
}

static int verify_at(struct slice chain, struct slice roots, uint64_t at, struct why *why)
{
	CLEANUP(sign_public_freep) struct sign_public *key = NULL;
	int err = x509_chain_verify(chain, roots, at, &key, why);

	assert_true((err == ERR_OK) == (key != NULL));
	assert_int_equal(ERR_peek_error(), 0); /* nothing left for others to stumble over */
	return err;
}

static void a_server_verifies_under_its_ca_for_every_kind_of_key(void **state)
{
	(void)state;
	for (int ca = SIGN_ED25519; ca <= SIGN_P384; ca++) {
		for (int server = SIGN_ED25519; server <= SIGN_P384; server++) {
			CLEANUP(install_freep)
			struct install i = new_install((enum sign_kind)ca, (enum sign_kind)server);
			CLEANUP(sign_public_freep) struct sign_public *key = NULL;
			uint8_t signature[SIGN_BYTES_MAX];
			size_t len = 0;

			assert_int_equal(
				x509_chain_verify(buf_slice(i.server), buf_slice(i.ca), START + DAY, &key, NULL),
				ERR_OK);
			assert_int_equal(sign_public_kind(key), server);
			assert_int_equal(sign_message(i.server_key, slice_str("m"), signature, &len, NULL), ERR_OK);
			assert_int_equal(sign_verify(key, slice_str("m"), slice_of(signature, len), NULL), ERR_OK);
		}
	}
}

static void write_file(const char *dir, const char *name, struct slice bytes)
{
	CLEANUP(fd_closep) int fd = -1;
	char path[300];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	assert_int_equal(path_open_given(path, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, NULL), ERR_OK);
	assert_int_equal(fd_write_all(fd, bytes, NULL), ERR_OK);
}

/* The exit status of `openssl` with these arguments, run in `dir`, silently. */
static int run_openssl(const char *dir, const char *const *args)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		int null = -1;

		if (path_open_given("/dev/null", O_RDWR, 0, &null, NULL) != ERR_OK || chdir(dir) != 0 ||
		    dup2(null, 1) < 0 || dup2(null, 2) < 0)
			_exit(126);
		execvp("openssl", (char *const *)args);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void the_openssl_command_agrees(void **state)
{
	char dir[] = "/tmp/cloister-x509-XXXXXX", at[32], path[64];
	const char *host = "bucket.s3.example";
	(void)state;

	assert_non_null(mkdtemp(dir));
	snprintf(at, sizeof at, "%llu", (unsigned long long)((START + DAY) / 1000));
	for (int kind = SIGN_ED25519; kind <= SIGN_P384; kind++) {
		CLEANUP(install_freep) struct install i = new_install((enum sign_kind)kind, SIGN_P256);
		const char *const right[] = {"openssl",          "verify", "-x509_strict", "-purpose", "sslserver",
		                             "-attime",          at,       "-CAfile",      "ca.pem",   "-no-CApath",
		                             "-verify_hostname", host,     "server.pem",   NULL};
		const char *const by_address[] = {"openssl", "verify",     "-attime",    at,
		                                  "-CAfile", "ca.pem",     "-no-CApath", "-verify_ip",
		                                  "::1",     "server.pem", NULL};
		const char *const wrong_host[] = {"openssl",       "verify",     "-attime",    at,
		                                  "-CAfile",       "ca.pem",     "-no-CApath", "-verify_hostname",
		                                  "other.example", "server.pem", NULL};
		const char *const as_client[] = {"openssl", "verify", "-purpose",   "sslclient",  "-attime", at,
		                                 "-CAfile", "ca.pem", "-no-CApath", "server.pem", NULL};

		write_file(dir, "ca.pem", buf_slice(i.ca));
		write_file(dir, "server.pem", buf_slice(i.server));
		assert_int_equal(run_openssl(dir, right), 0);
		assert_int_equal(run_openssl(dir, by_address), 0);
		assert_int_not_equal(run_openssl(dir, wrong_host), 0);
		assert_int_not_equal(run_openssl(dir, as_client), 0);
	}
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, i ? "ca.pem" : "server.pem");
		unlink(path);
	}
	rmdir(dir);
}

static void a_server_certificate_says_what_it_should(void **state)
{
	CLEANUP(install_freep) struct install i = new_install(SIGN_P256, SIGN_ED25519);
	CLEANUP(X509_freep) X509 *server = parse(buf_slice(i.server)), *ca = parse(buf_slice(i.ca));
	(void)state;

	assert_int_equal(X509_check_host(server, "front.example", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(server, "bucket.s3.example", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(server, "s3.example", 0, 0, NULL), 0);
	assert_int_equal(X509_check_ip_asc(server, "127.0.0.1", 0), 1);
	assert_int_equal(X509_check_ip_asc(server, "::1", 0), 1);
	assert_int_equal(X509_check_ip_asc(server, "127.0.0.2", 0), 0);
	assert_int_equal(X509_check_ca(server), 0);
	assert_int_equal(X509_get_extended_key_usage(server), XKU_SSL_SERVER);
	assert_int_equal(X509_get_key_usage(server), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_signature_nid(server), NID_ecdsa_with_SHA256);
	assert_int_equal(X509_check_ca(ca), 1);
	assert_int_equal(X509_get_pathlen(ca), 0);
	assert_int_equal(X509_get_key_usage(ca), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
}

static void serial_numbers_are_random_and_positive(void **state)
{
	CLEANUP(install_freep) struct install i = new_install(SIGN_P256, SIGN_P256);
	struct x509_subject subject = server_subject();
	ASN1_INTEGER *seen[32];
	int longest = 0;
	(void)state;

	for (int k = 0; k < 32; k++) {
		CLEANUP(buf_freep) struct buf *pem = new_buf();
		CLEANUP(X509_freep) X509 *cert = NULL;

		assert_int_equal(x509_server_issue(i.ca_key, buf_slice(i.ca), i.server_public, &subject, pem, NULL),
		                 ERR_OK);
		cert = parse(buf_slice(pem));
		seen[k] = ASN1_INTEGER_dup(X509_get0_serialNumber(cert));
		assert_int_equal(ASN1_STRING_type(seen[k]), V_ASN1_INTEGER); /* not NEG_INTEGER */
		assert_true(ASN1_STRING_length(seen[k]) <= 16);
		longest = ASN1_STRING_length(seen[k]) > longest ? ASN1_STRING_length(seen[k]) : longest;
		for (int j = 0; j < k; j++)
			assert_int_not_equal(ASN1_INTEGER_cmp(seen[j], seen[k]), 0);
	}
	assert_int_equal(longest, 16);
	for (int k = 0; k < 32; k++)
		ASN1_INTEGER_free(seen[k]);
}

static void a_certificate_counts_from_its_first_to_its_last_second(void **state)
{
	CLEANUP(install_freep) struct install i = new_install(SIGN_P256, SIGN_P256);
	struct slice chain = buf_slice(i.server), roots = buf_slice(i.ca);
	uint64_t end = 0;
	struct why why;
	(void)state;

	assert_int_equal(x509_not_after(chain, &end, NULL), ERR_OK);
	assert_true(end == START + 90 * DAY);
	assert_int_equal(verify_at(chain, roots, START, NULL), ERR_OK);
	assert_int_equal(verify_at(chain, roots, end - 1000, NULL), ERR_OK);
	assert_int_equal(verify_at(chain, roots, end + 1000, &why), ERR_TAMPERED);
	assert_non_null(strstr(why.text, "expired"));
	assert_non_null(strstr(why.text, "CN=front.example"));
	assert_int_equal(verify_at(chain, roots, START - 1000, &why), ERR_TAMPERED);
	assert_non_null(strstr(why.text, "not yet valid"));
}

static void another_ca_of_the_same_name_is_refused(void **state)
{
	CLEANUP(install_freep) struct install one = new_install(SIGN_P256, SIGN_P256);
	CLEANUP(install_freep) struct install two = new_install(SIGN_P256, SIGN_P256);
	CLEANUP(buf_freep) struct buf *both = new_buf();
	struct why why;
	(void)state;

	assert_int_equal(verify_at(buf_slice(one.server), buf_slice(two.ca), START + DAY, &why), ERR_TAMPERED);
	assert_true(why.text[0] != 0);
	/* Bringing one's own root along does not help. */
	assert_int_equal(buf_put(both, buf_slice(one.server), NULL), ERR_OK);
	assert_int_equal(buf_put(both, buf_slice(one.ca), NULL), ERR_OK);
	assert_int_equal(verify_at(buf_slice(both), buf_slice(two.ca), START + DAY, &why), ERR_TAMPERED);
	/* Both among the roots: the right one is found. */
	buf_reset(both);
	assert_int_equal(buf_put(both, buf_slice(two.ca), NULL), ERR_OK);
	assert_int_equal(buf_put(both, buf_slice(one.ca), NULL), ERR_OK);
	assert_int_equal(verify_at(buf_slice(one.server), buf_slice(both), START + DAY, NULL), ERR_OK);
}

static void an_altered_certificate_is_refused(void **state)
{
	CLEANUP(install_freep) struct install i = new_install(SIGN_P256, SIGN_P256);
	CLEANUP(X509_freep) X509 *server = parse(buf_slice(i.server));
	unsigned char *der = NULL;
	int len = i2d_X509(server, &der);
	(void)state;

	assert_true(len > 0);
	for (int at = 4; at < len; at += 7) {
		CLEANUP(buf_freep) struct buf *pem = new_buf();
		const unsigned char *start = der;
		X509 *altered;

		der[at] ^= 1;
		altered = d2i_X509(NULL, &start, len);
		if (altered) {
			put_pem(altered, pem);
			assert_int_not_equal(verify_at(buf_slice(pem), buf_slice(i.ca), START + DAY, NULL), ERR_OK);
		}
		X509_free(altered);
		der[at] ^= 1;
	}
	OPENSSL_free(der);
}

static void a_wrong_signature_is_named(void **state)
{
	CLEANUP(install_freep) struct install i = new_install(SIGN_P256, SIGN_P256);
	CLEANUP(sign_key_freep) struct sign_key *thief = NULL;
	CLEANUP(X509_freep) X509 *server = parse(buf_slice(i.server));
	CLEANUP(buf_freep) struct buf *pem = new_buf();
	struct why why;
	(void)state;

	assert_int_equal(sign_key_generate(SIGN_P256, &thief, NULL), ERR_OK);
	assert_true(X509_sign(server, sign_key_pkey(thief), EVP_sha256()) > 0);
	put_pem(server, pem);
	assert_int_equal(verify_at(buf_slice(pem), buf_slice(i.ca), START + DAY, &why), ERR_TAMPERED);
	assert_non_null(strstr(why.text, "signature failure"));
}

static void a_server_may_not_act_as_a_ca(void **state)
{
	CLEANUP(install_freep) struct install i = new_install(SIGN_P256, SIGN_P256);
	CLEANUP(X509_freep) X509 *server = parse(buf_slice(i.server)), *forged = NULL;
	CLEANUP(sign_key_freep) struct sign_key *key = NULL;
	CLEANUP(buf_freep) struct buf *chain = new_buf();
	struct x509_subject subject = server_subject();
	struct forgery f = {.name = "evil.example", .issuer = server, .digest = EVP_sha256()};
	struct why why;
	(void)state;

	assert_int_equal(sign_key_generate(SIGN_P256, &key, NULL), ERR_OK);
	f.key = sign_key_pkey(key);
	f.issuer_key = sign_key_pkey(i.server_key);
	forged = forge(&f);
	put_pem(forged, chain);
	assert_int_equal(buf_put(chain, buf_slice(i.server), NULL), ERR_OK);
	assert_int_equal(verify_at(buf_slice(chain), buf_slice(i.ca), START + DAY, &why), ERR_TAMPERED);
	assert_non_null(strstr(why.text, "invalid CA"));
	/* Nor do we sign for it. */
	buf_reset(chain);
	assert_int_equal(x509_server_issue(i.server_key, buf_slice(i.server), i.server_public, &subject, chain, &why),
	                 ERR_INVALID);
	assert_int_equal(buf_len(chain), 0);
}

static void an_intermediate_under_our_ca_is_too_long_a_path(void **state)
{
	CLEANUP(install_freep) struct install i = new_install(SIGN_P256, SIGN_P256);
	CLEANUP(X509_freep) X509 *ca = parse(buf_slice(i.ca)), *middle = NULL, *leaf = NULL;
	CLEANUP(sign_key_freep) struct sign_key *middle_key = NULL;
	CLEANUP(buf_freep) struct buf *chain = new_buf();
	struct forgery f = {.name = "middle",
	                    .issuer = ca,
	                    .digest = EVP_sha256(),
	                    .extensions = {"basicConstraints", "critical,CA:TRUE"}};
	struct why why;
	(void)state;

	assert_int_equal(sign_key_generate(SIGN_P256, &middle_key, NULL), ERR_OK);
	f.key = sign_key_pkey(middle_key);
	f.issuer_key = sign_key_pkey(i.ca_key);
	middle = forge(&f);
	f = (struct forgery){.name = "leaf",
	                     .key = sign_key_pkey(i.server_key),
	                     .issuer = middle,
	                     .issuer_key = sign_key_pkey(middle_key),
	                     .digest = EVP_sha256()};
	leaf = forge(&f);
	put_pem(leaf, chain);
	put_pem(middle, chain);
	assert_int_equal(verify_at(buf_slice(chain), buf_slice(i.ca), START + DAY, &why), ERR_TAMPERED);
	assert_non_null(strstr(why.text, "path length"));
}

static void an_intermediate_may_be_the_pinned_root(void **state)
{
	CLEANUP(sign_key_freep) struct sign_key *root_key = NULL, *middle_key = NULL, *leaf_key = NULL;
	CLEANUP(X509_freep) X509 *root = NULL, *middle = NULL, *leaf = NULL;
	CLEANUP(buf_freep)
	struct buf *leaf_pem = new_buf(), *pair = new_buf(), *root_pem = new_buf(), *middle_pem = new_buf();
	struct forgery f = {
		.name = "root", .digest = EVP_sha256(), .extensions = {"basicConstraints", "critical,CA:TRUE"}};
	(void)state;

	assert_int_equal(sign_key_generate(SIGN_P256, &root_key, NULL), ERR_OK);
	assert_int_equal(sign_key_generate(SIGN_P256, &middle_key, NULL), ERR_OK);
	assert_int_equal(sign_key_generate(SIGN_P256, &leaf_key, NULL), ERR_OK);
	f.key = f.issuer_key = sign_key_pkey(root_key);
	root = forge(&f);
	f.name = "middle";
	f.key = sign_key_pkey(middle_key);
	f.issuer = root;
	middle = forge(&f);
	f = (struct forgery){.name = "leaf",
	                     .key = sign_key_pkey(leaf_key),
	                     .issuer = middle,
	                     .issuer_key = sign_key_pkey(middle_key),
	                     .digest = EVP_sha256()};
	leaf = forge(&f);
	put_pem(leaf, leaf_pem);
	put_pem(leaf, pair);
	put_pem(middle, pair);
	put_pem(root, root_pem);
	put_pem(middle, middle_pem);
	assert_int_equal(verify_at(buf_slice(pair), buf_slice(root_pem), START + DAY, NULL), ERR_OK);
	assert_int_equal(verify_at(buf_slice(leaf_pem), buf_slice(middle_pem), START + DAY, NULL), ERR_OK);
	assert_int_equal(verify_at(buf_slice(leaf_pem), buf_slice(root_pem), START + DAY, NULL), ERR_TAMPERED);
}

/* A key of RSA as large as asked; nobody needs to have its private half. */
static EVP_PKEY *rsa_public(int bits)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *n = BN_new(), *e = BN_new();
	OSSL_PARAM *params;
	EVP_PKEY *key = NULL;

	BN_set_bit(n, bits - 1);
	BN_set_bit(n, 0);
	BN_set_word(e, 65537);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
	params = OSSL_PARAM_BLD_to_param(build);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_free(n);
	BN_free(e);
	return key;
}

static int verify_with_leaf_key(const struct install *i, EVP_PKEY *key, struct why *why)
{
	CLEANUP(X509_freep) X509 *ca = parse(buf_slice(i->ca)), *leaf = NULL;
	CLEANUP(buf_freep) struct buf *pem = new_buf();
	struct forgery f = {.name = "leaf",
	                    .key = key,
	                    .issuer = ca,
	                    .issuer_key = sign_key_pkey(i->ca_key),
	                    .digest = EVP_sha256()};

	leaf = forge(&f);
	put_pem(leaf, pem);
	return verify_at(buf_slice(pem), buf_slice(i->ca), START + DAY, why);
}

static void weak_or_foreign_leaf_keys_are_refused(void **state)
{
	CLEANUP(install_freep) struct install i = new_install(SIGN_P256, SIGN_P256);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *weak = rsa_public(1536), *foreign = rsa_public(2048);
	/* Its encoding takes more than SIGN_SPKI_BYTES_MAX. */
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *huge = rsa_public(8 * SIGN_SPKI_BYTES_MAX);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *koblitz = EVP_EC_gen("secp256k1");
	struct why why;
	(void)state;

	_Static_assert(X509_SECURITY_LEVEL == 2, "RSA with 2,048 bits is strong enough, with 1,536 too weak");
	assert_int_equal(verify_with_leaf_key(&i, weak, &why), ERR_TAMPERED);
	assert_non_null(strstr(why.text, "too weak"));
	assert_int_equal(verify_with_leaf_key(&i, foreign, &why), ERR_INVALID); /* for its kind, not for its strength */
	assert_int_equal(verify_with_leaf_key(&i, koblitz, &why), ERR_INVALID);
	assert_int_equal(verify_with_leaf_key(&i, huge, &why), ERR_LIMIT);
}

static void a_sha1_signature_is_refused(void **state)
{
	CLEANUP(install_freep) struct install i = new_install(SIGN_P256, SIGN_P256);
	CLEANUP(X509_freep) X509 *server = parse(buf_slice(i.server));
	CLEANUP(buf_freep) struct buf *pem = new_buf();
	struct why why;
	(void)state;

	assert_true(X509_sign(server, sign_key_pkey(i.ca_key), EVP_sha1()) > 0);
	put_pem(server, pem);
	assert_int_equal(verify_at(buf_slice(pem), buf_slice(i.ca), START + DAY, &why), ERR_TAMPERED);
	assert_non_null(strstr(why.text, "too weak"));
}

static void a_hostile_name_is_shown_escaped_and_cut(void **state)
{
	CLEANUP(install_freep) struct install i = new_install(SIGN_P256, SIGN_P256);
	CLEANUP(X509_freep) X509 *forged = NULL;
	CLEANUP(buf_freep) struct buf *pem = new_buf();
	struct forgery f = {.name = "a\n\x1b[31mred,O=Trusted",
	                    .key = sign_key_pkey(i.server_key),
	                    .issuer_key = sign_key_pkey(i.server_key),
	                    .digest = EVP_sha256()};
	struct why why;
	(void)state;

	forged = forge(&f);
	put_pem(forged, pem);
	assert_int_equal(verify_at(buf_slice(pem), buf_slice(i.ca), START + DAY, &why), ERR_TAMPERED);
	for (const char *c = why.text; *c; c++)
		assert_true(*c >= ' ' && *c < 0x7f);
	assert_non_null(strstr(why.text, "red\\,O"));
}

static void names_that_are_none_are_refused(void **state)
{
	static const char *const bad_names[] = {
		"",
		".",
		"a..b",
		"-a.example",
		"a-.example",
		"a b",
		"a,DNS:evil.example",
		"a\nb",
		"*",
		"a.*.example",
		"a.",
		"ex\xc3\xa4mple",
		"a_b.example",
		"a123456789012345678901234567890123456789012345678901234567890123.example", /* a label of 64 */
	};
	static const char *const bad_addresses[] = {"",    "1.2.3",     "1.2.3.4/8", "1.2.3.256",
	                                            "::g", "localhost", " 1.2.3.4"};
	CLEANUP(install_freep) struct install i = new_install(SIGN_P256, SIGN_P256);
	CLEANUP(buf_freep) struct buf *pem = new_buf();
	struct x509_subject subject = server_subject();
	(void)state;

	for (size_t k = 0; k < sizeof bad_names / sizeof bad_names[0]; k++) {
		const char *const list[] = {"good.example", bad_names[k], NULL};

		subject.dns_names = list;
		assert_int_equal(x509_server_issue(i.ca_key, buf_slice(i.ca), i.server_public, &subject, pem, NULL),
		                 ERR_INVALID);
	}
	subject.dns_names = NULL;
	for (size_t k = 0; k < sizeof bad_addresses / sizeof bad_addresses[0]; k++) {
		const char *const list[] = {bad_addresses[k], NULL};

		subject.ip_addresses = list;
		assert_int_equal(x509_server_issue(i.ca_key, buf_slice(i.ca), i.server_public, &subject, pem, NULL),
		                 ERR_INVALID);
	}
	subject.ip_addresses = NULL; /* none at all */
	assert_int_equal(x509_server_issue(i.ca_key, buf_slice(i.ca), i.server_public, &subject, pem, NULL),
	                 ERR_INVALID);
	assert_int_equal(buf_len(pem), 0);
}

static void subjects_out_of_bounds_are_refused(void **state)
{
	CLEANUP(install_freep) struct install i = new_install(SIGN_P256, SIGN_P256);
	CLEANUP(buf_freep) struct buf *pem = new_buf();
	struct x509_subject subject = server_subject();
	const char *many[X509_NAMES_MAX + 2] = {NULL};
	char long_name[66];
	(void)state;

	for (int k = 0; k <= X509_NAMES_MAX; k++)
		many[k] = "a.example";
	subject.dns_names = many;
	subject.ip_addresses = NULL;
	assert_int_equal(x509_server_issue(i.ca_key, buf_slice(i.ca), i.server_public, &subject, pem, NULL), ERR_LIMIT);
	many[X509_NAMES_MAX] = NULL;
	assert_int_equal(x509_server_issue(i.ca_key, buf_slice(i.ca), i.server_public, &subject, pem, NULL), ERR_OK);
	buf_reset(pem);

	memset(long_name, 'a', 65);
	long_name[65] = 0;
	subject.common_name = long_name;
	assert_int_equal(x509_server_issue(i.ca_key, buf_slice(i.ca), i.server_public, &subject, pem, NULL),
	                 ERR_INVALID);
	subject = server_subject();
	subject.not_after_wall_ms = subject.not_before_wall_ms;
	assert_int_equal(x509_server_issue(i.ca_key, buf_slice(i.ca), i.server_public, &subject, pem, NULL),
	                 ERR_INVALID);
	subject.not_after_wall_ms = START + 3651 * DAY; /* past the CA's own end */
	assert_int_equal(x509_server_issue(i.ca_key, buf_slice(i.ca), i.server_public, &subject, pem, NULL),
	                 ERR_INVALID);
	subject.not_after_wall_ms = START + 3650 * DAY;
	assert_int_equal(x509_server_issue(i.ca_key, buf_slice(i.ca), i.server_public, &subject, pem, NULL), ERR_OK);
	/* The year 10000 has five digits. */
	subject.not_after_wall_ms = UINT64_C(253402300800000);
	assert_int_equal(x509_ca_new(i.ca_key, &subject, pem, NULL), ERR_INVALID);
}

static void the_ca_key_and_its_certificate_must_match(void **state)
{
	CLEANUP(install_freep) struct install one = new_install(SIGN_P256, SIGN_P256);
	CLEANUP(install_freep) struct install two = new_install(SIGN_P256, SIGN_P256);
	CLEANUP(buf_freep) struct buf *pem = new_buf();
	struct x509_subject subject = server_subject();
	struct why why;
	(void)state;

	assert_int_equal(x509_server_issue(one.ca_key, buf_slice(two.ca), one.server_public, &subject, pem, &why),
	                 ERR_INVALID);
	assert_non_null(strstr(why.text, "not of the CA's key"));
}

static void text_around_certificates_is_ignored_but_other_blocks_are_not(void **state)
{
	CLEANUP(install_freep) struct install i = new_install(SIGN_P256, SIGN_P256);
	CLEANUP(buf_freep) struct buf *text = new_buf();
	uint64_t end;
	(void)state;

	assert_int_equal(buf_put_str(text, "# the front's certificate\n", NULL), ERR_OK);
	assert_int_equal(buf_put(text, buf_slice(i.server), NULL), ERR_OK);
	assert_int_equal(buf_put_str(text, "and a note\n", NULL), ERR_OK);
	assert_int_equal(verify_at(buf_slice(text), buf_slice(i.ca), START + DAY, NULL), ERR_OK);
	assert_int_equal(buf_put_str(text, "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n", NULL),
	                 ERR_OK);
	assert_int_equal(x509_not_after(buf_slice(text), &end, NULL), ERR_INVALID);
}

static void broken_pem_is_refused(void **state)
{
	static const char *const broken[] = {
		"",
		"nothing here",
		"-----BEGIN CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nMAA=\n-----END TRUSTED-----\n",
		"-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n\nMAA=\n-----END CERTIFICATE-----\n",
	};
	CLEANUP(install_freep) struct install i = new_install(SIGN_P256, SIGN_P256);
	uint64_t end = 7;
	(void)state;

	for (size_t k = 0; k < sizeof broken / sizeof broken[0]; k++) {
		assert_int_equal(x509_not_after(slice_str(broken[k]), &end, NULL), ERR_INVALID);
		assert_int_equal(verify_at(slice_str(broken[k]), buf_slice(i.ca), START, NULL), ERR_INVALID);
		assert_int_equal(verify_at(buf_slice(i.server), slice_str(broken[k]), START, NULL), ERR_INVALID);
	}
	for (size_t len = 1; len < buf_len(i.server) - 1; len += 5)
		assert_int_equal(x509_not_after(slice_of(buf_slice(i.server).ptr, len), &end, NULL), ERR_INVALID);
	assert_int_equal(end, 7);
}

static void a_good_certificate_does_not_excuse_a_broken_one(void **state)
{
	static const char *const behind[] = {
		"-----BEGIN CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nMAA=\n-----END TRUSTED-----\n",
		"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
	};
	CLEANUP(install_freep) struct install i = new_install(SIGN_P256, SIGN_P256);
	(void)state;

	for (size_t k = 0; k < sizeof behind / sizeof behind[0]; k++) {
		CLEANUP(buf_freep) struct buf *text = new_buf();

		assert_int_equal(buf_put(text, buf_slice(i.server), NULL), ERR_OK);
		assert_int_equal(buf_put_str(text, behind[k], NULL), ERR_OK);
		assert_int_equal(verify_at(buf_slice(text), buf_slice(i.ca), START + DAY, NULL), ERR_INVALID);
	}
}

static void a_certificate_under_another_name_or_with_more_to_it_is_refused(void **state)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----\n";
	CLEANUP(install_freep) struct install i = new_install(SIGN_P256, SIGN_P256);
	CLEANUP(X509_freep) X509 *server = parse(buf_slice(i.server));
	CLEANUP(buf_freep) struct buf *text = new_buf();
	CLEANUP(BIO_freep) BIO *bio = BIO_new(BIO_s_mem());
	struct slice rest = buf_slice(i.server);
	unsigned char der[2048] = {0}, *at = der;
	const char *pem;
	long len, pem_len;
	(void)state;

	rest = slice_of(rest.ptr + sizeof begin - 1, rest.len - (sizeof begin - 1));
	assert_int_equal(buf_put_fmt(text, NULL, "%sComment: hello\n\n", begin), ERR_OK);
	assert_int_equal(buf_put(text, rest, NULL), ERR_OK);
	assert_int_equal(verify_at(buf_slice(text), buf_slice(i.ca), START + DAY, NULL), ERR_INVALID);

	len = i2d_X509(server, NULL);
	assert_true(len > 0 && len < (long)sizeof der);
	assert_int_equal(i2d_X509(server, &at), len);
	/* The right bytes under another name. */
	assert_true(PEM_write_bio(bio, "ATTRIBUTE CERTIFICATE", "", der, len) > 0);
	pem_len = BIO_get_mem_data(bio, &pem);
	assert_int_equal(verify_at(slice_of(pem, (size_t)pem_len), buf_slice(i.ca), START + DAY, NULL), ERR_INVALID);
	assert_int_equal(BIO_reset(bio), 1);
	assert_true(PEM_write_bio(bio, "CERTIFICATE", "", der, len + 1) > 0);
	pem_len = BIO_get_mem_data(bio, &pem);
	assert_int_equal(verify_at(slice_of(pem, (size_t)pem_len), buf_slice(i.ca), START + DAY, NULL), ERR_INVALID);
}

static void texts_and_chains_have_a_largest_size(void **state)
{
	CLEANUP(install_freep) struct install i = new_install(SIGN_P256, SIGN_P256);
	CLEANUP(buf_freep) struct buf *many = new_buf(), *large = new_buf();
	uint64_t end;
	(void)state;

	for (int k = 0; k < X509_CERTIFICATES_MAX; k++)
		assert_int_equal(buf_put(many, buf_slice(i.ca), NULL), ERR_OK);
	assert_int_equal(x509_not_after(buf_slice(many), &end, NULL), ERR_OK);
	assert_int_equal(buf_put(many, buf_slice(i.ca), NULL), ERR_OK);
	assert_int_equal(x509_not_after(buf_slice(many), &end, NULL), ERR_LIMIT);

	assert_int_equal(buf_put(large, buf_slice(i.ca), NULL), ERR_OK);
	while (buf_len(large) < X509_PEM_BYTES_MAX)
		assert_int_equal(buf_put_u8(large, '\n', NULL), ERR_OK);
	assert_int_equal(x509_not_after(buf_slice(large), &end, NULL), ERR_OK);
	assert_int_equal(buf_put_u8(large, '\n', NULL), ERR_OK);
	assert_int_equal(x509_not_after(buf_slice(large), &end, NULL), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_verifies_under_its_ca_for_every_kind_of_key),
		cmocka_unit_test(the_openssl_command_agrees),
		cmocka_unit_test(a_server_certificate_says_what_it_should),
		cmocka_unit_test(serial_numbers_are_random_and_positive),
		cmocka_unit_test(a_certificate_counts_from_its_first_to_its_last_second),
		cmocka_unit_test(another_ca_of_the_same_name_is_refused),
		cmocka_unit_test(an_altered_certificate_is_refused),
		cmocka_unit_test(a_wrong_signature_is_named),
		cmocka_unit_test(a_server_may_not_act_as_a_ca),
		cmocka_unit_test(an_intermediate_under_our_ca_is_too_long_a_path),
		cmocka_unit_test(an_intermediate_may_be_the_pinned_root),
		cmocka_unit_test(weak_or_foreign_leaf_keys_are_refused),
		cmocka_unit_test(a_sha1_signature_is_refused),
		cmocka_unit_test(a_hostile_name_is_shown_escaped_and_cut),
		cmocka_unit_test(names_that_are_none_are_refused),
		cmocka_unit_test(subjects_out_of_bounds_are_refused),
		cmocka_unit_test(the_ca_key_and_its_certificate_must_match),
		cmocka_unit_test(text_around_certificates_is_ignored_but_other_blocks_are_not),
		cmocka_unit_test(broken_pem_is_refused),
		cmocka_unit_test(a_good_certificate_does_not_excuse_a_broken_one),
		cmocka_unit_test(a_certificate_under_another_name_or_with_more_to_it_is_refused),
		cmocka_unit_test(texts_and_chains_have_a_largest_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
