#include "daemon/front/s3_checksum.h"

#include "base/cleanup.h"
#include "base/crc.h"
#include "base/encode.h"

static const struct {
	const char *name, *header, *element;
	size_t bytes;
} kinds[S3_CHECKSUM_KINDS] = {
	[S3_CHECKSUM_NONE] = {"", "", "", 0},
	[S3_CHECKSUM_CRC32] = {"CRC32", "x-amz-checksum-crc32", "ChecksumCRC32", 4},
	[S3_CHECKSUM_CRC32C] = {"CRC32C", "x-amz-checksum-crc32c", "ChecksumCRC32C", 4},
	[S3_CHECKSUM_CRC64NVME] = {"CRC64NVME", "x-amz-checksum-crc64nvme", "ChecksumCRC64NVME", 8},
	[S3_CHECKSUM_SHA1] = {"SHA1", "x-amz-checksum-sha1", "ChecksumSHA1", 20},
	[S3_CHECKSUM_SHA256] = {"SHA256", "x-amz-checksum-sha256", "ChecksumSHA256", 32},
};

const char *s3_checksum_name(enum s3_checksum_kind kind)
{
	return kinds[kind].name;
}

const char *s3_checksum_header(enum s3_checksum_kind kind)
{
	return kinds[kind].header;
}

const char *s3_checksum_element(enum s3_checksum_kind kind)
{
	return kinds[kind].element;
}

size_t s3_checksum_bytes(enum s3_checksum_kind kind)
{
	return kinds[kind].bytes;
}

enum s3_checksum_kind s3_checksum_by_name(struct slice name)
{
	for (int k = 1; k < S3_CHECKSUM_KINDS; k++)
		if (slice_is_str_nocase(name, kinds[k].name))
			return (enum s3_checksum_kind)k;
	return S3_CHECKSUM_NONE;
}

enum s3_checksum_kind s3_checksum_by_header(struct slice name)
{
	for (int k = 1; k < S3_CHECKSUM_KINDS; k++)
		if (slice_is_str_nocase(name, kinds[k].header))
			return (enum s3_checksum_kind)k;
	return S3_CHECKSUM_NONE;
}

int s3_checksum_begin(enum s3_checksum_kind kind, struct s3_checksum *c, struct why *reterr_why)
{
	*c = (struct s3_checksum){.kind = kind};
	if (kind == S3_CHECKSUM_SHA1)
		return hash_new(HASH_SHA1, &c->hash, reterr_why);
	if (kind == S3_CHECKSUM_SHA256)
		return hash_new(HASH_SHA256, &c->hash, reterr_why);
	return ERR_OK;
}

void s3_checksum_add(struct s3_checksum *c, struct slice bytes)
{
	if (c->hash)
		hash_update(c->hash, bytes);
	else if (c->kind == S3_CHECKSUM_CRC32)
		c->crc = crc32_iso((uint32_t)c->crc, bytes);
	else if (c->kind == S3_CHECKSUM_CRC32C)
		c->crc = crc32c((uint32_t)c->crc, bytes);
	else if (c->kind == S3_CHECKSUM_CRC64NVME)
		c->crc = crc64_nvme(c->crc, bytes);
}

void s3_checksum_end(struct s3_checksum *c, char out[static S3_CHECKSUM_TEXT_BYTES])
{
	uint8_t value[SHA256_BYTES];
	size_t len = kinds[c->kind].bytes;

	if (c->hash)
		hash_finish(c->hash, value);
	else
		for (size_t i = 0; i < len; i++)
			value[i] = (uint8_t)(c->crc >> (8 * (len - 1 - i)));
	base64_encode(slice_of(value, len), out);
}

void s3_checksum_clear(struct s3_checksum *c)
{
	hash_free(take_ptr(c->hash));
}
