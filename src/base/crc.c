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
