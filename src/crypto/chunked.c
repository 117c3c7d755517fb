#include "crypto/chunked.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/random.h"
#include "crypto/kdf.h"

enum {
	SALT_BYTES = 24,
	COMMITMENT_BYTES = 32,
	/* What one derivation gives, in this order. */
	COMMITMENT_AT = AEAD_KEY_BYTES + AEAD_NONCE_BYTES,
	DERIVED_BYTES = COMMITMENT_AT + COMMITMENT_BYTES,
};

/* Ends in the zero byte that the specification puts between the AEAD's name and the salt: the literal's own. */
static const char info_label[] = "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM";

struct chunked {
	struct secret *derived; /* key and base nonce */
	struct aead *aead;
};

static int derive(const struct secret *key, struct slice context, const uint8_t *salt, struct secret **ret_derived,
                  struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *info = NULL;

	ENSURE(secret_len(key) == AEAD_KEY_BYTES, ERR_INVALID, reterr_why,
	       "a Cobblestone-256 key has %d bytes, not %zu", AEAD_KEY_BYTES, secret_len(key));
	ENSURE(context.len <= CHUNKED_CONTEXT_BYTES_MAX, ERR_LIMIT, reterr_why,
	       "a context of %zu bytes; at most %d are accepted", context.len, CHUNKED_CONTEXT_BYTES_MAX);
	TRY(buf_new(sizeof info_label + SALT_BYTES + CHUNKED_CONTEXT_BYTES_MAX, &info, reterr_why));
	TRY(buf_put(info, slice_of(info_label, sizeof info_label), reterr_why));
	TRY(buf_put(info, slice_of(salt, SALT_BYTES), reterr_why));
	TRY(buf_put(info, context, reterr_why));
	return hkdf_expand(HASH_SHA512, key, buf_slice(info), DERIVED_BYTES, ret_derived, reterr_why);
}

/* Takes over `derived` when it succeeds. */
static int chunked_new(struct secret **derived, struct chunked **ret_chunked, struct why *reterr_why)
{
	CLEANUP(chunked_freep) struct chunked *c = calloc(1, sizeof *c);
	CLEANUP(secret_freep) struct secret *key = NULL;

	ENSURE(c, ERR_UNAVAILABLE, reterr_why, "out of memory for a message");
	TRY(secret_new_from(slice_of(secret_peek(*derived), AEAD_KEY_BYTES), &key, reterr_why));
	TRY(aead_new(key, AEAD_ENGINE_BEST, &c->aead, reterr_why));
	c->derived = take_ptr(*derived);
	secret_shrink(c->derived, COMMITMENT_AT);
	*ret_chunked = take_ptr(c);
	return ERR_OK;
}

int chunked_seal_new(const struct secret *key, struct slice context, uint8_t ret_head[static CHUNKED_HEAD_BYTES],
                     struct chunked **ret_chunked, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *derived = NULL;
	uint8_t head[CHUNKED_HEAD_BYTES];

	TRY(random_fill(head, SALT_BYTES, reterr_why));
	TRY(derive(key, context, head, &derived, reterr_why));
	memcpy(head + SALT_BYTES, secret_peek(derived) + COMMITMENT_AT, COMMITMENT_BYTES);
	TRY(chunked_new(&derived, ret_chunked, reterr_why));
	memcpy(ret_head, head, sizeof head);
	return ERR_OK;
}

int chunked_open_new(const struct secret *key, struct slice context, const uint8_t head[static CHUNKED_HEAD_BYTES],
                     struct chunked **ret_chunked, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *derived = NULL;

	TRY(derive(key, context, head, &derived, reterr_why));
	ENSURE(bytes_equal_ct(secret_peek(derived) + COMMITMENT_AT, head + SALT_BYTES, COMMITMENT_BYTES), ERR_TAMPERED,
	       reterr_why, "the head is altered, or the message was sealed under another key or context");
	return chunked_new(&derived, ret_chunked, reterr_why);
}

void chunked_free(struct chunked *c)
{
	if (!c)
		return;
	secret_free(c->derived);
	aead_free(c->aead);
	free(c);
}

void chunked_freep(struct chunked **c)
{
	chunked_free(*c);
	*c = NULL;
}

int chunked_clone(const struct chunked *c, struct chunked **ret_clone, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *derived = NULL;

	TRY(secret_new_from(slice_of(secret_peek(c->derived), secret_len(c->derived)), &derived, reterr_why));
	return chunked_new(&derived, ret_clone, reterr_why);
}

/* The base nonce XOR the chunk's number, big-endian, as wide as the nonce. */
static void nonce_of(const struct chunked *c, uint64_t chunk, uint8_t nonce[static AEAD_NONCE_BYTES])
{
	memcpy(nonce, secret_peek(c->derived) + AEAD_KEY_BYTES, AEAD_NONCE_BYTES);
	for (int i = 0; i < 8; i++)
		nonce[AEAD_NONCE_BYTES - 1 - i] ^= (uint8_t)(chunk >> (8 * i));
}

