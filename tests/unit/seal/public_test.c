#include <cloister/seal.h>

#include "sealing.h"

static struct cloister_why public_why;

static int sealed_for(const char *passphrase, const uint8_t *recipient, int plain)
{
	struct cloister_seal *draft;
	int sealed = memory_file();

	assert_int_equal(cloister_seal_new("text/csv", &draft, &public_why), CLOISTER_OK);
	if (passphrase)
		assert_int_equal(cloister_seal_add_passphrase(draft, passphrase, &public_why), CLOISTER_OK);
	if (recipient)
		assert_int_equal(cloister_seal_add_recipient(draft, recipient, &public_why), CLOISTER_OK);
	lseek(plain, 0, SEEK_SET);
	assert_int_equal(cloister_seal_write(draft, plain, sealed, 0, &public_why), CLOISTER_OK);
	cloister_seal_free(draft);
	lseek(sealed, 0, SEEK_SET);
	return sealed;
}

static void a_passphrase_seals_and_opens(void **state)
{
	char right[] = "right", wrong[] = "wrong";
	struct cloister_keys keys = {.unwrap = cloister_unwrap_passphrase, .self = right};
	int plain = patterned_file(50000), sealed = sealed_for(right, NULL, plain), out = memory_file();
	(void)state;

	assert_int_equal(cloister_open_write(sealed, out, &keys, 2, &public_why), CLOISTER_OK);
	assert_same_content(plain, out);
	keys.self = wrong;
	lseek(sealed, 0, SEEK_SET);
	assert_int_equal(cloister_open_write(sealed, out, &keys, 2, &public_why), CLOISTER_DENIED);
	assert_string_equal(public_why.text, "the passphrase wrap of this sealed file gave no key");
	close(plain);
	close(sealed);
	close(out);
}

static void a_recipient_reads_at_any_place(void **state)
{
	struct secret *private_key;
	uint8_t public_key[HPKE_PUBLIC_BYTES], bytes[10], raw[HPKE_PRIVATE_BYTES];
	struct cloister_keys keys = {.unwrap = cloister_unwrap_recipient, .self = raw};
	struct cloister_reader *reader;
	int plain = patterned_file(50000), sealed;
	size_t len;
	(void)state;

	OK(hpke_key_generate(&private_key, public_key, &why));
	memcpy(raw, secret_peek(private_key), sizeof raw);
	sealed = sealed_for(NULL, public_key, plain);
	assert_int_equal(cloister_reader_open(sealed, &keys, &reader, &public_why), CLOISTER_OK);
	assert_int_equal(cloister_reader_size(reader), 50000);
	assert_int_equal(cloister_reader_pread(reader, bytes, sizeof bytes, 49995, &len, NULL), CLOISTER_OK);
	assert_int_equal(len, 5);
	cloister_reader_close(reader);
	assert_int_equal(ftruncate(sealed, (off_t)file_len(sealed) - 1), 0);
	lseek(sealed, 0, SEEK_SET);
	assert_int_equal(cloister_reader_open(sealed, &keys, &reader, &public_why), CLOISTER_TAMPERED);
	secret_free(private_key);
	close(plain);
	close(sealed);
}

static int kms_stand_in(void *self, const struct cloister_wrap *wrap, uint8_t ret_key[CLOISTER_KEY_BYTES])
{
	if (strcmp(wrap->type, "kms") != 0)
		return CLOISTER_NOTFOUND;
	assert_string_equal(wrap->key_arn, "arn:aws:kms:us-east-1:111122223333:key/k");
	assert_int_equal(wrap->ciphertext_len, 4);
	memcpy(ret_key, self, CLOISTER_KEY_BYTES);
	return CLOISTER_OK;
}

static void a_kms_can_give_the_key(void **state)
{
	uint8_t key[CLOISTER_KEY_BYTES] = {42};
	struct cloister_keys keys = {.unwrap = kms_stand_in, .self = key};
	int plain = patterned_file(10), sealed = memory_file(), out = memory_file();
	struct cloister_seal *draft;
	(void)state;

	assert_int_equal(cloister_seal_new("text/csv", &draft, NULL), CLOISTER_OK);
	assert_int_equal(cloister_seal_set_key(draft, key, NULL), CLOISTER_OK);
	assert_int_equal(cloister_seal_add_kms(draft, "arn:aws:kms:us-east-1:111122223333:key/k", "blob", 4, NULL),
	                 CLOISTER_OK);
	assert_int_equal(cloister_seal_set_key(draft, key, NULL), CLOISTER_INVALID);
	assert_int_equal(cloister_seal_write(draft, plain, sealed, 1, NULL), CLOISTER_OK);
	assert_int_equal(cloister_seal_write(draft, plain, sealed, 1, NULL), CLOISTER_INVALID);
	cloister_seal_free(draft);
	lseek(sealed, 0, SEEK_SET);
	assert_int_equal(cloister_open_write(sealed, out, &keys, 1, NULL), CLOISTER_OK);
	assert_same_content(plain, out);
	key[0] = 0;
	lseek(sealed, 0, SEEK_SET);
	assert_int_equal(cloister_open_write(sealed, out, &keys, 1, NULL), CLOISTER_TAMPERED);
	close(plain);
	close(sealed);
	close(out);
}

static void mistakes_are_told(void **state)
{
	struct cloister_seal *draft;
	int plain = patterned_file(1), out = memory_file();
	struct cloister_keys keys = {.unwrap = kms_stand_in};
	(void)state;

	assert_int_equal(cloister_seal_new("not \"a type\"", &draft, &public_why), CLOISTER_INVALID);
	assert_int_equal(cloister_seal_new("text/csv", &draft, NULL), CLOISTER_OK);
	assert_int_equal(cloister_seal_add_passphrase(draft, "", NULL), CLOISTER_INVALID);
	assert_int_equal(cloister_seal_write(draft, plain, out, 1, &public_why), CLOISTER_INVALID); /* no wrap */
	cloister_seal_free(draft);
	assert_int_equal(cloister_open_write(plain, out, &keys, 1, &public_why), CLOISTER_INVALID);
	assert_int_equal(secret_count(), 0);
	close(plain);
	close(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_passphrase_seals_and_opens),
		cmocka_unit_test(a_recipient_reads_at_any_place),
		cmocka_unit_test(a_kms_can_give_the_key),
		cmocka_unit_test(mistakes_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
