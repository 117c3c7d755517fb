#include "wire/json.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/limits.h"
#include "base/random.h"
#include "wire/suggest.h"
#include "wire/utf8.h"

void json_freep(json_t **value)
{
	json_decref(*value);
	*value = NULL;
}

static void wiping_free(void *block)
{
	if (block)
		explicit_bzero(block, malloc_usable_size(block));
	free(block);
}

int json_init(struct why *reterr_why)
{
	size_t seed = 0;

	while (seed == 0) /* 0 would have jansson look for a seed */
		TRY(random_fill(&seed, sizeof seed, reterr_why));
	json_object_seed(seed);
	json_set_alloc_funcs(malloc, wiping_free);
	return ERR_OK;
}

/* Depth and number of values, before jansson builds anything: it recurses, and spends up to some 200 bytes of memory on
 * a byte of input. What is not JSON is counted as if it were, and refused afterwards. */
static int check_shape(struct slice text, struct why *reterr_why)
{
	size_t depth = 0, values = 1;
	bool in_string = false;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];

		if (in_string) {
			if (c == '\\')
				i++;
			in_string = c != '"';
			continue;
		}
		in_string = c == '"';
		values += c == ',' || c == '[' || c == '{';
		depth += c == '[' || c == '{';
		depth -= depth && (c == ']' || c == '}');
		ENSURE(depth <= JSON_DEPTH_MAX, ERR_LIMIT, reterr_why, "JSON nested deeper than %d", JSON_DEPTH_MAX);
		ENSURE(values <= JSON_VALUES_MAX, ERR_LIMIT, reterr_why, "JSON of more than %d values",
		       JSON_VALUES_MAX);
	}
	return ERR_OK;
}

int json_read(struct slice text, json_t **ret_value, struct why *reterr_why)
{
	json_error_t error = {0};
	const char *near;
	json_t *value;

	ENSURE(text.len <= JSON_BYTES_MAX, ERR_LIMIT, reterr_why, "JSON of %zu bytes; at most %d are accepted",
	       text.len, JSON_BYTES_MAX);
	TRY(check_shape(text, reterr_why));
	value = json_loadb(text.len ? (const char *)text.ptr : "", text.len, JSON_REJECT_DUPLICATES, &error);
	ENSURE(value || json_error_code(&error) != json_error_out_of_memory, ERR_UNAVAILABLE, reterr_why,
	       "out of memory for JSON");
	near = strstr(error.text, " near "); /* there jansson quotes the peer's text, which no sentence shows */
	ENSURE(value, ERR_INVALID, reterr_why, "not JSON, line %d column %d: %.*s", error.line, error.column,
	       (int)(near ? near - error.text : (ptrdiff_t)strlen(error.text)), error.text);
	*ret_value = value;
	return ERR_OK;
}

int json_read_object(struct slice text, json_t **ret_object, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *value = NULL;

	TRY(json_read(text, &value, reterr_why));
	ENSURE(json_is_object(value), ERR_INVALID, reterr_why, "a JSON object was expected, not an array");
	*ret_object = take_ptr(value);
	return ERR_OK;
}

struct dump {
	struct buf *into;
	struct why *reterr_why;
	int err;
};

static int dump_piece(const char *piece, size_t len, void *context)
{
	struct dump *dump = context;

	dump->err = buf_put(dump->into, slice_of(piece, len), dump->reterr_why);
	return dump->err == ERR_OK ? 0 : -1;
}

int json_put(const json_t *value, struct buf *into, struct why *reterr_why)
{
	struct dump dump = {into, reterr_why, ERR_OK};
	int failed = json_dump_callback(value, dump_piece, &dump, JSON_COMPACT | JSON_ENCODE_ANY);

	TRY(dump.err);
	ENSURE(!failed, ERR_UNAVAILABLE, reterr_why, "JSON could not be written");
	return ERR_OK;
}

static int missing(const char *name, struct why *reterr_why)
{
	why_set(reterr_why, "%s is missing", name);
	return ERR_INVALID;
}

/* The member, or NULL if it is absent or null. */
static json_t *member(const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	return json_is_null(value) ? NULL : value;
}

int json_opt_str(const json_t *object, const char *name, const char **inout_text, struct why *reterr_why)
{
	const json_t *value = member(object, name);

	if (!value)
		return ERR_OK;
	ENSURE(json_is_string(value), ERR_INVALID, reterr_why, "%s must be a string", name);
	*inout_text = json_string_value(value);
	return ERR_OK;
}

int json_opt_int(const json_t *object, const char *name, int64_t min, int64_t max, int64_t *inout_value,
                 struct why *reterr_why)
{
	const json_t *value = member(object, name);
	json_int_t number;

	if (!value)
		return ERR_OK;
	ENSURE(json_is_integer(value), ERR_INVALID, reterr_why, "%s must be a whole number", name);
	number = json_integer_value(value);
	ENSURE(number >= min && number <= max, ERR_INVALID, reterr_why,
	       "%s must be from %" PRId64 " to %" PRId64 ", not %" JSON_INTEGER_FORMAT, name, min, max, number);
	*inout_value = number;
	return ERR_OK;
}

int json_opt_bool(const json_t *object, const char *name, bool *inout_value, struct why *reterr_why)
{
	const json_t *value = member(object, name);

	if (!value)
		return ERR_OK;
	ENSURE(json_is_boolean(value), ERR_INVALID, reterr_why, "%s must be true or false", name);
	*inout_value = json_is_true(value);
	return ERR_OK;
}

