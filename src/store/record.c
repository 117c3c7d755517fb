#include "store/record.h"

#include <string.h>

#include "base/limits.h"
#include "store/field.h"

static int put_id(struct buf *into, const uint8_t id[static STORE_ID_BYTES], struct why *reterr_why)
{
	return buf_put(into, slice_of(id, STORE_ID_BYTES), reterr_why);
}

int record_id_take(struct slice payload, uint8_t ret_id[static STORE_ID_BYTES], struct why *reterr_why)
{
	struct cursor c = cursor_of(payload);

	TRY(cursor_take_bytes(&c, ret_id, STORE_ID_BYTES, reterr_why));
	return cursor_finish(&c, reterr_why);
}

int record_version_put(const struct record_version *r, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_lp(into, r->sidecar, reterr_why));
	return buf_put(into, r->blob, reterr_why);
}

int record_version_take(struct slice payload, struct record_version *ret_r, struct why *reterr_why)
{
	struct cursor c = cursor_of(payload);

	TRY(cursor_take_lp(&c, STORE_RECORD_BYTES_MAX, &ret_r->sidecar, reterr_why));
	ret_r->blob = c.rest;
	return ERR_OK;
}

int record_key_event_put(const struct record_key_event *r, struct buf *into, struct why *reterr_why)
{
	TRY(put_id(into, r->bucket_id, reterr_why));
	TRY(put_id(into, r->version_id, reterr_why));
	TRY(buf_put_u64be(into, r->created_wall_ms, reterr_why));
	return field_put(into, r->object_key, STORE_KEY_BYTES_MAX, "a key", reterr_why);
}

int record_key_event_take(struct slice payload, struct record_key_event *ret_r, struct why *reterr_why)
{
	struct cursor c = cursor_of(payload);

	TRY(cursor_take_bytes(&c, ret_r->bucket_id, STORE_ID_BYTES, reterr_why));
	TRY(cursor_take_bytes(&c, ret_r->version_id, STORE_ID_BYTES, reterr_why));
	TRY(cursor_take_u64be(&c, &ret_r->created_wall_ms, reterr_why));
	TRY(cursor_take_lp(&c, STORE_KEY_BYTES_MAX, &ret_r->object_key, reterr_why));
	return cursor_finish(&c, reterr_why);
}

int record_upload_put(const struct record_upload *r, struct buf *into, struct why *reterr_why)
{
	TRY(put_id(into, r->upload_id, reterr_why));
	TRY(put_id(into, r->bucket_id, reterr_why));
	TRY(put_id(into, r->version_id, reterr_why));
	TRY(buf_put_u64be(into, r->created_wall_ms, reterr_why));
	TRY(field_put(into, r->object_key, STORE_KEY_BYTES_MAX, "a key", reterr_why));
	TRY(field_put(into, r->metadata, STORE_METADATA_BYTES_MAX, "metadata", reterr_why));
	return field_put(into, r->wrap, STORE_WRAP_BYTES_MAX, "a wrapped key", reterr_why);
}

int record_upload_take(struct slice payload, struct record_upload *ret_r, struct why *reterr_why)
{
	struct cursor c = cursor_of(payload);

	TRY(cursor_take_bytes(&c, ret_r->upload_id, STORE_ID_BYTES, reterr_why));
	TRY(cursor_take_bytes(&c, ret_r->bucket_id, STORE_ID_BYTES, reterr_why));
	TRY(cursor_take_bytes(&c, ret_r->version_id, STORE_ID_BYTES, reterr_why));
	TRY(cursor_take_u64be(&c, &ret_r->created_wall_ms, reterr_why));
	TRY(cursor_take_lp(&c, STORE_KEY_BYTES_MAX, &ret_r->object_key, reterr_why));
	TRY(cursor_take_lp(&c, STORE_METADATA_BYTES_MAX, &ret_r->metadata, reterr_why));
	TRY(cursor_take_lp(&c, STORE_WRAP_BYTES_MAX, &ret_r->wrap, reterr_why));
	return cursor_finish(&c, reterr_why);
}

static int check_part_number(uint32_t number, struct why *reterr_why)
{
	ENSURE(number >= 1 && number <= STORE_PARTS_MAX, ERR_INVALID, reterr_why,
	       "a part with number %u; 1 to %d are accepted", number, STORE_PARTS_MAX);
	return ERR_OK;
}

int record_upload_part_put(const struct record_upload_part *r, struct buf *into, struct why *reterr_why)
{
	TRY(check_part_number(r->number, reterr_why));
	TRY(put_id(into, r->upload_id, reterr_why));
	TRY(buf_put_u32be(into, r->number, reterr_why));
	TRY(buf_put_u64be(into, r->created_wall_ms, reterr_why));
	TRY(sidecar_part_put(&r->part, into, reterr_why));
	return field_put(into, r->etag, STORE_ETAG_BYTES_MAX, "an ETag", reterr_why);
}

int record_upload_part_take(struct slice payload, struct record_upload_part *ret_r, struct why *reterr_why)
{
	struct cursor c = cursor_of(payload);

	TRY(cursor_take_bytes(&c, ret_r->upload_id, STORE_ID_BYTES, reterr_why));
	TRY(cursor_take_u32be(&c, &ret_r->number, reterr_why));
	TRY(check_part_number(ret_r->number, reterr_why));
	TRY(cursor_take_u64be(&c, &ret_r->created_wall_ms, reterr_why));
	TRY(sidecar_part_take(&c, &ret_r->part, reterr_why));
	TRY(cursor_take_lp(&c, STORE_ETAG_BYTES_MAX, &ret_r->etag, reterr_why));
	return cursor_finish(&c, reterr_why);
}
