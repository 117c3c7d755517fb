#include "wire/http1_write.h"

#include <string.h>

#include "wire/http1_fields.h"
#include "wire/uri.h"

/* RFC 9110 15 and RFC 6585, as far as we answer or meet them. */
static const struct {
	unsigned status;
	const char *phrase;
} reasons[] = {
	{100, "Continue"},
	{200, "OK"},
	{201, "Created"},
	{202, "Accepted"},
	{204, "No Content"},
	{206, "Partial Content"},
	{301, "Moved Permanently"},
	{302, "Found"},
	{303, "See Other"},
	{304, "Not Modified"},
	{307, "Temporary Redirect"},
	{308, "Permanent Redirect"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{410, "Gone"},
	{411, "Length Required"},
	{412, "Precondition Failed"},
	{413, "Content Too Large"},
	{414, "URI Too Long"},
	{415, "Unsupported Media Type"},
	{416, "Range Not Satisfiable"},
	{417, "Expectation Failed"},
	{422, "Unprocessable Content"},
	{428, "Precondition Required"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
	{505, "HTTP Version Not Supported"},
	{507, "Insufficient Storage"},
};

const char *http1_reason(unsigned status)
{
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].status == status)
			return reasons[i].phrase;
	return "";
}

int http1_put_status(struct buf *into, unsigned status, struct why *reterr_why)
{
	ENSURE(status >= 100 && status <= 599, ERR_INVALID, reterr_why, "%u is not a status from 100 to 599", status);
	return buf_put_fmt(into, reterr_why, "HTTP/1.1 %u %s\r\n", status, http1_reason(status));
}

int http1_put_request(struct buf *into, struct slice method, struct slice target, struct why *reterr_why)
{
	struct uri_target parsed;

	ENSURE(http1_is_token(method), ERR_INVALID, reterr_why, "the method is not a word of letters");
	TRY(uri_target_parse(target, &parsed, reterr_why));
	return buf_put_fmt(into, reterr_why, "%.*s %.*s HTTP/1.1\r\n", (int)method.len, (const char *)method.ptr,
	                   (int)target.len, (const char *)target.ptr);
}

int http1_put_field(struct buf *into, const char *name, struct slice value, struct why *reterr_why)
{
	struct slice name_bytes = slice_str(name);
	uint8_t *out;

	ENSURE(http1_is_token(name_bytes), ERR_INVALID, reterr_why, "a header may not be named so");
	ENSURE(http1_is_value(value), ERR_INVALID, reterr_why,
	       "the value for header %s has a control character in it or white space at its ends", name);
	TRY(buf_reserve(into, name_bytes.len + value.len + 4, &out, reterr_why));
	memcpy(out, name_bytes.ptr, name_bytes.len);
	out += name_bytes.len;
	memcpy(out, ": ", 2);
	if (value.len)
		memcpy(out + 2, value.ptr, value.len);
	memcpy(out + 2 + value.len, "\r\n", 2);
	buf_commit(into, name_bytes.len + value.len + 4);
	return ERR_OK;
}

size_t http1_chunk_head(size_t len, char out[static HTTP1_CHUNK_HEAD_BYTES])
{
	size_t digits = 1;

	while (digits < 16 && len >> (4 * digits))
		digits++;
	for (size_t i = 0; i < digits; i++)
		out[i] = "0123456789abcdef"[len >> (4 * (digits - 1 - i)) & 15];
	memcpy(out + digits, "\r\n", 2);
	return digits + 2;
}
