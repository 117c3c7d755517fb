/* http1_write.h: writing heads, chunks and trailers (RFC 9112), so that nothing a caller passes in can end a line. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* "HTTP/1.1 200 OK" and its CRLF. ERR_INVALID for a status outside 100 to 599. */
MUST_USE int http1_put_status(struct buf *into, unsigned status, struct why *reterr_why);

/* "GET /path HTTP/1.1" and its CRLF. ERR_INVALID for a method that is no token or a target that would be refused. */
MUST_USE int http1_put_request(struct buf *into, struct slice method, struct slice target, struct why *reterr_why);

/* "name: value" and its CRLF. ERR_INVALID for a name that is no token, or a value with a control character or with
 * white space at its ends: a value taken from elsewhere can never become a second field. */
MUST_USE int http1_put_field(struct buf *into, const char *name, struct slice value, struct why *reterr_why);

/* What precedes a chunk of `len` > 0 bytes; the chunk ends in CRLF. Not NUL-terminated; returns how many bytes. */
#define HTTP1_CHUNK_HEAD_BYTES 18
size_t http1_chunk_head(size_t len, char out[static HTTP1_CHUNK_HEAD_BYTES]);

/* The phrase for a status, such as "Not Found"; "" for one that has none registered. Static. */
const char *http1_reason(unsigned status);
