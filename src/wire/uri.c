#include "wire/uri.h"

#include <string.h>

#include "wire/percent.h"

enum {
	IN_PATH = 1,  /* pchar and '/' */
	IN_QUERY = 2, /* pchar, '/' and '?' */
	IN_NAME = 4,  /* a registered name or an IPv4 address, as hosts really have them */
	IN_V6 = 8,
};

/* RFC 3986 appendix A. '%' is allowed where escapes are; that hex digits follow it is checked apart. */
static const uint8_t classes[256] = {
	['A' ... 'F'] = IN_PATH | IN_QUERY | IN_NAME | IN_V6,
	['G' ... 'Z'] = IN_PATH | IN_QUERY | IN_NAME,
	['a' ... 'f'] = IN_PATH | IN_QUERY | IN_NAME | IN_V6,
	['g' ... 'z'] = IN_PATH | IN_QUERY | IN_NAME,
	['0' ... '9'] = IN_PATH | IN_QUERY | IN_NAME | IN_V6,
	['-'] = IN_PATH | IN_QUERY | IN_NAME,
	['.'] = IN_PATH | IN_QUERY | IN_NAME | IN_V6,
	['_'] = IN_PATH | IN_QUERY | IN_NAME,
	['~'] = IN_PATH | IN_QUERY,
	[':'] = IN_PATH | IN_QUERY | IN_V6,
	['!'] = IN_PATH | IN_QUERY,
	['$'] = IN_PATH | IN_QUERY,
	['&'] = IN_PATH | IN_QUERY,
	['\''] = IN_PATH | IN_QUERY,
	['('] = IN_PATH | IN_QUERY,
	[')'] = IN_PATH | IN_QUERY,
	['*'] = IN_PATH | IN_QUERY,
	['+'] = IN_PATH | IN_QUERY,
	[','] = IN_PATH | IN_QUERY,
	[';'] = IN_PATH | IN_QUERY,
	['='] = IN_PATH | IN_QUERY,
	['@'] = IN_PATH | IN_QUERY,
	['/'] = IN_PATH | IN_QUERY,
	['%'] = IN_PATH | IN_QUERY,
	['?'] = IN_QUERY,
};

static int check_bytes(struct slice s, uint8_t allowed, const char *what, struct why *reterr_why)
{
	for (size_t i = 0; i < s.len; i++) {
		ENSURE(classes[s.ptr[i]] & allowed, ERR_INVALID, reterr_why,
		       "byte 0x%02x in %s must be percent-encoded", s.ptr[i], what);
		ENSURE(s.ptr[i] != '%' || percent_escape_value(s, i) >= 0, ERR_INVALID, reterr_why,
		       "'%%' in %s is not followed by two hexadecimal digits", what);
	}
	return ERR_OK;
}

/* Cuts `s` at the first `stop`; without one, `ret_before` is all of it and the result is false. */
static bool cut(struct slice s, uint8_t stop, struct slice *ret_before, struct slice *ret_after)
{
	const uint8_t *found = s.len ? memchr(s.ptr, stop, s.len) : NULL;
	size_t at = found ? (size_t)(found - s.ptr) : s.len;

	*ret_before = slice_of(s.ptr, at);
	*ret_after = found ? slice_of(found + 1, s.len - at - 1) : slice_of(NULL, 0);
	return found != NULL;
}

/* The scheme is case-insensitive (RFC 3986 3.1). Returns how long "http://" or "https://" is here, 0 for neither. */
static size_t scheme_len(struct slice target)
{
	static const char *const schemes[] = {"http://", "https://"};

	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		size_t len = strlen(schemes[i]);

		if (target.len >= len && slice_is_str_nocase(slice_of(target.ptr, len), schemes[i]))
			return len;
	}
	return 0;
}

int uri_target_parse(struct slice target, struct uri_target *ret_target, struct why *reterr_why)
{
	struct uri_target t = {0};
	size_t skip = scheme_len(target);
	struct slice rest = slice_of(target.ptr + skip, target.len - skip), host;
	uint16_t port;

	if (skip) {
		const uint8_t *slash = rest.len ? memchr(rest.ptr, '/', rest.len) : NULL;

		ENSURE(slash, ERR_INVALID, reterr_why, "the request target has no path: write http://host/");
		t.authority = slice_of(rest.ptr, (size_t)(slash - rest.ptr));
		rest = slice_of(slash, rest.len - t.authority.len);
		TRY(uri_authority_parse(t.authority, &host, &port, reterr_why));
	}
	ENSURE(rest.len && rest.ptr[0] == '/', ERR_INVALID, reterr_why,
	       "the request target must begin with '/', or be an http or https URL");
	t.has_query = cut(rest, '?', &t.path, &t.query);
	TRY(check_bytes(t.path, IN_PATH, "the path", reterr_why));
	TRY(check_bytes(t.query, IN_QUERY, "the query", reterr_why));
	*ret_target = t;
	return ERR_OK;
}

