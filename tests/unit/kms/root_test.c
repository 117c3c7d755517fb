#include "fixture.h"

#include <fcntl.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/limits.h"
#include "crypto/hash.h"

static int new_dir(char path[static 64])
{
	int fd;

	snprintf(path, 64, "/tmp/cloister-root-XXXXXX");
	assert_non_null(mkdtemp(path));
	OK(path_open_given(path, O_RDONLY | O_DIRECTORY, 0, &fd, &why));
	return fd;
}

static void drop_dir(int fd, const char *path)
{
	OK(path_empty_dir(fd, &why));
	close(fd);
	rmdir(path);
}

static char *read_root(int dir)
{
	struct buf *text;
	const char *str;
	char *copy;

	OK(buf_new(KMS_ROOT_FILE_BYTES_MAX, &text, &why));
	OK(file_read(dir, KMS_ROOT_FILE, text, &why));
	OK(buf_str(text, &str, &why));
	copy = strdup(str);
	buf_free(text);
	return copy;
}

static void write_root(int dir, const char *text)
{
	OK(file_replace(dir, KMS_ROOT_FILE, 0600, slice_str(text), &why));
}

/* Corrects the checksum of an altered file, as somebody would who knows the format. */
static void write_root_summed(int dir, const char *text)
{
	char *copy = strdup(text), *sum = strstr(copy, "\"sum\":\""), without[KMS_ROOT_FILE_BYTES_MAX];
	uint8_t digest[SHA256_BYTES];

	assert_non_null(sum);
	snprintf(without, sizeof without, "%.*s%s", (int)(sum - copy), copy, sum + 7 + 64 + 2);
	without[strcspn(without, "\n")] = 0;
	sha256(slice_str(without), digest);
	hex_encode(slice_of(digest, sizeof digest), sum + 7);
	sum[7 + 64] = '"';
	write_root(dir, copy);
	free(copy);
}

static struct secret *passphrase(const char *text)
{
	struct secret *s;

	OK(secret_new_from(slice_str(text), &s, &why));
	return s;
}

static void the_right_passphrase_unseals_and_a_wrong_one_is_denied(void **state)
{
	struct secret *right = passphrase("correct horse"), *wrong = passphrase("correct house"), *a, *b;
	struct kms_unseal unseal = kms_unseal_passphrase(right), bad = kms_unseal_passphrase(wrong);
	struct kms_root *made, *opened;
	char path[64], provider[16];
	int dir = new_dir(path);
	(void)state;

	OK(kms_root_create(dir, &unseal, &made, &why));
	OK(kms_root_provider(dir, provider, &why));
	assert_string_equal(provider, "passphrase");
	OK(kms_root_open(dir, &unseal, &opened, &why));
	assert_string_equal(kms_root_installation(made), kms_root_installation(opened));
	OK(kms_root_derive(made, KMS_ROOT_IAM, slice_of(NULL, 0), &a, &why));
	OK(kms_root_derive(opened, KMS_ROOT_IAM, slice_of(NULL, 0), &b, &why));
	assert_true(secret_equal(a, b));
	assert_int_equal(kms_root_open(dir, &bad, &opened, &why), ERR_DENIED);
	assert_string_equal(why.text, "wrong passphrase for this installation; nothing was changed");
	kms_root_free(made);
	kms_root_free(opened);
	secret_free(a);
	secret_free(b);
	secret_free(right);
	secret_free(wrong);
	drop_dir(dir, path);
}

static void a_root_is_never_overwritten(void **state)
{
	uint8_t byte = 1;
	struct kms_unseal unseal = fixed_provider(&byte);
	struct kms_root *root, *again = NULL;
	char path[64], *before, *after;
	int dir = new_dir(path);
	(void)state;

	OK(kms_root_create(dir, &unseal, &root, &why));
	before = read_root(dir);
	assert_int_equal(kms_root_create(dir, &unseal, &again, &why), ERR_CONFLICT);
	assert_null(again);
	after = read_root(dir);
	assert_string_equal(before, after);
	free(before);
	free(after);
	kms_root_free(root);
	drop_dir(dir, path);
}

static void a_rewrapped_root_derives_the_same_keys_and_the_old_secret_opens_no_more(void **state)
{
	uint8_t first = 1, second = 2;
	struct kms_unseal old = fixed_provider(&first), new = fixed_provider(&second);
	struct kms_root *root, *opened;
	struct secret *a, *b;
	char path[64];
	int dir = new_dir(path);
	(void)state;

	OK(kms_root_create(dir, &old, &root, &why));
	OK(kms_root_rewrap(dir, root, &new, &why));
	assert_int_equal(kms_root_open(dir, &old, &opened, &why), ERR_DENIED);
	OK(kms_root_open(dir, &new, &opened, &why));
	OK(kms_root_derive(root, KMS_ROOT_CA, slice_str("x"), &a, &why));
	OK(kms_root_derive(opened, KMS_ROOT_CA, slice_str("x"), &b, &why));
	assert_true(secret_equal(a, b));
	secret_free(a);
	secret_free(b);
	kms_root_free(root);
	kms_root_free(opened);
	drop_dir(dir, path);
}

