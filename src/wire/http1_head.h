/* http1_head.h: the heads of HTTP/1.1 requests and responses (RFC 9112), read strictly.
 *
 * There is one reading of a message or none: whatever lets two implementations disagree about where it ends is refused.
 * What is refused comes with the status to answer and a sentence; the connection must then be closed, since nobody
 * knows what the following bytes are. Everything points into the caller's bytes. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/slice.h"
#include "wire/http1_fields.h"
#include "wire/uri.h"

/* How the end of a body is found (RFC 9112 6.3). */
enum http1_framing {
	HTTP1_FRAMING_NONE,
	HTTP1_FRAMING_LENGTH,
	HTTP1_FRAMING_CHUNKED,
	HTTP1_FRAMING_CLOSE, /* responses only: up to the end of the connection */
};

struct http1_request {
	struct slice method;   /* a token; case matters */
	struct slice target;   /* as it was sent: what signatures cover */
	struct uri_target uri; /* the same, taken apart */
	struct slice host;     /* the Host field; an authority in the target agrees with it */
	struct http1_fields fields;
	enum http1_framing framing;
	uint64_t length; /* of the body, when framing is LENGTH */
	bool is_http10;  /* such a peer gets no chunks and no second request */
	bool keep_alive;
	bool expects_continue;
};

struct http1_response {
	unsigned status;
	struct slice reason;
	struct http1_fields fields;
	enum http1_framing framing;
	uint64_t length;
	bool keep_alive;
};

/* Looks for the empty line that ends a head at the start of `bytes`. *ret_len is the head's length with that line, or 0
 * while it has not come. *scanned, 0 at first, lets the next call go on where this one stopped. ERR_INVALID for a bare
 * LF or an empty first line, ERR_LIMIT once HTTP1_HEAD_BYTES_MAX have passed without an end. */
MUST_USE int http1_head_find_end(struct slice bytes, size_t *scanned, size_t *ret_len, struct why *reterr_why);

/* Reads a whole head, as found above. *reterr_status, if not NULL, is what to answer on error: 400, 414, 417, 431, 501
 * or 505. */
MUST_USE int http1_request_parse(struct slice head, struct http1_request *ret_request, unsigned *reterr_status,
                                 struct why *reterr_why);

/* Reads the head of the answer to a request with `method`: HEAD has no body, whatever the answer says. ERR_INVALID,
 * ERR_LIMIT. */
MUST_USE int http1_response_parse(struct slice head, struct slice method, struct http1_response *ret_response,
                                  struct why *reterr_why);
