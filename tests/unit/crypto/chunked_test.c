#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/random.h"
#include "crypto/chunked.h"
#include "crypto/hash.h"
#include "vectors.h"

enum { P = CHUNKED_PLAIN_BYTES, S = CHUNKED_SEALED_BYTES, H = CHUNKED_HEAD_BYTES };

/* Lengths around every edge of the format. */
static const size_t edges[] = {0,     1,      15,        16,    17,        P - 17,    P - 16, P - 1,     P,
                               P + 1, P + 16, 2 * P - 1, 2 * P, 2 * P + 1, 3 * P - 1, 3 * P,  5 * P + 7, 7 * P};
enum { EDGES = sizeof edges / sizeof edges[0] };

static struct secret *random_key(void)
{
	struct secret *key = NULL;

	assert_int_equal(secret_new_random(AEAD_KEY_BYTES, &key, NULL), ERR_OK);
	return key;
}

static uint8_t *bytes_of(size_t len, uint8_t seed)
{
	uint8_t *bytes = malloc(len + 1);

	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(seed + i * 31 + (i >> 8));
	return bytes;
}

/* A whole message, on the heap; *ret_len is its length. */
static uint8_t *seal_message(const struct secret *key, const char *context, struct slice plain, size_t *ret_len)
{
	CLEANUP(chunked_freep) struct chunked *c = NULL;
	size_t len = (size_t)chunked_message_len(plain.len);
	uint8_t *message = malloc(len);

	assert_non_null(message);
	assert_int_equal(chunked_seal_new(key, slice_str(context), message, &c, NULL), ERR_OK);
	assert_int_equal(chunked_run_bytes(plain.len, true), len - H);
	assert_int_equal(chunked_seal_run(c, 0, plain, true, message + H, NULL), ERR_OK);
	*ret_len = len;
	return message;
}

/* As a program would: the length first, then the head, then all chunks. `out` holds message.len bytes. */
static int open_message(const struct secret *key, struct slice context, struct slice message, uint8_t *out,
                        size_t *ret_len, struct why *why)
{
	CLEANUP(chunked_freep) struct chunked *c = NULL;
	uint64_t plain_len;

	TRY(chunked_plain_len(message.len, &plain_len, why));
	TRY(chunked_open_new(key, context, message.ptr, &c, why));
	TRY(chunked_open_run(c, 0, slice_of(message.ptr + H, message.len - H), true, out, ret_len, why));
	assert_int_equal(plain_len, *ret_len);
	return ERR_OK;
}

static void published_messages_open_or_are_refused(void **state)
{
	CLEANUP(vectors_closep) struct vectors *v = vectors_open("crypto/cobblestone-256.txt");
	size_t cases = 0, valid = 0;
	(void)state;

	for (; vectors_next(v); cases++) {
		CLEANUP(secret_freep) struct secret *key = vectors_secret(v, "key");
		struct slice sealed = vectors_bytes(v, "sealed"), context = vectors_bytes(v, "context");
		CLEANUP(free_p) uint8_t *out = malloc(sealed.len + 1);
		uint8_t digest[SHA512_BYTES];
		size_t len = 0;
		int err = open_message(key, context, sealed, out, &len, NULL);

		if (!vectors_is_valid(v)) {
			assert_true(err == ERR_TAMPERED || err == ERR_INVALID);
			continue;
		}
		assert_int_equal(err, ERR_OK);
		assert_int_equal(len, vectors_number(v, "plain_len"));
		sha512(slice_of(out, len), digest);
		assert_memory_equal(digest, vectors_bytes(v, "plain_sha512").ptr, sizeof digest);
		valid++;
	}
	assert_int_equal(cases, 35);
	assert_int_equal(valid, 10);
}

static void every_edge_length_comes_back(void **state)
{
	CLEANUP(secret_freep) struct secret *key = random_key();
	(void)state;

	for (size_t i = 0; i < EDGES; i++) {
		CLEANUP(free_p) uint8_t *plain = bytes_of(edges[i], 1), *message = NULL, *out = NULL;
		size_t message_len = 0, len = 0;

		message = seal_message(key, "context", slice_of(plain, edges[i]), &message_len);
		out = malloc(message_len);
		assert_int_equal(
			open_message(key, slice_str("context"), slice_of(message, message_len), out, &len, NULL),
			ERR_OK);
		assert_int_equal(len, edges[i]);
		assert_memory_equal(out, plain, len);
	}
}

