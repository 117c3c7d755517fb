#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <openssl/err.h>

#include "base/limits.h"
#include "crypto/kdf.h"
#include "vectors.h"

static struct secret *secret_of(struct slice bytes)
{
	struct secret *s = NULL;

	assert_int_equal(secret_new_from(bytes, &s, NULL), ERR_OK);
	return s;
}

static void assert_holds(const struct secret *found, struct slice wanted)
{
	assert_int_equal(secret_len(found), wanted.len);
	assert_memory_equal(secret_peek(found), wanted.ptr, wanted.len);
}

static void published_and_independent_hkdf_values_come_out(void **state)
{
	CLEANUP(vectors_closep) struct vectors *v = vectors_open("crypto/hkdf.txt");
	size_t cases = 0;
	(void)state;

	for (; vectors_next(v); cases++) {
		enum hash_kind kind = slice_is_str(vectors_text(v, "hash"), "sha256") ? HASH_SHA256 : HASH_SHA512;
		CLEANUP(secret_freep) struct secret *ikm = vectors_secret(v, "ikm");
		CLEANUP(secret_freep) struct secret *prk = NULL, *okm = NULL, *whole = NULL;
		struct slice salt = vectors_bytes(v, "salt"), info = vectors_bytes(v, "info");
		struct slice wanted = vectors_bytes(v, "okm"), ikm_bytes = vectors_bytes(v, "ikm");

		assert_int_equal(hkdf_extract(kind, salt, &ikm_bytes, 1, &prk, NULL), ERR_OK);
		assert_holds(prk, vectors_bytes(v, "prk"));
		assert_int_equal(hkdf_expand(kind, prk, info, wanted.len, &okm, NULL), ERR_OK);
		assert_holds(okm, wanted);
		assert_int_equal(hkdf(kind, ikm, salt, info, wanted.len, &whole, NULL), ERR_OK);
		assert_holds(whole, wanted);
	}
	assert_int_equal(cases, 8);
}

static void extract_joins_its_parts(void **state)
{
	const struct slice parts[] = {slice_str("ab"), slice_str(""), slice_str("c")}, joined = slice_str("abc");
	CLEANUP(secret_freep) struct secret *one = NULL, *two = NULL;
	(void)state;

	assert_int_equal(hkdf_extract(HASH_SHA256, slice_str("salt"), parts, 3, &one, NULL), ERR_OK);
	assert_int_equal(hkdf_extract(HASH_SHA256, slice_str("salt"), &joined, 1, &two, NULL), ERR_OK);
	assert_true(secret_equal(one, two));
}

static void shorter_output_is_a_prefix_of_longer(void **state)
{
	CLEANUP(secret_freep) struct secret *prk = secret_of(slice_str("a pseudorandom key"));
	CLEANUP(secret_freep) struct secret *longest = NULL;
	(void)state;

	assert_int_equal(hkdf_expand(HASH_SHA512, prk, slice_str("info"), 200, &longest, NULL), ERR_OK);
	for (size_t len = 0; len < 200; len++) {
		CLEANUP(secret_freep) struct secret *okm = NULL;

		assert_int_equal(hkdf_expand(HASH_SHA512, prk, slice_str("info"), len, &okm, NULL), ERR_OK);
		assert_holds(okm, slice_of(secret_peek(longest), len));
	}
}

static void hkdf_ends_at_255_digests(void **state)
{
	CLEANUP(secret_freep) struct secret *prk = secret_of(slice_str("a pseudorandom key"));
	CLEANUP(secret_freep) struct secret *okm = NULL, *none = NULL;
	size_t held = secret_count() + 1;
	(void)state;

	assert_int_equal(hkdf_expand(HASH_SHA1, prk, slice_str(""), 5100, &okm, NULL), ERR_OK);
	assert_int_equal(hkdf_expand(HASH_SHA1, prk, slice_str(""), 5101, &none, NULL), ERR_LIMIT);
	assert_int_equal(hkdf_expand(HASH_SHA512, prk, slice_str(""), SECRET_LARGE_BYTES + 1, &none, NULL), ERR_LIMIT);
	assert_null(none);
	assert_int_equal(secret_count(), held);
}

