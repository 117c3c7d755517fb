#include "store/sidecar.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "crypto/hash.h"
#include "crypto/kdf.h"
#include "crypto/xaes.h"
#include "store/field.h"

static const char magic[] = "cloister.sidecar/v1\n";
enum {
	MAGIC_BYTES = sizeof magic - 1,
	PART_BYTES = STORE_ID_BYTES + SIDECAR_WRAPPED_KEY_BYTES + 8 + SIDECAR_SALT_BYTES + SIDECAR_COMMITMENT_BYTES,
	MAC_BYTES = SHA256_BYTES,
};

void sidecar_free(struct sidecar *s)
{
	if (!s)
		return;
	free(s->parts);
	free(s);
}

void sidecar_freep(struct sidecar **s)
{
	sidecar_free(*s);
	*s = NULL;
}

int sidecar_part_put(const struct sidecar_part *p, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put(into, slice_of(p->blob_id, STORE_ID_BYTES), reterr_why));
	TRY(buf_put(into, slice_of(p->wrapped_key, SIDECAR_WRAPPED_KEY_BYTES), reterr_why));
	TRY(buf_put_u64be(into, p->length, reterr_why));
	TRY(buf_put(into, slice_of(p->salt, SIDECAR_SALT_BYTES), reterr_why));
	return buf_put(into, slice_of(p->commitment, SIDECAR_COMMITMENT_BYTES), reterr_why);
}

/* What the MAC covers: everything but the wrap and the MAC. */
static int put_body(const struct sidecar *s, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_str(into, magic, reterr_why));
	TRY(buf_put(into, slice_of(s->bucket_id, STORE_ID_BYTES), reterr_why));
	TRY(buf_put(into, slice_of(s->version_id, STORE_ID_BYTES), reterr_why));
	TRY(buf_put_u64be(into, s->created_wall_ms, reterr_why));
	TRY(buf_put_u64be(into, s->total_length, reterr_why));
	TRY(field_put(into, s->object_key, STORE_KEY_BYTES_MAX, "a key", reterr_why));
	TRY(field_put(into, s->etag, STORE_ETAG_BYTES_MAX, "an ETag", reterr_why));
	TRY(field_put(into, s->metadata, STORE_METADATA_BYTES_MAX, "metadata", reterr_why));
	TRY(buf_put_u32be(into, (uint32_t)s->part_count, reterr_why));
	for (size_t i = 0; i < s->part_count; i++)
		TRY(sidecar_part_put(&s->parts[i], into, reterr_why));
	return ERR_OK;
}

static int mac_of(struct slice body, const struct secret *version_key, uint8_t out[static MAC_BYTES],
                  struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *mac_key = NULL;

	TRY(hkdf(HASH_SHA256, version_key, slice_of(NULL, 0), slice_str("parts"), SHA256_BYTES, &mac_key, reterr_why));
	hmac_sha256_secret(mac_key, body, out);
	return ERR_OK;
}

static int check_before_encoding(const struct sidecar *s, struct why *reterr_why)
{
	uint64_t total = 0;

	ENSURE(s->part_count <= STORE_PARTS_MAX, ERR_LIMIT, reterr_why,
	       "an object of %zu parts; at most %d are accepted", s->part_count, STORE_PARTS_MAX);
	for (size_t i = 0; i < s->part_count && s->parts[i].length <= s->total_length - total; i++)
		total += s->parts[i].length;
	ENSURE(total == s->total_length, ERR_INTERNAL, reterr_why,
	       "the parts hold other than the object's %llu bytes: %llu", (unsigned long long)s->total_length,
	       (unsigned long long)total);
	return ERR_OK;
}

int sidecar_encode(const struct sidecar *s, const struct secret *version_key, struct buf *into, struct why *reterr_why)
{
	size_t start = buf_len(into);
	uint8_t mac[MAC_BYTES];
	struct slice body;

	TRY(check_before_encoding(s, reterr_why));
	TRY(put_body(s, into, reterr_why));
	body = buf_slice(into);
	TRY(mac_of(slice_of(body.ptr + start, body.len - start), version_key, mac, reterr_why));
	TRY(buf_put(into, slice_of(mac, sizeof mac), reterr_why));
	return field_put(into, s->wrap, STORE_WRAP_BYTES_MAX, "a wrapped key", reterr_why);
}

int sidecar_part_take(struct cursor *c, struct sidecar_part *p, struct why *reterr_why)
{
	TRY(cursor_take_bytes(c, p->blob_id, STORE_ID_BYTES, reterr_why));
	TRY(cursor_take_bytes(c, p->wrapped_key, SIDECAR_WRAPPED_KEY_BYTES, reterr_why));
	TRY(cursor_take_u64be(c, &p->length, reterr_why));
	TRY(cursor_take_bytes(c, p->salt, SIDECAR_SALT_BYTES, reterr_why));
	return cursor_take_bytes(c, p->commitment, SIDECAR_COMMITMENT_BYTES, reterr_why);
}

