#include "fixture.h"

#include "base/limits.h"
#include "kms/blob.h"
#include "kms/context.h"

static const uint8_t key_id[UUID_BYTES] = {1, 2, 3};

static struct secret *filled(size_t len, uint8_t byte)
{
	struct secret *s;

	OK(secret_new(len, &s, &why));
	memset(secret_bytes(s), byte, len);
	return s;
}

static struct buf *sealed(const struct secret *material, const char *context, size_t len)
{
	struct secret *plain = filled(len, 'p');
	struct buf *into;

	OK(buf_new(KMS_BLOB_BYTES_MAX, &into, &why));
	OK(kms_blob_seal(material, key_id, 3, slice_str(context), slice_of(secret_peek(plain), len), into, &why));
	secret_free(plain);
	return into;
}

static void a_blob_has_the_layout_of_the_protocol(void **state)
{
	struct secret *material = filled(32, 1), *plain;
	struct buf *blob_bytes = sealed(material, "{}", 10);
	struct slice bytes = buf_slice(blob_bytes);
	struct kms_blob blob;
	(void)state;

	assert_int_equal(bytes.len, 1 + 16 + 4 + 24 + 10 + 16);
	assert_int_equal(bytes.ptr[0], 1);
	assert_memory_equal(bytes.ptr + 1, key_id, UUID_BYTES);
	assert_memory_equal(bytes.ptr + 17, "\0\0\0\3", 4);
	OK(kms_blob_parse(bytes, &blob, &why));
	assert_int_equal(blob.key_version, 3);
	OK(kms_blob_open(material, &blob, slice_str("{}"), &plain, &why));
	assert_int_equal(secret_len(plain), 10);
	assert_memory_equal(secret_peek(plain), "pppppppppp", 10);
	secret_free(plain);
	secret_free(material);
	buf_free(blob_bytes);
}

static void every_changed_byte_and_every_cut_is_refused(void **state)
{
	struct secret *material = filled(32, 1), *plain = NULL;
	struct buf *blob_bytes = sealed(material, "{\"a\":\"b\"}", 33);
	struct slice bytes = buf_slice(blob_bytes);
	struct kms_blob blob;
	uint8_t copy[256];
	(void)state;

	for (size_t i = 0; i < bytes.len; i++) {
		memcpy(copy, bytes.ptr, bytes.len);
		copy[i] ^= 0x20;
		if (kms_blob_parse(slice_of(copy, bytes.len), &blob, &why) == ERR_OK)
			assert_int_equal(kms_blob_open(material, &blob, slice_str("{\"a\":\"b\"}"), &plain, &why),
			                 ERR_TAMPERED);
		assert_null(plain);
		memcpy(copy, bytes.ptr, bytes.len);
		if (kms_blob_parse(slice_of(copy, i), &blob, &why) == ERR_OK)
			assert_int_equal(kms_blob_open(material, &blob, slice_str("{\"a\":\"b\"}"), &plain, &why),
			                 ERR_TAMPERED);
	}
	secret_free(material);
	buf_free(blob_bytes);
}

static void another_context_does_not_open(void **state)
{
	struct secret *material = filled(32, 1), *plain = NULL;
	struct buf *blob_bytes = sealed(material, "{\"a\":\"b\"}", 5);
	struct kms_blob blob;
	(void)state;

	OK(kms_blob_parse(buf_slice(blob_bytes), &blob, &why));
	assert_int_equal(kms_blob_open(material, &blob, slice_str("{}"), &plain, &why), ERR_TAMPERED);
	secret_free(material);
	buf_free(blob_bytes);
}

