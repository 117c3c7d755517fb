/* crc.h: sums that find torn and rotten bytes, foremost CRC-32C (Castagnoli). They authenticate nothing. */
#pragma once
#include <stdint.h>

#include "base/slice.h"

/* Continues from `crc`, which is 0 at the start. By the processor's own instruction where it has one. */
uint32_t crc32c(uint32_t crc, struct slice bytes);

/* The two other CRCs that S3 clients send: CRC-32 as in zip (ISO 3309), and CRC-64 of NVMe. Likewise continued. */
uint32_t crc32_iso(uint32_t crc, struct slice bytes);
uint64_t crc64_nvme(uint64_t crc, struct slice bytes);
