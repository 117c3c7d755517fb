#include "wire/aws_chunked.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/limits.h"
#include "wire/sigv4_internal.h"

#define CHUNK_SIGNATURE ";chunk-signature="
#define TRAILER_SIGNATURE "x-amz-trailer-signature"

enum state {
	READING_HEAD,
	READING_DATA,
	READING_DATA_END, /* the "\r\n" after a chunk's data */
	READING_TRAILER,
	DONE,
	FAILED,
};

struct trailer {
	char name[AWS_CHUNKED_TRAILER_NAME_BYTES_MAX + 1];
	bool is_there;
	size_t value_at, value_len; /* in `text` */
};

struct aws_chunked {
	enum aws_chunked_kind kind;
	enum state state;
	uint64_t decoded_left; /* of the whole body, without the current chunk */
	uint64_t chunk_left;
	bool is_short; /* the chunk before was below the minimum */
	bool has_trailer_signature, is_after_bare_lf;
	uint8_t signature[SIGV4_DIGEST_BYTES];
	size_t line_len;
	char line[AWS_CHUNKED_LINE_BYTES_MAX];
	size_t trailer_count;
	struct trailer trailers[AWS_CHUNKED_TRAILERS_MAX];
	struct buf *text;
};

bool aws_chunked_kind_of(enum sigv4_payload payload, enum aws_chunked_kind *ret_kind)
{
	switch (payload) {
	case SIGV4_PAYLOAD_CHUNKS:
		*ret_kind = AWS_CHUNKED_SIGNED;
		return true;
	case SIGV4_PAYLOAD_CHUNKS_TRAILER:
		*ret_kind = AWS_CHUNKED_SIGNED_TRAILER;
		return true;
	case SIGV4_PAYLOAD_UNSIGNED_TRAILER:
		*ret_kind = AWS_CHUNKED_UNSIGNED_TRAILER;
		return true;
	case SIGV4_PAYLOAD_ABSENT:
	case SIGV4_PAYLOAD_SHA256:
	case SIGV4_PAYLOAD_UNSIGNED:
		break;
	}
	return false;
}

void aws_chunked_free(struct aws_chunked *d)
{
	if (!d)
		return;
	buf_free(d->text);
	free(d);
}

void aws_chunked_freep(struct aws_chunked **d)
{
	aws_chunked_free(*d);
	*d = NULL;
}

static struct trailer *find_trailer(struct aws_chunked *d, struct slice name)
{
	for (size_t i = 0; i < d->trailer_count; i++)
		if (slice_is_str_nocase(name, d->trailers[i].name))
			return &d->trailers[i];
	return NULL;
}

static int announce(struct aws_chunked *d, struct slice name, struct why *reterr_why)
{
	struct trailer *trailer = &d->trailers[d->trailer_count];

	name = sigv4_trim(name);
	ENSURE(sigv4_is_token(name), ERR_INVALID, reterr_why, "x-amz-trailer names something that is no header");
	ENSURE(!slice_is_str_nocase(name, TRAILER_SIGNATURE) && !find_trailer(d, name), ERR_INVALID, reterr_why,
	       "x-amz-trailer names a trailer twice, or the trailer's signature");
	ENSURE(d->trailer_count < AWS_CHUNKED_TRAILERS_MAX, ERR_LIMIT, reterr_why, "more than %d trailers",
	       AWS_CHUNKED_TRAILERS_MAX);
	TRY(slice_to_str(name, trailer->name, sizeof trailer->name, reterr_why));
	for (char *c = trailer->name; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c | 0x20 : *c);
	d->trailer_count++;
	return ERR_OK;
}

int aws_chunked_new(enum aws_chunked_kind kind, uint64_t decoded_bytes, struct slice announced,
                    struct aws_chunked **ret_decoder, struct why *reterr_why)
{
	CLEANUP(aws_chunked_freep) struct aws_chunked *d = calloc(1, sizeof *d);
	struct cursor in = cursor_of(announced);
	struct slice name;

