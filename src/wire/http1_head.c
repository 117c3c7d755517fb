#include "wire/http1_head.h"

#include <string.h>

/* Both kinds of head know these; what they conclude differs. */
struct framing {
	bool has_length;
	bool is_chunked;
	uint64_t length;
};

static int refuse(unsigned *reterr_status, unsigned status, int code)
{
	if (reterr_status)
		*reterr_status = status;
	return code;
}

/* As ENSURE, with the status to answer. */
#define ENSURE_STATUS(cond, status, code, reterr_status, reterr_why, ...) \
	do {                                                              \
		if (!(cond)) {                                            \
			why_set((reterr_why), __VA_ARGS__);               \
			return refuse((reterr_status), (status), (code)); \
		}                                                         \
	} while (0)

int http1_head_find_end(struct slice bytes, size_t *scanned, size_t *ret_len, struct why *reterr_why)
{
	size_t line = *scanned, limit = bytes.len < HTTP1_HEAD_BYTES_MAX ? bytes.len : HTTP1_HEAD_BYTES_MAX;

	while (line < limit) {
		const uint8_t *lf = memchr(bytes.ptr + line, '\n', limit - line);
		size_t len = lf ? (size_t)(lf - bytes.ptr) - line : 0; /* of this line, with its CR */

		if (!lf)
			break;
		ENSURE(len && lf[-1] == '\r', ERR_INVALID, reterr_why,
		       "a header line ends in a bare LF; lines end in CRLF");
		if (len == 1) {
			ENSURE(line > 0, ERR_INVALID, reterr_why, "the message begins with an empty line");
			*ret_len = line + 2;
			return ERR_OK;
		}
		line += len + 1;
	}
	ENSURE(bytes.len < HTTP1_HEAD_BYTES_MAX, ERR_LIMIT, reterr_why, "the head is larger than %d bytes",
	       HTTP1_HEAD_BYTES_MAX);
	*scanned = line;
	*ret_len = 0;
	return ERR_OK;
}

/* Cuts a whole head into its first line and its field lines. */
static int split_head(struct slice head, struct slice *ret_first, struct slice *ret_lines, struct why *reterr_why)
{
	size_t scanned = 0, len;
	const uint8_t *lf;

	TRY(http1_head_find_end(head, &scanned, &len, reterr_why));
	ENSURE(len && len == head.len, ERR_INVALID, reterr_why, "the head does not end in its empty line");
	lf = memchr(head.ptr, '\n', head.len); /* there: find_end saw lines */
	*ret_first = slice_of(head.ptr, (size_t)(lf - head.ptr) - 1);
	*ret_lines = slice_of(lf + 1, head.len - ret_first->len - 4);
	return ERR_OK;
}

/* "HTTP/1.1" or "HTTP/1.0". Another version in the same spelling is 505, anything else no version at all. */
static int parse_version(struct slice version, bool *ret_is_http10, unsigned *reterr_status, struct why *reterr_why)
{
	bool is_version = version.len == 8 && slice_starts_with(version, "HTTP/") && version.ptr[5] >= '0' &&
	                  version.ptr[5] <= '9' && version.ptr[6] == '.' && version.ptr[7] >= '0' &&
	                  version.ptr[7] <= '9';

	ENSURE_STATUS(is_version, 400, ERR_INVALID, reterr_status, reterr_why,
	              "the first line must end in the version HTTP/1.1");
	ENSURE_STATUS(slice_is_str(version, "HTTP/1.1") || slice_is_str(version, "HTTP/1.0"), 505, ERR_INVALID,
	              reterr_status, reterr_why, "version %.*s; HTTP/1.1 is spoken here", (int)version.len,
	              (const char *)version.ptr);
	*ret_is_http10 = version.ptr[7] == '0';
	return ERR_OK;
}

/* method SP request-target SP HTTP-version (RFC 9112 3): single spaces, nothing else. */
static int parse_request_line(struct slice line, struct http1_request *r, unsigned *reterr_status,
                              struct why *reterr_why)
{
	struct cursor c = cursor_of(line);

