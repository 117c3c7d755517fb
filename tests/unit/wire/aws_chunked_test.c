/* The examples are those of the Amazon S3 API Reference, "Signature Calculations for the Authorization Header:
 * Transferring Payload in Multiple Chunks (Chunked Upload)" and "… with Trailing Headers". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/limits.h"
#include "wire/aws_chunked.h"

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SIG_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SIG_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define SIG_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

/* What a decoder made of a whole body. */
struct outcome {
	int err;
	size_t data_len, chunk_ends;
	uint8_t data[4096];
	uint8_t first_chunk, last_chunk, trailer; /* first bytes of signatures */
	bool is_whole;
};

/* Feeds the body in pieces of `step` bytes. */
static struct outcome decode(struct aws_chunked *d, struct slice body, size_t step)
{
	struct outcome o = {0};

	for (size_t at = 0; at < body.len && o.err == ERR_OK; at += step) {
		struct cursor in = cursor_of(slice_of(body.ptr + at, body.len - at < step ? body.len - at : step));
		struct aws_chunked_event event = {.what = AWS_CHUNKED_DATA};

		while (o.err == ERR_OK && event.what != AWS_CHUNKED_MORE) {
			o.err = aws_chunked_next(d, &in, &event, NULL);
			if (o.err != ERR_OK)
				break;
			if (event.what == AWS_CHUNKED_DATA && o.data_len + event.data.len <= sizeof o.data)
				memcpy(o.data + o.data_len, event.data.ptr, event.data.len);
			if (event.what == AWS_CHUNKED_DATA)
				o.data_len += event.data.len;
			if (event.what == AWS_CHUNKED_CHUNK_END && o.chunk_ends++ == 0)
				o.first_chunk = event.signature[0];
			if (event.what == AWS_CHUNKED_CHUNK_END)
				o.last_chunk = event.signature[0];
			if (event.what == AWS_CHUNKED_END) {
				o.is_whole = true;
				o.trailer = event.signature[0];
			}
		}
	}
	if (o.err == ERR_OK)
		o.err = aws_chunked_finish(d, NULL);
	return o;
}

static struct outcome decode_str(enum aws_chunked_kind kind, uint64_t decoded, const char *trailers, const char *body,
                                 size_t step)
{
	CLEANUP(aws_chunked_freep) struct aws_chunked *d = NULL;

	assert_int_equal(aws_chunked_new(kind, decoded, slice_str(trailers), &d, NULL), ERR_OK);
	return decode(d, slice_str(body), step);
}

static void bodies_are_decoded_however_they_are_cut(void **state)
{
	static const struct {
		enum aws_chunked_kind kind;
		const char *trailers, *body;
		size_t chunk_ends;
	} bodies[] = {
		{AWS_CHUNKED_SIGNED, "", "5;chunk-signature=" SIG_A "\r\nhello\r\n0;chunk-signature=" SIG_B "\r\n\r\n",
	         2},
		{AWS_CHUNKED_SIGNED_TRAILER, "X-Amz-Checksum-Crc32",
	         "5;chunk-signature=" SIG_A "\r\nhello\r\n0;chunk-signature=" SIG_B
	         "\r\nx-amz-checksum-crc32:NhCmhg==\r\nx-amz-trailer-signature:" SIG_C "\r\n\r\n",
	         2},
		{AWS_CHUNKED_SIGNED_TRAILER, "x-amz-checksum-crc32",
	         "5;chunk-signature=" SIG_A "\r\nhello\r\n0;chunk-signature=" SIG_B
	         "\r\nx-amz-checksum-crc32:NhCmhg==\n\r\nx-amz-trailer-signature:" SIG_C "\r\n\r\n",
	         2},
		{AWS_CHUNKED_UNSIGNED_TRAILER, "x-amz-checksum-crc32",
	         "2\r\nhe\r\n03\r\nllo\r\n0\r\nx-amz-checksum-crc32: NhCmhg== \r\n\r\n", 3},
		{AWS_CHUNKED_UNSIGNED_TRAILER, "", "5\r\nhello\r\n0\r\n\r\n", 2},
	};
	(void)state;

	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		for (size_t step = 1; step <= strlen(bodies[i].body); step++) {
			struct outcome o = decode_str(bodies[i].kind, 5, bodies[i].trailers, bodies[i].body, step);

			assert_int_equal(o.err, ERR_OK);
			assert_true(o.is_whole);
			assert_int_equal(o.chunk_ends, bodies[i].chunk_ends);
			assert_int_equal(o.data_len, 5);
			assert_memory_equal(o.data, "hello", 5);
			if (bodies[i].kind != AWS_CHUNKED_UNSIGNED_TRAILER) {
				assert_int_equal(o.first_chunk, 0xaa);
				assert_int_equal(o.last_chunk, 0xbb);
			}
			if (bodies[i].kind == AWS_CHUNKED_SIGNED_TRAILER)
				assert_int_equal(o.trailer, 0xcc);
		}
	}
}

