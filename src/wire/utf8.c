#include "wire/utf8.h"

/* How many bytes follow this first byte, and what the first of them may be (RFC 3629 section 4). -1: no first byte. */
static int continuation(uint8_t first, uint8_t *ret_low, uint8_t *ret_high)
{
	*ret_low = 0x80;
	*ret_high = 0xbf;
	if (first < 0x80)
		return 0;
	if (first >= 0xc2 && first <= 0xdf)
		return 1;
	if (first >= 0xe0 && first <= 0xef) {
		*ret_low = first == 0xe0 ? 0xa0 : 0x80;
		*ret_high = first == 0xed ? 0x9f : 0xbf;
		return 2;
	}
	if (first >= 0xf0 && first <= 0xf4) {
		*ret_low = first == 0xf0 ? 0x90 : 0x80;
		*ret_high = first == 0xf4 ? 0x8f : 0xbf;
		return 3;
	}
	return -1;
}

bool utf8_is_valid(struct slice text)
{
	size_t at = 0;

	while (at < text.len) {
		uint8_t low, high;
		int more = continuation(text.ptr[at++], &low, &high);

		if (more < 0 || (size_t)more > text.len - at)
			return false;
		for (; more > 0; more--, at++) {
			if (text.ptr[at] < low || text.ptr[at] > high)
				return false;
			low = 0x80; /* only the first continuation byte has bounds of its own */
			high = 0xbf;
		}
	}
	return true;
}

bool utf8_is_showable(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] < ' ' || name.ptr[i] > '~')
			return false;
	return name.len >= 1 && name.len <= 64;
}
