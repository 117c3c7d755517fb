#include "iam/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "crypto/hash.h"
#include "crypto/xaes.h"
#include "iam/iam_internal.h"

enum {
	TOKEN_VERSION = 1,
	SECRET_RANDOM_BYTES = 30,
	/* What base64 of the longest token decodes to. */
	SEALED_BYTES_MAX = SIGV4_TOKEN_BYTES_MAX / 4 * 3,
};
_Static_assert(1 + IAM_TOKEN_PLAIN_BYTES_MAX + XAES_OVERHEAD_BYTES <= SEALED_BYTES_MAX, "a token fits its header");
_Static_assert(IAM_TOKEN_PLAIN_BYTES_MAX <= SECRET_LARGE_BYTES, "an opened token fits a secret");

static const char *const origin_names[] = {[IAM_ORIGIN_PLAIN] = "plain", [IAM_ORIGIN_SEALED] = "sealed"};

const char *iam_origin_name(enum iam_origin origin)
{
	return origin_names[origin];
}

void iam_credentials_clear(struct iam_credentials *c)
{
	secret_free(c->secret);
	explicit_bzero(c, sizeof *c);
}

int iam_session_secret(struct iam *iam, const char *access_key, struct secret **ret_secret, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *digest = NULL;
	CLEANUP(secret_freep) struct secret *text = NULL;

	TRY(secret_new(SHA256_BYTES, &digest, reterr_why));
	TRY(secret_new(IAM_SECRET_CHARS + 1, &text, reterr_why));
	hmac_sha256_secret(iam->derive_key, slice_str(access_key), secret_bytes(digest));
	base64_encode(slice_of(secret_peek(digest), SECRET_RANDOM_BYTES), (char *)secret_bytes(text));
	secret_shrink(text, IAM_SECRET_CHARS);
	*ret_secret = take_ptr(text);
	return ERR_OK;
}

static int put_aad(struct buf *into, const char *access_key, struct why *reterr_why)
{
	TRY(buf_put_lp(into, slice_str("cloister.iam/v1 session"), reterr_why));
	return buf_put_lp(into, slice_str(access_key), reterr_why);
}

/* Every claim has to be a condition key with values that a request's context takes. */
static int check_claims(const json_t *claims, struct why *reterr_why)
{
	CLEANUP(iam_context_freep) struct iam_context *context = NULL;
	struct iam_session trial = {.claims = (json_t *)(uintptr_t)claims};

	TRY(iam_context_new(&context, reterr_why));
	return iam_session_put_claims(&trial, context, reterr_why);
}

static int check_spec(const struct iam_session_spec *spec, struct why *reterr_why)
{
	TRY(iam_name_check(spec->name, IAM_NAME_BYTES_MAX, reterr_why));
	ENSURE(spec->name.len >= 2, ERR_INVALID, reterr_why, "a session's name has at least 2 characters");
	ENSURE(spec->lasts_s >= IAM_SESSION_S_MIN && spec->lasts_s <= spec->role->max_session_s, ERR_INVALID,
	       reterr_why, "sessions of role %s last from %d to %u seconds, not %llu", spec->role->name,
	       IAM_SESSION_S_MIN, spec->role->max_session_s, (unsigned long long)spec->lasts_s);
	if (spec->policy.len)
		TRY(iam_document_check(spec->policy, false, IAM_SESSION_POLICY_BYTES_MAX, reterr_why));
	return spec->claims ? check_claims(spec->claims, reterr_why) : ERR_OK;
}