/* Written by botocore 1.29.27's AwsChunkedWrapper: 0, 5 and 10,000 times "h", the last in chunks of 4 KiB. */
static void bodies_of_botocore_are_read(void **state)
{
	static const char crc32[] = "x-amz-checksum-crc32";
	static const size_t sizes[] = {4096, 4096, 1808};
	CLEANUP(buf_freep) struct buf *body = NULL;
	CLEANUP(aws_chunked_freep) struct aws_chunked *d = NULL;
	uint8_t letters[4096];
	struct outcome o;
	(void)state;

	o = decode_str(AWS_CHUNKED_UNSIGNED_TRAILER, 0, crc32, "0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", 99);
	assert_int_equal(o.err, ERR_OK);
	o = decode_str(AWS_CHUNKED_UNSIGNED_TRAILER, 5, crc32,
	               "5\r\nhhhhh\r\n0\r\nx-amz-checksum-crc32:OXuGIA==\r\n\r\n", 99);
	assert_int_equal(o.err, ERR_OK);
	assert_memory_equal(o.data, "hhhhh", 5);
	memset(letters, 'h', sizeof letters);
	assert_int_equal(buf_new(1 << 20, &body, NULL), ERR_OK);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(buf_put_fmt(body, NULL, "%zx\r\n", sizes[i]), ERR_OK);
		assert_int_equal(buf_put(body, slice_of(letters, sizes[i]), NULL), ERR_OK);
		assert_int_equal(buf_put_str(body, "\r\n", NULL), ERR_OK);
	}
	assert_int_equal(buf_put_str(body, "0\r\nx-amz-checksum-crc32:MEsqng==\r\n\r\n", NULL), ERR_OK);
	assert_int_equal(buf_len(body), 10059);
	assert_int_equal(aws_chunked_new(AWS_CHUNKED_UNSIGNED_TRAILER, 10000, slice_str(crc32), &d, NULL), ERR_OK);
	o = decode(d, buf_slice(body), 777);
	assert_int_equal(o.err, ERR_OK);
	assert_int_equal(o.data_len, 10000);
}

static void every_cut_off_body_is_incomplete(void **state)
{
	static const char body[] = "5;chunk-signature=" SIG_A "\r\nhello\r\n0;chunk-signature=" SIG_B
				   "\r\nx-amz-checksum-crc32:NhCmhg==\r\nx-amz-trailer-signature:" SIG_C "\r\n\r\n";
	(void)state;

	for (size_t len = 0; len < sizeof body - 1; len++) {
		CLEANUP(aws_chunked_freep) struct aws_chunked *d = NULL;
		struct outcome o;

		assert_int_equal(
			aws_chunked_new(AWS_CHUNKED_SIGNED_TRAILER, 5, slice_str("x-amz-checksum-crc32"), &d, NULL),
			ERR_OK);
		o = decode(d, slice_of(body, len), len + 1);
		assert_int_equal(o.err, ERR_INVALID);
		assert_false(o.is_whole);
	}
}

