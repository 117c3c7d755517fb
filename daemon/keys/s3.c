#include "daemon/keys/s3.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "crypto/hash.h"
#include "daemon/keys/s3_run.h"

/* How each operation is decided. */
static const struct operation {
	int (*run)(struct keys_s3_run *run, struct why *reterr_why);
	bool has_bucket;  /* that must be there */
	bool reads_body;  /* keys reads it, so it must be signed as a whole */
	bool has_object;  /* front takes the body */
	bool is_list;     /* and it is no object's bytes: signed as a whole, which front compares */
	bool is_changing; /* its record is durable before it is acknowledged */
	bool is_counted;  /* it mints, or changes keys' own tables */
	bool is_management;
} operations[] = {
	[S3_LIST_BUCKETS] = {.run = keys_s3_list_buckets, .is_management = true},
	[S3_CREATE_BUCKET] = {.run = keys_s3_create_bucket,
                              .reads_body = true,
                              .is_changing = true,
                              .is_counted = true,
                              .is_management = true},
	[S3_HEAD_BUCKET] = {.run = keys_s3_head_bucket, .has_bucket = true},
	[S3_DELETE_BUCKET] = {.run = keys_s3_delete_bucket,
                              .has_bucket = true,
                              .is_changing = true,
                              .is_counted = true,
                              .is_management = true},
	[S3_GET_BUCKET_LOCATION] = {.run = keys_s3_get_location, .has_bucket = true, .is_management = true},
	[S3_GET_BUCKET_VERSIONING] = {.run = keys_s3_get_versioning, .has_bucket = true, .is_management = true},
	[S3_PUT_BUCKET_VERSIONING] = {.run = keys_s3_put_versioning,
                                      .has_bucket = true,
                                      .reads_body = true,
                                      .is_changing = true,
                                      .is_counted = true,
                                      .is_management = true},
	[S3_GET_BUCKET_POLICY] = {.run = keys_s3_get_policy, .has_bucket = true, .is_management = true},
	[S3_PUT_BUCKET_POLICY] = {.run = keys_s3_put_policy,
                                  .has_bucket = true,
                                  .reads_body = true,
                                  .is_changing = true,
                                  .is_counted = true,
                                  .is_management = true},
	[S3_DELETE_BUCKET_POLICY] = {.run = keys_s3_delete_policy,
                                     .has_bucket = true,
                                     .is_changing = true,
                                     .is_counted = true,
                                     .is_management = true},
	[S3_LIST_OBJECTS] = {.run = keys_s3_go_on, .has_bucket = true},
	[S3_LIST_OBJECTS_V2] = {.run = keys_s3_go_on, .has_bucket = true},
	[S3_LIST_OBJECT_VERSIONS] = {.run = keys_s3_go_on, .has_bucket = true},
	[S3_LIST_UPLOADS] = {.run = keys_s3_go_on, .has_bucket = true},
	[S3_DELETE_OBJECTS] = {.run = keys_s3_delete_many,
                               .has_bucket = true,
                               .reads_body = true,
                               .is_changing = true,
                               .is_counted = true},
	[S3_GET_OBJECT] = {.run = keys_s3_unwrap, .has_bucket = true},
	[S3_HEAD_OBJECT] = {.run = keys_s3_unwrap, .has_bucket = true},
	[S3_PUT_OBJECT] =
		{.run = keys_s3_mint, .has_bucket = true, .has_object = true, .is_changing = true, .is_counted = true},
	[S3_DELETE_OBJECT] = {.run = keys_s3_mark, .has_bucket = true, .is_changing = true, .is_counted = true},
	[S3_CREATE_UPLOAD] = {.run = keys_s3_mint, .has_bucket = true, .is_changing = true, .is_counted = true},
	[S3_UPLOAD_PART] = {.run = keys_s3_unwrap, .has_bucket = true, .has_object = true, .is_changing = true},
	[S3_COMPLETE_UPLOAD] =
		{.run = keys_s3_unwrap, .has_bucket = true, .has_object = true, .is_list = true, .is_changing = true},
	[S3_ABORT_UPLOAD] = {.run = keys_s3_go_on, .has_bucket = true, .is_changing = true},
	[S3_LIST_PARTS] = {.run = keys_s3_go_on, .has_bucket = true},
};

