/* ping.h: PING, which every role answers on every link: an empty request, and who and how the answering role is. */
#pragma once
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum { PING = 0x0001 };

struct pong {
	uint16_t role;
	uint32_t state; /* enum role_state */
	uint32_t landlock_abi;
	uint32_t starts;
	char name[32];
};

MUST_USE int pong_put(struct buf *b, const struct pong *p, struct why *reterr_why);
MUST_USE int pong_take(struct slice body, struct pong *ret, struct why *reterr_why);
