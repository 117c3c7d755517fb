/* What a request claims about its signature, and the rules that it must keep. */
#include <string.h>

#include "base/encode.h"
#include "base/time.h"
#include "wire/form.h"
#include "wire/sigv4_internal.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

/* --- the pieces of a claim --- */

/* A part of the scope: letters, digits and what AWS's own names use, so that it can stand in any text as it is. */
static int read_name(struct slice text, const char *what, char *out, size_t size, struct why *reterr_why)
{
	ENSURE(text.len, ERR_INVALID, reterr_why, "the credential's %s is empty", what);
	ENSURE(text.len < size, ERR_LIMIT, reterr_why,
	       "the credential's %s has %zu characters; at most %zu are accepted", what, text.len, size - 1);
	ENSURE(sigv4_is_token(text), ERR_INVALID, reterr_why, "the credential's %s has characters that no %s has", what,
	       what);
	return slice_to_str(text, out, size, reterr_why);
}

int sigv4_credential_read(struct slice text, const char *timestamp, struct sigv4 *auth, struct why *reterr_why)
{
	struct cursor in = cursor_of(text);
	struct slice access_key, date, region, service;

	if (cursor_take_until(&in, '/', &access_key, NULL) != ERR_OK ||
	    cursor_take_until(&in, '/', &date, NULL) != ERR_OK ||
	    cursor_take_until(&in, '/', &region, NULL) != ERR_OK ||
	    cursor_take_until(&in, '/', &service, NULL) != ERR_OK || !slice_is_str(in.rest, "aws4_request")) {
		why_set(reterr_why, "the credential is not of the form KEY/YYYYMMDD/REGION/SERVICE/aws4_request");
		return ERR_INVALID;
	}
	ENSURE(slice_equal(date, slice_of(timestamp, SIGV4_DATE_BYTES)), ERR_INVALID, reterr_why,
	       "the credential's date is not the date of the request, %.*s", SIGV4_DATE_BYTES, timestamp);
	TRY(read_name(access_key, "access key", auth->access_key, sizeof auth->access_key, reterr_why));
	TRY(read_name(region, "region", auth->region, sizeof auth->region, reterr_why));
	return read_name(service, "service", auth->service, sizeof auth->service, reterr_why);
}

/* Lower-case tokens, ascending, so that there is one way to write a set of headers. */
static int read_signed_headers(struct slice text, struct sigv4 *auth, struct why *reterr_why)
{
	struct slice list = text, before = slice_of(NULL, 0), name;

	ENSURE(text.len && text.ptr[text.len - 1] != ';', ERR_INVALID, reterr_why,
	       "SignedHeaders is empty or ends in ';'");
	ENSURE(text.len <= SIGV4_SIGNED_HEADERS_BYTES_MAX, ERR_LIMIT, reterr_why,
	       "SignedHeaders of %zu bytes; at most %d are accepted", text.len, SIGV4_SIGNED_HEADERS_BYTES_MAX);
	while (sigv4_signed_header_next(&list, &name)) {
		ENSURE(sigv4_is_token(name), ERR_INVALID, reterr_why,
		       "SignedHeaders names something that is no header");
		for (size_t i = 0; i < name.len; i++)
			ENSURE(name.ptr[i] < 'A' || name.ptr[i] > 'Z', ERR_INVALID, reterr_why,
			       "SignedHeaders has upper-case letters");
		ENSURE(!before.ptr || slice_compare(before, name) < 0, ERR_INVALID, reterr_why,
		       "SignedHeaders is not in ascending order: %.*s", (int)name.len, (const char *)name.ptr);
		before = name;
	}
	return slice_to_str(text, auth->signed_headers, sizeof auth->signed_headers, reterr_why);
}

static int read_signature(struct slice text, struct sigv4 *auth, struct why *reterr_why)
{
	for (size_t i = 0; i < text.len; i++)
		ENSURE(text.ptr[i] < 'A' || text.ptr[i] > 'F', ERR_INVALID, reterr_why,
		       "the signature has upper-case letters");
	int err = hex_decode(text, auth->signature, sizeof auth->signature, reterr_why);

	if (err != ERR_OK)
		why_prefix(reterr_why, "the signature: ");
	return err;
}

/* "Fri, 24 May 2013 00:00:00 GMT" (RFC 9110 section 5.6.7) as "20130524T000000Z". Every field has its column; that the
 * digits are digits is checked by whoever reads the result. Python's clients write " -0000" for " GMT". */
