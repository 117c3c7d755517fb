/* tls.h: TLS 1.3 over a non-blocking socket (OpenSSL): contexts for serving and for calling, and one connection.
 *
 * Nothing here waits: an operation that can not go on says what it wants, and stream.h waits for it. OpenSSL writes
 * without MSG_NOSIGNAL, so programs ignore SIGPIPE. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"

/* What a byte stream needs before it can go on. */
enum net_want {
	NET_DONE,
	NET_WANT_READ,
	NET_WANT_WRITE,
};

/* --- Serving --------------------------------------------------------------------------------------------------- */

struct tls_server;

struct tls_server_config {
	struct slice chain_pem;       /* the certificate, then intermediates */
	const struct secret *key_pem; /* its private key, not encrypted */
	bool insecure_tls12;          /* also accept TLS 1.2, for clients that can not do better */
};

/* ERR_INVALID if the certificate or the key does not parse, or they are not a pair. */
MUST_USE int tls_server_new(const struct tls_server_config *config, struct tls_server **ret_server,
                            struct why *reterr_why);
void tls_server_free(struct tls_server *s);
void tls_server_freep(struct tls_server **s);

/* Puts another certificate and key in force for handshakes from now on; connections that stand keep theirs. On error
 * the old ones stay. Any thread. */
MUST_USE int tls_server_reload(struct tls_server *s, const struct tls_server_config *config, struct why *reterr_why);

/* --- Calling --------------------------------------------------------------------------------------------------- */

struct tls_client;

/* Trusts the certificates in `ca_pem` and no others. ERR_INVALID if there is none in it. */
MUST_USE int tls_client_new(struct slice ca_pem, struct tls_client **ret_client, struct why *reterr_why);
void tls_client_free(struct tls_client *c);
void tls_client_freep(struct tls_client **c);

/* --- One connection -------------------------------------------------------------------------------------------- */

struct tls;

/* A connection over `fd`, which is borrowed, before its handshake. The certificate that tls_connect() meets must be
 * for `host`, a name or an IP address. */
MUST_USE int tls_accept(struct tls_server *s, int fd, struct tls **ret_tls, struct why *reterr_why);
MUST_USE int tls_connect(struct tls_client *c, int fd, const char *host, struct tls **ret_tls, struct why *reterr_why);
void tls_free(struct tls *t);

/* Goes on with the handshake. ERR_DENIED, with the reason, if the peer's certificate is not trusted; ERR_INVALID for a
 * peer that speaks something else; ERR_CLOSED. */
MUST_USE int tls_try_handshake(struct tls *t, enum net_want *ret_want, struct why *reterr_why);

/* Reads what is there, up to `size` > 0 bytes. NET_DONE with *ret_len 0: the peer closed properly. ERR_CLOSED if it
 * did not. */
MUST_USE int tls_try_read(struct tls *t, void *bytes, size_t size, size_t *ret_len, enum net_want *ret_want,
                          struct why *reterr_why);

/* Writes what can be taken now; after a want, the same bytes must come again, though perhaps from elsewhere. */
MUST_USE int tls_try_write(struct tls *t, struct slice bytes, size_t *ret_len, enum net_want *ret_want,
                           struct why *reterr_why);

/* Whether bytes wait inside, which no poll of the socket tells. */
bool tls_has_buffered(const struct tls *t);

/* Tells the peer that no more will come. Best effort. */
void tls_close_notify(struct tls *t);

/* "TLSv1.3 TLS_AES_256_GCM_SHA384", with " kTLS" where the kernel encrypts. Static for the life of the connection. */
const char *tls_describe(struct tls *t);
