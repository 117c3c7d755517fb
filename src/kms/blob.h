/* blob.h: what Encrypt and GenerateDataKey give and Decrypt takes (docs/protocol/kms-blob.md):
 *
 *     version 1 byte · key id 16 · key version u32 · XAES-256-GCM nonce 24 · ciphertext · tag 16
 *
 * AAD = lp(version byte, key id, key version, canonical encryption context): a blob opens only with the key version it
 * names and the context it was made with. */
#pragma once
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"
#include "kms/uuid.h"

#define KMS_BLOB_VERSION 1
#define KMS_BLOB_OVERHEAD_BYTES (1 + UUID_BYTES + 4 + 24 + 16)

struct kms_blob {
	uint8_t key_id[UUID_BYTES];
	uint32_t key_version; /* from 1 */
	struct slice sealed;  /* nonce, ciphertext, tag; borrowed from the input */
};

/* Takes a blob apart; nothing of it is authentic yet. ERR_INVALID for another version byte or a length that no blob
 * has. */
MUST_USE int kms_blob_parse(struct slice bytes, struct kms_blob *ret_blob, struct why *reterr_why);

/* Appends a new blob. ERR_LIMIT for more than KMS_PLAINTEXT_BYTES_MAX; an empty plaintext is ERR_INVALID. */
MUST_USE int kms_blob_seal(const struct secret *material, const uint8_t key_id[static UUID_BYTES], uint32_t key_version,
                           struct slice canonical_context, struct slice plain, struct buf *into,
                           struct why *reterr_why);

/* Opens one. ERR_TAMPERED if it is not under this key material and context. */
MUST_USE int kms_blob_open(const struct secret *material, const struct kms_blob *blob, struct slice canonical_context,
                           struct secret **ret_plain, struct why *reterr_why);
