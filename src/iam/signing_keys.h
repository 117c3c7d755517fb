/* signing_keys.h: derived signing keys of Signature Version 4, kept for a while. Of src/iam only. */
#pragma once
#include "base/cleanup.h"
#include "base/secret.h"
#include "wire/sigv4.h"

struct signing_keys;

MUST_USE int signing_keys_new(struct signing_keys **ret_keys, struct why *reterr_why);
void signing_keys_free(struct signing_keys *keys);

/* The key for a claim's access key, date, region and service, or NULL if it is not kept. Borrowed until the next put.
 */
const struct secret *signing_keys_find(struct signing_keys *keys, const struct sigv4 *auth);

/* Keeps a key, in place of the one that was not used for longest if there are IAM_SIGNING_KEYS_MAX. Takes it over. */
void signing_keys_put(struct signing_keys *keys, const struct sigv4 *auth, struct secret *key);
void signing_keys_drop(struct signing_keys *keys, const char *access_key);

/* "AWS4" + secret, date, region, service, "aws4_request": four HMACs. */
MUST_USE int signing_key_derive(const struct secret *secret, const struct sigv4 *auth, struct secret **ret_key,
                                struct why *reterr_why);
