#include "wire/http1_range.h"

#include <stdbool.h>

#include "wire/http1_fields.h"

/* Digits only; a number too large for 64 bits is the largest there is, since it lies past any end either way. */
static bool parse_position(struct slice s, uint64_t *ret_position)
{
	uint64_t value = 0;

	if (!s.len)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		uint64_t digit = (uint64_t)s.ptr[i] - '0';

		if (digit > 9)
			return false;
		value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
	}
	*ret_position = value;
	return true;
}

/* "-500": the last 500 bytes. An empty representation has no last byte, so no Content-Range could name it. */
static enum http1_range parse_suffix(struct slice digits, uint64_t size, uint64_t *ret_first, uint64_t *ret_last)
{
	uint64_t len;

	if (!parse_position(digits, &len))
		return HTTP1_RANGE_WHOLE;
	if (len == 0 || size == 0)
		return HTTP1_RANGE_UNSATISFIABLE;
	*ret_first = len < size ? size - len : 0;
	*ret_last = size - 1;
	return HTTP1_RANGE_PART;
}

enum http1_range http1_range_parse(struct slice value, uint64_t size, uint64_t *ret_first, uint64_t *ret_last)
{
	struct cursor c = cursor_of(value);
	struct slice unit, from, to;
	uint64_t first, last = UINT64_MAX;

	if (cursor_take_until(&c, '=', &unit, NULL) != ERR_OK || !slice_is_str_nocase(unit, "bytes"))
		return HTTP1_RANGE_WHOLE;
	c = cursor_of(http1_trim(c.rest));
	if (cursor_take_until(&c, '-', &from, NULL) != ERR_OK)
		return HTTP1_RANGE_WHOLE;
	to = c.rest;
	if (!from.len)
		return parse_suffix(to, size, ret_first, ret_last);
	if (!parse_position(from, &first) || (to.len && !parse_position(to, &last)) || last < first)
		return HTTP1_RANGE_WHOLE;
	if (first >= size)
		return HTTP1_RANGE_UNSATISFIABLE;
	*ret_first = first;
	*ret_last = last < size ? last : size - 1;
	return HTTP1_RANGE_PART;
}

int http1_content_range_parse(struct slice value, uint64_t *ret_first, uint64_t *ret_last, uint64_t *ret_size,
                              struct why *reterr_why)
{
	struct cursor c = cursor_of(value);
	struct slice unit, first, last;
	uint64_t numbers[3];

	ENSURE(cursor_take_until(&c, ' ', &unit, NULL) == ERR_OK && slice_is_str_nocase(unit, "bytes") &&
	               cursor_take_until(&c, '-', &first, NULL) == ERR_OK &&
	               cursor_take_until(&c, '/', &last, NULL) == ERR_OK,
	       ERR_INVALID, reterr_why, "Content-Range is not of the form bytes first-last/size");
	ENSURE(slice_to_u64(first, INT64_MAX, &numbers[0], NULL) == ERR_OK &&
	               slice_to_u64(last, INT64_MAX, &numbers[1], NULL) == ERR_OK &&
	               slice_to_u64(c.rest, INT64_MAX, &numbers[2], NULL) == ERR_OK,
	       ERR_INVALID, reterr_why, "Content-Range must hold three decimal numbers");
	ENSURE(numbers[0] <= numbers[1] && numbers[1] < numbers[2], ERR_INVALID, reterr_why,
	       "Content-Range names bytes past the end, or none");
	*ret_first = numbers[0];
	*ret_last = numbers[1];
	*ret_size = numbers[2];
	return ERR_OK;
}
