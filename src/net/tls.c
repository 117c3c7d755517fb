#include "net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	READ_AHEAD_BYTES = 64 * 1024, /* several records by one system call */
	TICKET_SECONDS = 3600,
};

struct tls_server {
	pthread_mutex_t lock; /* guards ctx, which a reload replaces */
	SSL_CTX *ctx;
};

struct tls_client {
	SSL_CTX *ctx;
};

struct tls {
	SSL *ssl;
	char description[96];
};

/* Empties OpenSSL's queue of errors into one sentence. */
static int openssl_why(struct why *reterr_why, int code, const char *what)
{
	unsigned long error = ERR_peek_last_error();
	const char *reason = error ? ERR_reason_error_string(error) : NULL;

	ERR_clear_error();
	why_set(reterr_why, "%s: %s", what, reason ? reason : "no reason given");
	return code;
}

static void free_ctx(SSL_CTX **ctx)
{
	SSL_CTX_free(*ctx);
}

static void free_bio(BIO **bio)
{
	BIO_free(*bio);
}

static void free_x509(X509 **x)
{
	X509_free(*x);
}

static void free_pkey(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

/* Only http/1.1 is spoken here. A client that insists on something else is told so in the handshake (RFC 7301 3.2). */
static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                       unsigned in_len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;
	(void)ssl;
	(void)arg;

	if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, in, in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* What serving and calling have in common. */
static int new_ctx(const SSL_METHOD *method, SSL_CTX **ret_ctx, struct why *reterr_why)
{
	CLEANUP(free_ctx) SSL_CTX *ctx = SSL_CTX_new(method);

	ENSURE(ctx && SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION), ERR_INTERNAL, reterr_why,
	       "OpenSSL can not be set up for TLS 1.3");
	/* kTLS where the kernel has it; OpenSSL goes on by itself where it has not. */
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_ENABLE_KTLS);
	/* An idle connection gives its buffers back: thousands of them are parked. */
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	                              SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_read_buffer_len(ctx, READ_AHEAD_BYTES);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	*ret_ctx = take_ptr(ctx);
	return ERR_OK;
}

