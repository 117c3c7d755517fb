#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/canon.h"
#include "audit/leaf.h"
#include "audit/record.h"
#include "base/encode.h"

/* --- leaves ------------------------------------------------------------------------------------------------------- */

#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define FIRST "{\"commit\":\"" ZEROS "\",\"prev\":\"\",\"producer\":\"keys\",\"seq\":1,\"v\":1}"
#define SECOND "{\"commit\":\"" ZEROS "\",\"prev\":\"" ZEROS "\",\"producer\":\"keys\",\"seq\":2,\"v\":1}"

/* What came before was lost before it reached the log. */
#define FIRST_SEEN_LATE "{\"commit\":\"" ZEROS "\",\"prev\":\"\",\"producer\":\"keys\",\"seq\":5,\"v\":1}"

static void a_leaf_is_written_in_its_one_spelling(void **state)
{
	CLEANUP(buf_freep) struct buf *text = support_buf();
	struct leaf leaf = {.producer = slice_str("keys"), .seq = 1, .prev = {{9, 9}}};
	(void)state;

	assert_ok(leaf_put(&leaf, text, NULL));
	assert_true(slice_is_str(buf_slice(text), FIRST));
	buf_reset(text);
	leaf.seq = 2;
	leaf.has_prev = true;
	leaf.prev = (struct merkle_hash){{0}};
	assert_ok(leaf_put(&leaf, text, NULL));
	assert_true(slice_is_str(buf_slice(text), SECOND));
	assert_ok(canon_check_object(buf_slice(text), NULL));
}

static void a_leaf_is_read_back(void **state)
{
	struct leaf leaf;
	(void)state;

	assert_ok(leaf_parse(slice_str(FIRST), &leaf, NULL));
	assert_true(slice_is_str(leaf.producer, "keys"));
	assert_int_equal(leaf.seq, 1);
	assert_false(leaf.has_prev);
	assert_ok(leaf_parse(slice_str(SECOND), &leaf, NULL));
	assert_int_equal(leaf.seq, 2);
	assert_true(leaf.has_prev);
	assert_ok(leaf_parse(slice_str(FIRST_SEEN_LATE), &leaf, NULL));
	assert_int_equal(leaf.seq, 5);
	assert_false(leaf.has_prev);
}

static void every_other_spelling_of_a_leaf_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"{}",
		"{\"commit\":\"" ZEROS "\",\"prev\":\"\",\"producer\":\"keys\",\"seq\":1,\"v\":2}",
		"{\"commit\":\"" ZEROS "\",\"prev\":\"\",\"producer\":\"keys\",\"seq\":0,\"v\":1}",
		"{\"commit\":\"" ZEROS "\",\"prev\":\"" ZEROS "\",\"producer\":\"keys\",\"seq\":1,\"v\":1}",
		"{\"commit\":\"" ZEROS "\",\"prev\":\"\",\"producer\":\"\",\"seq\":1,\"v\":1}",
		"{\"commit\":\"" ZEROS "\",\"prev\":\"\",\"producer\":\"a b\",\"seq\":1,\"v\":1}",
		"{\"commit\":\"\",\"prev\":\"\",\"producer\":\"keys\",\"seq\":1,\"v\":1}",
		"{\"commit\":\"AAAA\",\"prev\":\"\",\"producer\":\"keys\",\"seq\":1,\"v\":1}",
		"{\"commit\":\"" ZEROS "\",\"prev\":\"\",\"producer\":\"keys\",\"seq\":1,\"v\":1,\"w\":1}",
		"{\"commit\":\"" ZEROS "\",\"other\":1,\"prev\":\"\",\"producer\":\"keys\",\"seq\":1,\"v\":1}",
		"{\"commit\":\"" ZEROS "\",\"producer\":\"keys\",\"seq\":1,\"v\":1}",
		"{\"commit\":\"" ZEROS "\",\"prev\":\"\",\"producer\":\"keys\",\"seq\":1.5,\"v\":1}",
		"{\"commit\":\"" ZEROS "\",\"prev\":\"\",\"producer\":1,\"seq\":1,\"v\":1}",
		"{\"commit\":\"" ZEROS "\",\"prev\":\"\",\"producer\":\"keys\",\"seq\":1}",
		FIRST " ",
		" " FIRST,
	};
	struct leaf leaf = {.seq = 99};
	(void)state;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (leaf_parse(slice_str(wrong[i]), &leaf, NULL) != ERR_INVALID)
			fail_msg("%s was accepted", wrong[i]);
	for (size_t len = 0; len < sizeof SECOND - 1; len++)
		assert_int_equal(leaf_parse(slice_of(SECOND, len), &leaf, NULL), ERR_INVALID);
	assert_int_equal(leaf.seq, 99);
}

