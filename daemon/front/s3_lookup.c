#include "daemon/front/s3_lookup.h"

#include <string.h>

#include "base/encode.h"

int s3_version_param(struct s3 *s, uint8_t storage[static STORE_ID_BYTES], const uint8_t **ret_id,
                     struct why *reterr_why)
{
	struct slice text = s3_param(s, S3_PARAM_VERSION_ID);

	*ret_id = NULL;
	if (!s->request->has_param[S3_PARAM_VERSION_ID])
		return ERR_OK;
	S3_ENSURE(hex_decode(text, storage, STORE_ID_BYTES, NULL) == ERR_OK, s, S3_INVALID_ARGUMENT, reterr_why,
	          "versionId is not the id of a version: those are 32 hexadecimal digits");
	*ret_id = storage;
	return ERR_OK;
}

void s3_found_clear(struct s3_found *f)
{
	store_object_free(take_ptr(f->object));
}

/* What the index has under this bucket id, and for an object its record, which has the wrap for keys. */
static int look_up(struct s3 *s, const uint8_t *version_id, struct s3_found *f, struct why *reterr_why)
{
	struct index *index;
	int err;

	s3_found_clear(f);
	f->is_there = s->has_existing = false;
	TRY(front_worker_index(s->w, &index, reterr_why));
	err = front_worker_looked(
		s->w, index_version(index, f->bucket_id, s->request->key, version_id, &f->version, reterr_why));
	if (err == ERR_NOTFOUND)
		return ERR_OK;
	TRY(err);
	f->is_there = true;
	if (f->version.is_marker)
		return ERR_OK;
	TRY(store_object_open(s->w->front->store, f->version.at, &f->object, reterr_why));
	s->has_existing = true;
	memcpy(s->existing.version_id, f->version.id, STORE_ID_BYTES);
	s->existing.wrap = store_object_wrap(f->object);
	return ERR_OK;
}

int s3_find_and_ask(struct s3 *s, struct s3_found *ret_found, struct why *reterr_why)
{
	uint8_t storage[STORE_ID_BYTES];
	const uint8_t *version_id;
	bool is_known;

	memset(ret_found, 0, sizeof *ret_found);
	TRY(s3_version_param(s, storage, &version_id, reterr_why));
	is_known = front_buckets_find(s->w->front->buckets, s->request->bucket, ret_found->bucket_id);
	/* What keys says about the bucket counts. If we knew another id, or none, once more with the right one. */
	for (int i = 0; i < 3; i++) {
		bool is_same;

		if (is_known)
			TRY(look_up(s, version_id, ret_found, reterr_why));
		TRY(s3_ask(s, slice_of(NULL, 0), false, reterr_why));
		if (s->is_answered)
			return ERR_OK;
		is_same = slice_equal(slice_of(ret_found->bucket_id, STORE_ID_BYTES),
		                      slice_of(s->decision.bucket_id, STORE_ID_BYTES));
		if (is_known && is_same)
			return ERR_OK;
		is_known = true;
		memcpy(ret_found->bucket_id, s->decision.bucket_id, STORE_ID_BYTES);
	}
	return s3_refuse(s, S3_SLOW_DOWN, reterr_why, "the bucket is being replaced by another one; try again");
}

int s3_ask_plain(struct s3 *s, struct why *reterr_why)
{
	return s3_ask(s, slice_of(NULL, 0), false, reterr_why);
}

bool s3_etag_listed(struct slice list, struct slice etag)
{
	while (list.len) {
		const uint8_t *comma = memchr(list.ptr, ',', list.len);
		size_t len = comma ? (size_t)(comma - list.ptr) : list.len;
		struct slice one = http1_trim(slice_of(list.ptr, len));

		if (slice_is_str(one, "*"))
			return true;
		if (slice_starts_with(one, "W/"))
			one = slice_of(one.ptr + 2, one.len - 2);
		if (one.len >= 2 && one.ptr[0] == '"' && one.ptr[one.len - 1] == '"')
			one = slice_of(one.ptr + 1, one.len - 2);
		if (slice_equal(one, etag))
			return true;
		len += comma ? 1 : 0;
		list = slice_of(list.ptr + len, list.len - len);
	}
	return false;
}