void keys_s3_result_clear(struct keys_s3_result *result)
{
	free(result->decision.deletes);
	secret_free(result->version_key);
	buf_free(result->wrap);
	buf_free(result->body);
	buf_free(result->keys);
	*result = (struct keys_s3_result){0};
}

int keys_s3_refuse(struct keys_s3_run *run, int status, const char *code, struct why *reterr_why, const char *fmt, ...)
{
	struct why why = {{0}};
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(why.text, sizeof why.text, fmt, args);
	va_end(args);
	why_set(reterr_why, "%s", why.text);
	run->status = status;
	run->code = code;
	return S3_ERR_TOLD;
}

struct slice keys_s3_header(const struct keys_s3_run *run, const char *name)
{
	struct slice value = {0};

	(void)sigv4_canonical_header(&run->r->proof.parts, name, &value);
	return value;
}

int keys_s3_arn_put(struct slice bucket, struct slice key, char out[static S3_ARN_BYTES_MAX + 1],
                    struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *text = NULL;

	TRY(buf_new(S3_ARN_BYTES_MAX, &text, reterr_why));
	TRY(buf_put_str(text, "arn:aws:s3:::", reterr_why));
	TRY(buf_put(text, bucket, reterr_why));
	if (key.len)
		TRY(buf_put_str(text, "/", reterr_why));
	TRY(buf_put(text, key, reterr_why));
	return slice_to_str(buf_slice(text), out, S3_ARN_BYTES_MAX + 1, reterr_why);
}

/* --- permission --- */

static int put_param(struct keys_s3_run *run, struct iam_context *context, enum s3_param param, const char *name,
                     struct why *reterr_why)
{
	return run->request->has_param[param] ? iam_context_put(context, name, run->request->params[param], reterr_why)
	                                      : ERR_OK;
}

static int put_header(struct keys_s3_run *run, struct iam_context *context, const char *header, const char *name,
                      struct why *reterr_why)
{
	struct slice value = keys_s3_header(run, header);

	return value.len ? iam_context_put(context, name, value, reterr_why) : ERR_OK;
}

static int put_context(struct keys_s3_run *run, struct iam_context *context, struct why *reterr_why)
{
	TRY(put_param(run, context, S3_PARAM_PREFIX, "s3:prefix", reterr_why));
	TRY(put_param(run, context, S3_PARAM_DELIMITER, "s3:delimiter", reterr_why));
	TRY(put_param(run, context, S3_PARAM_MAX_KEYS, "s3:max-keys", reterr_why));
	TRY(put_param(run, context, S3_PARAM_VERSION_ID, "s3:VersionId", reterr_why));
	TRY(put_header(run, context, "x-amz-server-side-encryption", "s3:x-amz-server-side-encryption", reterr_why));
	TRY(put_header(run, context, "x-amz-server-side-encryption-aws-kms-key-id",
	               "s3:x-amz-server-side-encryption-aws-kms-key-id", reterr_why));
	TRY(put_header(run, context, "x-amz-content-sha256", "s3:x-amz-content-sha256", reterr_why));
	return iam_context_put(
		context, "s3:authType",
		slice_str(run->r->proof.auth.origin == SIGV4_IN_QUERY ? "REST-QUERY-STRING" : "REST-HEADER"),
		reterr_why);
}