	ENSURE_STATUS(cursor_take_until(&c, ' ', &r->method, NULL) == ERR_OK &&
	                      cursor_take_until(&c, ' ', &r->target, NULL) == ERR_OK,
	              400, ERR_INVALID, reterr_status, reterr_why,
	              "the request line must be a method, a target and a version with single spaces between them");
	ENSURE_STATUS(http1_is_token(r->method), 400, ERR_INVALID, reterr_status, reterr_why,
	              "the method is not a word of letters");
	ENSURE_STATUS(r->method.len <= HTTP1_METHOD_BYTES_MAX, 501, ERR_LIMIT, reterr_status, reterr_why,
	              "a method of %zu letters; none has more than %d", r->method.len, HTTP1_METHOD_BYTES_MAX);
	TRY(parse_version(c.rest, &r->is_http10, reterr_status, reterr_why));
	ENSURE_STATUS(r->target.len <= HTTP1_TARGET_BYTES_MAX, 414, ERR_LIMIT, reterr_status, reterr_why,
	              "a request target of %zu bytes; at most %d are accepted", r->target.len, HTTP1_TARGET_BYTES_MAX);
	if (uri_target_parse(r->target, &r->uri, reterr_why) != ERR_OK)
		return refuse(reterr_status, 400, ERR_INVALID);
	return ERR_OK;
}

/* Content-Length and Transfer-Encoding (RFC 9112 6.1 to 6.3): at most one of them, once, in its plainest spelling. The
 * standard lets a recipient repair repeated lengths; the repairs are where implementations differ. */
static int parse_framing(const struct http1_fields *fields, struct framing *ret_framing, unsigned *reterr_status,
                         struct why *reterr_why)
{
	size_t lengths = http1_fields_count(fields, "content-length");
	size_t codings = http1_fields_count(fields, "transfer-encoding");
	struct framing f = {.has_length = lengths > 0, .is_chunked = codings > 0};
	struct slice value;

	ENSURE_STATUS(!lengths || !codings, 400, ERR_INVALID, reterr_status, reterr_why,
	              "both Content-Length and Transfer-Encoding are given");
	ENSURE_STATUS(lengths <= 1, 400, ERR_INVALID, reterr_status, reterr_why, "Content-Length is given %zu times",
	              lengths);
	ENSURE_STATUS(codings <= 1, 400, ERR_INVALID, reterr_status, reterr_why, "Transfer-Encoding is given %zu times",
	              codings);
	if (http1_fields_find(fields, "content-length", &value))
		ENSURE_STATUS(slice_to_u64(value, INT64_MAX, &f.length, NULL) == ERR_OK, 400, ERR_INVALID,
		              reterr_status, reterr_why,
		              "Content-Length must be one decimal number without a sign or leading zeros");
	if (http1_fields_find(fields, "transfer-encoding", &value))
		ENSURE_STATUS(slice_is_str_nocase(value, "chunked"), 501, ERR_INVALID, reterr_status, reterr_why,
		              "Transfer-Encoding must be chunked and nothing else");
	*ret_framing = f;
	return ERR_OK;
}

static int parse_request_framing(struct http1_request *r, unsigned *reterr_status, struct why *reterr_why)
{
	struct framing f;

	TRY(parse_framing(&r->fields, &f, reterr_status, reterr_why));
	ENSURE_STATUS(!f.is_chunked || !r->is_http10, 400, ERR_INVALID, reterr_status, reterr_why,
	              "Transfer-Encoding in an HTTP/1.0 request");
	r->framing = f.is_chunked ? HTTP1_FRAMING_CHUNKED : f.has_length ? HTTP1_FRAMING_LENGTH : HTTP1_FRAMING_NONE;
	r->length = f.length;
	return ERR_OK;
}

/* RFC 9112 3.2 and 3.3. The standard prefers the target's authority over a differing Host; a front that signs what it
 * routes on can not have two. HTTP/1.0 did not ask for Host; we do. */
static int parse_host(struct http1_request *r, unsigned *reterr_status, struct why *reterr_why)
{
	struct slice name;
	uint16_t port;

	if (http1_fields_one(&r->fields, "Host", &r->host, reterr_why) != ERR_OK ||
	    uri_authority_parse(r->host, &name, &port, reterr_why) != ERR_OK)
		return refuse(reterr_status, 400, ERR_INVALID);
	ENSURE_STATUS(!r->uri.authority.len || slice_equal(r->uri.authority, r->host), 400, ERR_INVALID, reterr_status,
	              reterr_why, "the host in the request target differs from the Host header");
	return ERR_OK;
}

