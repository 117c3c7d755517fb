/* seal.h: sealed files, for programs that are not part of Cloister (docs/protocol/sealed-file.md).
 *
 * Sealing: make a draft, add at least one way to the data key, write. Opening: a callback or a passphrase gives the
 * data key. Every function returns 0 or one of the codes below and leaves a sentence in the error buffer, if one was
 * given. Nothing here prints, logs or keeps global state; objects belong to one thread at a time. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CLOISTER_SEAL_API 1 /* grows when something is added; what is here stays */

enum cloister_error {
	CLOISTER_OK = 0,
	CLOISTER_INVALID = 1,     /* an argument, or not a sealed file */
	CLOISTER_DENIED = 2,      /* wrong passphrase, or no key for this file */
	CLOISTER_NOTFOUND = 3,    /* from a callback: this wrap is not for it */
	CLOISTER_CONFLICT = 4,    /* the input changed while it was read */
	CLOISTER_LIMIT = 5,       /* over a limit of the format */
	CLOISTER_TAMPERED = 6,    /* altered or cut short; the sentence names the chunk */
	CLOISTER_UNAVAILABLE = 7, /* input, output or memory failed; may work later */
	CLOISTER_INTERNAL = 8,
};

/* A sentence about the last failure, without a full stop. */
struct cloister_why {
	char text[512];
};

#define CLOISTER_KEY_BYTES 32
#define CLOISTER_HASH_BYTES 32
#define CLOISTER_HPKE_BYTES 32

/* --- sealing --- */

struct cloister_seal;

/* A draft: fresh data key, fresh id. `plaintext_type` is a media type, "text/csv". Free it with cloister_seal_free().
 */
int cloister_seal_new(const char *plaintext_type, struct cloister_seal **ret_seal, struct cloister_why *ret_why);
void cloister_seal_free(struct cloister_seal *seal);

/* What wraps are bound to. For a KMS: the encryption context {"cloister:sealed": this, in lower-case hexadecimal}. */
void cloister_seal_hash(const struct cloister_seal *seal, uint8_t out[CLOISTER_HASH_BYTES]);

/* The data key, for a KMS's Encrypt; borrowed until the draft is freed. A key that a KMS generated replaces it. */
const uint8_t *cloister_seal_key(const struct cloister_seal *seal);
int cloister_seal_set_key(struct cloister_seal *seal, const uint8_t key[CLOISTER_KEY_BYTES],
                          struct cloister_why *ret_why);

/* Ways to the data key. Set the key before adding any. */
int cloister_seal_add_passphrase(struct cloister_seal *seal, const char *passphrase, struct cloister_why *ret_why);
int cloister_seal_add_recipient(struct cloister_seal *seal, const uint8_t public_key[CLOISTER_HPKE_BYTES],
                                struct cloister_why *ret_why);
int cloister_seal_add_kms(struct cloister_seal *seal, const char *key_arn, const void *ciphertext, size_t len,
                          struct cloister_why *ret_why);

/* Seals all that `in_fd` gives and writes the sealed file to `out_fd`; either may be a pipe. `threads` 0 means as many
 * as there are processors. On failure discard the output. A draft seals once. */
int cloister_seal_write(struct cloister_seal *seal, int in_fd, int out_fd, unsigned threads,
                        struct cloister_why *ret_why);

/* --- opening --- */

/* One wrap of a file, as a callback sees it. Everything is borrowed for the call. */
struct cloister_wrap {
	const char *type;    /* "kms", "hpke", "passphrase" */
	const char *key_arn; /* kms: the key; else NULL */
	const void *ciphertext;
	size_t ciphertext_len;
	uint8_t hash[CLOISTER_HASH_BYTES]; /* for the encryption context, as above */
	const void *internal;
};

/* Where the data key comes from. `unwrap` is asked for each wrap until one gives a key; it fills `ret_key` and returns
 * 0, or CLOISTER_NOTFOUND to pass, or another code to be told if nothing else opens the file. */
struct cloister_keys {
	int (*unwrap)(void *self, const struct cloister_wrap *wrap, uint8_t ret_key[CLOISTER_KEY_BYTES]);
	void *self;
};

/* Ready ones, to call from an unwrap: `self` is a passphrase (C string), or the 32 bytes of an HPKE private key. */
int cloister_unwrap_passphrase(void *self, const struct cloister_wrap *wrap, uint8_t ret_key[CLOISTER_KEY_BYTES]);
int cloister_unwrap_recipient(void *self, const struct cloister_wrap *wrap, uint8_t ret_key[CLOISTER_KEY_BYTES]);

/* Opens the sealed file that `in_fd` gives and writes what was sealed to `out_fd`. On CLOISTER_TAMPERED what was
 * written is authentic but not the whole: discard it. */
int cloister_open_write(int in_fd, int out_fd, const struct cloister_keys *keys, unsigned threads,
                        struct cloister_why *ret_why);

/* Random access to a sealed regular file; the descriptor must stay open as long as the reader. */
struct cloister_reader;
int cloister_reader_open(int fd, const struct cloister_keys *keys, struct cloister_reader **ret_reader,
                         struct cloister_why *ret_why);
void cloister_reader_close(struct cloister_reader *reader);
uint64_t cloister_reader_size(const struct cloister_reader *reader);

/* At most `len` bytes at `offset`; *ret_len is less only at the end. */
int cloister_reader_pread(struct cloister_reader *reader, void *bytes, size_t len, uint64_t offset, size_t *ret_len,
                          struct cloister_why *ret_why);

#ifdef __cplusplus
}
#endif
