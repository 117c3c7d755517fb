#include "sealing.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/path.h"
#include "seal/wraps_file.h"

static const uint8_t hash[SEAL_HASH_BYTES] = {9, 8, 7}, other_hash[SEAL_HASH_BYTES] = {1};
static const struct scrypt_cost cheap = {.salt = {1, 2, 3}, .log_n = 14, .r = 8, .p = 1};

static struct secret *text_secret(const char *text)
{
	struct secret *s;

	OK(secret_new_from(slice_str(text), &s, &why));
	return s;
}

static struct secret *random_key(void)
{
	struct secret *s;

	OK(secret_new_random(32, &s, &why));
	return s;
}

static struct seal_wraps *reread(const struct seal_wraps *wraps)
{
	struct seal_wraps *again;
	struct buf *text;

	OK(buf_new(SEAL_WRAPS_BYTES_MAX, &text, &why));
	OK(seal_wraps_print(wraps, text, &why));
	assert_int_equal(buf_len(text) % SEAL_WRAPS_STEP_BYTES, 0);
	OK(seal_wraps_parse(buf_slice(text), &again, &why));
	buf_free(text);
	return again;
}

static void a_passphrase_opens_its_wrap_and_no_other_does(void **state)
{
	struct secret *right = text_secret("right"), *wrong = text_secret("wrong"), *key = random_key(), *found = NULL;
	struct seal_wraps *wraps, *again;
	(void)state;

	OK(seal_wraps_new(&wraps, &why));
	OK(seal_wraps_add_passphrase(wraps, hash, right, &cheap, key, &why));
	again = reread(wraps);
	assert_int_equal(seal_wraps_count(again), 1);
	OK(seal_wrap_open_passphrase(seal_wraps_at(again, 0), hash, right, &found, &why));
	assert_true(secret_equal(found, key));
	secret_freep(&found);
	assert_int_equal(seal_wrap_open_passphrase(seal_wraps_at(again, 0), hash, wrong, &found, &why), ERR_DENIED);
	assert_string_equal(why.text, "wrong passphrase for this sealed file");
	assert_int_equal(seal_wrap_open_passphrase(seal_wraps_at(again, 0), other_hash, right, &found, &why),
	                 ERR_DENIED);
	assert_null(found);
	seal_wraps_free(wraps);
	seal_wraps_free(again);
	secret_free(right);
	secret_free(wrong);
	secret_free(key);
}

static void a_recipient_opens_its_wrap_and_no_other_does(void **state)
{
	struct secret *mine, *theirs, *key = random_key(), *found = NULL;
	uint8_t my_public[HPKE_PUBLIC_BYTES], their_public[HPKE_PUBLIC_BYTES];
	struct seal_wraps *wraps, *again;
	(void)state;

	OK(hpke_key_generate(&mine, my_public, &why));
	OK(hpke_key_generate(&theirs, their_public, &why));
	OK(seal_wraps_new(&wraps, &why));
	OK(seal_wraps_add_hpke(wraps, hash, my_public, key, &why));
	again = reread(wraps);
	OK(seal_wrap_open_hpke(seal_wraps_at(again, 0), hash, mine, &found, &why));
	assert_true(secret_equal(found, key));
	secret_freep(&found);
	assert_int_equal(seal_wrap_open_hpke(seal_wraps_at(again, 0), hash, theirs, &found, &why), ERR_NOTFOUND);
	assert_int_equal(seal_wrap_open_hpke(seal_wraps_at(again, 0), other_hash, mine, &found, &why), ERR_DENIED);
	assert_int_equal(seal_wrap_open_passphrase(seal_wraps_at(again, 0), hash, mine, &found, &why), ERR_NOTFOUND);
	assert_null(found);
	seal_wraps_free(wraps);
	seal_wraps_free(again);
	secret_free(mine);
	secret_free(theirs);
	secret_free(key);
}

