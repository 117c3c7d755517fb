/* support.h: what the tests of src/audit share. Whatever goes wrong in here fails the test. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audit/merkle.h"
#include "audit/note.h"
#include "base/buf.h"
#include "base/slice.h"

#define assert_ok(call) assert_int_equal((call), ERR_OK)

/* A buffer that holds up to 16 MiB. */
struct buf *support_buf(void);

/* A file beneath tests/vectors/tlog, the caller's to free. */
struct buf *support_vector(const char *name);

/* The verifier key in such a file. */
struct note_verifier *support_vkey(const char *name);

/* A fresh Ed25519 key with its signer; the keys live until support_keys_free(). */
struct note_signer *support_signer(const char *name, enum note_kind kind);
void support_keys_free(void);

/* Deterministic numbers, the same in every run (xorshift64*). */
uint64_t support_random(uint64_t *state);

/* The root of leaf hashes by the definition of RFC 6962 section 2.1, recursively: to compare with. */
struct merkle_hash support_root(const struct merkle_hash *leaves, uint64_t count);
