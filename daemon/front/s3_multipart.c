/* CreateMultipartUpload, UploadPart, AbortMultipartUpload, and what the operations on uploads share. */
#include <string.h>

#include "base/encode.h"
#include "base/random.h"
#include "base/time.h"
#include "daemon/front/s3_upload.h"
#include "wire/xml.h"

/* --- the tag of a part ------------------------------------------------------------------------------------------ */

static const char kind_letters[S3_CHECKSUM_KINDS] = {' ', 'a', 'c', 'n', 's', 't'};

enum { ETAG_LEN = S3_ETAG_TEXT_BYTES - 1 };

void s3_part_tag_make(struct s3_part_tag *tag, const char *etag, enum s3_checksum_kind kind, const char *checksum)
{
	if (kind == S3_CHECKSUM_NONE)
		snprintf(tag->text, sizeof tag->text, "%s", etag);
	else
		snprintf(tag->text, sizeof tag->text, "%s%c%s", etag, kind_letters[kind], checksum);
}

struct slice s3_part_tag_etag(struct slice tag)
{
	return slice_of(tag.ptr, tag.len < ETAG_LEN ? tag.len : ETAG_LEN);
}

enum s3_checksum_kind s3_part_tag_checksum(struct slice tag, struct slice *ret_value)
{
	*ret_value = slice_of(NULL, 0);
	if (tag.len <= ETAG_LEN)
		return S3_CHECKSUM_NONE;
	*ret_value = slice_of(tag.ptr + ETAG_LEN + 1, tag.len - ETAG_LEN - 1);
	for (int k = 1; k < S3_CHECKSUM_KINDS; k++)
		if (tag.ptr[ETAG_LEN] == (uint8_t)kind_letters[k])
			return (enum s3_checksum_kind)k;
	return S3_CHECKSUM_NONE;
}

/* --- finding an upload ------------------------------------------------------------------------------------------ */

void s3_upload_clear(struct s3_upload *u)
{
	json_freep(&u->meta);
}

static int copy_upload(struct s3 *s, const struct record_upload *found, struct s3_upload *u, struct why *reterr_why)
{
	struct s3_meta_checksum checksum;

	if (!slice_equal(found->object_key, s->request->key))
		return ERR_OK;
	ENSURE(found->wrap.len <= sizeof u->wrap, ERR_TAMPERED, reterr_why, "an upload with a wrap of %zu bytes",
	       found->wrap.len);
	memcpy(u->bucket_id, found->bucket_id, STORE_ID_BYTES);
	memcpy(u->version_id, found->version_id, STORE_ID_BYTES);
	memcpy(u->wrap, found->wrap.ptr, found->wrap.len);
	u->wrap_len = found->wrap.len;
	TRY(json_canonical_read(found->metadata, &u->meta, reterr_why));
	TRY(s3_meta_checksum(u->meta, &checksum, reterr_why));
	u->checksum = checksum.kind;
	u->is_there = true;
	return ERR_OK;
}

int s3_upload_find(struct s3 *s, struct s3_upload *ret_upload, struct why *reterr_why)
{
	struct record_upload found;
	struct index *index;
	int err;

	memset(ret_upload, 0, sizeof *ret_upload);
	/* What is no id is the id of no upload. */
	if (hex_decode(s3_param(s, S3_PARAM_UPLOAD_ID), ret_upload->id, STORE_ID_BYTES, NULL) != ERR_OK)
		return ERR_OK;
	TRY(front_worker_index(s->w, &index, reterr_why));
	err = front_worker_looked(s->w, index_upload(index, ret_upload->id, &found, reterr_why));
	if (err == ERR_NOTFOUND)
		return ERR_OK;
	TRY(err);
	err = copy_upload(s, &found, ret_upload, reterr_why);
	return err;
}

