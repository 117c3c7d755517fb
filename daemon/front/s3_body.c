#include "daemon/front/s3_body.h"

#include <inttypes.h>
#include <string.h>

#include "base/encode.h"
#include "wire/aws_chunked.h"

enum { MD5_BYTES = 16 };

struct body {
	struct s3 *s;
	s3_body_sink *sink;
	void *ctx;
	uint64_t length, max;

	struct hash *sha256; /* of the whole, or of the current signed chunk */
	struct hash *md5;
	uint8_t md5_declared[MD5_BYTES];
	struct s3_checksum checksum;
	struct slice declared; /* the checksum's value; empty: it comes in the trailer, or was only asked for */

	struct aws_chunked *chunked; /* NULL: the body is as it is */
	bool is_signed;              /* by chunks */
	bool is_in_trailer;
	bool has_ended;
};

static void body_clear(struct body *b)
{
	hash_free(b->sha256);
	hash_free(b->md5);
	s3_checksum_clear(&b->checksum);
	aws_chunked_free(b->chunked);
}

/* --- what is said about the body -------------------------------------------------------------------------------- */

/* The one checksum in a header, or the one that the trailer announces. */
static int find_checksum(struct s3 *s, struct body *b, enum s3_checksum_kind *ret_kind, struct why *reterr_why)
{
	enum s3_checksum_kind found = S3_CHECKSUM_NONE;
	struct slice announced = {0};

	for (int k = 1; k < S3_CHECKSUM_KINDS; k++) {
		const char *name = s3_checksum_header((enum s3_checksum_kind)k);

		if (!s3_has_header(s, name))
			continue;
		S3_ENSURE(found == S3_CHECKSUM_NONE, s, S3_INVALID_REQUEST, reterr_why,
		          "two checksums; one is accepted");
		TRY(s3_header(s, name, &b->declared, reterr_why));
		found = (enum s3_checksum_kind)k;
	}
	TRY(s3_header(s, "x-amz-trailer", &announced, reterr_why));
	announced = http1_trim(announced);
	if (announced.len) {
		S3_ENSURE(found == S3_CHECKSUM_NONE, s, S3_INVALID_REQUEST, reterr_why,
		          "a checksum in a header and one in the trailer; one is accepted");
		found = s3_checksum_by_header(announced);
		S3_ENSURE(found != S3_CHECKSUM_NONE, s, S3_INVALID_REQUEST, reterr_why,
		          "x-amz-trailer must name one checksum: x-amz-checksum-crc32, -crc32c, -crc64nvme, -sha1 or "
		          "-sha256");
		b->is_in_trailer = true;
	}
	*ret_kind = found;
	return ERR_OK;
}

/* A checksum of a kind that we do not know must not be dropped in silence. */
static int refuse_unknown(struct s3 *s, struct why *reterr_why)
{
	static const char *const other[] = {"x-amz-checksum-md5", "x-amz-checksum-sha512", "x-amz-checksum-xxhash3",
	                                    "x-amz-checksum-xxhash64", "x-amz-checksum-xxhash128"};

	for (size_t i = 0; i < sizeof other / sizeof *other; i++)
		S3_ENSURE(!s3_has_header(s, other[i]), s, S3_NOT_IMPLEMENTED, reterr_why,
		          "%s is not offered here; use crc32, crc32c, crc64nvme, sha1 or sha256", other[i]);
	return ERR_OK;
}

static int begin_md5(struct s3 *s, struct body *b, struct why *reterr_why)
{
	struct slice md5 = {0};
	size_t len;

	TRY(s3_header(s, "Content-MD5", &md5, reterr_why));
	if (!md5.len)
		return ERR_OK;
	S3_ENSURE(base64_decode(md5, b->md5_declared, sizeof b->md5_declared, &len, NULL) == ERR_OK && len == MD5_BYTES,
	          s, S3_INVALID_DIGEST, reterr_why, "Content-MD5 is not 16 bytes in base64");
	return hash_new(HASH_MD5, &b->md5, reterr_why);
}

static int begin_checksum(struct s3 *s, struct body *b, enum s3_checksum_kind wanted, struct why *reterr_why)
{
	enum s3_checksum_kind kind = S3_CHECKSUM_NONE;

	TRY(refuse_unknown(s, reterr_why));
	TRY(find_checksum(s, b, &kind, reterr_why));
	S3_ENSURE(wanted == S3_CHECKSUM_NONE || kind == S3_CHECKSUM_NONE || kind == wanted, s, S3_INVALID_REQUEST,
	          reterr_why, "this upload was created with checksums of kind %s, not %s", s3_checksum_name(wanted),
	          s3_checksum_name(kind));
	return s3_checksum_begin(kind != S3_CHECKSUM_NONE ? kind : wanted, &b->checksum, reterr_why);
}

