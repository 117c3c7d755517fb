/* Range, Content-Range and dates. The first eight bytes are the size of the representation. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/http1_date.h"
#include "wire/http1_range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t len, first, last, total, wall_ms;
	char date[HTTP1_DATE_BYTES];
	struct slice text;

	if (size < sizeof len)
		return 0;
	memcpy(&len, data, sizeof len);
	text = slice_of(data + sizeof len, size - sizeof len);
	if (http1_range_parse(text, len, &first, &last) == HTTP1_RANGE_PART)
		must(first <= last && last < len);
	if (http1_content_range_parse(text, &first, &last, &total, NULL) == ERR_OK)
		must(first <= last && last < total);
	if (http1_date_parse(text, &wall_ms, NULL) == ERR_OK) {
		http1_date_format(wall_ms, date);
		must(slice_is_str(text, date));
	}
	return 0;
}
