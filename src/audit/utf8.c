#include "audit/utf8.h"

#include <inttypes.h>
#include <stdbool.h>

/* The bounds of RFC 3629: neither overlong forms, nor surrogates, nor beyond U+10FFFF. */
static bool is_code_point_of(uint32_t code, size_t len)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

	return code >= least[len] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

int utf8_take(struct cursor *c, uint32_t *ret_code, struct why *reterr_why)
{
	uint8_t first = c->rest.ptr[0];
	size_t len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t code = len == 1 ? first : first & (0x7fu >> len);
	struct slice bytes;

	ENSURE(first < 0x80 || (first >= 0xc2 && first <= 0xf4), ERR_INVALID, reterr_why,
	       "byte 0x%02x does not begin a UTF-8 character", first);
	TRY(cursor_take(c, len, &bytes, reterr_why));
	for (size_t i = 1; i < len; i++) {
		ENSURE((bytes.ptr[i] & 0xc0) == 0x80, ERR_INVALID, reterr_why, "a UTF-8 character is cut short");
		code = code << 6 | (bytes.ptr[i] & 0x3f);
	}
	ENSURE(is_code_point_of(code, len), ERR_INVALID, reterr_why, "0x%" PRIx32 " is not a UTF-8 character", code);
	*ret_code = code;
	return ERR_OK;
}