/* The length after decoding, which aws-chunked has to state. */
static int begin_chunked(struct s3 *s, struct body *b, enum aws_chunked_kind kind, struct why *reterr_why)
{
	struct slice text = {0}, announced = {0};
	uint64_t length;

	TRY(s3_header(s, "x-amz-decoded-content-length", &text, reterr_why));
	S3_ENSURE(slice_to_u64(text, UINT64_MAX, &length, NULL) == ERR_OK, s, S3_MISSING_CONTENT_LENGTH, reterr_why,
	          "an aws-chunked body needs x-amz-decoded-content-length");
	S3_ENSURE(length <= b->max, s, S3_ENTITY_TOO_LARGE, reterr_why,
	          "a body of %" PRIu64 " bytes; at most %" PRIu64 " are accepted here", length, b->max);
	TRY(s3_header(s, "x-amz-trailer", &announced, reterr_why));
	b->is_signed = kind != AWS_CHUNKED_UNSIGNED_TRAILER;
	if (b->is_signed)
		TRY(hash_new(HASH_SHA256, &b->sha256, reterr_why));
	s->w->chunks = (struct s3_chunks){.handle = s->decision.chunk_handle};
	return aws_chunked_new(kind, length, announced, &b->chunked, reterr_why);
}

static int begin_plain(struct s3 *s, struct body *b, struct why *reterr_why)
{
	S3_ENSURE(!b->is_in_trailer, s, S3_INVALID_REQUEST, reterr_why, "a trailer needs an aws-chunked body");
	S3_ENSURE(s->http->framing != HTTP1_FRAMING_CHUNKED, s, S3_MISSING_CONTENT_LENGTH, reterr_why,
	          "a body needs Content-Length, or the aws-chunked coding");
	S3_ENSURE(s->http->length <= b->max, s, S3_ENTITY_TOO_LARGE, reterr_why,
	          "a body of %" PRIu64 " bytes; at most %" PRIu64 " are accepted here", s->http->length, b->max);
	if (s->decision.body_kind == S3_BODY_SHA256)
		TRY(hash_new(HASH_SHA256, &b->sha256, reterr_why));
	return ERR_OK;
}

static int begin(struct s3 *s, struct body *b, enum s3_checksum_kind kind, struct why *reterr_why)
{
	TRY(begin_md5(s, b, reterr_why));
	TRY(begin_checksum(s, b, kind, reterr_why));
	switch (s->decision.body_kind) {
	case S3_BODY_CHUNKS:
		return begin_chunked(s, b, AWS_CHUNKED_SIGNED, reterr_why);
	case S3_BODY_CHUNKS_TRAILER:
		return begin_chunked(s, b, AWS_CHUNKED_SIGNED_TRAILER, reterr_why);
	case S3_BODY_UNSIGNED_TRAILER:
		return begin_chunked(s, b, AWS_CHUNKED_UNSIGNED_TRAILER, reterr_why);
	case S3_BODY_SHA256:
	case S3_BODY_UNSIGNED:
	default:
		return begin_plain(s, b, reterr_why);
	}
}

/* --- signed chunks ---------------------------------------------------------------------------------------------- */

/* Has keys verify the chunks that are waiting. keys holds the chain of signatures. */
static int verify_chunks(struct s3 *s, bool is_last, struct why *reterr_why)
{
	struct front_worker *w = s->w;
	struct ipc_message reply;
	int err;

	w->chunks.is_last = is_last;
	buf_reset(w->message);
	TRY(s3_chunks_put(&w->chunks, w->message, reterr_why));
	err = front_worker_call(w, ROLE_KEYS, FRONT_KEYS_CHUNKS_VERIFY, buf_slice(w->message), &reply, reterr_why);
	w->chunks.count = 0;
	if (err == ERR_OK) {
		ipc_message_clear(&reply);
		return ERR_OK;
	}
	if (err_class(err) == ERR_UNAVAILABLE)
		return err;
	return s3_refuse(s, S3_SIGNATURE_DOES_NOT_MATCH, reterr_why,
	                 "the signature of a chunk of the body does not match");
}

/* A body that will not come to its end: keys need not keep its chain. */
static void give_up_chunks(struct s3 *s)
{
	const enum s3_code code = s->code; /* of the error that ended the body */

	s->w->chunks.count = 0;
	s->w->chunks.has_trailer = false;
	(void)!verify_chunks(s, true, NULL);
	s->code = code;
}

