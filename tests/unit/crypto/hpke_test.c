#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/encode.h"
#include "base/limits.h"
#include "crypto/hpke.h"
#include "vectors.h"

static const struct slice nothing;

struct pair {
	struct secret *private_key;
	uint8_t public_key[HPKE_PUBLIC_BYTES];
};

static void pair_freep(struct pair *p)
{
	secret_freep(&p->private_key);
}

static struct pair new_pair(void)
{
	struct pair p = {0};

	assert_int_equal(hpke_key_generate(&p.private_key, p.public_key, NULL), ERR_OK);
	return p;
}

static struct buf *new_buf(size_t max)
{
	struct buf *b = NULL;

	assert_int_equal(buf_new(max, &b, NULL), ERR_OK);
	return b;
}

static void the_published_message_comes_out_and_opens(void **state)
{
	CLEANUP(vectors_closep) struct vectors *v = vectors_open("crypto/hpke.txt");
	(void)state;

	assert_true(vectors_next(v));
	{
		CLEANUP(secret_freep) struct secret *ephemeral = vectors_secret(v, "ephemeral"), *opened = NULL;
		CLEANUP(secret_freep) struct secret *private_key = vectors_secret(v, "private");
		CLEANUP(buf_freep) struct buf *sealed = new_buf(1000);
		struct slice info = vectors_bytes(v, "info"), aad = vectors_bytes(v, "aad");
		struct slice plain = vectors_bytes(v, "plain");
		uint8_t enc[HPKE_ENC_BYTES], public_key[HPKE_PUBLIC_BYTES];

		assert_int_equal(hpke_key_public(private_key, public_key, NULL), ERR_OK);
		assert_memory_equal(public_key, vectors_bytes(v, "public").ptr, sizeof public_key);
		assert_int_equal(hpke_seal_with_ephemeral(ephemeral, public_key, info, aad, plain, enc, sealed, NULL),
		                 ERR_OK);
		assert_memory_equal(enc, vectors_bytes(v, "enc").ptr, sizeof enc);
		assert_true(slice_equal(buf_slice(sealed), vectors_bytes(v, "sealed")));
		assert_int_equal(hpke_open(private_key, enc, info, aad, buf_slice(sealed), &opened, NULL), ERR_OK);
		assert_true(slice_equal(slice_of(secret_peek(opened), secret_len(opened)), plain));
	}
	assert_false(vectors_next(v));
}

static void what_is_sealed_opens_at_every_length(void **state)
{
	CLEANUP(pair_freep) struct pair p = new_pair();
	static const size_t lengths[] = {0, 1, 31, 32, 33, 500, SECRET_LARGE_BYTES};
	CLEANUP(free_p) uint8_t *plain = calloc(1, SECRET_LARGE_BYTES);
	(void)state;

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		CLEANUP(buf_freep) struct buf *sealed = new_buf(SECRET_LARGE_BYTES + 16);
		CLEANUP(secret_freep) struct secret *opened = NULL;
		uint8_t enc[HPKE_ENC_BYTES];
		struct slice text = slice_of(plain, lengths[i]);

		memset(plain, (int)i + 1, lengths[i]);
		assert_int_equal(hpke_seal(p.public_key, slice_str("i"), slice_str("a"), text, enc, sealed, NULL),
		                 ERR_OK);
		assert_int_equal(buf_len(sealed), lengths[i] + 16);
		assert_int_equal(
			hpke_open(p.private_key, enc, slice_str("i"), slice_str("a"), buf_slice(sealed), &opened, NULL),
			ERR_OK);
		assert_true(slice_equal(slice_of(secret_peek(opened), secret_len(opened)), text));
	}
}

static void each_sealing_has_its_own_encapsulation(void **state)
{
	CLEANUP(pair_freep) struct pair p = new_pair();
	CLEANUP(buf_freep) struct buf *one = new_buf(100), *two = new_buf(100);
	uint8_t enc_one[HPKE_ENC_BYTES], enc_two[HPKE_ENC_BYTES];
	(void)state;

	assert_int_equal(hpke_seal(p.public_key, nothing, nothing, slice_str("same"), enc_one, one, NULL), ERR_OK);
	assert_int_equal(hpke_seal(p.public_key, nothing, nothing, slice_str("same"), enc_two, two, NULL), ERR_OK);
	assert_memory_not_equal(enc_one, enc_two, sizeof enc_one);
	assert_false(slice_equal(buf_slice(one), buf_slice(two)));
}

