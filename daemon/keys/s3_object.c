/* Operations on objects: the key of the version that is written or read, for front to go on with. */
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/random.h"
#include "daemon/keys/s3_run.h"

static const char alias[] = "alias/cloister/s3";

/* As the key that S3 itself manages at AWS: for everyone in the account that may reach the objects, through S3 only;
 * the account can change that. */
static int put_policy(const char *account, const char *region, struct buf *into, struct why *reterr_why)
{
	return buf_put_fmt(into, reterr_why,
	                   "{\"Version\":\"2012-10-17\",\"Id\":\"cloister-s3\",\"Statement\":[{\"Sid\":\"Objects\","
	                   "\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Action\":[\"kms:Encrypt\","
	                   "\"kms:Decrypt\",\"kms:GenerateDataKey\",\"kms:DescribeKey\"],\"Resource\":\"*\","
	                   "\"Condition\":{\"StringEquals\":{\"kms:ViaService\":\"s3.%s.amazonaws.com\","
	                   "\"kms:CallerAccount\":\"%s\"}}},{\"Sid\":\"Account\",\"Effect\":\"Allow\","
	                   "\"Principal\":{\"AWS\":\"arn:aws:iam::%s:root\"},\"Action\":\"kms:*\","
	                   "\"Resource\":\"*\"}]}",
	                   region, account, account);
}

int keys_s3_default_key(struct keys_service *s, const char *account, uint64_t now_ms,
                        char ret_arn[static KMS_KEY_ARN_BYTES_MAX], struct why *reterr_why)
{
	CLEANUP(kms_key_clear) struct kms_key key = {0};
	CLEANUP(buf_freep) struct buf *policy = NULL;
	struct kms_alias found;
	int err = kms_alias_get(s->keystore, account, slice_str(alias), &found, reterr_why);

	if (err == ERR_OK) {
		TRY(kms_key_get(s->keystore, found.key_id, &key, reterr_why));
	} else {
		ENSURE(err_class(err) == ERR_NOTFOUND, err, reterr_why, "cannot look for %s", alias);
		TRY(buf_new(KMS_POLICY_BYTES_MAX, &policy, reterr_why));
		TRY(put_policy(account, kms_keystore_region(s->keystore), policy, reterr_why));
		TRY(kms_key_create(s->keystore, account, slice_str("Objects of buckets without a key of their own"),
		                   buf_slice(policy), now_ms, &key, reterr_why));
		TRY(kms_alias_create(s->keystore, account, slice_str(alias), key.id, now_ms, reterr_why));
	}
	kms_key_arn(s->keystore, &key, ret_arn);
	return ERR_OK;
}

/* Bucket, owner, and how the body is authenticated. */
int keys_s3_fill(struct keys_s3_run *run, struct why *reterr_why)
{
	struct s3_decision *d = &run->result->decision;
	struct keys_s3_result *result = run->result;

	d->verdict = S3_VERDICT_GO_ON;
	memcpy(result->account, run->r->proof.caller->account, sizeof result->account);
	memcpy(result->bucket_owner, run->bucket.account, sizeof result->bucket_owner);
	memcpy(d->bucket_id, run->bucket.id, sizeof d->bucket_id);
	d->account = slice_str(result->account);
	d->bucket_owner = slice_str(result->bucket_owner);
	d->is_versioned = run->bucket.is_versioned;
	switch (run->r->proof.auth.payload) {
	case SIGV4_PAYLOAD_SHA256:
		d->body_kind = S3_BODY_SHA256;
		memcpy(d->body_sha256, run->r->proof.auth.payload_sha256, sizeof d->body_sha256);
		return ERR_OK;
	case SIGV4_PAYLOAD_UNSIGNED:
		d->body_kind = S3_BODY_UNSIGNED;
		return ERR_OK;
	case SIGV4_PAYLOAD_UNSIGNED_TRAILER:
		d->body_kind = S3_BODY_UNSIGNED_TRAILER;
		return ERR_OK;
	case SIGV4_PAYLOAD_CHUNKS:
		d->body_kind = S3_BODY_CHUNKS;
		break;
	case SIGV4_PAYLOAD_CHUNKS_TRAILER:
		d->body_kind = S3_BODY_CHUNKS_TRAILER;
		break;
	default:
		return keys_s3_refuse(run, 400, "InvalidRequest", reterr_why, "x-amz-content-sha256 is missing");
	}
	return keys_chains_begin(&run->r->s->chains, run->r->s->iam, &run->r->proof.auth, run->instance,
	                         &d->chunk_handle, reterr_why);
}