static void malformed_signed_bodies_are_refused(void **state)
{
	static const char *const refused[] = {
		"5\r\nhello\r\n0\r\n\r\n",
		"5;chunk-signature=" SIG_A "\nhello\r\n0;chunk-signature=" SIG_B "\r\n\r\n",
		"5;chunk-signature=" SIG_A "\r\nhelloo\r\n0;chunk-signature=" SIG_B "\r\n\r\n",
		"5;chunk-signature=" SIG_A "\r\nhello0;chunk-signature=" SIG_B "\r\n\r\n",
		"5;chunk-signature=" SIG_A "\r\nhello\r\n0;chunk-signature=" SIG_B "\r\n\r\nx",
		"5;chunk-signature=" SIG_A "\r\nhello\r\n0;chunk-signature=" SIG_B "\r\nx-amz-checksum-crc32:a\r\n\r\n",
		"5;chunk-signature=" SIG_A "\r\nhello\r\n0\r\n\r\n",
		"5;chunk-signature=" SIG_A "a\r\nhello\r\n0;chunk-signature=" SIG_B "\r\n\r\n",
		"5;chunk-signature=\r\nhello\r\n0;chunk-signature=" SIG_B "\r\n\r\n",
		"5;chunk-signature=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\nhello\r\n0;"
		"chunk-signature=" SIG_B "\r\n\r\n",
		"5;x=y;chunk-signature=" SIG_A "\r\nhello\r\n0;chunk-signature=" SIG_B "\r\n\r\n",
		"5 ;chunk-signature=" SIG_A "\r\nhello\r\n0;chunk-signature=" SIG_B "\r\n\r\n",
		";chunk-signature=" SIG_A "\r\nhello\r\n0;chunk-signature=" SIG_B "\r\n\r\n",
		"-5;chunk-signature=" SIG_A "\r\nhello\r\n0;chunk-signature=" SIG_B "\r\n\r\n",
		"0x5;chunk-signature=" SIG_A "\r\nhello\r\n0;chunk-signature=" SIG_B "\r\n\r\n",
		"00000000000000005;chunk-signature=" SIG_A "\r\nhello\r\n0;chunk-signature=" SIG_B "\r\n\r\n",
	};
	(void)state;

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		for (size_t step = 1; step < 400; step += 199)
			assert_int_equal(decode_str(AWS_CHUNKED_SIGNED, 5, "", refused[i], step ? step : 1).err,
			                 ERR_INVALID);
}

static void the_declared_length_is_kept(void **state)
{
	static const char body[] = "5\r\nhello\r\n0\r\n\r\n";
	(void)state;

	assert_int_equal(decode_str(AWS_CHUNKED_UNSIGNED_TRAILER, 5, "", body, 99).err, ERR_OK);
	assert_int_equal(decode_str(AWS_CHUNKED_UNSIGNED_TRAILER, 4, "", body, 99).err, ERR_INVALID);
	assert_int_equal(decode_str(AWS_CHUNKED_UNSIGNED_TRAILER, 6, "", body, 99).err, ERR_INVALID);
	assert_int_equal(decode_str(AWS_CHUNKED_UNSIGNED_TRAILER, 0, "", "0\r\n\r\n", 99).err, ERR_OK);
	assert_int_equal(decode_str(AWS_CHUNKED_UNSIGNED_TRAILER, UINT64_MAX, "", "ffffffffffffffff\r\n", 99).err,
	                 ERR_INVALID);
}

