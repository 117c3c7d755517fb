/* uri.h: request targets, percent-encoding and queries (RFC 3986), strictly and without changing a byte: signatures
 * cover what was sent, so nothing is normalised here and everything points into the caller's bytes. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/slice.h"

/* A request target, taken apart and still encoded. */
struct uri_target {
	struct slice authority; /* empty unless it was in absolute form */
	struct slice path;      /* begins with '/' */
	struct slice query;     /* without its '?' */
	bool has_query;         /* "/a?" has an empty one, "/a" has none */
};

/* Takes apart a target in origin form ("/a?b") or absolute form ("https://host/a?b"; RFC 9112 3.2). ERR_INVALID for
 * another form, a byte that RFC 3986 does not allow there, a '%' without two hex digits, user information, or a
 * fragment. Dot segments and empty segments stay: object keys may hold them. */
MUST_USE int uri_target_parse(struct slice target, struct uri_target *ret_target, struct why *reterr_why);

/* Splits "host", "host:port" or "[v6]:port"; the host comes without brackets, *ret_port is 0 if none is named.
 * ERR_INVALID for an empty host, a byte that no host name or address has, or a port outside 1 to 65535. */
MUST_USE int uri_authority_parse(struct slice authority, struct slice *ret_host, uint16_t *ret_port,
                                 struct why *reterr_why);

/* Appends the bytes that percent-encoding stands for. ERR_INVALID for a '%' without two hex digits. The result may
 * hold any byte, NUL included. */
MUST_USE int uri_decode(struct slice encoded, struct buf *into, struct why *reterr_why);

/* The same for application/x-www-form-urlencoded, in which '+' is a space. */
MUST_USE int uri_decode_form(struct slice encoded, struct buf *into, struct why *reterr_why);

/* Appends everything but RFC 3986's unreserved characters as %XX, upper case, as AWS signatures demand; '/' stays with
 * `keep_slashes`. */
MUST_USE int uri_encode(struct slice bytes, bool keep_slashes, struct buf *into, struct why *reterr_why);

/* Whether the decoded form of `encoded` is `text`. Malformed encoding is nothing's. */
bool uri_decoded_is(struct slice encoded, const char *text);

/* One parameter of a query, as it was sent. */
struct uri_parameter {
	struct slice name;
	struct slice value;
	bool has_value; /* "a=" has an empty one, "a" has none */
};

struct uri_query {
	struct uri_parameter at[URI_PARAMETERS_MAX];
	size_t count;
};

/* Splits a query, or the body of a form, at '&' and the first '='. ERR_INVALID for a parameter without a name, a byte
 * outside RFC 3986's query, or broken percent-encoding; ERR_LIMIT over URI_PARAMETERS_MAX. */
MUST_USE int uri_query_parse(struct slice query, struct uri_query *ret_query, struct why *reterr_why);

/* The one parameter whose decoded name is `name`; *ret_value is still encoded. ERR_NOTFOUND if there is none,
 * ERR_CONFLICT if there are several: which one counts must never be a matter of taste. */
MUST_USE int uri_query_one(const struct uri_query *query, const char *name, struct slice *ret_value,
                           struct why *reterr_why);

/* Whether any parameter has that decoded name. */
bool uri_query_has(const struct uri_query *query, const char *name);
