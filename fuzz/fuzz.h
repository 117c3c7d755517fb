/* fuzz.h: what every harness has: its entry, and a check that ends the process where a property does not hold.
 *
 * A harness is fuzz/NAME_fuzz.c with seeds in fuzz/corpus/NAME/ and words in fuzz/dict/NAME.dict. script/fuzz runs it
 * under libFuzzer; linked with replay.c it runs seeds and past findings as an ordinary test. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* For properties of the code under test, not of the input. */
#define FUZZ_CHECK(cond)         \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)
