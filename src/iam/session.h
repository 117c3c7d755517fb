/* session.h: the temporary credentials of an assumed role (docs/protocol/policy.md 6).
 *
 * They are stateless: the token holds who, until when, the session's policy and its context keys, sealed under a key
 * that only `keys` has and bound to the access key id; the secret is derived from that id. */
#pragma once
#include <stdint.h>

#include "iam/context.h"
#include "iam/iam.h"
#include "wire/json.h"
#include "wire/sigv4.h"

/* Access key ids of sessions begin with these letters. */
#define IAM_SESSION_LETTERS "CLAS"

enum iam_session_err {
	IAM_ERR_TOKEN = ERR_DENIED - 1,         /* not a token of ours, or not this access key's */
	IAM_ERR_TOKEN_EXPIRED = ERR_DENIED - 2, /* it was one */
};

struct iam_session_spec {
	const struct iam_identity *role;
	struct slice name;   /* of the session: 2 to 64 characters */
	struct slice policy; /* or empty */
	uint64_t issued_ms;
	uint64_t lasts_s; /* IAM_SESSION_S_MIN to the role's own maximum */
	enum iam_origin origin;
	const json_t *claims; /* {condition key: [value, …]}, or NULL: context of every request made with it */
};

struct iam_credentials {
	char access_key[IAM_ID_BYTES];
	struct secret *secret; /* 40 characters */
	char token[SIGV4_TOKEN_BYTES_MAX + 1];
	uint64_t expires_ms;
};
void iam_credentials_clear(struct iam_credentials *c);

/* Makes credentials; the caller clears them. ERR_INVALID, IAM_ERR_POLICY, ERR_LIMIT if it all does not fit a token. */
MUST_USE int iam_session_issue(struct iam *iam, const struct iam_session_spec *spec,
                               struct iam_credentials *ret_credentials, struct why *reterr_why);

/* What an opened token says. */
struct iam_session {
	char account[IAM_ACCOUNT_BYTES];
	char role[IAM_NAME_BYTES_MAX + 1];
	char role_id[IAM_ID_BYTES];
	char name[IAM_NAME_BYTES_MAX + 1];
	char policy[IAM_SESSION_POLICY_BYTES_MAX + 1]; /* "" : none */
	enum iam_origin origin;
	uint64_t issued_ms, expires_ms;
	json_t *claims; /* an object */
};
void iam_session_free(struct iam_session *s);
void iam_session_freep(struct iam_session **s);

/* Opens a token that came with an access key id. IAM_ERR_TOKEN, IAM_ERR_TOKEN_EXPIRED. */
MUST_USE int iam_session_open(struct iam *iam, const char *access_key, struct slice token, uint64_t now_ms,
                              struct iam_session **ret_session, struct why *reterr_why);

/* The secret of a session's access key. */
MUST_USE int iam_session_secret(struct iam *iam, const char *access_key, struct secret **ret_secret,
                                struct why *reterr_why);

/* Adds the session's claims to a context. */
MUST_USE int iam_session_put_claims(const struct iam_session *s, struct iam_context *context, struct why *reterr_why);
