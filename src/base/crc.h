/* crc.h: CRC-32C (Castagnoli), which finds torn and rotten bytes. It authenticates nothing. */
#pragma once
#include <stdint.h>

#include "base/slice.h"

/* Continues from `crc`, which is 0 at the start. By the processor's own instruction where it has one. */
uint32_t crc32c(uint32_t crc, struct slice bytes);
