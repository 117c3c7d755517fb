/* http_exchange.h: one request and its answer, as a handler sees them: plain blocking code.
 *
 * The peer's patience is watched underneath (limits.h: NET_STALL_MS, NET_BYTES_PER_S_MIN). A handler may TRY() every
 * call and return the error: the server then answers what the failure of the request's body calls for, 500 otherwise,
 * or, if an answer has begun, breaks the connection off so that nobody takes half an answer for a whole one. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "net/socket.h"
#include "wire/http1_head.h"

struct http_exchange;

/* --- The request ------------------------------------------------------------------------------------------------ */

/* Its head, with everything in it borrowed for the length of the exchange. */
const struct http1_request *http_exchange_request(const struct http_exchange *x);

/* The head as it was sent, with its empty line: for whoever signs or canonicalises exactly what the caller sent. */
struct slice http_exchange_head(const struct http_exchange *x);

const struct socket_peer *http_exchange_peer(const struct http_exchange *x);

/* Whether the request came over TLS. */
bool http_exchange_is_tls(const struct http_exchange *x);

/* Lowers the largest body that will be read, for this request. ERR_LIMIT at once if the request states a longer one. */
MUST_USE int http_exchange_limit_body(struct http_exchange *x, uint64_t bytes, struct why *reterr_why);

/* Reads some of the body, without its chunked coding; *ret_len 0 is its end. The first call sends 100 Continue where it
 * is awaited. ERR_LIMIT over the largest body, ERR_INVALID for broken coding, ERR_TIMEOUT, ERR_CLOSED. */
MUST_USE int http_exchange_read(struct http_exchange *x, void *bytes, size_t size, size_t *ret_len,
                                struct why *reterr_why);

/* Reads until `size` bytes or the end of the body. */
MUST_USE int http_exchange_read_full(struct http_exchange *x, void *bytes, size_t size, size_t *ret_len,
                                     struct why *reterr_why);

/* Appends the whole body. ERR_LIMIT if `into` can not hold it. */
MUST_USE int http_exchange_read_all(struct http_exchange *x, struct buf *into, struct why *reterr_why);

/* The trailers, once the body has ended; no fields if there were none. Borrowed for the length of the exchange.
 * ERR_INVALID before the end, or if they are malformed. */
MUST_USE int http_exchange_trailers(struct http_exchange *x, const struct http1_fields **ret_trailers,
                                    struct why *reterr_why);

/* --- The answer ------------------------------------------------------------------------------------------------- */

#define HTTP_LENGTH_UNKNOWN UINT64_MAX

/* Adds a header field to the answer, before it begins. Date, Connection and what frames the body are the server's:
 * ERR_INTERNAL. ERR_INVALID for a value that could not be sent as one field. */
MUST_USE int http_exchange_field(struct http_exchange *x, const char *name, struct slice value, struct why *reterr_why);

/* Drops the fields added so far: for an error answer in place of the one that was being prepared. */
void http_exchange_fields_reset(struct http_exchange *x);

/* Whether an answer has begun. */
bool http_exchange_has_begun(const struct http_exchange *x);

/* Begins an answer whose body has `length` bytes, or HTTP_LENGTH_UNKNOWN: it then goes in chunks. To HEAD, and with
 * 204 and 304, what is written is counted and not sent. */
MUST_USE int http_exchange_begin(struct http_exchange *x, unsigned status, uint64_t length, struct why *reterr_why);

/* Writes some of the body. Small pieces are gathered; pieces from 32 KiB up go out without a copy, best as multiples
 * of 128 KiB. ERR_INTERNAL past the stated length, ERR_TIMEOUT, ERR_CLOSED. */
MUST_USE int http_exchange_write(struct http_exchange *x, struct slice bytes, struct why *reterr_why);

/* Sends what has been gathered: for answers that the peer follows as they grow. */
MUST_USE int http_exchange_flush(struct http_exchange *x, struct why *reterr_why);

/* Adds a trailer to an answer of unknown length. A peer of HTTP/1.0 does not get it. */
MUST_USE int http_exchange_trailer(struct http_exchange *x, const char *name, struct slice value,
                                   struct why *reterr_why);

/* Ends the answer. ERR_INTERNAL if the body is shorter than was stated. */
MUST_USE int http_exchange_end(struct http_exchange *x, struct why *reterr_why);

/* A whole answer at once. */
MUST_USE int http_exchange_respond(struct http_exchange *x, unsigned status, struct slice body, struct why *reterr_why);

/* Closes the connection after this exchange. */
void http_exchange_close(struct http_exchange *x);