static int put_payload(const struct iam_session_spec *spec, uint64_t expires_ms, struct buf *into,
                       struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *payload = json_object();

	ENSURE(payload, ERR_UNAVAILABLE, reterr_why, "out of memory for a session token");
	TRY(json_set_str(payload, "account", slice_str(spec->role->account), reterr_why));
	TRY(json_set_str(payload, "role", slice_str(spec->role->name), reterr_why));
	TRY(json_set_str(payload, "role_id", slice_str(spec->role->id), reterr_why));
	TRY(json_set_str(payload, "name", spec->name, reterr_why));
	TRY(json_set_str(payload, "policy", spec->policy, reterr_why));
	TRY(json_set_str(payload, "origin", slice_str(iam_origin_name(spec->origin)), reterr_why));
	TRY(json_set_int(payload, "issued_ms", (int64_t)spec->issued_ms, reterr_why));
	TRY(json_set_int(payload, "expires_ms", (int64_t)expires_ms, reterr_why));
	ENSURE(json_object_set_new(payload, "claims", spec->claims ? json_deep_copy(spec->claims) : json_object()) == 0,
	       ERR_UNAVAILABLE, reterr_why, "out of memory for a session token");
	return json_put(payload, into, reterr_why);
}

int iam_session_issue(struct iam *iam, const struct iam_session_spec *spec, struct iam_credentials *ret_credentials,
                      struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *plain = NULL, *aad = NULL, *sealed = NULL;
	CLEANUP(iam_credentials_clear) struct iam_credentials c = {0};
	int err;

	TRY(check_spec(spec, reterr_why));
	c.expires_ms = spec->issued_ms + spec->lasts_s * 1000;
	TRY(buf_new(IAM_TOKEN_PLAIN_BYTES_MAX, &plain, reterr_why));
	TRY(buf_new(128, &aad, reterr_why));
	TRY(buf_new(SEALED_BYTES_MAX, &sealed, reterr_why));
	err = put_payload(spec, c.expires_ms, plain, reterr_why);
	ENSURE(err_class(err) != ERR_LIMIT, ERR_LIMIT, reterr_why,
	       "the session's policy and context are too large for a token: %d bytes are accepted together",
	       IAM_TOKEN_PLAIN_BYTES_MAX);
	TRY(err);
	TRY(iam_id_new(IAM_SESSION_LETTERS, c.access_key, reterr_why));
	TRY(put_aad(aad, c.access_key, reterr_why));
	TRY(buf_put_u8(sealed, TOKEN_VERSION, reterr_why));
	TRY(xaes_seal(iam->session_key, buf_slice(aad), buf_slice(plain), sealed, reterr_why));
	base64_encode(buf_slice(sealed), c.token);
	TRY(iam_session_secret(iam, c.access_key, &c.secret, reterr_why));
	*ret_credentials = c;
	c = (struct iam_credentials){0};
	return ERR_OK;
}

static int invalid_token(struct why *reterr_why)
{
	why_set(reterr_why, "the security token included in the request is invalid");
	return IAM_ERR_TOKEN;
}

static int unseal(struct iam *iam, const char *access_key, struct slice token, struct secret **ret_plain,
                  struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *aad = NULL;
	uint8_t sealed[SEALED_BYTES_MAX];
	struct cursor in;
	uint8_t version;
	size_t len;
	int err;

	if (!slice_starts_with(slice_str(access_key), IAM_SESSION_LETTERS) ||
	    base64_decode(token, sealed, sizeof sealed, &len, NULL) != ERR_OK)
		return invalid_token(reterr_why);
	in = cursor_of(slice_of(sealed, len));
	if (cursor_take_u8(&in, &version, NULL) != ERR_OK || version != TOKEN_VERSION)
		return invalid_token(reterr_why);
	TRY(buf_new(512, &aad, reterr_why));
	TRY(put_aad(aad, access_key, reterr_why));
	err = xaes_open(iam->session_key, buf_slice(aad), in.rest, ret_plain, reterr_why);
	/* A forged token is a denial like any other, not the alarm that an altered row of ours is. */
	if (err == ERR_INVALID || err == ERR_TAMPERED || err == ERR_LIMIT)
		return invalid_token(reterr_why);
	return err;
}

static int copy_member(const json_t *payload, const char *name, char *out, size_t size, struct why *reterr_why)
{
	const char *text;

	TRY(json_get_str(payload, name, &text, reterr_why));
	return slice_to_str(slice_str(text), out, size, reterr_why);
}

