#include "kms/blob.h"

#include <string.h>

#include "base/limits.h"
#include "crypto/xaes.h"

int kms_blob_parse(struct slice bytes, struct kms_blob *ret_blob, struct why *reterr_why)
{
	struct cursor in = cursor_of(bytes);
	struct kms_blob blob;
	struct slice id;
	uint8_t version;

	ENSURE(bytes.len > KMS_BLOB_OVERHEAD_BYTES && bytes.len <= KMS_BLOB_BYTES_MAX, ERR_INVALID, reterr_why,
	       "a ciphertext of %zu bytes is none of ours; they have %d to %d", bytes.len, KMS_BLOB_OVERHEAD_BYTES + 1,
	       KMS_BLOB_BYTES_MAX);
	TRY(cursor_take_u8(&in, &version, reterr_why));
	ENSURE(version == KMS_BLOB_VERSION, ERR_INVALID, reterr_why,
	       "a ciphertext of version %u; this program knows version %d", version, KMS_BLOB_VERSION);
	TRY(cursor_take(&in, UUID_BYTES, &id, reterr_why));
	memcpy(blob.key_id, id.ptr, UUID_BYTES);
	TRY(cursor_take_u32be(&in, &blob.key_version, reterr_why));
	ENSURE(blob.key_version > 0, ERR_INVALID, reterr_why, "a ciphertext under key version 0, which no key has");
	blob.sealed = in.rest;
	*ret_blob = blob;
	return ERR_OK;
}

static int put_aad(const uint8_t key_id[static UUID_BYTES], uint32_t key_version, struct slice canonical_context,
                   struct buf *into, struct why *reterr_why)
{
	static const uint8_t version[] = {KMS_BLOB_VERSION};

	TRY(buf_put_lp(into, slice_of(version, sizeof version), reterr_why));
	TRY(buf_put_lp(into, slice_of(key_id, UUID_BYTES), reterr_why));
	TRY(buf_put_u32be(into, sizeof key_version, reterr_why)); /* the length of the part that follows */
	TRY(buf_put_u32be(into, key_version, reterr_why));
	return buf_put_lp(into, canonical_context, reterr_why);
}

enum { AAD_BYTES_MAX = KMS_CONTEXT_BYTES_MAX + 64 };

int kms_blob_seal(const struct secret *material, const uint8_t key_id[static UUID_BYTES], uint32_t key_version,
                  struct slice canonical_context, struct slice plain, struct buf *into, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *aad = NULL;

	ENSURE(plain.len > 0, ERR_INVALID, reterr_why, "there is nothing to encrypt");
	ENSURE(plain.len <= KMS_PLAINTEXT_BYTES_MAX, ERR_LIMIT, reterr_why,
	       "%zu bytes to encrypt; at most %d are accepted, larger data takes a data key", plain.len,
	       KMS_PLAINTEXT_BYTES_MAX);
	TRY(buf_new(AAD_BYTES_MAX, &aad, reterr_why));
	TRY(put_aad(key_id, key_version, canonical_context, aad, reterr_why));
	TRY(buf_put_u8(into, KMS_BLOB_VERSION, reterr_why));
	TRY(buf_put(into, slice_of(key_id, UUID_BYTES), reterr_why));
	TRY(buf_put_u32be(into, key_version, reterr_why));
	return xaes_seal(material, buf_slice(aad), plain, into, reterr_why);
}

int kms_blob_open(const struct secret *material, const struct kms_blob *blob, struct slice canonical_context,
                  struct secret **ret_plain, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *aad = NULL;

	TRY(buf_new(AAD_BYTES_MAX, &aad, reterr_why));
	TRY(put_aad(blob->key_id, blob->key_version, canonical_context, aad, reterr_why));
	return xaes_open(material, buf_slice(aad), blob->sealed, ret_plain, reterr_why);
}