static void wraps_are_kept_in_order_and_dropped_alone(void **state)
{
	struct seal_wraps *wraps, *again;
	(void)state;

	OK(seal_wraps_new(&wraps, &why));
	OK(seal_wraps_add_kms(wraps, slice_str("a"), slice_str("1"), &why));
	OK(seal_wraps_add_kms(wraps, slice_str("b"), slice_str("2"), &why));
	OK(seal_wraps_add_kms(wraps, slice_str("c"), slice_str("3"), &why));
	seal_wraps_drop(wraps, 1);
	seal_wraps_drop(wraps, 9);
	again = reread(wraps);
	assert_int_equal(seal_wraps_count(again), 2);
	assert_true(slice_is_str(seal_wraps_at(again, 0)->key, "a"));
	assert_true(slice_is_str(seal_wraps_at(again, 1)->key, "c"));
	assert_true(slice_is_str(seal_wraps_at(again, 1)->ciphertext, "3"));
	assert_null(seal_wraps_at(again, 2));
	seal_wraps_free(wraps);
	seal_wraps_free(again);
}

static void a_wrap_of_a_kind_not_known_is_kept(void **state)
{
	struct seal_wraps *wraps, *again;
	struct buf *text;
	(void)state;

	OK(seal_wraps_parse(slice_str("[{\"type\":\"fido2\",\"x\":[1,\"y\"]}]   "), &wraps, &why));
	assert_int_equal(seal_wraps_at(wraps, 0)->kind, SEAL_WRAP_UNKNOWN);
	again = reread(wraps);
	OK(buf_new(SEAL_WRAPS_BYTES_MAX, &text, &why));
	OK(seal_wraps_print(again, text, &why));
	assert_true(slice_starts_with(buf_slice(text), "[{\"type\":\"fido2\",\"x\":[1,\"y\"]}]"));
	buf_free(text);
	seal_wraps_free(wraps);
	seal_wraps_free(again);
}

static void malformed_wraps_are_refused_and_numbered(void **state)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[1]",
		"[{}]",
		"[{\"type\":\"kms\",\"key\":\"\",\"ciphertext\":\"AA==\"}]",
		"[{\"type\":\"kms\",\"key\":\"k\",\"ciphertext\":\"\"}]",
		"[{\"type\":\"kms\",\"key\":\"k\",\"ciphertext\":\"AA\"}]",
		"[{\"type\":\"kms\",\"key\":\"k\",\"ciphertext\":\"AA==\",\"more\":1}]",
		"[{\"type\":\"hpke\",\"recipient\":\"00\",\"enc\":\"AA==\",\"ciphertext\":\"AA==\"}]",
		"[{\"type\":\"passphrase\",\"kdf\":{},\"ciphertext\":\"AA==\"}]",
		("[{\"type\":\"passphrase\",\"kdf\":{\"name\":\"md5\",\"log_n\":17,\"p\":1,\"r\":8,\"salt\":\"AA==\"},"
	         "\"ciphertext\":\"AA==\"}]"),
	};
	struct seal_wraps *wraps = NULL;
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (err_class(seal_wraps_parse(slice_str(bad[i]), &wraps, &why)) != ERR_INVALID)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(seal_wraps_parse(slice_str("[{\"type\":\"x\"},{\"type\":1}]"), &wraps, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "wrap 1 "));
	assert_null(wraps);
}

static void a_stranger_may_not_make_us_spend_more_than_the_limit(void **state)
{
	char text[512];
	struct seal_wraps *wraps = NULL;
	(void)state;

	for (int over = 0; over < 2; over++) {
		for (int what = 0; what < 2; what++) {
			snprintf(text, sizeof text,
			         "[{\"type\":\"passphrase\",\"kdf\":{\"name\":\"scrypt\",\"log_n\":%d,\"p\":%d,\"r\":8,"
			         "\"salt\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"},\"ciphertext\":\"AA==\"}]",
			         SEAL_SCRYPT_LOG_N_MAX + (what == 0 && over), SEAL_SCRYPT_P_MAX + (what == 1 && over));
			assert_int_equal(seal_wraps_parse(slice_str(text), &wraps, &why), over ? ERR_LIMIT : ERR_OK);
			if (!over)
				seal_wraps_freep(&wraps);
		}
	}
}