int keys_s3_ask(struct keys_s3_run *run, const char *action, const char *arn, struct why *reterr_why)
{
	CLEANUP(iam_context_freep) struct iam_context *context = NULL;
	const struct iam_caller *caller = run->r->proof.caller;
	bool has_bucket = run->bucket.name[0] != 0;
	struct iam_question question = {
		.action = slice_str(action),
		.resource = slice_str(arn),
		.resource_account = slice_str(has_bucket ? run->bucket.account : caller->account),
		.resource_kind = has_bucket ? IAM_RESOURCE_POLICY_SUFFICIENT : IAM_RESOURCE_POLICY_NONE,
		.resource_policy = slice_str(has_bucket ? run->bucket.policy : ""),
		.resource_policy_name = "the bucket policy",
	};

	TRY(keys_request_context(run->r, &context, reterr_why));
	TRY(put_context(run, context, reterr_why));
	question.context = context;
	return iam_ask_or_deny(run->r->s->iam, caller, &question, reterr_why);
}

/* --- answering --- */

int keys_s3_answer(struct keys_s3_run *run, int status, const char *content_type, struct buf *body,
                   struct why *reterr_why)
{
	struct call_answer *a = &run->result->decision.answer;
	(void)reterr_why;

	buf_free(run->result->body);
	run->result->body = body;
	run->result->decision.verdict = S3_VERDICT_ANSWERED;
	a->status = (uint16_t)status;
	if (content_type)
		a->fields[a->field_count++] = (struct call_field){slice_str("Content-Type"), slice_str(content_type)};
	a->body = body ? buf_slice(body) : slice_of(NULL, 0);
	return ERR_OK;
}

/* A decision that tells the client why not. */
static void set_refused(struct keys_s3_result *result, int status, const char *code, const struct why *why)
{
	struct s3_decision *d = &result->decision;

	free(d->deletes);
	secret_freep(&result->version_key);
	*d = (struct s3_decision){.verdict = S3_VERDICT_REFUSED, .status = (uint16_t)status};
	(void)snprintf(result->code, sizeof result->code, "%s", code);
	result->message = *why;
	d->code = slice_str(result->code);
	d->message = slice_str(result->message.text);
}

/* What our errors are called in S3. */
static void name_error(struct keys_s3_run *run, int err)
{
	if (err == S3_ERR_TOLD)
		return;
	run->status = 400;
	run->code = "InvalidRequest";
	if (err == KMS_ERR_DISABLED)
		run->code = "KMS.DisabledException";
	else if (err == KMS_ERR_CIPHERTEXT || err == KMS_ERR_WRONG_KEY)
		run->code = "KMS.InvalidCiphertextException";
	else if (err_class(err) == ERR_DENIED)
		run->status = 403, run->code = "AccessDenied";
	else if (err_class(err) == ERR_NOTFOUND)
		run->code = "KMS.NotFoundException"; /* a missing bucket was told apart before */
	else if (err_class(err) == ERR_CONFLICT)
		run->code = "KMS.KMSInvalidStateException";
	else if (err_class(err) == ERR_UNAVAILABLE)
		run->status = 503, run->code = "ServiceUnavailable";
}

/* --- the record --- */

static int describe(struct keys_s3_run *run, struct why *reterr_why)
{
	char hex[2 * S3_CALL_ID_BYTES + 1];
	const struct s3_decision *d = &run->result->decision;

	if (run->request->bucket.len)
		TRY(json_set_str(run->parameters, "bucketName", run->request->bucket, reterr_why));
	if (run->request->key.len)
		TRY(json_set_str(run->parameters, "key", run->request->key, reterr_why));
	if (run->request->has_param[S3_PARAM_UPLOAD_ID])
		TRY(json_set_str(run->parameters, "uploadId", run->request->params[S3_PARAM_UPLOAD_ID], reterr_why));
	if (run->kms_key[0])
		TRY(json_set_str(run->parameters, "kmsKeyId", slice_str(run->kms_key), reterr_why));
	if (d->verdict == S3_VERDICT_GO_ON && d->has_version) {
		hex_encode(slice_of(d->version_id, sizeof d->version_id), hex);
		TRY(json_set_str(run->parameters, "versionId", slice_str(hex), reterr_why));
	}
	return ERR_OK;
}