int json_opt_object(const json_t *object, const char *name, json_t **inout_object, struct why *reterr_why)
{
	json_t *value = member(object, name);

	if (!value)
		return ERR_OK;
	ENSURE(json_is_object(value), ERR_INVALID, reterr_why, "%s must be an object", name);
	*inout_object = value;
	return ERR_OK;
}

int json_opt_array(const json_t *object, const char *name, json_t **inout_array, struct why *reterr_why)
{
	json_t *value = member(object, name);

	if (!value)
		return ERR_OK;
	ENSURE(json_is_array(value), ERR_INVALID, reterr_why, "%s must be a list", name);
	*inout_array = value;
	return ERR_OK;
}

int json_get_str(const json_t *object, const char *name, const char **ret_text, struct why *reterr_why)
{
	return member(object, name) ? json_opt_str(object, name, ret_text, reterr_why) : missing(name, reterr_why);
}

int json_get_int(const json_t *object, const char *name, int64_t min, int64_t max, int64_t *ret_value,
                 struct why *reterr_why)
{
	return member(object, name) ? json_opt_int(object, name, min, max, ret_value, reterr_why)
	                            : missing(name, reterr_why);
}

int json_get_bool(const json_t *object, const char *name, bool *ret_value, struct why *reterr_why)
{
	return member(object, name) ? json_opt_bool(object, name, ret_value, reterr_why) : missing(name, reterr_why);
}

int json_get_object(const json_t *object, const char *name, json_t **ret_object, struct why *reterr_why)
{
	return member(object, name) ? json_opt_object(object, name, ret_object, reterr_why) : missing(name, reterr_why);
}

int json_get_array(const json_t *object, const char *name, json_t **ret_array, struct why *reterr_why)
{
	return member(object, name) ? json_opt_array(object, name, ret_array, reterr_why) : missing(name, reterr_why);
}

int json_get_base64(const json_t *object, const char *name, struct buf *into, struct why *reterr_why)
{
	const char *text = "";
	struct slice encoded;
	uint8_t *room;
	size_t len;
	int err;

	TRY(json_get_str(object, name, &text, reterr_why));
	encoded = slice_str(text);
	/* room for the decoded bytes; base64_decode() says how many of the last three there are */
	len = encoded.len / 4 * 3 < buf_room(into) ? encoded.len / 4 * 3 : buf_room(into);
	TRY(buf_reserve(into, len, &room, reterr_why));
	err = base64_decode(encoded, room, len, &len, reterr_why);
	if (err != ERR_OK)
		why_prefix(reterr_why, "%s: ", name);
	else
		buf_commit(into, len);
	return err;
}

int json_get_base64_secret(const json_t *object, const char *name, struct secret **ret_secret, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *secret = NULL;
	const char *text = "";
	size_t len;
	int err;

	TRY(json_get_str(object, name, &text, reterr_why));
	len = strlen(text) / 4 * 3;
	ENSURE(len, ERR_INVALID, reterr_why, "%s is empty", name);
	TRY(secret_new(len < SECRET_LARGE_BYTES ? len : SECRET_LARGE_BYTES, &secret, reterr_why));
	err = base64_decode(slice_str(text), secret_bytes(secret), secret_len(secret), &len, reterr_why);
	if (err != ERR_OK) {
		why_prefix(reterr_why, "%s: ", name);
		return err;
	}
	secret_shrink(secret, len);
	*ret_secret = take_ptr(secret);
	return ERR_OK;
}

int json_only_members(const json_t *object, const char *const *known, struct why *reterr_why)
{
	const char *name, *nearest;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		size_t at = 0;

		while (known[at] && strcmp(known[at], name) != 0)
			at++;
		if (known[at])
			continue;
		nearest = suggest_nearest(name, known);
		ENSURE(utf8_is_showable(slice_str(name)), ERR_INVALID, reterr_why, "unknown member with an odd name");
		why_set(reterr_why, nearest ? "unknown member %s; did you mean %s?" : "unknown member %s", name,
		        nearest);
		return ERR_INVALID;
	}
	return ERR_OK;
}

/* Gives `value`, which may be NULL for want of memory, to the object. */
static int set_new(json_t *object, const char *name, json_t *value, struct why *reterr_why)
{
	ENSURE(json_object_set_new(object, name, value) == 0, ERR_UNAVAILABLE, reterr_why, "out of memory for JSON");
	return ERR_OK;
}

int json_set_str(json_t *object, const char *name, struct slice text, struct why *reterr_why)
{
	ENSURE(utf8_is_valid(text) && !(text.len && memchr(text.ptr, 0, text.len)), ERR_INVALID, reterr_why,
	       "the value of %s is not UTF-8 or has a NUL byte in it", name);
	return set_new(object, name, json_stringn(text.len ? (const char *)text.ptr : "", text.len), reterr_why);
}

int json_set_int(json_t *object, const char *name, int64_t value, struct why *reterr_why)
{
	return set_new(object, name, json_integer(value), reterr_why);
}

int json_set_bool(json_t *object, const char *name, bool value, struct why *reterr_why)
{
	return set_new(object, name, json_boolean(value), reterr_why);
}

int json_set_base64(json_t *object, const char *name, struct slice bytes, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *text = NULL;

	TRY(buf_new(BASE64_LEN(bytes.len), &text, reterr_why));
	TRY(base64_put(text, bytes, reterr_why));
	return json_set_str(object, name, buf_slice(text), reterr_why);
}