static void trailers_are_those_that_were_announced(void **state)
{
#define DATA "5\r\nhello\r\n0\r\n"
	static const char *const refused[] = {
		DATA "\r\n",
		DATA "x-amz-checksum-crc32:a\r\n\r\n",
		DATA "x-amz-checksum-sha1:a\r\nx-amz-checksum-sha1:a\r\nx-amz-checksum-crc32:b\r\n\r\n",
		DATA "x-amz-checksum-sha1:a\r\nx-amz-checksum-crc32:b\r\nx-amz-meta-a:c\r\n\r\n",
		DATA "x-amz-checksum-sha1:a\r\nx-amz-checksum-crc32:b\r\nx-amz-trailer-signature:" SIG_A "\r\n\r\n",
		DATA "x-amz-checksum-sha1:a\nx-amz-checksum-crc32:b\r\n\r\n",
		DATA "x-amz-checksum-sha1\r\nx-amz-checksum-crc32:b\r\n\r\n",
		DATA "x-amz-checksum-sha1:a b\r\nx-amz-checksum-crc32:b\r\n\r\n",
		DATA "x-amz-checksum-sha1:a\x01\r\nx-amz-checksum-crc32:b\r\n\r\n",
	};
	static const char both[] = "x-amz-checksum-sha1, x-amz-checksum-crc32";
	static const char good[] = DATA "X-Amz-Checksum-Crc32:NhCmhg==\r\nx-amz-checksum-sha1:\r\n\r\n";
	CLEANUP(aws_chunked_freep) struct aws_chunked *d = NULL;
	struct slice value;
	(void)state;

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		assert_int_equal(decode_str(AWS_CHUNKED_UNSIGNED_TRAILER, 5, both, refused[i], 7).err, ERR_INVALID);
	assert_int_equal(aws_chunked_new(AWS_CHUNKED_UNSIGNED_TRAILER, 5, slice_str(both), &d, NULL), ERR_OK);
	assert_int_equal(decode(d, slice_str(good), 3).err, ERR_OK);
	assert_true(aws_chunked_trailer(d, "x-amz-checksum-crc32", &value));
	assert_true(slice_is_str(value, "NhCmhg=="));
	assert_true(aws_chunked_trailer(d, "x-amz-checksum-sha1", &value));
	assert_int_equal(value.len, 0);
	assert_false(aws_chunked_trailer(d, "x-amz-checksum-sha256", &value));
	assert_true(slice_is_str(aws_chunked_trailer_text(d), "x-amz-checksum-crc32:NhCmhg==\nx-amz-checksum-sha1:\n"));
}

static void a_signed_trailer_needs_its_signature_last(void **state)
{
#define SIGNED_DATA "5;chunk-signature=" SIG_A "\r\nhello\r\n0;chunk-signature=" SIG_B "\r\n"
	static const char *const refused[] = {
		SIGNED_DATA "x-amz-checksum-crc32:a\r\n\r\n",
		SIGNED_DATA "x-amz-trailer-signature:" SIG_C "\r\nx-amz-checksum-crc32:a\r\n\r\n",
		SIGNED_DATA "x-amz-checksum-crc32:a\r\nx-amz-trailer-signature:" SIG_C
			    "\r\nx-amz-trailer-signature:" SIG_C "\r\n\r\n",
		SIGNED_DATA "x-amz-checksum-crc32:a\r\nx-amz-trailer-signature:00\r\n\r\n",
		SIGNED_DATA "x-amz-trailer-signature:" SIG_C "\r\n\r\n",
		SIGNED_DATA "\n\r\n",
	};
	(void)state;

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		assert_int_equal(decode_str(AWS_CHUNKED_SIGNED_TRAILER, 5, "x-amz-checksum-crc32", refused[i], 11).err,
		                 ERR_INVALID);
}

static void announced_trailers_are_checked(void **state)
{
	char long_name[AWS_CHUNKED_TRAILER_NAME_BYTES_MAX + 2];
	struct aws_chunked *d = NULL;
	enum aws_chunked_kind kind = AWS_CHUNKED_UNSIGNED_TRAILER;
	(void)state;

	assert_int_equal(aws_chunked_new(AWS_CHUNKED_SIGNED, 5, slice_str("a"), &d, NULL), ERR_INVALID);
	assert_int_equal(aws_chunked_new(kind, 5, slice_str("a,,b"), &d, NULL), ERR_INVALID);
	assert_int_equal(aws_chunked_new(kind, 5, slice_str("a,b,A"), &d, NULL), ERR_INVALID);
	assert_int_equal(aws_chunked_new(kind, 5, slice_str("a b"), &d, NULL), ERR_INVALID);
	assert_int_equal(aws_chunked_new(kind, 5, slice_str(" "), &d, NULL), ERR_INVALID);
	assert_int_equal(aws_chunked_new(kind, 5, slice_str("x-amz-trailer-signature"), &d, NULL), ERR_INVALID);
	_Static_assert(AWS_CHUNKED_TRAILERS_MAX == 8, "nine names here, eight below");
	assert_int_equal(aws_chunked_new(kind, 5, slice_str("a,b,c,d,e,f,g,h,i"), &d, NULL), ERR_LIMIT);
	memset(long_name, 'n', sizeof long_name);
	assert_int_equal(aws_chunked_new(kind, 5, slice_of(long_name, sizeof long_name - 1), &d, NULL), ERR_LIMIT);
	assert_null(d);
	assert_int_equal(aws_chunked_new(kind, 5, slice_of(long_name, sizeof long_name - 2), &d, NULL), ERR_OK);
	aws_chunked_freep(&d);
	assert_int_equal(aws_chunked_new(kind, 5, slice_str("a,b,c,d,e,f,g,h"), &d, NULL), ERR_OK);
	aws_chunked_freep(&d);
}