int keys_s3_go_on(struct keys_s3_run *run, struct why *reterr_why)
{
	TRY(keys_s3_ask(run, s3_request_action(run->request), run->arn, reterr_why));
	return keys_s3_fill(run, reterr_why);
}

/* What a version key's wrap is bound to: from the signed request, the bucket's row, and the version's id. */
static int wrap_context(const struct keys_s3_run *run, const uint8_t version_id[static S3_CALL_ID_BYTES],
                        struct kms_context **ret_context, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *pairs = json_object();
	char hex[2 * S3_CALL_ID_BYTES + 1];

	ENSURE(pairs, ERR_UNAVAILABLE, reterr_why, "out of memory for a decision");
	TRY(json_set_str(pairs, "aws:s3:arn", slice_str(run->arn), reterr_why));
	hex_encode(slice_of(run->bucket.id, sizeof run->bucket.id), hex);
	TRY(json_set_str(pairs, "cloister:bucket", slice_str(hex), reterr_why));
	hex_encode(slice_of(version_id, S3_CALL_ID_BYTES), hex);
	TRY(json_set_str(pairs, "cloister:version", slice_str(hex), reterr_why));
	return kms_context_new(pairs, ret_context, reterr_why);
}

/* The key that a new object is encrypted under: the request's, or the bucket's. */
static int choose_key(struct keys_s3_run *run, struct slice *ret_ref, struct why *reterr_why)
{
	struct slice algorithm = keys_s3_header(run, "x-amz-server-side-encryption");
	struct slice named = keys_s3_header(run, "x-amz-server-side-encryption-aws-kms-key-id");

	if (algorithm.len && !slice_is_str(algorithm, "aws:kms") && !slice_is_str(algorithm, "AES256"))
		return keys_s3_refuse(run, 400, "InvalidArgument", reterr_why,
		                      "x-amz-server-side-encryption can be aws:kms or AES256");
	if (named.len && !slice_is_str(algorithm, "aws:kms"))
		return keys_s3_refuse(run, 400, "InvalidArgument", reterr_why,
		                      "a KMS key is named, but x-amz-server-side-encryption is not aws:kms");
	*ret_ref = named.len ? named : slice_str(run->bucket.kms_key);
	return ERR_OK;
}

static void set_key(struct keys_s3_run *run, const struct kms_key *key)
{
	kms_key_arn(run->r->s->keystore, key, run->result->kms_key);
	memcpy(run->kms_key, run->result->kms_key, sizeof run->kms_key);
	run->result->decision.kms_key = slice_str(run->result->kms_key);
}

int keys_s3_mint(struct keys_s3_run *run, struct why *reterr_why)
{
	CLEANUP(kms_context_freep) struct kms_context *context = NULL;
	CLEANUP(kms_key_clear) struct kms_key key = {0};
	struct keys_gate gate = {.r = run->r, .via = "s3"};
	struct s3_decision *d = &run->result->decision;
	struct kms_call call;
	struct slice ref;

	TRY(keys_s3_ask(run, s3_request_action(run->request), run->arn, reterr_why));
	TRY(choose_key(run, &ref, reterr_why));
	TRY(random_fill(d->version_id, sizeof d->version_id, reterr_why));
	TRY(wrap_context(run, d->version_id, &context, reterr_why));
	keys_gate_call(&gate, &call);
	TRY(buf_new(STORE_WRAP_BYTES_MAX, &run->result->wrap, reterr_why));
	TRY(kms_generate_data_key(run->r->s->keystore, &call, ref, context, 32, run->result->wrap,
	                          &run->result->version_key, &key, reterr_why));
	set_key(run, &key);
	d->has_version = true;
	d->wrap = buf_slice(run->result->wrap);
	d->version_key = slice_of(secret_peek(run->result->version_key), secret_len(run->result->version_key));
	return keys_s3_fill(run, reterr_why);
}

