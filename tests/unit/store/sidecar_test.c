#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "store/sidecar.h"

/* A sidecar of two parts; the caller frees nothing. */
static struct sidecar example(struct sidecar_part parts[static 2])
{
	struct sidecar s = {
		.created_wall_ms = 1234,
		.total_length = 300,
		.object_key = slice_str("a/b c"),
		.etag = slice_str("e-tag"),
		.metadata = slice_str("{}"),
		.wrap = slice_str("the wrap"),
		.part_count = 2,
		.parts = parts,
	};

	memset(s.bucket_id, 1, STORE_ID_BYTES);
	memset(s.version_id, 2, STORE_ID_BYTES);
	memset(parts, 3, 2 * sizeof *parts);
	parts[0].length = 100;
	parts[1].length = 200;
	return s;
}

static struct buf *encode(const struct sidecar *s, const struct secret *key)
{
	struct buf *b = NULL;

	assert_int_equal(buf_new(STORE_RECORD_BYTES_MAX, &b, NULL), ERR_OK);
	assert_int_equal(sidecar_encode(s, key, b, NULL), ERR_OK);
	return b;
}

static void it_comes_back_as_it_was(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(sidecar_freep) struct sidecar *back = NULL;
	CLEANUP(buf_freep) struct buf *b = NULL;
	struct sidecar_part parts[2];
	struct sidecar s = example(parts);
	(void)state;

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	b = encode(&s, key);
	assert_int_equal(sidecar_decode(buf_slice(b), &back, NULL), ERR_OK);
	assert_int_equal(sidecar_verify(back, key, NULL), ERR_OK);
	assert_true(slice_equal(back->object_key, s.object_key));
	assert_true(slice_equal(back->etag, s.etag));
	assert_true(slice_equal(back->metadata, s.metadata));
	assert_true(slice_equal(back->wrap, s.wrap));
	assert_int_equal(back->created_wall_ms, 1234);
	assert_int_equal(back->total_length, 300);
	assert_int_equal(back->part_count, 2);
	assert_memory_equal(back->parts, parts, sizeof parts);
}

/* Whatever byte is altered, the sidecar is refused, unless it was the wrap: that is opened by keys, which refuses it.
 */
static void every_altered_byte_is_refused(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(buf_freep) struct buf *b = NULL;
	struct sidecar_part parts[2];
	struct sidecar s = example(parts);
	size_t wrap_bytes = 4 + s.wrap.len, len;
	uint8_t *copy;
	(void)state;

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	b = encode(&s, key);
	len = buf_len(b);
	copy = malloc(len);
	memcpy(copy, buf_slice(b).ptr, len);
	for (size_t i = 0; i < len - wrap_bytes; i++) {
		CLEANUP(sidecar_freep) struct sidecar *back = NULL;

		copy[i] ^= 1;
		if (sidecar_decode(slice_of(copy, len), &back, NULL) == ERR_OK)
			assert_int_equal(sidecar_verify(back, key, NULL), ERR_TAMPERED);
		copy[i] ^= 1;
	}
	free(copy);
}

static void another_key_is_refused(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL, *other = NULL;
	CLEANUP(sidecar_freep) struct sidecar *back = NULL;
	CLEANUP(buf_freep) struct buf *b = NULL;
	struct sidecar_part parts[2];
	struct sidecar s = example(parts);
	(void)state;

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	assert_int_equal(secret_new_random(32, &other, NULL), ERR_OK);
	b = encode(&s, key);
	assert_int_equal(sidecar_decode(buf_slice(b), &back, NULL), ERR_OK);
	assert_int_equal(sidecar_verify(back, other, NULL), ERR_TAMPERED);
}

static void every_cut_is_refused(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(buf_freep) struct buf *b = NULL;
	struct sidecar_part parts[2];
	struct sidecar s = example(parts);
	struct sidecar *back = NULL;
	(void)state;

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	b = encode(&s, key);
	for (size_t len = 0; len < buf_len(b); len++)
		assert_int_not_equal(sidecar_decode(slice_of(buf_slice(b).ptr, len), &back, NULL), ERR_OK);
	assert_null(back);
}

static void lengths_must_add_up(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(buf_freep) struct buf *b = NULL;
	struct sidecar_part parts[2];
	struct sidecar s = example(parts);
	(void)state;

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	assert_int_equal(buf_new(4096, &b, NULL), ERR_OK);
	s.total_length++;
	assert_int_equal(sidecar_encode(&s, key, b, NULL), ERR_INTERNAL);
	s.part_count = STORE_PARTS_MAX + 1;
	assert_int_equal(sidecar_encode(&s, key, b, NULL), ERR_LIMIT);
}

/* Encoded by hand as larger than what is accepted, each field alone; one byte less passes. */
/* What is written can be read: the writer keeps to the same limits. */
static void every_field_has_its_limit_for_writer_and_reader(void **state)
{
	static uint8_t bytes[STORE_METADATA_BYTES_MAX + 1];
	CLEANUP(secret_freep) struct secret *key = NULL;
	const size_t limits[] = {STORE_KEY_BYTES_MAX, STORE_ETAG_BYTES_MAX, STORE_METADATA_BYTES_MAX,
	                         STORE_WRAP_BYTES_MAX};
	(void)state;

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	for (size_t i = 0; i < 4; i++) {
		CLEANUP(sidecar_freep) struct sidecar *back = NULL, *none = NULL;
		CLEANUP(buf_freep) struct buf *b = NULL;
		struct sidecar_part parts[2];
		struct sidecar s = example(parts);
		struct slice *fields[] = {&s.object_key, &s.etag, &s.metadata, &s.wrap};

		const uint8_t length[] = {0, 0, (uint8_t)(limits[i] >> 8), (uint8_t)limits[i]};
		uint8_t *found;

		*fields[i] = slice_of(bytes, limits[i]);
		b = encode(&s, key);
		assert_int_equal(sidecar_decode(buf_slice(b), &back, NULL), ERR_OK);
		found = memmem(buf_slice(b).ptr, buf_len(b), length, sizeof length);
		assert_non_null(found);
		found[3]++;
		assert_int_equal(sidecar_decode(buf_slice(b), &none, NULL), ERR_LIMIT);
		buf_reset(b);
		fields[i]->len++;
		assert_int_equal(sidecar_encode(&s, key, b, NULL), ERR_LIMIT);
	}
}

static void a_part_key_opens_for_its_blob_only(void **state)
{
	CLEANUP(secret_freep) struct secret *version_key = NULL, *key = NULL, *back = NULL, *none = NULL;
	struct sidecar_part part = {.length = 1};
	(void)state;

	memset(part.blob_id, 7, STORE_ID_BYTES);
	assert_int_equal(secret_new_random(32, &version_key, NULL), ERR_OK);
	assert_int_equal(sidecar_part_key_new(version_key, part.blob_id, part.wrapped_key, &key, NULL), ERR_OK);
	assert_int_equal(sidecar_part_key_open(version_key, &part, &back, NULL), ERR_OK);
	assert_true(secret_equal(key, back));
	part.blob_id[0] ^= 1;
	assert_int_equal(sidecar_part_key_open(version_key, &part, &none, NULL), ERR_TAMPERED);
	assert_null(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_comes_back_as_it_was),
		cmocka_unit_test(every_altered_byte_is_refused),
		cmocka_unit_test(another_key_is_refused),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(lengths_must_add_up),
		cmocka_unit_test(every_field_has_its_limit_for_writer_and_reader),
		cmocka_unit_test(a_part_key_opens_for_its_blob_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
