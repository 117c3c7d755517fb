/* A moment that is read must be written as it was read, whichever form it had. */
#include <stdint.h>
#include <stdlib.h>

#include "base/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size);
	char whole[TIME_RFC3339_BYTES], with_ms[TIME_RFC3339_BYTES], basic[TIME_BASIC_BYTES];
	struct why why;
	uint64_t ms;

	if (time_parse(text, &ms, &why) == ERR_OK) {
		time_format(ms, whole);
		time_format_ms(ms, with_ms);
		if (!slice_is_str(text, whole) && !slice_is_str(text, with_ms))
			abort();
	}
	if (time_parse_basic(text, &ms, &why) == ERR_OK) {
		time_format_basic(ms, basic);
		if (!slice_is_str(text, basic))
			abort();
	}
	return 0;
}
