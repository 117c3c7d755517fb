/* utf8.h: reading UTF-8 strictly (RFC 3629), one character at a time. */
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

/* Takes the next character of a cursor that is not at its end. ERR_INVALID for overlong forms, surrogates, stray and
 * missing bytes, and anything beyond U+10FFFF. */
MUST_USE int utf8_take(struct cursor *c, uint32_t *ret_code, struct why *reterr_why);
