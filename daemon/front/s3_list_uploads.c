/* ListMultipartUploads and ListParts. */
#include <string.h>

#include "base/encode.h"
#include "daemon/front/s3_list.h"
#include "daemon/front/s3_lookup.h"
#include "daemon/front/s3_upload.h"

struct uploads {
	struct s3 *s;
	struct xml_writer xml;
	bool is_url;
	uint64_t max, count, seen;
	bool is_truncated;
	struct slice key_marker;
	uint8_t id_marker[STORE_ID_BYTES];
	bool has_id_marker;
	uint8_t last_key[STORE_KEY_BYTES_MAX];
	size_t last_key_len;
	uint8_t last_id[STORE_ID_BYTES];
};

/* Whether an upload was on an earlier page: they come by key, and within a key by id. */
static bool is_before(const struct uploads *l, const struct record_upload *u)
{
	int order = slice_compare(u->object_key, l->key_marker);

	if (!l->key_marker.len || order > 0)
		return false;
	return order < 0 || !l->has_id_marker ||
	       slice_compare(slice_of(u->upload_id, STORE_ID_BYTES), slice_of(l->id_marker, STORE_ID_BYTES)) <= 0;
}

static int put_upload(void *ctx, const struct record_upload *u, struct why *reterr_why)
{
	struct uploads *l = ctx;
	char id[S3_ID_TEXT_BYTES];
	(void)reterr_why;

	l->seen++;
	if (is_before(l, u))
		return ERR_OK;
	if (l->count == l->max) {
		l->is_truncated = true;
		return ERR_OK;
	}
	l->count++;
	s3_id_text(u->upload_id, id);
	xml_open(&l->xml, "Upload");
	s3_list_text(l->s, &l->xml, l->is_url, "Key", u->object_key);
	xml_str(&l->xml, "UploadId", id);
	s3_list_owner(&l->xml, "Initiator", l->s->bucket_owner);
	s3_list_owner(&l->xml, "Owner", l->s->bucket_owner);
	xml_str(&l->xml, "StorageClass", "STANDARD");
	s3_list_time(&l->xml, "Initiated", u->created_wall_ms);
	xml_close(&l->xml);
	l->last_key_len = u->object_key.len;
	memcpy(l->last_key, u->object_key.ptr, u->object_key.len);
	memcpy(l->last_id, u->upload_id, STORE_ID_BYTES);
	return ERR_OK;
}

static int begin_uploads(struct uploads *l, struct why *reterr_why)
{
	struct s3 *s = l->s;
	struct slice id = s3_param(s, S3_PARAM_UPLOAD_ID_MARKER);

	S3_ENSURE(!s3_param(s, S3_PARAM_DELIMITER).len, s, S3_NOT_IMPLEMENTED, reterr_why,
	          "a delimiter is not offered for lists of uploads");
	TRY(s3_list_encoding(s, &l->is_url, reterr_why));
	TRY(s3_param_number(s, S3_PARAM_MAX_UPLOADS, S3_LIST_MAX, S3_LIST_MAX, &l->max, reterr_why));
	l->key_marker = s3_param(s, S3_PARAM_KEY_MARKER);
	l->has_id_marker = id.len > 0;
	S3_ENSURE(!id.len || hex_decode(id, l->id_marker, sizeof l->id_marker, NULL) == ERR_OK, s, S3_INVALID_ARGUMENT,
	          reterr_why, "upload-id-marker is not the id of an upload");
	return ERR_OK;
}

static void put_uploads_head(struct uploads *l)
{
	struct s3 *s = l->s;

	buf_reset(s->w->answer);
	xml_begin(&l->xml, s->w->answer);
	xml_open_ns(&l->xml, "ListMultipartUploadsResult", S3_NAMESPACE);
	xml_text(&l->xml, "Bucket", s->request->bucket);
	s3_list_text(s, &l->xml, l->is_url, "KeyMarker", l->key_marker);
	xml_text(&l->xml, "UploadIdMarker", s3_param(s, S3_PARAM_UPLOAD_ID_MARKER));
	s3_list_text(s, &l->xml, l->is_url, "Prefix", s3_param(s, S3_PARAM_PREFIX));
	xml_u64(&l->xml, "MaxUploads", l->max);
	if (l->is_url)
		xml_str(&l->xml, "EncodingType", "url");
}

static void put_uploads_tail(struct uploads *l)
{
	char id[S3_ID_TEXT_BYTES];

	xml_bool(&l->xml, "IsTruncated", l->is_truncated);
	if (l->is_truncated) {
		s3_id_text(l->last_id, id);
		s3_list_text(l->s, &l->xml, l->is_url, "NextKeyMarker", slice_of(l->last_key, l->last_key_len));
		xml_str(&l->xml, "NextUploadIdMarker", id);
	}
	xml_close(&l->xml);
}

