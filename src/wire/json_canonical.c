/* The canonical form of JSON (RFC 8785). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "wire/json.h"

/* The largest integer that every reader of JSON keeps exactly (RFC 7493 section 2.2). */
#define INTEGER_MAX ((INT64_C(1) << 53) - 1)

/* Order of member names is that of their UTF-16 code units (section 3.2.3). In UTF-8 that is the order of bytes, save
 * that characters above U+FFFF, which UTF-16 writes with surrogates, come before U+E000 to U+FFFF. */
static int compare_members(const void *a, const void *b)
{
	const uint8_t *x = *(const uint8_t *const *)a, *y = *(const uint8_t *const *)b;

	while (*x && *x == *y) {
		x++;
		y++;
	}
	if (*x >= 0xf0 && (*y == 0xee || *y == 0xef))
		return -1;
	if (*y >= 0xf0 && (*x == 0xee || *x == 0xef))
		return 1;
	return *x - *y;
}

/* Section 3.2.2.2. */
static int put_string(struct slice text, struct buf *into, struct why *reterr_why)
{
	static const char short_escapes[0x20] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};

	TRY(buf_put_u8(into, '"', reterr_why));
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];

		if (c == '"' || c == '\\')
			TRY(buf_put_fmt(into, reterr_why, "\\%c", c));
		else if (c >= 0x20)
			TRY(buf_put_u8(into, c, reterr_why));
		else if (short_escapes[c])
			TRY(buf_put_fmt(into, reterr_why, "\\%c", short_escapes[c]));
		else
			TRY(buf_put_fmt(into, reterr_why, "\\u%04x", c));
	}
	return buf_put_u8(into, '"', reterr_why);
}

static int put_object(const json_t *object, struct buf *into, struct why *reterr_why)
{
	CLEANUP(free_p) const char **names = NULL;
	size_t count = 0, size = json_object_size(object);
	const char *name;
	json_t *value;

	names = calloc(size + 1, sizeof *names);
	ENSURE(names, ERR_UNAVAILABLE, reterr_why, "out of memory for JSON");
	json_object_foreach((json_t *)object, name, value) names[count++] = name;
	qsort(names, count, sizeof *names, compare_members);
	TRY(buf_put_u8(into, '{', reterr_why));
	for (size_t i = 0; i < count; i++) {
		if (i)
			TRY(buf_put_u8(into, ',', reterr_why));
		TRY(put_string(slice_str(names[i]), into, reterr_why));
		TRY(buf_put_u8(into, ':', reterr_why));
		TRY(json_canonical_put(json_object_get(object, names[i]), into, reterr_why));
	}
	return buf_put_u8(into, '}', reterr_why);
}

static int put_array(const json_t *array, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_u8(into, '[', reterr_why));
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i)
			TRY(buf_put_u8(into, ',', reterr_why));
		TRY(json_canonical_put(json_array_get(array, i), into, reterr_why));
	}
	return buf_put_u8(into, ']', reterr_why);
}

static int put_number(const json_t *value, struct buf *into, struct why *reterr_why)
{
	double real = json_number_value(value);

	/* 56.0 is the integer 56 (section 3.2.2.3); as a double it is exact in this range */
	if (json_is_real(value) && real >= -(double)INTEGER_MAX && real <= (double)INTEGER_MAX &&
	    real == (double)(int64_t)real)
		return buf_put_fmt(into, reterr_why, "%" PRId64, (int64_t)real);
	ENSURE(json_is_integer(value), ERR_INVALID, reterr_why,
	       "%.17g has no canonical form here: only whole numbers have one", real);
	ENSURE(json_integer_value(value) >= -INTEGER_MAX && json_integer_value(value) <= INTEGER_MAX, ERR_INVALID,
	       reterr_why, "%" JSON_INTEGER_FORMAT " has no canonical form: not every reader keeps it exactly",
	       json_integer_value(value));
	return buf_put_fmt(into, reterr_why, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
}

int json_canonical_put(const json_t *value, struct buf *into, struct why *reterr_why)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return put_object(value, into, reterr_why);
	case JSON_ARRAY:
		return put_array(value, into, reterr_why);
	case JSON_STRING:
		return put_string(slice_of(json_string_value(value), json_string_length(value)), into, reterr_why);
	case JSON_INTEGER:
	case JSON_REAL:
		return put_number(value, into, reterr_why);
	case JSON_TRUE:
		return buf_put_str(into, "true", reterr_why);
	case JSON_FALSE:
		return buf_put_str(into, "false", reterr_why);
	case JSON_NULL:
		break;
	}
	return buf_put_str(into, "null", reterr_why);
}

int json_canonical_read(struct slice text, json_t **ret_value, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *value = NULL;
	CLEANUP(buf_freep) struct buf *canonical = NULL;
	struct slice again;
	size_t at = 0;

	TRY(json_read(text, &value, reterr_why));
	TRY(buf_new(4 * text.len, &canonical, reterr_why)); /* 1e15 becomes four times as long */
	TRY(json_canonical_put(value, canonical, reterr_why));
	again = buf_slice(canonical);
	while (at < text.len && at < again.len && text.ptr[at] == again.ptr[at])
		at++;
	ENSURE(slice_equal(text, again), ERR_INVALID, reterr_why,
	       "not canonical JSON (RFC 8785): the canonical form differs at byte %zu", at);
	*ret_value = take_ptr(value);
	return ERR_OK;
}
