#include "standin.h"

#include <string.h>

#include "base/encode.h"
#include "base/random.h"
#include "crypto/hash.h"
#include "crypto/init.h"
#include "daemon/link/front_keys.h"
#include "daemon/role/syscalls.h"
#include "wire/json.h"
#include "wire/s3.h"
#include "wire/sigv4.h"
#include "wire/xml.h"

static const uint8_t version_key[32] = "a fixed key for tests, 32 bytes";

static void answer(struct ipc_reply *reply, const struct s3_decision *d)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	struct why why;
	int err = buf_new(IPC_BODY_BYTES_MAX, &body, &why);

	if (err == ERR_OK)
		err = s3_decision_put(d, body, &why);
	if (err == ERR_OK)
		ipc_reply_send(reply, buf_slice(body));
	else
		ipc_reply_error(reply, err, &why);
}

static void refuse(struct ipc_reply *reply, uint16_t status, const char *code)
{
	answer(reply, &(struct s3_decision){.verdict = S3_VERDICT_REFUSED,
	                                    .status = status,
	                                    .code = slice_str(code),
	                                    .message = slice_str("the stand-in refuses")});
}

static void bucket_id_of(struct slice name, uint8_t out[static S3_CALL_ID_BYTES])
{
	uint8_t digest[SHA256_BYTES];

	sha256(name, digest);
	memcpy(out, digest, S3_CALL_ID_BYTES);
}

static enum s3_body_kind body_kind_of(const struct call_head *head, uint8_t sha256_out[static 32])
{
	struct slice mode = {0};

