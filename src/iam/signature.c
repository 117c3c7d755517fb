#include "iam/signature.h"

#include <string.h>

#include "crypto/hash.h"
#include "iam/iam_internal.h"
#include "wire/aws_chunked.h"

/* The canonical request: the request-target and all signed headers, and little else. */
enum { CANONICAL_BYTES_MAX = 262144, TO_SIGN_BYTES_MAX = 1024 };

static const struct {
	const char *s3, *query, *json;
	int s3_status, query_status, json_status;
} codes[] = {
	[IAM_REFUSAL_NONE] = {"", "", "", 200, 200, 200},
	[IAM_REFUSAL_MISSING] = {"AccessDenied", "MissingAuthenticationToken", "MissingAuthenticationTokenException",
                                 403, 403, 400},
	[IAM_REFUSAL_MALFORMED] = {"AuthorizationHeaderMalformed", "IncompleteSignature",
                                   "IncompleteSignatureException", 400, 400, 400},
	[IAM_REFUSAL_UNSIGNED] = {"AccessDenied", "SignatureDoesNotMatch", "InvalidSignatureException", 403, 403, 400},
	[IAM_REFUSAL_SCOPE] = {"AuthorizationHeaderMalformed", "SignatureDoesNotMatch", "InvalidSignatureException",
                               400, 403, 400},
	[IAM_REFUSAL_SKEWED] = {"RequestTimeTooSkewed", "SignatureDoesNotMatch", "InvalidSignatureException", 403, 403,
                                400},
	[IAM_REFUSAL_EXPIRED] = {"AccessDenied", "SignatureDoesNotMatch", "InvalidSignatureException", 403, 403, 400},
	[IAM_REFUSAL_UNKNOWN_KEY] = {"InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException", 403,
                                     403, 400},
	[IAM_REFUSAL_TOKEN] = {"InvalidToken", "InvalidClientTokenId", "UnrecognizedClientException", 400, 403, 400},
	[IAM_REFUSAL_TOKEN_EXPIRED] = {"ExpiredToken", "ExpiredToken", "ExpiredTokenException", 400, 403, 400},
	[IAM_REFUSAL_BODY] = {"XAmzContentSHA256Mismatch", "SignatureDoesNotMatch", "InvalidSignatureException", 400,
                              403, 400},
	[IAM_REFUSAL_MISMATCH] = {"SignatureDoesNotMatch", "SignatureDoesNotMatch", "InvalidSignatureException", 403,
                                  403, 400},
};

const char *iam_refusal_code(enum iam_refusal refusal, enum iam_api api, int *ret_status)
{
	switch (api) {
	case IAM_API_S3:
		*ret_status = codes[refusal].s3_status;
		return codes[refusal].s3;
	case IAM_API_QUERY:
		*ret_status = codes[refusal].query_status;
		return codes[refusal].query;
	default:
		*ret_status = codes[refusal].json_status;
		return codes[refusal].json;
	}
}

bool iam_api_of_service(const char *service, enum iam_api *ret_api)
{
	static const struct {
		const char *name;
		enum iam_api api;
	} services[] = {
		{"s3", IAM_API_S3},    {"iam", IAM_API_QUERY},      {"sts", IAM_API_QUERY},
		{"kms", IAM_API_JSON}, {"sagemaker", IAM_API_JSON}, {"cloister", IAM_API_JSON},
	};

	for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
		if (strcmp(services[i].name, service) == 0) {
			*ret_api = services[i].api;
			return true;
		}
	}
	return false;
}

void iam_proof_clear(struct iam_proof *proof)
{
	buf_free(proof->canonical);
	iam_caller_free(proof->caller);
	*proof = (struct iam_proof){0};
}

static int refuse(enum iam_refusal refusal, enum iam_refusal *ret_refusal)
{
	*ret_refusal = refusal;
	return ERR_DENIED;
}

/* sigv4_read()'s errors in our words. */
static int read_claim(const struct sigv4_request *request, struct sigv4 *ret_auth, enum iam_refusal *ret_refusal,
                      struct why *reterr_why)
{
	int err = sigv4_read(request, ret_auth, reterr_why);

	switch (err_class(err)) {
	case ERR_OK:
		return ERR_OK;
	case ERR_NOTFOUND:
		return refuse(IAM_REFUSAL_MISSING, ret_refusal);
	case ERR_DENIED:
		return refuse(IAM_REFUSAL_UNSIGNED, ret_refusal);
	case ERR_INVALID:
	case ERR_LIMIT:
		return refuse(IAM_REFUSAL_MALFORMED, ret_refusal);
	default:
		return err;
	}
}

