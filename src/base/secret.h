/* secret.h: where keys and passphrases live, and nowhere else.
 *
 * Secrets are slots of two arenas of fixed size, small and large, each between guard pages, locked in memory, left out
 * of core dumps, wiped in a forked child, and wiped when freed. Every slot ends in a canary that secret_free() checks:
 * an overrun ends the process. No function that prints or serialises accepts a struct secret. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/slice.h"

struct secret;

/* Maps and locks both arenas (limits.h: SECRET_*). A daemon calls it before it drops privileges, so that a host which
 * cannot lock says so at start; otherwise the first secret_new() does it. ERR_UNAVAILABLE, with what to raise, when the
 * memory cannot be locked: a secret is never kept in memory that may be swapped. Thread-safe, idempotent. */
MUST_USE int secret_arenas_open(struct why *reterr_why);

/* A secret of `len` bytes, all zero. ERR_LIMIT if `len` is over SECRET_LARGE_BYTES or the slots are used up. */
MUST_USE int secret_new(size_t len, struct secret **ret_secret, struct why *reterr_why);

/* A secret that holds a copy of `bytes`. The caller still has to wipe where they came from. */
MUST_USE int secret_new_from(struct slice bytes, struct secret **ret_secret, struct why *reterr_why);

/* A secret of `len` bytes from the kernel's random generator. */
MUST_USE int secret_new_random(size_t len, struct secret **ret_secret, struct why *reterr_why);

/* Wipes and gives back the slot. An overrun or a second free ends the process, and so does a forked child that frees a
 * secret of its parent: there is nothing in it any more. */
void secret_free(struct secret *s);
void secret_freep(struct secret **s);

/* The bytes, to fill or to use; borrowed until secret_free(). */
uint8_t *secret_bytes(struct secret *s);
const uint8_t *secret_peek(const struct secret *s);
size_t secret_len(const struct secret *s);

/* Shortens to `len` bytes, wiping the rest; more than it has is ignored. */
void secret_shrink(struct secret *s, size_t len);

/* Constant time for equal lengths. */
bool secret_equal(const struct secret *a, const struct secret *b);

/* Slots in use in both arenas, for metrics and for the tests that look for leaks. */
size_t secret_count(void);
