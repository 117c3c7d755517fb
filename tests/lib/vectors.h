/* vectors.h: reads tests/vectors/ files: `name = value` lines, an empty line after each case, # comments. For tests:
 * whatever is wrong fails the test. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "base/slice.h"

struct vectors;

/* Opens a file beneath tests/vectors; close it when done. */
struct vectors *vectors_open(const char *name);
void vectors_close(struct vectors *v);
void vectors_closep(struct vectors **v);

/* Moves to the next case; false after the last. */
bool vectors_next(struct vectors *v);

/* A value of the case as text, as a number, or decoded from hexadecimal where "00*16384" is a run of one byte. Borrowed
 * until the next case. */
struct slice vectors_text(struct vectors *v, const char *name);
uint64_t vectors_number(struct vectors *v, const char *name);
struct slice vectors_bytes(struct vectors *v, const char *name);

/* The same as a secret, the caller's to free. */
struct secret *vectors_secret(struct vectors *v, const char *name);

/* Whether the case's `result` is "valid". */
bool vectors_is_valid(struct vectors *v);