int s3_upload_ask(struct s3 *s, const struct s3_upload *u, bool needs_key, struct why *reterr_why)
{
	if (u->is_there && needs_key) {
		s->has_existing = true;
		memcpy(s->existing.version_id, u->version_id, STORE_ID_BYTES);
		s->existing.wrap = slice_of(u->wrap, u->wrap_len);
	}
	TRY(s3_ask(s, slice_of(NULL, 0), false, reterr_why));
	if (s->is_answered)
		return ERR_OK;
	S3_ENSURE(u->is_there && slice_equal(slice_of(u->bucket_id, STORE_ID_BYTES),
	                                     slice_of(s->decision.bucket_id, STORE_ID_BYTES)),
	          s, S3_NO_SUCH_UPLOAD, reterr_why,
	          "there is no such upload of this object; it was completed or aborted");
	ENSURE(!needs_key || s->version_key, ERR_INTERNAL, reterr_why, "keys let a write go on and gave no key");
	return ERR_OK;
}

/* --- CreateMultipartUpload -------------------------------------------------------------------------------------- */

/* The checksum that every part will have; the object's is then the checksum of theirs. */
static int choose_checksum(struct s3 *s, json_t *meta, enum s3_checksum_kind *ret_kind, struct why *reterr_why)
{
	struct slice algorithm = {0}, type = {0};

	*ret_kind = S3_CHECKSUM_NONE;
	TRY(s3_header(s, "x-amz-checksum-algorithm", &algorithm, reterr_why));
	TRY(s3_header(s, "x-amz-checksum-type", &type, reterr_why));
	S3_ENSURE(!type.len || slice_is_str(type, "COMPOSITE"), s, S3_NOT_IMPLEMENTED, reterr_why,
	          "multipart uploads have checksums of type COMPOSITE only");
	if (!algorithm.len)
		return ERR_OK;
	*ret_kind = s3_checksum_by_name(algorithm);
	S3_ENSURE(*ret_kind != S3_CHECKSUM_NONE && *ret_kind != S3_CHECKSUM_CRC64NVME, s, S3_NOT_IMPLEMENTED,
	          reterr_why, "multipart uploads have checksums of kind CRC32, CRC32C, SHA1 or SHA256");
	return s3_meta_set_checksum(meta, *ret_kind, NULL, "COMPOSITE", reterr_why);
}

static int create(struct s3 *s, json_t *meta, uint8_t ret_id[static STORE_ID_BYTES], struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *metadata = NULL;
	struct record_upload upload = {
		.created_wall_ms = time_wall_ms(),
		.object_key = s->request->key,
		.wrap = slice_of(s->wrap, s->wrap_len),
	};

	TRY(random_fill(ret_id, STORE_ID_BYTES, reterr_why));
	TRY(buf_new(STORE_METADATA_BYTES_MAX, &metadata, reterr_why));
	TRY(json_canonical_put(meta, metadata, reterr_why));
	upload.metadata = buf_slice(metadata);
	memcpy(upload.upload_id, ret_id, STORE_ID_BYTES);
	memcpy(upload.bucket_id, s->decision.bucket_id, STORE_ID_BYTES);
	memcpy(upload.version_id, s->decision.version_id, STORE_ID_BYTES);
	TRY(s3_stored(s, store_upload_create(s->w->front->store, &upload, reterr_why)));
	return s3_log_wait(s, reterr_why);
}

static int put_created(struct s3 *s, const uint8_t id[static STORE_ID_BYTES], struct why *reterr_why)
{
	struct xml_writer xml;
	char text[S3_ID_TEXT_BYTES];

	s3_id_text(id, text);
	buf_reset(s->w->answer);
	xml_begin(&xml, s->w->answer);
	xml_open_ns(&xml, "InitiateMultipartUploadResult", S3_NAMESPACE);
	xml_text(&xml, "Bucket", s->request->bucket);
	xml_text(&xml, "Key", s->request->key);
	xml_str(&xml, "UploadId", text);
	xml_close(&xml);
	return xml_finish(&xml, reterr_why);
}

int s3_create_upload(struct s3 *s, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *meta = NULL;
	enum s3_checksum_kind kind;
	uint8_t id[STORE_ID_BYTES];

	TRY(s3_meta_check_request(s, reterr_why));
	TRY(s3_meta_new(s, &meta, reterr_why));
	TRY(choose_checksum(s, meta, &kind, reterr_why));
	TRY(s3_ask(s, slice_of(NULL, 0), false, reterr_why));
	if (s->is_answered)
		return ERR_OK;
	TRY(s3_check_versioned(s, reterr_why));
	TRY(create(s, meta, id, reterr_why));
	TRY(put_created(s, id, reterr_why));
	TRY(s3_field_encryption(s, reterr_why));
	if (kind != S3_CHECKSUM_NONE) {
		TRY(s3_field_str(s, "x-amz-checksum-algorithm", s3_checksum_name(kind), reterr_why));
		TRY(s3_field_str(s, "x-amz-checksum-type", "COMPOSITE", reterr_why));
	}
	return s3_answer_xml(s, 200, reterr_why);
}

