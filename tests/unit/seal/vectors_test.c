#include "sealing.h"

#include "vectors.h"

static int by_passphrase(void *self, const struct seal_wrap *wrap, const uint8_t hash[static SEAL_HASH_BYTES],
                         struct secret **ret_key, struct why *reterr_why)
{
	return seal_wrap_open_passphrase(wrap, hash, self, ret_key, reterr_why);
}

static int by_private_key(void *self, const struct seal_wrap *wrap, const uint8_t hash[static SEAL_HASH_BYTES],
                          struct secret **ret_key, struct why *reterr_why)
{
	return seal_wrap_open_hpke(wrap, hash, self, ret_key, reterr_why);
}

/* Puts a file together from the parts of a case. */
static int file_of(struct vectors *v)
{
	struct slice core = vectors_text(v, "core"), wraps = vectors_text(v, "wraps");
	uint8_t hash[SEAL_HASH_BYTES];
	int fd = memory_file();
	struct buf *head;

	seal_core_hash(core, hash);
	assert_memory_equal(hash, vectors_bytes(v, "core_hash").ptr, sizeof hash);
	OK(buf_new(SEAL_HEAD_BYTES_MAX, &head, &why));
	OK(seal_head_print(core, wraps, head, &why));
	OK(fd_write_all(fd, buf_slice(head), &why));
	OK(fd_write_all(fd, vectors_bytes(v, "message"), &why));
	buf_free(head);
	return fd;
}

static void check_opens(int sealed, struct seal_key_source source, struct slice expected)
{
	struct seal_totals totals;
	int out = memory_file();
	size_t len;
	uint8_t *bytes;

	lseek(sealed, 0, SEEK_SET);
	OK(seal_open_stream(sealed, out, NULL, &source, NULL, &totals, &why));
	bytes = file_bytes(out, &len);
	assert_int_equal(len, expected.len);
	if (len)
		assert_memory_equal(bytes, expected.ptr, len);
	free(bytes);
	close(out);
}

static void files_of_another_implementation_open(void **state)
{
	CLEANUP(vectors_closep) struct vectors *v = vectors_open("formats/sealed-file.txt");
	unsigned count = 0;
	(void)state;

	for (; vectors_next(v); count++) {
		struct secret *private_key = vectors_secret(v, "private_key"), *passphrase;
		int sealed = file_of(v);

		OK(secret_new_from(vectors_text(v, "passphrase"), &passphrase, &why));
		check_opens(sealed, (struct seal_key_source){by_passphrase, passphrase}, vectors_bytes(v, "plain"));
		check_opens(sealed, (struct seal_key_source){by_private_key, private_key}, vectors_bytes(v, "plain"));
		secret_free(private_key);
		secret_free(passphrase);
		close(sealed);
	}
	assert_int_equal(count, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_of_another_implementation_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
