/* kdf.h: keys from keys (HKDF, RFC 5869) and from passphrases (scrypt, RFC 7914). */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"
#include "crypto/hash.h"

/* HKDF-Expand under a pseudorandom key, with SHA-256 or SHA-512; `len` <= 255 digests and <= SECRET_LARGE_BYTES. */
MUST_USE int hkdf_expand(enum hash_kind kind, const struct secret *prk, struct slice info, size_t len,
                         struct secret **ret_okm, struct why *reterr_why);

/* HKDF-Extract, then Expand. An empty salt is a digest of zeros. */
MUST_USE int hkdf(enum hash_kind kind, const struct secret *ikm, struct slice salt, struct slice info, size_t len,
                  struct secret **ret_okm, struct why *reterr_why);

/* HKDF-Extract over the concatenation of `ikm`: for protocols that label what they extract from (RFC 9180). */
MUST_USE int hkdf_extract(enum hash_kind kind, struct slice salt, const struct slice *ikm, size_t count,
                          struct secret **ret_prk, struct why *reterr_why);

#define SCRYPT_KEY_BYTES 32

/* What a passphrase is stretched with; stored beside what it wraps. */
struct scrypt_cost {
	uint8_t salt[32];
	uint32_t log_n; /* N = 2^log_n, 14 to 22 */
	uint32_t r;     /* 8 */
	uint32_t p;     /* 1 to 16 */
};

/* A fresh salt and the cost that is ours: log_n 17 (128 MiB), r 8, p 1. */
MUST_USE int scrypt_cost_new(struct scrypt_cost *ret_cost, struct why *reterr_why);

/* 32 bytes. ERR_LIMIT for a cost outside the bounds above: it may come from a file that somebody altered. */
MUST_USE int scrypt_derive(const struct secret *passphrase, const struct scrypt_cost *cost, struct secret **ret_key,
                           struct why *reterr_why);

/* With nothing bounded: for the specification's vectors only. */
MUST_USE int scrypt_raw(const struct secret *passphrase, struct slice salt, uint64_t n, uint32_t r, uint32_t p,
                        size_t len, struct secret **ret_key, struct why *reterr_why);
