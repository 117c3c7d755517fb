#include "crypto/ossl.h"

#include <openssl/err.h>

int ossl_fail(struct why *w, int code, const char *what)
{
	/* The newest entry is the outermost call's; the reason that a person can use is the oldest, where it began. */
	const char *reason = ERR_reason_error_string(ERR_get_error());

	ERR_clear_error();
	why_set(w, "%s: %s", what, reason ? reason : "the cryptographic library gives no reason");
	return code;
}
