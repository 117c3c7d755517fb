#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/limits.h"
#include "base/random.h"
#include "crypto/aead.h"
#include "vectors.h"

static const enum aead_engine both[] = {AEAD_ENGINE_OPENSSL, AEAD_ENGINE_IPSEC_MB};
static const struct slice nothing;

static struct secret *random_key(void)
{
	struct secret *key = NULL;

	assert_int_equal(secret_new_random(AEAD_KEY_BYTES, &key, NULL), ERR_OK);
	return key;
}

/* NULL, and a line that says so, where the processor cannot run the engine. */
static struct aead *new_or_skip(const struct secret *key, enum aead_engine engine)
{
	struct aead *a = NULL;
	struct why why;
	int err = aead_new(key, engine, &a, &why);

	if (err == ERR_UNAVAILABLE && engine == AEAD_ENGINE_IPSEC_MB) {
		print_message("not tested here: ipsec-mb: %s\n", why.text);
		return NULL;
	}
	assert_int_equal(err, ERR_OK);
	return a;
}

/* A number from a fixed sequence, so that a failure comes again. */
static uint32_t next_number(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void check_vector(struct vectors *v, enum aead_engine engine)
{
	CLEANUP(secret_freep) struct secret *key = vectors_secret(v, "key");
	CLEANUP(aead_freep) struct aead *a = new_or_skip(key, engine);
	struct slice nonce = vectors_bytes(v, "nonce"), aad = vectors_bytes(v, "aad");
	struct slice plain = vectors_bytes(v, "plain"), sealed = vectors_bytes(v, "sealed");
	uint8_t out[256];

	if (!a)
		return;
	assert_true(sealed.len <= sizeof out);
	if (vectors_is_valid(v)) {
		assert_int_equal(aead_open(a, nonce.ptr, aad, sealed, out, NULL), ERR_OK);
		assert_true(slice_equal(slice_of(out, plain.len), plain));
		assert_int_equal(aead_seal(a, nonce.ptr, aad, plain, out, NULL), ERR_OK);
		assert_true(slice_equal(slice_of(out, sealed.len), sealed));
		return;
	}
	memset(out, 0xaa, sizeof out);
	assert_int_equal(aead_open(a, nonce.ptr, aad, sealed, out, NULL), ERR_TAMPERED);
	for (size_t i = 0; i < sealed.len - AEAD_TAG_BYTES; i++)
		assert_int_equal(out[i], 0);
}

static void nist_vectors_hold_on_each_engine(void **state)
{
	for (size_t e = 0; e < 2; e++) {
		CLEANUP(vectors_closep) struct vectors *v = vectors_open("crypto/aes-256-gcm.txt");
		size_t cases = 0;
		(void)state;

		for (; vectors_next(v); cases++)
			check_vector(v, both[e]);
		assert_int_equal(cases, 150);
	}
}

static void engines_write_the_same_bytes_at_random_sizes(void **state)
{
	enum { LARGEST = 40000 };
	CLEANUP(free_p) uint8_t *plain = malloc(LARGEST), *one = malloc(LARGEST + 16), *two = malloc(LARGEST + 16);
	uint8_t aad[300], nonce[AEAD_NONCE_BYTES];
	uint32_t seed = 1;
	(void)state;

	assert_non_null(plain && one && two ? plain : NULL);
	assert_int_equal(random_fill(plain, LARGEST, NULL), ERR_OK);
	assert_int_equal(random_fill(aad, sizeof aad, NULL), ERR_OK);
	for (int round = 0; round < 2000; round++) {
		CLEANUP(secret_freep) struct secret *key = random_key();
		CLEANUP(aead_freep) struct aead *a = new_or_skip(key, AEAD_ENGINE_OPENSSL);
		CLEANUP(aead_freep) struct aead *b = new_or_skip(key, AEAD_ENGINE_IPSEC_MB);
		size_t len = next_number(&seed) % (round % 4 ? 1200 : LARGEST), aad_len = next_number(&seed) % 300;
		struct slice text = slice_of(plain, len), more = slice_of(aad, aad_len);

		if (!b)
			return;
		assert_int_equal(random_fill(nonce, sizeof nonce, NULL), ERR_OK);
		assert_int_equal(aead_seal(a, nonce, more, text, one, NULL), ERR_OK);
		assert_int_equal(aead_seal(b, nonce, more, text, two, NULL), ERR_OK);
		assert_true(slice_equal(slice_of(one, len + 16), slice_of(two, len + 16)));
		assert_int_equal(aead_open(a, nonce, more, slice_of(two, len + 16), two, NULL), ERR_OK);
		assert_int_equal(aead_open(b, nonce, more, slice_of(one, len + 16), one, NULL), ERR_OK);
		assert_true(slice_equal(slice_of(one, len), text));
		assert_true(slice_equal(slice_of(two, len), text));
	}
}

static void every_length_up_to_six_blocks_agrees(void **state)
{
	CLEANUP(secret_freep) struct secret *key = random_key();
	CLEANUP(aead_freep) struct aead *a = new_or_skip(key, AEAD_ENGINE_OPENSSL);
	CLEANUP(aead_freep) struct aead *b = new_or_skip(key, AEAD_ENGINE_IPSEC_MB);
	uint8_t plain[900] = {7}, one[916], two[916], nonce[AEAD_NONCE_BYTES] = {0};
	(void)state;

	if (!b)
		return;
	for (size_t len = 0; len <= sizeof plain; len++) {
		nonce[0] = (uint8_t)len;
		nonce[1] = (uint8_t)(len >> 8);
		assert_int_equal(aead_seal(a, nonce, nothing, slice_of(plain, len), one, NULL), ERR_OK);
		assert_int_equal(aead_seal(b, nonce, nothing, slice_of(plain, len), two, NULL), ERR_OK);
		assert_memory_equal(one, two, len + 16);
	}
}

static void any_altered_bit_is_found(void **state)
{
	for (size_t e = 0; e < 2; e++) {
		CLEANUP(secret_freep) struct secret *key = random_key();
		CLEANUP(aead_freep) struct aead *a = new_or_skip(key, both[e]);
		uint8_t nonce[AEAD_NONCE_BYTES] = {1}, sealed[33 + 16], out[33];
		struct slice aad = slice_str("context");
		(void)state;

		if (!a)
			continue;
		assert_int_equal(aead_seal(a, nonce, aad, slice_str("thirty-three bytes of plain text!"), sealed, NULL),
		                 ERR_OK);
		for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
			sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(aead_open(a, nonce, aad, slice_of(sealed, sizeof sealed), out, NULL),
			                 ERR_TAMPERED);
			sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_int_equal(aead_open(a, nonce, slice_str("other"), slice_of(sealed, sizeof sealed), out, NULL),
		                 ERR_TAMPERED);
		nonce[11] ^= 1;
		assert_int_equal(aead_open(a, nonce, aad, slice_of(sealed, sizeof sealed), out, NULL), ERR_TAMPERED);
		nonce[11] ^= 1;
		/* Nor anything in OpenSSL's queue of errors, which TLS would stumble over. */
		assert_int_equal(ERR_peek_error(), 0);
		/* A failure leaves nothing behind that spoils the next call. */
		assert_int_equal(aead_open(a, nonce, aad, slice_of(sealed, sizeof sealed), out, NULL), ERR_OK);
		assert_memory_equal(out, "thirty-three bytes of plain text!", sizeof out);
	}
}

static void less_than_a_tag_is_refused(void **state)
{
	for (size_t e = 0; e < 2; e++) {
		CLEANUP(secret_freep) struct secret *key = random_key();
		CLEANUP(aead_freep) struct aead *a = new_or_skip(key, both[e]);
		uint8_t nonce[AEAD_NONCE_BYTES] = {0}, sealed[AEAD_TAG_BYTES] = {0}, out[1];
		(void)state;

		for (size_t len = 0; a && len <= AEAD_TAG_BYTES; len++)
			assert_int_equal(aead_open(a, nonce, nothing, slice_of(sealed, len), out, NULL), ERR_TAMPERED);
	}
}

static void lengths_over_the_limit_are_refused_unread(void **state)
{
	CLEANUP(secret_freep) struct secret *key = random_key();
	CLEANUP(aead_freep) struct aead *a = new_or_skip(key, AEAD_ENGINE_BEST);
	uint8_t nonce[AEAD_NONCE_BYTES] = {0}, out[1];
	struct slice huge = slice_of(out, (size_t)AEAD_MESSAGE_BYTES_MAX + 1);
	struct slice huge_sealed = slice_of(out, (size_t)AEAD_MESSAGE_BYTES_MAX + 17);
	struct why why;
	(void)state;

	assert_int_equal(aead_seal(a, nonce, nothing, huge, out, &why), ERR_LIMIT);
	assert_non_null(strstr(why.text, "1073741825"));
	assert_int_equal(aead_seal(a, nonce, huge, nothing, out, NULL), ERR_LIMIT);
	assert_int_equal(aead_open(a, nonce, nothing, huge_sealed, out, NULL), ERR_LIMIT);
	assert_int_equal(aead_open(a, nonce, huge, slice_of(key, 16), out, NULL), ERR_LIMIT);
}

static void keys_of_another_length_are_refused(void **state)
{
	struct aead *a = NULL;
	(void)state;

	for (size_t len = 0; len <= 64; len++) {
		CLEANUP(secret_freep) struct secret *key = NULL;

		if (len == AEAD_KEY_BYTES)
			continue;
		assert_int_equal(secret_new(len, &key, NULL), ERR_OK);
		assert_int_equal(aead_new(key, AEAD_ENGINE_BEST, &a, NULL), ERR_INVALID);
		assert_null(a);
	}
}

/* A thread with a key of its own, beside others on the same engine. */
struct worker {
	pthread_t thread;
	struct aead *fast, *plain;
	uint8_t number;
	int differing;
};

static void *seal_often(void *argument)
{
	struct worker *w = argument;
	uint8_t nonce[AEAD_NONCE_BYTES] = {w->number}, text[1000], one[1016], two[1016];

	memset(text, w->number, sizeof text);
	for (uint16_t i = 0; i < 3000; i++) {
		memcpy(nonce + 4, &i, sizeof i);
		if (aead_seal(w->fast, nonce, slice_str("a"), slice_of(text, sizeof text), one, NULL) != ERR_OK ||
		    aead_seal(w->plain, nonce, slice_str("a"), slice_of(text, sizeof text), two, NULL) != ERR_OK ||
		    !bytes_equal_ct(one, two, sizeof one))
			w->differing++;
	}
	return NULL;
}

static void threads_with_their_own_keys_do_not_disturb_each_other(void **state)
{
	CLEANUP(secret_freep) struct secret *key = random_key();
	struct worker workers[4] = {0};
	(void)state;

	for (uint8_t i = 0; i < 4; i++) {
		workers[i].number = i;
		workers[i].fast = new_or_skip(key, AEAD_ENGINE_BEST);
		workers[i].plain = new_or_skip(key, AEAD_ENGINE_OPENSSL);
		assert_int_equal(pthread_create(&workers[i].thread, NULL, seal_often, &workers[i]), 0);
	}
	for (size_t i = 0; i < 4; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].differing, 0);
		aead_free(workers[i].fast);
		aead_free(workers[i].plain);
	}
}

static void best_is_one_of_the_two(void **state)
{
	const char *forced = getenv("CLOISTER_AEAD_ENGINE");
	(void)state;

	if (forced)
		assert_string_equal(aead_engine_name(), forced);
	else
		assert_true(slice_is_str(slice_str(aead_engine_name()), "ipsec-mb") ||
		            slice_is_str(slice_str(aead_engine_name()), "openssl"));
	aead_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nist_vectors_hold_on_each_engine),
		cmocka_unit_test(engines_write_the_same_bytes_at_random_sizes),
		cmocka_unit_test(every_length_up_to_six_blocks_agrees),
		cmocka_unit_test(any_altered_bit_is_found),
		cmocka_unit_test(less_than_a_tag_is_refused),
		cmocka_unit_test(lengths_over_the_limit_are_refused_unread),
		cmocka_unit_test(keys_of_another_length_are_refused),
		cmocka_unit_test(threads_with_their_own_keys_do_not_disturb_each_other),
		cmocka_unit_test(best_is_one_of_the_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
