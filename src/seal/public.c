#include <cloister/seal.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "seal/seal.h"

/* The public C API: the library's own functions, without its types. */

struct cloister_seal {
	struct seal_core core;
	struct secret *key;
	struct seal_wraps *wraps;
	uint8_t hash[SEAL_HASH_BYTES];
	bool is_used;
};

struct cloister_reader {
	struct seal_reader *reader;
};

_Static_assert(sizeof(struct cloister_why) == sizeof(struct why), "the two sentences are one");
_Static_assert(CLOISTER_KEY_BYTES == SEAL_KEY_BYTES, "keys are of one length");
_Static_assert(CLOISTER_HASH_BYTES == SEAL_HASH_BYTES, "hashes are of one length");
_Static_assert(CLOISTER_HPKE_BYTES == HPKE_PUBLIC_BYTES, "HPKE keys are of one length");

/* Classes are multiples of 0x100 below zero; the public codes count them from 1. */
static int public_code(int err)
{
	return -err_class(err) / 0x100;
}

static int private_code(int code)
{
	return code >= CLOISTER_OK && code <= CLOISTER_INTERNAL ? -code * 0x100 : ERR_INTERNAL;
}

static struct why *why_of(struct cloister_why *ret_why)
{
	if (ret_why)
		ret_why->text[0] = 0;
	return (struct why *)ret_why;
}

void cloister_seal_free(struct cloister_seal *seal)
{
	if (!seal)
		return;
	secret_free(seal->key);
	seal_wraps_free(seal->wraps);
	free(seal);
}

static void cloister_seal_freep(struct cloister_seal **seal)
{
	cloister_seal_free(*seal);
}

static int seal_new(const char *plaintext_type, struct cloister_seal **ret_seal, struct why *reterr_why)
{
	CLEANUP(cloister_seal_freep) struct cloister_seal *seal = calloc(1, sizeof *seal);
	CLEANUP(buf_freep) struct buf *json = NULL;

	ENSURE(seal, ERR_UNAVAILABLE, reterr_why, "out of memory");
	TRY(seal_core_new(plaintext_type, time_wall_ms(), &seal->core, reterr_why));
	TRY(buf_new(SEAL_CORE_BYTES_MAX, &json, reterr_why));
	TRY(seal_core_print(&seal->core, json, reterr_why));
	seal_core_hash(buf_slice(json), seal->hash);
	TRY(secret_new_random(SEAL_KEY_BYTES, &seal->key, reterr_why));
	TRY(seal_wraps_new(&seal->wraps, reterr_why));
	*ret_seal = take_ptr(seal);
	return ERR_OK;
}

int cloister_seal_new(const char *plaintext_type, struct cloister_seal **ret_seal, struct cloister_why *ret_why)
{
	return public_code(seal_new(plaintext_type, ret_seal, why_of(ret_why)));
}

void cloister_seal_hash(const struct cloister_seal *seal, uint8_t out[CLOISTER_HASH_BYTES])
{
	memcpy(out, seal->hash, SEAL_HASH_BYTES);
}

const uint8_t *cloister_seal_key(const struct cloister_seal *seal)
{
	return secret_peek(seal->key);
}

int cloister_seal_set_key(struct cloister_seal *seal, const uint8_t key[CLOISTER_KEY_BYTES],
                          struct cloister_why *ret_why)
{
	/* A wrap of the old key would give a key that the message does not commit to. */
	if (seal_wraps_count(seal->wraps)) {
		why_set(why_of(ret_why), "the data key is set before wraps are added");
		return CLOISTER_INVALID;
	}
	memcpy(secret_bytes(seal->key), key, SEAL_KEY_BYTES);
	return CLOISTER_OK;
}

static int add_passphrase(struct cloister_seal *seal, const char *passphrase, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *secret = NULL;
	struct scrypt_cost cost;

	ENSURE(*passphrase, ERR_INVALID, reterr_why, "an empty passphrase protects nothing");
	TRY(secret_new_from(slice_str(passphrase), &secret, reterr_why));
	TRY(scrypt_cost_new(&cost, reterr_why));
	return seal_wraps_add_passphrase(seal->wraps, seal->hash, secret, &cost, seal->key, reterr_why);
}

int cloister_seal_add_passphrase(struct cloister_seal *seal, const char *passphrase, struct cloister_why *ret_why)
{
	return public_code(add_passphrase(seal, passphrase, why_of(ret_why)));
}

int cloister_seal_add_recipient(struct cloister_seal *seal, const uint8_t public_key[CLOISTER_HPKE_BYTES],
                                struct cloister_why *ret_why)
{
	return public_code(seal_wraps_add_hpke(seal->wraps, seal->hash, public_key, seal->key, why_of(ret_why)));
}

int cloister_seal_add_kms(struct cloister_seal *seal, const char *key_arn, const void *ciphertext, size_t len,
                          struct cloister_why *ret_why)
{
	return public_code(
		seal_wraps_add_kms(seal->wraps, slice_str(key_arn), slice_of(ciphertext, len), why_of(ret_why)));
}

int cloister_seal_write(struct cloister_seal *seal, int in_fd, int out_fd, unsigned threads,
                        struct cloister_why *ret_why)
{
	struct seal_options options = {.threads = threads};
	struct seal_totals totals;

