/* sidecar.h: the record that makes blobs an object version (docs/protocol/stored-object.md).
 *
 * It lists the parts in order, each a blob with a key of its own, names bucket, object key and version, and is MACed
 * under a key that only the version key yields. The wrap of the version key stands outside the MAC, so that it can be
 * replaced without touching what it protects. Nothing of an object is served before its sidecar verified. */
#pragma once
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"

#define STORE_ID_BYTES 16 /* of buckets, versions, blobs and uploads: random */
#define SIDECAR_WRAPPED_KEY_BYTES 72
#define SIDECAR_SALT_BYTES 24
#define SIDECAR_COMMITMENT_BYTES 32

/* One blob: a Cobblestone-256 message of `length` plaintext bytes under its own key. Salt and commitment are its head,
 * repeated here so that a blob cannot be swapped for another that opens under the same key. */
struct sidecar_part {
	uint8_t blob_id[STORE_ID_BYTES];
	uint8_t wrapped_key[SIDECAR_WRAPPED_KEY_BYTES]; /* XAES-256-GCM under the version key */
	uint64_t length;
	uint8_t salt[SIDECAR_SALT_BYTES];
	uint8_t commitment[SIDECAR_COMMITMENT_BYTES];
};

struct sidecar {
	uint8_t bucket_id[STORE_ID_BYTES];
	uint8_t version_id[STORE_ID_BYTES];
	uint64_t created_wall_ms;
	uint64_t total_length;
	struct slice object_key;
	struct slice etag;     /* without quotes; lists show it */
	struct slice metadata; /* canonical JSON: content type, user metadata, checksums */
	struct slice wrap;     /* the version key's KMS blob */
	size_t part_count;
	struct sidecar_part *parts;
	struct slice body, mac; /* set by sidecar_decode(): what sidecar_verify() compares */
};

/* Appends the encoded sidecar with its MAC. The caller filled every field; total_length is checked against the parts.
 */
MUST_USE int sidecar_encode(const struct sidecar *s, const struct secret *version_key, struct buf *into,
                            struct why *reterr_why);

/* Reads an encoded sidecar. Slices borrow from `bytes`; the parts are allocated and freed by sidecar_free(). Nothing in
 * it may be believed before sidecar_verify(). ERR_INVALID, ERR_LIMIT. */
MUST_USE int sidecar_decode(struct slice bytes, struct sidecar **ret_sidecar, struct why *reterr_why);

/* ERR_TAMPERED unless what sidecar_decode() read carries the MAC of this version key. */
MUST_USE int sidecar_verify(const struct sidecar *s, const struct secret *version_key, struct why *reterr_why);

void sidecar_free(struct sidecar *s);
void sidecar_freep(struct sidecar **s);

/* One part as the sidecar holds it, 152 bytes: also the content of a record of an uploaded part. */
MUST_USE int sidecar_part_put(const struct sidecar_part *p, struct buf *into, struct why *reterr_why);
MUST_USE int sidecar_part_take(struct cursor *c, struct sidecar_part *p, struct why *reterr_why);

/* A fresh blob key, and its wrap under the version key for part.wrapped_key; the blob id is bound to it. */
MUST_USE int sidecar_part_key_new(const struct secret *version_key, const uint8_t blob_id[static STORE_ID_BYTES],
                                  uint8_t ret_wrapped[static SIDECAR_WRAPPED_KEY_BYTES], struct secret **ret_key,
                                  struct why *reterr_why);
MUST_USE int sidecar_part_key_open(const struct secret *version_key, const struct sidecar_part *part,
                                   struct secret **ret_key, struct why *reterr_why);

/* The Cobblestone context of a blob: SHA-256(lp("cloister.part/v1", blob id)). */
void sidecar_part_context(const uint8_t blob_id[static STORE_ID_BYTES], uint8_t out[static 32]);