	(void)call_head_field(head, "x-amz-content-sha256", &mode);
	if (slice_is_str(mode, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"))
		return S3_BODY_CHUNKS;
	if (slice_is_str(mode, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"))
		return S3_BODY_CHUNKS_TRAILER;
	if (slice_is_str(mode, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"))
		return S3_BODY_UNSIGNED_TRAILER;
	return hex_decode(mode, sha256_out, 32, NULL) == ERR_OK ? S3_BODY_SHA256 : S3_BODY_UNSIGNED;
}

/* A new version, or the one that front says it has, whose wrap must be the one that was made for it. */
static int choose_version(const struct s3_call *call, const struct s3_request *r, struct s3_decision *d,
                          struct why *reterr_why)
{
	bool mints = r->op == S3_PUT_OBJECT || r->op == S3_CREATE_UPLOAD ||
	             (r->op == S3_DELETE_OBJECT && !r->has_param[S3_PARAM_VERSION_ID]);

	if (!mints && !call->has_existing)
		return ERR_OK;
	d->has_version = true;
	if (mints)
		TRY(random_fill(d->version_id, sizeof d->version_id, reterr_why));
	else
		memcpy(d->version_id, call->existing.version_id, sizeof d->version_id);
	ENSURE(mints || slice_equal(call->existing.wrap, slice_of(d->version_id, sizeof d->version_id)), ERR_TAMPERED,
	       reterr_why, "a wrap of another version");
	d->version_key = slice_of(version_key, sizeof version_key);
	d->wrap = slice_of(d->version_id, sizeof d->version_id);
	d->kms_key = slice_str("arn:aws:kms:us-east-1:000000000000:key/standin");
	return ERR_OK;
}

static int choose_deletes(const struct s3_call *call, struct s3_delete *deletes, struct s3_decision *d,
                          struct xml **ret_doc, struct why *reterr_why)
{
	const struct xml_node *root;

	TRY(xml_read(call->body, ret_doc, reterr_why));
	TRY(xml_root(*ret_doc, "Delete", &root, reterr_why));
	for (const struct xml_node *n = xml_child(root, "Object"); n; n = xml_next(n, "Object")) {
		struct s3_delete *one = &deletes[d->delete_count];
		struct slice id = {0};

		ENSURE(d->delete_count < S3_DELETES_MAX, ERR_LIMIT, reterr_why, "too many deletions");
		memset(one, 0, sizeof *one);
		TRY(xml_get_text(n, "Key", &one->key, reterr_why));
		TRY(xml_opt_text(n, "VersionId", &id, reterr_why));
		one->has_version = id.len > 0;
		one->is_allowed = !slice_starts_with(one->key, "keep/");
		one->code = slice_str(one->is_allowed ? "" : "AccessDenied");
		one->message = slice_str(one->is_allowed ? "" : "the stand-in keeps it");
		if (one->has_version)
			TRY(hex_decode(id, one->version_id, sizeof one->version_id, reterr_why));
		else
			TRY(random_fill(one->version_id, sizeof one->version_id, reterr_why));
		d->delete_count++;
	}
	d->deletes = deletes;
	return ERR_OK;
}

static bool is_answered_wholly(const struct s3_call *call, enum s3_op op)
{
	return op <= S3_DELETE_BUCKET_POLICY && op != S3_HEAD_BUCKET &&
	       !(op == S3_DELETE_BUCKET && !call->bucket_is_empty);
}

static bool is_write(enum s3_op op)
{
	return op == S3_PUT_OBJECT || op == S3_DELETE_OBJECT || op == S3_CREATE_UPLOAD || op == S3_DELETE_OBJECTS;
}

static int decide(const struct s3_call *call, struct ipc_reply *reply, struct why *reterr_why)
{
	static struct s3_delete deletes[S3_DELETES_MAX];
	static struct s3_request r;
	CLEANUP(xml_freep) struct xml *doc = NULL;
	struct s3_decision d = {.verdict = S3_VERDICT_GO_ON, .is_versioned = true, .ticket = 7};

	TRY(s3_request_parse(call->head.method, call->head.target, &r, reterr_why));
	if (slice_starts_with(r.bucket, "missing")) {
		refuse(reply, 404, "NoSuchBucket");
		return ERR_OK;
	}
	if (is_write(r.op) && slice_is_str(r.bucket, "locked")) {
		refuse(reply, 403, "AccessDenied");
		return ERR_OK;
	}
	if (is_answered_wholly(call, r.op)) {
		answer(reply, &(struct s3_decision){.verdict = S3_VERDICT_ANSWERED,
		                                    .answer = {.status = r.op == S3_DELETE_BUCKET ? 204 : 200}});
		return ERR_OK;
	}
	d.account = d.bucket_owner = slice_str("123456789012");
	bucket_id_of(r.bucket, d.bucket_id);
	d.body_kind = body_kind_of(&call->head, d.body_sha256);
	d.chunk_handle = 1;
	TRY(choose_version(call, &r, &d, reterr_why));
	if (r.op == S3_DELETE_OBJECTS)
		TRY(choose_deletes(call, deletes, &d, &doc, reterr_why));
	answer(reply, &d);
	return ERR_OK;
}

static int on_s3_call(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	static struct s3_call call;
	struct why why;
	int err;
	(void)context;

	TRY(s3_call_take(m->body, &call, reterr_why));
	err = decide(&call, reply, &why);
	if (err != ERR_OK)
		ipc_reply_error(reply, err, &why);
	return ERR_OK;
}

static int on_chunks(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	static struct s3_chunks chunks;
	(void)context;

	TRY(s3_chunks_take(m->body, &chunks, reterr_why));
	for (size_t i = 0; i < chunks.count; i++)
		if (slice_starts_with(chunks.chunks[i].signature, "ffffffffffffffff")) {
			ipc_reply_error(reply, ERR_DENIED, &(struct why){"a chunk's signature does not match"});
			return ERR_OK;
		}
	ipc_reply_send(reply, slice_str(""));
	return ERR_OK;
}

static int on_log_wait(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct cursor c = cursor_of(m->body);
	uint64_t ticket;
	(void)context;

	TRY(cursor_take_u64be(&c, &ticket, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	if (ticket == 7)
		ipc_reply_send(reply, slice_str(""));
	else
		ipc_reply_error(reply, ERR_NOTFOUND, &(struct why){"another ticket than was given"});
	return ERR_OK;
}

static int on_api_call(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	static struct call_head head;
	struct cursor c = cursor_of(m->body);
	struct slice request;
	struct call_answer a = {.status = 200, .field_count = 1};
	(void)context;

	TRY(call_head_take(&c, &head, reterr_why));
	TRY(cursor_take_lp(&c, CALL_BODY_BYTES_MAX, &request, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	a.fields[0] = (struct call_field){slice_str("Content-Type"), slice_str("application/x-amz-json-1.1")};
	a.body = request; /* an echo shows that the bytes came through */
	TRY(buf_new(IPC_BODY_BYTES_MAX, &body, reterr_why));
	TRY(call_answer_put(&a, body, reterr_why));
	ipc_reply_send(reply, buf_slice(body));
	return ERR_OK;
}

#define FROM_FRONT(number, most, handler) \
	{.type = (number), .peer = ROLE_FRONT, .states = ROLE_SERVING, .body_max = (most), .handle = (handler)}

static const struct ipc_permit list[] = {
	FROM_FRONT(FRONT_KEYS_API_CALL, IPC_BODY_BYTES_MAX, on_api_call),
	FROM_FRONT(FRONT_KEYS_S3_CALL, IPC_BODY_BYTES_MAX, on_s3_call),
	FROM_FRONT(FRONT_KEYS_CHUNKS_VERIFY, IPC_INLINE_BYTES_MAX, on_chunks),
	FROM_FRONT(FRONT_KEYS_LOG_WAIT, 8, on_log_wait),
};
static const struct ipc_permits permits = {list, sizeof list / sizeof *list};

static int standin_open(struct role *role, struct why *reterr_why)
{
	(void)role;
	TRY(crypto_open(reterr_why));
	return json_init(reterr_why);
}

static const struct sandbox_syscalls *const syscalls[] = {&role_syscalls_common, &role_syscalls_build,
                                                          &role_syscalls_files, NULL};

const struct role_spec standin_role = {
	.number = ROLE_KEYS,
	.name = "keys",
	.directory = "keys",
	.open_files = 256,
	.syscalls = syscalls,
	.permits = &permits,
	.permits_count = 1,
	.open = standin_open,
};