/* What can be judged without a key: where the request is meant for, when, and that its body is signed. */
static int check_claim(const struct iam *iam, const struct sigv4 *auth, const uint8_t *body_sha256, uint64_t now_ms,
                       enum iam_refusal *ret_refusal, struct why *reterr_why)
{
	enum iam_api api;

	if (!iam_api_of_service(auth->service, &api)) {
		why_set(reterr_why, "there is no service %.60s here", auth->service);
		return refuse(IAM_REFUSAL_SCOPE, ret_refusal);
	}
	if (sigv4_scope_check(auth, iam->region, auth->service, reterr_why) != ERR_OK)
		return refuse(IAM_REFUSAL_SCOPE, ret_refusal);
	switch (sigv4_freshness(auth, now_ms)) {
	case SIGV4_SKEWED:
		why_set(reterr_why, "signed at %s, more than 15 minutes from the time here: check the clock",
		        auth->timestamp);
		return refuse(IAM_REFUSAL_SKEWED, ret_refusal);
	case SIGV4_EXPIRED:
		why_set(reterr_why, "the presigned URL of %s was for %u seconds", auth->timestamp, auth->expires_s);
		return refuse(IAM_REFUSAL_EXPIRED, ret_refusal);
	default:
		break;
	}
	/* Only S3's bodies may be unsigned, or signed piece by piece. */
	bool is_body_signed = auth->payload == SIGV4_PAYLOAD_ABSENT || auth->payload == SIGV4_PAYLOAD_SHA256;

	if (api != IAM_API_S3 && (!is_body_signed || !body_sha256)) {
		why_set(reterr_why, "the body of a request for %s has to be signed", auth->service);
		return refuse(IAM_REFUSAL_UNSIGNED, ret_refusal);
	}
	return ERR_OK;
}

static int unknown_key(enum iam_refusal *ret_refusal, struct why *reterr_why)
{
	why_set(reterr_why, "the access key id does not exist here");
	return refuse(IAM_REFUSAL_UNKNOWN_KEY, ret_refusal);
}

/* A session's key and its token; `caller` is filled only if both are good. */
static int find_session(struct iam *iam, const struct sigv4 *auth, uint64_t now_ms, struct iam_caller **ret_caller,
                        enum iam_refusal *ret_refusal, struct why *reterr_why)
{
	struct iam_session *session = NULL;
	int err = iam_session_open(iam, auth->access_key, slice_str(auth->token), now_ms, &session, reterr_why);

	if (err == IAM_ERR_TOKEN || err == IAM_ERR_TOKEN_EXPIRED)
		return refuse(err == IAM_ERR_TOKEN ? IAM_REFUSAL_TOKEN : IAM_REFUSAL_TOKEN_EXPIRED, ret_refusal);
	TRY(err);
	err = iam_caller_of_session(iam, auth->access_key, session, ret_caller, reterr_why);
	return err == ERR_NOTFOUND ? refuse(IAM_REFUSAL_TOKEN, ret_refusal) : err;
}

static int find_key(struct iam *iam, const struct sigv4 *auth, struct iam_access_key *ret_key,
                    struct iam_caller **ret_caller, enum iam_refusal *ret_refusal, struct why *reterr_why)
{
	int err = iam_access_key_get(iam, slice_str(auth->access_key), ret_key, reterr_why);

	if (err == ERR_NOTFOUND || (err == ERR_OK && !ret_key->is_active))
		return unknown_key(ret_refusal, reterr_why);
	TRY(err);
	/* A long-term key has no token; one that is there was meant for another key. */
	if (auth->token[0]) {
		why_set(reterr_why, "the access key is not a session's, but a security token came with it");
		return refuse(IAM_REFUSAL_TOKEN, ret_refusal);
	}
	err = iam_caller_of_key(iam, ret_key, ret_caller, reterr_why);
	return err == ERR_NOTFOUND ? unknown_key(ret_refusal, reterr_why) : err;
}