static int date_to_basic(struct slice text, char out[static SIGV4_TIMESTAMP_BYTES + 1], struct why *reterr_why)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static const uint8_t digits_at[] = {12, 13, 14, 15, 0, 0, 5, 6, 0, 17, 18, 20, 21, 23, 24};
	const uint8_t *t = text.ptr;
	unsigned month = 0;

	ENSURE(text.len > 25, ERR_INVALID, reterr_why, "the Date header is not an HTTP date");
	struct slice zone = slice_of(t + 25, text.len - 25);

	ENSURE(t[3] == ',' && t[4] == ' ' && t[7] == ' ' && t[11] == ' ' && t[16] == ' ' && t[19] == ':' &&
	               t[22] == ':' && (slice_is_str(zone, " GMT") || slice_is_str(zone, " -0000")),
	       ERR_INVALID, reterr_why, "the Date header is not an HTTP date");
	while (month < 12 && !slice_equal(slice_of(months + 3 * month, 3), slice_of(t + 8, 3)))
		month++;
	ENSURE(month < 12, ERR_INVALID, reterr_why, "the Date header names no month");
	for (size_t i = 0; i < sizeof digits_at; i++)
		out[i] = (char)t[digits_at[i]];
	out[4] = (char)('0' + (month + 1) / 10);
	out[5] = (char)('0' + (month + 1) % 10);
	out[8] = 'T';
	out[15] = 'Z';
	out[16] = 0;
	return ERR_OK;
}

static int read_time(struct slice text, struct sigv4 *auth, struct why *reterr_why)
{
	if (text.len == SIGV4_TIMESTAMP_BYTES)
		TRY(slice_to_str(text, auth->timestamp, sizeof auth->timestamp, reterr_why));
	else
		TRY(date_to_basic(text, auth->timestamp, reterr_why));
	return time_parse_basic(slice_str(auth->timestamp), &auth->time_ms, reterr_why);
}

int sigv4_payload_read(struct slice text, struct sigv4 *auth, struct why *reterr_why)
{
	for (int kind = SIGV4_PAYLOAD_UNSIGNED; kind <= SIGV4_PAYLOAD_UNSIGNED_TRAILER; kind++) {
		if (slice_is_str(text, sigv4_payload_text((enum sigv4_payload)kind))) {
			auth->payload = (enum sigv4_payload)kind;
			return ERR_OK;
		}
	}
	for (size_t i = 0; i < text.len; i++)
		ENSURE(text.ptr[i] < 'A' || text.ptr[i] > 'F', ERR_INVALID, reterr_why,
		       "x-amz-content-sha256 has upper-case letters");
	ENSURE(hex_decode(text, auth->payload_sha256, SIGV4_DIGEST_BYTES, NULL) == ERR_OK, ERR_INVALID, reterr_why,
	       "x-amz-content-sha256 is neither a SHA-256 in hexadecimal nor a payload mode that is known here");
	auth->payload = SIGV4_PAYLOAD_SHA256;
	return ERR_OK;
}

/* --- the two places where a claim stands --- */

enum { CREDENTIAL, SIGNED_HEADERS, SIGNATURE, AUTHORIZATION_PARTS };

static int read_authorization_part(struct slice part, struct slice parts[static AUTHORIZATION_PARTS],
                                   struct why *reterr_why)
{
	static const char *const names[] = {"Credential", "SignedHeaders", "Signature"};
	struct cursor in = cursor_of(sigv4_trim(part));
	struct slice name;

	ENSURE(cursor_take_until(&in, '=', &name, NULL) == ERR_OK, ERR_INVALID, reterr_why,
	       "a part of the Authorization header has no '='");
	for (size_t i = 0; i < AUTHORIZATION_PARTS; i++) {
		if (!slice_is_str(name, names[i]))
			continue;
		ENSURE(!parts[i].ptr, ERR_INVALID, reterr_why, "the Authorization header has two parts %s", names[i]);
		parts[i] = in.rest;
		return ERR_OK;
	}
	why_set(reterr_why, "the Authorization header has a part that is not Credential, SignedHeaders or Signature");
	return ERR_INVALID;
}

static int split_authorization(struct slice text, struct slice parts[static AUTHORIZATION_PARTS],
                               struct why *reterr_why)
{
	struct cursor in = cursor_of(text);
	struct slice part;