static void the_largest_leaf_fits_its_limit(void **state)
{
	CLEANUP(buf_freep) struct buf *text = support_buf();
	char producer[LEAF_PRODUCER_BYTES_MAX + 1], long_text[LEAF_BYTES_MAX + 1];
	struct leaf leaf = {.producer = slice_of(producer, LEAF_PRODUCER_BYTES_MAX),
	                    .seq = CANON_NUMBER_MAX,
	                    .has_prev = true},
		    read;
	(void)state;

	memset(producer, 'p', sizeof producer);
	assert_ok(leaf_put(&leaf, text, NULL));
	assert_true(buf_len(text) <= LEAF_BYTES_MAX);
	assert_ok(leaf_parse(buf_slice(text), &read, NULL));

	leaf.seq++;
	assert_int_equal(leaf_put(&leaf, text, NULL), ERR_INVALID);
	leaf.seq = 1;
	assert_int_equal(leaf_put(&leaf, text, NULL), ERR_INVALID);
	leaf.seq = 2;
	leaf.producer.len++;
	assert_int_equal(leaf_put(&leaf, text, NULL), ERR_INVALID);
	memset(long_text, '{', sizeof long_text);
	assert_int_equal(leaf_parse(slice_of(long_text, sizeof long_text), &read, NULL), ERR_LIMIT);
}

static void a_commitment_is_the_hash_of_salt_and_record_with_their_lengths(void **state)
{
	/* SHA-256(00000020 || 32 bytes of 01 || 00000002 || "{}"), by Python's hashlib. */
	static const char expected[] = "8c458d0ce34a0fe9233800bb9dedbeb17c4c312880f5de3975490632d2595bb2";
	uint8_t salt[SALT_BYTES], commit[MERKLE_HASH_BYTES];
	char hex[65];
	(void)state;

	memset(salt, 1, sizeof salt);
	leaf_commit(salt, slice_str("{}"), commit);
	hex_encode(slice_of(commit, sizeof commit), hex);
	assert_string_equal(hex, expected);
}

/* --- completing --------------------------------------------------------------------------------------------------- */

static void complete(const char *record, uint64_t seq, const char *expected)
{
	CLEANUP(buf_freep) struct buf *out = support_buf();
	struct record_place place = {.account_seq = seq};

	assert_ok(record_complete(slice_str(record), &place, out, NULL));
	if (!slice_is_str(buf_slice(out), expected))
		fail_msg("%.*s instead of %s", (int)buf_len(out), (const char *)buf_slice(out).ptr, expected);
	assert_ok(canon_check_object(buf_slice(out), NULL));
}

static void the_ledgers_members_are_put_in_their_places(void **state)
{
	(void)state;

	complete("{}", 1, "{\"accountPrev\":\"\",\"accountSeq\":1}");
	complete("{\"a\":1,\"b\":2}", 1, "{\"a\":1,\"accountPrev\":\"\",\"accountSeq\":1,\"b\":2}");
	complete("{\"Z\":1}", 1, "{\"Z\":1,\"accountPrev\":\"\",\"accountSeq\":1}");
	complete("{\"eventName\":\"x\"}", 2, "{\"accountPrev\":\"" ZEROS "\",\"accountSeq\":2,\"eventName\":\"x\"}");
	complete("{\"accountPz\":1,\"accountR\":2,\"accountT\":3}", 1,
	         "{\"accountPrev\":\"\",\"accountPz\":1,\"accountR\":2,\"accountSeq\":1,\"accountT\":3}");
}

