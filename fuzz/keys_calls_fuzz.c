/* What front sends keys, with an installation behind it: raw messages, and requests that are signed as a client would,
 * so that routing, parsing and deciding are reached. Nothing may crash, and nothing foreign may be allowed. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/time.h"
#include "crypto/hash.h"
#include "daemon/keys/api.h"
#include "daemon/keys/init.h"
#include "daemon/keys/s3.h"
#include "fuzz/fuzz.h"

#define NOW_MS UINT64_C(1795000000000)

static struct keys_service *service;
static char directory[] = "/tmp/cloister-fuzz-XXXXXX", access_key[IAM_ID_BYTES], secret_text[64];
static int dir_fd = -1;

static uint64_t clock_now(void)
{
	return NOW_MS;
}

static int append(void *self, struct slice body, struct why *reterr_why)
{
	(void)self, (void)body, (void)reterr_why;
	return ERR_OK;
}

static void clean(void)
{
	keys_service_freep(&service);
	(void)!path_empty_dir(dir_fd, NULL);
	fd_closep(&dir_fd);
	(void)rmdir(directory);
}

static void must(int err)
{
	if (err != ERR_OK)
		abort();
}

static void open_installation(void)
{
	CLEANUP(secret_freep) struct secret *passphrase = NULL;
	CLEANUP(json_freep) json_t *answer = NULL;
	const struct keys_log_port port = {.append = append, .account_key = append};
	char path[64];
	struct keys_init_spec spec = {
		.region = "us-east-1", .ca_path = "", .now_ms = NOW_MS, .accounts = {"a"}, .account_count = 1};
	struct keys_service_options options = {.region = "us-east-1"};
	const json_t *account;
	struct kms_unseal unseal;

	if (!mkdtemp(directory))
		abort();
	must(path_open_given(directory, O_DIRECTORY, 0, &dir_fd, NULL));
	must(secret_new_from(slice_str("x"), &passphrase, NULL));
	(void)snprintf(path, sizeof path, "%s/keys.db", directory);
	spec.keys_fd = spec.store_fd = spec.state_fd = options.dir_fd = dir_fd;
	spec.database = options.database = path;
	spec.passphrase = passphrase;
	must(keys_init(&spec, &answer, NULL));
	account = json_array_get(json_object_get(answer, "accounts"), 0);
	(void)snprintf(access_key, sizeof access_key, "%s", json_string_value(json_object_get(account, "access_key")));
	(void)snprintf(secret_text, sizeof secret_text, "%s",
	               json_string_value(json_object_get(account, "secret_key")));
	unseal = kms_unseal_passphrase(passphrase);
	must(keys_service_open(&options, &unseal, &service, NULL));
	service->now_ms = clock_now;
	keys_outbox_attach(service->outbox, &port, 0);
	(void)atexit(clean);
}

static void decide(const struct s3_call *call)
{
	CLEANUP(keys_s3_result_clear) struct keys_s3_result result = {0};
	CLEANUP(buf_freep) struct buf *out = NULL;

	if (keys_s3_call(service, call, 1, &result, NULL) != ERR_OK)
		return;
	must(buf_new(16 << 20, &out, NULL));
	must(s3_decision_put(&result.decision, out, NULL));
}

static void answer(const struct call_head *head, struct slice body)
{
	CLEANUP(keys_answer_clear) struct keys_answer a = {0};

	(void)!keys_api_call(service, head, body, &a, NULL);
}

static void raw(struct slice input, bool is_s3)
{
	struct cursor c = cursor_of(input);
	struct s3_call call;
	struct call_head head;

	if (is_s3 && s3_call_take(input, &call, NULL) == ERR_OK)
		decide(&call);
	else if (!is_s3 && call_head_take(&c, &head, NULL) == ERR_OK)
		answer(&head, c.rest);
}

static struct slice line(struct cursor *c)
{
	struct slice taken = {0};

	if (cursor_take_until(c, '\n', &taken, NULL) != ERR_OK) {
		taken = c->rest;
		c->rest = slice_of(NULL, 0);
	}
	return taken;
}

/* method \n target \n a header's name \n its value \n body: signed with the account's root key. */
static void signed_call(const char *service_name, struct slice input)
{
	struct cursor c = cursor_of(input);
	struct sigv4_header headers[8];
	struct sigv4_request request = {.headers = headers, .method = line(&c), .target = line(&c)};
	const struct sigv4_signer signer = {access_key, "us-east-1", service_name, NULL, NOW_MS};
	struct slice name = line(&c), value = line(&c), body = c.rest;
	CLEANUP(secret_freep) struct secret *secret = NULL;
	CLEANUP(buf_freep) struct buf *authorization = NULL;
	char date[TIME_BASIC_BYTES], hex[65];
	uint8_t digest[SHA256_BYTES];
	struct s3_call call = {.body = body, .bucket_is_empty = true};

	sha256(body, digest);
	hex_encode(slice_of(digest, sizeof digest), hex);
	time_format_basic(NOW_MS, date);
	headers[request.header_count++] = (struct sigv4_header){slice_str("host"), slice_str("h")};
	headers[request.header_count++] = (struct sigv4_header){slice_str("x-amz-date"), slice_str(date)};
	headers[request.header_count++] = (struct sigv4_header){slice_str("x-amz-content-sha256"), slice_str(hex)};
	if (name.len)
		headers[request.header_count++] = (struct sigv4_header){name, value};
	must(buf_new(65536, &authorization, NULL));
	must(secret_new_from(slice_str(secret_text), &secret, NULL));
	if (iam_sign_request(&signer, secret, &request, digest, authorization, NULL) != ERR_OK)
		return;
	headers[request.header_count++] = (struct sigv4_header){slice_str("authorization"), buf_slice(authorization)};
	call.head = (struct call_head){.method = request.method,
	                               .target = request.target,
	                               .is_tls = true,
	                               .peer = slice_str("192.0.2.1:1"),
	                               .request_id = "0123456789ABCDEF",
	                               .field_count = request.header_count};
	for (size_t i = 0; i < request.header_count; i++)
		call.head.fields[i] = (struct call_field){headers[i].name, headers[i].value};
	if (slice_is_str(slice_str(service_name), "s3"))
		decide(&call);
	else
		answer(&call.head, body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const services[] = {"s3", "kms", "iam", "sts", "cloister"};
	struct slice rest;

	if (!service)
		open_installation();
	if (!len)
		return 0;
	rest = slice_of(data + 1, len - 1);
	if (data[0] == 'r' || data[0] == 'R')
		raw(rest, data[0] == 'R');
	else
		signed_call(services[data[0] % 5], rest);
	keys_reads_flush(&service->reads, NOW_MS, true);
	for (int i = 0; i < 100 && !keys_outbox_is_idle(service->outbox); i++) {
		keys_outbox_flush(service->outbox, NOW_MS);
		keys_outbox_acknowledge(service->outbox, ERR_OK);
	}
	return 0;
}