/* --- UploadPart ------------------------------------------------------------------------------------------------- */

static int part_number(struct s3 *s, uint32_t *ret_number, struct why *reterr_why)
{
	uint64_t number;

	TRY(s3_param_number(s, S3_PARAM_PART_NUMBER, 0, UINT64_MAX, &number, reterr_why));
	S3_ENSURE(number >= 1 && number <= STORE_PARTS_MAX, s, S3_INVALID_ARGUMENT, reterr_why,
	          "partNumber must be 1 to %d", STORE_PARTS_MAX);
	*ret_number = (uint32_t)number;
	return ERR_OK;
}

static int store_part(struct s3 *s, const struct s3_upload *u, uint32_t number, char etag[static S3_ETAG_TEXT_BYTES],
                      struct s3_body_result *ret_body, struct why *reterr_why)
{
	CLEANUP(blob_writer_freep) struct blob_writer *writer = NULL;
	struct s3_part_tag tag;
	int err;

	TRY(s3_stored(s, store_blob_new(s->w->front->store, s->version_key, &writer, reterr_why)));
	TRY(s3_stored(s, blob_writer_to_file(writer, reterr_why)));
	TRY(s3_body_read(s, u->checksum, S3_PUT_BYTES_MAX, s3_write_blob, writer, ret_body, reterr_why));
	s3_etag_of(writer, etag);
	s3_part_tag_make(&tag, etag, ret_body->kind, ret_body->checksum);
	err = store_upload_part_put(s->w->front->store, u->id, number, slice_str(tag.text), writer, reterr_why);
	S3_ENSURE(err != ERR_NOTFOUND, s, S3_NO_SUCH_UPLOAD, reterr_why,
	          "the upload was completed or aborted meanwhile");
	return s3_stored(s, err);
}

static int upload_part(struct s3 *s, const struct s3_upload *u, uint32_t number, struct why *reterr_why)
{
	char etag[S3_ETAG_TEXT_BYTES];
	struct s3_body_result body;

	TRY(s3_upload_ask(s, u, true, reterr_why));
	if (s->is_answered)
		return ERR_OK;
	TRY(store_part(s, u, number, etag, &body, reterr_why));
	TRY(s3_log_wait(s, reterr_why));
	TRY(s3_field_etag(s, slice_str(etag), reterr_why));
	TRY(s3_field_encryption(s, reterr_why));
	if (body.kind != S3_CHECKSUM_NONE)
		TRY(s3_field_str(s, s3_checksum_header(body.kind), body.checksum, reterr_why));
	return s3_answer_empty(s, 200, reterr_why);
}

int s3_upload_part(struct s3 *s, struct why *reterr_why)
{
	struct s3_upload u;
	uint32_t number = 0;
	int err;

	TRY(s3_meta_check_request(s, reterr_why));
	TRY(part_number(s, &number, reterr_why));
	err = s3_upload_find(s, &u, reterr_why);
	if (err == ERR_OK)
		err = upload_part(s, &u, number, reterr_why);
	s3_upload_clear(&u);
	return err;
}

/* --- AbortMultipartUpload --------------------------------------------------------------------------------------- */

int s3_abort_upload(struct s3 *s, struct why *reterr_why)
{
	struct s3_upload u;
	int err = s3_upload_find(s, &u, reterr_why);

	s3_upload_clear(&u);
	TRY(err);
	TRY(s3_upload_ask(s, &u, false, reterr_why));
	if (s->is_answered)
		return ERR_OK;
	err = store_upload_abort(s->w->front->store, u.id, reterr_why);
	S3_ENSURE(err != ERR_NOTFOUND, s, S3_NO_SUCH_UPLOAD, reterr_why,
	          "the upload was completed or aborted meanwhile");
	TRY(s3_stored(s, err));
	TRY(s3_log_wait(s, reterr_why));
	return s3_answer_empty(s, 204, reterr_why);
}