static void lists_have_limits_of_number_and_of_size(void **state)
{
	struct secret *pass = text_secret("p"), *key = random_key();
	static uint8_t big[SEAL_WRAP_CIPHERTEXT_BYTES_MAX + 1];
	struct seal_wraps *wraps;
	struct buf *text;
	(void)state;

	OK(seal_wraps_new(&wraps, &why));
	for (int i = 0; i < SEAL_PASSPHRASES_MAX; i++)
		OK(seal_wraps_add_passphrase(wraps, hash, pass, &cheap, key, &why));
	assert_int_equal(seal_wraps_add_passphrase(wraps, hash, pass, &cheap, key, &why), ERR_LIMIT);
	for (int i = SEAL_PASSPHRASES_MAX; i < SEAL_WRAPS_MAX; i++)
		OK(seal_wraps_add_kms(wraps, slice_str("k"), slice_str("c"), &why));
	assert_int_equal(seal_wraps_add_kms(wraps, slice_str("k"), slice_str("c"), &why), ERR_LIMIT);
	while (seal_wraps_count(wraps))
		seal_wraps_drop(wraps, 0);
	assert_int_equal(seal_wraps_add_kms(wraps, slice_str("k"), slice_of(big, sizeof big), &why), ERR_LIMIT);
	for (int i = 0; i < 30; i++)
		OK(seal_wraps_add_kms(wraps, slice_str("k"), slice_of(big, sizeof big - 1), &why));
	OK(buf_new(4 * SEAL_WRAPS_BYTES_MAX, &text, &why));
	assert_int_equal(seal_wraps_print(wraps, text, &why), ERR_LIMIT);
	buf_free(text);
	seal_wraps_free(wraps);
	secret_free(pass);
	secret_free(key);
}

/* --- on disk --- */

struct on_disk {
	char path[64];
	int dir;
	struct secret *key;
	int plain;
};

static int disk_setup(void **state)
{
	struct on_disk *d = calloc(1, sizeof *d);
	size_t len;
	uint8_t *bytes;
	int sealed;

	snprintf(d->path, sizeof d->path, "/tmp/cloister-seal-XXXXXX");
	assert_non_null(mkdtemp(d->path));
	OK(path_open_given(d->path, O_RDONLY | O_DIRECTORY, 0, &d->dir, &why));
	d->key = random_key();
	d->plain = patterned_file(40000);
	sealed = sealed_file(d->plain, d->key, 1);
	bytes = file_bytes(sealed, &len);
	OK(file_create(d->dir, "data", 0600, slice_of(bytes, len), &why));
	free(bytes);
	close(sealed);
	*state = d;
	return 0;
}

static int disk_teardown(void **state)
{
	struct on_disk *d = *state;

	secret_free(d->key);
	close(d->plain);
	OK(path_empty_dir(d->dir, &why));
	close(d->dir);
	rmdir(d->path);
	free(d);
	return secret_count() == 0 ? 0 : -1;
}

static bool has_file(struct on_disk *d, const char *name)
{
	return faccessat(d->dir, name, F_OK, 0) == 0;
}

/* Opens data with the passphrase alone and compares. */
static int pass_source(void *self, const struct seal_wrap *wrap, const uint8_t core_hash[static SEAL_HASH_BYTES],
                       struct secret **ret_key, struct why *reterr_why)
{
	return seal_wrap_open_passphrase(wrap, core_hash, self, ret_key, reterr_why);
}

