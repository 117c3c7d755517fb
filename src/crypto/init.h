/* init.h: makes the cryptographic libraries ready while a program may still open files. */
#pragma once
#include "base/err.h"

/* Called once at a program's start, before it shuts itself in and before any other use of OpenSSL. Afterwards nothing
 * in this folder opens a file. OpenSSL's configuration file is not read, so that neither OPENSSL_CONF nor a host's
 * settings can load a module into a process that holds keys. ERR_UNAVAILABLE if an algorithm is missing. Without it
 * everything works as well, with OpenSSL's own defaults. */
MUST_USE int crypto_open(struct why *reterr_why);
