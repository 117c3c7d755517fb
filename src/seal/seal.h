/* seal.h: sealing a stream into a sealed file and opening one, on several threads (docs/protocol/sealed-file.md 4).
 *
 * Sealing begins with the core, since every wrap of the data key is bound to its hash: seal_core_new(), then wraps for
 * that hash (wraps.h), then seal_stream(). Memory stays under 32 MiB whatever the size. */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/secret.h"
#include "seal/head.h"
#include "seal/wraps.h"

#define SEAL_KEY_BYTES 32

struct seal_options {
	unsigned threads;             /* 0: as many as there are processors, at most SEAL_THREADS_MAX */
	_Atomic uint64_t *done_bytes; /* may be NULL; counts input bytes as they are through, for a progress bar */
};

struct seal_totals {
	uint64_t plain_bytes;
	uint64_t sealed_bytes; /* head included */
};

/* Seals everything that `in_fd` gives from where it stands, and writes a whole sealed file to `out_fd` where that
 * stands. Either may be a pipe. `data_key` has 32 bytes; `wraps` must not be empty, or nobody could open it:
 * ERR_INVALID. ERR_CONFLICT if a regular input changed meanwhile. On error the output holds no sealed file: discard
 * it. */
MUST_USE int seal_stream(const struct seal_core *core, const struct seal_wraps *wraps, const struct secret *data_key,
                         int in_fd, int out_fd, const struct seal_options *options, struct seal_totals *ret_totals,
                         struct why *reterr_why);

/* Where a data key comes from: asked for each wrap in turn, until one gives a key that the message commits to. */
struct seal_key_source {
	/* ERR_NOTFOUND for a wrap that is not for this source; any other error is remembered and told if no wrap
	 * gives the key. */
	int (*unwrap)(void *self, const struct seal_wrap *wrap, const uint8_t core_hash[static SEAL_HASH_BYTES],
	              struct secret **ret_data_key, struct why *reterr_why);
	void *self;
};

/* Finds the data key: tries `wraps` in order. ERR_DENIED if none of them is for this source, else the last refusal;
 * ERR_TAMPERED if a wrap opened and the message is under another key. `message_head` is the first CHUNKED_HEAD_BYTES of
 * the message. */
MUST_USE int seal_key_find(const struct seal_wraps *wraps, const uint8_t core_hash[static SEAL_HASH_BYTES],
                           const uint8_t *message_head, const struct seal_key_source *source,
                           struct secret **ret_data_key, struct why *reterr_why);

/* Opens a sealed file that `in_fd` gives and writes what was sealed to `out_fd`. `sidecar` are wraps to try before the
 * file's own, or NULL. ERR_TAMPERED names the chunk that is altered or missing: what was written until then is
 * authentic, but not the whole; a caller removes it. Of a regular file the end is checked before anything is
 * written. */
MUST_USE int seal_open_stream(int in_fd, int out_fd, const struct seal_wraps *sidecar,
                              const struct seal_key_source *source, const struct seal_options *options,
                              struct seal_totals *ret_totals, struct why *reterr_why);

/* Random access to a sealed regular file. One thread at a time; seal_reader_clone() for another. */
struct seal_reader;

/* Takes up the file that `fd` has open; the descriptor stays the caller's and must outlive the reader. The end of the
 * message is authenticated here, so seal_reader_size() can be relied upon. Errors as above. */
MUST_USE int seal_reader_open(int fd, const struct seal_wraps *sidecar, const struct seal_key_source *source,
                              struct seal_reader **ret_reader, struct why *reterr_why);
MUST_USE int seal_reader_clone(const struct seal_reader *r, struct seal_reader **ret_clone, struct why *reterr_why);
void seal_reader_free(struct seal_reader *r);
void seal_reader_freep(struct seal_reader **r);

/* Bytes that were sealed, and the core. Borrowed until the reader is freed. */
uint64_t seal_reader_size(const struct seal_reader *r);
const struct seal_core *seal_reader_core(const struct seal_reader *r);

/* Reads at most `len` bytes at `offset` of what was sealed; *ret_len is less only at the end. ERR_TAMPERED names the
 * chunk. */
MUST_USE int seal_reader_pread(struct seal_reader *r, void *bytes, size_t len, uint64_t offset, size_t *ret_len,
                               struct why *reterr_why);
