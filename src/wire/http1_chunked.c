#include "wire/http1_chunked.h"

#include <string.h>

void http1_chunked_init(struct http1_chunked *c)
{
	c->state = HTTP1_CHUNKED_SIZE;
	c->digits = 0;
	c->left = 0;
	c->extension_bytes = c->extensions_bytes = 0;
	c->line_start = c->trailer_len = 0;
}

bool http1_chunked_is_done(const struct http1_chunked *c)
{
	return c->state == HTTP1_CHUNKED_DONE;
}

static int hex_value(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	if (byte >= 'A' && byte <= 'F')
		return byte - 'A' + 10;
	return -1;
}

static int read_size(struct http1_chunked *c, uint8_t byte, struct why *reterr_why)
{
	int digit = hex_value(byte);

	if (digit >= 0) {
		ENSURE(c->digits < HTTP1_CHUNK_DIGITS_MAX, ERR_LIMIT, reterr_why, "a chunk size of more than %d digits",
		       HTTP1_CHUNK_DIGITS_MAX);
		c->digits++;
		c->left = c->left << 4 | (uint64_t)digit;
		return ERR_OK;
	}
	ENSURE(c->digits, ERR_INVALID, reterr_why, "byte 0x%02x where a chunk size was expected", byte);
	ENSURE(byte == '\r' || byte == ';', ERR_INVALID, reterr_why, "byte 0x%02x after a chunk size", byte);
	c->extension_bytes = 0;
	c->state = byte == ';' ? HTTP1_CHUNKED_EXTENSION : HTTP1_CHUNKED_SIZE_LF;
	return ERR_OK;
}

/* Up to the CR. A bare LF here ends the line for some readers and not for others, so it is refused like any other
 * control character. */
static int read_extension(struct http1_chunked *c, uint8_t byte, struct why *reterr_why)
{
	if (byte == '\r') {
		c->state = HTTP1_CHUNKED_SIZE_LF;
		return ERR_OK;
	}
	ENSURE((byte >= 0x20 && byte < 0x7f) || byte == '\t', ERR_INVALID, reterr_why,
	       "byte 0x%02x in a chunk extension", byte);
	ENSURE(++c->extension_bytes <= HTTP1_EXTENSION_BYTES_MAX, ERR_LIMIT, reterr_why,
	       "a chunk extension of more than %d bytes", HTTP1_EXTENSION_BYTES_MAX);
	ENSURE(++c->extensions_bytes <= HTTP1_EXTENSIONS_BYTES_MAX, ERR_LIMIT, reterr_why,
	       "chunk extensions of more than %d bytes in one body", HTTP1_EXTENSIONS_BYTES_MAX);
	return ERR_OK;
}

/* Keeps the trailer section, without the empty line that ends it. */
static int read_trailer(struct http1_chunked *c, uint8_t byte, struct why *reterr_why)
{
	ENSURE(c->trailer_len < HTTP1_TRAILER_BYTES_MAX, ERR_LIMIT, reterr_why, "trailers of more than %d bytes",
	       HTTP1_TRAILER_BYTES_MAX);
	c->trailer[c->trailer_len++] = byte;
	if (byte != '\n')
		return ERR_OK;
	ENSURE(c->trailer_len - c->line_start >= 2 && c->trailer[c->trailer_len - 2] == '\r', ERR_INVALID, reterr_why,
	       "a trailer line ends in a bare LF; lines end in CRLF");
	if (c->trailer_len - c->line_start == 2) {
		c->trailer_len = c->line_start;
		c->state = HTTP1_CHUNKED_DONE;
	}
	c->line_start = c->trailer_len;
	return ERR_OK;
}

static int expect(struct http1_chunked *c, uint8_t byte, uint8_t wanted, enum http1_chunked_state next,
                  struct why *reterr_why)
{
	ENSURE(byte == wanted, ERR_INVALID, reterr_why, "byte 0x%02x where 0x%02x must end a line of chunked coding",
	       byte, wanted);
	c->state = next;
	return ERR_OK;
}