static int put_record(struct keys_s3_run *run, const struct operation *op, int err, const struct why *why,
                      struct why *reterr_why)
{
	struct keys_event event = {
		.source = "s3.amazonaws.com",
		.name = s3_op_name(run->request->op),
		.is_read_only = !op->is_changing,
		.is_data = !op->is_management,
		.error_code = err != ERR_OK ? run->code : NULL,
		.error_message = err != ERR_OK ? why->text : NULL,
		.request_parameters = run->parameters,
		.resource_type = op->is_management ? "AWS::S3::Bucket" : "AWS::S3::Object",
		.resource_arn = run->arn,
		.resource_account = run->bucket.account,
	};

	TRY(describe(run, reterr_why));
	keys_request_event(run->r, &event);
	return keys_request_log(run->r, &event, reterr_why);
}

/* A read that was answered: one entry per caller, bucket, operation and second. */
static int note_read(struct keys_s3_run *run, int err, struct why *reterr_why)
{
	const struct iam_caller *caller = run->r->proof.caller;
	const struct s3_decision *d = &run->result->decision;
	const struct keys_read_spec spec = {
		.account = caller->is_operator ? "operator" : caller->account,
		.caller_account = caller->account,
		.caller_arn = caller->arn,
		.caller_id = caller->id,
		.access_key = caller->access_key,
		.source = "s3.amazonaws.com",
		.name = s3_op_name(run->request->op),
		.error_code = err != ERR_OK ? run->code : "",
		.bucket = run->bucket.name,
		.request_id = run->r->head->request_id,
		.peer = slice_str(run->r->source_ip),
		.key = run->request->key,
		.version_id = d->verdict == S3_VERDICT_GO_ON && d->has_version ? d->version_id : NULL,
		.now_ms = run->r->circumstances.now_ms,
	};
	/* Who owns the bucket sees who read it. */
	struct keys_read_spec owners = spec;

	TRY(keys_reads_note(&run->r->s->reads, &spec, reterr_why));
	if (!run->bucket.account[0] || strcmp(run->bucket.account, caller->account) == 0)
		return ERR_OK;
	owners.account = run->bucket.account;
	return keys_reads_note(&run->r->s->reads, &owners, reterr_why);
}

/* After the decision: its record, without which it does not leave. */
static int conclude(struct keys_s3_run *run, const struct operation *op, int err, struct why *why,
                    struct why *reterr_why)
{
	bool is_operator = run->r->proof.caller->is_operator;
	bool is_denied = err_class(err) == ERR_DENIED;
	struct why log_why;

	if (err != ERR_OK) {
		name_error(run, err);
		set_refused(run->result, run->status, run->code, why);
	}
	if (!op->is_changing && !is_denied) {
		if (note_read(run, err, &log_why) != ERR_OK)
			set_refused(run->result, 503, "SlowDown", &log_why);
		return ERR_OK;
	}
	if (keys_outbox_check(run->r->s->outbox, is_operator, &log_why) != ERR_OK) {
		set_refused(run->result, 503, "ServiceUnavailable", &log_why);
		return ERR_OK;
	}
	if (err == ERR_OK && run->is_question)
		return ERR_OK;
	TRY(put_record(run, op, err, why, reterr_why));
	/* Front stores while the record is made durable; whatever else goes out waits here. */
	if (run->result->decision.verdict == S3_VERDICT_GO_ON)
		run->result->decision.ticket = run->r->ticket;
	else
		run->result->hold = run->r->ticket;
	return ERR_OK;
}

/* --- deciding --- */