static void a_record_that_brings_them_itself_is_refused(void **state)
{
	CLEANUP(buf_freep) struct buf *out = support_buf();
	struct record_place place = {.account_seq = 1};
	static const char *const wrong[] = {"{\"accountPrev\":1}",
	                                    "{\"accountSeq\":1}",
	                                    "{\"a\":1,\"accountSeq\":1,\"b\":2}",
	                                    "{\"b\":1,\"a\":2}",
	                                    "[]",
	                                    "{\"a\":1} ",
	                                    ""};
	(void)state;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(record_complete(slice_str(wrong[i]), &place, out, NULL), ERR_INVALID);
	place.account_seq = 0;
	assert_int_equal(record_complete(slice_str("{}"), &place, out, NULL), ERR_INVALID);
	assert_int_equal(buf_len(out), 0);
}

/* {"a":"xxx…"} of `len` bytes. */
static char *record_of_length(size_t len)
{
	char *text = malloc(len + 1);

	memset(text, 'x', len);
	memcpy(text, "{\"a\":\"", 6);
	memcpy(text + len - 2, "\"}", 3);
	return text;
}

static void the_largest_record_fits_with_what_is_added(void **state)
{
	enum { ADDED = sizeof ",\"accountPrev\":\"\",\"accountSeq\":1" - 1 };
	CLEANUP(buf_freep) struct buf *out = support_buf();
	CLEANUP(free_p) char *fits = record_of_length(RECORD_BYTES_MAX - ADDED);
	CLEANUP(free_p) char *too_long = record_of_length(RECORD_BYTES_MAX - ADDED + 1);
	CLEANUP(free_p) char *far_too_long = record_of_length(RECORD_BYTES_MAX + 1);
	struct record_place place = {.account_seq = 1};
	(void)state;

	assert_ok(record_complete(slice_str(fits), &place, out, NULL));
	assert_int_equal(buf_len(out), RECORD_BYTES_MAX);
	buf_reset(out);
	assert_int_equal(record_complete(slice_str(too_long), &place, out, NULL), ERR_LIMIT);
	assert_int_equal(record_complete(slice_str(far_too_long), &place, out, NULL), ERR_LIMIT);
	assert_int_equal(buf_len(out), 0);
}

/* --- sealing ------------------------------------------------------------------------------------------------------ */

static const struct record_context context = {.origin = {(const uint8_t *)"log.example", 11},
                                              .account = {(const uint8_t *)"123456789012", 12},
                                              .account_seq = 5,
                                              .leaf_index = 77};

static struct record_key new_key(struct secret **ret_secret)
{
	struct record_key key = {.id = {1, 2, 3}};

	assert_ok(secret_new_random(32, ret_secret, NULL));
	key.secret = *ret_secret;
	return key;
}

static void a_record_opens_for_its_own_place_only(void **state)
{
	CLEANUP(secret_freep) struct secret *secret = NULL, *other = NULL;
	CLEANUP(buf_freep) struct buf *sealed = support_buf(), *opened = support_buf();
	struct record_key key = new_key(&secret), wrong_key = new_key(&other), wrong_id = key;
	struct record_context wrong[4] = {context, context, context, context};
	uint8_t salt[SALT_BYTES] = {4, 5}, read[SALT_BYTES] = {0};
	(void)state;

	assert_ok(record_seal(&key, &context, salt, slice_str("{\"a\":1}"), sealed, NULL));
	assert_int_equal(buf_len(sealed), 7 + RECORD_SEALED_EXTRA_BYTES);
	assert_ok(record_open(&key, &context, buf_slice(sealed), read, opened, NULL));
	assert_true(slice_is_str(buf_slice(opened), "{\"a\":1}"));
	assert_memory_equal(read, salt, sizeof salt);

	wrong[0].origin = slice_str("log.exampl");
	wrong[1].account = slice_str("123456789013");
	wrong[2].account_seq++;
	wrong[3].leaf_index++;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(record_open(&key, &wrong[i], buf_slice(sealed), read, opened, NULL), ERR_TAMPERED);
	assert_int_equal(record_open(&wrong_key, &context, buf_slice(sealed), read, opened, NULL), ERR_TAMPERED);
	wrong_id.id[0]++;
	assert_int_equal(record_open(&wrong_id, &context, buf_slice(sealed), read, opened, NULL), ERR_TAMPERED);
	assert_int_equal(buf_len(opened), 7);
}

