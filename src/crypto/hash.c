#include "crypto/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "crypto/ossl.h"

enum { KINDS = HASH_MD5 + 1, BLOCK_BYTES_MAX = 128 };

struct hash {
	EVP_MD_CTX *ctx;
	enum hash_kind kind;
};

static const struct {
	const char *name;
	size_t bytes;
	size_t block_bytes;
} kinds[KINDS] = {
	[HASH_SHA256] = {"SHA2-256", 32, 64},  [HASH_SHA384] = {"SHA2-384", 48, 128},
	[HASH_SHA512] = {"SHA2-512", 64, 128}, [HASH_SHA1] = {"SHA1", 20, 64},
	[HASH_MD5] = {"MD5", 16, 64},
};

/* OpenSSL 3.0 looks an algorithm up by name at every use, which costs more than a short hash itself: so they are
 * fetched once, and each thread keeps one context for the one-shot functions. */
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;
static EVP_MD *fetched[KINDS];
static pthread_key_t thread_context;

/* For what can only fail without memory, or through a defect of ours: going on would mean a wrong hash. */
static void must(int ok)
{
	if (ok != 1)
		abort();
}

static void free_thread_context(void *ctx)
{
	EVP_MD_CTX_free(ctx);
}

static void fetch_all(void)
{
	for (int i = 0; i < KINDS; i++)
		fetched[i] = EVP_MD_fetch(NULL, kinds[i].name, NULL);
	ERR_clear_error(); /* one that is missing says so where it is asked for */
	must(pthread_key_create(&thread_context, free_thread_context) == 0);
}

static const EVP_MD *digest_of(enum hash_kind kind)
{
	pthread_once(&fetch_once, fetch_all);
	return fetched[kind];
}

static EVP_MD_CTX *begin(enum hash_kind kind)
{
	const EVP_MD *md = digest_of(kind);
	EVP_MD_CTX *ctx = pthread_getspecific(thread_context);

	if (!ctx) {
		ctx = EVP_MD_CTX_new();
		must(ctx && pthread_setspecific(thread_context, ctx) == 0);
	}
	must(md && EVP_DigestInit_ex2(ctx, md, NULL) == 1);
	return ctx;
}

static void update(EVP_MD_CTX *ctx, struct slice data)
{
	must(EVP_DigestUpdate(ctx, data.ptr, data.len));
}

static void finish(EVP_MD_CTX *ctx, uint8_t *out)
{
	must(EVP_DigestFinal_ex(ctx, out, NULL));
}

static void digest(enum hash_kind kind, struct slice data, uint8_t *out)
{
	EVP_MD_CTX *ctx = begin(kind);

	update(ctx, data);
	finish(ctx, out);
}

static void digest_lp(enum hash_kind kind, const struct slice *parts, size_t count, uint8_t *out)
{
	EVP_MD_CTX *ctx = begin(kind);

	for (size_t i = 0; i < count; i++) {
		uint32_t len = (uint32_t)parts[i].len;
		uint8_t prefix[4] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};

		/* A longer part would share its encoding with a shorter one: two inputs, one hash. */
		must(parts[i].len <= UINT32_MAX);
		update(ctx, slice_of(prefix, sizeof prefix));
		update(ctx, parts[i]);
	}
	finish(ctx, out);
}

size_t hash_bytes(enum hash_kind kind)
{
	return kinds[kind].bytes;
}

void sha256(struct slice data, uint8_t out[static SHA256_BYTES])
{
	digest(HASH_SHA256, data, out);
}

void sha512(struct slice data, uint8_t out[static SHA512_BYTES])
{
	digest(HASH_SHA512, data, out);
}

void sha256_lp(const struct slice *parts, size_t count, uint8_t out[static SHA256_BYTES])
{
	digest_lp(HASH_SHA256, parts, count, out);
}

void sha512_lp(const struct slice *parts, size_t count, uint8_t out[static SHA512_BYTES])
{
	digest_lp(HASH_SHA512, parts, count, out);
}

int hash_new(enum hash_kind kind, struct hash **ret_hash, struct why *reterr_why)
{
	CLEANUP(hash_freep) struct hash *h = calloc(1, sizeof *h);

	ENSURE(digest_of(kind), ERR_UNAVAILABLE, reterr_why, "OpenSSL on this host has no %s", kinds[kind].name);
	ENSURE(h && (h->ctx = EVP_MD_CTX_new()), ERR_UNAVAILABLE, reterr_why, "out of memory for a hash");
	h->kind = kind;
	hash_reset(h);
	*ret_hash = take_ptr(h);
	return ERR_OK;
}

void hash_update(struct hash *h, struct slice data)
{
	update(h->ctx, data);
}

void hash_finish(struct hash *h, uint8_t *out)
{
	finish(h->ctx, out);
}

void hash_reset(struct hash *h)
{
	must(EVP_DigestInit_ex2(h->ctx, digest_of(h->kind), NULL));
}

void hash_free(struct hash *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

void hash_freep(struct hash **h)
{
	hash_free(*h);
	*h = NULL;
}

/* RFC 2104, section 2. Composed here because OpenSSL 3.0's EVP_MAC takes microseconds to take up a new key, and the
 * signature of one request takes up five. */
void hmac_parts(enum hash_kind kind, struct slice key, const struct slice *parts, size_t count, uint8_t *out)
{
	uint8_t pad[BLOCK_BYTES_MAX] = {0}, inner[HASH_BYTES_MAX];
	struct slice block = slice_of(pad, kinds[kind].block_bytes);
	EVP_MD_CTX *ctx;

	if (key.len > block.len)
		digest(kind, key, pad);
	else if (key.len)
		memcpy(pad, key.ptr, key.len);
	for (size_t i = 0; i < block.len; i++)
		pad[i] ^= 0x36;
	ctx = begin(kind);
	update(ctx, block);
	for (size_t i = 0; i < count; i++)
		update(ctx, parts[i]);
	finish(ctx, inner);

	for (size_t i = 0; i < block.len; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	ctx = begin(kind);
	update(ctx, block);
	update(ctx, slice_of(inner, kinds[kind].bytes));
	finish(ctx, out);

	/* The context still holds the result, which may be a key: starting anew wipes it. */
	begin(kind);
	explicit_bzero(pad, sizeof pad);
	explicit_bzero(inner, sizeof inner);
}

void hmac_sha256(struct slice key, struct slice data, uint8_t out[static SHA256_BYTES])
{
	hmac_parts(HASH_SHA256, key, &data, 1, out);
}

void hmac_sha256_secret(const struct secret *key, struct slice data, uint8_t out[static SHA256_BYTES])
{
	hmac_parts(HASH_SHA256, slice_of(secret_peek(key), secret_len(key)), &data, 1, out);
}
