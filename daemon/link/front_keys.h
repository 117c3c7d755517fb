/* front_keys.h: what front asks keys, foremost about S3 requests, and what keys decides (docs/protocol/front-keys.md).
 *
 * Front looks up what its index says of the object and sends that along, so that one exchange serves a request. keys
 * believes none of it: it reads the operation, bucket and key from the signed request itself, and a wrap opens only for
 * the bucket, key and version that it was made for. */
#pragma once
#include "base/secret.h"
#include "daemon/link/call.h"

#define S3_CALL_ID_BYTES 16 /* of buckets and versions */

enum {
	/* Request: call_head, lp(body). Reply: call_answer. What is not S3: KMS, IAM, STS, Cloister's own. */
	FRONT_KEYS_API_CALL = 0x1201,
	/* Request: s3_call. Reply: s3_decision. */
	FRONT_KEYS_S3_CALL = 0x1202,
	/* Request: s3_chunks. Reply: empty, or the error that names the first chunk that does not verify. */
	FRONT_KEYS_CHUNKS_VERIFY = 0x1203,
	/* Request: u64 ticket of a decision. Reply: empty, once its record is durable under a signed checkpoint. */
	FRONT_KEYS_LOG_WAIT = 0x1204,
};

/* The version that a request reads, or the upload that it adds to, as front's index has it. */
struct s3_call_existing {
	uint8_t version_id[S3_CALL_ID_BYTES];
	struct slice wrap;
};

struct s3_call {
	struct call_head head;
	struct slice body; /* only of operations whose body keys reads; never an object's bytes */
	bool has_existing;
	struct s3_call_existing existing;
	bool bucket_is_empty; /* for DeleteBucket: what front's index says */
};

MUST_USE int s3_call_put(const struct s3_call *call, struct buf *into, struct why *reterr_why);
MUST_USE int s3_call_take(struct slice message, struct s3_call *ret_call, struct why *reterr_why);

/* How the bytes of a body are authenticated; as wire/sigv4.h tells them apart. */
enum s3_body_kind {
	S3_BODY_SHA256,           /* front compares the SHA-256 that was signed */
	S3_BODY_UNSIGNED,         /* nothing but TLS */
	S3_BODY_CHUNKS,           /* every chunk is signed: CHUNKS_VERIFY */
	S3_BODY_CHUNKS_TRAILER,   /* and the trailer */
	S3_BODY_UNSIGNED_TRAILER, /* aws-chunked with a checksum in its trailer */
};

/* One object of DeleteObjects. */
struct s3_delete {
	bool is_allowed;
	bool has_version;
	uint8_t version_id[S3_CALL_ID_BYTES]; /* to remove; or, without has_version, the new marker's */
	struct slice key;
	struct slice code, message; /* if it is not allowed */
};

enum s3_verdict {
	S3_VERDICT_REFUSED,  /* `code` and `message` with `status` go to the client as an S3 error */
	S3_VERDICT_ANSWERED, /* `answer` goes to the client as it is */
	S3_VERDICT_GO_ON,    /* front does the rest */
};

struct s3_decision {
	enum s3_verdict verdict;
	/* refused */
	uint16_t status;
	struct slice code, message;
	/* answered */
	struct call_answer answer;
	/* go on */
	struct slice account; /* the caller's */
	uint8_t bucket_id[S3_CALL_ID_BYTES];
	bool is_versioned;
	struct slice bucket_owner;
	enum s3_body_kind body_kind;
	uint8_t body_sha256[32];
	uint32_t chunk_handle; /* for CHUNKS_VERIFY */
	bool has_version;      /* the version to write or to read, and its key */
	uint8_t version_id[S3_CALL_ID_BYTES];
	struct slice version_key; /* 32 bytes: move them to a struct secret at once */
	struct slice wrap;        /* of a version that keys just minted */
	struct slice kms_key;     /* the ARN, for the answer's headers */
	uint64_t ticket;          /* for LOG_WAIT; 0: the record is committed, or will be by itself */
	size_t delete_count;
	struct s3_delete *deletes; /* allocated by s3_decision_take(); borrowed by s3_decision_put() */
};

MUST_USE int s3_decision_put(const struct s3_decision *d, struct buf *into, struct why *reterr_why);
MUST_USE int s3_decision_take(struct slice message, struct s3_decision *ret_decision, struct why *reterr_why);
void s3_decision_clear(struct s3_decision *d);

/* Some chunks of a body with signed chunks, in order. */
struct s3_chunk {
	uint8_t sha256[32];
	struct slice signature; /* 64 hexadecimal digits, as the client sent them */
};

struct s3_chunks {
	uint32_t handle;
	size_t count;
	struct s3_chunk chunks[S3_CHUNKS_PER_CALL_MAX];
	bool is_last; /* the empty chunk is among them, and the handle ends with this call */
	bool has_trailer;
	struct slice trailer, trailer_signature;
};

MUST_USE int s3_chunks_put(const struct s3_chunks *chunks, struct buf *into, struct why *reterr_why);
MUST_USE int s3_chunks_take(struct slice message, struct s3_chunks *ret_chunks, struct why *reterr_why);
