/* hash.h: SHA-2 (FIPS 180-4), HMAC (RFC 2104), and the two old hashes that S3 still writes into ETags and checksums. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"

#define SHA256_BYTES 32
#define SHA384_BYTES 48
#define SHA512_BYTES 64
#define HASH_BYTES_MAX 64

enum hash_kind {
	HASH_SHA256,
	HASH_SHA384,
	HASH_SHA512,
	HASH_SHA1, /* S3 checksums and RFC formats only */
	HASH_MD5,  /* S3 ETags and Content-MD5 only */
};

/* The digest's length in bytes. */
size_t hash_bytes(enum hash_kind kind);

/* One-shot. They cannot fail short of memory; without it the process ends. */
void sha256(struct slice data, uint8_t out[static SHA256_BYTES]);
void sha512(struct slice data, uint8_t out[static SHA512_BYTES]);

/* The hash over lp(parts[0], parts[1], …): each part preceded by its length as u32 big-endian
 * (protocols). A part of 4 GiB or more has no such encoding: the process ends. */
void sha256_lp(const struct slice *parts, size_t count, uint8_t out[static SHA256_BYTES]);
void sha512_lp(const struct slice *parts, size_t count, uint8_t out[static SHA512_BYTES]);

/* Piece by piece. hash_finish() may be called once; hash_reset() starts over with the same kind. */
struct hash;
MUST_USE int hash_new(enum hash_kind kind, struct hash **ret_hash, struct why *reterr_why);
void hash_update(struct hash *h, struct slice data);
void hash_finish(struct hash *h, uint8_t *out);
void hash_reset(struct hash *h);
void hash_free(struct hash *h);
void hash_freep(struct hash **h);

/* HMAC-SHA-256 under a public or secret key of any length. */
void hmac_sha256(struct slice key, struct slice data, uint8_t out[static SHA256_BYTES]);
void hmac_sha256_secret(const struct secret *key, struct slice data, uint8_t out[static SHA256_BYTES]);

/* HMAC with any kind over the concatenation of `parts`; writes hash_bytes(kind). Leaves no trace of key or result. */
void hmac_parts(enum hash_kind kind, struct slice key, const struct slice *parts, size_t count, uint8_t *out);
