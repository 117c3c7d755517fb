#include "base/encode.h"

#include <string.h>

/* All ones if low <= c <= high, else zero. Keys are encoded and decoded here: no branch and no table, whose time would
 * tell their digits, but arithmetic. (A refusal may take its own time.) */
static int range(int c, int low, int high)
{
	return ~(((c - low) | (high - c)) >> 31);
}

static char hex_digit(int value)
{
	return (char)((range(value, 0, 9) & (value + '0')) | (range(value, 10, 15) & (value - 10 + 'a')));
}

void hex_encode(struct slice bytes, char *out)
{
	for (size_t i = 0; i < bytes.len; i++) {
		*out++ = hex_digit(bytes.ptr[i] >> 4);
		*out++ = hex_digit(bytes.ptr[i] & 15);
	}
	*out = 0;
}

static int hex_value(uint8_t c)
{
	int value = (range(c, '0', '9') & (c - '0' + 1)) | (range(c, 'a', 'f') & (c - 'a' + 11)) |
	            (range(c, 'A', 'F') & (c - 'A' + 11));

	return value - 1;
}

int hex_decode(struct slice text, uint8_t *out, size_t len, struct why *reterr_why)
{
	ENSURE(text.len % 2 == 0 && text.len / 2 == len, ERR_INVALID, reterr_why,
	       "%zu hexadecimal digits where %zu were expected", text.len, 2 * len);
	for (size_t i = 0; i < text.len; i++)
		ENSURE(hex_value(text.ptr[i]) >= 0, ERR_INVALID, reterr_why,
		       "byte 0x%02x where a hexadecimal digit was expected", text.ptr[i]);
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(hex_value(text.ptr[2 * i]) << 4 | hex_value(text.ptr[2 * i + 1]));
	return ERR_OK;
}

static char base64_digit(uint32_t six_bits)
{
	int v = (int)(six_bits & 63);

	return (char)((range(v, 0, 25) & (v + 'A')) | (range(v, 26, 51) & (v - 26 + 'a')) |
	              (range(v, 52, 61) & (v - 52 + '0')) | (range(v, 62, 62) & '+') | (range(v, 63, 63) & '/'));
}

void base64_encode(struct slice bytes, char *out)
{
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		uint32_t group = (uint32_t)bytes.ptr[i] << 16;

		if (left > 1)
			group |= (uint32_t)bytes.ptr[i + 1] << 8;
		if (left > 2)
			group |= bytes.ptr[i + 2];
		*out++ = base64_digit(group >> 18);
		*out++ = base64_digit(group >> 12);
		*out++ = left > 1 ? base64_digit(group >> 6) : '=';
		*out++ = left > 2 ? base64_digit(group) : '=';
	}
	*out = 0;
}

int base64_put(struct buf *b, struct slice bytes, struct why *reterr_why)
{
	size_t len = BASE64_LEN(bytes.len);
	uint8_t *room;

	TRY(buf_reserve(b, len, &room, reterr_why)); /* a buffer keeps one byte past its content for a NUL */
	base64_encode(bytes, (char *)room);
	buf_commit(b, len);
	return ERR_OK;
}

static int base64_value(uint8_t c)
{
	int value = (range(c, 'A', 'Z') & (c - 'A' + 1)) | (range(c, 'a', 'z') & (c - 'a' + 27)) |
	            (range(c, '0', '9') & (c - '0' + 53)) | (range(c, '+', '+') & 63) | (range(c, '/', '/') & 64);

	return value - 1;
}

/* One group of four; `pad` of them are '='. */
static int decode_group(const uint8_t *text, size_t pad, uint32_t *ret_group, struct why *reterr_why)
{
	uint32_t group = 0;

	for (size_t i = 0; i < 4 - pad; i++) {
		int value = base64_value(text[i]);

		ENSURE(value >= 0, ERR_INVALID, reterr_why, "byte 0x%02x where base64 was expected", text[i]);
		group |= (uint32_t)value << (18 - 6 * i);
	}
	ENSURE((group & ((1u << (8 * pad)) - 1)) == 0, ERR_INVALID, reterr_why,
	       "base64 with stray bits before its padding");
	*ret_group = group;
	return ERR_OK;
}

int base64_decode(struct slice text, uint8_t *out, size_t size, size_t *ret_len, struct why *reterr_why)
{
	size_t pad = 0, len;

	ENSURE(text.len % 4 == 0, ERR_INVALID, reterr_why, "base64 of %zu characters; it must be a multiple of 4",
	       text.len);
	if (text.len && text.ptr[text.len - 1] == '=')
		pad = text.ptr[text.len - 2] == '=' ? 2 : 1;
	len = text.len / 4 * 3 - pad;
	ENSURE(len <= size, ERR_LIMIT, reterr_why, "%zu bytes in base64; at most %zu are accepted", len, size);
	for (size_t i = 0, o = 0; i < text.len; i += 4, o += 3) {
		uint32_t group;

		TRY(decode_group(text.ptr + i, i + 4 == text.len ? pad : 0, &group, reterr_why));
		for (size_t k = 0; k < 3 && o + k < len; k++)
			out[o + k] = (uint8_t)(group >> (16 - 8 * k));
	}
	*ret_len = len;
	return ERR_OK;
}
