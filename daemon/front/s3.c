#include "daemon/front/s3.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/log.h"

/* --- reading the request ---------------------------------------------------------------------------------------- */

int s3_header(struct s3 *s, const char *name, struct slice *ret_value, struct why *reterr_why)
{
	S3_ENSURE(http1_fields_count(&s->http->fields, name) <= 1, s, S3_INVALID_REQUEST, reterr_why,
	          "the header %s is there more than once", name);
	http1_fields_find(&s->http->fields, name, ret_value);
	return ERR_OK;
}

bool s3_has_header(const struct s3 *s, const char *name)
{
	return http1_fields_count(&s->http->fields, name) > 0;
}

struct slice s3_param(const struct s3 *s, enum s3_param param)
{
	return s->request->has_param[param] ? s->request->params[param] : slice_of(NULL, 0);
}

int s3_param_number(struct s3 *s, enum s3_param param, uint64_t absent, uint64_t max, uint64_t *ret_number,
                    struct why *reterr_why)
{
	struct slice text = s3_param(s, param);
	uint64_t number = absent;

	if (text.len)
		S3_ENSURE(slice_to_u64(text, INT32_MAX, &number, NULL) == ERR_OK, s, S3_INVALID_ARGUMENT, reterr_why,
		          "a parameter that must be a whole number is not one");
	*ret_number = number < max ? number : max;
	return ERR_OK;
}

void s3_id_text(const uint8_t id[static STORE_ID_BYTES], char out[static S3_ID_TEXT_BYTES])
{
	hex_encode(slice_of(id, STORE_ID_BYTES), out);
}

/* --- writing the answer ----------------------------------------------------------------------------------------- */

int s3_field(struct s3 *s, const char *name, struct slice value, struct why *reterr_why)
{
	return http_exchange_field(s->x, name, value, reterr_why);
}

int s3_field_str(struct s3 *s, const char *name, const char *value, struct why *reterr_why)
{
	return http_exchange_field(s->x, name, slice_str(value), reterr_why);
}

int s3_field_version(struct s3 *s, const uint8_t id[static STORE_ID_BYTES], struct why *reterr_why)
{
	char text[S3_ID_TEXT_BYTES];

	s3_id_text(id, text);
	return s3_field_str(s, "x-amz-version-id", text, reterr_why);
}

int s3_field_encryption(struct s3 *s, struct why *reterr_why)
{
	TRY(s3_field_str(s, "x-amz-server-side-encryption", "aws:kms", reterr_why));
	if (!s->kms_key[0])
		return ERR_OK;
	return s3_field_str(s, "x-amz-server-side-encryption-aws-kms-key-id", s->kms_key, reterr_why);
}

int s3_field_etag(struct s3 *s, struct slice etag, struct why *reterr_why)
{
	char quoted[STORE_ETAG_BYTES_MAX + 2];

	ENSURE(etag.len <= STORE_ETAG_BYTES_MAX, ERR_INTERNAL, reterr_why, "an ETag of %zu bytes", etag.len);
	quoted[0] = quoted[etag.len + 1] = '"';
	memcpy(quoted + 1, etag.ptr, etag.len);
	return s3_field(s, "ETag", slice_of(quoted, etag.len + 2), reterr_why);
}

int s3_answer_xml(struct s3 *s, unsigned status, struct why *reterr_why)
{
	TRY(s3_field_str(s, "Content-Type", "application/xml", reterr_why));
	return http_exchange_respond(s->x, status, buf_slice(s->w->answer), reterr_why);
}

int s3_answer_empty(struct s3 *s, unsigned status, struct why *reterr_why)
{
	return http_exchange_respond(s->x, status, slice_of(NULL, 0), reterr_why);
}

/* --- asking keys ------------------------------------------------------------------------------------------------ */