static void an_endless_line_is_a_limit(void **state)
{
	char line[AWS_CHUNKED_LINE_BYTES_MAX + 2];
	(void)state;

	memset(line, '0', sizeof line);
	line[sizeof line - 1] = 0;
	assert_int_equal(decode_str(AWS_CHUNKED_UNSIGNED_TRAILER, 5, "", line, 100).err, ERR_LIMIT);
	line[sizeof line - 2] = 0;
	assert_int_equal(decode_str(AWS_CHUNKED_UNSIGNED_TRAILER, 5, "", line, 100).err, ERR_INVALID);
}

/* Writes a body of chunks of these sizes and decodes it. */
static int decode_sizes(enum aws_chunked_kind kind, const size_t *sizes, size_t count)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	CLEANUP(aws_chunked_freep) struct aws_chunked *d = NULL;
	const uint8_t *signature = kind == AWS_CHUNKED_UNSIGNED_TRAILER ? NULL : (const uint8_t[32]){0};
	uint8_t data[2 * AWS_CHUNKED_CHUNK_BYTES_MIN] = {0};
	uint64_t sum = 0;

	assert_int_equal(buf_new(1 << 20, &body, NULL), ERR_OK);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(aws_chunked_head_put(sizes[i], signature, body, NULL), ERR_OK);
		assert_int_equal(buf_put(body, slice_of(data, sizes[i]), NULL), ERR_OK);
		assert_int_equal(buf_put_str(body, "\r\n", NULL), ERR_OK);
		sum += sizes[i];
	}
	assert_int_equal(aws_chunked_head_put(0, signature, body, NULL), ERR_OK);
	assert_int_equal(aws_chunked_end_put(NULL, NULL, NULL, body, NULL), ERR_OK);
	assert_int_equal(aws_chunked_new(kind, sum, slice_str(""), &d, NULL), ERR_OK);
	return decode(d, buf_slice(body), 1000).err;
}

static void only_the_last_signed_chunk_may_be_short(void **state)
{
	const size_t least = AWS_CHUNKED_CHUNK_BYTES_MIN;
	(void)state;

	assert_int_equal(decode_sizes(AWS_CHUNKED_SIGNED, (const size_t[]){least, least, 1}, 3), ERR_OK);
	assert_int_equal(decode_sizes(AWS_CHUNKED_SIGNED, (const size_t[]){least - 1, 1}, 2), ERR_INVALID);
	assert_int_equal(decode_sizes(AWS_CHUNKED_SIGNED, (const size_t[]){least - 1}, 1), ERR_OK);
	assert_int_equal(decode_sizes(AWS_CHUNKED_UNSIGNED_TRAILER, (const size_t[]){1, 1, least}, 3), ERR_OK);
}

static void after_an_error_there_are_only_errors(void **state)
{
	CLEANUP(aws_chunked_freep) struct aws_chunked *d = NULL;
	struct aws_chunked_event event = {.what = AWS_CHUNKED_DATA};
	struct cursor bad = cursor_of(slice_str("x\r\n")), good = cursor_of(slice_str("5\r\nhello\r\n"));
	(void)state;

	assert_int_equal(aws_chunked_new(AWS_CHUNKED_UNSIGNED_TRAILER, 5, slice_str(""), &d, NULL), ERR_OK);
	assert_int_equal(aws_chunked_next(d, &bad, &event, NULL), ERR_INVALID);
	assert_int_equal(aws_chunked_next(d, &good, &event, NULL), ERR_INVALID);
	assert_int_equal(event.what, AWS_CHUNKED_DATA);
	assert_int_equal(aws_chunked_finish(d, NULL), ERR_INVALID);
}