static int use_chain(SSL_CTX *ctx, struct slice pem, struct why *reterr_why)
{
	CLEANUP(free_bio) BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	CLEANUP(free_x509) X509 *leaf = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	X509 *next;

	if (!leaf || SSL_CTX_use_certificate(ctx, leaf) != 1)
		return openssl_why(reterr_why, ERR_INVALID, "the TLS certificate can not be used");
	while ((next = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		if (SSL_CTX_add0_chain_cert(ctx, next) != 1) { /* takes it over, unless it fails */
			X509_free(next);
			return openssl_why(reterr_why, ERR_INVALID, "the TLS certificate chain can not be used");
		}
	ERR_clear_error(); /* the end of the file is an error too */
	return ERR_OK;
}

/* OpenSSL would ask for it on the terminal. */
static int no_passphrase(char *out, int size, int for_writing, void *arg)
{
	(void)out;
	(void)size;
	(void)for_writing;
	(void)arg;
	return -1;
}

static int use_key(SSL_CTX *ctx, const struct secret *pem, struct why *reterr_why)
{
	CLEANUP(free_bio) BIO *bio = BIO_new_mem_buf(secret_peek(pem), (int)secret_len(pem));
	CLEANUP(free_pkey) EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

	if (!key || SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1)
		return openssl_why(reterr_why, ERR_INVALID,
		                   "the TLS private key can not be used with this certificate");
	return ERR_OK;
}

static int new_server_ctx(const struct tls_server_config *config, SSL_CTX **ret_ctx, struct why *reterr_why)
{
	CLEANUP(free_ctx) SSL_CTX *ctx = NULL;

	TRY(new_ctx(TLS_server_method(), &ctx, reterr_why));
	if (config->insecure_tls12) {
		SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
		ENSURE(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) &&
		               SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20"),
		       ERR_INTERNAL, reterr_why, "OpenSSL can not be set up for TLS 1.2");
	}
	/* Tickets are sealed under a random key of this context, so they die with the process and with a reload. No
	 * early data: it could be replayed. */
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_timeout(ctx, TICKET_SECONDS);
	SSL_CTX_set_max_early_data(ctx, 0);
	SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
	TRY(use_chain(ctx, config->chain_pem, reterr_why));
	TRY(use_key(ctx, config->key_pem, reterr_why));
	*ret_ctx = take_ptr(ctx);
	return ERR_OK;
}

int tls_server_new(const struct tls_server_config *config, struct tls_server **ret_server, struct why *reterr_why)
{
	CLEANUP(tls_server_freep) struct tls_server *s = calloc(1, sizeof *s);

	ENSURE(s, ERR_UNAVAILABLE, reterr_why, "out of memory for TLS");
	pthread_mutex_init(&s->lock, NULL);
	TRY(new_server_ctx(config, &s->ctx, reterr_why));
	*ret_server = take_ptr(s);
	return ERR_OK;
}

void tls_server_free(struct tls_server *s)
{
	if (!s)
		return;
	SSL_CTX_free(s->ctx);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void tls_server_freep(struct tls_server **s)
{
	tls_server_free(*s);
	*s = NULL;
}

int tls_server_reload(struct tls_server *s, const struct tls_server_config *config, struct why *reterr_why)
{
	SSL_CTX *fresh, *old;

	TRY(new_server_ctx(config, &fresh, reterr_why));
	pthread_mutex_lock(&s->lock);
	old = s->ctx;
	s->ctx = fresh;
	pthread_mutex_unlock(&s->lock);
	SSL_CTX_free(old); /* connections that stand hold it until they end */
	return ERR_OK;
}

static int trust(SSL_CTX *ctx, struct slice ca_pem, struct why *reterr_why)
{
	CLEANUP(free_bio) BIO *bio = BIO_new_mem_buf(ca_pem.ptr, (int)ca_pem.len);
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	size_t count = 0;

	for (;; count++) {
		CLEANUP(free_x509) X509 *ca = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

		if (!ca)
			break;
		if (X509_STORE_add_cert(store, ca) != 1)
			return openssl_why(reterr_why, ERR_INVALID, "a CA certificate can not be trusted");
	}
	ERR_clear_error();
	ENSURE(count, ERR_INVALID, reterr_why, "there is no CA certificate in what should hold one");
	return ERR_OK;
}

int tls_client_new(struct slice ca_pem, struct tls_client **ret_client, struct why *reterr_why)
{
	static const unsigned char alpn[] = "\x08http/1.1";
	CLEANUP(tls_client_freep) struct tls_client *c = calloc(1, sizeof *c);

	ENSURE(c, ERR_UNAVAILABLE, reterr_why, "out of memory for TLS");
	TRY(new_ctx(TLS_client_method(), &c->ctx, reterr_why));
	SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
	ENSURE(SSL_CTX_set_alpn_protos(c->ctx, alpn, sizeof alpn - 1) == 0, ERR_INTERNAL, reterr_why,
	       "OpenSSL can not be set up for http/1.1");
	TRY(trust(c->ctx, ca_pem, reterr_why));
	*ret_client = take_ptr(c);
	return ERR_OK;
}

void tls_client_free(struct tls_client *c)
{
	if (!c)
		return;
	SSL_CTX_free(c->ctx);
	free(c);
}

void tls_client_freep(struct tls_client **c)
{
	tls_client_free(*c);
	*c = NULL;
}

static int new_tls(SSL *ssl, int fd, struct tls **ret_tls, struct why *reterr_why)
{
	struct tls *t = calloc(1, sizeof *t);

	if (!t || !ssl || SSL_set_fd(ssl, fd) != 1) {
		free(t);
		SSL_free(ssl);
		return openssl_why(reterr_why, ERR_UNAVAILABLE, "cannot start TLS");
	}
	t->ssl = ssl;
	*ret_tls = t;
	return ERR_OK;
}

int tls_accept(struct tls_server *s, int fd, struct tls **ret_tls, struct why *reterr_why)
{
	SSL *ssl;

	pthread_mutex_lock(&s->lock);
	ssl = SSL_new(s->ctx);
	pthread_mutex_unlock(&s->lock);
	TRY(new_tls(ssl, fd, ret_tls, reterr_why));
	SSL_set_accept_state(ssl);
	return ERR_OK;
}

int tls_connect(struct tls_client *c, int fd, const char *host, struct tls **ret_tls, struct why *reterr_why)
{
	struct tls *t = NULL;
	uint8_t address[16];
	bool is_address = inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1, ok;

	TRY(new_tls(SSL_new(c->ctx), fd, &t, reterr_why));
	SSL_set_connect_state(t->ssl);
	if (is_address) { /* RFC 6066 3: no server name indication for addresses */
		ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), host) == 1;
	} else {
		SSL_set_hostflags(t->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
		ok = SSL_set1_host(t->ssl, host) == 1 && SSL_set_tlsext_host_name(t->ssl, host) == 1;
	}
	if (!ok) {
		tls_free(t);
		return openssl_why(reterr_why, ERR_INVALID, "this host can not be checked in a certificate");
	}
	*ret_tls = t;
	return ERR_OK;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	free(t);
}

/* Turns the outcome `ret` of an operation into a want or an error. */
static int outcome(struct tls *t, int ret, int saved_errno, enum net_want *ret_want, struct why *reterr_why)
{
	int error = SSL_get_error(t->ssl, ret);

	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
		*ret_want = error == SSL_ERROR_WANT_READ ? NET_WANT_READ : NET_WANT_WRITE;
		return ERR_OK;
	}
	if (error == SSL_ERROR_SYSCALL && saved_errno && saved_errno != ECONNRESET && saved_errno != EPIPE) {
		ERR_clear_error();
		return why_errno(reterr_why, saved_errno, "the connection failed");
	}
	if (error == SSL_ERROR_SYSCALL || ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
		ERR_clear_error();
		why_set(reterr_why, "the peer ended the connection without closing TLS");
		return ERR_CLOSED;
	}
	return openssl_why(reterr_why, ERR_INVALID, "TLS failed");
}

