#include "iam/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
	struct arena_block *next;
	size_t size;
	alignas(max_align_t) unsigned char bytes[];
};

/* Most policies fit one block. */
enum { BLOCK_BYTES = 8192 };

int arena_take(struct arena *a, size_t count, size_t size, void **ret_bytes, struct why *reterr_why)
{
	size_t bytes;

	ENSURE(!__builtin_mul_overflow(count, size, &bytes) && bytes <= SIZE_MAX / 2, ERR_LIMIT, reterr_why,
	       "%zu pieces of %zu bytes are too many", count, size);
	bytes = (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (!a->blocks || a->blocks->size - a->used < bytes) {
		size_t block_bytes = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
		struct arena_block *block = calloc(1, sizeof *block + block_bytes);

		ENSURE(block, ERR_UNAVAILABLE, reterr_why, "out of memory for %zu bytes", block_bytes);
		block->size = block_bytes;
		block->next = a->blocks;
		a->blocks = block;
		a->used = 0;
	}
	*ret_bytes = a->blocks->bytes + a->used;
	a->used += bytes;
	return ERR_OK;
}

int arena_copy(struct arena *a, struct slice s, struct slice *ret_copy, struct why *reterr_why)
{
	void *copy;

	TRY(arena_take(a, s.len, 1, &copy, reterr_why));
	if (s.len)
		memcpy(copy, s.ptr, s.len);
	*ret_copy = slice_of(copy, s.len);
	return ERR_OK;
}

void arena_free(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
}
