#include "daemon/front/route.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/random.h"
#include "daemon/front/s3.h"
#include "daemon/link/keys_ledger.h"
#include "daemon/link/ping.h"

/* --- which way -------------------------------------------------------------------------------------------------- */

/* The fourth part of "AKID/date/region/service/aws4_request", up to what ends the credential. `slash` is how a slash is
 * written there: "/" or "%2F". */
static struct slice service_of(struct slice credential, const char *slash)
{
	size_t slash_len = strlen(slash);

	for (int part = 0; part < 4; part++) {
		const uint8_t *at = credential.len ? memmem(credential.ptr, credential.len, slash, slash_len) : NULL;
		size_t len = at ? (size_t)(at - credential.ptr) : 0;

		if (!at)
			return slice_of(NULL, 0);
		if (part == 3)
			return slice_of(credential.ptr, len);
		credential = slice_of(at + slash_len, credential.len - len - slash_len);
	}
	return slice_of(NULL, 0);
}

static struct slice after(struct slice text, const char *what)
{
	const uint8_t *at = text.len ? memmem(text.ptr, text.len, what, strlen(what)) : NULL;

	if (!at)
		return slice_of(NULL, 0);
	at += strlen(what);
	return slice_of(at, text.len - (size_t)(at - text.ptr));
}

static struct slice service_of_request(const struct http1_request *request)
{
	struct slice credential, service = {0};

	if (http1_fields_find(&request->fields, "Authorization", &credential))
		return service_of(after(credential, "Credential="), "/");
	credential = after(request->uri.query, "X-Amz-Credential=");
	if (credential.len) {
		service = service_of(credential, "%2F");
		if (!service.len)
			service = service_of(credential, "/");
	}
	return service;
}

static bool is_for_keys(const struct http1_request *request)
{
	static const char *const services[] = {"kms", "iam", "sts", "sagemaker"};
	struct slice service = service_of_request(request), type;

	for (size_t i = 0; i < sizeof services / sizeof *services; i++)
		if (slice_is_str(service, services[i]))
			return true;
	/* A call that carries its credentials in the form, or has none: AssumeRoleWithWebIdentity. */
	return slice_is_str(request->method, "POST") && slice_is_str(request->uri.path, "/") &&
	       http1_fields_find(&request->fields, "Content-Type", &type) &&
	       slice_starts_with(type, "application/x-www-form-urlencoded");
}

enum front_target front_route(const struct http1_request *request)
{
	struct slice path = request->uri.path;

	if (slice_is_str(path, "/-/healthz"))
		return FRONT_TARGET_HEALTHZ;
	if (slice_is_str(path, "/-/readyz"))
		return FRONT_TARGET_READYZ;
	if (slice_starts_with(path, "/-/log/"))
		return FRONT_TARGET_LOG;
	if (slice_is_str(path, "/-") || slice_starts_with(path, "/-/") || is_for_keys(request))
		return FRONT_TARGET_KEYS;
	return FRONT_TARGET_S3;
}

/* --- calls ------------------------------------------------------------------------------------------------------ */

int front_head_of(struct http_exchange *x, const char *request_id, struct call_head *ret_head, struct why *reterr_why)
{
	const struct http1_request *r = http_exchange_request(x);

	ENSURE(r->fields.count <= CALL_FIELDS_MAX, ERR_LIMIT, reterr_why, "%zu header fields; at most %d are accepted",
	       r->fields.count, CALL_FIELDS_MAX);
	ret_head->method = r->method;
	ret_head->target = r->target;
	ret_head->is_tls = http_exchange_is_tls(x);
	ret_head->peer = slice_str(http_exchange_peer(x)->address);
	memcpy(ret_head->request_id, request_id, sizeof ret_head->request_id);
	ret_head->field_count = r->fields.count;
	for (size_t i = 0; i < r->fields.count; i++)
		ret_head->fields[i] = (struct call_field){r->fields.at[i].name, r->fields.at[i].value};
	return ERR_OK;
}

/* What frames and dates an answer is the server's to write, and the request id is on it already. */
static bool is_ours(struct slice name)
{
	static const char *const ours[] = {"connection", "content-length",    "date",
	                                   "keep-alive", "transfer-encoding", "x-amz-request-id"};

	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (slice_is_str_nocase(name, ours[i]))
			return true;
	return false;
}

int front_send_answer(struct http_exchange *x, const struct call_answer *answer, struct why *reterr_why)
{
	char name[64];

	for (size_t i = 0; i < answer->field_count; i++) {
		if (is_ours(answer->fields[i].name))
			continue;
		TRY(slice_to_str(answer->fields[i].name, name, sizeof name, reterr_why));
		TRY(http_exchange_field(x, name, answer->fields[i].value, reterr_why));
	}
	return http_exchange_respond(x, answer->status, answer->body, reterr_why);
}

