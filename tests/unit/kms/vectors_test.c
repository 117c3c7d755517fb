#include "fixture.h"

#include "base/file.h"
#include "kms/blob.h"
#include "vectors.h"

static void blobs_of_another_implementation_open(void **state)
{
	CLEANUP(vectors_closep) struct vectors *v = vectors_open("formats/kms-blob.txt");
	unsigned count = 0;
	(void)state;

	for (; vectors_next(v); count++) {
		struct secret *key = vectors_secret(v, "key"), *plain;
		struct slice expected = vectors_bytes(v, "plain");
		struct kms_blob blob;

		OK(kms_blob_parse(vectors_bytes(v, "blob"), &blob, &why));
		assert_int_equal(blob.key_version, vectors_number(v, "key_version"));
		assert_memory_equal(blob.key_id, vectors_bytes(v, "key_id").ptr, UUID_BYTES);
		OK(kms_blob_open(key, &blob, vectors_text(v, "context"), &plain, &why));
		assert_int_equal(secret_len(plain), expected.len);
		assert_memory_equal(secret_peek(plain), expected.ptr, expected.len);
		secret_free(plain);
		secret_free(key);
	}
	assert_int_equal(count, 3);
}

static void a_root_of_another_implementation_opens_and_derives_the_same_keys(void **state)
{
	static const char *const uses[KMS_ROOT_USES] = {"epoch",       "rows", "iam",     "session", "broker-hpke",
	                                                "broker-sign", "ca",   "records", "bucket",  "backup"};
	CLEANUP(vectors_closep) struct vectors *v = vectors_open("formats/root.txt");
	struct fixture *f = *state;
	uint8_t byte = 7;
	struct kms_unseal unseal = fixed_provider(&byte);
	struct kms_root *root;

	assert_true(vectors_next(v));
	OK(file_replace(f->dir_fd, KMS_ROOT_FILE, 0600, vectors_text(v, "root_json"), &why));
	OK(kms_root_open(f->dir_fd, &unseal, &root, &why));
	for (int use = 0; use < KMS_ROOT_USES; use++) {
		struct secret *expected = vectors_secret(v, uses[use]), *key;

		OK(kms_root_derive(root, (enum kms_root_use)use, slice_str("context"), &key, &why));
		assert_true(secret_equal(key, expected));
		secret_free(expected);
		secret_free(key);
	}
	kms_root_free(root);
}

static void the_first_generations_are_those_of_the_page(void **state)
{
	CLEANUP(vectors_closep) struct vectors *v = vectors_open("formats/state.txt");
	struct fixture *f = *state;
	struct kms_state *s = kms_keystore_state(f->ks);
	struct kms_point point;

	assert_true(vectors_next(v));
	OK(kms_state_point(s, 0, &point, &why));
	assert_memory_equal(point.hash, vectors_bytes(v, "generation_0").ptr, KMS_HASH_BYTES);
	OK(kms_state_point(s, 1, &point, &why));
	assert_memory_equal(point.hash, vectors_bytes(v, "generation_1").ptr, KMS_HASH_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blobs_of_another_implementation_open),
		fixture_test(a_root_of_another_implementation_opens_and_derives_the_same_keys),
		fixture_test(the_first_generations_are_those_of_the_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
