#include "daemon/link/front_keys.h"

#include <stdlib.h>
#include <string.h>

enum { ACCOUNT_DIGITS = 12, KEY_BYTES = 32, SIGNATURE_DIGITS = 64 };

int s3_call_put(const struct s3_call *call, struct buf *into, struct why *reterr_why)
{
	TRY(call_head_put(&call->head, into, reterr_why));
	TRY(buf_put_lp(into, call->body, reterr_why));
	TRY(buf_put_u8(into, call->has_existing, reterr_why));
	if (call->has_existing) {
		TRY(buf_put(into, slice_of(call->existing.version_id, S3_CALL_ID_BYTES), reterr_why));
		TRY(buf_put_lp(into, call->existing.wrap, reterr_why));
	}
	return buf_put_u8(into, call->bucket_is_empty, reterr_why);
}

int s3_call_take(struct slice message, struct s3_call *ret_call, struct why *reterr_why)
{
	struct cursor c = cursor_of(message);

	TRY(call_head_take(&c, &ret_call->head, reterr_why));
	TRY(cursor_take_lp(&c, CALL_BODY_BYTES_MAX, &ret_call->body, reterr_why));
	TRY(call_flag_take(&c, &ret_call->has_existing, reterr_why));
	if (ret_call->has_existing) {
		TRY(cursor_take_bytes(&c, ret_call->existing.version_id, S3_CALL_ID_BYTES, reterr_why));
		TRY(cursor_take_lp(&c, STORE_WRAP_BYTES_MAX, &ret_call->existing.wrap, reterr_why));
	}
	TRY(call_flag_take(&c, &ret_call->bucket_is_empty, reterr_why));
	return cursor_finish(&c, reterr_why);
}

static int put_delete(const struct s3_delete *d, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_u8(into, d->is_allowed, reterr_why));
	TRY(buf_put_u8(into, d->has_version, reterr_why));
	TRY(buf_put(into, slice_of(d->version_id, S3_CALL_ID_BYTES), reterr_why));
	TRY(buf_put_lp(into, d->key, reterr_why));
	TRY(buf_put_lp(into, d->code, reterr_why));
	return buf_put_lp(into, d->message, reterr_why);
}

static int take_delete(struct cursor *c, struct s3_delete *d, struct why *reterr_why)
{
	TRY(call_flag_take(c, &d->is_allowed, reterr_why));
	TRY(call_flag_take(c, &d->has_version, reterr_why));
	TRY(cursor_take_bytes(c, d->version_id, S3_CALL_ID_BYTES, reterr_why));
	TRY(cursor_take_lp(c, STORE_KEY_BYTES_MAX, &d->key, reterr_why));
	TRY(cursor_take_lp(c, CALL_TEXT_BYTES_MAX, &d->code, reterr_why));
	return cursor_take_lp(c, CALL_TEXT_BYTES_MAX, &d->message, reterr_why);
}

static int put_version(const struct s3_decision *d, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_u8(into, d->has_version, reterr_why));
	if (!d->has_version)
		return ERR_OK;
	TRY(buf_put(into, slice_of(d->version_id, S3_CALL_ID_BYTES), reterr_why));
	TRY(buf_put_lp(into, d->version_key, reterr_why));
	TRY(buf_put_lp(into, d->wrap, reterr_why));
	return buf_put_lp(into, d->kms_key, reterr_why);
}

static int take_version(struct cursor *c, struct s3_decision *d, struct why *reterr_why)
{
	TRY(call_flag_take(c, &d->has_version, reterr_why));
	if (!d->has_version)
		return ERR_OK;
	TRY(cursor_take_bytes(c, d->version_id, S3_CALL_ID_BYTES, reterr_why));
	TRY(cursor_take_lp(c, KEY_BYTES, &d->version_key, reterr_why));
	ENSURE(d->version_key.len == 0 || d->version_key.len == KEY_BYTES, ERR_INVALID, reterr_why,
	       "a version key of %zu bytes", d->version_key.len);
	TRY(cursor_take_lp(c, STORE_WRAP_BYTES_MAX, &d->wrap, reterr_why));
	return cursor_take_lp(c, CALL_TEXT_BYTES_MAX, &d->kms_key, reterr_why);
}