static int put_call(struct s3 *s, struct slice body, bool bucket_is_empty, struct why *reterr_why)
{
	struct s3_call call = {
		.body = body,
		.has_existing = s->has_existing,
		.existing = s->existing,
		.bucket_is_empty = bucket_is_empty,
	};

	TRY(front_head_of(s->x, s->request_id, &call.head, reterr_why));
	buf_reset(s->w->message);
	return s3_call_put(&call, s->w->message, reterr_why);
}

static int send_answer(struct s3 *s, const struct call_answer *answer, struct why *reterr_why)
{
	s->is_answered = true;
	return front_send_answer(s->x, answer, reterr_why);
}

/* Moves out of the message what has to outlive it; the key first of all. */
static int keep(struct s3 *s, struct why *reterr_why)
{
	const struct s3_decision *d = &s->decision;

	secret_free(take_ptr(s->version_key));
	if (d->has_version && d->version_key.len)
		TRY(secret_new_from(d->version_key, &s->version_key, reterr_why));
	if (d->wrap.len)
		memcpy(s->wrap, d->wrap.ptr, d->wrap.len);
	s->wrap_len = d->wrap.len;
	TRY(slice_to_str(d->kms_key, s->kms_key, sizeof s->kms_key, reterr_why));
	TRY(slice_to_str(d->account, s->account, sizeof s->account, reterr_why));
	TRY(slice_to_str(d->bucket_owner, s->bucket_owner, sizeof s->bucket_owner, reterr_why));
	return ERR_OK;
}

static int act(struct s3 *s, struct why *reterr_why)
{
	struct s3_decision *d = &s->decision;

	TRY(s3_decision_take(s->reply.body, d, reterr_why));
	if (d->verdict == S3_VERDICT_REFUSED) {
		s->is_answered = true;
		return s3_answer_refusal(s, d->status, d->code, d->message, reterr_why);
	}
	if (d->verdict == S3_VERDICT_ANSWERED)
		return send_answer(s, &d->answer, reterr_why);
	TRY(keep(s, reterr_why));
	front_buckets_learn(s->w->front->buckets, s->request->bucket, d->bucket_id);
	return ERR_OK;
}

/* The header that guards against a bucket of another owner under the name that the caller had in mind. */
static int check_owner(struct s3 *s, struct why *reterr_why)
{
	struct slice expected = {0};

	TRY(s3_header(s, "x-amz-expected-bucket-owner", &expected, reterr_why));
	S3_ENSURE(!expected.len || slice_is_str(expected, s->bucket_owner), s, S3_ACCESS_DENIED, reterr_why,
	          "the bucket belongs to another account than x-amz-expected-bucket-owner says");
	return ERR_OK;
}

int s3_ask(struct s3 *s, struct slice body, bool bucket_is_empty, struct why *reterr_why)
{
	int err;

	TRY(put_call(s, body, bucket_is_empty, reterr_why));
	s3_decision_clear(&s->decision);
	ipc_message_clear(&s->reply);
	err = front_worker_call(s->w, ROLE_KEYS, FRONT_KEYS_S3_CALL, buf_slice(s->w->message), &s->reply, reterr_why);
	if (err != ERR_OK) { /* whatever went wrong between us and keys is nothing that the caller can mend */
		s->code = err_class(err) == ERR_UNAVAILABLE ? S3_SERVICE_UNAVAILABLE : S3_INTERNAL_ERROR;
		return err;
	}
	err = act(s, reterr_why);
	if (err == ERR_OK && !s->is_answered)
		err = check_owner(s, reterr_why);
	/* The message held a key; only a list of deletions is still needed from it. */
	if (err != ERR_OK || !s->decision.delete_count)
		ipc_message_clear(&s->reply);
	return err;
}

int s3_log_wait(struct s3 *s, struct why *reterr_why)
{
	struct ipc_message reply;

	if (!s->decision.ticket)
		return ERR_OK;
	buf_reset(s->w->message);
	TRY(buf_put_u64be(s->w->message, s->decision.ticket, reterr_why));
	TRY(front_worker_call(s->w, ROLE_KEYS, FRONT_KEYS_LOG_WAIT, buf_slice(s->w->message), &reply, reterr_why));
	ipc_message_clear(&reply);
	return ERR_OK;
}