static int take_parts(struct cursor *c, struct sidecar *s, struct why *reterr_why)
{
	uint64_t total = 0;
	uint32_t count;

	TRY(cursor_take_u32be(c, &count, reterr_why));
	ENSURE(count <= STORE_PARTS_MAX, ERR_LIMIT, reterr_why, "a sidecar of %u parts; at most %d are accepted", count,
	       STORE_PARTS_MAX);
	ENSURE(c->rest.len >= (size_t)count * PART_BYTES, ERR_INVALID, reterr_why,
	       "a sidecar that ends within its parts");
	s->parts = calloc(count ? count : 1, sizeof *s->parts);
	ENSURE(s->parts, ERR_UNAVAILABLE, reterr_why, "out of memory for %u parts", count);
	s->part_count = count;
	for (uint32_t i = 0; i < count; i++) {
		TRY(sidecar_part_take(c, &s->parts[i], reterr_why));
		ENSURE(s->parts[i].length <= s->total_length - total, ERR_INVALID, reterr_why,
		       "part %u of a sidecar is longer than its object", i + 1);
		total += s->parts[i].length;
	}
	ENSURE(total == s->total_length, ERR_INVALID, reterr_why, "the parts of a sidecar do not add up to its length");
	return ERR_OK;
}

/* Reads the body, and leaves the cursor at the MAC. */
static int take_body(struct cursor *c, struct sidecar *s, struct why *reterr_why)
{
	struct slice found;

	TRY(cursor_take(c, MAGIC_BYTES, &found, reterr_why));
	ENSURE(slice_is_str(found, magic), ERR_INVALID, reterr_why,
	       "not a sidecar: it does not begin with cloister.sidecar/v1");
	TRY(cursor_take_bytes(c, s->bucket_id, STORE_ID_BYTES, reterr_why));
	TRY(cursor_take_bytes(c, s->version_id, STORE_ID_BYTES, reterr_why));
	TRY(cursor_take_u64be(c, &s->created_wall_ms, reterr_why));
	TRY(cursor_take_u64be(c, &s->total_length, reterr_why));
	TRY(cursor_take_lp(c, STORE_KEY_BYTES_MAX, &s->object_key, reterr_why));
	TRY(cursor_take_lp(c, STORE_ETAG_BYTES_MAX, &s->etag, reterr_why));
	TRY(cursor_take_lp(c, STORE_METADATA_BYTES_MAX, &s->metadata, reterr_why));
	return take_parts(c, s, reterr_why);
}

int sidecar_decode(struct slice bytes, struct sidecar **ret_sidecar, struct why *reterr_why)
{
	CLEANUP(sidecar_freep) struct sidecar *s = calloc(1, sizeof *s);
	struct cursor c = cursor_of(bytes);

	ENSURE(s, ERR_UNAVAILABLE, reterr_why, "out of memory for a sidecar");
	TRY(take_body(&c, s, reterr_why));
	s->body = slice_of(bytes.ptr, bytes.len - c.rest.len);
	TRY(cursor_take(&c, MAC_BYTES, &s->mac, reterr_why));
	TRY(cursor_take_lp(&c, STORE_WRAP_BYTES_MAX, &s->wrap, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	*ret_sidecar = take_ptr(s);
	return ERR_OK;
}

int sidecar_verify(const struct sidecar *s, const struct secret *version_key, struct why *reterr_why)
{
	uint8_t mac[MAC_BYTES];

	TRY(mac_of(s->body, version_key, mac, reterr_why));
	ENSURE(bytes_equal_ct(mac, s->mac.ptr, MAC_BYTES), ERR_TAMPERED, reterr_why,
	       "the list of parts of this object version was altered; restore it from a backup");
	return ERR_OK;
}

static int part_key_aad(const uint8_t blob_id[static STORE_ID_BYTES], struct buf **ret_aad, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *aad = NULL;

	TRY(buf_new(64, &aad, reterr_why));
	TRY(buf_put_lp(aad, slice_str("cloister.part-key/v1"), reterr_why));
	TRY(buf_put_lp(aad, slice_of(blob_id, STORE_ID_BYTES), reterr_why));
	*ret_aad = take_ptr(aad);
	return ERR_OK;
}

int sidecar_part_key_new(const struct secret *version_key, const uint8_t blob_id[static STORE_ID_BYTES],
                         uint8_t ret_wrapped[static SIDECAR_WRAPPED_KEY_BYTES], struct secret **ret_key,
                         struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(buf_freep) struct buf *aad = NULL, *wrapped = NULL;

	TRY(secret_new_random(32, &key, reterr_why));
	TRY(part_key_aad(blob_id, &aad, reterr_why));
	TRY(buf_new(SIDECAR_WRAPPED_KEY_BYTES, &wrapped, reterr_why));
	TRY(xaes_seal(version_key, buf_slice(aad), slice_of(secret_peek(key), secret_len(key)), wrapped, reterr_why));
	memcpy(ret_wrapped, buf_slice(wrapped).ptr, SIDECAR_WRAPPED_KEY_BYTES);
	*ret_key = take_ptr(key);
	return ERR_OK;
}

int sidecar_part_key_open(const struct secret *version_key, const struct sidecar_part *part, struct secret **ret_key,
                          struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *aad = NULL;

	TRY(part_key_aad(part->blob_id, &aad, reterr_why));
	return xaes_open(version_key, buf_slice(aad), slice_of(part->wrapped_key, SIDECAR_WRAPPED_KEY_BYTES), ret_key,
	                 reterr_why);
}

void sidecar_part_context(const uint8_t blob_id[static STORE_ID_BYTES], uint8_t out[static 32])
{
	const struct slice parts[] = {slice_str("cloister.part/v1"), slice_of(blob_id, STORE_ID_BYTES)};

	sha256_lp(parts, 2, out);
}