static void payload_modes_lead_to_decoders(void **state)
{
	enum aws_chunked_kind kind;
	(void)state;

	assert_true(aws_chunked_kind_of(SIGV4_PAYLOAD_CHUNKS, &kind));
	assert_int_equal(kind, AWS_CHUNKED_SIGNED);
	assert_true(aws_chunked_kind_of(SIGV4_PAYLOAD_CHUNKS_TRAILER, &kind));
	assert_int_equal(kind, AWS_CHUNKED_SIGNED_TRAILER);
	assert_true(aws_chunked_kind_of(SIGV4_PAYLOAD_UNSIGNED_TRAILER, &kind));
	assert_int_equal(kind, AWS_CHUNKED_UNSIGNED_TRAILER);
	assert_false(aws_chunked_kind_of(SIGV4_PAYLOAD_UNSIGNED, &kind));
	assert_false(aws_chunked_kind_of(SIGV4_PAYLOAD_SHA256, &kind));
	assert_false(aws_chunked_kind_of(SIGV4_PAYLOAD_ABSENT, &kind));
}

static void digest_of(const char *hex, uint8_t digest[static 32])
{
	assert_int_equal(hex_decode(slice_str(hex), digest, 32, NULL), ERR_OK);
}

/* Seeds, chunk digests and the trailer's digest of AWS's two examples; an HMAC-SHA-256 of these texts under the example
 * key gives the published chunk signatures. */
static void what_is_signed_is_as_aws_describes(void **state)
{
	const struct sigv4 auth = {.timestamp = "20130524T000000Z", .region = "us-east-1", .service = "s3"};
	CLEANUP(buf_freep) struct buf *text = NULL;
	uint8_t previous[32], digest[32];
	(void)state;

	assert_int_equal(buf_new(4096, &text, NULL), ERR_OK);
	digest_of("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9", previous);
	digest_of("bf718b6f653bebc184e1479f1935b8da974d701b893afcf49e701f3e2f9f9c5a", digest);
	assert_int_equal(aws_chunked_chunk_to_sign_put(&auth, previous, digest, text, NULL), ERR_OK);
	assert_true(slice_is_str(buf_slice(text),
	                         "AWS4-HMAC-SHA256-PAYLOAD\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n"
	                         "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9\n" EMPTY_SHA256 "\n"
	                         "bf718b6f653bebc184e1479f1935b8da974d701b893afcf49e701f3e2f9f9c5a"));
	buf_reset(text);
	digest_of("2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992", previous);
	digest_of("1e376db7e1a34a8ef1c4bcee131a2d60a1cb62503747488624e10995f448d774", digest);
	assert_int_equal(aws_chunked_trailer_to_sign_put(&auth, previous, digest, text, NULL), ERR_OK);
	assert_true(slice_is_str(buf_slice(text),
	                         "AWS4-HMAC-SHA256-TRAILER\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n"
	                         "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\n"
	                         "1e376db7e1a34a8ef1c4bcee131a2d60a1cb62503747488624e10995f448d774"));
}

