/* wraps_file.h: reading and replacing the wraps of a sealed file in a directory, so that a crash at any step leaves a
 * file that opens (docs/protocol/sealed-file.md 5).
 *
 * New wraps are first written whole to FILE.wraps, durably. If they fit the place of the old ones in FILE, they are
 * then written there, and FILE.wraps goes away again; else it stays. Who opens tries FILE.wraps first. It names the
 * core it belongs to, so that one left behind by another file is passed over. */
#pragma once
#include "base/err.h"
#include "seal/head.h"
#include "seal/wraps.h"

#define SEAL_SIDECAR_SUFFIX ".wraps"

/* The wraps in force: those of FILE.wraps if there is one for this core, else the file's own. */
MUST_USE int seal_wraps_load(int dir_fd, const char *name, struct seal_wraps **ret_wraps,
                             uint8_t ret_core_hash[static SEAL_HASH_BYTES], struct why *reterr_why);

/* Only those of FILE.wraps, or NULL if there are none for this core: what seal_open_stream() takes beside a file. */
MUST_USE int seal_sidecar_load(int dir_fd, const char *name, const uint8_t core_hash[static SEAL_HASH_BYTES],
                               struct seal_wraps **ret_wraps, struct why *reterr_why);

/* Puts `wraps` in force, durably. The message is not touched. ERR_INVALID for an empty list, which would lock everybody
 * out. */
MUST_USE int seal_wraps_store(int dir_fd, const char *name, const struct seal_wraps *wraps, struct why *reterr_why);

/* FILE.wraps, pure: "cloister.wraps/v1\n", the core's hash, u32 length, the list. */
#define SEAL_SIDECAR_MAGIC "cloister.wraps/v1\n"
MUST_USE int seal_sidecar_parse(struct slice bytes, uint8_t ret_core_hash[static SEAL_HASH_BYTES],
                                struct seal_wraps **ret_wraps, struct why *reterr_why);