/* The signing key for a claim, from the cache or from the secret. Borrowed from the cache. */
static int signing_key_of(struct iam *iam, const struct sigv4 *auth, const struct iam_access_key *key,
                          const struct secret **ret_key, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *secret = NULL;
	struct secret *derived = NULL;

	*ret_key = signing_keys_find(iam->signing_keys, auth);
	if (*ret_key)
		return ERR_OK;
	if (key)
		TRY(iam_access_key_secret(iam, key, &secret, reterr_why));
	else
		TRY(iam_session_secret(iam, auth->access_key, &secret, reterr_why));
	TRY(signing_key_derive(secret, auth, &derived, reterr_why));
	signing_keys_put(iam->signing_keys, auth, derived);
	*ret_key = derived;
	return ERR_OK;
}

/* The MAC of a string to sign. */
static int sign_canonical(const struct sigv4 *auth, struct slice canonical, const struct secret *key,
                          uint8_t ret_signature[static SIGV4_DIGEST_BYTES], struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *to_sign = NULL;
	uint8_t digest[SHA256_BYTES];

	sha256(canonical, digest);
	TRY(buf_new(TO_SIGN_BYTES_MAX, &to_sign, reterr_why));
	TRY(sigv4_string_to_sign_put(auth, digest, to_sign, reterr_why));
	hmac_sha256_secret(key, buf_slice(to_sign), ret_signature);
	return ERR_OK;
}

/* Hashes the request as it came. A body that is not the signed one is refused here. */
static int canonicalise(const struct sigv4_request *request, const uint8_t *body_sha256, struct iam_proof *proof,
                        enum iam_refusal *ret_refusal, struct why *reterr_why)
{
	int err;

	TRY(buf_new(CANONICAL_BYTES_MAX, &proof->canonical, reterr_why));
	err = sigv4_canonical_put(request, &proof->auth, body_sha256, proof->canonical, reterr_why);
	if (err_class(err) == ERR_DENIED)
		return refuse(IAM_REFUSAL_BODY, ret_refusal);
	if (err_class(err) == ERR_INVALID || err_class(err) == ERR_LIMIT)
		return refuse(IAM_REFUSAL_MALFORMED, ret_refusal);
	TRY(err);
	return sigv4_canonical_split(buf_slice(proof->canonical), &proof->parts, reterr_why);
}

static int prove(struct iam *iam, const struct sigv4_request *request, const uint8_t *body_sha256, uint64_t now_ms,
                 struct iam_proof *proof, enum iam_refusal *ret_refusal, struct why *reterr_why)
{
	uint8_t expected[SIGV4_DIGEST_BYTES];
	struct iam_access_key key;
	const struct secret *signing_key;
	bool is_session;

	TRY(read_claim(request, &proof->auth, ret_refusal, reterr_why));
	TRY(check_claim(iam, &proof->auth, body_sha256, now_ms, ret_refusal, reterr_why));
	is_session = slice_starts_with(slice_str(proof->auth.access_key), IAM_SESSION_LETTERS);
	if (is_session)
		TRY(find_session(iam, &proof->auth, now_ms, &proof->caller, ret_refusal, reterr_why));
	else
		TRY(find_key(iam, &proof->auth, &key, &proof->caller, ret_refusal, reterr_why));
	TRY(canonicalise(request, body_sha256, proof, ret_refusal, reterr_why));
	TRY(signing_key_of(iam, &proof->auth, is_session ? NULL : &key, &signing_key, reterr_why));
	TRY(sign_canonical(&proof->auth, buf_slice(proof->canonical), signing_key, expected, reterr_why));
	if (!bytes_equal_ct(expected, proof->auth.signature, sizeof expected)) {
		why_set(reterr_why,
		        "the signature is not the one that was calculated here: check the secret key, and that "
		        "nothing on the way changes the request");
		return refuse(IAM_REFUSAL_MISMATCH, ret_refusal);
	}
	return ERR_OK;
}

int iam_authenticate(struct iam *iam, const struct sigv4_request *request, const uint8_t *body_sha256, uint64_t now_ms,
                     struct iam_proof *ret_proof, enum iam_refusal *ret_refusal, struct why *reterr_why)
{
	CLEANUP(iam_proof_clear) struct iam_proof proof = {0};

	*ret_refusal = IAM_REFUSAL_NONE;
	TRY(prove(iam, request, body_sha256, now_ms, &proof, ret_refusal, reterr_why));
	*ret_proof = proof;
	proof = (struct iam_proof){0};
	return ERR_OK;
}

int iam_chunk_chain_begin(struct iam *iam, const struct sigv4 *auth, struct iam_chunk_chain *ret_chain,
                          struct why *reterr_why)
{
	const struct secret *key = signing_keys_find(iam->signing_keys, auth);
	struct iam_chunk_chain chain = {0};

