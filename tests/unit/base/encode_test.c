#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/encode.h"
#include "base/random.h"

static void hex_has_one_spelling_out_and_two_in(void **state)
{
	static const uint8_t bytes[] = {0x00, 0x01, 0x9a, 0xbc, 0xde, 0xff};
	uint8_t back[6];
	char out[13];
	(void)state;

	hex_encode(slice_of(bytes, 6), out);
	assert_string_equal(out, "00019abcdeff");
	hex_encode(slice_of(NULL, 0), out);
	assert_string_equal(out, "");
	assert_int_equal(hex_decode(slice_str("00019abcdeff"), back, 6, NULL), ERR_OK);
	assert_memory_equal(back, bytes, 6);
	assert_int_equal(hex_decode(slice_str("00019ABCDEFF"), back, 6, NULL), ERR_OK);
	assert_memory_equal(back, bytes, 6);
	assert_int_equal(hex_decode(slice_of(NULL, 0), back, 0, NULL), ERR_OK);
}

static void hex_of_another_length_or_alphabet_is_refused(void **state)
{
	uint8_t back[2] = {1, 2};
	struct why why;
	(void)state;

	assert_int_equal(hex_decode(slice_str("00ff0"), back, 2, &why), ERR_INVALID);
	assert_string_equal(why.text, "5 hexadecimal digits where 4 were expected");
	assert_int_equal(hex_decode(slice_str("00ff00"), back, 2, NULL), ERR_INVALID);
	assert_int_equal(hex_decode(slice_str("00"), back, 2, NULL), ERR_INVALID);
	for (unsigned c = 0; c < 256; c++) {
		uint8_t text[4] = {'0', '0', '0', (uint8_t)c};
		bool is_digit = c && strchr("0123456789abcdefABCDEF", (int)c);

		if (!is_digit)
			assert_int_equal(hex_decode(slice_of(text, 4), back, 2, NULL), ERR_INVALID);
	}
	assert_memory_equal(back, "\1\2", 2); /* no refusal has touched it */
}

/* RFC 4648 section 10. */
static const struct {
	const char *plain, *base64;
} rfc4648[] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
};

static void base64_matches_the_vectors_of_rfc_4648(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rfc4648 / sizeof rfc4648[0]; i++) {
		uint8_t back[16];
		char out[16];
		size_t len;

		base64_encode(slice_str(rfc4648[i].plain), out);
		assert_string_equal(out, rfc4648[i].base64);
		assert_int_equal(base64_decode(slice_str(rfc4648[i].base64), back, sizeof back, &len, NULL), ERR_OK);
		assert_true(slice_is_str(slice_of(back, len), rfc4648[i].plain));
	}
}

static void what_is_encoded_comes_back_at_every_length(void **state)
{
	uint8_t bytes[300], back[300];
	char out[BASE64_LEN(300) + 1];
	size_t len;
	(void)state;

	assert_int_equal(random_fill(bytes, sizeof bytes, NULL), ERR_OK);
	for (size_t n = 0; n <= sizeof bytes; n++) {
		base64_encode(slice_of(bytes, n), out);
		assert_int_equal(strlen(out), BASE64_LEN(n));
		assert_int_equal(base64_decode(slice_str(out), back, n, &len, NULL), ERR_OK);
		assert_int_equal(len, n);
		assert_memory_equal(back, bytes, n);
		if (n)
			assert_int_equal(base64_decode(slice_str(out), back, n - 1, &len, NULL), ERR_LIMIT);
	}
}

static void every_value_has_one_spelling_in_base64(void **state)
{
	static const char *const refused[] = {
		"Zg",   "Zg=",      "Zg===",    "Zm8",  "=",    "==",       "===",   "====",
		"Z===", "Zm9v====", "Zg==Zg==", "Z=g=", "Zg=A", "Zm9v\n",   " Zm9v", "Zm 9v",
		"Zm9_", "Zm9-",     "Zh==",     "Zm9=", "Zn9=", "Zm8=Zm9v", "=Zm9",
	};
	uint8_t back[16];
	size_t len;
	(void)state;

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		assert_int_equal(base64_decode(slice_str(refused[i]), back, sizeof back, &len, NULL), ERR_INVALID);
	assert_int_equal(base64_decode(slice_of("Zm9\0", 4), back, sizeof back, &len, NULL), ERR_INVALID);
}

/* All 256 bytes at each of the four places of a group: right exactly for the alphabet. */
static void the_alphabet_is_the_standard_one(void **state)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t back[3];
	size_t len;
	(void)state;

	for (unsigned c = 0; c < 256; c++)
		for (size_t at = 0; at < 4; at++) {
			uint8_t text[4] = {'A', 'A', 'A', 'A'};
			const char *found = c ? strchr(alphabet, (int)c) : NULL;
			bool is_padding = c == '=' && at == 3; /* "AAA=" */

			text[at] = (uint8_t)c;
			assert_int_equal(base64_decode(slice_of(text, 4), back, 3, &len, NULL),
			                 found || is_padding ? ERR_OK : ERR_INVALID);
			if (found)
				assert_int_equal((back[0] << 16 | back[1] << 8 | back[2]) >> (18 - 6 * at),
				                 found - alphabet);
		}
}

static void base64_is_appended_within_the_maximum(void **state)
{
	CLEANUP(buf_freep) struct buf *b = NULL;
	(void)state;

	assert_int_equal(buf_new(10, &b, NULL), ERR_OK);
	assert_int_equal(base64_put(b, slice_str("foobar"), NULL), ERR_OK);
	assert_int_equal(base64_put(b, slice_str("f"), NULL), ERR_LIMIT);
	assert_true(slice_is_str(buf_slice(b), "Zm9vYmFy"));
	assert_int_equal(base64_put(b, slice_of(NULL, 0), NULL), ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex_has_one_spelling_out_and_two_in),
		cmocka_unit_test(hex_of_another_length_or_alphabet_is_refused),
		cmocka_unit_test(base64_matches_the_vectors_of_rfc_4648),
		cmocka_unit_test(what_is_encoded_comes_back_at_every_length),
		cmocka_unit_test(every_value_has_one_spelling_in_base64),
		cmocka_unit_test(the_alphabet_is_the_standard_one),
		cmocka_unit_test(base64_is_appended_within_the_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
