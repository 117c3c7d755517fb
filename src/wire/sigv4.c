/* The canonical request and the string to sign. */
#include "wire/sigv4.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "wire/form.h"
#include "wire/percent.h"
#include "wire/sigv4_internal.h"

static const char *const payload_texts[] = {
	[SIGV4_PAYLOAD_UNSIGNED] = "UNSIGNED-PAYLOAD",
	[SIGV4_PAYLOAD_CHUNKS] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
	[SIGV4_PAYLOAD_CHUNKS_TRAILER] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
	[SIGV4_PAYLOAD_UNSIGNED_TRAILER] = "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
};

const char *sigv4_payload_text(enum sigv4_payload payload)
{
	return payload_texts[payload];
}

static bool is_s3(const struct sigv4 *auth)
{
	return slice_is_str(slice_str(auth->service), "s3");
}

/* S3 encodes a key once and never tidies the path: "a//b/../c" is a key of its own. Decoding first makes every spelling
 * of a key the one that was signed. */
static int put_path_s3(struct slice path, struct buf *into, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *decoded = NULL;

	TRY(buf_new(SIGV4_TARGET_BYTES_MAX, &decoded, reterr_why));
	TRY(percent_decode_put(decoded, path, false, reterr_why));
	return percent_encode_put(into, buf_slice(decoded), "/", reterr_why);
}

/* All other services: "." , ".." and empty segments are resolved (RFC 3986 section 6.2.2.3) and the path, encoded as it
 * is, is encoded once more. */
static int put_path_tidied(struct slice path, struct buf *into, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *tidy = NULL;
	struct cursor in = cursor_of(path);
	struct slice segment = slice_of(NULL, 0);

	TRY(buf_new(SIGV4_TARGET_BYTES_MAX + 1, &tidy, reterr_why));
	while (in.rest.len) {
		TRY(cursor_take(&in, 1, &segment, reterr_why)); /* the '/' */
		const uint8_t *end = in.rest.len ? memchr(in.rest.ptr, '/', in.rest.len) : NULL;

		TRY(cursor_take(&in, end ? (size_t)(end - in.rest.ptr) : in.rest.len, &segment, reterr_why));
		if (slice_is_str(segment, "..")) {
			struct slice so_far = buf_slice(tidy);

			while (so_far.len && so_far.ptr[so_far.len - 1] != '/')
				so_far.len--;
			buf_truncate(tidy, so_far.len ? so_far.len - 1 : 0);
		} else if (segment.len && !slice_is_str(segment, ".")) {
			TRY(buf_put_u8(tidy, '/', reterr_why));
			TRY(buf_put(tidy, segment, reterr_why));
		}
	}
	if (buf_len(tidy) == 0 || segment.len == 0)
		TRY(buf_put_u8(tidy, '/', reterr_why));
	return percent_encode_put(into, buf_slice(tidy), "/", reterr_why);
}

/* One parameter, encoded, as places in a buffer that may still move. */
struct parameter {
	size_t name_at, value_at, end;
	struct slice name, value;
};

static int compare_parameters(const void *a, const void *b)
{
	const struct parameter *x = a, *y = b;
	int order = slice_compare(x->name, y->name);

	return order ? order : slice_compare(x->value, y->value);
}

static int encode_parameter(const struct form_pair *pair, struct buf *encoded, struct parameter *ret_parameter,
                            struct why *reterr_why)
{
	ret_parameter->name_at = buf_len(encoded);
	TRY(percent_encode_put(encoded, pair->name, NULL, reterr_why));
	ret_parameter->value_at = buf_len(encoded);
	TRY(percent_encode_put(encoded, pair->value, NULL, reterr_why));
	ret_parameter->end = buf_len(encoded);
	return ERR_OK;
}