static int put_go_on(const struct s3_decision *d, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_lp(into, d->account, reterr_why));
	TRY(buf_put(into, slice_of(d->bucket_id, S3_CALL_ID_BYTES), reterr_why));
	TRY(buf_put_u8(into, d->is_versioned, reterr_why));
	TRY(buf_put_lp(into, d->bucket_owner, reterr_why));
	TRY(buf_put_u8(into, (uint8_t)d->body_kind, reterr_why));
	TRY(buf_put(into, slice_of(d->body_sha256, sizeof d->body_sha256), reterr_why));
	TRY(buf_put_u32be(into, d->chunk_handle, reterr_why));
	TRY(put_version(d, into, reterr_why));
	TRY(buf_put_u64be(into, d->ticket, reterr_why));
	ENSURE(d->delete_count <= S3_DELETES_MAX, ERR_LIMIT, reterr_why, "%zu deletions; at most %d are accepted",
	       d->delete_count, S3_DELETES_MAX);
	TRY(buf_put_u16be(into, (uint16_t)d->delete_count, reterr_why));
	for (size_t i = 0; i < d->delete_count; i++)
		TRY(put_delete(&d->deletes[i], into, reterr_why));
	return ERR_OK;
}

static int take_deletes(struct cursor *c, struct s3_decision *d, struct why *reterr_why)
{
	uint16_t count;

	TRY(cursor_take_u16be(c, &count, reterr_why));
	ENSURE(count <= S3_DELETES_MAX, ERR_LIMIT, reterr_why, "%u deletions; at most %d are accepted", count,
	       S3_DELETES_MAX);
	if (!count)
		return ERR_OK;
	d->deletes = calloc(count, sizeof *d->deletes);
	ENSURE(d->deletes, ERR_UNAVAILABLE, reterr_why, "out of memory for %u deletions", count);
	for (d->delete_count = 0; d->delete_count < count; d->delete_count++)
		TRY(take_delete(c, &d->deletes[d->delete_count], reterr_why));
	return ERR_OK;
}

static int take_go_on(struct cursor *c, struct s3_decision *d, struct why *reterr_why)
{
	uint8_t body_kind;

	TRY(cursor_take_lp(c, ACCOUNT_DIGITS, &d->account, reterr_why));
	TRY(cursor_take_bytes(c, d->bucket_id, S3_CALL_ID_BYTES, reterr_why));
	TRY(call_flag_take(c, &d->is_versioned, reterr_why));
	TRY(cursor_take_lp(c, ACCOUNT_DIGITS, &d->bucket_owner, reterr_why));
	TRY(cursor_take_u8(c, &body_kind, reterr_why));
	ENSURE(body_kind <= S3_BODY_UNSIGNED_TRAILER, ERR_INVALID, reterr_why, "a body of kind %u", body_kind);
	d->body_kind = (enum s3_body_kind)body_kind;
	TRY(cursor_take_bytes(c, d->body_sha256, sizeof d->body_sha256, reterr_why));
	TRY(cursor_take_u32be(c, &d->chunk_handle, reterr_why));
	TRY(take_version(c, d, reterr_why));
	TRY(cursor_take_u64be(c, &d->ticket, reterr_why));
	return take_deletes(c, d, reterr_why);
}

static int put_refused(const struct s3_decision *d, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_u16be(into, d->status, reterr_why));
	TRY(buf_put_lp(into, d->code, reterr_why));
	return buf_put_lp(into, d->message, reterr_why);
}

static int take_refused(struct cursor *c, struct s3_decision *d, struct why *reterr_why)
{
	TRY(cursor_take_u16be(c, &d->status, reterr_why));
	ENSURE(d->status >= 300 && d->status <= 599, ERR_INVALID, reterr_why, "a refusal with status %u", d->status);
	TRY(cursor_take_lp(c, CALL_TEXT_BYTES_MAX, &d->code, reterr_why));
	return cursor_take_lp(c, CALL_TEXT_BYTES_MAX, &d->message, reterr_why);
}

int s3_decision_put(const struct s3_decision *d, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_u8(into, (uint8_t)d->verdict, reterr_why));
	switch (d->verdict) {
	case S3_VERDICT_REFUSED:
		return put_refused(d, into, reterr_why);
	case S3_VERDICT_ANSWERED:
		return call_answer_put(&d->answer, into, reterr_why);
	case S3_VERDICT_GO_ON:
	default:
		return put_go_on(d, into, reterr_why);
	}
}

