#include "keys_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/time.h"
#include "crypto/hash.h"
#include "daemon/keys/init.h"
#include "daemon/link/keys_ledger.h"
#include "tests/lib/scratch.h"

static uint64_t now = NOW_MS;

static uint64_t clock_now(void)
{
	return now;
}

void keys_fixture_sleep(uint64_t ms)
{
	now += ms;
}

static void must(int err, const struct why *why)
{
	if (err != ERR_OK)
		fail_msg("%s", why->text);
}

/* --- the ledger --- */

static int append(void *self, struct slice body, struct why *reterr_why)
{
	struct keys_fixture *f = self;
	struct ledger_append *append = calloc(1, sizeof *append);

	if (f->is_log_away) {
		free(append);
		why_set(reterr_why, "away");
		return ERR_UNAVAILABLE;
	}
	assert_int_equal(ledger_append_take(body, append, reterr_why), ERR_OK);
	for (size_t i = 0; i < append->count; i++) {
		assert_int_equal(buf_put(f->records, append->entries[i].account, NULL), ERR_OK);
		assert_int_equal(buf_put_str(f->records, " ", NULL), ERR_OK);
		assert_int_equal(buf_put(f->records, append->entries[i].record, NULL), ERR_OK);
		assert_int_equal(buf_put_str(f->records, "\n", NULL), ERR_OK);
		f->record_count++;
	}
	f->appends++;
	free(append);
	return ERR_OK;
}

static int account_key(void *self, struct slice body, struct why *reterr_why)
{
	struct keys_fixture *f = self;
	struct ledger_account_key key;

	assert_int_equal(ledger_account_key_take(body, &key, reterr_why), ERR_OK);
	assert_true(key.hour == now / 3600000);
	f->account_keys++;
	return ERR_OK;
}

static void attach(struct keys_fixture *f, uint64_t generation)
{
	const struct keys_log_port port = {.self = f, .append = append, .account_key = account_key};

	keys_outbox_attach(f->s->outbox, &port, generation);
}

void keys_fixture_log(struct keys_fixture *f)
{
	for (int i = 0; i < 100 && !keys_outbox_is_idle(f->s->outbox); i++) {
		keys_outbox_flush(f->s->outbox, now);
		if (!f->is_log_away)
			keys_outbox_acknowledge(f->s->outbox, ERR_OK);
	}
}

bool keys_fixture_has(struct keys_fixture *f, const char *text)
{
	const char *all;

	keys_fixture_log(f);
	assert_int_equal(buf_str(f->records, &all, NULL), ERR_OK);
	return strstr(all, text) != NULL;
}

void keys_fixture_forget(struct keys_fixture *f)
{
	keys_fixture_log(f);
	buf_reset(f->records);
}

/* --- the installation --- */

static struct kms_unseal unseal_by(struct secret **passphrase)
{
	struct why why;

	must(secret_new_from(slice_str("correct horse"), passphrase, &why), &why);
	return kms_unseal_passphrase(*passphrase);
}

int keys_fixture_reopen(struct keys_fixture *f, struct why *why)
{
	CLEANUP(secret_freep) struct secret *passphrase = NULL;
	const struct kms_unseal unseal = unseal_by(&passphrase);
	const struct keys_service_options options = {.database = f->path, .dir_fd = f->dir_fd, .region = REGION};

	keys_service_freep(&f->s);
	TRY(keys_service_open(&options, &unseal, &f->s, why));
	f->s->now_ms = clock_now;
	attach(f, f->s->journal.state->at.generation);
	return ERR_OK;
}

static void read_who(const json_t *json, const char *id, struct who *who)
{
	const char *key = json_string_value(json_object_get(json, "kms_key"));

	snprintf(who->account, sizeof who->account, "%s", json_string_value(json_object_get(json, id)));
	snprintf(who->access_key, sizeof who->access_key, "%s", json_string_value(json_object_get(json, "access_key")));
	snprintf(who->secret, sizeof who->secret, "%s", json_string_value(json_object_get(json, "secret_key")));
	if (key)
		snprintf(who->kms_key, sizeof who->kms_key, "%s", key);
}

