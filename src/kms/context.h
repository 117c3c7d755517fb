/* context.h: encryption contexts: maps of strings that a ciphertext is bound to, and that policies can ask about
 * (docs/protocol/kms-blob.md 2). Canonical JSON (RFC 8785), so that the same pairs always give the same bytes. */
#pragma once
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/slice.h"
#include "wire/json.h"

struct kms_context;

/* From a JSON object whose members are all strings; NULL is the empty context. ERR_INVALID, ERR_LIMIT
 * (KMS_CONTEXT_PAIRS_MAX, KMS_CONTEXT_BYTES_MAX). */
MUST_USE int kms_context_new(const json_t *object, struct kms_context **ret_context, struct why *reterr_why);
void kms_context_free(struct kms_context *c);
void kms_context_freep(struct kms_context **c);

/* "{}" when empty. Borrowed. */
struct slice kms_context_canonical(const struct kms_context *c);

/* The map, to look into and to copy into a record; borrowed. An empty object when empty. */
const json_t *kms_context_map(const struct kms_context *c);