	ENSURE(text.len <= SIGV4_AUTHORIZATION_BYTES_MAX, ERR_LIMIT, reterr_why,
	       "an Authorization header of %zu bytes; at most %d are accepted", text.len,
	       SIGV4_AUTHORIZATION_BYTES_MAX);
	TRY(cursor_take_until(&in, ' ', &part, reterr_why));
	while (cursor_take_until(&in, ',', &part, NULL) == ERR_OK)
		TRY(read_authorization_part(part, parts, reterr_why));
	TRY(read_authorization_part(in.rest, parts, reterr_why));
	ENSURE(parts[CREDENTIAL].ptr && parts[SIGNED_HEADERS].ptr && parts[SIGNATURE].ptr, ERR_INVALID, reterr_why,
	       "the Authorization header lacks Credential, SignedHeaders or Signature");
	return ERR_OK;
}

static int read_from_header(const struct sigv4_request *request, struct slice text, struct sigv4 *auth,
                            struct why *reterr_why)
{
	struct slice parts[AUTHORIZATION_PARTS] = {0};
	struct slice value;

	ENSURE(slice_starts_with(text, ALGORITHM " "), ERR_INVALID, reterr_why,
	       "the Authorization header names another algorithm than " ALGORITHM);
	TRY(split_authorization(text, parts, reterr_why));
	ENSURE(sigv4_header_find(request, slice_str("x-amz-date"), &value) ||
	               sigv4_header_find(request, slice_str("date"), &value),
	       ERR_INVALID, reterr_why, "the request has neither an X-Amz-Date nor a Date header");
	TRY(read_time(value, auth, reterr_why));
	TRY(sigv4_credential_read(parts[CREDENTIAL], auth->timestamp, auth, reterr_why));
	TRY(read_signed_headers(parts[SIGNED_HEADERS], auth, reterr_why));
	TRY(read_signature(parts[SIGNATURE], auth, reterr_why));
	if (sigv4_header_find(request, slice_str("x-amz-security-token"), &value))
		TRY(slice_to_str(value, auth->token, sizeof auth->token, reterr_why));
	if (sigv4_header_find(request, slice_str("x-amz-content-sha256"), &value))
		return sigv4_payload_read(value, auth, reterr_why);
	ENSURE(strcmp(auth->service, "s3") != 0, ERR_INVALID, reterr_why,
	       "the request has no x-amz-content-sha256 header, which S3 requires");
	return ERR_OK;
}

static int read_query_payload(const struct sigv4_request *request, const struct form *query, struct sigv4 *auth,
                              struct why *reterr_why)
{
	struct slice value;

	if (sigv4_header_find(request, slice_str("x-amz-content-sha256"), &value) ||
	    form_find(query, "X-Amz-Content-Sha256", &value))
		return sigv4_payload_read(value, auth, reterr_why);
	if (strcmp(auth->service, "s3") == 0)
		auth->payload = SIGV4_PAYLOAD_UNSIGNED;
	return ERR_OK;
}

static int read_from_query(const struct sigv4_request *request, const struct form *query, struct sigv4 *auth,
                           struct why *reterr_why)
{
	struct slice value;
	uint64_t expires_s;

	auth->origin = SIGV4_IN_QUERY;
	TRY(form_get(query, "X-Amz-Algorithm", &value, reterr_why));
	ENSURE(slice_is_str(value, ALGORITHM), ERR_INVALID, reterr_why,
	       "X-Amz-Algorithm names another algorithm than " ALGORITHM);
	TRY(form_get(query, "X-Amz-Date", &value, reterr_why));
	ENSURE(value.len == SIGV4_TIMESTAMP_BYTES, ERR_INVALID, reterr_why,
	       "X-Amz-Date is not of the form 20130524T000000Z");
	TRY(read_time(value, auth, reterr_why));
	TRY(form_get(query, "X-Amz-Credential", &value, reterr_why));
	TRY(sigv4_credential_read(value, auth->timestamp, auth, reterr_why));
	TRY(form_get(query, "X-Amz-SignedHeaders", &value, reterr_why));
	TRY(read_signed_headers(value, auth, reterr_why));
	TRY(form_get(query, "X-Amz-Signature", &value, reterr_why));
	TRY(read_signature(value, auth, reterr_why));
	TRY(form_get(query, "X-Amz-Expires", &value, reterr_why));
	ENSURE(slice_to_u64(value, SIGV4_EXPIRES_S_MAX, &expires_s, NULL) == ERR_OK && expires_s > 0, ERR_INVALID,
	       reterr_why, "X-Amz-Expires is not a number of seconds from 1 to %d", SIGV4_EXPIRES_S_MAX);
	auth->expires_s = (uint32_t)expires_s;
	if (form_find(query, "X-Amz-Security-Token", &value))
		TRY(slice_to_str(value, auth->token, sizeof auth->token, reterr_why));
	return read_query_payload(request, query, auth, reterr_why);
}

/* --- the rules --- */

