/* profile.h: which installation to speak to, and as whom.
 *
 * A profile is what cloister login stored: ~/.config/cloister/NAME.json ($XDG_CONFIG_HOME is heeded), readable by
 * nobody else. Credentials are not in it: they follow the conventions of AWS's own tools. */
#pragma once
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"

#define PROFILE_HOST_BYTES 256
#define PROFILE_BROKER_BYTES 64

struct profile {
	char name[65];
	char host[PROFILE_HOST_BYTES]; /* without the brackets of an IPv6 address */
	uint16_t port;
	char region[33];
	char *ca_pem;                             /* owned */
	uint8_t broker_key[PROFILE_BROKER_BYTES]; /* X25519 public key, Ed25519 public key */
};
void profile_clear(struct profile *p);

/* Fills host and port from "https://host[:port]". ERR_INVALID for anything else. */
MUST_USE int profile_read_endpoint(const char *url, struct profile *p, struct why *reterr_why);

/* Fills broker_key from "cloister-broker+<base64 of 64 bytes>", as cloister init prints it. */
MUST_USE int profile_read_broker_key(const char *text, struct profile *p, struct why *reterr_why);

/* A name of 1 to 64 letters, digits, '-', '_'. */
MUST_USE int profile_name_check(const char *name, struct why *reterr_why);

/* Both are pure. profile_parse() is as strict as profile_print() is exact. */
MUST_USE int profile_print(const struct profile *p, struct buf *into, struct why *reterr_why);
MUST_USE int profile_parse(struct slice json, const char *name, struct profile *ret_profile, struct why *reterr_why);

/* Loads the profile `name`; NULL: $CLOISTER_PROFILE, else "default". ERR_NOTFOUND says how to make one, ERR_DENIED if
 * others may write it: then they choose whom we trust. */
MUST_USE int profile_load(const char *name, struct profile *ret_profile, struct why *reterr_why);
MUST_USE int profile_store(const struct profile *p, struct why *reterr_why);

struct credentials {
	char access_key[129];
	struct secret *secret_key;
	char *token; /* of a session, or NULL; owned */
};
void credentials_clear(struct credentials *c);

/* From $AWS_ACCESS_KEY_ID and its siblings, else from the section of ~/.aws/credentials
 * ($AWS_SHARED_CREDENTIALS_FILE) that $AWS_PROFILE names, else the profile's own name. ERR_DENIED says where it was
 * looked for. */
MUST_USE int credentials_load(const char *profile, struct credentials *ret_credentials, struct why *reterr_why);

/* Pure: the section of such a file. ERR_NOTFOUND if there is none, ERR_INVALID if it holds no key. */
MUST_USE int credentials_parse(struct slice text, const char *section, struct credentials *ret_credentials,
                               struct why *reterr_why);