static void every_cut_and_altered_bit_of_a_sealed_record_is_found(void **state)
{
	CLEANUP(secret_freep) struct secret *secret = NULL;
	CLEANUP(buf_freep) struct buf *sealed = support_buf(), *opened = support_buf();
	struct record_key key = new_key(&secret);
	uint8_t salt[SALT_BYTES] = {4}, read[SALT_BYTES], bytes[128];
	size_t len;
	(void)state;

	assert_ok(record_seal(&key, &context, salt, slice_str("{}"), sealed, NULL));
	len = buf_len(sealed);
	memcpy(bytes, buf_slice(sealed).ptr, len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(record_open(&key, &context, slice_of(bytes, i), read, opened, NULL), ERR_TAMPERED);
	for (size_t bit = 0; bit < 8 * len; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(record_open(&key, &context, slice_of(bytes, len), read, opened, NULL), ERR_TAMPERED);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_ok(record_open(&key, &context, slice_of(bytes, len), read, opened, NULL));
}

static void the_largest_record_is_sealed_and_opened(void **state)
{
	CLEANUP(secret_freep) struct secret *secret = NULL;
	CLEANUP(buf_freep) struct buf *sealed = support_buf(), *opened = support_buf();
	CLEANUP(free_p) char *record = record_of_length(RECORD_BYTES_MAX + 1);
	struct record_key key = new_key(&secret);
	uint8_t salt[SALT_BYTES] = {0}, read[SALT_BYTES];
	(void)state;

	assert_int_equal(record_seal(&key, &context, salt, slice_str(record), sealed, NULL), ERR_LIMIT);
	assert_ok(record_seal(&key, &context, salt, slice_of(record, RECORD_BYTES_MAX), sealed, NULL));
	assert_ok(record_open(&key, &context, buf_slice(sealed), read, opened, NULL));
	assert_int_equal(buf_len(opened), RECORD_BYTES_MAX);
}

static void account_names_are_as_restricted_as_producers(void **state)
{
	char name[RECORD_ACCOUNT_BYTES_MAX + 1];
	(void)state;

	memset(name, '1', sizeof name);
	assert_ok(record_account_check(slice_str("123456789012"), NULL));
	assert_ok(record_account_check(slice_str("123456789012/subject-7"), NULL));
	assert_ok(record_account_check(slice_of(name, RECORD_ACCOUNT_BYTES_MAX), NULL));
	assert_int_equal(record_account_check(slice_of(name, RECORD_ACCOUNT_BYTES_MAX + 1), NULL), ERR_INVALID);
	assert_int_equal(record_account_check(slice_str(""), NULL), ERR_INVALID);
	assert_int_equal(record_account_check(slice_str("a\"b"), NULL), ERR_INVALID);
	assert_int_equal(record_account_check(slice_of("a\0b", 3), NULL), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leaf_is_written_in_its_one_spelling),
		cmocka_unit_test(a_leaf_is_read_back),
		cmocka_unit_test(every_other_spelling_of_a_leaf_is_refused),
		cmocka_unit_test(the_largest_leaf_fits_its_limit),
		cmocka_unit_test(a_commitment_is_the_hash_of_salt_and_record_with_their_lengths),
		cmocka_unit_test(the_ledgers_members_are_put_in_their_places),
		cmocka_unit_test(a_record_that_brings_them_itself_is_refused),
		cmocka_unit_test(the_largest_record_fits_with_what_is_added),
		cmocka_unit_test(a_record_opens_for_its_own_place_only),
		cmocka_unit_test(every_cut_and_altered_bit_of_a_sealed_record_is_found),
		cmocka_unit_test(the_largest_record_is_sealed_and_opened),
		cmocka_unit_test(account_names_are_as_restricted_as_producers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