static void runs_of_any_size_write_the_same_bytes(void **state)
{
	enum { LEN = 7 * P + 100 };
	CLEANUP(secret_freep) struct secret *key = random_key();
	CLEANUP(chunked_freep) struct chunked *c = NULL, *twin = NULL;
	CLEANUP(free_p)
	uint8_t *plain = bytes_of(LEN, 2), *at_once = malloc(LEN + 8 * 16), *in_runs = malloc(LEN + 8 * 16);
	uint8_t head[H];
	(void)state;

	assert_int_equal(chunked_seal_new(key, slice_str(""), head, &c, NULL), ERR_OK);
	assert_int_equal(chunked_clone(c, &twin, NULL), ERR_OK);
	assert_int_equal(chunked_seal_run(c, 0, slice_of(plain, LEN), true, at_once, NULL), ERR_OK);
	for (size_t step = 1; step <= 8; step++) {
		memset(in_runs, 0, LEN + 8 * 16);
		/* From the last run to the first: order does not matter. Chunk 7 is the last, of 100 bytes. */
		for (size_t run = 7 / step + 1; run-- > 0;) {
			size_t first = run * step;
			bool is_last = first + step > 7;
			size_t len = is_last ? LEN - first * P : step * P;

			assert_int_equal(chunked_seal_run(twin, first, slice_of(plain + first * P, len), is_last,
			                                  in_runs + first * S, NULL),
			                 ERR_OK);
		}
		assert_memory_equal(at_once, in_runs, LEN + 8 * 16);
	}
}

static void any_chunk_opens_alone(void **state)
{
	enum { LEN = 5 * P + 9 };
	CLEANUP(secret_freep) struct secret *key = random_key();
	CLEANUP(free_p) uint8_t *plain = bytes_of(LEN, 3), *message = NULL;
	CLEANUP(chunked_freep) struct chunked *c = NULL;
	uint8_t out[P];
	size_t message_len = 0, len = 0;
	(void)state;

	message = seal_message(key, "x", slice_of(plain, LEN), &message_len);
	assert_int_equal(chunked_open_new(key, slice_str("x"), message, &c, NULL), ERR_OK);
	for (uint64_t i = 6; i-- > 0;) {
		struct slice sealed = slice_of(message + H + i * S, i == 5 ? 9 + 16 : S);

		assert_int_equal(chunked_open_run(c, i, sealed, i == 5, out, &len, NULL), ERR_OK);
		assert_int_equal(len, i == 5 ? 9 : P);
		assert_memory_equal(out, plain + i * P, len);
		assert_int_equal(chunked_open_run(c, i + 1, sealed, i == 5, out, &len, NULL), ERR_TAMPERED);
	}
}

static void every_truncation_is_found(void **state)
{
	CLEANUP(secret_freep) struct secret *key = random_key();
	CLEANUP(free_p) uint8_t *plain = bytes_of(2 * P + 40, 4), *message = NULL, *out = malloc(3 * S);
	size_t message_len = 0, len = 0;
	(void)state;

	message = seal_message(key, "x", slice_of(plain, 2 * P + 40), &message_len);
	for (size_t cut = 0; cut < message_len; cut += cut < H + 40 || cut > message_len - 100 ? 1 : 97) {
		int err = open_message(key, slice_str("x"), slice_of(message, cut), out, &len, NULL);

		assert_true(err == ERR_TAMPERED || err == ERR_INVALID);
	}
}

static void a_message_cut_between_chunks_says_so(void **state)
{
	CLEANUP(secret_freep) struct secret *key = random_key();
	CLEANUP(free_p) uint8_t *plain = bytes_of(3 * P, 5), *message = NULL, *out = malloc(4 * S);
	CLEANUP(chunked_freep) struct chunked *c = NULL;
	size_t message_len = 0, len = 77;
	struct why why;
	(void)state;

	message = seal_message(key, "x", slice_of(plain, 3 * P), &message_len);
	assert_int_equal(chunked_open_new(key, slice_str("x"), message, &c, NULL), ERR_OK);
	assert_int_equal(chunked_open_run(c, 0, slice_of(message + H, 2 * S), true, out, &len, &why), ERR_TAMPERED);
	assert_non_null(strstr(why.text, "cut short: chunk 2"));
	assert_int_equal(len, 77);
	/* Nothing at all is no message either: the shortest has an empty chunk. */
	assert_int_equal(chunked_open_run(c, 0, slice_of(message + H, 0), true, out, &len, &why), ERR_TAMPERED);
}