/* "[v6]" at the start: the address without its brackets, and what follows them. */
static int take_bracketed(struct slice authority, struct slice *ret_host, struct slice *ret_rest,
                          struct why *reterr_why)
{
	struct slice inner = slice_of(authority.ptr + 1, authority.len - 1);

	ENSURE(cut(inner, ']', ret_host, ret_rest), ERR_INVALID, reterr_why,
	       "a host begins with '[' and lacks its ']'");
	for (size_t i = 0; i < ret_host->len; i++)
		ENSURE(classes[ret_host->ptr[i]] & IN_V6, ERR_INVALID, reterr_why, "byte 0x%02x in an IPv6 address",
		       ret_host->ptr[i]);
	return ERR_OK;
}

int uri_authority_parse(struct slice authority, struct slice *ret_host, uint16_t *ret_port, struct why *reterr_why)
{
	struct slice host, rest;
	uint64_t port = 0;
	bool has_port;

	if (authority.len && authority.ptr[0] == '[') {
		TRY(take_bracketed(authority, &host, &rest, reterr_why));
		has_port = rest.len > 0;
		ENSURE(!has_port || rest.ptr[0] == ':', ERR_INVALID, reterr_why,
		       "only a port may follow the ']' of a host");
		if (has_port)
			rest = slice_of(rest.ptr + 1, rest.len - 1);
	} else {
		has_port = cut(authority, ':', &host, &rest);
		for (size_t i = 0; i < host.len; i++)
			ENSURE(classes[host.ptr[i]] & IN_NAME, ERR_INVALID, reterr_why, "byte 0x%02x in a host name",
			       host.ptr[i]);
	}
	ENSURE(host.len, ERR_INVALID, reterr_why, "the host is empty");
	if (has_port) {
		ENSURE(slice_to_u64(rest, 65535, &port, NULL) == ERR_OK && port > 0, ERR_INVALID, reterr_why,
		       "the port of a host must be a number from 1 to 65535");
	}
	*ret_host = host;
	*ret_port = (uint16_t)port;
	return ERR_OK;
}

int uri_decode(struct slice encoded, struct buf *into, struct why *reterr_why)
{
	return percent_decode_put(into, encoded, false, reterr_why);
}

int uri_decode_form(struct slice encoded, struct buf *into, struct why *reterr_why)
{
	return percent_decode_put(into, encoded, true, reterr_why);
}

int uri_encode(struct slice bytes, bool keep_slashes, struct buf *into, struct why *reterr_why)
{
	return percent_encode_put(into, bytes, keep_slashes ? "/" : NULL, reterr_why);
}

bool uri_decoded_is(struct slice encoded, const char *text)
{
	size_t at = 0;

	for (; *text; text++) {
		int byte;

		if (at >= encoded.len)
			return false;
		byte = encoded.ptr[at] == '%' ? percent_escape_value(encoded, at) : encoded.ptr[at];
		if (byte != (uint8_t)*text)
			return false;
		at += encoded.ptr[at] == '%' ? 3 : 1;
	}
	return at == encoded.len;
}

int uri_query_parse(struct slice query, struct uri_query *ret_query, struct why *reterr_why)
{
	struct uri_query q = {0};
	struct slice rest = query, part;
	bool more = query.len > 0;

	TRY(check_bytes(query, IN_QUERY, "the query", reterr_why));
	while (more) {
		struct uri_parameter *p = &q.at[q.count];

		more = cut(rest, '&', &part, &rest);
		ENSURE(q.count < URI_PARAMETERS_MAX, ERR_LIMIT, reterr_why, "more than %d parameters",
		       URI_PARAMETERS_MAX);
		p->has_value = cut(part, '=', &p->name, &p->value);
		ENSURE(p->name.len, ERR_INVALID, reterr_why, "parameter %zu has no name", q.count + 1);
		q.count++;
	}
	*ret_query = q;
	return ERR_OK;
}

int uri_query_one(const struct uri_query *query, const char *name, struct slice *ret_value, struct why *reterr_why)
{
	const struct uri_parameter *found = NULL;

	for (size_t i = 0; i < query->count; i++) {
		if (!uri_decoded_is(query->at[i].name, name))
			continue;
		ENSURE(!found, ERR_CONFLICT, reterr_why, "parameter %s is given twice", name);
		found = &query->at[i];
	}
	ENSURE(found, ERR_NOTFOUND, reterr_why, "parameter %s is missing", name);
	*ret_value = found->value;
	return ERR_OK;
}

bool uri_query_has(const struct uri_query *query, const char *name)
{
	for (size_t i = 0; i < query->count; i++)
		if (uri_decoded_is(query->at[i].name, name))
			return true;
	return false;
}
