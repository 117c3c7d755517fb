#include "vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/file.h"

enum { FIELDS_MAX = 16, FILE_BYTES_MAX = 4 << 20, VALUE_BYTES_MAX = 16 << 20 };

struct field {
	struct slice name, value;
	struct buf *decoded;
};

struct vectors {
	struct buf *text;
	struct cursor rest;
	struct field fields[FIELDS_MAX];
	size_t count;
};

struct vectors *vectors_open(const char *name)
{
	struct vectors *v = calloc(1, sizeof *v);
	char path[4096];

	assert_non_null(v);
	snprintf(path, sizeof path, "%s/%s", TEST_VECTORS_DIR, name);
	assert_int_equal(buf_new(FILE_BYTES_MAX, &v->text, NULL), ERR_OK);
	assert_int_equal(file_read_given(path, v->text, NULL), ERR_OK);
	v->rest = cursor_of(buf_slice(v->text));
	return v;
}

static void drop_case(struct vectors *v)
{
	for (size_t i = 0; i < v->count; i++)
		buf_free(v->fields[i].decoded);
	memset(v->fields, 0, sizeof v->fields);
	v->count = 0;
}

void vectors_close(struct vectors *v)
{
	if (!v)
		return;
	drop_case(v);
	buf_free(v->text);
	free(v);
}

void vectors_closep(struct vectors **v)
{
	vectors_close(*v);
	*v = NULL;
}

bool vectors_next(struct vectors *v)
{
	struct slice line;

	drop_case(v);
	while (v->rest.rest.len) {
		struct field *f = &v->fields[v->count];
		struct cursor c;

		assert_int_equal(cursor_take_until(&v->rest, '\n', &line, NULL), ERR_OK);
		if (line.len == 0 && v->count)
			return true;
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		assert_true(v->count < FIELDS_MAX);
		c = cursor_of(line);
		assert_int_equal(cursor_take_until(&c, ' ', &f->name, NULL), ERR_OK);
		assert_int_equal(cursor_take(&c, 2, &f->value, NULL), ERR_OK); /* "= " */
		f->value = c.rest;
		v->count++;
	}
	return v->count > 0;
}

static struct field *find(struct vectors *v, const char *name)
{
	for (size_t i = 0; i < v->count; i++)
		if (slice_is_str(v->fields[i].name, name))
			return &v->fields[i];
	fail_msg("this case has no field %s", name);
	return NULL;
}

struct slice vectors_text(struct vectors *v, const char *name)
{
	return find(v, name)->value;
}

uint64_t vectors_number(struct vectors *v, const char *name)
{
	uint64_t value = 0;

	assert_int_equal(slice_to_u64(vectors_text(v, name), UINT64_MAX, &value, NULL), ERR_OK);
	return value;
}

/* One word: hexadecimal, or byte*count. */
static void decode_word(struct slice word, struct buf *into)
{
	const uint8_t *star = memchr(word.ptr, '*', word.len);
	uint64_t count = word.len / 2;
	uint8_t *room;

	if (star)
		assert_int_equal(slice_to_u64(slice_of(star + 1, word.len - 3), VALUE_BYTES_MAX, &count, NULL), ERR_OK);
	assert_int_equal(buf_reserve(into, count, &room, NULL), ERR_OK);
	assert_int_equal(hex_decode(star ? slice_of(word.ptr, 2) : word, room, star ? 1 : count, NULL), ERR_OK);
	if (star)
		memset(room, room[0], count);
	buf_commit(into, count);
}

struct slice vectors_bytes(struct vectors *v, const char *name)
{
	struct field *f = find(v, name);
	struct cursor c = cursor_of(f->value);

	if (!f->decoded) {
		assert_int_equal(buf_new(VALUE_BYTES_MAX, &f->decoded, NULL), ERR_OK);
		while (c.rest.len) {
			struct slice word;

			if (cursor_take_until(&c, ' ', &word, NULL) != ERR_OK)
				assert_int_equal(cursor_take(&c, c.rest.len, &word, NULL), ERR_OK);
			decode_word(word, f->decoded);
		}
	}
	return buf_slice(f->decoded);
}

struct secret *vectors_secret(struct vectors *v, const char *name)
{
	struct secret *s = NULL;

	assert_int_equal(secret_new_from(vectors_bytes(v, name), &s, NULL), ERR_OK);
	return s;
}

bool vectors_is_valid(struct vectors *v)
{
	struct slice result = vectors_text(v, "result");

	assert_true(slice_is_str(result, "valid") || slice_is_str(result, "invalid"));
	return slice_is_str(result, "valid");
}
