/* PutObject. */
#include "daemon/front/s3_put.h"

#include <string.h>

#include "base/encode.h"
#include "base/time.h"

void s3_etag_of(const struct blob_writer *writer, char out[static S3_ETAG_TEXT_BYTES])
{
	uint8_t commitment[SIDECAR_COMMITMENT_BYTES];

	blob_writer_commitment(writer, commitment);
	hex_encode(slice_of(commitment, (S3_ETAG_TEXT_BYTES - 1) / 2), out);
}

static struct slice unquoted(struct slice etag)
{
	if (etag.len >= 2 && etag.ptr[0] == '"' && etag.ptr[etag.len - 1] == '"')
		return slice_of(etag.ptr + 1, etag.len - 2);
	return etag;
}

int s3_write_condition(struct s3 *s, struct store_condition *ret_condition, bool *ret_has, struct why *reterr_why)
{
	struct slice match = {0}, none = {0};

	TRY(s3_header(s, "If-Match", &match, reterr_why));
	TRY(s3_header(s, "If-None-Match", &none, reterr_why));
	S3_ENSURE(!none.len || slice_is_str(none, "*"), s, S3_NOT_IMPLEMENTED, reterr_why,
	          "If-None-Match of a write must be *");
	S3_ENSURE(!match.len || !none.len, s, S3_INVALID_REQUEST, reterr_why,
	          "If-Match and If-None-Match: one is possible");
	S3_ENSURE(!slice_is_str(match, "*"), s, S3_NOT_IMPLEMENTED, reterr_why, "If-Match of a write must be an ETag");
	*ret_has = match.len || none.len;
	*ret_condition = (struct store_condition){.must_be_absent = none.len > 0, .etag = unquoted(match)};
	return ERR_OK;
}

int s3_check_versioned(struct s3 *s, struct why *reterr_why)
{
	S3_ENSURE(s->decision.is_versioned, s, S3_NOT_IMPLEMENTED, reterr_why,
	          "writing to a bucket without versioning is not offered; enable it");
	ENSURE(s->decision.has_version || s->request->op == S3_DELETE_OBJECTS, ERR_INTERNAL, reterr_why,
	       "keys let a write go on and named no version");
	return ERR_OK;
}

int s3_write_blob(void *writer, struct slice plain, struct why *reterr_why)
{
	return blob_writer_write(writer, plain, reterr_why);
}

int s3_stored(struct s3 *s, int err)
{
	if (err == ERR_CONFLICT)
		s->code = S3_PRECONDITION_FAILED;
	else if (err != ERR_OK && err_class(err) == ERR_UNAVAILABLE)
		s->code = S3_SERVICE_UNAVAILABLE;
	else if (err != ERR_OK && s->code == S3_CODE_NONE)
		s->code = S3_INTERNAL_ERROR;
	return err;
}

/* Everything is checked: makes the object. */
static int commit(struct s3 *s, json_t *meta, struct blob_writer *writer, struct slice etag, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *metadata = NULL;
	struct store_condition condition;
	struct sidecar fields = {
		.created_wall_ms = time_wall_ms(),
		.object_key = s->request->key,
		.etag = etag,
		.wrap = slice_of(s->wrap, s->wrap_len),
	};
	bool has_condition = false;

	TRY(s3_write_condition(s, &condition, &has_condition, reterr_why));
	TRY(buf_new(STORE_METADATA_BYTES_MAX, &metadata, reterr_why));
	TRY(json_canonical_put(meta, metadata, reterr_why));
	fields.metadata = buf_slice(metadata);
	memcpy(fields.bucket_id, s->decision.bucket_id, STORE_ID_BYTES);
	memcpy(fields.version_id, s->decision.version_id, STORE_ID_BYTES);
	TRY(s3_stored(s, store_version_put_if(s->w->front->store, &fields, s->version_key, writer,
	                                      has_condition ? &condition : NULL, reterr_why)));
	return s3_log_wait(s, reterr_why);
}

static int store_body(struct s3 *s, json_t *meta, char etag[static S3_ETAG_TEXT_BYTES], struct s3_body_result *ret_body,
                      struct why *reterr_why)
{
	CLEANUP(blob_writer_freep) struct blob_writer *writer = NULL;

	TRY(s3_stored(s, store_blob_new(s->w->front->store, s->version_key, &writer, reterr_why)));
	TRY(s3_body_read(s, S3_CHECKSUM_NONE, S3_PUT_BYTES_MAX, s3_write_blob, writer, ret_body, reterr_why));
	if (ret_body->kind != S3_CHECKSUM_NONE)
		TRY(s3_meta_set_checksum(meta, ret_body->kind, ret_body->checksum, "FULL_OBJECT", reterr_why));
	s3_etag_of(writer, etag);
	return commit(s, meta, writer, slice_str(etag), reterr_why);
}

int s3_put_object(struct s3 *s, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *meta = NULL;
	struct s3_body_result body;
	struct store_condition condition;
	char etag[S3_ETAG_TEXT_BYTES];
	bool ignored;

	TRY(s3_meta_check_request(s, reterr_why));
	TRY(s3_write_condition(s, &condition, &ignored, reterr_why)); /* a malformed one before anything is recorded */
	TRY(s3_meta_new(s, &meta, reterr_why));
	TRY(s3_ask(s, slice_of(NULL, 0), false, reterr_why));
	if (s->is_answered)
		return ERR_OK;
	TRY(s3_check_versioned(s, reterr_why));
	ENSURE(s->version_key, ERR_INTERNAL, reterr_why, "keys let a write go on and gave no key");
	TRY(store_body(s, meta, etag, &body, reterr_why));
	TRY(s3_field_etag(s, slice_str(etag), reterr_why));
	TRY(s3_field_version(s, s->decision.version_id, reterr_why));
	TRY(s3_field_encryption(s, reterr_why));
	if (body.kind != S3_CHECKSUM_NONE) {
		TRY(s3_field_str(s, s3_checksum_header(body.kind), body.checksum, reterr_why));
		TRY(s3_field_str(s, "x-amz-checksum-type", "FULL_OBJECT", reterr_why));
	}
	return s3_answer_empty(s, 200, reterr_why);
}