	/* The request's own signature was checked a moment ago, with this key. */
	ENSURE(key, ERR_UNAVAILABLE, reterr_why, "the signing key is no longer at hand: send the request again");
	TRY(secret_new_from(slice_of(secret_peek(key), secret_len(key)), &chain.key, reterr_why));
	memcpy(chain.previous, auth->signature, sizeof chain.previous);
	*ret_chain = chain;
	return ERR_OK;
}

typedef int (*to_sign_fn)(const struct sigv4 *auth, const uint8_t previous[SIGV4_DIGEST_BYTES],
                          const uint8_t sha256_of_it[SIGV4_DIGEST_BYTES], struct buf *into, struct why *reterr_why);

static int check_link(struct iam_chunk_chain *chain, const struct sigv4 *auth, to_sign_fn put,
                      const uint8_t digest[static SIGV4_DIGEST_BYTES],
                      const uint8_t signature[static SIGV4_DIGEST_BYTES], const char *what, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *to_sign = NULL;
	uint8_t expected[SIGV4_DIGEST_BYTES];

	TRY(buf_new(TO_SIGN_BYTES_MAX, &to_sign, reterr_why));
	TRY(put(auth, chain->previous, digest, to_sign, reterr_why));
	hmac_sha256_secret(chain->key, buf_slice(to_sign), expected);
	ENSURE(bytes_equal_ct(expected, signature, sizeof expected), ERR_DENIED, reterr_why,
	       "the signature of a %s is not the one that was calculated here", what);
	memcpy(chain->previous, expected, sizeof expected);
	return ERR_OK;
}

int iam_chunk_chain_check(struct iam_chunk_chain *chain, const struct sigv4 *auth,
                          const uint8_t chunk_sha256[SIGV4_DIGEST_BYTES], const uint8_t signature[SIGV4_DIGEST_BYTES],
                          struct why *reterr_why)
{
	return check_link(chain, auth, aws_chunked_chunk_to_sign_put, chunk_sha256, signature, "chunk", reterr_why);
}

int iam_chunk_chain_check_trailer(struct iam_chunk_chain *chain, const struct sigv4 *auth,
                                  const uint8_t trailer_sha256[SIGV4_DIGEST_BYTES],
                                  const uint8_t signature[SIGV4_DIGEST_BYTES], struct why *reterr_why)
{
	return check_link(chain, auth, aws_chunked_trailer_to_sign_put, trailer_sha256, signature, "trailer",
	                  reterr_why);
}

void iam_chunk_chain_clear(struct iam_chunk_chain *chain)
{
	secret_free(chain->key);
	*chain = (struct iam_chunk_chain){0};
}

/* Fills the signature of a claim that is otherwise complete. */
static int sign_claim(struct sigv4 *auth, const struct secret *secret, const struct sigv4_request *request,
                      const uint8_t *body_sha256, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *canonical = NULL;
	CLEANUP(secret_freep) struct secret *key = NULL;

	TRY(buf_new(CANONICAL_BYTES_MAX, &canonical, reterr_why));
	TRY(sigv4_canonical_put(request, auth, body_sha256, canonical, reterr_why));
	TRY(signing_key_derive(secret, auth, &key, reterr_why));
	return sign_canonical(auth, buf_slice(canonical), key, auth->signature, reterr_why);
}

int iam_sign_request(const struct sigv4_signer *signer, const struct secret *secret,
                     const struct sigv4_request *request, const uint8_t *body_sha256, struct buf *into_authorization,
                     struct why *reterr_why)
{
	struct sigv4 auth;

	TRY(sigv4_sign_begin(signer, request, &auth, reterr_why));
	TRY(sign_claim(&auth, secret, request, body_sha256, reterr_why));
	return sigv4_authorization_put(&auth, into_authorization, reterr_why);
}

int iam_presign(const struct sigv4_signer *signer, const struct secret *secret, const struct sigv4_request *request,
                uint32_t expires_s, struct buf *into_target, struct why *reterr_why)
{
	struct sigv4_request presigned = *request;
	struct sigv4 auth;

	TRY(sigv4_presign_begin(signer, request, expires_s, &auth, into_target, reterr_why));
	presigned.target = buf_slice(into_target);
	TRY(sign_claim(&auth, secret, &presigned, NULL, reterr_why));
	return sigv4_presign_finish(&auth, into_target, reterr_why);
}