	ENSURE(d, ERR_UNAVAILABLE, reterr_why, "out of memory for a decoder");
	ENSURE(announced.len == 0 || kind != AWS_CHUNKED_SIGNED, ERR_INVALID, reterr_why,
	       "x-amz-trailer is there, but x-amz-content-sha256 says that there is no trailer");
	d->kind = kind;
	d->decoded_left = decoded_bytes;
	TRY(buf_new(AWS_CHUNKED_TRAILERS_MAX * AWS_CHUNKED_LINE_BYTES_MAX, &d->text, reterr_why));
	while (cursor_take_until(&in, ',', &name, NULL) == ERR_OK)
		TRY(announce(d, name, reterr_why));
	if (announced.len)
		TRY(announce(d, in.rest, reterr_why));
	*ret_decoder = take_ptr(d);
	return ERR_OK;
}

enum line_end {
	LINE_OPEN, /* the input ended before the line did */
	LINE_CRLF,
	LINE_LF,
};

/* Collects the current line, without what ends it. A trailer's line may end in "\n" alone where AWS's own description
 * of signed trailers has it so. */
static int collect_line(struct aws_chunked *d, struct cursor *in, enum line_end *ret_end, struct why *reterr_why)
{
	bool is_lf_allowed = d->state == READING_TRAILER && d->kind == AWS_CHUNKED_SIGNED_TRAILER;
	uint8_t c = 0;

	while (in->rest.len && c != '\n') {
		TRY(cursor_take_u8(in, &c, reterr_why));
		ENSURE(d->line_len < sizeof d->line, ERR_LIMIT, reterr_why,
		       "a line of the aws-chunked body is longer than %zu bytes", sizeof d->line);
		d->line[d->line_len++] = (char)c;
	}
	*ret_end = LINE_OPEN;
	if (c != '\n')
		return ERR_OK;
	d->line_len--;
	*ret_end = d->line_len && d->line[d->line_len - 1] == '\r' ? LINE_CRLF : LINE_LF;
	ENSURE(*ret_end == LINE_CRLF || (is_lf_allowed && d->line_len), ERR_INVALID, reterr_why,
	       "a line of the aws-chunked body does not end in CR LF");
	d->line_len -= *ret_end == LINE_CRLF;
	return ERR_OK;
}

static int read_size(struct slice text, uint64_t *ret_size, struct why *reterr_why)
{
	uint8_t digits[8];
	char padded[2 * sizeof digits + 1];
	uint64_t size = 0;

	ENSURE(text.len > 0 && text.len < sizeof padded, ERR_INVALID, reterr_why,
	       "the size of a chunk is not a hexadecimal number");
	memset(padded, '0', sizeof padded);
	memcpy(padded + sizeof padded - 1 - text.len, text.ptr, text.len);
	TRY(hex_decode(slice_of(padded, sizeof padded - 1), digits, sizeof digits, reterr_why));
	for (size_t i = 0; i < sizeof digits; i++)
		size = size << 8 | digits[i];
	*ret_size = size;
	return ERR_OK;
}

static int read_signature(struct slice text, uint8_t signature[static SIGV4_DIGEST_BYTES], struct why *reterr_why)
{
	for (size_t i = 0; i < text.len; i++)
		ENSURE(text.ptr[i] < 'A' || text.ptr[i] > 'F', ERR_INVALID, reterr_why,
		       "the signature of a chunk has upper-case letters");
	ENSURE(hex_decode(text, signature, SIGV4_DIGEST_BYTES, NULL) == ERR_OK, ERR_INVALID, reterr_why,
	       "the signature of a chunk or trailer is not 64 hexadecimal digits");
	return ERR_OK;
}

