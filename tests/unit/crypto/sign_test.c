#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <openssl/err.h>

#include "base/encode.h"
#include "base/limits.h"
#include "crypto/sign.h"
#include "vectors.h"

static const enum sign_kind kinds[] = {SIGN_ED25519, SIGN_P256, SIGN_P384};
enum { KINDS = 3 };

static struct sign_key *new_key(enum sign_kind kind)
{
	struct sign_key *key = NULL;

	assert_int_equal(sign_key_generate(kind, &key, NULL), ERR_OK);
	return key;
}

static struct sign_public *public_of(const struct sign_key *key)
{
	struct sign_public *public = NULL;

	assert_int_equal(sign_key_public(key, &public, NULL), ERR_OK);
	return public;
}

/* PKCS #8 of an Ed25519 seed (RFC 8410, section 7), by hand. */
static struct sign_key *ed25519_from_seed(struct slice seed)
{
	static const uint8_t prefix[] = {0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20};
	CLEANUP(secret_freep) struct secret *der = NULL;
	struct sign_key *key = NULL;

	assert_int_equal(seed.len, 32);
	assert_int_equal(secret_new(sizeof prefix + seed.len, &der, NULL), ERR_OK);
	memcpy(secret_bytes(der), prefix, sizeof prefix);
	memcpy(secret_bytes(der) + sizeof prefix, seed.ptr, seed.len);
	assert_int_equal(sign_key_import(der, &key, NULL), ERR_OK);
	return key;
}

static void published_ed25519_signatures_come_out(void **state)
{
	CLEANUP(vectors_closep) struct vectors *v = vectors_open("crypto/ed25519.txt");
	size_t cases = 0;
	(void)state;

	for (; vectors_next(v); cases++) {
		CLEANUP(sign_key_freep) struct sign_key *key = ed25519_from_seed(vectors_bytes(v, "seed"));
		CLEANUP(sign_public_freep) struct sign_public *own = public_of(key), *given = NULL;
		struct slice message = vectors_bytes(v, "message"), public = vectors_bytes(v, "public");
		uint8_t raw[32], signature[SIGN_BYTES_MAX];
		size_t len = 0;

		assert_int_equal(sign_public_raw_ed25519(own, raw, NULL), ERR_OK);
		assert_memory_equal(raw, public.ptr, 32);
		assert_int_equal(sign_message(key, message, signature, &len, NULL), ERR_OK);
		assert_true(slice_equal(slice_of(signature, len), vectors_bytes(v, "signature")));
		assert_int_equal(sign_public_from_raw_ed25519(public.ptr, &given, NULL), ERR_OK);
		assert_int_equal(sign_verify(given, message, slice_of(signature, len), NULL), ERR_OK);
		signature[cases % 64] ^= 1;
		assert_int_equal(sign_verify(given, message, slice_of(signature, len), NULL), ERR_TAMPERED);
	}
	assert_int_equal(cases, 65);
}