int keys_fixture_make(void **state)
{
	struct keys_fixture *f = calloc(1, sizeof *f);
	CLEANUP(secret_freep) struct secret *passphrase = NULL;
	CLEANUP(json_freep) json_t *answer = NULL;
	struct keys_init_spec spec = {.ca_path = "ca.pem",
	                              .region = REGION,
	                              .now_ms = NOW_MS,
	                              .accounts = {"alice", "bob"},
	                              .account_count = 2};
	struct why why = {{0}};

	f->dir_fd = scratch_open();
	snprintf(f->path, sizeof f->path, "%s/keys.db", scratch_path());
	spec.keys_fd = spec.store_fd = spec.state_fd = f->dir_fd;
	spec.database = f->path;
	(void)unseal_by(&passphrase);
	spec.passphrase = passphrase;
	must(keys_init(&spec, &answer, &why), &why);
	read_who(json_object_get(answer, "operator"), "account", &f->operator);
	read_who(json_array_get(json_object_get(answer, "accounts"), 0), "id", &f->alice);
	read_who(json_array_get(json_object_get(answer, "accounts"), 1), "id", &f->bob);
	must(buf_new(64 << 20, &f->records, &why), &why);
	must(keys_fixture_reopen(f, &why), &why);
	*state = f;
	return 0;
}

int keys_fixture_remove(void **state)
{
	struct keys_fixture *f = *state;

	keys_service_free(f->s);
	buf_free(f->records);
	scratch_close(f->dir_fd);
	free(f);
	return secret_count() == 0 ? 0 : -1;
}

struct who keys_fixture_user(struct keys_fixture *f, const struct who *root, const char *name, const char *policy)
{
	struct iam_identity_spec spec = {
		.kind = IAM_KIND_USER, .account = slice_str(root->account), .name = slice_str(name)};
	CLEANUP(secret_freep) struct secret *secret = NULL;
	struct iam_identity user;
	struct iam_access_key key;
	struct who who = {0};
	struct why why;

	must(iam_identity_create(f->s->iam, &spec, now, &user, &why), &why);
	if (policy)
		must(iam_inline_put(f->s->iam, &user, slice_str("p"), slice_str(policy), &why), &why);
	must(iam_access_key_create(f->s->iam, slice_str(root->account), slice_str(name), IAM_ORIGIN_SEALED, now, &key,
	                           &secret, &why),
	     &why);
	memcpy(who.account, root->account, sizeof who.account);
	memcpy(who.access_key, key.id, sizeof who.access_key);
	memcpy(who.secret, secret_peek(secret), IAM_SECRET_CHARS);
	return who;
}

/* --- requests --- */

static void add_field(struct request *r, const char *name, struct slice value)
{
	r->head.fields[r->head.field_count++] = (struct call_field){slice_str(name), value};
}

static void as_sigv4(const struct request *r, struct sigv4_header *headers, struct sigv4_request *out)
{
	for (size_t i = 0; i < r->head.field_count; i++)
		headers[i] = (struct sigv4_header){r->head.fields[i].name, r->head.fields[i].value};
	*out = (struct sigv4_request){r->head.method, r->head.target, headers, r->head.field_count};
}

