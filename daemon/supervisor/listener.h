/* listener.h: the listening socket that front is given. */
#pragma once
#include "base/err.h"

/* Binds "ADDRESS:PORT" or "[ADDRESS]:PORT" (numeric; port 0 for any) and listens. ERR_INVALID for any other text,
 * ERR_CONFLICT for a port in use, ERR_DENIED for one that only root may have. */
MUST_USE int listener_open(const char *where, int *ret_fd, struct why *reterr_why);

/* The same for an address of 127.0.0.0/8 or [::1]; ERR_INVALID for any other. */
MUST_USE int listener_open_loopback(const char *where, int *ret_fd, struct why *reterr_why);

/* Where it listens, in the same form; for port 0. */
#define LISTENER_TEXT_BYTES 64
MUST_USE int listener_where(int fd, char out[static LISTENER_TEXT_BYTES], struct why *reterr_why);