static void bytes_behind_the_last_chunk_are_found(void **state)
{
	CLEANUP(secret_freep) struct secret *key = random_key();
	CLEANUP(free_p) uint8_t *plain = bytes_of(P, 5), *message = NULL, *longer = NULL, *out = NULL;
	size_t message_len = 0, len = 0;
	(void)state;

	message = seal_message(key, "x", slice_of(plain, P), &message_len);
	longer = calloc(1, message_len + 2 * S);
	out = malloc(message_len + 2 * S);
	memcpy(longer, message, message_len);
	for (size_t more = 1; more < 2 * S; more += 61) {
		int err = open_message(key, slice_str("x"), slice_of(longer, message_len + more), out, &len, NULL);

		assert_true(err == ERR_TAMPERED || err == ERR_INVALID);
	}
}

static void the_altered_chunk_is_named_and_not_given_out(void **state)
{
	CLEANUP(secret_freep) struct secret *key = random_key();
	CLEANUP(free_p) uint8_t *plain = bytes_of(4 * P + 1, 6), *message = NULL, *out = malloc(5 * S);
	size_t message_len = 0, len = 0;
	(void)state;

	message = seal_message(key, "x", slice_of(plain, 4 * P + 1), &message_len);
	for (size_t chunk = 0; chunk < 5; chunk++) {
		char wanted[32];
		struct why why;

		memset(out, 0xaa, 5 * S);
		snprintf(wanted, sizeof wanted, "chunk %zu:", chunk);
		message[H + chunk * S + 5] ^= 4;
		assert_int_equal(open_message(key, slice_str("x"), slice_of(message, message_len), out, &len, &why),
		                 ERR_TAMPERED);
		message[H + chunk * S + 5] ^= 4;
		assert_non_null(strstr(why.text, wanted));
		assert_memory_equal(out, plain, chunk * P);
		assert_int_equal(out[chunk * P], 0);
		assert_int_equal(out[(chunk + 1) * P], 0xaa);
	}
}

static void swapped_chunks_are_found(void **state)
{
	CLEANUP(secret_freep) struct secret *key = random_key();
	CLEANUP(free_p) uint8_t *plain = bytes_of(2 * P, 7), *message = NULL, *out = malloc(3 * S);
	uint8_t first[S];
	size_t message_len = 0, len = 0;
	(void)state;

	message = seal_message(key, "x", slice_of(plain, 2 * P), &message_len);
	memcpy(first, message + H, S);
	memcpy(message + H, message + H + S, S);
	memcpy(message + H + S, first, S);
	assert_int_equal(open_message(key, slice_str("x"), slice_of(message, message_len), out, &len, NULL),
	                 ERR_TAMPERED);
}

