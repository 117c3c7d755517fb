/* arena.h: memory that is taken piece by piece and freed as a whole: parsed policies and request contexts. */
#pragma once
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"

struct arena_block;

/* Starts as {0}. */
struct arena {
	struct arena_block *blocks;
	size_t used; /* of the newest block */
};

/* `count` pieces of `size` bytes, zeroed, aligned for anything. ERR_UNAVAILABLE without memory. */
MUST_USE int arena_take(struct arena *a, size_t count, size_t size, void **ret_bytes, struct why *reterr_why);

/* A copy of `s` that lives as long as the arena. */
MUST_USE int arena_copy(struct arena *a, struct slice s, struct slice *ret_copy, struct why *reterr_why);
void arena_free(struct arena *a);