static int end_chunk(struct body *b, const struct aws_chunked_event *event, struct why *reterr_why)
{
	struct front_worker *w = b->s->w;
	struct s3_chunk *chunk;

	if (!b->is_signed)
		return ERR_OK;
	if (w->chunks.count == S3_CHUNKS_PER_CALL_MAX)
		TRY(verify_chunks(b->s, false, reterr_why));
	chunk = &w->chunks.chunks[w->chunks.count];
	hash_finish(b->sha256, chunk->sha256);
	hash_reset(b->sha256);
	hex_encode(slice_of(event->signature, sizeof event->signature), w->signatures[w->chunks.count]);
	chunk->signature = slice_str(w->signatures[w->chunks.count]);
	w->chunks.count++;
	return ERR_OK;
}

static int end_chunks(struct body *b, const struct aws_chunked_event *event, struct why *reterr_why)
{
	struct front_worker *w = b->s->w;
	char signature[65];

	b->has_ended = true;
	if (!b->is_signed)
		return ERR_OK;
	if (b->s->decision.body_kind == S3_BODY_CHUNKS_TRAILER) {
		hex_encode(slice_of(event->signature, sizeof event->signature), signature);
		w->chunks.has_trailer = true;
		w->chunks.trailer = aws_chunked_trailer_text(b->chunked);
		w->chunks.trailer_signature = slice_str(signature);
	}
	return verify_chunks(b->s, true, reterr_why);
}

/* --- the bytes -------------------------------------------------------------------------------------------------- */

static int take(struct body *b, struct slice plain, struct why *reterr_why)
{
	b->length += plain.len;
	S3_ENSURE(b->length <= b->max, b->s, S3_ENTITY_TOO_LARGE, reterr_why,
	          "a body of more than %" PRIu64 " bytes; no more are accepted here", b->max);
	if (b->sha256)
		hash_update(b->sha256, plain);
	if (b->md5)
		hash_update(b->md5, plain);
	s3_checksum_add(&b->checksum, plain);
	return b->sink(b->ctx, plain, reterr_why);
}

static int take_chunked(struct body *b, struct slice raw, struct why *reterr_why)
{
	struct cursor in = cursor_of(raw);
	struct aws_chunked_event event;

	do {
		int err = aws_chunked_next(b->chunked, &in, &event, reterr_why);

		if (err != ERR_OK) {
			b->s->code = S3_INVALID_REQUEST;
			return err;
		}
		if (event.what == AWS_CHUNKED_DATA)
			TRY(take(b, event.data, reterr_why));
		else if (event.what == AWS_CHUNKED_CHUNK_END)
			TRY(end_chunk(b, &event, reterr_why));
		else if (event.what == AWS_CHUNKED_END)
			TRY(end_chunks(b, &event, reterr_why));
	} while (event.what != AWS_CHUNKED_MORE && !(event.what == AWS_CHUNKED_END && !in.rest.len));
	return ERR_OK;
}

/* Errors of the connection are the client's, whatever their class. */
static int receive(struct s3 *s, size_t *ret_len, struct why *reterr_why)
{
	int err = http_exchange_read_full(s->x, s->w->piece, FRONT_PIECE_BYTES, ret_len, reterr_why);

	if (err == ERR_TIMEOUT)
		s->code = S3_REQUEST_TIMEOUT;
	else if (err == ERR_LIMIT)
		s->code = S3_ENTITY_TOO_LARGE;
	else if (err != ERR_OK)
		s->code = S3_INCOMPLETE_BODY;
	return err;
}

static int pump(struct s3 *s, struct body *b, struct why *reterr_why)
{
	size_t len = FRONT_PIECE_BYTES;

	while (len == FRONT_PIECE_BYTES) {
		struct slice piece;

		TRY(receive(s, &len, reterr_why));
		piece = slice_of(s->w->piece, len);
		if (len)
			TRY(b->chunked ? take_chunked(b, piece, reterr_why) : take(b, piece, reterr_why));
	}
	return ERR_OK;
}

/* --- the end ---------------------------------------------------------------------------------------------------- */