int tls_try_handshake(struct tls *t, enum net_want *ret_want, struct why *reterr_why)
{
	long verdict;
	int ret, err;

	ERR_clear_error();
	errno = 0;
	ret = SSL_do_handshake(t->ssl);
	if (ret == 1) {
		*ret_want = NET_DONE;
		return ERR_OK;
	}
	err = outcome(t, ret, errno, ret_want, reterr_why);
	verdict = SSL_get_verify_result(t->ssl);
	ENSURE(err == ERR_OK || SSL_is_server(t->ssl) || verdict == X509_V_OK, ERR_DENIED, reterr_why,
	       "the server's certificate is not trusted: %s", X509_verify_cert_error_string(verdict));
	return err;
}

int tls_try_read(struct tls *t, void *bytes, size_t size, size_t *ret_len, enum net_want *ret_want,
                 struct why *reterr_why)
{
	int ret;

	ERR_clear_error();
	errno = 0;
	ret = SSL_read_ex(t->ssl, bytes, size, ret_len);
	if (ret == 1) {
		*ret_want = NET_DONE;
		return ERR_OK;
	}
	*ret_len = 0;
	if (SSL_get_error(t->ssl, ret) == SSL_ERROR_ZERO_RETURN) {
		*ret_want = NET_DONE;
		return ERR_OK;
	}
	return outcome(t, ret, errno, ret_want, reterr_why);
}

int tls_try_write(struct tls *t, struct slice bytes, size_t *ret_len, enum net_want *ret_want, struct why *reterr_why)
{
	int ret;

	ERR_clear_error();
	errno = 0;
	ret = SSL_write_ex(t->ssl, bytes.ptr, bytes.len, ret_len);
	if (ret == 1) {
		*ret_want = NET_DONE;
		return ERR_OK;
	}
	*ret_len = 0;
	return outcome(t, ret, errno, ret_want, reterr_why);
}

bool tls_has_buffered(const struct tls *t)
{
	return SSL_has_pending(t->ssl) == 1;
}

void tls_close_notify(struct tls *t)
{
	ERR_clear_error();
	if (SSL_is_init_finished(t->ssl))
		(void)SSL_shutdown(t->ssl); /* one way: the peer's own may come or not */
	ERR_clear_error();
}

const char *tls_describe(struct tls *t)
{
	bool ktls = BIO_get_ktls_send(SSL_get_wbio(t->ssl)) != 0;

	snprintf(t->description, sizeof t->description, "%s %s%s", SSL_get_version(t->ssl), SSL_get_cipher(t->ssl),
	         ktls ? " kTLS" : "");
	return t->description;
}
