#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "base/encode.h"
#include "crypto/hash.h"
#include "vectors.h"

static void assert_hex(const uint8_t *found, size_t len, const char *wanted)
{
	char text[2 * HASH_BYTES_MAX + 1];

	hex_encode(slice_of(found, len), text);
	assert_string_equal(text, wanted);
}

/* FIPS 180-4 and RFC 1321, A.5. */
static const struct {
	enum hash_kind kind;
	const char *abc;
	const char *empty;
} known[] = {
	{HASH_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{HASH_SHA384,
         "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
         "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b"},
	{HASH_SHA512,
         "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
         "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
         "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
         "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"},
	{HASH_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
	{HASH_MD5, "900150983cd24fb0d6963f7d28e17f72", "d41d8cd98f00b204e9800998ecf8427e"},
};

static void known_digests_come_out_piece_by_piece(void **state)
{
	uint8_t out[HASH_BYTES_MAX];
	(void)state;

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		CLEANUP(hash_freep) struct hash *h = NULL;

		assert_int_equal(strlen(known[i].abc), 2 * hash_bytes(known[i].kind));
		assert_int_equal(hash_new(known[i].kind, &h, NULL), ERR_OK);
		hash_update(h, slice_str("a"));
		hash_update(h, slice_str(""));
		hash_update(h, slice_str("bc"));
		hash_finish(h, out);
		assert_hex(out, hash_bytes(known[i].kind), known[i].abc);
	}
}

static void reset_forgets_what_was_hashed(void **state)
{
	uint8_t out[HASH_BYTES_MAX];
	(void)state;

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		CLEANUP(hash_freep) struct hash *h = NULL;

		assert_int_equal(hash_new(known[i].kind, &h, NULL), ERR_OK);
		hash_update(h, slice_str("something else"));
		hash_reset(h);
		hash_finish(h, out);
		assert_hex(out, hash_bytes(known[i].kind), known[i].empty);
		hash_reset(h);
		hash_update(h, slice_str("abc"));
		hash_finish(h, out);
		assert_hex(out, hash_bytes(known[i].kind), known[i].abc);
	}
}

static void one_shots_agree_with_known_digests(void **state)
{
	uint8_t out[HASH_BYTES_MAX];
	(void)state;

	sha256(slice_str("abc"), out);
	assert_hex(out, SHA256_BYTES, known[0].abc);
	sha512(slice_str("abc"), out);
	assert_hex(out, SHA512_BYTES, known[2].abc);
	sha256(slice_of(NULL, 0), out);
	assert_hex(out, SHA256_BYTES, known[0].empty);
}

static void a_running_hash_is_not_disturbed_by_one_shots(void **state)
{
	CLEANUP(hash_freep) struct hash *h = NULL;
	uint8_t out[HASH_BYTES_MAX], other[HASH_BYTES_MAX];
	(void)state;

	assert_int_equal(hash_new(HASH_SHA256, &h, NULL), ERR_OK);
	hash_update(h, slice_str("ab"));
	sha512(slice_str("x"), other);
	hmac_sha256(slice_str("k"), slice_str("x"), other);
	hash_update(h, slice_str("c"));
	hash_finish(h, out);
	assert_hex(out, SHA256_BYTES, known[0].abc);
}

static void parts_are_hashed_with_their_lengths(void **state)
{
	const struct slice parts[] = {slice_str("ab"), slice_str(""), slice_str("c")};
	const struct slice moved[] = {slice_str("a"), slice_str("b"), slice_str("c")};
	static const char by_hand[] = "\0\0\0\2ab\0\0\0\0\0\0\0\1c";
	uint8_t out[HASH_BYTES_MAX], wanted[HASH_BYTES_MAX];
	(void)state;

	sha256_lp(parts, 3, out);
	sha256(slice_of(by_hand, sizeof by_hand - 1), wanted);
	assert_memory_equal(out, wanted, SHA256_BYTES);
	sha256_lp(moved, 3, out);
	assert_memory_not_equal(out, wanted, SHA256_BYTES);
	sha512_lp(parts, 3, out);
	sha512(slice_of(by_hand, sizeof by_hand - 1), wanted);
	assert_memory_equal(out, wanted, SHA512_BYTES);
	sha512_lp(NULL, 0, out);
	assert_hex(out, SHA512_BYTES, known[2].empty);
}

static enum hash_kind kind_named(struct slice name)
{
	return slice_is_str(name, "sha256") ? HASH_SHA256 : slice_is_str(name, "sha384") ? HASH_SHA384 : HASH_SHA512;
}

