#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/recipient.h"

static struct why why;

static void make(struct secret **ret_private, uint8_t public_key[static HPKE_PUBLIC_BYTES])
{
	assert_int_equal(hpke_key_generate(ret_private, public_key, &why), ERR_OK);
}

static void a_recipient_reads_back(void **state)
{
	CLEANUP(secret_freep) struct secret *private_key = NULL;
	uint8_t public_key[HPKE_PUBLIC_BYTES], read[HPKE_PUBLIC_BYTES];
	char text[RECIPIENT_TEXT_BYTES];
	(void)state;

	make(&private_key, public_key);
	recipient_print(public_key, text);
	assert_int_equal(recipient_parse(slice_str(text), read, &why), ERR_OK);
	assert_memory_equal(read, public_key, sizeof read);
}

static void every_changed_character_of_a_recipient_is_noticed(void **state)
{
	CLEANUP(secret_freep) struct secret *private_key = NULL;
	uint8_t public_key[HPKE_PUBLIC_BYTES], read[HPKE_PUBLIC_BYTES];
	char text[RECIPIENT_TEXT_BYTES];
	size_t len;
	(void)state;

	make(&private_key, public_key);
	recipient_print(public_key, text);
	len = strlen(text);
	for (size_t i = 0; i < len; i++) {
		char kept = text[i];

		text[i] = kept == 'A' ? 'B' : 'A';
		assert_int_equal(recipient_parse(slice_str(text), read, &why), ERR_INVALID);
		text[i] = kept;
		assert_int_equal(recipient_parse(slice_of(text, i), read, &why), ERR_INVALID);
	}
}

static void an_identity_reads_back_and_is_no_recipient(void **state)
{
	CLEANUP(secret_freep) struct secret *private_key = NULL;
	CLEANUP(secret_freep) struct secret *text = NULL;
	CLEANUP(secret_freep) struct secret *read = NULL;
	uint8_t public_key[HPKE_PUBLIC_BYTES];
	(void)state;

	make(&private_key, public_key);
	assert_int_equal(identity_print(private_key, &text, &why), ERR_OK);
	assert_int_equal(identity_parse(text, &read, &why), ERR_OK);
	assert_true(secret_equal(read, private_key));
	assert_int_equal(recipient_parse(slice_str("cloister-identity+AAAA"), public_key, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "secret"));
}

static int parse(const char *text)
{
	CLEANUP(secret_freep) struct secret *bytes = NULL;
	CLEANUP(secret_freep) struct secret *read = NULL;

	assert_int_equal(secret_new_from(slice_str(text), &bytes, &why), ERR_OK);
	return identity_parse(bytes, &read, &why);
}

static void what_is_no_identity_file_is_refused(void **state)
{
#define IDENTITY "cloister-identity+AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	(void)state;

	assert_int_equal(parse(IDENTITY), ERR_OK);
	assert_int_equal(parse("# note\n\n" IDENTITY "\n"), ERR_OK);
	assert_int_equal(parse("# nothing\n"), ERR_INVALID);
	assert_int_equal(parse(IDENTITY "\n" IDENTITY "\n"), ERR_INVALID);
	assert_int_equal(parse("AGE-SECRET-KEY-1\n"), ERR_INVALID);
	assert_int_equal(parse("cloister-identity+AAAA\n"), ERR_INVALID);
	assert_int_equal(parse(IDENTITY "A"), ERR_INVALID);
	assert_int_equal(parse(IDENTITY "\r\n"), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recipient_reads_back),
		cmocka_unit_test(every_changed_character_of_a_recipient_is_noticed),
		cmocka_unit_test(an_identity_reads_back_and_is_no_recipient),
		cmocka_unit_test(what_is_no_identity_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
