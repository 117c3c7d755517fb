/* aws_chunked.h: the aws-chunked content coding of S3 uploads (docs/protocol/sigv4.md 5): a body cut into chunks, each
 * signed or none, with checksums in a trailer.
 *
 * The decoder is fed bytes as they arrive and answers one event at a time; it keeps no data. Signatures are only read
 * here: whoever checks them hashes the data of each chunk, and publishes nothing before AWS_CHUNKED_END. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "wire/sigv4.h"

enum aws_chunked_kind {
	AWS_CHUNKED_SIGNED,           /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD */
	AWS_CHUNKED_SIGNED_TRAILER,   /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER */
	AWS_CHUNKED_UNSIGNED_TRAILER, /* STREAMING-UNSIGNED-PAYLOAD-TRAILER */
};

/* The coding that a payload mode stands for; false if the body is not aws-chunked. */
bool aws_chunked_kind_of(enum sigv4_payload payload, enum aws_chunked_kind *ret_kind);

enum aws_chunked_what {
	AWS_CHUNKED_MORE,      /* the input is used up */
	AWS_CHUNKED_DATA,      /* `data`: the next bytes of the current chunk, borrowed from the input */
	AWS_CHUNKED_CHUNK_END, /* the chunk is whole; `signature` was declared for it. The last chunk is empty */
	AWS_CHUNKED_END,       /* the body is whole; `signature` is the trailer's (SIGNED_TRAILER only) */
};

struct aws_chunked_event {
	enum aws_chunked_what what;
	struct slice data;
	uint8_t signature[SIGV4_DIGEST_BYTES];
};

struct aws_chunked;

/* A decoder for a body of `decoded_bytes` (x-amz-decoded-content-length) and the trailers that x-amz-trailer announces
 * (comma-separated names, empty: none). ERR_INVALID for names that are none or are there twice, ERR_LIMIT. */
MUST_USE int aws_chunked_new(enum aws_chunked_kind kind, uint64_t decoded_bytes, struct slice announced,
                             struct aws_chunked **ret_decoder, struct why *reterr_why);
void aws_chunked_free(struct aws_chunked *d);
void aws_chunked_freep(struct aws_chunked **d);

/* Reads on to the next event. ERR_INVALID: malformed, more or fewer bytes than declared, a signed chunk below
 * AWS_CHUNKED_CHUNK_BYTES_MIN that is not the last with data, a trailer missing or not announced, or bytes after the
 * end. ERR_LIMIT: an over-long line. After an error the decoder only answers errors. */
MUST_USE int aws_chunked_next(struct aws_chunked *d, struct cursor *in, struct aws_chunked_event *ret_event,
                              struct why *reterr_why);

/* For when the body has ended: ERR_INVALID, saying how much is missing, unless AWS_CHUNKED_END was reached. */
MUST_USE int aws_chunked_finish(const struct aws_chunked *d, struct why *reterr_why);

/* After AWS_CHUNKED_END: the value of a trailer (name in lower case), and the text whose SHA-256 the trailer's
 * signature is over ("name:value\n" each). Borrowed from the decoder. */
bool aws_chunked_trailer(const struct aws_chunked *d, const char *name, struct slice *ret_value);
struct slice aws_chunked_trailer_text(const struct aws_chunked *d);

/* Appends what the signature of a chunk or of the trailer is over. `previous` is the signature of the chunk before, at
 * first that of the request. */
MUST_USE int aws_chunked_chunk_to_sign_put(const struct sigv4 *auth, const uint8_t previous[SIGV4_DIGEST_BYTES],
                                           const uint8_t chunk_sha256[SIGV4_DIGEST_BYTES], struct buf *into,
                                           struct why *reterr_why);
MUST_USE int aws_chunked_trailer_to_sign_put(const struct sigv4 *auth, const uint8_t previous[SIGV4_DIGEST_BYTES],
                                             const uint8_t trailer_sha256[SIGV4_DIGEST_BYTES], struct buf *into,
                                             struct why *reterr_why);

/* --- for clients --- */

/* Appends what stands before a chunk of `len` bytes; "\r\n" stands after its data. `signature` is NULL for unsigned.
 * The last chunk has no bytes and nothing after it but aws_chunked_end_put(). */
MUST_USE int aws_chunked_head_put(uint64_t len, const uint8_t *signature, struct buf *into, struct why *reterr_why);

/* Appends the end of the body: a trailer (NULL: none), its signature (NULL: unsigned), the empty line. */
MUST_USE int aws_chunked_end_put(const char *name, const char *value, const uint8_t *signature, struct buf *into,
                                 struct why *reterr_why);

/* Bytes on the wire of a body of `decoded_bytes` in chunks of `chunk_bytes`, for Content-Length. */
uint64_t aws_chunked_encoded_bytes(enum aws_chunked_kind kind, uint64_t decoded_bytes, uint64_t chunk_bytes,
                                   const char *name, const char *value);