int s3_list_uploads(struct s3 *s, struct why *reterr_why)
{
	struct uploads l = {.s = s};
	struct index *index;

	TRY(begin_uploads(&l, reterr_why));
	TRY(s3_ask_plain(s, reterr_why));
	if (s->is_answered)
		return ERR_OK;
	put_uploads_head(&l);
	TRY(front_worker_index(s->w, &index, reterr_why));
	TRY(front_worker_looked(s->w, index_uploads(index, s->decision.bucket_id, s3_param(s, S3_PARAM_PREFIX),
	                                            S3_UPLOADS_LISTED_MAX + 1, put_upload, &l, reterr_why)));
	S3_ENSURE(l.seen <= S3_UPLOADS_LISTED_MAX, s, S3_INVALID_REQUEST, reterr_why,
	          "more than %d uploads are in progress here; ask for a longer prefix", S3_UPLOADS_LISTED_MAX);
	if (!l.max) /* a page of nothing is the end */
		l.is_truncated = false;
	put_uploads_tail(&l);
	TRY(xml_finish(&l.xml, reterr_why));
	return s3_answer_xml(s, 200, reterr_why);
}

/* --- ListParts -------------------------------------------------------------------------------------------------- */

struct parts {
	struct s3 *s;
	struct xml_writer xml;
	uint64_t max, after, count;
	bool is_truncated;
	uint32_t last;
};

static int put_part(void *ctx, const struct record_upload_part *part, struct why *reterr_why)
{
	struct parts *l = ctx;
	struct slice value;
	enum s3_checksum_kind kind = s3_part_tag_checksum(part->etag, &value);
	(void)reterr_why;

	if (l->count == l->max) {
		l->is_truncated = true;
		return ERR_OK;
	}
	l->count++;
	l->last = part->number;
	xml_open(&l->xml, "Part");
	xml_u64(&l->xml, "PartNumber", part->number);
	s3_list_time(&l->xml, "LastModified", part->created_wall_ms);
	s3_list_etag(&l->xml, s3_part_tag_etag(part->etag));
	xml_u64(&l->xml, "Size", part->part.length);
	if (kind != S3_CHECKSUM_NONE)
		xml_text(&l->xml, s3_checksum_element(kind), value);
	xml_close(&l->xml);
	return ERR_OK;
}

static void put_parts_head(struct parts *l)
{
	struct s3 *s = l->s;

	buf_reset(s->w->answer);
	xml_begin(&l->xml, s->w->answer);
	xml_open_ns(&l->xml, "ListPartsResult", S3_NAMESPACE);
	xml_text(&l->xml, "Bucket", s->request->bucket);
	xml_text(&l->xml, "Key", s->request->key);
	xml_text(&l->xml, "UploadId", s3_param(s, S3_PARAM_UPLOAD_ID));
	xml_u64(&l->xml, "PartNumberMarker", l->after);
	xml_u64(&l->xml, "MaxParts", l->max);
	s3_list_owner(&l->xml, "Initiator", s->bucket_owner);
	s3_list_owner(&l->xml, "Owner", s->bucket_owner);
	xml_str(&l->xml, "StorageClass", "STANDARD");
}

static int list_parts(struct parts *l, const struct s3_upload *u, struct why *reterr_why)
{
	struct s3 *s = l->s;
	struct index *index;

	TRY(s3_upload_ask(s, u, false, reterr_why));
	if (s->is_answered)
		return ERR_OK;
	put_parts_head(l);
	TRY(front_worker_index(s->w, &index, reterr_why));
	TRY(front_worker_looked(s->w, index_upload_parts(index, u->id, (uint32_t)l->after, (uint32_t)l->max + 1,
	                                                 put_part, l, reterr_why)));
	l->is_truncated = l->is_truncated && l->max;
	xml_bool(&l->xml, "IsTruncated", l->is_truncated);
	if (l->is_truncated)
		xml_u64(&l->xml, "NextPartNumberMarker", l->last);
	xml_close(&l->xml);
	TRY(xml_finish(&l->xml, reterr_why));
	return s3_answer_xml(s, 200, reterr_why);
}

int s3_list_parts(struct s3 *s, struct why *reterr_why)
{
	struct parts l = {.s = s};
	struct s3_upload u;
	int err;

	TRY(s3_param_number(s, S3_PARAM_MAX_PARTS, S3_LIST_MAX, S3_LIST_MAX, &l.max, reterr_why));
	TRY(s3_param_number(s, S3_PARAM_PART_NUMBER_MARKER, 0, STORE_PARTS_MAX, &l.after, reterr_why));
	err = s3_upload_find(s, &u, reterr_why);
	if (err == ERR_OK)
		err = list_parts(&l, &u, reterr_why);
	s3_upload_clear(&u);
	return err;
}
