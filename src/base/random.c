#include "base/random.h"

#include <errno.h>
#include <stdint.h>
#include <sys/random.h>

int random_fill(void *bytes, size_t len, struct why *reterr_why)
{
	uint8_t *at = bytes;

	while (len) {
		ssize_t got = getrandom(at, len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		ENSURE_SYS(got > 0, reterr_why, "the kernel gives no random bytes");
		at += got;
		len -= (size_t)got;
	}
	return ERR_OK;
}