static int open_by_passphrase(struct on_disk *d, const char *passphrase)
{
	struct secret *pass = text_secret(passphrase);
	struct seal_key_source source = {.unwrap = pass_source, .self = pass};
	struct seal_wraps *sidecar = NULL, *in_force;
	uint8_t core_hash[SEAL_HASH_BYTES];
	struct seal_totals totals;
	int fd, out = memory_file(), err;

	OK(seal_wraps_load(d->dir, "data", &in_force, core_hash, &why));
	seal_wraps_free(in_force);
	OK(seal_sidecar_load(d->dir, "data", core_hash, &sidecar, &why));
	OK(path_open_beneath(d->dir, "data", O_RDONLY, 0, &fd, &why));
	err = seal_open_stream(fd, out, sidecar, &source, NULL, &totals, &why);
	if (err == ERR_OK)
		assert_same_content(d->plain, out);
	seal_wraps_free(sidecar);
	secret_free(pass);
	close(fd);
	close(out);
	return err;
}

/* Adds a passphrase and `extra` bulky wraps, and stores the list. */
static void add_passphrase(struct on_disk *d, const char *passphrase, int extra)
{
	static const uint8_t bulk[SEAL_WRAP_CIPHERTEXT_BYTES_MAX];
	struct secret *pass = text_secret(passphrase);
	uint8_t core_hash[SEAL_HASH_BYTES];
	struct seal_wraps *wraps;

	OK(seal_wraps_load(d->dir, "data", &wraps, core_hash, &why));
	OK(seal_wraps_add_passphrase(wraps, core_hash, pass, &cheap, d->key, &why));
	for (int i = 0; i < extra; i++)
		OK(seal_wraps_add_kms(wraps, slice_str("arn"), slice_of(bulk, sizeof bulk), &why));
	OK(seal_wraps_store(d->dir, "data", wraps, &why));
	seal_wraps_free(wraps);
	secret_free(pass);
}

static void a_wrap_added_in_place_opens_the_file_and_leaves_its_length(void **state)
{
	struct on_disk *d = *state;
	struct buf *before, *after;

	OK(buf_new(1 << 20, &before, &why));
	OK(buf_new(1 << 20, &after, &why));
	OK(file_read(d->dir, "data", before, &why));
	assert_int_equal(open_by_passphrase(d, "new"), ERR_DENIED);
	add_passphrase(d, "new", 0);
	assert_false(has_file(d, "data.wraps"));
	assert_int_equal(open_by_passphrase(d, "new"), ERR_OK);
	OK(file_read(d->dir, "data", after, &why));
	assert_int_equal(buf_len(before), buf_len(after));
	buf_free(before);
	buf_free(after);
}

static void wraps_that_do_not_fit_go_beside_the_file_and_come_back(void **state)
{
	struct on_disk *d = *state;
	struct seal_wraps *wraps;
	uint8_t core_hash[SEAL_HASH_BYTES];

	add_passphrase(d, "new", 3);
	assert_true(has_file(d, "data.wraps"));
	assert_int_equal(open_by_passphrase(d, "new"), ERR_OK);
	OK(seal_wraps_load(d->dir, "data", &wraps, core_hash, &why));
	assert_int_equal(seal_wraps_count(wraps), 5);
	while (seal_wraps_count(wraps) > 2)
		seal_wraps_drop(wraps, 2);
	OK(seal_wraps_store(d->dir, "data", wraps, &why));
	assert_false(has_file(d, "data.wraps"));
	assert_int_equal(open_by_passphrase(d, "new"), ERR_OK);
	seal_wraps_free(wraps);
}

