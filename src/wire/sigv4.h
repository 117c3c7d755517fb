/* sigv4.h: AWS Signature Version 4: what a request claims, and the exact text that was signed (docs/protocol/sigv4.md).
 *
 * Everything here is text. Hashes and HMACs are made outside, so checking a request is
 *
 *     sigv4_read(&request, &auth)                   who, when, where, which headers, which signature
 *     sigv4_freshness(&auth, now), sigv4_scope_check(&auth, region, service)
 *     sigv4_canonical_put(&request, &auth, body_sha256, text)
 *     sigv4_string_to_sign_put(&auth, SHA-256(text), to_sign)
 *     HMAC-SHA-256 of to_sign under the key derived from secret, date, region, service; compared with auth.signature
 *     sigv4_canonical_split(text, &parts)           and from here on only what was hashed is looked at
 *
 * and signing one is sigv4_sign_begin(), the same two texts, then sigv4_authorization_put(). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/slice.h"

#define SIGV4_DIGEST_BYTES 32
#define SIGV4_DATE_BYTES 8       /* "20130524" */
#define SIGV4_TIMESTAMP_BYTES 16 /* "20130524T000000Z" */

struct sigv4_header {
	struct slice name, value; /* the value without the line's end; white space around it does not matter */
};

/* A request as it came. `target` is the raw request-target: "/path?query", still encoded. */
struct sigv4_request {
	struct slice method;
	struct slice target;
	const struct sigv4_header *headers;
	size_t header_count;
};

enum sigv4_origin {
	SIGV4_IN_HEADER, /* Authorization: AWS4-HMAC-SHA256 … */
	SIGV4_IN_QUERY,  /* a presigned URL */
};

/* What x-amz-content-sha256 says about the body. */
enum sigv4_payload {
	SIGV4_PAYLOAD_ABSENT,           /* nothing (not for S3): whoever checks hashes the body */
	SIGV4_PAYLOAD_SHA256,           /* this is its SHA-256 */
	SIGV4_PAYLOAD_UNSIGNED,         /* UNSIGNED-PAYLOAD */
	SIGV4_PAYLOAD_CHUNKS,           /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD: aws-chunked, every chunk signed */
	SIGV4_PAYLOAD_CHUNKS_TRAILER,   /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER: and a signed trailer */
	SIGV4_PAYLOAD_UNSIGNED_TRAILER, /* STREAMING-UNSIGNED-PAYLOAD-TRAILER: aws-chunked, nothing signed */
};

/* What a request claims about its signature. Nothing in it is true before the signature has been checked. */
struct sigv4 {
	enum sigv4_origin origin;
	enum sigv4_payload payload;
	uint64_t time_ms;                          /* since 1970 */
	uint32_t expires_s;                        /* presigned: how long from then */
	char timestamp[SIGV4_TIMESTAMP_BYTES + 1]; /* its first SIGV4_DATE_BYTES are the date of the scope */
	char access_key[SIGV4_ACCESS_KEY_BYTES_MAX + 1];
	char region[SIGV4_REGION_BYTES_MAX + 1];
	char service[SIGV4_SERVICE_BYTES_MAX + 1];
	char signed_headers[SIGV4_SIGNED_HEADERS_BYTES_MAX + 1]; /* "host;x-amz-date" */
	char token[SIGV4_TOKEN_BYTES_MAX + 1];                   /* of a session, or "" */
	uint8_t payload_sha256[SIGV4_DIGEST_BYTES];              /* for SIGV4_PAYLOAD_SHA256 */
	uint8_t signature[SIGV4_DIGEST_BYTES];
};

/* Reads the claim and applies every rule that needs no key: one algorithm, a well-formed scope of the same day, and
 * `host`, `content-type` (unless the service is s3), and each x-amz-* and x-cloister-* header there once and signed; no
 * parameter of the query twice.
 *
 * ERR_NOTFOUND: the request carries no AWS signature. ERR_INVALID: it is malformed. ERR_DENIED: a header is there that
 * must be signed and is not. ERR_LIMIT (limits.h: SIGV4_*). */