static int check_numbers(uint64_t first, size_t chunks, struct why *reterr_why)
{
	ENSURE(first <= CHUNKED_CHUNKS_MAX && chunks <= CHUNKED_CHUNKS_MAX - first, ERR_LIMIT, reterr_why,
	       "chunk %llu and %zu more; a message has at most 2^38", (unsigned long long)first, chunks);
	return ERR_OK;
}

int chunked_seal_run(struct chunked *c, uint64_t first, struct slice plain, bool is_last, uint8_t *out,
                     struct why *reterr_why)
{
	size_t whole = plain.len / CHUNKED_PLAIN_BYTES, rest = plain.len % CHUNKED_PLAIN_BYTES;
	size_t chunks = whole + (is_last ? 1 : 0);
	uint8_t nonce[AEAD_NONCE_BYTES];

	ENSURE(is_last || rest == 0, ERR_INVALID, reterr_why,
	       "%zu bytes are not whole chunks of %d, and not the message's end", plain.len, CHUNKED_PLAIN_BYTES);
	TRY(check_numbers(first, chunks, reterr_why));
	for (size_t i = 0; i < chunks; i++) {
		size_t len = i < whole ? CHUNKED_PLAIN_BYTES : rest;
		struct slice chunk = slice_of(len ? plain.ptr + i * CHUNKED_PLAIN_BYTES : NULL, len);

		nonce_of(c, first + i, nonce);
		TRY(aead_seal(c->aead, nonce, slice_of(NULL, 0), chunk, out + i * CHUNKED_SEALED_BYTES, reterr_why));
	}
	return ERR_OK;
}

int chunked_open_run(struct chunked *c, uint64_t first, struct slice sealed, bool is_last, uint8_t *out,
                     size_t *ret_len, struct why *reterr_why)
{
	size_t whole = sealed.len / CHUNKED_SEALED_BYTES, rest = sealed.len % CHUNKED_SEALED_BYTES;
	size_t chunks = whole + (is_last ? 1 : 0);
	uint8_t nonce[AEAD_NONCE_BYTES];

	ENSURE(is_last || rest == 0, ERR_INVALID, reterr_why,
	       "%zu bytes are not whole sealed chunks of %d, and not the message's end", sealed.len,
	       CHUNKED_SEALED_BYTES);
	ENSURE(!is_last || rest >= AEAD_TAG_BYTES, ERR_TAMPERED, reterr_why,
	       "the message is cut short: chunk %llu should be its last, and is missing",
	       (unsigned long long)(first + whole));
	TRY(check_numbers(first, chunks, reterr_why));
	for (size_t i = 0; i < chunks; i++) {
		struct slice chunk = slice_of(sealed.ptr + i * CHUNKED_SEALED_BYTES,
		                              i < whole ? CHUNKED_SEALED_BYTES : rest);
		int err;

		nonce_of(c, first + i, nonce);
		err = aead_open(c->aead, nonce, slice_of(NULL, 0), chunk, out + i * CHUNKED_PLAIN_BYTES, reterr_why);
		if (err != ERR_OK) {
			why_prefix(reterr_why, "chunk %llu: ", (unsigned long long)(first + i));
			return err;
		}
	}
	*ret_len = sealed.len - chunks * AEAD_TAG_BYTES;
	return ERR_OK;
}

size_t chunked_run_bytes(size_t plain_len, bool is_last)
{
	size_t chunks = plain_len / CHUNKED_PLAIN_BYTES + (is_last ? 1 : 0);

	return plain_len + chunks * AEAD_TAG_BYTES;
}

uint64_t chunked_message_len(uint64_t plain_len)
{
	return CHUNKED_HEAD_BYTES + plain_len + (plain_len / CHUNKED_PLAIN_BYTES + 1) * AEAD_TAG_BYTES;
}

int chunked_plain_len(uint64_t message_len, uint64_t *ret_plain_len, struct why *reterr_why)
{
	uint64_t body, whole, rest;

	ENSURE(message_len >= CHUNKED_HEAD_BYTES + AEAD_TAG_BYTES, ERR_INVALID, reterr_why,
	       "%llu bytes are no sealed message; the shortest has %d", (unsigned long long)message_len,
	       CHUNKED_HEAD_BYTES + AEAD_TAG_BYTES);
	body = message_len - CHUNKED_HEAD_BYTES;
	whole = body / CHUNKED_SEALED_BYTES;
	rest = body % CHUNKED_SEALED_BYTES;
	ENSURE(rest >= AEAD_TAG_BYTES && whole < CHUNKED_CHUNKS_MAX, ERR_INVALID, reterr_why,
	       "no sealed message has %llu bytes: it is cut short", (unsigned long long)message_len);
	*ret_plain_len = whole * CHUNKED_PLAIN_BYTES + rest - AEAD_TAG_BYTES;
	return ERR_OK;
}