static void rfc_4231_macs_come_out(void **state)
{
	CLEANUP(vectors_closep) struct vectors *v = vectors_open("crypto/hmac.txt");
	size_t cases = 0;
	(void)state;

	for (; vectors_next(v); cases++) {
		enum hash_kind kind = kind_named(vectors_text(v, "hash"));
		struct slice key = vectors_bytes(v, "key"), message = vectors_bytes(v, "message");
		struct slice mac = vectors_bytes(v, "mac"), parts[2];
		uint8_t out[HASH_BYTES_MAX] = {0};

		hmac_parts(kind, key, &message, 1, out);
		assert_memory_equal(out, mac.ptr, mac.len); /* some are cut */
		memset(out, 0, sizeof out);
		parts[0] = slice_of(message.ptr, message.len / 3);
		parts[1] = slice_of(message.ptr + message.len / 3, message.len - message.len / 3);
		hmac_parts(kind, key, parts, 2, out);
		assert_memory_equal(out, mac.ptr, mac.len);
		if (kind != HASH_SHA256)
			continue;
		hmac_sha256(key, message, out);
		assert_memory_equal(out, mac.ptr, mac.len);
	}
	assert_int_equal(cases, 18);
}

/* RFC 2104: a key longer than the hash's block, 64 bytes or 128, is hashed first; one of just that length is not. */
static void keys_longer_than_a_block_are_hashed_first(void **state)
{
	static const uint8_t key[129] = {1, 2, 3};
	const struct slice message = slice_str("m");
	uint8_t shorter[HASH_BYTES_MAX], direct[HASH_BYTES_MAX], wanted[HASH_BYTES_MAX];
	(void)state;

	for (size_t len = 63; len <= 129; len++) {
		bool is_hashed = len > 64;

		sha256(slice_of(key, len), shorter);
		hmac_sha256(slice_of(shorter, SHA256_BYTES), message, wanted);
		hmac_sha256(slice_of(key, len), message, direct);
		assert_int_equal(bytes_equal_ct(direct, wanted, SHA256_BYTES), is_hashed);
	}
	for (size_t len = 127; len <= 129; len++) {
		bool is_hashed = len > 128;

		sha512(slice_of(key, len), shorter);
		hmac_parts(HASH_SHA512, slice_of(shorter, SHA512_BYTES), &message, 1, wanted);
		hmac_parts(HASH_SHA512, slice_of(key, len), &message, 1, direct);
		assert_int_equal(bytes_equal_ct(direct, wanted, SHA512_BYTES), is_hashed);
	}
}

static void a_secret_key_gives_the_same_mac(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	uint8_t plain[SHA256_BYTES], secret[SHA256_BYTES];
	(void)state;

	assert_int_equal(secret_new_from(slice_str("Jefe"), &key, NULL), ERR_OK);
	hmac_sha256_secret(key, slice_str("what do ya want for nothing?"), secret);
	hmac_sha256(slice_str("Jefe"), slice_str("what do ya want for nothing?"), plain);
	assert_memory_equal(plain, secret, sizeof plain);
	assert_hex(plain, sizeof plain, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void the_result_may_be_written_over_its_input(void **state)
{
	uint8_t chain[SHA256_BYTES], wanted[SHA256_BYTES];
	(void)state;

	/* As SigV4 derives its keys: each MAC is the next one's key. */
	hmac_sha256(slice_str("key"), slice_str("date"), chain);
	hmac_sha256(slice_of(chain, sizeof chain), slice_str("region"), wanted);
	hmac_sha256(slice_of(chain, sizeof chain), slice_str("region"), chain);
	assert_memory_equal(chain, wanted, sizeof chain);
}

static void *hash_many(void *wrong)
{
	uint8_t out[SHA256_BYTES], wanted[SHA256_BYTES];

	sha256(slice_str("abc"), wanted);
	for (int i = 0; i < 2000; i++) {
		sha256(slice_str("abc"), out);
		*(int *)wrong += !bytes_equal_ct(out, wanted, sizeof out);
		hmac_sha256(slice_str("k"), slice_str("m"), out);
	}
	return NULL;
}

static void threads_do_not_share_state(void **state)
{
	pthread_t threads[4];
	int wrong[4] = {0};
	(void)state;

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hash_many, &wrong[i]), 0);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(wrong[i], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_digests_come_out_piece_by_piece),
		cmocka_unit_test(reset_forgets_what_was_hashed),
		cmocka_unit_test(one_shots_agree_with_known_digests),
		cmocka_unit_test(a_running_hash_is_not_disturbed_by_one_shots),
		cmocka_unit_test(parts_are_hashed_with_their_lengths),
		cmocka_unit_test(rfc_4231_macs_come_out),
		cmocka_unit_test(keys_longer_than_a_block_are_hashed_first),
		cmocka_unit_test(a_secret_key_gives_the_same_mac),
		cmocka_unit_test(the_result_may_be_written_over_its_input),
		cmocka_unit_test(threads_do_not_share_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
