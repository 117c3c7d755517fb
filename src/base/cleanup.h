/* cleanup.h: locals that own something, and handing it over.
 *
 *     CLEANUP(buf_freep) struct buf *b = NULL;
 *     ...
 *     *ret_b = take_ptr(b);
 */
#pragma once
#include <stddef.h>

#define CLEANUP(func) __attribute__((cleanup(func)))

/* Yields the pointer and leaves NULL behind, so that its cleanup does nothing. */
#define take_ptr(p)                         \
	({                                  \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})

/* Frees what malloc gave and sets NULL: for CLEANUP(free_p) on any pointer. */
void free_p(void *pointer_to_pointer);
