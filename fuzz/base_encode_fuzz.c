/* What decodes must encode to the very same bytes: one spelling per value. The first byte picks the encoding. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"

enum { BYTES_MAX = 4096 };

static void check_base64(struct slice text)
{
	static char again[BASE64_LEN(BYTES_MAX) + 1];
	static uint8_t bytes[BYTES_MAX];
	size_t len;

	if (base64_decode(text, bytes, sizeof bytes, &len, NULL) != ERR_OK)
		return;
	base64_encode(slice_of(bytes, len), again);
	if (!slice_is_str(text, again))
		abort();
}

static void check_hex(struct slice text)
{
	static char again[2 * BYTES_MAX + 1];
	static uint8_t bytes[BYTES_MAX];

	if (text.len / 2 > sizeof bytes || hex_decode(text, bytes, text.len / 2, NULL) != ERR_OK)
		return;
	hex_encode(slice_of(bytes, text.len / 2), again);
	if (!slice_is_str_nocase(text, again)) /* either case is read, lower is written */
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] == 'h')
		check_hex(slice_of(data + 1, size - 1));
	else
		check_base64(slice_of(data + 1, size - 1));
	return 0;
}