static void an_ed25519_signature_has_one_spelling(void **state)
{
	/* The group's order L, little-endian: S + L verifies too where S is not checked (RFC 8032, 5.1.7). */
	static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
	                                  0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
	CLEANUP(sign_key_freep) struct sign_key *key = new_key(SIGN_ED25519);
	CLEANUP(sign_public_freep) struct sign_public *public = public_of(key);
	uint8_t signature[SIGN_BYTES_MAX];
	unsigned carry = 0;
	size_t len = 0;
	(void)state;

	assert_int_equal(sign_message(key, slice_str("m"), signature, &len, NULL), ERR_OK);
	for (size_t i = 0; i < 32; i++) {
		carry += (unsigned)signature[32 + i] + order[i];
		signature[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_int_equal(sign_verify(public, slice_str("m"), slice_of(signature, len), NULL), ERR_TAMPERED);
}

static void nist_ecdsa_verdicts_hold(void **state)
{
	CLEANUP(vectors_closep) struct vectors *v = vectors_open("crypto/ecdsa.txt");
	size_t cases = 0;
	(void)state;

	for (; vectors_next(v); cases++) {
		CLEANUP(sign_public_freep) struct sign_public *public = NULL;

		assert_int_equal(sign_public_from_spki(vectors_bytes(v, "spki"), &public, NULL), ERR_OK);
		assert_int_equal(sign_verify(public, vectors_bytes(v, "message"), vectors_bytes(v, "signature"), NULL),
		                 vectors_is_valid(v) ? ERR_OK : ERR_TAMPERED);
	}
	assert_int_equal(cases, 30);
}

static void every_kind_signs_and_verifies(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		CLEANUP(sign_key_freep) struct sign_key *key = new_key(kinds[i]), *stranger = new_key(kinds[i]);
		CLEANUP(sign_public_freep) struct sign_public *public = public_of(key), *other = public_of(stranger);
		uint8_t signature[SIGN_BYTES_MAX];
		struct slice message = slice_str("the message");
		size_t len = 0;

		assert_int_equal(sign_public_kind(public), kinds[i]);
		assert_int_equal(sign_message(key, message, signature, &len, NULL), ERR_OK);
		assert_true(len <= SIGN_BYTES_MAX);
		assert_int_equal(sign_verify(public, message, slice_of(signature, len), NULL), ERR_OK);
		assert_int_equal(sign_verify(other, message, slice_of(signature, len), NULL), ERR_TAMPERED);
		assert_int_equal(sign_verify(public, slice_str("the messagf"), slice_of(signature, len), NULL),
		                 ERR_TAMPERED);
		assert_int_equal(sign_verify(public, slice_of(NULL, 0), slice_of(signature, len), NULL), ERR_TAMPERED);
		for (size_t cut = 0; cut < len; cut++)
			assert_int_equal(sign_verify(public, message, slice_of(signature, cut), NULL), ERR_TAMPERED);
		signature[len] = 0; /* one byte too many */
		assert_int_equal(sign_verify(public, message, slice_of(signature, len + 1), NULL), ERR_TAMPERED);
		assert_int_equal(sign_message(key, slice_of(NULL, 0), signature, &len, NULL), ERR_OK);
		assert_int_equal(sign_verify(public, slice_of(NULL, 0), slice_of(signature, len), NULL), ERR_OK);
	}
}

static void kinds_do_not_verify_each_other(void **state)
{
	uint8_t signature[SIGN_BYTES_MAX];
	size_t len = 0;
	(void)state;

	for (size_t i = 0; i < KINDS; i++) {
		CLEANUP(sign_key_freep) struct sign_key *key = new_key(kinds[i]);
		CLEANUP(sign_key_freep) struct sign_key *next = new_key(kinds[(i + 1) % KINDS]);
		CLEANUP(sign_public_freep) struct sign_public *public = public_of(next);

		assert_int_equal(sign_message(key, slice_str("m"), signature, &len, NULL), ERR_OK);
		assert_int_equal(sign_verify(public, slice_str("m"), slice_of(signature, len), NULL), ERR_TAMPERED);
	}
}

static void keys_survive_export_and_import(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		CLEANUP(sign_key_freep) struct sign_key *key = new_key(kinds[i]), *back = NULL;
		CLEANUP(sign_public_freep) struct sign_public *public = public_of(key), *read = NULL;
		CLEANUP(secret_freep) struct secret *der = NULL, *again = NULL;
		CLEANUP(buf_freep) struct buf *spki = NULL;
		uint8_t signature[SIGN_BYTES_MAX];
		size_t len = 0;

		assert_int_equal(sign_key_export(key, &der, NULL), ERR_OK);
		assert_int_equal(sign_key_import(der, &back, NULL), ERR_OK);
		assert_int_equal(sign_key_export(back, &again, NULL), ERR_OK);
		assert_true(secret_equal(der, again));
		assert_int_equal(sign_message(back, slice_str("m"), signature, &len, NULL), ERR_OK);

		assert_int_equal(buf_new(SIGN_SPKI_BYTES_MAX, &spki, NULL), ERR_OK);
		assert_int_equal(sign_public_spki(public, spki, NULL), ERR_OK);
		assert_int_equal(sign_public_from_spki(buf_slice(spki), &read, NULL), ERR_OK);
		assert_int_equal(sign_public_kind(read), kinds[i]);
		assert_int_equal(sign_verify(read, slice_str("m"), slice_of(signature, len), NULL), ERR_OK);
	}
}

static void cut_or_lengthened_encodings_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		CLEANUP(sign_key_freep) struct sign_key *key = new_key(kinds[i]);
		CLEANUP(sign_public_freep) struct sign_public *public = public_of(key);
		CLEANUP(secret_freep) struct secret *der = NULL, *longer = NULL;
		CLEANUP(buf_freep) struct buf *spki = NULL;
		struct sign_public *read = NULL;
		struct sign_key *back = NULL;

		assert_int_equal(buf_new(SIGN_SPKI_BYTES_MAX, &spki, NULL), ERR_OK);
		assert_int_equal(sign_public_spki(public, spki, NULL), ERR_OK);
		for (size_t len = 0; len < buf_len(spki); len++)
			assert_int_equal(sign_public_from_spki(slice_of(buf_slice(spki).ptr, len), &read, NULL),
			                 ERR_INVALID);
		assert_int_equal(buf_put_u8(spki, 0, NULL), ERR_OK);
		assert_int_equal(sign_public_from_spki(buf_slice(spki), &read, NULL), ERR_INVALID);
		assert_null(read);

		assert_int_equal(sign_key_export(key, &der, NULL), ERR_OK);
		assert_int_equal(secret_new(secret_len(der) + 1, &longer, NULL), ERR_OK);
		memcpy(secret_bytes(longer), secret_peek(der), secret_len(der));
		assert_int_equal(sign_key_import(longer, &back, NULL), ERR_INVALID);
		for (size_t len = secret_len(der); len-- > 0;) {
			secret_shrink(der, len);
			assert_int_equal(sign_key_import(der, &back, NULL), ERR_INVALID);
		}
		assert_null(back);
	}
}