static void any_altered_byte_info_or_key_is_found(void **state)
{
	CLEANUP(pair_freep) struct pair p = new_pair(), other = new_pair();
	CLEANUP(buf_freep) struct buf *sealed = new_buf(100);
	uint8_t enc[HPKE_ENC_BYTES], copy[9 + 16];
	struct slice info = slice_str("info"), aad = slice_str("aad"), bytes = slice_of(copy, sizeof copy);
	struct secret *opened = NULL;
	size_t held = secret_count();
	(void)state;

	assert_int_equal(hpke_seal(p.public_key, info, aad, slice_str("plaintext"), enc, sealed, NULL), ERR_OK);
	memcpy(copy, buf_slice(sealed).ptr, sizeof copy);
	for (size_t i = 0; i < sizeof copy; i++) {
		copy[i] ^= 0x10;
		assert_int_equal(hpke_open(p.private_key, enc, info, aad, bytes, &opened, NULL), ERR_TAMPERED);
		copy[i] ^= 0x10;
		assert_int_equal(hpke_open(p.private_key, enc, info, aad, slice_of(copy, i), &opened, NULL),
		                 ERR_TAMPERED);
	}
	for (size_t i = 0; i < sizeof enc; i++) {
		enc[i] ^= 0x10;
		assert_int_equal(hpke_open(p.private_key, enc, info, aad, bytes, &opened, NULL), ERR_TAMPERED);
		enc[i] ^= 0x10;
	}
	assert_int_equal(hpke_open(p.private_key, enc, slice_str("inf"), aad, bytes, &opened, NULL), ERR_TAMPERED);
	assert_int_equal(hpke_open(p.private_key, enc, info, slice_str("aae"), bytes, &opened, NULL), ERR_TAMPERED);
	assert_int_equal(hpke_open(p.private_key, enc, aad, info, bytes, &opened, NULL), ERR_TAMPERED);
	assert_int_equal(hpke_open(other.private_key, enc, info, aad, bytes, &opened, NULL), ERR_TAMPERED);
	assert_null(opened);
	assert_int_equal(secret_count(), held);
}

/* The top bit of an X25519 public key is ignored (RFC 7748, section 5), but the encapsulated bytes are hashed: so even
 * that bit cannot be changed unseen. */
static void the_ignored_bit_of_an_encapsulation_counts(void **state)
{
	CLEANUP(pair_freep) struct pair p = new_pair();
	CLEANUP(buf_freep) struct buf *sealed = new_buf(100);
	uint8_t enc[HPKE_ENC_BYTES];
	struct secret *opened = NULL;
	(void)state;

	assert_int_equal(hpke_seal(p.public_key, nothing, nothing, slice_str("x"), enc, sealed, NULL), ERR_OK);
	enc[31] ^= 0x80;
	assert_int_equal(hpke_open(p.private_key, enc, nothing, nothing, buf_slice(sealed), &opened, NULL),
	                 ERR_TAMPERED);
}

/* Points of order 1, 2, 4 and 8, and their spellings over the field's prime (RFC 7748, section 6.1; the list of
 * cr.yp.to/ecdh.html#validate). */
static void public_keys_of_low_order_are_refused(void **state)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	CLEANUP(pair_freep) struct pair p = new_pair();
	CLEANUP(buf_freep) struct buf *sealed = new_buf(100);
	uint8_t point[HPKE_PUBLIC_BYTES], enc[HPKE_ENC_BYTES] = {0x55}, bytes[40] = {0};
	struct secret *opened = NULL;
	(void)state;

	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
		assert_int_equal(hex_decode(slice_str(points[i]), point, sizeof point, NULL), ERR_OK);
		assert_int_equal(hpke_seal(point, nothing, nothing, slice_str("x"), enc, sealed, NULL), ERR_INVALID);
		assert_int_equal(
			hpke_open(p.private_key, point, nothing, nothing, slice_of(bytes, sizeof bytes), &opened, NULL),
			ERR_TAMPERED);
	}
	assert_int_equal(enc[0], 0x55);
	assert_int_equal(buf_len(sealed), 0);
	assert_null(opened);
}

static void what_cannot_be_held_is_refused(void **state)
{
	CLEANUP(pair_freep) struct pair p = new_pair();
	CLEANUP(secret_freep) struct secret *shorter = NULL;
	CLEANUP(buf_freep) struct buf *small = new_buf(18);
	CLEANUP(free_p) uint8_t *large = calloc(1, SECRET_LARGE_BYTES + 17);
	uint8_t enc[HPKE_ENC_BYTES] = {9};
	struct secret *opened = NULL;
	(void)state;

	assert_int_equal(hpke_seal(p.public_key, nothing, nothing, slice_str("abc"), enc, small, NULL), ERR_LIMIT);
	assert_int_equal(buf_len(small), 0);
	assert_int_equal(hpke_open(p.private_key, enc, nothing, nothing, slice_of(large, SECRET_LARGE_BYTES + 17),
	                           &opened, NULL),
	                 ERR_LIMIT);
	assert_int_equal(secret_new(31, &shorter, NULL), ERR_OK);
	assert_int_equal(hpke_open(shorter, enc, nothing, nothing, slice_of(large, 20), &opened, NULL), ERR_INVALID);
	assert_int_equal(hpke_key_public(shorter, enc, NULL), ERR_INVALID);
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
		cmocka_unit_test(the_published_message_comes_out_and_opens),
		cmocka_unit_test(what_is_sealed_opens_at_every_length),
		cmocka_unit_test(each_sealing_has_its_own_encapsulation),
		cmocka_unit_test(any_altered_byte_info_or_key_is_found),
		cmocka_unit_test(the_ignored_bit_of_an_encapsulation_counts),
		cmocka_unit_test(public_keys_of_low_order_are_refused),
		cmocka_unit_test(what_cannot_be_held_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, no_errors_are_left_behind);
}
