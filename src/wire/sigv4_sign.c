/* Signing, for clients: everything but the HMAC. */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/time.h"
#include "wire/form.h"
#include "wire/percent.h"
#include "wire/sigv4_internal.h"

static int begin(const struct sigv4_signer *signer, struct sigv4 *auth, struct why *reterr_why)
{
	char timestamp[TIME_BASIC_BYTES];

	time_format_basic(signer->time_ms, timestamp);
	auth->time_ms = signer->time_ms / 1000 * 1000;
	TRY(slice_to_str(slice_str(timestamp), auth->timestamp, sizeof auth->timestamp, reterr_why));
	TRY(slice_to_str(slice_str(signer->access_key), auth->access_key, sizeof auth->access_key, reterr_why));
	TRY(slice_to_str(slice_str(signer->region), auth->region, sizeof auth->region, reterr_why));
	TRY(slice_to_str(slice_str(signer->service), auth->service, sizeof auth->service, reterr_why));
	return slice_to_str(slice_str(signer->token), auth->token, sizeof auth->token, reterr_why);
}

static int compare_names(const void *a, const void *b)
{
	return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

/* Names of the headers to sign, in lower case in `names`, sorted, joined by ';'. */
static int join_names(struct slice *names, size_t count, struct sigv4 *auth, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *list = NULL;
	const char *text;

	qsort(names, count, sizeof *names, compare_names);
	TRY(buf_new(SIGV4_SIGNED_HEADERS_BYTES_MAX, &list, reterr_why));
	for (size_t i = 0; i < count; i++) {
		ENSURE(i == 0 || !slice_equal(names[i - 1], names[i]), ERR_INVALID, reterr_why,
		       "the header %.*s is there more than once", (int)names[i].len, (const char *)names[i].ptr);
		if (i)
			TRY(buf_put_u8(list, ';', reterr_why));
		TRY(buf_put(list, names[i], reterr_why));
	}
	TRY(buf_str(list, &text, reterr_why));
	return slice_to_str(slice_str(text), auth->signed_headers, sizeof auth->signed_headers, reterr_why);
}

static int choose_headers(const struct sigv4_request *request, struct sigv4 *auth, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *lower = NULL;
	struct slice names[SIGV4_HEADERS_MAX];
	size_t count = 0;
	uint8_t *room;

	TRY(buf_new(SIGV4_SIGNED_HEADERS_BYTES_MAX, &lower, reterr_why));
	TRY(buf_reserve(lower, SIGV4_SIGNED_HEADERS_BYTES_MAX, &room, reterr_why)); /* so that names stay in place */
	for (size_t i = 0; i < request->header_count; i++) {
		struct slice name = request->headers[i].name;

		if (!sigv4_header_must_be_signed(name, auth->service) && !slice_is_str_nocase(name, "content-type"))
			continue;
		names[count++] = slice_of(room + buf_len(lower), name.len);
		for (size_t k = 0; k < name.len; k++) {
			bool is_upper = name.ptr[k] >= 'A' && name.ptr[k] <= 'Z';

			TRY(buf_put_u8(lower, (uint8_t)(name.ptr[k] | (is_upper ? 0x20 : 0)), reterr_why));
		}
	}
	return join_names(names, count, auth, reterr_why);
}

/* x-amz-content-sha256 says it; without one the body's digest is used. */
static int choose_payload(const struct sigv4_request *request, struct sigv4 *auth, struct why *reterr_why)
{
	struct slice value;

	if (!sigv4_header_find(request, slice_str("x-amz-content-sha256"), &value))
		return ERR_OK;
	return sigv4_payload_read(value, auth, reterr_why);
}

int sigv4_sign_begin(const struct sigv4_signer *signer, const struct sigv4_request *request, struct sigv4 *ret_auth,
                     struct why *reterr_why)
{
	struct sigv4 auth = {.origin = SIGV4_IN_HEADER};
	struct slice value;

	TRY(sigv4_request_check(request, reterr_why));
	TRY(begin(signer, &auth, reterr_why));
	ENSURE(sigv4_header_find(request, slice_str("x-amz-date"), &value) == 1 && slice_is_str(value, auth.timestamp),
	       ERR_INTERNAL, reterr_why, "the request's X-Amz-Date is not the time that it is signed for");
	TRY(choose_headers(request, &auth, reterr_why));
	TRY(choose_payload(request, &auth, reterr_why));
	*ret_auth = auth;
	return ERR_OK;
}

int sigv4_authorization_put(const struct sigv4 *auth, struct buf *into, struct why *reterr_why)
{
	char hex[2 * SIGV4_DIGEST_BYTES + 1];

	hex_encode(slice_of(auth->signature, sizeof auth->signature), hex);
	TRY(buf_put_fmt(into, reterr_why, "AWS4-HMAC-SHA256 Credential=%s/", auth->access_key));
	TRY(sigv4_scope_put(auth, into, reterr_why));
	return buf_put_fmt(into, reterr_why, ", SignedHeaders=%s, Signature=%s", auth->signed_headers, hex);
}

static int put_presign_parameters(const struct sigv4 *auth, struct buf *into, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *credential = NULL, *expires = NULL;

	TRY(buf_new(SIGV4_AUTHORIZATION_BYTES_MAX, &credential, reterr_why));
	TRY(buf_put_fmt(credential, reterr_why, "%s/", auth->access_key));
	TRY(sigv4_scope_put(auth, credential, reterr_why));
	TRY(buf_new(16, &expires, reterr_why));
	TRY(buf_put_fmt(expires, reterr_why, "%u", auth->expires_s));
	TRY(form_put(into, "X-Amz-Algorithm", slice_str("AWS4-HMAC-SHA256"), reterr_why));
	TRY(form_put(into, "X-Amz-Credential", buf_slice(credential), reterr_why));
	TRY(form_put(into, "X-Amz-Date", slice_str(auth->timestamp), reterr_why));
	TRY(form_put(into, "X-Amz-Expires", buf_slice(expires), reterr_why));
	TRY(form_put(into, "X-Amz-SignedHeaders", slice_str(auth->signed_headers), reterr_why));
	if (auth->token[0])
		TRY(form_put(into, "X-Amz-Security-Token", slice_str(auth->token), reterr_why));
	return ERR_OK;
}

int sigv4_presign_begin(const struct sigv4_signer *signer, const struct sigv4_request *request, uint32_t expires_s,
                        struct sigv4 *ret_auth, struct buf *into, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *parameters = NULL;
	struct sigv4 auth = {.origin = SIGV4_IN_QUERY, .expires_s = expires_s};
	struct slice path, query;

	ENSURE(expires_s >= 1 && expires_s <= SIGV4_EXPIRES_S_MAX, ERR_INVALID, reterr_why,
	       "a presigned URL lives from 1 to %d seconds, not %u", SIGV4_EXPIRES_S_MAX, expires_s);
	TRY(sigv4_request_check(request, reterr_why));
	TRY(begin(signer, &auth, reterr_why));
	TRY(choose_headers(request, &auth, reterr_why));
	TRY(choose_payload(request, &auth, reterr_why));
	if (auth.payload == SIGV4_PAYLOAD_ABSENT && strcmp(auth.service, "s3") == 0)
		auth.payload = SIGV4_PAYLOAD_UNSIGNED;
	TRY(buf_new(SIGV4_TARGET_BYTES_MAX, &parameters, reterr_why));
	TRY(put_presign_parameters(&auth, parameters, reterr_why));
	sigv4_target_split(request->target, &path, &query);
	TRY(buf_put(into, request->target, reterr_why));
	if (query.len)
		TRY(buf_put_u8(into, '&', reterr_why));
	else if (path.len == request->target.len)
		TRY(buf_put_u8(into, '?', reterr_why));
	TRY(buf_put(into, buf_slice(parameters), reterr_why));
	*ret_auth = auth;
	return ERR_OK;
}

int sigv4_presign_finish(const struct sigv4 *auth, struct buf *into, struct why *reterr_why)
{
	char hex[2 * SIGV4_DIGEST_BYTES + 1];

	hex_encode(slice_of(auth->signature, sizeof auth->signature), hex);
	return buf_put_fmt(into, reterr_why, "&X-Amz-Signature=%s", hex);
}