void request_sign(struct request *r, const struct who *who)
{
	bool is_s3 = strcmp(r->service, "s3") == 0;
	CLEANUP(secret_freep) struct secret *secret = NULL;
	struct sigv4_header headers[CALL_FIELDS_MAX];
	struct sigv4_request request;
	struct sigv4_signer signer = {who->access_key, REGION, r->service, who->token, now};
	uint8_t digest[SHA256_BYTES];
	struct why why = {{0}};

	sha256(slice_str(r->body ? r->body : ""), digest);
	hex_encode(slice_of(digest, sizeof digest), r->sha);
	time_format_basic(now, r->date);
	must(buf_new(65536, &r->text, &why), &why);
	must(secret_new_from(slice_str(who->secret), &secret, &why), &why);
	r->head = (struct call_head){.method = slice_str(r->method),
	                             .target = slice_str(r->target),
	                             .is_tls = true,
	                             .peer = slice_str("192.0.2.1:4711"),
	                             .request_id = "0123456789ABCDEF"};
	add_field(r, "Host", slice_str("localhost"));
	add_field(r, "User-Agent", slice_str("test/1"));
	if (r->content_type)
		add_field(r, "Content-Type", slice_str(r->content_type));
	for (size_t i = 0; i < 8 && r->headers[i][0]; i++)
		add_field(r, r->headers[i][0], slice_str(r->headers[i][1]));
	if (r->presigned_s) {
		as_sigv4(r, headers, &request);
		must(iam_presign(&signer, secret, &request, r->presigned_s, r->text, &why), &why);
		r->head.target = buf_slice(r->text);
		return;
	}
	add_field(r, "X-Amz-Date", slice_str(r->date));
	if (is_s3)
		add_field(r, "X-Amz-Content-Sha256", slice_str(r->payload ? r->payload : r->sha));
	if (who->token)
		add_field(r, "X-Amz-Security-Token", slice_str(who->token));
	as_sigv4(r, headers, &request);
	must(iam_sign_request(&signer, secret, &request, digest, r->text, &why), &why);
	add_field(r, "Authorization", buf_slice(r->text));
}

void request_clear(struct request *r)
{
	buf_freep(&r->text);
}

int call_api(struct keys_fixture *f, const struct who *who, struct request r, char *body, size_t size)
{
	CLEANUP(keys_answer_clear) struct keys_answer answer = {0};
	struct why why = {{0}};

	request_sign(&r, who);
	must(keys_api_call(f->s, &r.head, slice_str(r.body ? r.body : ""), &answer, &why), &why);
	if (body)
		snprintf(body, size, "%.*s", (int)buf_len(answer.body), (const char *)buf_slice(answer.body).ptr);
	request_clear(&r);
	return answer.status;
}

int call_kms(struct keys_fixture *f, const struct who *who, const char *operation, const char *input, char *body,
             size_t size)
{
	char target[64];

	snprintf(target, sizeof target, "TrentService.%s", operation);
	return call_api(f, who,
	                (struct request){.service = "kms",
	                                 .method = "POST",
	                                 .target = "/",
	                                 .body = input,
	                                 .content_type = "application/x-amz-json-1.1",
	                                 .headers = {{"X-Amz-Target", target}}},
	                body, size);
}

int call_iam(struct keys_fixture *f, const struct who *who, const char *service, const char *form, char *body,
             size_t size)
{
	return call_api(f, who,
	                (struct request){.service = service,
	                                 .method = "POST",
	                                 .target = "/",
	                                 .body = form,
	                                 .content_type = "application/x-www-form-urlencoded; charset=utf-8"},
	                body, size);
}

int call_s3(struct keys_fixture *f, const struct who *who, struct request r, const struct s3_call_existing *existing,
            struct keys_s3_result *result)
{
	struct s3_call call = {0};
	struct why why = {{0}};
	int status;

	r.service = "s3";
	request_sign(&r, who);
	call.head = r.head;
	call.body = slice_str(r.body ? r.body : "");
	call.has_existing = existing != NULL;
	if (existing)
		call.existing = *existing;
	call.bucket_is_empty = true;
	must(keys_s3_call(f->s, &call, 1, result, &why), &why);
	request_clear(&r);
	switch (result->decision.verdict) {
	case S3_VERDICT_REFUSED:
		status = result->decision.status;
		break;
	case S3_VERDICT_ANSWERED:
		status = result->decision.answer.status;
		break;
	default:
		status = 0;
	}
	return status;
}

int s3_status(struct keys_fixture *f, const struct who *who, const char *method, const char *target, const char *body)
{
	struct keys_s3_result result;
	int status = call_s3(f, who, (struct request){.method = method, .target = target, .body = body}, NULL, &result);

	keys_s3_result_clear(&result);
	return status;
}
