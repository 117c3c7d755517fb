/* passphrase.h: a passphrase from a file or from the person at the terminal. */
#pragma once
#include <stdbool.h>

#include "base/err.h"
#include "base/secret.h"

/* Reads it from `file`, or, if that is NULL, asks on the terminal without showing what is typed, twice if `is_new`.
 * ERR_INVALID if it is empty or the two differ, ERR_DENIED if others may read the file, ERR_UNAVAILABLE without a
 * terminal. */
MUST_USE int passphrase_read(const char *file, bool is_new, struct secret **ret_passphrase, struct why *reterr_why);