static int parse_expect(struct http1_request *r, unsigned *reterr_status, struct why *reterr_why)
{
	size_t count = http1_fields_count(&r->fields, "expect");
	struct slice value;

	if (!count || r->is_http10) /* RFC 9110 10.1.1: to be ignored from HTTP/1.0 */
		return ERR_OK;
	ENSURE_STATUS(count == 1 && http1_fields_find(&r->fields, "expect", &value) &&
	                      slice_is_str_nocase(value, "100-continue"),
	              417, ERR_INVALID, reterr_status, reterr_why, "the only expectation that is met is 100-continue");
	r->expects_continue = r->framing != HTTP1_FRAMING_NONE && !(r->framing == HTTP1_FRAMING_LENGTH && !r->length);
	return ERR_OK;
}

int http1_request_parse(struct slice head, struct http1_request *ret_request, unsigned *reterr_status,
                        struct why *reterr_why)
{
	struct http1_request r = {0};
	struct slice first, lines;
	int err;

	ENSURE_STATUS(head.len <= HTTP1_HEAD_BYTES_MAX, 431, ERR_LIMIT, reterr_status, reterr_why,
	              "the head is larger than %d bytes", HTTP1_HEAD_BYTES_MAX);
	err = split_head(head, &first, &lines, reterr_why);
	if (err != ERR_OK)
		return refuse(reterr_status, 400, err);
	TRY(parse_request_line(first, &r, reterr_status, reterr_why));
	err = http1_fields_parse(lines, &r.fields, reterr_why);
	if (err != ERR_OK)
		return refuse(reterr_status, err == ERR_LIMIT ? 431 : 400, err);
	TRY(parse_request_framing(&r, reterr_status, reterr_why));
	TRY(parse_host(&r, reterr_status, reterr_why));
	TRY(parse_expect(&r, reterr_status, reterr_why));
	r.keep_alive = !r.is_http10 && !http1_fields_list_has(&r.fields, "connection", "close");
	*ret_request = r;
	return ERR_OK;
}

/* HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 4). */
static int parse_status_line(struct slice line, struct http1_response *r, bool *ret_is_http10, struct why *reterr_why)
{
	struct cursor c = cursor_of(line);
	struct slice version, code;
	uint64_t status;

	ENSURE(cursor_take_until(&c, ' ', &version, NULL) == ERR_OK &&
	               cursor_take_until(&c, ' ', &code, NULL) == ERR_OK,
	       ERR_INVALID, reterr_why, "the answer does not begin with a status line of HTTP");
	TRY(parse_version(version, ret_is_http10, NULL, reterr_why));
	ENSURE(code.len == 3 && slice_to_u64(code, 599, &status, NULL) == ERR_OK && status >= 100, ERR_INVALID,
	       reterr_why, "the answer's status is not a number from 100 to 599");
	for (size_t i = 0; i < c.rest.len; i++)
		ENSURE(c.rest.ptr[i] >= 0x20 || c.rest.ptr[i] == '\t', ERR_INVALID, reterr_why,
		       "control byte 0x%02x in the answer's reason", c.rest.ptr[i]);
	r->status = (unsigned)status;
	r->reason = c.rest;
	return ERR_OK;
}

int http1_response_parse(struct slice head, struct slice method, struct http1_response *ret_response,
                         struct why *reterr_why)
{
	struct http1_response r = {0};
	struct slice first, lines;
	struct framing f;
	bool is_http10;

	ENSURE(head.len <= HTTP1_HEAD_BYTES_MAX, ERR_LIMIT, reterr_why, "the head is larger than %d bytes",
	       HTTP1_HEAD_BYTES_MAX);
	TRY(split_head(head, &first, &lines, reterr_why));
	TRY(parse_status_line(first, &r, &is_http10, reterr_why));
	TRY(http1_fields_parse(lines, &r.fields, reterr_why));
	TRY(parse_framing(&r.fields, &f, NULL, reterr_why));
	ENSURE(!f.is_chunked || !is_http10, ERR_INVALID, reterr_why, "Transfer-Encoding in an HTTP/1.0 answer");
	r.length = f.length;
	if (r.status < 200 || r.status == 204 || r.status == 304 || slice_is_str(method, "HEAD"))
		r.framing = HTTP1_FRAMING_NONE;
	else
		r.framing = f.is_chunked   ? HTTP1_FRAMING_CHUNKED
		            : f.has_length ? HTTP1_FRAMING_LENGTH
		                           : HTTP1_FRAMING_CLOSE;
	r.keep_alive = !is_http10 && r.framing != HTTP1_FRAMING_CLOSE &&
	               !http1_fields_list_has(&r.fields, "connection", "close");
	*ret_response = r;
	return ERR_OK;
}