/* A version id that the request names must be the one that front's index gave. */
static int check_named_version(struct keys_s3_run *run, struct why *reterr_why)
{
	uint8_t id[S3_CALL_ID_BYTES];

	if (!run->request->has_param[S3_PARAM_VERSION_ID])
		return ERR_OK;
	if (hex_decode(run->request->params[S3_PARAM_VERSION_ID], id, sizeof id, NULL) != ERR_OK)
		return keys_s3_refuse(run, 404, "NoSuchVersion", reterr_why, "the version does not exist");
	ENSURE(!run->call->has_existing ||
	               slice_equal(slice_of(id, sizeof id), slice_of(run->call->existing.version_id, sizeof id)),
	       ERR_DENIED, reterr_why, "the version is not the one that was asked for");
	return ERR_OK;
}

/* The upload that the signed request names is the version that is being made, as front shows it: 32 digits. */
static int check_named_upload(struct keys_s3_run *run, struct why *reterr_why)
{
	uint8_t id[S3_CALL_ID_BYTES];

	if (!run->request->has_param[S3_PARAM_UPLOAD_ID])
		return ERR_OK;
	if (hex_decode(run->request->params[S3_PARAM_UPLOAD_ID], id, sizeof id, NULL) != ERR_OK)
		return keys_s3_refuse(run, 404, "NoSuchUpload", reterr_why, "the upload does not exist");
	return ERR_OK;
}

int keys_s3_unwrap(struct keys_s3_run *run, struct why *reterr_why)
{
	CLEANUP(kms_context_freep) struct kms_context *context = NULL;
	CLEANUP(kms_key_clear) struct kms_key key = {0};
	struct keys_gate gate = {.r = run->r, .via = "s3"};
	const struct s3_call_existing *existing = &run->call->existing;
	struct s3_decision *d = &run->result->decision;
	struct kms_call call;

	TRY(keys_s3_ask(run, s3_request_action(run->request), run->arn, reterr_why));
	TRY(check_named_version(run, reterr_why));
	TRY(check_named_upload(run, reterr_why));
	/* Front has no such object, or does not know the bucket's id yet: it goes on with that. */
	if (!run->call->has_existing)
		return keys_s3_fill(run, reterr_why);
	TRY(wrap_context(run, existing->version_id, &context, reterr_why));
	keys_gate_call(&gate, &call);
	TRY(kms_decrypt(run->r->s->keystore, &call, slice_of(NULL, 0), context, existing->wrap,
	                &run->result->version_key, &key, reterr_why));
	ENSURE(secret_len(run->result->version_key) == 32, KMS_ERR_CIPHERTEXT, reterr_why,
	       "the wrap holds something else than a version's key");
	set_key(run, &key);
	d->has_version = true;
	memcpy(d->version_id, existing->version_id, sizeof d->version_id);
	d->version_key = slice_of(secret_peek(run->result->version_key), secret_len(run->result->version_key));
	return keys_s3_fill(run, reterr_why);
}

int keys_s3_mark(struct keys_s3_run *run, struct why *reterr_why)
{
	struct s3_decision *d = &run->result->decision;

	TRY(keys_s3_ask(run, s3_request_action(run->request), run->arn, reterr_why));
	d->has_version = true;
	if (!run->request->has_param[S3_PARAM_VERSION_ID])
		TRY(random_fill(d->version_id, sizeof d->version_id, reterr_why));
	else if (hex_decode(run->request->params[S3_PARAM_VERSION_ID], d->version_id, sizeof d->version_id, NULL) !=
	         ERR_OK)
		return keys_s3_refuse(run, 404, "NoSuchVersion", reterr_why, "the version does not exist");
	return keys_s3_fill(run, reterr_why);
}