/* Everything but data goes byte by byte: it is a few bytes a chunk, and the states stay plain. */
static int read_byte(struct http1_chunked *c, uint8_t byte, struct why *reterr_why)
{
	switch (c->state) {
	case HTTP1_CHUNKED_SIZE:
		return read_size(c, byte, reterr_why);
	case HTTP1_CHUNKED_EXTENSION:
		return read_extension(c, byte, reterr_why);
	case HTTP1_CHUNKED_SIZE_LF:
		return expect(c, byte, '\n', c->left ? HTTP1_CHUNKED_DATA : HTTP1_CHUNKED_TRAILER, reterr_why);
	case HTTP1_CHUNKED_DATA_CR:
		return expect(c, byte, '\r', HTTP1_CHUNKED_DATA_LF, reterr_why);
	case HTTP1_CHUNKED_DATA_LF:
		c->digits = 0;
		return expect(c, byte, '\n', HTTP1_CHUNKED_SIZE, reterr_why);
	case HTTP1_CHUNKED_TRAILER:
		return read_trailer(c, byte, reterr_why);
	case HTTP1_CHUNKED_DATA:
	case HTTP1_CHUNKED_DONE:
	case HTTP1_CHUNKED_BROKEN:
		break;
	}
	why_set(reterr_why, "this chunked body was already refused");
	return ERR_INVALID;
}

int http1_chunked_feed(struct http1_chunked *c, struct cursor *in, struct slice *ret_body, struct why *reterr_why)
{
	while (in->rest.len && c->state != HTTP1_CHUNKED_DONE) {
		int err;

		if (c->state == HTTP1_CHUNKED_DATA) {
			size_t len = c->left < in->rest.len ? (size_t)c->left : in->rest.len;

			TRY(cursor_take(in, len, ret_body, reterr_why));
			c->left -= len;
			if (!c->left)
				c->state = HTTP1_CHUNKED_DATA_CR;
			return ERR_OK;
		}
		err = read_byte(c, in->rest.ptr[0], reterr_why);
		if (err != ERR_OK) {
			c->state = HTTP1_CHUNKED_BROKEN;
			return err;
		}
		in->rest.ptr++;
		in->rest.len--;
	}
	*ret_body = slice_of(NULL, 0);
	return ERR_OK;
}

/* Fields that mean something for the message as a whole, and would mean something else after it. */
static bool may_trail(struct slice name)
{
	static const char *const never[] = {
		"authorization",
		"connection",
		"content-encoding",
		"content-length",
		"content-range",
		"content-type",
		"cookie",
		"expect",
		"host",
		"if-match",
		"if-modified-since",
		"if-none-match",
		"if-range",
		"if-unmodified-since",
		"keep-alive",
		"proxy-authorization",
		"range",
		"te",
		"trailer",
		"transfer-encoding",
		"upgrade",
	};

	for (size_t i = 0; i < sizeof never / sizeof *never; i++)
		if (slice_is_str_nocase(name, never[i]))
			return false;
	return true;
}

int http1_chunked_trailers(const struct http1_chunked *c, struct http1_fields *ret_fields, struct why *reterr_why)
{
	struct http1_fields fields;

	ENSURE(http1_chunked_is_done(c), ERR_INVALID, reterr_why, "trailers are asked for before the body has ended");
	TRY(http1_fields_parse(slice_of(c->trailer, c->trailer_len), &fields, reterr_why));
	for (size_t i = 0; i < fields.count; i++)
		ENSURE(may_trail(fields.at[i].name), ERR_INVALID, reterr_why, "%.*s can not be a trailer",
		       (int)fields.at[i].name.len, (const char *)fields.at[i].name.ptr);
	memcpy(ret_fields->at, fields.at, fields.count * sizeof *fields.at);
	ret_fields->count = fields.count;
	return ERR_OK;
}
