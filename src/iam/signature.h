/* signature.h: proving who sent a request, by AWS Signature Version 4, and signing one ourselves.
 *
 * What is routed on afterwards is the canonical request that was hashed, nothing else (protocols 2). */
#pragma once
#include "iam/caller.h"
#include "iam/iam.h"
#include "wire/sigv4.h"

/* Why a signature was refused. Each API has its own words for them: iam_refusal_code(). */
enum iam_refusal {
	IAM_REFUSAL_NONE,
	IAM_REFUSAL_MISSING,     /* the request carries no signature */
	IAM_REFUSAL_MALFORMED,   /* it carries something that is none */
	IAM_REFUSAL_UNSIGNED,    /* a header that must be signed is not, or the body is unsigned where it must not be */
	IAM_REFUSAL_SCOPE,       /* for another region, or a service that is not here */
	IAM_REFUSAL_SKEWED,      /* the clock of whoever signed is more than 15 minutes off */
	IAM_REFUSAL_EXPIRED,     /* a presigned URL past its time */
	IAM_REFUSAL_UNKNOWN_KEY, /* no such access key, or it is inactive: nobody shall tell the two apart */
	IAM_REFUSAL_TOKEN,       /* the session token is not ours or not this key's, or there is none */
	IAM_REFUSAL_TOKEN_EXPIRED, /* it was */
	IAM_REFUSAL_BODY,          /* the body is not the one that was signed */
	IAM_REFUSAL_MISMATCH,      /* the signature is another one */
};

enum iam_api {
	IAM_API_S3,
	IAM_API_QUERY, /* IAM, STS */
	IAM_API_JSON,  /* KMS, SageMaker */
};

/* The error code that clients of an API expect, and its HTTP status. Static. */
const char *iam_refusal_code(enum iam_refusal refusal, enum iam_api api, int *ret_status);

/* Which API a service of a credential scope is; false for a service that is not here. */
bool iam_api_of_service(const char *service, enum iam_api *ret_api);

struct iam_proof {
	struct sigv4 auth;
	struct buf *canonical;        /* what was hashed; owned */
	struct sigv4_canonical parts; /* borrowed from it */
	struct iam_caller *caller;    /* owned */
};
void iam_proof_clear(struct iam_proof *proof);

/* Checks a request's signature. `body_sha256` is the digest of the body as it arrived; NULL only for S3's object
 * bodies, which are checked as they stream in.
 *
 * ERR_DENIED with *ret_refusal when it is not proved; any other error is a failure of ours, with IAM_REFUSAL_NONE. */
MUST_USE int iam_authenticate(struct iam *iam, const struct sigv4_request *request, const uint8_t *body_sha256,
                              uint64_t now_ms, struct iam_proof *ret_proof, enum iam_refusal *ret_refusal,
                              struct why *reterr_why);

/* The chain of signatures of an aws-chunked body: each covers the one before. */
struct iam_chunk_chain {
	struct secret *key;
	uint8_t previous[SIGV4_DIGEST_BYTES];
};
MUST_USE int iam_chunk_chain_begin(struct iam *iam, const struct sigv4 *auth, struct iam_chunk_chain *ret_chain,
                                   struct why *reterr_why);

/* Checks the next chunk's signature, or the trailer's, given the SHA-256 of its bytes. ERR_DENIED. */
MUST_USE int iam_chunk_chain_check(struct iam_chunk_chain *chain, const struct sigv4 *auth,
                                   const uint8_t chunk_sha256[SIGV4_DIGEST_BYTES],
                                   const uint8_t signature[SIGV4_DIGEST_BYTES], struct why *reterr_why);
MUST_USE int iam_chunk_chain_check_trailer(struct iam_chunk_chain *chain, const struct sigv4 *auth,
                                           const uint8_t trailer_sha256[SIGV4_DIGEST_BYTES],
                                           const uint8_t signature[SIGV4_DIGEST_BYTES], struct why *reterr_why);
void iam_chunk_chain_clear(struct iam_chunk_chain *chain);

/* --- for clients --- */

/* Signs a request whose headers are complete (sigv4.h: sigv4_sign_begin()); appends the value of Authorization. */
MUST_USE int iam_sign_request(const struct sigv4_signer *signer, const struct secret *secret,
                              const struct sigv4_request *request, const uint8_t *body_sha256,
                              struct buf *into_authorization, struct why *reterr_why);

/* Appends the whole request-target of a presigned URL. */
MUST_USE int iam_presign(const struct sigv4_signer *signer, const struct secret *secret,
                         const struct sigv4_request *request, uint32_t expires_s, struct buf *into_target,
                         struct why *reterr_why);
