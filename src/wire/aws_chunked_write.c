/* What the signatures of chunks and trailers are over, and the encoder. */
#include <inttypes.h>
#include <string.h>

#include "base/encode.h"
#include "wire/aws_chunked.h"

/* SHA-256 of nothing, which stands in every chunk's string to sign for headers that chunks do not have. */
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static int put_hex_line(const uint8_t digest[SIGV4_DIGEST_BYTES], const char *end, struct buf *into,
                        struct why *reterr_why)
{
	char hex[2 * SIGV4_DIGEST_BYTES + 1];

	hex_encode(slice_of(digest, SIGV4_DIGEST_BYTES), hex);
	return buf_put_fmt(into, reterr_why, "%s%s", hex, end);
}

/* The lines that both begin with. */
static int put_to_sign(const char *algorithm, const struct sigv4 *auth, const uint8_t *previous, struct buf *into,
                       struct why *reterr_why)
{
	TRY(buf_put_fmt(into, reterr_why, "%s\n%s\n", algorithm, auth->timestamp));
	TRY(sigv4_scope_put(auth, into, reterr_why));
	TRY(buf_put_u8(into, '\n', reterr_why));
	return put_hex_line(previous, "\n", into, reterr_why);
}

int aws_chunked_chunk_to_sign_put(const struct sigv4 *auth, const uint8_t previous[SIGV4_DIGEST_BYTES],
                                  const uint8_t chunk_sha256[SIGV4_DIGEST_BYTES], struct buf *into,
                                  struct why *reterr_why)
{
	TRY(put_to_sign("AWS4-HMAC-SHA256-PAYLOAD", auth, previous, into, reterr_why));
	TRY(buf_put_str(into, EMPTY_SHA256 "\n", reterr_why));
	return put_hex_line(chunk_sha256, "", into, reterr_why);
}

int aws_chunked_trailer_to_sign_put(const struct sigv4 *auth, const uint8_t previous[SIGV4_DIGEST_BYTES],
                                    const uint8_t trailer_sha256[SIGV4_DIGEST_BYTES], struct buf *into,
                                    struct why *reterr_why)
{
	TRY(put_to_sign("AWS4-HMAC-SHA256-TRAILER", auth, previous, into, reterr_why));
	return put_hex_line(trailer_sha256, "", into, reterr_why);
}

int aws_chunked_head_put(uint64_t len, const uint8_t *signature, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_fmt(into, reterr_why, "%" PRIx64, len));
	if (!signature)
		return buf_put_str(into, "\r\n", reterr_why);
	TRY(buf_put_str(into, ";chunk-signature=", reterr_why));
	return put_hex_line(signature, "\r\n", into, reterr_why);
}

int aws_chunked_end_put(const char *name, const char *value, const uint8_t *signature, struct buf *into,
                        struct why *reterr_why)
{
	if (name)
		TRY(buf_put_fmt(into, reterr_why, "%s:%s\r\n", name, value));
	if (signature) {
		TRY(buf_put_str(into, "x-amz-trailer-signature:", reterr_why));
		TRY(put_hex_line(signature, "\r\n", into, reterr_why));
	}
	return buf_put_str(into, "\r\n", reterr_why);
}

/* "<hex>[;chunk-signature=<64>]\r\n", and "\r\n" after the data if there are any */
static uint64_t chunk_frame_bytes(enum aws_chunked_kind kind, uint64_t len)
{
	uint64_t digits = 1, signature = strlen(";chunk-signature=") + 2 * SIGV4_DIGEST_BYTES;

	for (uint64_t rest = len >> 4; rest; rest >>= 4)
		digits++;
	return digits + (kind == AWS_CHUNKED_UNSIGNED_TRAILER ? 0 : signature) + (len ? 4 : 2);
}

uint64_t aws_chunked_encoded_bytes(enum aws_chunked_kind kind, uint64_t decoded_bytes, uint64_t chunk_bytes,
                                   const char *name, const char *value)
{
	uint64_t whole = decoded_bytes / chunk_bytes, rest = decoded_bytes % chunk_bytes;
	uint64_t len = decoded_bytes + whole * chunk_frame_bytes(kind, chunk_bytes) + chunk_frame_bytes(kind, 0) + 2;

	if (rest)
		len += chunk_frame_bytes(kind, rest);
	if (name)
		len += strlen(name) + strlen(":") + strlen(value) + strlen("\r\n");
	if (kind == AWS_CHUNKED_SIGNED_TRAILER)
		len += strlen("x-amz-trailer-signature:") + 2 * SIGV4_DIGEST_BYTES + strlen("\r\n");
	return len;
}