static int put_sorted(struct parameter *parameters, size_t count, struct slice encoded, struct buf *into,
                      struct why *reterr_why)
{
	for (size_t i = 0; i < count; i++) {
		struct parameter *p = &parameters[i];

		p->name = slice_of(encoded.ptr + p->name_at, p->value_at - p->name_at);
		p->value = slice_of(encoded.ptr + p->value_at, p->end - p->value_at);
	}
	qsort(parameters, count, sizeof *parameters, compare_parameters);
	for (size_t i = 0; i < count; i++) {
		if (i)
			TRY(buf_put_u8(into, '&', reterr_why));
		TRY(buf_put(into, parameters[i].name, reterr_why));
		TRY(buf_put_u8(into, '=', reterr_why));
		TRY(buf_put(into, parameters[i].value, reterr_why));
	}
	return ERR_OK;
}

/* Names and values are encoded first and sorted then, by name and among equal names by value. The signature of a
 * presigned URL is not part of what it signs. */
static int put_query(struct slice query, enum sigv4_origin origin, struct buf *into, struct why *reterr_why)
{
	CLEANUP(form_freep) struct form *form = NULL;
	CLEANUP(buf_freep) struct buf *encoded = NULL;
	CLEANUP(free_p) struct parameter *parameters = NULL;
	size_t count = 0;

	TRY(form_read(query, FORM_QUERY, FORM_REPEATS_KEPT, &form, reterr_why));
	if (form_count(form) == 0)
		return ERR_OK;
	TRY(buf_new(3 * SIGV4_TARGET_BYTES_MAX, &encoded, reterr_why));
	parameters = calloc(form_count(form), sizeof *parameters);
	ENSURE(parameters, ERR_UNAVAILABLE, reterr_why, "out of memory for a query");
	for (size_t i = 0; i < form_count(form); i++) {
		struct form_pair pair = form_at(form, i);

		if (origin == SIGV4_IN_QUERY && slice_is_str(pair.name, "X-Amz-Signature"))
			continue;
		TRY(encode_parameter(&pair, encoded, &parameters[count++], reterr_why));
	}
	return put_sorted(parameters, count, buf_slice(encoded), into, reterr_why);
}

/* Without white space around it, and every run of it inside as one space. */
static int put_header_value(struct slice value, struct buf *into, struct why *reterr_why)
{
	bool in_gap = false;

	value = sigv4_trim(value);
	for (size_t i = 0; i < value.len; i++) {
		bool is_space = value.ptr[i] == ' ' || value.ptr[i] == '\t';

		if (is_space && !in_gap)
			TRY(buf_put_u8(into, ' ', reterr_why));
		if (!is_space)
			TRY(buf_put_u8(into, value.ptr[i], reterr_why));
		in_gap = is_space;
	}
	return ERR_OK;
}

/* "name:value,value\n" with the values of all headers of that name, in their order. */
static int put_header(const struct sigv4_request *request, struct slice name, struct buf *into, struct why *reterr_why)
{
	bool is_first = true;

	TRY(buf_put(into, name, reterr_why));
	TRY(buf_put_u8(into, ':', reterr_why));
	for (size_t i = 0; i < request->header_count; i++) {
		if (!slice_equal_nocase(request->headers[i].name, name))
			continue;
		if (!is_first)
			TRY(buf_put_u8(into, ',', reterr_why));
		is_first = false;
		TRY(put_header_value(request->headers[i].value, into, reterr_why));
	}
	ENSURE(!is_first, ERR_INVALID, reterr_why, "the signed header %.*s is not in the request", (int)name.len,
	       (const char *)name.ptr);
	return buf_put_u8(into, '\n', reterr_why);
}

static int put_headers(const struct sigv4_request *request, const char *signed_headers, struct buf *into,
                       struct why *reterr_why)
{
	struct slice list = slice_str(signed_headers), name;

	while (sigv4_signed_header_next(&list, &name))
		TRY(put_header(request, name, into, reterr_why));
	TRY(buf_put_u8(into, '\n', reterr_why));
	return buf_put_str(into, signed_headers, reterr_why);
}