	if (seal->is_used) {
		why_set(why_of(ret_why), "a draft seals one file; make another");
		return CLOISTER_INVALID;
	}
	seal->is_used = true;
	return public_code(
		seal_stream(&seal->core, seal->wraps, seal->key, in_fd, out_fd, &options, &totals, why_of(ret_why)));
}

/* --- opening --- */

static const char *type_name(enum seal_wrap_kind kind)
{
	switch (kind) {
	case SEAL_WRAP_KMS:
		return "kms";
	case SEAL_WRAP_HPKE:
		return "hpke";
	case SEAL_WRAP_PASSPHRASE:
		return "passphrase";
	default:
		return "unknown";
	}
}

/* Asks the caller's callback, and takes its key over into a secret. */
static int ask_callback(void *self, const struct seal_wrap *wrap, const uint8_t core_hash[static SEAL_HASH_BYTES],
                        struct secret **ret_key, struct why *reterr_why)
{
	const struct cloister_keys *keys = self;
	struct cloister_wrap shown = {
		.type = type_name(wrap->kind),
		.key_arn = wrap->kind == SEAL_WRAP_KMS ? (const char *)wrap->key.ptr : NULL,
		.ciphertext = wrap->ciphertext.ptr,
		.ciphertext_len = wrap->ciphertext.len,
		.internal = wrap,
	};
	CLEANUP(secret_freep) struct secret *key = NULL;
	int err;

	if (wrap->kind == SEAL_WRAP_UNKNOWN)
		return ERR_NOTFOUND;
	memcpy(shown.hash, core_hash, SEAL_HASH_BYTES);
	TRY(secret_new(SEAL_KEY_BYTES, &key, reterr_why));
	err = private_code(keys->unwrap(keys->self, &shown, secret_bytes(key)));
	ENSURE(err == ERR_OK, err, reterr_why, "the %s wrap of this sealed file gave no key", shown.type);
	*ret_key = take_ptr(key);
	return ERR_OK;
}

static int give_key(int err, struct secret *key, uint8_t ret_key[CLOISTER_KEY_BYTES])
{
	if (err == ERR_OK && secret_len(key) != SEAL_KEY_BYTES)
		err = ERR_DENIED;
	if (err == ERR_OK)
		memcpy(ret_key, secret_peek(key), SEAL_KEY_BYTES);
	return public_code(err);
}

int cloister_unwrap_passphrase(void *self, const struct cloister_wrap *wrap, uint8_t ret_key[CLOISTER_KEY_BYTES])
{
	CLEANUP(secret_freep) struct secret *passphrase = NULL;
	CLEANUP(secret_freep) struct secret *key = NULL;
	int err = secret_new_from(slice_str(self), &passphrase, NULL);

	if (err == ERR_OK)
		err = seal_wrap_open_passphrase(wrap->internal, wrap->hash, passphrase, &key, NULL);
	return give_key(err, key, ret_key);
}

int cloister_unwrap_recipient(void *self, const struct cloister_wrap *wrap, uint8_t ret_key[CLOISTER_KEY_BYTES])
{
	CLEANUP(secret_freep) struct secret *private_key = NULL;
	CLEANUP(secret_freep) struct secret *key = NULL;
	int err = secret_new_from(slice_of(self, HPKE_PRIVATE_BYTES), &private_key, NULL);

	if (err == ERR_OK)
		err = seal_wrap_open_hpke(wrap->internal, wrap->hash, private_key, &key, NULL);
	return give_key(err, key, ret_key);
}

/* The callback is only read through; the source's pointer is not const because others write through theirs. */
static struct seal_key_source source_of(const struct cloister_keys *keys)
{
	return (struct seal_key_source){.unwrap = ask_callback, .self = (void *)(uintptr_t)keys};
}

int cloister_open_write(int in_fd, int out_fd, const struct cloister_keys *keys, unsigned threads,
                        struct cloister_why *ret_why)
{
	const struct seal_key_source source = source_of(keys);
	struct seal_options options = {.threads = threads};
	struct seal_totals totals;

	return public_code(seal_open_stream(in_fd, out_fd, NULL, &source, &options, &totals, why_of(ret_why)));
}

static int reader_open(int fd, const struct cloister_keys *keys, struct cloister_reader **ret_reader,
                       struct why *reterr_why)
{
	CLEANUP(free_p) struct cloister_reader *r = calloc(1, sizeof *r);
	const struct seal_key_source source = source_of(keys);

	ENSURE(r, ERR_UNAVAILABLE, reterr_why, "out of memory");
	TRY(seal_reader_open(fd, NULL, &source, &r->reader, reterr_why));
	*ret_reader = take_ptr(r);
	return ERR_OK;
}

int cloister_reader_open(int fd, const struct cloister_keys *keys, struct cloister_reader **ret_reader,
                         struct cloister_why *ret_why)
{
	return public_code(reader_open(fd, keys, ret_reader, why_of(ret_why)));
}

void cloister_reader_close(struct cloister_reader *reader)
{
	if (!reader)
		return;
	seal_reader_free(reader->reader);
	free(reader);
}

uint64_t cloister_reader_size(const struct cloister_reader *reader)
{
	return seal_reader_size(reader->reader);
}

int cloister_reader_pread(struct cloister_reader *reader, void *bytes, size_t len, uint64_t offset, size_t *ret_len,
                          struct cloister_why *ret_why)
{
	return public_code(seal_reader_pread(reader->reader, bytes, len, offset, ret_len, why_of(ret_why)));
}
