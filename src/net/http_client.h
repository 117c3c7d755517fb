/* http_client.h: a blocking HTTP/1.1 client for one connection at a time, over TLS, TCP or a unix socket.
 *
 *     http_client_start()   sends a request, body and all, and reads the head of the answer
 *     http_client_read()    reads the answer's body, until it yields nothing
 *
 * and again: the connection is kept where both sides allow it, and made anew where not. A request is never sent twice:
 * whether that is safe only the caller knows. One thread at a time. Programs ignore SIGPIPE (tls.h). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/slice.h"
#include "net/tls.h"
#include "wire/http1_head.h"

struct http_client;

/* Where to, and how patiently. Everything is copied but `tls`, which must outlive the client. */
struct http_client_config {
	const char *host;         /* name or address: for Host, and for the certificate */
	uint16_t port;            /* 0: the Host header names none */
	const char *unix_path;    /* connect here instead of by TCP; may be NULL */
	struct tls_client *tls;   /* NULL: plain */
	uint64_t connect_ms;      /* for connecting and the handshake; 0: NET_CLIENT_CONNECT_MS */
	uint64_t stall_ms;        /* how long the server may keep us waiting in one exchange; 0: NET_CLIENT_STALL_MS */
	uint64_t bytes_per_s_min; /* each byte moved buys patience at this rate; 0: NET_BYTES_PER_S_MIN */
};

MUST_USE int http_client_new(const struct http_client_config *config, struct http_client **ret_client,
                             struct why *reterr_why);

/* Uses a connected stream socket, which is taken over, for the first connection; there will be no second one. */
MUST_USE int http_client_new_on_fd(const struct http_client_config *config, int fd, struct http_client **ret_client,
                                   struct why *reterr_why);
void http_client_free(struct http_client *c);
void http_client_freep(struct http_client **c);

struct http_client_field {
	const char *name;
	struct slice value;
};

/* Yields up to `size` > 0 bytes of a body; *ret_len 0 is its end. */
typedef int (*http_client_source)(void *context, void *bytes, size_t size, size_t *ret_len, struct why *reterr_why);

/* Takes the next bytes of an answer's body. */
typedef int (*http_client_sink)(void *context, struct slice bytes, struct why *reterr_why);

#define HTTP_CLIENT_LENGTH_UNKNOWN UINT64_MAX

struct http_client_request {
	const char *method;
	struct slice target; /* encoded, in origin form */
	/* Host, Connection, Content-Length, Transfer-Encoding and Expect are the client's to write: ERR_INVALID. */
	const struct http_client_field *fields;
	size_t field_count;

	struct slice body;         /* the whole body, or else: */
	http_client_source source; /* NULL: `body` it is, and none if that is empty and the method is not PUT or POST */
	void *source_context;
	uint64_t source_length; /* or HTTP_CLIENT_LENGTH_UNKNOWN: it then goes in chunks */
	bool expect_continue;   /* send the body only once the server wants it, or after a second */
};

/* Sends the request and reads the head of the final answer, borrowed until the next call of http_client_start(). A
 * server that answers before it has read the body gets no more of it. What is left of the previous answer is dropped
 * with its connection. ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_CLOSED, ERR_DENIED (certificate), ERR_INVALID (the server
 * breaks HTTP), or the source's error; the connection is then gone. */
MUST_USE int http_client_start(struct http_client *c, const struct http_client_request *request,
                               const struct http1_response **ret_response, struct why *reterr_why);

/* Reads some of the answer's body; *ret_len 0 is its end. ERR_CLOSED if the connection ends before it. */
MUST_USE int http_client_read(struct http_client *c, void *bytes, size_t size, size_t *ret_len, struct why *reterr_why);

/* Appends the whole body. ERR_LIMIT if `into` can not hold it. */
MUST_USE int http_client_read_all(struct http_client *c, struct buf *into, struct why *reterr_why);

/* Hands the whole body to `sink`, piece by piece. */
MUST_USE int http_client_copy(struct http_client *c, http_client_sink sink, void *context, struct why *reterr_why);

/* The answer's trailers, once its body has ended. Borrowed until the next http_client_start(). */
const struct http1_fields *http_client_trailers(const struct http_client *c);

/* "plain", or the TLS version and cipher; "" without a connection. */
const char *http_client_describe(struct http_client *c);

/* Whether the connection that carried the last answer will be used again. */
bool http_client_is_connected(const struct http_client *c);