/* What would change the meaning of a request and is not built: refused by name, never passed over. */
static int check_headers(struct keys_s3_run *run, struct why *reterr_why)
{
	static const char *const refused[] = {
		"x-amz-copy-source",
		"x-amz-server-side-encryption-customer-algorithm",
		"x-amz-server-side-encryption-customer-key",
		"x-amz-server-side-encryption-context",
		"x-amz-grant-full-control",
		"x-amz-grant-read",
		"x-amz-grant-write",
		"x-amz-grant-read-acp",
		"x-amz-grant-write-acp",
		"x-amz-object-lock-mode",
		"x-amz-object-lock-retain-until-date",
		"x-amz-object-lock-legal-hold",
		"x-amz-bucket-object-lock-enabled",
		"x-amz-bypass-governance-retention",
		"x-amz-tagging",
		"x-amz-website-redirect-location",
		"x-amz-mfa",
	};
	struct slice acl = keys_s3_header(run, "x-amz-acl"), value;

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (sigv4_canonical_header(&run->r->proof.parts, refused[i], &value))
			return keys_s3_refuse(run, 501, "NotImplemented", reterr_why,
			                      "the header %s is not offered here", refused[i]);
	if (acl.len && !slice_is_str(acl, "private") && !slice_is_str(acl, "bucket-owner-full-control"))
		return keys_s3_refuse(run, 400, "AccessControlListNotSupported", reterr_why,
		                      "access is given by policies here; x-amz-acl can only be private");
	return ERR_OK;
}

static int check_body(struct keys_s3_run *run, const struct operation *op, struct why *reterr_why)
{
	enum sigv4_payload payload = run->r->proof.auth.payload;

	if (op->has_object && !op->is_list)
		return ERR_OK;
	if (op->reads_body || op->is_list) {
		if (payload != SIGV4_PAYLOAD_SHA256)
			return keys_s3_refuse(run, 403, "AccessDenied", reterr_why,
			                      "the body of %s has to be signed as a whole",
			                      s3_op_name(run->request->op));
		return ERR_OK;
	}
	/* Without a body there is nothing that a signature could leave out. */
	if (payload != SIGV4_PAYLOAD_SHA256 && payload != SIGV4_PAYLOAD_UNSIGNED)
		return keys_s3_refuse(run, 400, "InvalidRequest", reterr_why,
		                      "%s has no body that could come in chunks", s3_op_name(run->request->op));
	return ERR_OK;
}

static int find_bucket(struct keys_s3_run *run, struct why *reterr_why)
{
	struct slice expected = keys_s3_header(run, "x-amz-expected-bucket-owner");
	int err = keys_bucket_get(&run->r->s->buckets, run->request->bucket, &run->bucket, reterr_why);

	if (err == ERR_NOTFOUND) {
		run->bucket = (struct keys_bucket){0};
		return keys_s3_refuse(run, 404, "NoSuchBucket", reterr_why, "the bucket does not exist");
	}
	TRY(err);
	ENSURE(!expected.len || slice_is_str(expected, run->bucket.account), ERR_DENIED, reterr_why,
	       "the bucket belongs to another account than x-amz-expected-bucket-owner says");
	return ERR_OK;
}

static int count_use(struct keys_s3_run *run, struct why *reterr_why)
{
	enum iam_repeat repeat;
	struct slice outcome;

	return keys_request_count(run->r, IAM_CALL_MINTS, &repeat, &outcome, reterr_why);
}

static int decide(struct keys_s3_run *run, const struct operation *op, struct why *reterr_why)
{
	if (op->has_bucket)
		TRY(find_bucket(run, reterr_why));
	TRY(check_headers(run, reterr_why));
	TRY(check_body(run, op, reterr_why));
	if (op->is_changing)
		TRY(keys_outbox_check(run->r->s->outbox, run->r->proof.caller->is_operator, reterr_why));
	if (op->is_counted)
		TRY(count_use(run, reterr_why));
	return op->run(run, reterr_why);
}

/* A request of which not even the operation can be believed. */
static int refuse_unproved(struct keys_service *s, const struct s3_call *call, int status, const char *code,
                           const struct why *why, struct keys_s3_result *result)
{
	struct why full;

	if (keys_request_note_refusal(s, &call->head, "s3.amazonaws.com", code, &full) != ERR_OK)
		set_refused(result, 503, "SlowDown", &full);
	else
		set_refused(result, status, code, why);
	return ERR_OK;
}