static int take_decision(struct cursor *c, struct s3_decision *d, struct why *reterr_why)
{
	uint8_t verdict;

	TRY(cursor_take_u8(c, &verdict, reterr_why));
	ENSURE(verdict <= S3_VERDICT_GO_ON, ERR_INVALID, reterr_why, "a verdict of kind %u", verdict);
	d->verdict = (enum s3_verdict)verdict;
	if (d->verdict == S3_VERDICT_REFUSED)
		TRY(take_refused(c, d, reterr_why));
	else if (d->verdict == S3_VERDICT_ANSWERED)
		TRY(call_answer_take(c, &d->answer, reterr_why));
	else
		TRY(take_go_on(c, d, reterr_why));
	return cursor_finish(c, reterr_why);
}

int s3_decision_take(struct slice message, struct s3_decision *ret_decision, struct why *reterr_why)
{
	struct cursor c = cursor_of(message);
	int err;

	memset(ret_decision, 0, sizeof *ret_decision);
	err = take_decision(&c, ret_decision, reterr_why);
	if (err != ERR_OK)
		s3_decision_clear(ret_decision);
	return err;
}

void s3_decision_clear(struct s3_decision *d)
{
	free(d->deletes);
	d->deletes = NULL;
	d->delete_count = 0;
}

int s3_chunks_put(const struct s3_chunks *chunks, struct buf *into, struct why *reterr_why)
{
	ENSURE(chunks->count <= S3_CHUNKS_PER_CALL_MAX, ERR_LIMIT, reterr_why,
	       "%zu chunks at once; at most %d are accepted", chunks->count, S3_CHUNKS_PER_CALL_MAX);
	TRY(buf_put_u32be(into, chunks->handle, reterr_why));
	TRY(buf_put_u16be(into, (uint16_t)chunks->count, reterr_why));
	for (size_t i = 0; i < chunks->count; i++) {
		TRY(buf_put(into, slice_of(chunks->chunks[i].sha256, sizeof chunks->chunks[i].sha256), reterr_why));
		TRY(buf_put_lp(into, chunks->chunks[i].signature, reterr_why));
	}
	TRY(buf_put_u8(into, chunks->is_last, reterr_why));
	TRY(buf_put_u8(into, chunks->has_trailer, reterr_why));
	if (!chunks->has_trailer)
		return ERR_OK;
	TRY(buf_put_lp(into, chunks->trailer, reterr_why));
	return buf_put_lp(into, chunks->trailer_signature, reterr_why);
}

int s3_chunks_take(struct slice message, struct s3_chunks *ret_chunks, struct why *reterr_why)
{
	struct cursor c = cursor_of(message);
	uint16_t count;

	TRY(cursor_take_u32be(&c, &ret_chunks->handle, reterr_why));
	TRY(cursor_take_u16be(&c, &count, reterr_why));
	ENSURE(count <= S3_CHUNKS_PER_CALL_MAX, ERR_LIMIT, reterr_why, "%u chunks at once; at most %d are accepted",
	       count, S3_CHUNKS_PER_CALL_MAX);
	for (ret_chunks->count = 0; ret_chunks->count < count; ret_chunks->count++) {
		struct s3_chunk *chunk = &ret_chunks->chunks[ret_chunks->count];

		TRY(cursor_take_bytes(&c, chunk->sha256, sizeof chunk->sha256, reterr_why));
		TRY(cursor_take_lp(&c, SIGNATURE_DIGITS, &chunk->signature, reterr_why));
	}
	TRY(call_flag_take(&c, &ret_chunks->is_last, reterr_why));
	TRY(call_flag_take(&c, &ret_chunks->has_trailer, reterr_why));
	if (ret_chunks->has_trailer) {
		TRY(cursor_take_lp(&c, CALL_TEXT_BYTES_MAX, &ret_chunks->trailer, reterr_why));
		TRY(cursor_take_lp(&c, SIGNATURE_DIGITS, &ret_chunks->trailer_signature, reterr_why));
	}
	return cursor_finish(&c, reterr_why);
}
