/* uuid.h: random UUIDs (RFC 9562, version 4): the ids of keys and of the installation. Lower case only. */
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

#define UUID_BYTES 16
#define UUID_TEXT_BYTES 37 /* with its NUL */

MUST_USE int uuid_new(uint8_t out[static UUID_BYTES], struct why *reterr_why);
void uuid_print(const uint8_t id[static UUID_BYTES], char out[static UUID_TEXT_BYTES]);

/* ERR_INVALID unless it is exactly what uuid_print() writes; the version is not looked at. */
MUST_USE int uuid_parse(struct slice text, uint8_t out[static UUID_BYTES], struct why *reterr_why);