static void rfc_7914_keys_come_out(void **state)
{
	CLEANUP(vectors_closep) struct vectors *v = vectors_open("crypto/scrypt.txt");
	size_t cases = 0;
	(void)state;

	for (; vectors_next(v); cases++) {
		CLEANUP(secret_freep) struct secret *passphrase = vectors_secret(v, "passphrase"), *key = NULL;
		struct slice wanted = vectors_bytes(v, "key");

		assert_int_equal(scrypt_raw(passphrase, vectors_bytes(v, "salt"), vectors_number(v, "n"),
		                            (uint32_t)vectors_number(v, "r"), (uint32_t)vectors_number(v, "p"),
		                            wanted.len, &key, NULL),
		                 ERR_OK);
		assert_holds(key, wanted);
	}
	assert_int_equal(cases, 3);
}

static void passphrase_salt_and_cost_all_count(void **state)
{
	CLEANUP(secret_freep) struct secret *passphrase = secret_of(slice_str("correct horse"));
	CLEANUP(secret_freep) struct secret *other = secret_of(slice_str("correct horsf"));
	CLEANUP(secret_freep) struct secret *a = NULL, *again = NULL, *b = NULL, *c = NULL, *d = NULL;
	struct scrypt_cost cost = {.salt = {1}, .log_n = SCRYPT_LOG_N_MIN, .r = SCRYPT_R, .p = 1};
	(void)state;

	assert_int_equal(scrypt_derive(passphrase, &cost, &a, NULL), ERR_OK);
	assert_int_equal(secret_len(a), SCRYPT_KEY_BYTES);
	assert_int_equal(scrypt_derive(passphrase, &cost, &again, NULL), ERR_OK);
	assert_true(secret_equal(a, again));
	assert_int_equal(scrypt_derive(other, &cost, &b, NULL), ERR_OK);
	assert_false(secret_equal(a, b));
	cost.p = 2;
	assert_int_equal(scrypt_derive(passphrase, &cost, &c, NULL), ERR_OK);
	assert_false(secret_equal(a, c));
	cost.p = 1;
	cost.salt[31] = 1;
	assert_int_equal(scrypt_derive(passphrase, &cost, &d, NULL), ERR_OK);
	assert_false(secret_equal(a, d));
}

static void costs_outside_the_bounds_are_refused_at_once(void **state)
{
	const struct scrypt_cost bad[] = {
		{.log_n = SCRYPT_LOG_N_MIN - 1, .r = 8, .p = 1},
		{.log_n = SCRYPT_LOG_N_MAX + 1, .r = 8, .p = 1},
		{.log_n = 64 + SCRYPT_LOG_N_MIN, .r = 8, .p = 1},
		{.log_n = 0, .r = 8, .p = 1},
		{.log_n = 17, .r = 7, .p = 1},
		{.log_n = 17, .r = UINT32_MAX, .p = 1},
		{.log_n = 17, .r = 8, .p = 0},
		{.log_n = 17, .r = 8, .p = SCRYPT_P_MAX + 1},
	};
	CLEANUP(secret_freep) struct secret *passphrase = secret_of(slice_str("x"));
	struct secret *key = NULL;
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(scrypt_derive(passphrase, &bad[i], &key, NULL), ERR_LIMIT);
	assert_null(key);
}

static void a_new_cost_has_a_fresh_salt_and_our_cost(void **state)
{
	struct scrypt_cost one = {0}, two = {0};
	(void)state;

	assert_int_equal(scrypt_cost_new(&one, NULL), ERR_OK);
	assert_int_equal(scrypt_cost_new(&two, NULL), ERR_OK);
	assert_memory_not_equal(one.salt, two.salt, sizeof one.salt);
	assert_int_equal(one.log_n, 17);
	assert_int_equal(one.r, 8);
	assert_int_equal(one.p, 1);
}

/* In OpenSSL's queue, where TLS on the same thread would stumble over them. */
static int no_errors_are_left_behind(void **state)
{
	(void)state;
	return ERR_peek_error() == 0 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_and_independent_hkdf_values_come_out),
		cmocka_unit_test(extract_joins_its_parts),
		cmocka_unit_test(shorter_output_is_a_prefix_of_longer),
		cmocka_unit_test(hkdf_ends_at_255_digests),
		cmocka_unit_test(rfc_7914_keys_come_out),
		cmocka_unit_test(passphrase_salt_and_cost_all_count),
		cmocka_unit_test(costs_outside_the_bounds_are_refused_at_once),
		cmocka_unit_test(a_new_cost_has_a_fresh_salt_and_our_cost),
	};

	return cmocka_run_group_tests(tests, NULL, no_errors_are_left_behind);
}
