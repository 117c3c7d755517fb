#include "wire/percent.h"

#include <stdbool.h>
#include <string.h>

#include "base/encode.h"

static bool is_unreserved(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == '_' || c == '~';
}

int percent_encode_put(struct buf *into, struct slice bytes, const char *also, struct why *reterr_why)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t c = bytes.ptr[i];
		uint8_t escaped[3] = {'%', (uint8_t)digits[c >> 4], (uint8_t)digits[c & 15]};

		if (is_unreserved(c) || (c && also && strchr(also, c)))
			TRY(buf_put_u8(into, c, reterr_why));
		else
			TRY(buf_put(into, slice_of(escaped, sizeof escaped), reterr_why));
	}
	return ERR_OK;
}

int percent_decode_put(struct buf *into, struct slice text, struct why *reterr_why)
{
	struct cursor in = cursor_of(text);

	while (in.rest.len) {
		uint8_t c;
		struct slice hex;

		TRY(cursor_take_u8(&in, &c, reterr_why));
		if (c == '%') {
			ENSURE(in.rest.len >= 2, ERR_INVALID, reterr_why,
			       "a %% is not followed by two hexadecimal digits");
			TRY(cursor_take(&in, 2, &hex, reterr_why));
			TRY(hex_decode(hex, &c, 1, reterr_why));
		}
		TRY(buf_put_u8(into, c, reterr_why));
	}
	return ERR_OK;
}