static void a_crash_while_rewriting_in_place_leaves_a_file_that_opens(void **state)
{
	struct on_disk *d = *state;
	struct buf *sidecar;
	struct seal_head head;
	struct buf *head_bytes;
	int fd;

	/* What a crash leaves: FILE.wraps whole, and the place in FILE written to half. */
	add_passphrase(d, "new", 3);
	OK(buf_new(1 << 20, &sidecar, &why));
	OK(buf_new(SEAL_HEAD_BYTES_MAX, &head_bytes, &why));
	OK(path_open_beneath(d->dir, "data", O_RDWR, 0, &fd, &why));
	OK(seal_head_read(fd, head_bytes, &head, &why));
	OK(fd_pwrite_all(fd, slice_str("[{\"type\":\"pass"), head.wraps_at, &why));
	close(fd);
	assert_int_equal(open_by_passphrase(d, "new"), ERR_OK);
	buf_free(sidecar);
	buf_free(head_bytes);
}

static void the_wraps_of_another_file_are_passed_over(void **state)
{
	struct on_disk *d = *state;
	struct seal_wraps *wraps = (struct seal_wraps *)1;
	uint8_t core_hash[SEAL_HASH_BYTES];
	struct buf *stale;

	OK(buf_new(1024, &stale, &why));
	OK(buf_put_str(stale, SEAL_SIDECAR_MAGIC, &why));
	OK(buf_put(stale, slice_of(other_hash, sizeof other_hash), &why));
	OK(buf_put_lp(stale, slice_str("[]"), &why));
	OK(file_create(d->dir, "data.wraps", 0600, buf_slice(stale), &why));
	OK(seal_sidecar_load(d->dir, "data", hash, &wraps, &why));
	assert_null(wraps);
	OK(seal_wraps_load(d->dir, "data", &wraps, core_hash, &why));
	assert_int_equal(seal_wraps_count(wraps), 1);
	seal_wraps_free(wraps);
	buf_free(stale);
}

static void every_cut_of_a_sidecar_is_refused(void **state)
{
	struct seal_wraps *wraps = NULL;
	uint8_t found[SEAL_HASH_BYTES];
	struct buf *bytes;
	(void)state;

	OK(buf_new(1024, &bytes, &why));
	OK(buf_put_str(bytes, SEAL_SIDECAR_MAGIC, &why));
	OK(buf_put(bytes, slice_of(hash, sizeof hash), &why));
	OK(buf_put_lp(bytes, slice_str("[]"), &why));
	for (size_t len = 0; len < buf_len(bytes); len++)
		assert_int_equal(seal_sidecar_parse(slice_of(buf_slice(bytes).ptr, len), found, &wraps, &why),
		                 ERR_INVALID);
	OK(seal_sidecar_parse(buf_slice(bytes), found, &wraps, &why));
	assert_memory_equal(found, hash, sizeof hash);
	seal_wraps_free(wraps);
	buf_free(bytes);
}

static void storing_no_wraps_is_refused(void **state)
{
	struct on_disk *d = *state;
	struct seal_wraps *none;

	OK(seal_wraps_new(&none, &why));
	assert_int_equal(seal_wraps_store(d->dir, "data", none, &why), ERR_INVALID);
	seal_wraps_free(none);
}

#define disk_test(test) cmocka_unit_test_setup_teardown(test, disk_setup, disk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_passphrase_opens_its_wrap_and_no_other_does),
		cmocka_unit_test(a_recipient_opens_its_wrap_and_no_other_does),
		cmocka_unit_test(wraps_are_kept_in_order_and_dropped_alone),
		cmocka_unit_test(a_wrap_of_a_kind_not_known_is_kept),
		cmocka_unit_test(malformed_wraps_are_refused_and_numbered),
		cmocka_unit_test(a_stranger_may_not_make_us_spend_more_than_the_limit),
		cmocka_unit_test(lists_have_limits_of_number_and_of_size),
		disk_test(a_wrap_added_in_place_opens_the_file_and_leaves_its_length),
		disk_test(wraps_that_do_not_fit_go_beside_the_file_and_come_back),
		disk_test(a_crash_while_rewriting_in_place_leaves_a_file_that_opens),
		disk_test(the_wraps_of_another_file_are_passed_over),
		cmocka_unit_test(every_cut_of_a_sidecar_is_refused),
		disk_test(storing_no_wraps_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