static int answer_json(struct http_exchange *x, unsigned status, const char *text, struct why *reterr_why)
{
	TRY(http_exchange_field(x, "Content-Type", slice_str("application/json"), reterr_why));
	return http_exchange_respond(x, status, slice_str(text), reterr_why);
}

static int readyz(struct http_exchange *x, struct front_worker *w, struct why *reterr_why)
{
	struct ipc_message reply;
	struct pong pong;
	int err = front_worker_call(w, ROLE_KEYS, PING, slice_of(NULL, 0), &reply, reterr_why);

	if (err != ERR_OK)
		return answer_json(x, 503, "{\"status\":\"unavailable\",\"keys\":\"not answering\"}\n", reterr_why);
	err = pong_take(reply.body, &pong, reterr_why);
	ipc_message_clear(&reply);
	TRY(err);
	if (pong.state == ROLE_SEALED)
		return answer_json(x, 503, "{\"status\":\"sealed\",\"keys\":\"sealed\"}\n", reterr_why);
	return answer_json(x, 200, "{\"status\":\"ready\",\"keys\":\"running\"}\n", reterr_why);
}

/* Sends w->message, and its answer on to the client. */
static int relay(struct http_exchange *x, struct front_worker *w, enum role_number role, uint16_t type,
                 struct slice body, struct why *reterr_why)
{
	struct ipc_message reply;
	struct call_answer answer;
	struct cursor c;
	int err = front_worker_call(w, role, type, body, &reply, reterr_why);

	if (err != ERR_OK)
		return answer_json(
			x, err_class(err) == ERR_UNAVAILABLE ? 503 : 500,
			"{\"__type\":\"ServiceUnavailable\",\"message\":\"a part of Cloister does not answer; "
			"try again\"}\n",
			reterr_why);
	c = cursor_of(reply.body);
	err = call_answer_take(&c, &answer, reterr_why);
	if (err == ERR_OK)
		err = cursor_finish(&c, reterr_why);
	if (err == ERR_OK)
		err = front_send_answer(x, &answer, reterr_why);
	ipc_message_clear(&reply);
	return err;
}

static int fetch_log(struct http_exchange *x, struct front_worker *w, struct why *reterr_why)
{
	const struct http1_request *r = http_exchange_request(x);
	struct slice path = r->uri.path;
	const size_t prefix = sizeof "/-/log/" - 1;

	if (!slice_is_str(r->method, "GET") && !slice_is_str(r->method, "HEAD"))
		return answer_json(x, 405, "{\"message\":\"the log is read by GET\"}\n", reterr_why);
	return relay(x, w, ROLE_LEDGER, FRONT_LEDGER_FETCH, slice_of(path.ptr + prefix, path.len - prefix), reterr_why);
}

static int call_keys(struct http_exchange *x, struct front_worker *w, const char *request_id, struct why *reterr_why)
{
	struct call_head head;

	buf_reset(w->body);
	TRY(http_exchange_read_all(x, w->body, reterr_why));
	TRY(front_head_of(x, request_id, &head, reterr_why));
	buf_reset(w->message);
	TRY(call_head_put(&head, w->message, reterr_why));
	TRY(buf_put_lp(w->message, buf_slice(w->body), reterr_why));
	return relay(x, w, ROLE_KEYS, FRONT_KEYS_API_CALL, buf_slice(w->message), reterr_why);
}

/* 16 letters and digits: the caller sees them, and the log's record carries them. */
static int new_request_id(char out[static CALL_REQUEST_ID_BYTES + 1], struct why *reterr_why)
{
	static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	uint8_t random[CALL_REQUEST_ID_BYTES];

	TRY(random_fill(random, sizeof random, reterr_why));
	for (size_t i = 0; i < sizeof random; i++)
		out[i] = alphabet[random[i] % (sizeof alphabet - 1)];
	out[CALL_REQUEST_ID_BYTES] = 0;
	return ERR_OK;
}

int front_handle(struct http_exchange *x, void *worker, void *context, struct why *reterr_why)
{
	enum front_target target = front_route(http_exchange_request(x));
	char request_id[CALL_REQUEST_ID_BYTES + 1];
	struct front_worker *w = worker;
	(void)context;

	TRY(new_request_id(request_id, reterr_why));
	if (target == FRONT_TARGET_S3)
		return s3_handle(x, w, request_id, reterr_why);
	TRY(http_exchange_field(x, "x-amz-request-id", slice_str(request_id), reterr_why));
	switch (target) {
	case FRONT_TARGET_HEALTHZ:
		return answer_json(x, 200, "{\"status\":\"alive\"}\n", reterr_why);
	case FRONT_TARGET_READYZ:
		return readyz(x, w, reterr_why);
	case FRONT_TARGET_LOG:
		return fetch_log(x, w, reterr_why);
	case FRONT_TARGET_KEYS:
	case FRONT_TARGET_S3:
	default:
		return call_keys(x, w, request_id, reterr_why);
	}
}