static void the_largest_plaintext_fits_and_one_more_byte_does_not(void **state)
{
	struct secret *material = filled(32, 1), *plain;
	struct buf *blob_bytes = sealed(material, "{}", KMS_PLAINTEXT_BYTES_MAX), *into;
	uint8_t big[KMS_PLAINTEXT_BYTES_MAX + 1] = {0};
	struct kms_blob blob;
	(void)state;

	OK(kms_blob_parse(buf_slice(blob_bytes), &blob, &why));
	OK(kms_blob_open(material, &blob, slice_str("{}"), &plain, &why));
	assert_int_equal(secret_len(plain), KMS_PLAINTEXT_BYTES_MAX);
	OK(buf_new(2 * KMS_BLOB_BYTES_MAX, &into, &why));
	assert_int_equal(kms_blob_seal(material, key_id, 1, slice_str("{}"), slice_of(big, sizeof big), into, &why),
	                 ERR_LIMIT);
	assert_int_equal(kms_blob_seal(material, key_id, 1, slice_str("{}"), slice_of(big, 0), into, &why),
	                 ERR_INVALID);
	assert_int_equal(buf_len(into), 0);
	OK(buf_put(into, buf_slice(blob_bytes), &why));
	OK(buf_put_u8(into, 0, &why));
	assert_int_equal(kms_blob_parse(buf_slice(into), &blob, &why), ERR_INVALID);
	secret_free(plain);
	secret_free(material);
	buf_free(into);
	buf_free(blob_bytes);
}

static void assert_canonical(const char *json, const char *expected)
{
	struct kms_context *context;
	json_t *map;

	OK(json_read_object(slice_str(json), &map, &why));
	OK(kms_context_new(map, &context, &why));
	assert_true(slice_is_str(kms_context_canonical(context), expected));
	kms_context_free(context);
	json_decref(map);
}

static void contexts_are_canonical_whatever_their_order(void **state)
{
	struct kms_context *none;
	(void)state;

	assert_canonical("{\"b\":\"2\", \"a\":\"1\"}", "{\"a\":\"1\",\"b\":\"2\"}");
	assert_canonical("{ }", "{}");
	assert_canonical("{\"\\u00e9\":\"\\/\",\"e\":\"\\n\"}", "{\"e\":\"\\n\",\"\xc3\xa9\":\"/\"}");
	OK(kms_context_new(NULL, &none, &why));
	assert_true(slice_is_str(kms_context_canonical(none), "{}"));
	kms_context_free(none);
}

static void contexts_that_are_no_maps_of_strings_are_refused(void **state)
{
	static const char *const bad[] = {"{\"a\":1}", "{\"a\":null}", "{\"a\":{}}", "{\"\":\"x\"}"};
	struct kms_context *context = NULL;
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		json_t *map;

		OK(json_read_object(slice_str(bad[i]), &map, &why));
		assert_int_equal(kms_context_new(map, &context, &why), ERR_INVALID);
		json_decref(map);
	}
	assert_null(context);
}

static void contexts_have_a_limit_of_pairs_and_of_bytes(void **state)
{
	json_t *map = json_object();
	struct kms_context *context = NULL;
	char *long_value = calloc(1, KMS_CONTEXT_BYTES_MAX + 1);
	char name[16];
	(void)state;

	for (int i = 0; i < KMS_CONTEXT_PAIRS_MAX; i++) {
		snprintf(name, sizeof name, "n%d", i);
		json_object_set_new(map, name, json_string("v"));
	}
	OK(kms_context_new(map, &context, &why));
	kms_context_freep(&context);
	json_object_set_new(map, "one more", json_string("v"));
	assert_int_equal(kms_context_new(map, &context, &why), ERR_LIMIT);
	json_object_clear(map);
	memset(long_value, 'x', KMS_CONTEXT_BYTES_MAX - strlen("{\"a\":\"\"}"));
	json_object_set_new(map, "a", json_string(long_value));
	OK(kms_context_new(map, &context, &why));
	kms_context_freep(&context);
	long_value[strlen(long_value)] = 'x';
	json_object_set_new(map, "a", json_string(long_value));
	assert_int_equal(kms_context_new(map, &context, &why), ERR_LIMIT);
	free(long_value);
	json_decref(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_blob_has_the_layout_of_the_protocol),
		cmocka_unit_test(every_changed_byte_and_every_cut_is_refused),
		cmocka_unit_test(another_context_does_not_open),
		cmocka_unit_test(the_largest_plaintext_fits_and_one_more_byte_does_not),
		cmocka_unit_test(contexts_are_canonical_whatever_their_order),
		cmocka_unit_test(contexts_that_are_no_maps_of_strings_are_refused),
		cmocka_unit_test(contexts_have_a_limit_of_pairs_and_of_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
