#include "base/crc.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

static uint32_t table[256];
static bool has_instruction;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void prepare(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
		table[i] = crc;
	}
	has_instruction = __builtin_cpu_supports("sse4.2");
}

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, struct slice bytes)
{
	uint64_t wide = crc, word;

	for (; bytes.len >= 8; bytes.ptr += 8, bytes.len -= 8) {
		memcpy(&word, bytes.ptr, 8);
		wide = __builtin_ia32_crc32di(wide, word);
	}
	crc = (uint32_t)wide;
	for (; bytes.len; bytes.ptr++, bytes.len--)
		crc = __builtin_ia32_crc32qi(crc, *bytes.ptr);
	return crc;
}

static uint32_t by_table(uint32_t crc, struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		crc = table[(crc ^ bytes.ptr[i]) & 0xff] ^ crc >> 8;
	return crc;
}

uint32_t crc32c(uint32_t crc, struct slice bytes)
{
	pthread_once(&once, prepare);
	return ~(has_instruction ? by_instruction(~crc, bytes) : by_table(~crc, bytes));
}

/* --- CRC-32 and CRC-64/NVME: eight bytes a step, by eight tables (Kounavis and Berry, 2005) -------------------------
 */

static uint64_t iso_tables[8][256], nvme_tables[8][256];
static pthread_once_t sliced_once = PTHREAD_ONCE_INIT;

static void fill_tables(uint64_t tables[8][256], uint64_t polynomial)
{
	for (uint64_t i = 0; i < 256; i++) {
		uint64_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ polynomial : crc >> 1;
		tables[0][i] = crc;
	}
	for (size_t t = 1; t < 8; t++)
		for (size_t i = 0; i < 256; i++)
			tables[t][i] = tables[t - 1][i] >> 8 ^ tables[0][tables[t - 1][i] & 0xff];
}

static void prepare_sliced(void)
{
	fill_tables(iso_tables, 0xedb88320u);
	fill_tables(nvme_tables, 0x9a6c9329ac4bc9b5u);
}

/* Both are reflected, so the narrow one runs in the low half of the wide one's register. */
static uint64_t by_tables(const uint64_t t[8][256], uint64_t crc, struct slice bytes)
{
	uint64_t word;

	for (; bytes.len >= 8; bytes.ptr += 8, bytes.len -= 8) {
		memcpy(&word, bytes.ptr, 8);
		word ^= crc;
		crc = t[7][word & 0xff] ^ t[6][word >> 8 & 0xff] ^ t[5][word >> 16 & 0xff] ^ t[4][word >> 24 & 0xff] ^
		      t[3][word >> 32 & 0xff] ^ t[2][word >> 40 & 0xff] ^ t[1][word >> 48 & 0xff] ^ t[0][word >> 56];
	}
	for (; bytes.len; bytes.ptr++, bytes.len--)
		crc = t[0][(crc ^ *bytes.ptr) & 0xff] ^ crc >> 8;
	return crc;
}

uint32_t crc32_iso(uint32_t crc, struct slice bytes)
{
	pthread_once(&sliced_once, prepare_sliced);
	return ~(uint32_t)by_tables(iso_tables, ~crc, bytes);
}

uint64_t crc64_nvme(uint64_t crc, struct slice bytes)
{
	pthread_once(&sliced_once, prepare_sliced);
	return ~by_tables(nvme_tables, ~crc, bytes);
}
