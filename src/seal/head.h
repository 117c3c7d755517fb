/* head.h: the layout in front of a sealed file's message (docs/protocol/sealed-file.md 1 and 2).
 *
 *     cloister.sealed/v1\n · u32 core length · core · u32 wraps length · wraps · message
 *
 * The core never changes, and its hash (with what precedes it) is bound into the message and into every wrap. The wraps
 * are hints that may be replaced at any time. Pure: bytes in, slices out. */
#pragma once
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/slice.h"

#define SEAL_HASH_BYTES 32
#define SEAL_ID_BYTES 32
#define SEAL_MAGIC "cloister.sealed/v1\n"
#define SEAL_MAGIC_BYTES (sizeof SEAL_MAGIC - 1)
#define SEAL_HEAD_BYTES_MAX (SEAL_MAGIC_BYTES + 4 + SEAL_CORE_BYTES_MAX + 4 + SEAL_WRAPS_BYTES_MAX)

struct seal_head {
	struct slice core;                  /* canonical JSON */
	struct slice wraps;                 /* a JSON list and spaces up to its full length */
	uint8_t core_hash[SEAL_HASH_BYTES]; /* of magic, core length and core */
	uint64_t wraps_at;                  /* offset of `wraps`, after its length */
	uint64_t message_at;                /* offset of the message */
};

struct seal_core {
	uint64_t created_wall_ms; /* whole seconds */
	uint8_t id[SEAL_ID_BYTES];
	char plaintext_type[SEAL_TYPE_BYTES_MAX + 1];
};

/* Reads a head from the start of `bytes`, which may hold more than it. Slices are borrowed from the input. ERR_INVALID
 * (not a sealed file, another version, or cut short), ERR_LIMIT. */
MUST_USE int seal_head_parse(struct slice bytes, struct seal_head *ret_head, struct why *reterr_why);

/* Reads a head from where `fd` stands and no byte beyond it; `into` keeps the bytes that *ret_head borrows. Errors as
 * above. */
MUST_USE int seal_head_read(int fd, struct buf *into, struct seal_head *ret_head, struct why *reterr_why);

/* Appends a head; `wraps` is padded already. */
MUST_USE int seal_head_print(struct slice core, struct slice wraps, struct buf *into, struct why *reterr_why);

/* The hash that a message and its wraps are bound to. */
void seal_core_hash(struct slice core, uint8_t out[static SEAL_HASH_BYTES]);

/* A fresh core: random id, that moment, that media type. ERR_INVALID for a type that is not one. */
MUST_USE int seal_core_new(const char *plaintext_type, uint64_t now_wall_ms, struct seal_core *ret_core,
                           struct why *reterr_why);

/* Appends the core as canonical JSON (RFC 8785). */
MUST_USE int seal_core_print(const struct seal_core *core, struct buf *into, struct why *reterr_why);

/* Reads a core. ERR_INVALID unless it is exactly what seal_core_print() writes: one spelling per meaning. */
MUST_USE int seal_core_parse(struct slice json, struct seal_core *ret_core, struct why *reterr_why);
