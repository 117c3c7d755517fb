#include "wire/percent.h"

#include <stdbool.h>
#include <string.h>

#include "base/encode.h"

static bool is_unreserved(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == '_' || c == '~';
}

static bool stands_for_itself(uint8_t c, const char *also)
{
	return is_unreserved(c) || (c && also && strchr(also, c));
}

int percent_encode_put(struct buf *into, struct slice bytes, const char *also, struct why *reterr_why)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t len = 0;
	uint8_t *out;

	ENSURE(bytes.len <= SIZE_MAX / 3, ERR_LIMIT, reterr_why, "%zu bytes are too many to encode", bytes.len);
	for (size_t i = 0; i < bytes.len; i++)
		len += stands_for_itself(bytes.ptr[i], also) ? 1 : 3;
	TRY(buf_reserve(into, len, &out, reterr_why));
	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t c = bytes.ptr[i];

		if (stands_for_itself(c, also)) {
			*out++ = c;
			continue;
		}
		*out++ = '%';
		*out++ = (uint8_t)digits[c >> 4];
		*out++ = (uint8_t)digits[c & 15];
	}
	buf_commit(into, len);
	return ERR_OK;
}

int percent_escape_value(struct slice text, size_t at)
{
	uint8_t value;

	if (text.len - at < 3 || hex_decode(slice_of(text.ptr + at + 1, 2), &value, 1, NULL) != ERR_OK)
		return -1;
	return value;
}

int percent_decoded_len(struct slice text, size_t *ret_len, struct why *reterr_why)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++, len++) {
		if (text.ptr[i] != '%')
			continue;
		ENSURE(percent_escape_value(text, i) >= 0, ERR_INVALID, reterr_why,
		       "a %% is not followed by two hexadecimal digits");
		i += 2;
	}
	*ret_len = len;
	return ERR_OK;
}

void percent_decode(struct slice text, bool plus_is_space, uint8_t *out)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.ptr[i];

		if (byte == '%') {
			byte = (uint8_t)percent_escape_value(text, i);
			i += 2;
		} else if (byte == '+' && plus_is_space) {
			byte = ' ';
		}
		*out++ = byte;
	}
}

int percent_decode_put(struct buf *into, struct slice text, bool plus_is_space, struct why *reterr_why)
{
	uint8_t *out;
	size_t len;

	TRY(percent_decoded_len(text, &len, reterr_why));
	TRY(buf_reserve(into, len, &out, reterr_why));
	percent_decode(text, plus_is_space, out);
	buf_commit(into, len);
	return ERR_OK;
}
