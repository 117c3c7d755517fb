/* wraps.h: the ways to the data key of a sealed file (docs/protocol/sealed-file.md 3).
 *
 * A wrap is a hint, not trusted: it gives a data key or it does not, and the message's commitment decides whether it is
 * the right one. Each is bound to the hash of the file's core. Adding a wrap needs the data key; dropping one only
 * denies.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"
#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "seal/head.h"

/* The encryption context of a kms wrap has one pair: this name, and the core's hash in lower-case hexadecimal. */
#define SEAL_CONTEXT_NAME "cloister:sealed"

enum seal_wrap_kind {
	SEAL_WRAP_KMS,
	SEAL_WRAP_HPKE,
	SEAL_WRAP_PASSPHRASE,
	SEAL_WRAP_UNKNOWN, /* of a newer program: kept as it is, and never tried */
};

struct seal_wrap {
	enum seal_wrap_kind kind;
	struct slice key;            /* kms: the key's ARN */
	char recipient[2 * 32 + 1];  /* hpke: the fingerprint of the public key */
	uint8_t enc[HPKE_ENC_BYTES]; /* hpke */
	struct scrypt_cost cost;     /* passphrase */
	struct slice ciphertext;     /* the wrapped data key */
	void *json;                  /* internal: the member of the list as it was read */
};

struct seal_wraps;

MUST_USE int seal_wraps_new(struct seal_wraps **ret_wraps, struct why *reterr_why);
void seal_wraps_free(struct seal_wraps *w);
void seal_wraps_freep(struct seal_wraps **w);

/* Reads a list: JSON, then spaces up to its padded length. ERR_INVALID, ERR_LIMIT (SEAL_WRAPS_MAX,
 * SEAL_WRAP_CIPHERTEXT_BYTES_MAX, costs that a stranger may not impose). */
MUST_USE int seal_wraps_parse(struct slice text, struct seal_wraps **ret_wraps, struct why *reterr_why);

/* Appends the list in canonical JSON and spaces up to a multiple of SEAL_WRAPS_STEP_BYTES. */
MUST_USE int seal_wraps_print(const struct seal_wraps *w, struct buf *into, struct why *reterr_why);

/* As above, padded to exactly `len` bytes: to be put in the place of another list. ERR_LIMIT if it does not fit. */
MUST_USE int seal_wraps_print_into(const struct seal_wraps *w, size_t len, struct buf *into, struct why *reterr_why);

/* Wraps in their order; borrowed until the list changes. */
size_t seal_wraps_count(const struct seal_wraps *w);
const struct seal_wrap *seal_wraps_at(const struct seal_wraps *w, size_t at);
void seal_wraps_drop(struct seal_wraps *w, size_t at);

/* Adds what a KMS gave as the ciphertext of the data key, under SEAL_CONTEXT_NAME. */
MUST_USE int seal_wraps_add_kms(struct seal_wraps *w, struct slice key_arn, struct slice ciphertext,
                                struct why *reterr_why);

/* Wraps the data key to an HPKE public key: info = lp("cloister.sealed-wrap/v1", "hpke", core hash), no AAD. */
MUST_USE int seal_wraps_add_hpke(struct seal_wraps *w, const uint8_t core_hash[static SEAL_HASH_BYTES],
                                 const uint8_t public_key[static HPKE_PUBLIC_BYTES], const struct secret *data_key,
                                 struct why *reterr_why);

/* Wraps it under a passphrase: XAES-256-GCM under scrypt's key, AAD = lp("cloister.sealed-wrap/v1", "passphrase", core
 * hash, the canonical JSON of kdf). */
MUST_USE int seal_wraps_add_passphrase(struct seal_wraps *w, const uint8_t core_hash[static SEAL_HASH_BYTES],
                                       const struct secret *passphrase, const struct scrypt_cost *cost,
                                       const struct secret *data_key, struct why *reterr_why);

/* Opens one wrap. ERR_NOTFOUND if it is of another kind or for another recipient, ERR_DENIED if this key or passphrase
 * does not open it. */
MUST_USE int seal_wrap_open_hpke(const struct seal_wrap *wrap, const uint8_t core_hash[static SEAL_HASH_BYTES],
                                 const struct secret *private_key, struct secret **ret_data_key,
                                 struct why *reterr_why);
MUST_USE int seal_wrap_open_passphrase(const struct seal_wrap *wrap, const uint8_t core_hash[static SEAL_HASH_BYTES],
                                       const struct secret *passphrase, struct secret **ret_data_key,
                                       struct why *reterr_why);

/* Lower-case hexadecimal SHA-256 of an HPKE public key. */
void seal_fingerprint(const uint8_t public_key[static HPKE_PUBLIC_BYTES], char out[static 2 * 32 + 1]);
