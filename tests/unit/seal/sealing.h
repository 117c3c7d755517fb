/* sealing.h: what the tests of sealed files share: files in memory, keys, and a source of them. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "crypto/chunked.h"
#include "seal/seal.h"

/* Why the last call failed; each test program has its own. */
static struct why why;

#define OK(call)                                                                       \
	do {                                                                           \
		int err_ = (call);                                                     \
		if (err_ != ERR_OK)                                                    \
			fail_msg("%s: %s: %s", #call, err_class_name(err_), why.text); \
	} while (0)

static inline int memory_file(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* A memfd of `len` bytes that no period of a chunk or run repeats, standing at its start. */
static inline int patterned_file(size_t len)
{
	int fd = memory_file();
	uint8_t *bytes = malloc(len + 1);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i ^ (i >> 8) ^ (i >> 16) * 7);
	assert_int_equal(fd_write_all(fd, slice_of(bytes, len), NULL), ERR_OK);
	free(bytes);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static inline size_t file_len(int fd)
{
	return (size_t)lseek(fd, 0, SEEK_END);
}

static inline uint8_t *file_bytes(int fd, size_t *ret_len)
{
	size_t len = file_len(fd), got;
	uint8_t *bytes = malloc(len + 1);

	assert_int_equal(fd_pread_full(fd, bytes, len, 0, &got, NULL), ERR_OK);
	assert_int_equal(got, len);
	*ret_len = len;
	return bytes;
}

static inline void assert_same_content(int a, int b)
{
	size_t a_len, b_len;
	uint8_t *x = file_bytes(a, &a_len), *y = file_bytes(b, &b_len);

	assert_int_equal(a_len, b_len);
	assert_memory_equal(x, y, a_len);
	free(x);
	free(y);
}

/* A source that gives one key for kms wraps, as a KMS would after checking the context. */
MUST_USE static inline int known_key(void *self, const struct seal_wrap *wrap,
                                     const uint8_t core_hash[static SEAL_HASH_BYTES], struct secret **ret_key,
                                     struct why *reterr_why)
{
	struct secret *key = self;
	(void)core_hash;

	ENSURE(wrap->kind == SEAL_WRAP_KMS, ERR_NOTFOUND, reterr_why, "not a kms wrap");
	return secret_new_from(slice_of(secret_peek(key), secret_len(key)), ret_key, reterr_why);
}

static inline struct seal_key_source source_of(struct secret *key)
{
	return (struct seal_key_source){.unwrap = known_key, .self = key};
}

/* One kms wrap, which says nothing. */
static inline struct seal_wraps *one_wrap(void)
{
	struct seal_wraps *wraps;

	assert_int_equal(seal_wraps_new(&wraps, NULL), ERR_OK);
	assert_int_equal(seal_wraps_add_kms(wraps, slice_str("arn:aws:kms:us-east-1:111122223333:key/k"),
	                                    slice_str("ciphertext"), NULL),
	                 ERR_OK);
	return wraps;
}

/* Seals `in_fd` into a new memfd under `key`. */
static inline int sealed_file(int in_fd, const struct secret *key, unsigned threads)
{
	struct seal_options options = {.threads = threads};
	struct seal_wraps *wraps = one_wrap();
	struct seal_totals totals;
	struct seal_core core;
	int out = memory_file();

	lseek(in_fd, 0, SEEK_SET);
	OK(seal_core_new("text/csv", 1795376000000, &core, &why));
	OK(seal_stream(&core, wraps, key, in_fd, out, &options, &totals, &why));
	assert_int_equal(totals.sealed_bytes, file_len(out));
	assert_int_equal(totals.plain_bytes, file_len(in_fd));
	seal_wraps_free(wraps);
	return out;
}