MUST_USE int sigv4_read(const struct sigv4_request *request, struct sigv4 *ret_auth, struct why *reterr_why);

/* Reads a credential, "AKID/20130524/us-east-1/s3/aws4_request", into access_key, region and service, and its date,
 * which must be the first characters of `timestamp`: for S3's POST form, which has nothing else of the above. */
MUST_USE int sigv4_credential_read(struct slice text, const char *timestamp, struct sigv4 *auth,
                                   struct why *reterr_why);

enum sigv4_freshness {
	SIGV4_FRESH,
	SIGV4_SKEWED,  /* more than SIGV4_SKEW_MS away, or a presigned URL from the future */
	SIGV4_EXPIRED, /* a presigned URL past its time */
};
enum sigv4_freshness sigv4_freshness(const struct sigv4 *auth, uint64_t now_ms);

/* ERR_DENIED, naming both, unless the request was signed for this region and service. */
MUST_USE int sigv4_scope_check(const struct sigv4 *auth, const char *region, const char *service,
                               struct why *reterr_why);

/* Appends "20130524/us-east-1/s3/aws4_request". */
MUST_USE int sigv4_scope_put(const struct sigv4 *auth, struct buf *into, struct why *reterr_why);

/* Appends the canonical request. `body_sha256` is the digest of the body where the caller knows it (NULL: not known):
 * needed for SIGV4_PAYLOAD_ABSENT, and compared for SIGV4_PAYLOAD_SHA256: ERR_DENIED if the body is another one. */
MUST_USE int sigv4_canonical_put(const struct sigv4_request *request, const struct sigv4 *auth,
                                 const uint8_t *body_sha256, struct buf *into, struct why *reterr_why);

/* Appends the string to sign, given SHA-256 of the canonical request. */
MUST_USE int sigv4_string_to_sign_put(const struct sigv4 *auth, const uint8_t canonical_sha256[SIGV4_DIGEST_BYTES],
                                      struct buf *into, struct why *reterr_why);

/* The parts of a canonical request; borrowed from its text. The path is percent-encoded once for s3 and twice for all
 * others; `query` can be read by form_read(FORM_QUERY). */
struct sigv4_canonical {
	struct slice method, path, query, headers, signed_headers, payload;
};
MUST_USE int sigv4_canonical_split(struct slice text, struct sigv4_canonical *ret_parts, struct why *reterr_why);

/* The value of a signed header, its name in lower case; false if it was not signed. Borrowed likewise. */
bool sigv4_canonical_header(const struct sigv4_canonical *parts, const char *name, struct slice *ret_value);

/* --- for clients --- */

struct sigv4_signer {
	const char *access_key, *region, *service;
	const char *token; /* of a session, or NULL; its x-amz-security-token header is the caller's to send */
	uint64_t time_ms;
};

/* Fills `ret_auth` for a request whose headers are complete (host, x-amz-date, x-amz-content-sha256 for s3): signs
 * content-type and every header that must be. The signature itself is still zero. */
MUST_USE int sigv4_sign_begin(const struct sigv4_signer *signer, const struct sigv4_request *request,
                              struct sigv4 *ret_auth, struct why *reterr_why);

/* Appends the value of the Authorization header, once auth->signature is set. */
MUST_USE int sigv4_authorization_put(const struct sigv4 *auth, struct buf *into, struct why *reterr_why);

/* Appends the request-target of a presigned URL without its signature: `request->target` and the X-Amz-* parameters.
 * Fills ret_auth. The canonical request is then that of the same request with this target. */
MUST_USE int sigv4_presign_begin(const struct sigv4_signer *signer, const struct sigv4_request *request,
                                 uint32_t expires_s, struct sigv4 *ret_auth, struct buf *into, struct why *reterr_why);

/* Appends the signature to that target. */
MUST_USE int sigv4_presign_finish(const struct sigv4 *auth, struct buf *into, struct why *reterr_why);

/* The value of x-amz-content-sha256; NULL for SIGV4_PAYLOAD_ABSENT and SIGV4_PAYLOAD_SHA256, which have no fixed one.
 */
const char *sigv4_payload_text(enum sigv4_payload payload);