/* The base point of P-256, compressed: the same key as its long form, which is the one that we read. */
static void a_compressed_point_is_refused(void **state)
{
	static const char spki[] = "3039301306072a8648ce3d020106082a8648ce3d030107032200"
				   "036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
	uint8_t der[59];
	struct sign_public *public = NULL;
	struct why why;
	(void)state;

	assert_int_equal(hex_decode(slice_str(spki), der, sizeof der, NULL), ERR_OK);
	assert_int_equal(sign_public_from_spki(slice_of(der, sizeof der), &public, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "usual encoding"));
	assert_null(public);
}

/* X25519's identifier instead of Ed25519's: a real key, but none that signs. */
static void other_kinds_of_key_are_refused(void **state)
{
	uint8_t der[44] = {0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 3, 0x21, 0, 9};
	struct sign_public *public = NULL;
	struct why why;
	(void)state;

	assert_int_equal(sign_public_from_spki(slice_of(der, sizeof der), &public, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "Ed25519"));
	der[8] = 0x70;
	assert_int_equal(sign_public_from_spki(slice_of(der, sizeof der), &public, NULL), ERR_OK);
	sign_public_free(public);
}

static void a_point_off_the_curve_is_refused(void **state)
{
	CLEANUP(sign_key_freep) struct sign_key *key = new_key(SIGN_P256);
	CLEANUP(sign_public_freep) struct sign_public *public = public_of(key);
	CLEANUP(buf_freep) struct buf *spki = NULL;
	struct sign_public *read = NULL;
	uint8_t der[91];
	(void)state;

	assert_int_equal(buf_new(SIGN_SPKI_BYTES_MAX, &spki, NULL), ERR_OK);
	assert_int_equal(sign_public_spki(public, spki, NULL), ERR_OK);
	memcpy(der, buf_slice(spki).ptr, sizeof der);
	der[90] ^= 1;
	assert_int_equal(sign_public_from_spki(slice_of(der, sizeof der), &read, NULL), ERR_INVALID);
	assert_null(read);
}

static void what_does_not_fit_the_buffer_is_not_written(void **state)
{
	CLEANUP(sign_key_freep) struct sign_key *key = new_key(SIGN_P384);
	CLEANUP(sign_public_freep) struct sign_public *public = public_of(key);
	CLEANUP(buf_freep) struct buf *small = NULL;
	(void)state;

	assert_int_equal(buf_new(119, &small, NULL), ERR_OK);
	assert_int_equal(sign_public_spki(public, small, NULL), ERR_LIMIT);
	assert_int_equal(buf_len(small), 0);
}

static void only_ed25519_has_raw_bytes(void **state)
{
	CLEANUP(sign_key_freep) struct sign_key *key = new_key(SIGN_P256);
	CLEANUP(sign_public_freep) struct sign_public *public = public_of(key);
	uint8_t raw[32] = {0x55};
	(void)state;

	assert_int_equal(sign_public_raw_ed25519(public, raw, NULL), ERR_INVALID);
	assert_int_equal(raw[0], 0x55);
	sign_key_free(NULL);
	sign_public_free(NULL);
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
		cmocka_unit_test(published_ed25519_signatures_come_out),
		cmocka_unit_test(an_ed25519_signature_has_one_spelling),
		cmocka_unit_test(nist_ecdsa_verdicts_hold),
		cmocka_unit_test(every_kind_signs_and_verifies),
		cmocka_unit_test(kinds_do_not_verify_each_other),
		cmocka_unit_test(keys_survive_export_and_import),
		cmocka_unit_test(cut_or_lengthened_encodings_are_refused),
		cmocka_unit_test(a_compressed_point_is_refused),
		cmocka_unit_test(other_kinds_of_key_are_refused),
		cmocka_unit_test(a_point_off_the_curve_is_refused),
		cmocka_unit_test(what_does_not_fit_the_buffer_is_not_written),
		cmocka_unit_test(only_ed25519_has_raw_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, no_errors_are_left_behind);
}
