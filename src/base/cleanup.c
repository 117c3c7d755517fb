#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

void free_p(void *pointer_to_pointer)
{
	void *owned;

	memcpy(&owned, pointer_to_pointer, sizeof owned);
	free(owned);
	memset(pointer_to_pointer, 0, sizeof owned);
}