/* AWS's examples: 65 KiB in chunks of 64 KiB, with their published signatures; Content-Length is 66,824. */
static void the_published_bodies_are_written_and_read(void **state)
{
	static const char *const plain[] = {"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
	                                    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
	                                    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"};
	static const size_t sizes[] = {65536, 1024, 0};
	static uint8_t letters[65536];
	CLEANUP(buf_freep) struct buf *body = NULL;
	CLEANUP(aws_chunked_freep) struct aws_chunked *d = NULL;
	struct outcome o;
	(void)state;

	memset(letters, 'a', sizeof letters);
	assert_int_equal(buf_new(1 << 20, &body, NULL), ERR_OK);
	for (size_t i = 0; i < 3; i++) {
		uint8_t signature[32];

		digest_of(plain[i], signature);
		assert_int_equal(aws_chunked_head_put(sizes[i], signature, body, NULL), ERR_OK);
		assert_int_equal(buf_put(body, slice_of(letters, sizes[i]), NULL), ERR_OK);
		if (sizes[i])
			assert_int_equal(buf_put_str(body, "\r\n", NULL), ERR_OK);
	}
	assert_int_equal(aws_chunked_end_put(NULL, NULL, NULL, body, NULL), ERR_OK);
	assert_int_equal(buf_len(body), 66824);
	assert_int_equal(aws_chunked_encoded_bytes(AWS_CHUNKED_SIGNED, 66560, 65536, NULL, NULL), 66824);
	assert_int_equal(aws_chunked_new(AWS_CHUNKED_SIGNED, 66560, slice_str(""), &d, NULL), ERR_OK);
	o = decode(d, buf_slice(body), 10000);
	assert_int_equal(o.err, ERR_OK);
	assert_int_equal(o.data_len, 66560);
	assert_int_equal(o.first_chunk, 0xad);
	assert_int_equal(o.last_chunk, 0xb6);
}

static void encoded_lengths_are_exact(void **state)
{
	static const size_t decoded[] = {0, 1, 15, 16, 8192, 8193, 16384, 20000};
	static const uint8_t signature[32], data[8192];
	(void)state;

	for (size_t i = 0; i < 3 * sizeof decoded / sizeof *decoded; i++) {
		enum aws_chunked_kind kind = (enum aws_chunked_kind)(i % 3);
		const char *name = kind == AWS_CHUNKED_SIGNED ? NULL : "x-amz-checksum-crc32", *value = "NhCmhg==";
		const uint8_t *signed_by = kind == AWS_CHUNKED_UNSIGNED_TRAILER ? NULL : signature;
		CLEANUP(buf_freep) struct buf *body = NULL;
		CLEANUP(aws_chunked_freep) struct aws_chunked *d = NULL;

		assert_int_equal(buf_new(1 << 20, &body, NULL), ERR_OK);
		for (size_t left = decoded[i / 3]; left;) {
			size_t len = left < sizeof data ? left : sizeof data;

			assert_int_equal(aws_chunked_head_put(len, signed_by, body, NULL), ERR_OK);
			assert_int_equal(buf_put(body, slice_of(data, len), NULL), ERR_OK);
			assert_int_equal(buf_put_str(body, "\r\n", NULL), ERR_OK);
			left -= len;
		}
		assert_int_equal(aws_chunked_head_put(0, signed_by, body, NULL), ERR_OK);
		assert_int_equal(aws_chunked_end_put(name, value, kind == AWS_CHUNKED_SIGNED_TRAILER ? signature : NULL,
		                                     body, NULL),
		                 ERR_OK);
		assert_int_equal(aws_chunked_encoded_bytes(kind, decoded[i / 3], sizeof data, name, value),
		                 buf_len(body));
		assert_int_equal(aws_chunked_new(kind, decoded[i / 3], slice_str(name), &d, NULL), ERR_OK);
		assert_int_equal(decode(d, buf_slice(body), 999).err, ERR_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_decoded_however_they_are_cut),
		cmocka_unit_test(bodies_of_botocore_are_read),
		cmocka_unit_test(every_cut_off_body_is_incomplete),
		cmocka_unit_test(malformed_signed_bodies_are_refused),
		cmocka_unit_test(the_declared_length_is_kept),
		cmocka_unit_test(trailers_are_those_that_were_announced),
		cmocka_unit_test(a_signed_trailer_needs_its_signature_last),
		cmocka_unit_test(announced_trailers_are_checked),
		cmocka_unit_test(an_endless_line_is_a_limit),
		cmocka_unit_test(only_the_last_signed_chunk_may_be_short),
		cmocka_unit_test(after_an_error_there_are_only_errors),
		cmocka_unit_test(payload_modes_lead_to_decoders),
		cmocka_unit_test(what_is_signed_is_as_aws_describes),
		cmocka_unit_test(the_published_bodies_are_written_and_read),
		cmocka_unit_test(encoded_lengths_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
