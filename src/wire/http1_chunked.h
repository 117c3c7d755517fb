/* http1_chunked.h: decoding the chunked transfer coding (RFC 9112 7.1), piece by piece as bytes arrive.
 *
 * Body bytes are handed out where they lie in the input. Extensions are checked, bounded and ignored; a trailer section
 * is kept until asked for. Line ends are CRLF and nothing else, sizes are digits and nothing else: whatever a lenient
 * reader would repair is refused. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/slice.h"
#include "wire/http1_fields.h"

enum http1_chunked_state {
	HTTP1_CHUNKED_SIZE,
	HTTP1_CHUNKED_EXTENSION,
	HTTP1_CHUNKED_SIZE_LF,
	HTTP1_CHUNKED_DATA,
	HTTP1_CHUNKED_DATA_CR,
	HTTP1_CHUNKED_DATA_LF,
	HTTP1_CHUNKED_TRAILER,
	HTTP1_CHUNKED_DONE,
	HTTP1_CHUNKED_BROKEN,
};

struct http1_chunked {
	enum http1_chunked_state state;
	unsigned digits;        /* of the size that is being read */
	uint64_t left;          /* of the chunk that is being read */
	size_t extension_bytes; /* of this chunk, and of all */
	size_t extensions_bytes;
	size_t line_start; /* in the trailer */
	size_t trailer_len;
	uint8_t trailer[HTTP1_TRAILER_BYTES_MAX];
};

void http1_chunked_init(struct http1_chunked *c);

/* Moves `in` over what belongs to the body, up to the next run of its bytes, which *ret_body is set to; empty when `in`
 * is used up or the body has ended. Call until one of the two. What remains in `in` after the end belongs to the next
 * message. ERR_INVALID, ERR_LIMIT; after an error every call fails. */
MUST_USE int http1_chunked_feed(struct http1_chunked *c, struct cursor *in, struct slice *ret_body,
                                struct why *reterr_why);

/* Whether the last chunk and the whole trailer section have been read. */
bool http1_chunked_is_done(const struct http1_chunked *c);

/* The trailer fields, borrowed from `c`. ERR_INVALID if the body has not ended, a line is malformed, or a field is one
 * that frames, routes or authenticates a message (RFC 9110 6.5.1): those can not come after it. */
MUST_USE int http1_chunked_trailers(const struct http1_chunked *c, struct http1_fields *ret_fields,
                                    struct why *reterr_why);