/* "1000" or "1000;chunk-signature=…" */
static int read_head(struct aws_chunked *d, struct why *reterr_why)
{
	struct slice line = slice_of(d->line, d->line_len), size_text = line;
	uint64_t size;

	if (d->kind != AWS_CHUNKED_UNSIGNED_TRAILER) {
		const uint8_t *end = line.len ? memchr(line.ptr, ';', line.len) : NULL;
		size_t len = end ? (size_t)(end - line.ptr) : line.len;
		struct slice rest = slice_of(line.ptr + len, line.len - len);

		ENSURE(slice_starts_with(rest, CHUNK_SIGNATURE), ERR_INVALID, reterr_why,
		       "a chunk has no chunk-signature");
		size_text.len = len;
		rest = slice_of(rest.ptr + strlen(CHUNK_SIGNATURE), rest.len - strlen(CHUNK_SIGNATURE));
		TRY(read_signature(rest, d->signature, reterr_why));
	}
	TRY(read_size(size_text, &size, reterr_why));
	ENSURE(size <= d->decoded_left, ERR_INVALID, reterr_why,
	       "a chunk of %" PRIu64 " bytes where x-amz-decoded-content-length leaves %" PRIu64, size,
	       d->decoded_left);
	ENSURE(size == 0 || !d->is_short, ERR_INVALID, reterr_why,
	       "a signed chunk below %d bytes that is not the last one", AWS_CHUNKED_CHUNK_BYTES_MIN);
	ENSURE(size > 0 || d->decoded_left == 0, ERR_INVALID, reterr_why,
	       "the body ends %" PRIu64 " bytes before x-amz-decoded-content-length", d->decoded_left);
	d->is_short = d->kind != AWS_CHUNKED_UNSIGNED_TRAILER && size < AWS_CHUNKED_CHUNK_BYTES_MIN;
	d->decoded_left -= size;
	d->chunk_left = size;
	d->state = size ? READING_DATA : READING_TRAILER;
	return ERR_OK;
}

static int read_trailer(struct aws_chunked *d, struct slice line, struct why *reterr_why)
{
	struct cursor in = cursor_of(line);
	struct trailer *trailer;
	struct slice name, value;

	ENSURE(cursor_take_until(&in, ':', &name, NULL) == ERR_OK, ERR_INVALID, reterr_why,
	       "a trailer is not of the form name:value");
	value = sigv4_trim(in.rest);
	ENSURE(!d->has_trailer_signature, ERR_INVALID, reterr_why, "a trailer after the trailer's signature");
	if (d->kind == AWS_CHUNKED_SIGNED_TRAILER && slice_is_str_nocase(name, TRAILER_SIGNATURE)) {
		d->has_trailer_signature = true;
		return read_signature(value, d->signature, reterr_why);
	}
	trailer = find_trailer(d, name);
	ENSURE(trailer && !trailer->is_there, ERR_INVALID, reterr_why,
	       "a trailer that x-amz-trailer does not announce, or the same one twice");
	for (size_t i = 0; i < value.len; i++)
		ENSURE(value.ptr[i] > ' ' && value.ptr[i] < 0x7f, ERR_INVALID, reterr_why,
		       "the trailer %s has characters that no checksum has", trailer->name);
	TRY(buf_put_fmt(d->text, reterr_why, "%s:", trailer->name));
	trailer->value_at = buf_len(d->text);
	trailer->value_len = value.len;
	TRY(buf_put(d->text, value, reterr_why));
	TRY(buf_put_u8(d->text, '\n', reterr_why));
	trailer->is_there = true;
	return ERR_OK;
}

static int finish_trailer(struct aws_chunked *d, struct why *reterr_why)
{
	for (size_t i = 0; i < d->trailer_count; i++)
		ENSURE(d->trailers[i].is_there, ERR_INVALID, reterr_why, "the announced trailer %s is missing",
		       d->trailers[i].name);
	ENSURE(d->has_trailer_signature || d->kind != AWS_CHUNKED_SIGNED_TRAILER, ERR_INVALID, reterr_why,
	       "the trailer has no x-amz-trailer-signature");
	d->state = DONE;
	return ERR_OK;
}

