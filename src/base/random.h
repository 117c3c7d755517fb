/* random.h: bytes from the kernel's generator, never from one of our own: a copy of a process or of a virtual machine
 * must not repeat them. */
#pragma once
#include <stddef.h>

#include "base/err.h"

/* Fills `len` bytes by getrandom(2), waiting until the generator is seeded. ERR_UNAVAILABLE if the kernel refuses. */
MUST_USE int random_fill(void *bytes, size_t len, struct why *reterr_why);