/* --- running an operation --------------------------------------------------------------------------------------- */

static int (*const operations[])(struct s3 *s, struct why *reterr_why) = {
	[S3_LIST_BUCKETS] = s3_bucket,
	[S3_CREATE_BUCKET] = s3_bucket,
	[S3_HEAD_BUCKET] = s3_bucket,
	[S3_DELETE_BUCKET] = s3_bucket,
	[S3_GET_BUCKET_LOCATION] = s3_bucket,
	[S3_GET_BUCKET_VERSIONING] = s3_bucket,
	[S3_PUT_BUCKET_VERSIONING] = s3_bucket,
	[S3_GET_BUCKET_POLICY] = s3_bucket,
	[S3_PUT_BUCKET_POLICY] = s3_bucket,
	[S3_DELETE_BUCKET_POLICY] = s3_bucket,
	[S3_LIST_OBJECTS] = s3_list_objects,
	[S3_LIST_OBJECTS_V2] = s3_list_objects,
	[S3_LIST_OBJECT_VERSIONS] = s3_list_objects,
	[S3_LIST_UPLOADS] = s3_list_uploads,
	[S3_DELETE_OBJECTS] = s3_delete_objects,
	[S3_GET_OBJECT] = s3_get_object,
	[S3_HEAD_OBJECT] = s3_get_object,
	[S3_PUT_OBJECT] = s3_put_object,
	[S3_DELETE_OBJECT] = s3_delete_object,
	[S3_CREATE_UPLOAD] = s3_create_upload,
	[S3_UPLOAD_PART] = s3_upload_part,
	[S3_COMPLETE_UPLOAD] = s3_complete_upload,
	[S3_ABORT_UPLOAD] = s3_abort_upload,
	[S3_LIST_PARTS] = s3_list_parts,
};

static int parse(struct s3 *s, struct why *reterr_why)
{
	int err = s3_request_parse(s->http->method, s->http->target, &s->w->request, reterr_why);

	s->request = &s->w->request;
	if (err == ERR_NOTFOUND)
		s->code = S3_NOT_IMPLEMENTED;
	else if (err == ERR_LIMIT)
		s->code = S3_KEY_TOO_LONG;
	return err;
}

static int run(struct s3 *s, struct why *reterr_why)
{
	TRY(s3_field_str(s, "x-amz-request-id", s->request_id, reterr_why));
	TRY(parse(s, reterr_why));
	return operations[s->request->op](s, reterr_why);
}

/* Data that does not verify, and defects, are for a person to look at. */
static void report(struct s3 *s, int err, const struct why *why)
{
	char id[S3_ID_TEXT_BYTES];
	char detail[256];

	if (err_class(err) != ERR_TAMPERED && err_class(err) != ERR_INTERNAL)
		return;
	LOG(LOG_ERROR, "s3.failed", LOG_STR("request_id", s->request_id), LOG_STR("class", err_class_name(err)),
	    LOG_STR("why", why->text));
	if (err_class(err) != ERR_TAMPERED)
		return;
	s3_id_text(s->existing.version_id, id);
	snprintf(detail, sizeof detail, "{\"request_id\":\"%s\",\"version_id\":\"%s\"}", s->request_id, id);
	front_mailbox_event(s->w->front->mailbox, EVENT_ALERT, "store.object.tampered", detail);
}

int s3_handle(struct http_exchange *x, struct front_worker *w, const char *request_id, struct why *reterr_why)
{
	struct s3 s = {.x = x, .w = w, .http = http_exchange_request(x)};
	struct why why = {0};
	int err;

	memcpy(s.request_id, request_id, sizeof s.request_id);
	err = run(&s, &why);
	if (err != ERR_OK) {
		report(&s, err, &why);
		err = s3_answer_error(&s, err, &why, reterr_why);
	}
	secret_free(s.version_key);
	s3_decision_clear(&s.decision);
	ipc_message_clear(&s.reply);
	return err;
}