/* Reads the operation from the text that was hashed, so that nothing else can be what it means. */
static int read_request(const struct keys_request *r, struct s3_request *request, struct why *reterr_why)
{
	const struct sigv4_canonical *parts = &r->proof.parts;
	CLEANUP(buf_freep) struct buf *target = NULL;

	TRY(buf_new(4 * S3_TARGET_BYTES_MAX, &target, reterr_why));
	TRY(buf_put(target, parts->path, reterr_why));
	if (parts->query.len) {
		TRY(buf_put_str(target, "?", reterr_why));
		TRY(buf_put(target, parts->query, reterr_why));
	}
	return s3_request_parse(parts->method, buf_slice(target), request, reterr_why);
}

/* Whether keys reads the body of what the raw request seems to ask for. If the signed one says otherwise the signature
 * does not hold, or check_body() refuses it. */
static bool seems_to_have_object(const struct call_head *head, struct s3_request *scratch)
{
	return s3_request_parse(head->method, head->target, scratch, NULL) == ERR_OK &&
	       operations[scratch->op].has_object;
}

static int run_proved(struct keys_s3_run *run, struct s3_request *request, struct why *reterr_why)
{
	const struct operation *op;
	struct why why;
	int err = read_request(run->r, request, &why);

	if (err != ERR_OK) {
		set_refused(run->result, err == ERR_NOTFOUND ? 501 : 400,
		            err == ERR_NOTFOUND ? "NotImplemented"
		            : err == ERR_LIMIT  ? "KeyTooLongError"
		                                : "InvalidRequest",
		            &why);
		return ERR_OK;
	}
	op = &operations[request->op];
	run->request = request;
	TRY(keys_s3_arn_put(request->bucket, request->key, run->arn, reterr_why));
	err = slice_is_str(slice_str(run->r->proof.auth.service), "s3")
	              ? decide(run, op, &why)
	              : keys_s3_refuse(run, 400, "AuthorizationHeaderMalformed", &why,
	                               "the request is not signed for s3");
	/* What is wrong on our side is not put into the client's words. */
	if (err_class(err) == ERR_INTERNAL || err_class(err) == ERR_TAMPERED) {
		why_set(reterr_why, "%s", why.text);
		return err;
	}
	return conclude(run, op, err, &why, reterr_why);
}

static int call_with(struct keys_service *s, const struct s3_call *call, uint16_t instance, struct s3_request *request,
                     struct keys_s3_result *result, struct why *reterr_why)
{
	CLEANUP(keys_request_clear) struct keys_request r = {0};
	CLEANUP(json_freep) json_t *parameters = json_object();
	struct keys_s3_run run = {
		.r = &r, .call = call, .instance = instance, .result = result, .parameters = parameters};
	bool is_object = seems_to_have_object(&call->head, request);
	uint8_t digest[SHA256_BYTES];
	enum iam_refusal refusal;
	struct why why;
	int err, status;

	ENSURE(parameters, ERR_UNAVAILABLE, reterr_why, "out of memory for a decision");
	sha256(call->body, digest);
	err = keys_request_prove(s, &call->head, is_object ? NULL : digest, &r, &refusal, &why);
	if (err_class(err) == ERR_DENIED && refusal != IAM_REFUSAL_NONE) {
		const char *code = iam_refusal_code(refusal, IAM_API_S3, &status);

		return refuse_unproved(s, call, status, code, &why, result);
	}
	if (err != ERR_OK) {
		why_set(reterr_why, "%s", why.text);
		return err;
	}
	return run_proved(&run, request, reterr_why);
}

int keys_s3_call(struct keys_service *s, const struct s3_call *call, uint16_t instance,
                 struct keys_s3_result *ret_result, struct why *reterr_why)
{
	/* It holds a whole target: too large for the stack beside the rest. */
	CLEANUP(free_p) struct s3_request *request = malloc(sizeof *request);
	int err;

	ENSURE(request, ERR_UNAVAILABLE, reterr_why, "out of memory for a decision");
	*ret_result = (struct keys_s3_result){0};
	err = call_with(s, call, instance, request, ret_result, reterr_why);
	if (err != ERR_OK)
		keys_s3_result_clear(ret_result);
	return err;
}
