#include "base/slice.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct slice slice_str(const char *text)
{
	return slice_of(text, text ? strlen(text) : 0);
}

/* Whatever the locale says. */
static uint8_t ascii_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

bool slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

int slice_compare(struct slice a, struct slice b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common ? memcmp(a.ptr, b.ptr, common) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
	for (size_t i = 0; i < a.len && a.len == b.len; i++)
		if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
			return false;
	return a.len == b.len;
}

bool slice_is_str(struct slice s, const char *text)
{
	return slice_equal(s, slice_str(text));
}

bool slice_is_str_nocase(struct slice s, const char *text)
{
	return slice_equal_nocase(s, slice_str(text));
}

bool slice_starts_with(struct slice s, const char *prefix)
{
	size_t len = strlen(prefix);

	return s.len >= len && slice_is_str(slice_of(s.ptr, len), prefix);
}

bool bytes_equal_ct(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t difference = 0;

	for (size_t i = 0; i < len; i++)
		difference = (uint8_t)(difference | (x[i] ^ y[i]));
	return difference == 0;
}

int slice_to_str(struct slice s, char *out, size_t size, struct why *reterr_why)
{
	ENSURE(s.len < size, ERR_LIMIT, reterr_why, "text of %zu bytes; at most %zu are accepted", s.len, size - 1);
	ENSURE(s.len == 0 || !memchr(s.ptr, 0, s.len), ERR_INVALID, reterr_why, "text with a NUL byte in it");
	if (s.len)
		memcpy(out, s.ptr, s.len);
	out[s.len] = 0;
	return ERR_OK;
}

int slice_dup_str(struct slice s, char **ret_str, struct why *reterr_why)
{
	char *copy;

	ENSURE(s.len == 0 || !memchr(s.ptr, 0, s.len), ERR_INVALID, reterr_why, "text with a NUL byte in it");
	copy = malloc(s.len + 1);
	ENSURE(copy, ERR_UNAVAILABLE, reterr_why, "out of memory for %zu bytes of text", s.len);
	if (s.len)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = 0;
	*ret_str = copy;
	return ERR_OK;
}

int slice_to_u64(struct slice s, uint64_t max, uint64_t *ret_value, struct why *reterr_why)
{
	uint64_t value = 0;

	ENSURE(s.len > 0, ERR_INVALID, reterr_why, "a number was expected where there is nothing");
	ENSURE(s.len == 1 || s.ptr[0] != '0', ERR_INVALID, reterr_why, "a number may not begin with 0");
	for (size_t i = 0; i < s.len; i++) {
		uint64_t digit = (uint64_t)s.ptr[i] - '0';

		ENSURE(digit <= 9, ERR_INVALID, reterr_why, "byte 0x%02x where a decimal digit was expected", s.ptr[i]);
		ENSURE(value <= (max - (digit <= max ? digit : max)) / 10 && value * 10 + digit <= max, ERR_LIMIT,
		       reterr_why, "a number above %" PRIu64, max);
		value = value * 10 + digit;
	}
	*ret_value = value;
	return ERR_OK;
}

int cursor_take(struct cursor *c, size_t len, struct slice *ret_taken, struct why *reterr_why)
{
	ENSURE(len <= c->rest.len, ERR_INVALID, reterr_why, "input ends after %zu of %zu expected bytes", c->rest.len,
	       len);
	*ret_taken = slice_of(c->rest.ptr, len);
	if (len) /* an empty slice may be NULL, to which C adds nothing, not even 0 */
		c->rest.ptr += len;
	c->rest.len -= len;
	return ERR_OK;
}

/* The widths differ, the work does not: a big-endian number of `len` <= 8 bytes. */
static int take_be(struct cursor *c, size_t len, uint64_t *ret_value, struct why *reterr_why)
{
	struct slice s;
	uint64_t value = 0;

	TRY(cursor_take(c, len, &s, reterr_why));
	for (size_t i = 0; i < len; i++)
		value = value << 8 | s.ptr[i];
	*ret_value = value;
	return ERR_OK;
}

int cursor_take_bytes(struct cursor *c, void *out, size_t len, struct why *reterr_why)
{
	struct slice taken;

	TRY(cursor_take(c, len, &taken, reterr_why));
	if (len)
		memcpy(out, taken.ptr, len);
	return ERR_OK;
}

int cursor_take_u8(struct cursor *c, uint8_t *ret_value, struct why *reterr_why)
{
	uint64_t value;

	TRY(take_be(c, 1, &value, reterr_why));
	*ret_value = (uint8_t)value;
	return ERR_OK;
}

int cursor_take_u16be(struct cursor *c, uint16_t *ret_value, struct why *reterr_why)
{
	uint64_t value;

	TRY(take_be(c, 2, &value, reterr_why));
	*ret_value = (uint16_t)value;
	return ERR_OK;
}

int cursor_take_u32be(struct cursor *c, uint32_t *ret_value, struct why *reterr_why)
{
	uint64_t value;

	TRY(take_be(c, 4, &value, reterr_why));
	*ret_value = (uint32_t)value;
	return ERR_OK;
}

int cursor_take_u64be(struct cursor *c, uint64_t *ret_value, struct why *reterr_why)
{
	return take_be(c, 8, ret_value, reterr_why);
}

int cursor_take_lp(struct cursor *c, size_t max, struct slice *ret_part, struct why *reterr_why)
{
	struct cursor probe = *c;
	struct slice part;
	uint32_t len;

	TRY(cursor_take_u32be(&probe, &len, reterr_why));
	ENSURE(len <= max, ERR_LIMIT, reterr_why, "a part claims %u bytes; at most %zu are accepted", len, max);
	TRY(cursor_take(&probe, len, &part, reterr_why));
	*ret_part = part;
	*c = probe;
	return ERR_OK;
}

int cursor_take_until(struct cursor *c, uint8_t stop, struct slice *ret_taken, struct why *reterr_why)
{
	const uint8_t *found = c->rest.len ? memchr(c->rest.ptr, stop, c->rest.len) : NULL;
	size_t len;

	ENSURE(found, ERR_INVALID, reterr_why, "input ends before the byte 0x%02x that must come", stop);
	len = (size_t)(found - c->rest.ptr);
	*ret_taken = slice_of(c->rest.ptr, len);
	c->rest.ptr += len + 1;
	c->rest.len -= len + 1;
	return ERR_OK;
}

int cursor_finish(const struct cursor *c, struct why *reterr_why)
{
	ENSURE(c->rest.len == 0, ERR_INVALID, reterr_why, "%zu bytes too many at the end", c->rest.len);
	return ERR_OK;
}