static int put_payload(const struct sigv4 *auth, const uint8_t *body_sha256, struct buf *into, struct why *reterr_why)
{
	const uint8_t *digest = auth->payload == SIGV4_PAYLOAD_SHA256 ? auth->payload_sha256 : body_sha256;
	char hex[2 * SIGV4_DIGEST_BYTES + 1];

	if (sigv4_payload_text(auth->payload))
		return buf_put_str(into, sigv4_payload_text(auth->payload), reterr_why);
	ENSURE(digest, ERR_INTERNAL, reterr_why, "the digest of this request's body was not computed");
	ENSURE(!body_sha256 || bytes_equal_ct(digest, body_sha256, SIGV4_DIGEST_BYTES), ERR_DENIED, reterr_why,
	       "the body is not the one that x-amz-content-sha256 names");
	hex_encode(slice_of(digest, SIGV4_DIGEST_BYTES), hex);
	return buf_put_str(into, hex, reterr_why);
}

int sigv4_canonical_put(const struct sigv4_request *request, const struct sigv4 *auth, const uint8_t *body_sha256,
                        struct buf *into, struct why *reterr_why)
{
	struct slice path, query;

	TRY(sigv4_request_check(request, reterr_why));
	sigv4_target_split(request->target, &path, &query);
	TRY(buf_put(into, request->method, reterr_why));
	TRY(buf_put_u8(into, '\n', reterr_why));
	if (is_s3(auth))
		TRY(put_path_s3(path, into, reterr_why));
	else
		TRY(put_path_tidied(path, into, reterr_why));
	TRY(buf_put_u8(into, '\n', reterr_why));
	TRY(put_query(query, auth->origin, into, reterr_why));
	TRY(buf_put_u8(into, '\n', reterr_why));
	TRY(put_headers(request, auth->signed_headers, into, reterr_why));
	TRY(buf_put_u8(into, '\n', reterr_why));
	return put_payload(auth, body_sha256, into, reterr_why);
}

int sigv4_scope_put(const struct sigv4 *auth, struct buf *into, struct why *reterr_why)
{
	return buf_put_fmt(into, reterr_why, "%.*s/%s/%s/aws4_request", SIGV4_DATE_BYTES, auth->timestamp, auth->region,
	                   auth->service);
}

int sigv4_string_to_sign_put(const struct sigv4 *auth, const uint8_t canonical_sha256[SIGV4_DIGEST_BYTES],
                             struct buf *into, struct why *reterr_why)
{
	char hex[2 * SIGV4_DIGEST_BYTES + 1];

	hex_encode(slice_of(canonical_sha256, SIGV4_DIGEST_BYTES), hex);
	TRY(buf_put_fmt(into, reterr_why, "AWS4-HMAC-SHA256\n%s\n", auth->timestamp));
	TRY(sigv4_scope_put(auth, into, reterr_why));
	return buf_put_fmt(into, reterr_why, "\n%s", hex);
}

int sigv4_canonical_split(struct slice text, struct sigv4_canonical *ret_parts, struct why *reterr_why)
{
	struct sigv4_canonical parts;
	struct cursor in = cursor_of(text);
	struct slice line;

	TRY(cursor_take_until(&in, '\n', &parts.method, reterr_why));
	TRY(cursor_take_until(&in, '\n', &parts.path, reterr_why));
	TRY(cursor_take_until(&in, '\n', &parts.query, reterr_why));
	parts.headers = in.rest;
	do /* the headers end with an empty line */
		TRY(cursor_take_until(&in, '\n', &line, reterr_why));
	while (line.len);
	parts.headers.len = (size_t)(line.ptr - parts.headers.ptr);
	TRY(cursor_take_until(&in, '\n', &parts.signed_headers, reterr_why));
	parts.payload = in.rest;
	*ret_parts = parts;
	return ERR_OK;
}

bool sigv4_canonical_header(const struct sigv4_canonical *parts, const char *name, struct slice *ret_value)
{
	struct cursor in = cursor_of(parts->headers);
	struct slice line, found;

	while (cursor_take_until(&in, '\n', &line, NULL) == ERR_OK) {
		struct cursor one = cursor_of(line);

		if (cursor_take_until(&one, ':', &found, NULL) == ERR_OK && slice_is_str(found, name)) {
			*ret_value = one.rest;
			return true;
		}
	}
	return false;
}