static void every_use_and_context_has_its_own_key(void **state)
{
	struct fixture *f = *state;
	struct secret *keys[KMS_ROOT_USES + 1];

	for (int use = 0; use < KMS_ROOT_USES; use++)
		OK(kms_root_derive(f->root, (enum kms_root_use)use, slice_of(NULL, 0), &keys[use], &why));
	OK(kms_root_derive(f->root, KMS_ROOT_RECORDS, slice_str("111122223333"), &keys[KMS_ROOT_USES], &why));
	for (int i = 0; i <= KMS_ROOT_USES; i++)
		for (int k = 0; k < i; k++)
			assert_false(secret_equal(keys[i], keys[k]));
	for (int i = 0; i <= KMS_ROOT_USES; i++)
		secret_free(keys[i]);
}

static void every_damaged_byte_is_found(void **state)
{
	uint8_t byte = 1;
	struct kms_unseal unseal = fixed_provider(&byte);
	struct kms_root *root, *opened;
	char path[64], *text;
	int dir = new_dir(path);
	(void)state;

	OK(kms_root_create(dir, &unseal, &root, &why));
	text = read_root(dir);
	for (size_t i = 0; i + 1 < strlen(text); i++) {
		int err;

		text[i] ^= 1;
		write_root(dir, text);
		err = kms_root_open(dir, &unseal, &opened, &why);
		/* A version that reads as a larger one is refused as one. */
		assert_true(err == ERR_TAMPERED || (err == ERR_CONFLICT && strstr(why.text, "version")));
		text[i] ^= 1;
	}
	for (size_t len = 0; len + 1 < strlen(text); len += 7) {
		char kept = text[len];

		text[len] = 0;
		write_root(dir, text);
		assert_int_equal(kms_root_open(dir, &unseal, &opened, &why), ERR_TAMPERED);
		text[len] = kept;
	}
	free(text);
	kms_root_free(root);
	drop_dir(dir, path);
}

static void an_altered_file_with_a_corrected_checksum_is_told_from_a_wrong_passphrase(void **state)
{
	static const char *const members[] = {"\"check\":\"", "\"installation\":\"", "\"wrapped\":\""};
	uint8_t byte = 1;
	struct kms_unseal unseal = fixed_provider(&byte);
	struct kms_root *root, *opened;
	char path[64], *text;
	int dir = new_dir(path);
	(void)state;

	OK(kms_root_create(dir, &unseal, &root, &why));
	text = read_root(dir);
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
		char *at = strstr(text, members[i]) + strlen(members[i]), kept = *at;

		*at = *at == '0' ? '1' : '0';
		write_root_summed(dir, text);
		assert_int_equal(kms_root_open(dir, &unseal, &opened, &why), ERR_TAMPERED);
		assert_non_null(strstr(why.text, "was altered"));
		*at = kept;
	}
	write_root_summed(dir, text); /* the helper itself is right */
	OK(kms_root_open(dir, &unseal, &opened, &why));
	kms_root_free(opened);
	free(text);
	kms_root_free(root);
	drop_dir(dir, path);
}

static void a_newer_file_says_what_it_needs(void **state)
{
	struct kms_root_file file;
	(void)state;

	assert_int_equal(kms_root_file_parse(slice_str("{\"v\":2,\"else\":1}"), &file, &why), ERR_CONFLICT);
	assert_non_null(strstr(why.text, "version 2 and this program knows 1"));
}

static void another_provider_is_named(void **state)
{
	uint8_t byte = 1;
	struct kms_unseal unseal = fixed_provider(&byte), other = fixed_provider(&byte);
	struct kms_root *root, *opened;
	char path[64];
	int dir = new_dir(path);
	(void)state;

	other.name = "tpm";
	OK(kms_root_create(dir, &unseal, &root, &why));
	assert_int_equal(kms_root_open(dir, &other, &opened, &why), ERR_CONFLICT);
	assert_string_equal(why.text, "this installation is unsealed by fixed, and tpm was tried");
	kms_root_free(root);
	drop_dir(dir, path);
}

static void a_missing_file_is_told_as_missing(void **state)
{
	uint8_t byte = 1;
	struct kms_unseal unseal = fixed_provider(&byte);
	struct kms_root *opened;
	char path[64];
	int dir = new_dir(path);
	(void)state;

	assert_int_equal(kms_root_open(dir, &unseal, &opened, &why), ERR_NOTFOUND);
	drop_dir(dir, path);
}

static void an_oversize_file_is_refused(void **state)
{
	char path[64], *big = malloc(KMS_ROOT_FILE_BYTES_MAX + 2);
	uint8_t byte = 1;
	struct kms_unseal unseal = fixed_provider(&byte);
	struct kms_root *opened;
	int dir = new_dir(path);
	(void)state;

	memset(big, ' ', KMS_ROOT_FILE_BYTES_MAX + 1);
	big[KMS_ROOT_FILE_BYTES_MAX + 1] = 0;
	write_root(dir, big);
	assert_int_equal(kms_root_open(dir, &unseal, &opened, &why), ERR_LIMIT);
	free(big);
	drop_dir(dir, path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_right_passphrase_unseals_and_a_wrong_one_is_denied),
		cmocka_unit_test(a_root_is_never_overwritten),
		cmocka_unit_test(a_rewrapped_root_derives_the_same_keys_and_the_old_secret_opens_no_more),
		fixture_test(every_use_and_context_has_its_own_key),
		cmocka_unit_test(every_damaged_byte_is_found),
		cmocka_unit_test(an_altered_file_with_a_corrected_checksum_is_told_from_a_wrong_passphrase),
		cmocka_unit_test(a_newer_file_says_what_it_needs),
		cmocka_unit_test(another_provider_is_named),
		cmocka_unit_test(a_missing_file_is_told_as_missing),
		cmocka_unit_test(an_oversize_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