static int read_payload(const json_t *payload, struct iam_session *into, struct why *reterr_why)
{
	const char *origin;
	int64_t issued_ms, expires_ms;
	json_t *claims;

	TRY(copy_member(payload, "account", into->account, sizeof into->account, reterr_why));
	TRY(copy_member(payload, "role", into->role, sizeof into->role, reterr_why));
	TRY(copy_member(payload, "role_id", into->role_id, sizeof into->role_id, reterr_why));
	TRY(copy_member(payload, "name", into->name, sizeof into->name, reterr_why));
	TRY(copy_member(payload, "policy", into->policy, sizeof into->policy, reterr_why));
	TRY(json_get_str(payload, "origin", &origin, reterr_why));
	into->origin = strcmp(origin, iam_origin_name(IAM_ORIGIN_SEALED)) == 0 ? IAM_ORIGIN_SEALED : IAM_ORIGIN_PLAIN;
	TRY(json_get_int(payload, "issued_ms", 0, INT64_MAX, &issued_ms, reterr_why));
	TRY(json_get_int(payload, "expires_ms", 0, INT64_MAX, &expires_ms, reterr_why));
	TRY(json_get_object(payload, "claims", &claims, reterr_why));
	into->issued_ms = (uint64_t)issued_ms;
	into->expires_ms = (uint64_t)expires_ms;
	into->claims = json_incref(claims);
	return ERR_OK;
}

int iam_session_open(struct iam *iam, const char *access_key, struct slice token, uint64_t now_ms,
                     struct iam_session **ret_session, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *plain = NULL;
	CLEANUP(json_freep) json_t *payload = NULL;
	CLEANUP(iam_session_freep) struct iam_session *session = NULL;

	TRY(unseal(iam, access_key, token, &plain, reterr_why));
	session = calloc(1, sizeof *session);
	ENSURE(session, ERR_UNAVAILABLE, reterr_why, "out of memory for a session");
	TRY(json_read_object(slice_of(secret_peek(plain), secret_len(plain)), &payload, reterr_why));
	TRY(read_payload(payload, session, reterr_why));
	ENSURE(now_ms < session->expires_ms, IAM_ERR_TOKEN_EXPIRED, reterr_why,
	       "the security token included in the request is expired");
	*ret_session = take_ptr(session);
	return ERR_OK;
}

void iam_session_free(struct iam_session *s)
{
	if (s)
		json_decref(s->claims);
	free(s);
}

void iam_session_freep(struct iam_session **s)
{
	iam_session_free(*s);
	*s = NULL;
}

enum { CLAIM_VALUES_MAX = 256 };

static int put_claim(const char *name, const json_t *list, struct iam_context *context, struct why *reterr_why)
{
	struct slice values[CLAIM_VALUES_MAX];
	size_t count = json_array_size(list);

	ENSURE(json_is_array(list), ERR_INVALID, reterr_why, "the claim %.80s is not a list", name);
	ENSURE(count <= CLAIM_VALUES_MAX, ERR_LIMIT, reterr_why,
	       "the claim %.80s has %zu values; at most %d are accepted", name, count, CLAIM_VALUES_MAX);
	for (size_t i = 0; i < count; i++) {
		const json_t *value = json_array_get(list, i);

		ENSURE(json_is_string(value), ERR_INVALID, reterr_why, "a value of the claim %.80s is not a string",
		       name);
		values[i] = slice_of(json_string_value(value), json_string_length(value));
	}
	return iam_context_put_all(context, slice_str(name), values, count, reterr_why);
}

int iam_session_put_claims(const struct iam_session *s, struct iam_context *context, struct why *reterr_why)
{
	const char *name;
	json_t *list;

	json_object_foreach(s->claims, name, list) TRY(put_claim(name, list, context, reterr_why));
	return ERR_OK;
}
