#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/encode.h"
#include "base/limits.h"
#include "crypto/xaes.h"

static const struct slice nothing;

static struct secret *key_of(uint8_t byte)
{
	struct secret *key = NULL;

	assert_int_equal(secret_new(32, &key, NULL), ERR_OK);
	memset(secret_bytes(key), byte, 32);
	return key;
}

static struct buf *new_buf(size_t max)
{
	struct buf *b = NULL;

	assert_int_equal(buf_new(max, &b, NULL), ERR_OK);
	return b;
}

/* C2SP XAES-256-GCM.md, "Test Vectors": one for each value of the bit that the doubling carries. */
static void the_specifications_examples_come_out(void **state)
{
	static const struct {
		uint8_t key;
		const char *aad, *sealed;
	} examples[] = {
		{1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	};
	static const uint8_t nonce[XAES_NONCE_BYTES + 1] = "ABCDEFGHIJKLMNOPQRSTUVWX";
	(void)state;

	for (size_t i = 0; i < 2; i++) {
		CLEANUP(secret_freep) struct secret *key = key_of(examples[i].key), *opened = NULL;
		CLEANUP(buf_freep) struct buf *sealed = new_buf(100);
		char text[2 * (12 + 16) + 1];

		assert_int_equal(xaes_seal_with_nonce(key, nonce, slice_str(examples[i].aad), slice_str("XAES-256-GCM"),
		                                      sealed, NULL),
		                 ERR_OK);
		assert_int_equal(buf_len(sealed), XAES_OVERHEAD_BYTES + 12);
		assert_memory_equal(buf_slice(sealed).ptr, nonce, XAES_NONCE_BYTES);
		hex_encode(slice_of(buf_slice(sealed).ptr + XAES_NONCE_BYTES, 12 + 16), text);
		assert_string_equal(text, examples[i].sealed);
		assert_int_equal(xaes_open(key, slice_str(examples[i].aad), buf_slice(sealed), &opened, NULL), ERR_OK);
		assert_memory_equal(secret_peek(opened), "XAES-256-GCM", 12);
	}
}

/* The specification's accumulated test: keys, nonces, messages and additional data from SHAKE-128 of nothing, and the
 * SHAKE-128 of all ciphertexts. */
static void ten_thousand_accumulated_messages_agree(void **state)
{
	enum { MESSAGES = 10000, STREAM_BYTES = MESSAGES * (32 + 24 + 2 + 2 * 255) };
	CLEANUP(free_p) uint8_t *stream = malloc(STREAM_BYTES);
	EVP_MD_CTX *source = EVP_MD_CTX_new(), *sum = EVP_MD_CTX_new();
	struct cursor c = cursor_of(slice_of(stream, STREAM_BYTES));
	uint8_t digest[32];
	char text[65];
	(void)state;

	assert_int_equal(EVP_DigestInit_ex(source, EVP_shake128(), NULL), 1);
	assert_int_equal(EVP_DigestFinalXOF(source, stream, STREAM_BYTES), 1);
	assert_int_equal(EVP_DigestInit_ex(sum, EVP_shake128(), NULL), 1);
	for (int i = 0; i < MESSAGES; i++) {
		CLEANUP(secret_freep) struct secret *key = NULL, *opened = NULL;
		CLEANUP(buf_freep) struct buf *sealed = new_buf(1000);
		struct slice key_bytes, nonce, plain, aad;
		uint8_t len;

		assert_int_equal(cursor_take(&c, 32, &key_bytes, NULL), ERR_OK);
		assert_int_equal(cursor_take(&c, 24, &nonce, NULL), ERR_OK);
		assert_int_equal(cursor_take_u8(&c, &len, NULL), ERR_OK);
		assert_int_equal(cursor_take(&c, len, &plain, NULL), ERR_OK);
		assert_int_equal(cursor_take_u8(&c, &len, NULL), ERR_OK);
		assert_int_equal(cursor_take(&c, len, &aad, NULL), ERR_OK);
		assert_int_equal(secret_new_from(key_bytes, &key, NULL), ERR_OK);
		assert_int_equal(xaes_seal_with_nonce(key, nonce.ptr, aad, plain, sealed, NULL), ERR_OK);
		assert_int_equal(xaes_open(key, aad, buf_slice(sealed), &opened, NULL), ERR_OK);
		assert_true(slice_equal(slice_of(secret_peek(opened), secret_len(opened)), plain));
		assert_int_equal(EVP_DigestUpdate(sum, buf_slice(sealed).ptr + 24, buf_len(sealed) - 24), 1);
	}
	assert_int_equal(EVP_DigestFinalXOF(sum, digest, sizeof digest), 1);
	hex_encode(slice_of(digest, sizeof digest), text);
	assert_string_equal(text, "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
	EVP_MD_CTX_free(source);
	EVP_MD_CTX_free(sum);
}

static void each_sealing_has_its_own_nonce(void **state)
{
	CLEANUP(secret_freep) struct secret *key = key_of(9);
	CLEANUP(buf_freep) struct buf *both = new_buf(200);
	size_t one = XAES_OVERHEAD_BYTES + 3;
	(void)state;

	assert_int_equal(xaes_seal(key, nothing, slice_str("abc"), both, NULL), ERR_OK);
	assert_int_equal(xaes_seal(key, nothing, slice_str("abc"), both, NULL), ERR_OK);
	assert_int_equal(buf_len(both), 2 * one);
	assert_memory_not_equal(buf_slice(both).ptr, buf_slice(both).ptr + one, XAES_NONCE_BYTES);
	assert_memory_not_equal(buf_slice(both).ptr + 24, buf_slice(both).ptr + one + 24, 3 + 16);
}

static void any_altered_bit_key_or_context_is_found(void **state)
{
	CLEANUP(secret_freep) struct secret *key = key_of(1), *other = key_of(2);
	CLEANUP(buf_freep) struct buf *sealed = new_buf(200);
	struct secret *opened = NULL;
	uint8_t copy[XAES_OVERHEAD_BYTES + 5];
	size_t held = secret_count();
	(void)state;

	assert_int_equal(xaes_seal(key, slice_str("context"), slice_str("plain"), sealed, NULL), ERR_OK);
	memcpy(copy, buf_slice(sealed).ptr, sizeof copy);
	for (size_t bit = 0; bit < 8 * sizeof copy; bit++) {
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(xaes_open(key, slice_str("context"), slice_of(copy, sizeof copy), &opened, NULL),
		                 ERR_TAMPERED);
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(xaes_open(other, slice_str("context"), buf_slice(sealed), &opened, NULL), ERR_TAMPERED);
	assert_int_equal(xaes_open(key, slice_str("contexu"), buf_slice(sealed), &opened, NULL), ERR_TAMPERED);
	assert_int_equal(xaes_open(key, nothing, buf_slice(sealed), &opened, NULL), ERR_TAMPERED);
	assert_null(opened);
	assert_int_equal(secret_count(), held);
}

static void every_cut_is_refused(void **state)
{
	CLEANUP(secret_freep) struct secret *key = key_of(1);
	CLEANUP(buf_freep) struct buf *sealed = new_buf(200);
	struct secret *opened = NULL;
	(void)state;

	assert_int_equal(xaes_seal(key, nothing, slice_str("plain"), sealed, NULL), ERR_OK);
	for (size_t len = 0; len < buf_len(sealed); len++)
		assert_int_equal(xaes_open(key, nothing, slice_of(buf_slice(sealed).ptr, len), &opened, NULL),
		                 len < XAES_OVERHEAD_BYTES ? ERR_INVALID : ERR_TAMPERED);
	assert_null(opened);
}

static void an_empty_secret_can_be_sealed(void **state)
{
	CLEANUP(secret_freep) struct secret *key = key_of(1), *opened = NULL;
	CLEANUP(buf_freep) struct buf *sealed = new_buf(XAES_OVERHEAD_BYTES);
	(void)state;

	assert_int_equal(xaes_seal(key, nothing, nothing, sealed, NULL), ERR_OK);
	assert_int_equal(xaes_open(key, nothing, buf_slice(sealed), &opened, NULL), ERR_OK);
	assert_int_equal(secret_len(opened), 0);
}

static void what_does_not_fit_is_refused_and_appends_nothing(void **state)
{
	CLEANUP(secret_freep) struct secret *key = key_of(1), *wrong = NULL;
	CLEANUP(buf_freep) struct buf *small = new_buf(XAES_OVERHEAD_BYTES + 2);
	CLEANUP(free_p) uint8_t *large = calloc(1, XAES_OVERHEAD_BYTES + SECRET_LARGE_BYTES + 1);
	struct secret *opened = NULL;
	(void)state;

	assert_int_equal(xaes_seal(key, nothing, slice_str("abc"), small, NULL), ERR_LIMIT);
	assert_int_equal(buf_len(small), 0);
	assert_int_equal(
		xaes_open(key, nothing, slice_of(large, XAES_OVERHEAD_BYTES + SECRET_LARGE_BYTES + 1), &opened, NULL),
		ERR_LIMIT);
	assert_int_equal(secret_new(16, &wrong, NULL), ERR_OK);
	assert_int_equal(xaes_seal(wrong, nothing, nothing, small, NULL), ERR_INVALID);
	assert_int_equal(xaes_open(wrong, nothing, slice_of(large, XAES_OVERHEAD_BYTES), &opened, NULL), ERR_INVALID);
}

static void a_message_longer_than_a_secret_opens_into_a_buffer(void **state)
{
	enum { LONG_BYTES = SECRET_LARGE_BYTES + 1000 };
	CLEANUP(secret_freep) struct secret *key = key_of(1);
	CLEANUP(buf_freep)
	struct buf *sealed = new_buf(LONG_BYTES + XAES_OVERHEAD_BYTES), *opened = new_buf(2 * LONG_BYTES);
	CLEANUP(free_p) uint8_t *plain = calloc(1, LONG_BYTES), *altered = NULL;
	struct slice bytes;
	(void)state;

	plain[LONG_BYTES - 1] = 7;
	assert_int_equal(xaes_seal(key, nothing, slice_of(plain, LONG_BYTES), sealed, NULL), ERR_OK);
	assert_int_equal(xaes_open_bytes(key, nothing, buf_slice(sealed), opened, NULL), ERR_OK);
	assert_true(slice_equal(buf_slice(opened), slice_of(plain, LONG_BYTES)));

	bytes = buf_slice(sealed);
	altered = malloc(bytes.len);
	memcpy(altered, bytes.ptr, bytes.len);
	altered[bytes.len - 1] ^= 1;
	assert_int_equal(xaes_open_bytes(key, nothing, slice_of(altered, bytes.len), opened, NULL), ERR_TAMPERED);
	assert_int_equal(xaes_open_bytes(key, nothing, slice_of(altered, XAES_OVERHEAD_BYTES - 1), opened, NULL),
	                 ERR_INVALID);
	assert_int_equal(buf_len(opened), LONG_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_specifications_examples_come_out),
		cmocka_unit_test(ten_thousand_accumulated_messages_agree),
		cmocka_unit_test(each_sealing_has_its_own_nonce),
		cmocka_unit_test(any_altered_bit_key_or_context_is_found),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(an_empty_secret_can_be_sealed),
		cmocka_unit_test(what_does_not_fit_is_refused_and_appends_nothing),
		cmocka_unit_test(a_message_longer_than_a_secret_opens_into_a_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