static bool is_signed(const struct sigv4 *auth, struct slice name)
{
	struct slice list = slice_str(auth->signed_headers), one;

	while (sigv4_signed_header_next(&list, &one))
		if (slice_equal_nocase(one, name))
			return true;
	return false;
}

/* Every header that the services act upon is signed, and is there once, so that nobody can read another one of them. */
static int check_headers(const struct sigv4_request *request, const struct sigv4 *auth, struct why *reterr_why)
{
	struct slice list = slice_str(auth->signed_headers), name, value;
	bool is_dated_by_date = auth->origin == SIGV4_IN_HEADER &&
	                        !sigv4_header_find(request, slice_str("x-amz-date"), &value);

	ENSURE(sigv4_header_find(request, slice_str("host"), &value) == 1 && value.len, ERR_INVALID, reterr_why,
	       "the request does not have one Host header");
	for (size_t i = 0; i < request->header_count; i++) {
		name = request->headers[i].name;
		if (!sigv4_header_must_be_signed(name, auth->service) &&
		    !(is_dated_by_date && slice_is_str_nocase(name, "date")))
			continue;
		ENSURE(is_signed(auth, name), ERR_DENIED, reterr_why,
		       "the header %.*s is in the request but not among the signed headers",
		       name.len < 128 ? (int)name.len : 128, (const char *)name.ptr);
		ENSURE(sigv4_header_find(request, name, &value) == 1, ERR_INVALID, reterr_why,
		       "the header %.*s is there more than once", name.len < 128 ? (int)name.len : 128,
		       (const char *)name.ptr);
	}
	while (sigv4_signed_header_next(&list, &name))
		ENSURE(sigv4_header_find(request, name, &value), ERR_INVALID, reterr_why,
		       "the signed header %.*s is not in the request", name.len < 128 ? (int)name.len : 128,
		       (const char *)name.ptr);
	return ERR_OK;
}

static bool is_presigned(const struct form *query)
{
	struct slice value;

	return form_find(query, "X-Amz-Algorithm", &value) || form_find(query, "X-Amz-Credential", &value) ||
	       form_find(query, "X-Amz-Signature", &value);
}

int sigv4_read(const struct sigv4_request *request, struct sigv4 *ret_auth, struct why *reterr_why)
{
	CLEANUP(form_freep) struct form *form = NULL;
	struct slice path, query, authorization = {0};
	struct sigv4 auth = {0};
	size_t authorizations;
	bool is_in_header;

	TRY(sigv4_request_check(request, reterr_why));
	sigv4_target_split(request->target, &path, &query);
	TRY(form_read(query, FORM_QUERY, FORM_REPEATS_REFUSED, &form, reterr_why));
	authorizations = sigv4_header_find(request, slice_str("authorization"), &authorization);
	ENSURE(authorizations <= 1, ERR_INVALID, reterr_why, "the request has %zu Authorization headers",
	       authorizations);
	is_in_header = slice_starts_with(authorization, "AWS");
	ENSURE(is_in_header || is_presigned(form), ERR_NOTFOUND, reterr_why, "the request has no AWS signature");
	ENSURE(!(authorizations && is_presigned(form)), ERR_INVALID, reterr_why,
	       "the request has both an Authorization header and the signature of a presigned URL");
	if (is_in_header)
		TRY(read_from_header(request, authorization, &auth, reterr_why));
	else
		TRY(read_from_query(request, form, &auth, reterr_why));
	TRY(check_headers(request, &auth, reterr_why));
	*ret_auth = auth;
	return ERR_OK;
}

enum sigv4_freshness sigv4_freshness(const struct sigv4 *auth, uint64_t now_ms)
{
	if (auth->time_ms > now_ms + SIGV4_SKEW_MS)
		return SIGV4_SKEWED;
	if (auth->origin == SIGV4_IN_QUERY)
		return now_ms > auth->time_ms + 1000ull * auth->expires_s ? SIGV4_EXPIRED : SIGV4_FRESH;
	return now_ms > auth->time_ms + SIGV4_SKEW_MS ? SIGV4_SKEWED : SIGV4_FRESH;
}

int sigv4_scope_check(const struct sigv4 *auth, const char *region, const char *service, struct why *reterr_why)
{
	ENSURE(strcmp(auth->region, region) == 0, ERR_DENIED, reterr_why,
	       "the request is signed for region %s; this is %s", auth->region, region);
	ENSURE(strcmp(auth->service, service) == 0, ERR_DENIED, reterr_why,
	       "the request is signed for service %s; it went to %s", auth->service, service);
	return ERR_OK;
}
