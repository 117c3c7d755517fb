/* s3_checksum.h: the checksums that S3 clients send along with their data, x-amz-checksum-*: made while bytes pass. */
#pragma once
#include "base/slice.h"
#include "crypto/hash.h"

enum s3_checksum_kind {
	S3_CHECKSUM_NONE,
	S3_CHECKSUM_CRC32,
	S3_CHECKSUM_CRC32C,
	S3_CHECKSUM_CRC64NVME,
	S3_CHECKSUM_SHA1,
	S3_CHECKSUM_SHA256,
	S3_CHECKSUM_KINDS,
};

/* "CRC32": in x-amz-checksum-algorithm; "x-amz-checksum-crc32": the header, the trailer; "ChecksumCRC32": in XML. */
const char *s3_checksum_name(enum s3_checksum_kind kind);
const char *s3_checksum_header(enum s3_checksum_kind kind);
const char *s3_checksum_element(enum s3_checksum_kind kind);

/* S3_CHECKSUM_NONE for a name that is none of them. In any case of letters. */
enum s3_checksum_kind s3_checksum_by_name(struct slice name);
enum s3_checksum_kind s3_checksum_by_header(struct slice name);

struct s3_checksum {
	enum s3_checksum_kind kind;
	uint64_t crc;
	struct hash *hash;
};

MUST_USE int s3_checksum_begin(enum s3_checksum_kind kind, struct s3_checksum *c, struct why *reterr_why);
void s3_checksum_add(struct s3_checksum *c, struct slice bytes);

/* The value as clients write it, in base64. */
#define S3_CHECKSUM_TEXT_BYTES 48
void s3_checksum_end(struct s3_checksum *c, char out[static S3_CHECKSUM_TEXT_BYTES]);
void s3_checksum_clear(struct s3_checksum *c);

/* Bytes of a value before base64. */
size_t s3_checksum_bytes(enum s3_checksum_kind kind);