static int read_trailer_line(struct aws_chunked *d, enum line_end end, struct why *reterr_why)
{
	bool was_after_bare_lf = d->is_after_bare_lf;

	d->is_after_bare_lf = end == LINE_LF;
	if (d->line_len)
		return read_trailer(d, slice_of(d->line, d->line_len), reterr_why);
	/* "name:value\n\r\n" is how AWS describes, and some clients write, the line before the signature */
	return was_after_bare_lf ? ERR_OK : finish_trailer(d, reterr_why);
}

/* Acts upon a whole line. *ret_what becomes what it completed, if anything. */
static int read_line(struct aws_chunked *d, enum line_end end, enum aws_chunked_what *ret_what, struct why *reterr_why)
{
	if (d->state == READING_HEAD) {
		TRY(read_head(d, reterr_why));
		if (d->state == READING_TRAILER)
			*ret_what = AWS_CHUNKED_CHUNK_END; /* the last chunk has no data to wait for */
	} else if (d->state == READING_DATA_END) {
		ENSURE(d->line_len == 0, ERR_INVALID, reterr_why, "a chunk is longer than its size says");
		d->state = READING_HEAD;
		*ret_what = AWS_CHUNKED_CHUNK_END;
	} else {
		TRY(read_trailer_line(d, end, reterr_why));
		if (d->state == DONE)
			*ret_what = AWS_CHUNKED_END;
	}
	d->line_len = 0;
	return ERR_OK;
}

static void take_data(struct aws_chunked *d, struct cursor *in, struct slice *ret_data)
{
	size_t len = in->rest.len < d->chunk_left ? in->rest.len : (size_t)d->chunk_left;

	*ret_data = slice_of(in->rest.ptr, len);
	in->rest.ptr += len;
	in->rest.len -= len;
	d->chunk_left -= len;
	if (d->chunk_left == 0)
		d->state = READING_DATA_END;
}

static int next_event(struct aws_chunked *d, struct cursor *in, struct aws_chunked_event *event, struct why *reterr_why)
{
	while (in->rest.len && event->what == AWS_CHUNKED_MORE) {
		enum line_end end;

		ENSURE(d->state != DONE, ERR_INVALID, reterr_why, "%zu bytes after the end of the aws-chunked body",
		       in->rest.len);
		if (d->state == READING_DATA) {
			take_data(d, in, &event->data);
			event->what = AWS_CHUNKED_DATA;
			break;
		}
		TRY(collect_line(d, in, &end, reterr_why));
		if (end != LINE_OPEN)
			TRY(read_line(d, end, &event->what, reterr_why));
	}
	memcpy(event->signature, d->signature, sizeof event->signature);
	return ERR_OK;
}

int aws_chunked_next(struct aws_chunked *d, struct cursor *in, struct aws_chunked_event *ret_event,
                     struct why *reterr_why)
{
	struct aws_chunked_event event = {.what = AWS_CHUNKED_MORE};
	int err;

	ENSURE(d->state != FAILED, ERR_INVALID, reterr_why, "the aws-chunked body was malformed before");
	err = next_event(d, in, &event, reterr_why);
	if (err == ERR_OK)
		*ret_event = event;
	else
		d->state = FAILED;
	return err;
}

int aws_chunked_finish(const struct aws_chunked *d, struct why *reterr_why)
{
	ENSURE(d->state == DONE, ERR_INVALID, reterr_why,
	       "the aws-chunked body ends early: %" PRIu64 " bytes of data and the end are missing",
	       d->decoded_left + d->chunk_left);
	return ERR_OK;
}

bool aws_chunked_trailer(const struct aws_chunked *d, const char *name, struct slice *ret_value)
{
	for (size_t i = 0; i < d->trailer_count; i++) {
		const struct trailer *trailer = &d->trailers[i];

		if (trailer->is_there && strcmp(trailer->name, name) == 0) {
			*ret_value = slice_of(buf_slice(d->text).ptr + trailer->value_at, trailer->value_len);
			return true;
		}
	}
	return false;
}

struct slice aws_chunked_trailer_text(const struct aws_chunked *d)
{
	return buf_slice(d->text);
}
