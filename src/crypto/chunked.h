/* chunked.h: C2SP chunked-encryption, instance Cobblestone-256: the one construction for bulk data.
 *
 * A message is a head (24-byte salt, 32-byte commitment) and chunks of 16 KiB under AES-256-GCM, the last one shorter,
 * perhaps empty: so truncation shows, any chunk opens alone, and a head opens under one key only. Chunk i lies at
 * CHUNKED_HEAD_BYTES + i * CHUNKED_SEALED_BYTES. A `struct chunked` works on any chunk in any order; one thread each.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"
#include "crypto/aead.h"

#define CHUNKED_HEAD_BYTES 56
#define CHUNKED_PLAIN_BYTES 16384
#define CHUNKED_SEALED_BYTES (CHUNKED_PLAIN_BYTES + AEAD_TAG_BYTES)

struct chunked;

/* Starts a message under a 32-byte key and a context that both sides know, with a fresh salt; fills its head. Errors:
 * ERR_INVALID for a key of another length, ERR_LIMIT for a context over CHUNKED_CONTEXT_BYTES_MAX. */
MUST_USE int chunked_seal_new(const struct secret *key, struct slice context,
                              uint8_t ret_head[static CHUNKED_HEAD_BYTES], struct chunked **ret_chunked,
                              struct why *reterr_why);

/* Takes up a message by its head. ERR_TAMPERED if the head's commitment is not to this key and context; else as above.
 */
MUST_USE int chunked_open_new(const struct secret *key, struct slice context,
                              const uint8_t head[static CHUNKED_HEAD_BYTES], struct chunked **ret_chunked,
                              struct why *reterr_why);
void chunked_free(struct chunked *c);
void chunked_freep(struct chunked **c);

/* A second handle on the same message, for another thread. */
MUST_USE int chunked_clone(const struct chunked *c, struct chunked **ret_clone, struct why *reterr_why);

/* Seals consecutive chunks from number `first`: all of CHUNKED_PLAIN_BYTES, but with `is_last` the final one, which
 * must then be shorter (an empty `plain`, or a multiple of the chunk size, gives an empty last chunk). Writes
 * chunked_run_bytes() to `out`, which may not overlap. Errors: ERR_INVALID if `plain` is not whole chunks and not the
 * last, ERR_LIMIT past CHUNKED_CHUNKS_MAX. A chunk's number may be sealed once: a second text under it gives both away.
 */
MUST_USE int chunked_seal_run(struct chunked *c, uint64_t first, struct slice plain, bool is_last, uint8_t *out,
                              struct why *reterr_why);

/* Opens consecutive chunks from number `first`, as they were sealed. `out` takes at most `sealed.len` bytes and may not
 * overlap. ERR_TAMPERED names the first chunk that does not verify, or says that the last is missing: of that chunk
 * nothing but zeros is written, of later ones nothing. Other errors as above. *ret_len is what was written. */
MUST_USE int chunked_open_run(struct chunked *c, uint64_t first, struct slice sealed, bool is_last, uint8_t *out,
                              size_t *ret_len, struct why *reterr_why);

/* Bytes that a run of `plain_len` takes when sealed. */
size_t chunked_run_bytes(size_t plain_len, bool is_last);

/* Whole messages: head and all. chunked_plain_len() is ERR_INVALID for a length that no message has. */
uint64_t chunked_message_len(uint64_t plain_len);
MUST_USE int chunked_plain_len(uint64_t message_len, uint64_t *ret_plain_len, struct why *reterr_why);