static void a_head_opens_under_its_key_and_context_only(void **state)
{
	CLEANUP(secret_freep) struct secret *key = random_key(), *other = random_key();
	CLEANUP(chunked_freep) struct chunked *c = NULL;
	struct chunked *none = NULL;
	uint8_t head[H];
	size_t held;
	(void)state;

	assert_int_equal(chunked_seal_new(key, slice_str("context"), head, &c, NULL), ERR_OK);
	held = secret_count();
	assert_int_equal(chunked_open_new(other, slice_str("context"), head, &none, NULL), ERR_TAMPERED);
	assert_int_equal(chunked_open_new(key, slice_str("contex"), head, &none, NULL), ERR_TAMPERED);
	assert_int_equal(chunked_open_new(key, slice_str(""), head, &none, NULL), ERR_TAMPERED);
	for (size_t bit = 0; bit < 8 * sizeof head; bit++) {
		head[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(chunked_open_new(key, slice_str("context"), head, &none, NULL), ERR_TAMPERED);
		head[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_null(none);
	assert_int_equal(secret_count(), held);
}

static void each_message_has_its_own_salt(void **state)
{
	CLEANUP(secret_freep) struct secret *key = random_key();
	CLEANUP(chunked_freep) struct chunked *a = NULL, *b = NULL;
	uint8_t one[H], two[H], sealed_one[20], sealed_two[20];
	(void)state;

	assert_int_equal(chunked_seal_new(key, slice_str("c"), one, &a, NULL), ERR_OK);
	assert_int_equal(chunked_seal_new(key, slice_str("c"), two, &b, NULL), ERR_OK);
	assert_memory_not_equal(one, two, 24);
	assert_memory_not_equal(one + 24, two + 24, 32);
	assert_int_equal(chunked_seal_run(a, 0, slice_str("same"), true, sealed_one, NULL), ERR_OK);
	assert_int_equal(chunked_seal_run(b, 0, slice_str("same"), true, sealed_two, NULL), ERR_OK);
	assert_memory_not_equal(sealed_one, sealed_two, 20);
}

static void a_partial_chunk_is_refused_before_the_end(void **state)
{
	CLEANUP(secret_freep) struct secret *key = random_key();
	CLEANUP(chunked_freep) struct chunked *c = NULL;
	CLEANUP(free_p) uint8_t *bytes = bytes_of(2 * S, 8), *out = malloc(2 * S + 32);
	uint8_t head[H];
	size_t len = 0;
	(void)state;

	assert_int_equal(chunked_seal_new(key, slice_str(""), head, &c, NULL), ERR_OK);
	assert_int_equal(chunked_seal_run(c, 0, slice_of(bytes, P - 1), false, out, NULL), ERR_INVALID);
	assert_int_equal(chunked_seal_run(c, 0, slice_of(bytes, P + 1), false, out, NULL), ERR_INVALID);
	assert_int_equal(chunked_open_run(c, 0, slice_of(bytes, S - 1), false, out, &len, NULL), ERR_INVALID);
	assert_int_equal(chunked_open_run(c, 0, slice_of(bytes, S + 1), false, out, &len, NULL), ERR_INVALID);
	/* No chunk at all is a run too. */
	assert_int_equal(chunked_seal_run(c, 3, slice_of(NULL, 0), false, out, NULL), ERR_OK);
	assert_int_equal(chunked_open_run(c, 3, slice_of(NULL, 0), false, out, &len, NULL), ERR_OK);
	assert_int_equal(len, 0);
}

static void chunk_numbers_end_at_two_to_the_38(void **state)
{
	CLEANUP(secret_freep) struct secret *key = random_key();
	CLEANUP(chunked_freep) struct chunked *c = NULL;
	CLEANUP(free_p) uint8_t *plain = bytes_of(P, 9), *out = malloc(2 * S), *back = malloc(2 * S);
	uint8_t head[H];
	size_t len = 0;
	(void)state;

	assert_int_equal(chunked_seal_new(key, slice_str(""), head, &c, NULL), ERR_OK);
	assert_int_equal(chunked_seal_run(c, CHUNKED_CHUNKS_MAX - 1, slice_of(plain, 5), true, out, NULL), ERR_OK);
	assert_int_equal(chunked_open_run(c, CHUNKED_CHUNKS_MAX - 1, slice_of(out, 21), true, back, &len, NULL),
	                 ERR_OK);
	assert_memory_equal(back, plain, 5);
	assert_int_equal(chunked_seal_run(c, CHUNKED_CHUNKS_MAX - 1, slice_of(plain, P), true, out, NULL), ERR_LIMIT);
	assert_int_equal(chunked_seal_run(c, CHUNKED_CHUNKS_MAX, slice_of(plain, 5), true, out, NULL), ERR_LIMIT);
	assert_int_equal(chunked_seal_run(c, UINT64_MAX, slice_of(plain, 5), true, out, NULL), ERR_LIMIT);
	assert_int_equal(chunked_open_run(c, CHUNKED_CHUNKS_MAX, slice_of(out, 21), true, back, &len, NULL), ERR_LIMIT);
}

static void a_number_is_not_another_number_shifted(void **state)
{
	CLEANUP(secret_freep) struct secret *key = random_key();
	CLEANUP(chunked_freep) struct chunked *c = NULL;
	uint8_t head[H], sealed[38][20];
	(void)state;

	assert_int_equal(chunked_seal_new(key, slice_str(""), head, &c, NULL), ERR_OK);
	for (int bit = 0; bit < 38; bit++)
		assert_int_equal(chunked_seal_run(c, UINT64_C(1) << bit, slice_str("same"), true, sealed[bit], NULL),
		                 ERR_OK);
	for (int i = 0; i < 38; i++)
		for (int k = 0; k < i; k++)
			assert_memory_not_equal(sealed[i], sealed[k], 20);
}

static void a_clone_outlives_its_original(void **state)
{
	CLEANUP(secret_freep) struct secret *key = random_key();
	CLEANUP(chunked_freep) struct chunked *original = NULL, *clone = NULL;
	uint8_t head[H], sealed[20], out[20];
	size_t len = 0, before = secret_count();
	(void)state;

	assert_int_equal(chunked_seal_new(key, slice_str(""), head, &original, NULL), ERR_OK);
	assert_int_equal(chunked_clone(original, &clone, NULL), ERR_OK);
	assert_int_equal(chunked_seal_run(original, 4, slice_str("text"), true, sealed, NULL), ERR_OK);
	chunked_freep(&original);
	assert_int_equal(chunked_open_run(clone, 4, slice_of(sealed, 20), true, out, &len, NULL), ERR_OK);
	assert_memory_equal(out, "text", 4);
	chunked_freep(&clone);
	assert_int_equal(secret_count(), before);
}

static void keys_and_contexts_out_of_bounds_are_refused(void **state)
{
	CLEANUP(secret_freep) struct secret *key = random_key(), *shorter = NULL;
	CLEANUP(chunked_freep) struct chunked *c = NULL;
	uint8_t head[H] = {0}, context[CHUNKED_CONTEXT_BYTES_MAX + 1] = {0};
	struct chunked *none = NULL;
	(void)state;

	assert_int_equal(secret_new(31, &shorter, NULL), ERR_OK);
	assert_int_equal(chunked_seal_new(shorter, slice_str(""), head, &none, NULL), ERR_INVALID);
	assert_int_equal(chunked_open_new(shorter, slice_str(""), head, &none, NULL), ERR_INVALID);
	assert_int_equal(chunked_seal_new(key, slice_of(context, sizeof context), head, &none, NULL), ERR_LIMIT);
	assert_null(none);
	assert_int_equal(head[0] | head[H - 1], 0);
	assert_int_equal(chunked_seal_new(key, slice_of(context, sizeof context - 1), head, &c, NULL), ERR_OK);
}

static void lengths_of_messages_are_a_bijection(void **state)
{
	uint64_t previous = 0;
	(void)state;

	for (uint64_t plain = 0; plain < 4 * P; plain++) {
		uint64_t message = chunked_message_len(plain), back = 0;

		assert_true(plain == 0 || message > previous);
		/* Every length between is no message. */
		for (uint64_t gap = previous + 1; plain > 0 && gap < message; gap++)
			assert_int_equal(chunked_plain_len(gap, &back, NULL), ERR_INVALID);
		assert_int_equal(chunked_plain_len(message, &back, NULL), ERR_OK);
		assert_int_equal(back, plain);
		previous = message;
	}
	for (uint64_t len = 0; len < H + 16; len++)
		assert_int_equal(chunked_plain_len(len, &previous, NULL), ERR_INVALID);
}

static void the_longest_message_is_the_specifications(void **state)
{
	/* 2^38 chunks, the last one byte short of whole. */
	uint64_t plain = (CHUNKED_CHUNKS_MAX << 14) - 1, back = 0;
	(void)state;

	assert_int_equal(chunked_plain_len(chunked_message_len(plain), &back, NULL), ERR_OK);
	assert_true(back == plain);
	assert_int_equal(chunked_plain_len(chunked_message_len(plain + 1), &back, NULL), ERR_INVALID);
	assert_int_equal(chunked_plain_len(UINT64_MAX, &back, NULL), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_messages_open_or_are_refused),
		cmocka_unit_test(every_edge_length_comes_back),
		cmocka_unit_test(runs_of_any_size_write_the_same_bytes),
		cmocka_unit_test(any_chunk_opens_alone),
		cmocka_unit_test(every_truncation_is_found),
		cmocka_unit_test(a_message_cut_between_chunks_says_so),
		cmocka_unit_test(bytes_behind_the_last_chunk_are_found),
		cmocka_unit_test(the_altered_chunk_is_named_and_not_given_out),
		cmocka_unit_test(swapped_chunks_are_found),
		cmocka_unit_test(a_head_opens_under_its_key_and_context_only),
		cmocka_unit_test(each_message_has_its_own_salt),
		cmocka_unit_test(a_partial_chunk_is_refused_before_the_end),
		cmocka_unit_test(chunk_numbers_end_at_two_to_the_38),
		cmocka_unit_test(a_number_is_not_another_number_shifted),
		cmocka_unit_test(a_clone_outlives_its_original),
		cmocka_unit_test(keys_and_contexts_out_of_bounds_are_refused),
		cmocka_unit_test(lengths_of_messages_are_a_bijection),
		cmocka_unit_test(the_longest_message_is_the_specifications),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
