/* A number that is read must be written as it was read and keep to its maximum, which the first eight bytes give; what
 * a cursor takes must lie within its input. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/slice.h"

static void check_number(struct slice text, uint64_t max)
{
	char again[24];
	uint64_t value;

	if (slice_to_u64(text, max, &value, NULL) != ERR_OK)
		return;
	snprintf(again, sizeof again, "%" PRIu64, value);
	if (value > max || !slice_is_str(text, again))
		abort();
}

static void check_parts(struct slice input, size_t max)
{
	struct cursor c = cursor_of(input);
	struct slice part;
	size_t taken = 0;

	while (cursor_take_lp(&c, max, &part, NULL) == ERR_OK || cursor_take_until(&c, 0, &part, NULL) == ERR_OK) {
		if (part.ptr < input.ptr || part.ptr + part.len > input.ptr + input.len)
			abort();
		taken += part.len;
	}
	if (taken + c.rest.len > input.len || c.rest.ptr + c.rest.len != input.ptr + input.len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_of(slice_of(data, size));
	uint64_t max;

	if (cursor_take_u64be(&c, &max, NULL) != ERR_OK)
		return 0;
	check_number(c.rest, max);
	check_parts(c.rest, max);
	return 0;
}