static int check_digests(struct s3 *s, struct body *b, struct why *reterr_why)
{
	uint8_t digest[SHA256_BYTES];

	if (b->sha256 && !b->chunked) {
		hash_finish(b->sha256, digest);
		S3_ENSURE(bytes_equal_ct(digest, s->decision.body_sha256, sizeof digest), s, S3_SHA256_MISMATCH,
		          reterr_why, "the body is not the one whose SHA-256 was signed in x-amz-content-sha256");
	}
	if (b->md5) {
		hash_finish(b->md5, digest);
		S3_ENSURE(bytes_equal_ct(digest, b->md5_declared, MD5_BYTES), s, S3_BAD_DIGEST, reterr_why,
		          "the body is not the one that Content-MD5 is of");
	}
	return ERR_OK;
}

static int check_checksum(struct s3 *s, struct body *b, struct s3_body_result *result, struct why *reterr_why)
{
	result->kind = b->checksum.kind;
	if (b->checksum.kind == S3_CHECKSUM_NONE)
		return ERR_OK;
	s3_checksum_end(&b->checksum, result->checksum);
	if (b->is_in_trailer)
		S3_ENSURE(aws_chunked_trailer(b->chunked, s3_checksum_header(b->checksum.kind), &b->declared), s,
		          S3_INVALID_REQUEST, reterr_why, "the trailer that x-amz-trailer announced is missing");
	S3_ENSURE(!b->declared.len || slice_is_str(b->declared, result->checksum), s, S3_BAD_DIGEST, reterr_why,
	          "the body is not the one that the %s checksum is of", s3_checksum_name(b->checksum.kind));
	return ERR_OK;
}

static int read_body(struct s3 *s, struct body *b, enum s3_checksum_kind kind, struct s3_body_result *result,
                     struct why *reterr_why)
{
	int err;

	TRY(begin(s, b, kind, reterr_why));
	err = pump(s, b, reterr_why);
	if (err == ERR_OK && b->chunked) {
		err = aws_chunked_finish(b->chunked, reterr_why);
		if (err != ERR_OK)
			s->code = S3_INCOMPLETE_BODY;
	}
	if (err != ERR_OK) {
		if (b->is_signed && !b->has_ended)
			give_up_chunks(s);
		return err;
	}
	TRY(check_digests(s, b, reterr_why));
	result->length = b->length;
	return check_checksum(s, b, result, reterr_why);
}

int s3_body_read(struct s3 *s, enum s3_checksum_kind kind, uint64_t max, s3_body_sink *sink, void *ctx,
                 struct s3_body_result *ret_result, struct why *reterr_why)
{
	struct body b = {.s = s, .sink = sink, .ctx = ctx, .max = max};
	struct s3_body_result result = {0};
	int err = read_body(s, &b, kind, &result, reterr_why);

	body_clear(&b);
	if (err == ERR_OK)
		*ret_result = result;
	return err;
}

/* --- small bodies ----------------------------------------------------------------------------------------------- */

int s3_body_read_whole(struct s3 *s, struct why *reterr_why)
{
	struct slice mode = {0};
	int err;

	TRY(s3_header(s, "x-amz-content-sha256", &mode, reterr_why));
	S3_ENSURE(!slice_starts_with(mode, "STREAMING-"), s, S3_NOT_IMPLEMENTED, reterr_why,
	          "this operation takes no aws-chunked body");
	buf_reset(s->w->body);
	err = http_exchange_read_all(s->x, s->w->body, reterr_why);
	if (err == ERR_LIMIT)
		s->code = S3_ENTITY_TOO_LARGE;
	else if (err != ERR_OK)
		s->code = S3_INCOMPLETE_BODY;
	return err;
}

static int check_whole(struct s3 *s, struct body *b, bool has_checksum, struct why *reterr_why)
{
	struct slice bytes = buf_slice(s->w->body);
	struct s3_body_result ignored;

	TRY(begin_md5(s, b, reterr_why));
	if (has_checksum)
		TRY(begin_checksum(s, b, S3_CHECKSUM_NONE, reterr_why));
	S3_ENSURE(!b->is_in_trailer, s, S3_INVALID_REQUEST, reterr_why, "a trailer needs an aws-chunked body");
	if (s->decision.body_kind == S3_BODY_SHA256)
		TRY(hash_new(HASH_SHA256, &b->sha256, reterr_why));
	if (b->sha256)
		hash_update(b->sha256, bytes);
	if (b->md5)
		hash_update(b->md5, bytes);
	s3_checksum_add(&b->checksum, bytes);
	TRY(check_digests(s, b, reterr_why));
	return check_checksum(s, b, &ignored, reterr_why);
}

int s3_body_check_whole(struct s3 *s, bool has_checksum, struct why *reterr_why)
{
	struct body b = {.s = s};
	int err = check_whole(s, &b, has_checksum, reterr_why);

	body_clear(&b);
	return err;
}
