#include "cli/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/time.h"
#include "crypto/hash.h"
#include "iam/signature.h"
#include "net/tls.h"
#include "wire/form.h"

#define QUERY_TYPE "application/x-www-form-urlencoded; charset=utf-8"
#define JSON_TYPE "application/x-amz-json-1.1"

enum { NONCE_BYTES = 16, OWN_FIELDS = 6, ERROR_BYTES_MAX = 64 << 10 };

struct client {
	struct profile profile;
	struct credentials credentials;
	struct tls_client *tls;
	struct http_client *http;
	char host[PROFILE_HOST_BYTES + 16]; /* as the Host field says it */
};

int client_open(const char *profile, struct client **ret_client, struct why *reterr_why)
{
	CLEANUP(client_freep) struct client *c = calloc(1, sizeof *c);
	struct http_client_config config;
	bool is_v6;

	ENSURE(c, ERR_UNAVAILABLE, reterr_why, "out of memory");
	TRY(profile_load(profile, &c->profile, reterr_why));
	TRY(credentials_load(c->profile.name, &c->credentials, reterr_why));
	TRY(tls_client_new(slice_str(c->profile.ca_pem), &c->tls, reterr_why));
	config = (struct http_client_config){.host = c->profile.host, .port = c->profile.port, .tls = c->tls};
	TRY(http_client_new(&config, &c->http, reterr_why));
	is_v6 = strchr(c->profile.host, ':') != NULL;
	snprintf(c->host, sizeof c->host, "%s%s%s:%u", is_v6 ? "[" : "", c->profile.host, is_v6 ? "]" : "",
	         c->profile.port);
	*ret_client = take_ptr(c);
	return ERR_OK;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	http_client_free(c->http);
	tls_client_free(c->tls);
	credentials_clear(&c->credentials);
	profile_clear(&c->profile);
	free(c);
}

void client_freep(struct client **c)
{
	client_free(*c);
	*c = NULL;
}

const struct profile *client_profile(const struct client *c)
{
	return &c->profile;
}

/* The texts that a request's own fields point to. */
struct signing {
	char date[TIME_BASIC_BYTES], sha256[2 * SHA256_BYTES + 1], nonce[2 * NONCE_BYTES + 1];
	struct buf *authorization;
	struct http_client_field fields[CLIENT_FIELDS_MAX + OWN_FIELDS];
	size_t count;
};

static void signing_clear(struct signing *s)
{
	buf_free(s->authorization);
}

static void add_field(struct signing *s, const char *name, struct slice value)
{
	s->fields[s->count++] = (struct http_client_field){name, value};
}

static void fill_fields(struct signing *s, const struct client *c, const struct client_call *call)
{
	for (size_t i = 0; i < CLIENT_FIELDS_MAX; i++)
		if (call->fields[i].name)
			s->fields[s->count++] = call->fields[i];
	add_field(s, "X-Amz-Date", slice_str(s->date));
	add_field(s, "X-Amz-Content-Sha256", slice_str(s->sha256));
	add_field(s, "X-Cloister-Nonce", slice_str(s->nonce));
	if (c->credentials.token)
		add_field(s, "X-Amz-Security-Token", slice_str(c->credentials.token));
}

static int put_authorization(struct signing *s, const struct client *c, const struct client_call *call,
                             const uint8_t digest[static SHA256_BYTES], uint64_t now_ms, struct why *reterr_why)
{
	struct sigv4_header headers[CLIENT_FIELDS_MAX + OWN_FIELDS];
	const struct sigv4_signer signer = {.access_key = c->credentials.access_key,
	                                    .region = c->profile.region,
	                                    .service = call->service,
	                                    .token = c->credentials.token,
	                                    .time_ms = now_ms};
	struct sigv4_request request = {.method = slice_str(call->method), .target = call->target, .headers = headers};

	headers[request.header_count++] = (struct sigv4_header){slice_str("Host"), slice_str(c->host)};
	for (size_t i = 0; i < s->count; i++)
		headers[request.header_count++] = (struct sigv4_header){slice_str(s->fields[i].name),
		                                                        s->fields[i].value};
	TRY(buf_new(SIGV4_AUTHORIZATION_BYTES_MAX, &s->authorization, reterr_why));
	return iam_sign_request(&signer, c->credentials.secret_key, &request, digest, s->authorization, reterr_why);
}

static int sign(struct signing *s, const struct client *c, const struct client_call *call, struct why *reterr_why)
{
	uint8_t digest[SHA256_BYTES], nonce[NONCE_BYTES];
	uint64_t now_ms = time_wall_ms() / 1000 * 1000;

	if (call->source)
		memcpy(digest, call->source_sha256, sizeof digest);
	else
		sha256(call->body, digest);
	TRY(random_fill(nonce, sizeof nonce, reterr_why));
	hex_encode(slice_of(digest, sizeof digest), s->sha256);
	hex_encode(slice_of(nonce, sizeof nonce), s->nonce);
	time_format_basic(now_ms, s->date);
	fill_fields(s, c, call);
	TRY(put_authorization(s, c, call, digest, now_ms, reterr_why));
	add_field(s, "Authorization", buf_slice(s->authorization));
	return ERR_OK;
}

static int refusal(struct client *c, unsigned status, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	struct why ignored;

	TRY(buf_new(ERROR_BYTES_MAX, &body, reterr_why));
	/* However much of it could be read: the status is known. */
	(void)!http_client_read_all(c->http, body, &ignored);
	return client_error(status, buf_slice(body), reterr_why);
}

int client_start(struct client *c, const struct client_call *call, const struct http1_response **ret_response,
                 struct why *reterr_why)
{
	CLEANUP(signing_clear) struct signing s = {.count = 0};
	struct http_client_request request = {.method = call->method,
	                                      .target = call->target,
	                                      .fields = s.fields,
	                                      .body = call->body,
	                                      .source = call->source,
	                                      .source_context = call->source_context,
	                                      .source_length = call->source_length,
	                                      .expect_continue = call->source != NULL};
	int err;

	TRY(sign(&s, c, call, reterr_why));
	request.field_count = s.count;
	err = http_client_start(c->http, &request, ret_response, reterr_why);
	if (err != ERR_OK)
		why_prefix(reterr_why, "%s: ", c->host);
	TRY(err);
	return (*ret_response)->status < 300 ? ERR_OK : refusal(c, (*ret_response)->status, reterr_why);
}

int client_read(struct client *c, void *bytes, size_t size, size_t *ret_len, struct why *reterr_why)
{
	return http_client_read(c->http, bytes, size, ret_len, reterr_why);
}

int client_call(struct client *c, const struct client_call *call, struct buf *into, struct why *reterr_why)
{
	const struct http1_response *response;

	TRY(client_start(c, call, &response, reterr_why));
	return http_client_read_all(c->http, into, reterr_why);
}

int client_kms(struct client *c, const char *operation, const json_t *input, json_t **ret_output,
               struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *body = NULL, *answer = NULL;
	struct client_call call = {.service = "kms", .method = "POST", .target = slice_str("/")};
	char target[80];

	snprintf(target, sizeof target, "TrentService.%s", operation);
	TRY(buf_new(JSON_BYTES_MAX, &body, reterr_why));
	TRY(buf_new(JSON_BYTES_MAX, &answer, reterr_why));
	TRY(json_put(input, body, reterr_why));
	call.body = buf_slice(body);
	call.fields[0] = (struct http_client_field){"Content-Type", slice_str(JSON_TYPE)};
	call.fields[1] = (struct http_client_field){"X-Amz-Target", slice_str(target)};
	TRY(client_call(c, &call, answer, reterr_why));
	/* Those that only set something answer with nothing. */
	return json_read_object(buf_len(answer) ? buf_slice(answer) : slice_str("{}"), ret_output, reterr_why);
}

static const char *query_version(const char *service)
{
	return strcmp(service, "sts") == 0 ? "2011-06-15" : "2010-05-08";
}

int client_query(struct client *c, const char *service, const char *action, const struct buf *form,
                 struct xml **ret_doc, const struct xml_node **ret_result, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *body = NULL, *answer = NULL;
	CLEANUP(xml_freep) struct xml *doc = NULL;
	struct client_call call = {.service = service, .method = "POST", .target = slice_str("/")};
	const struct xml_node *root, *result;
	char name[96];

	TRY(buf_new(FORM_BYTES_MAX, &body, reterr_why));
	TRY(buf_new(XML_BYTES_MAX, &answer, reterr_why));
	TRY(form_put(body, "Action", slice_str(action), reterr_why));
	TRY(form_put(body, "Version", slice_str(query_version(service)), reterr_why));
	if (form && buf_len(form)) {
		TRY(buf_put_u8(body, '&', reterr_why));
		TRY(buf_put(body, buf_slice(form), reterr_why));
	}
	call.body = buf_slice(body);
	call.fields[0] = (struct http_client_field){"Content-Type", slice_str(QUERY_TYPE)};
	TRY(client_call(c, &call, answer, reterr_why));
	TRY(xml_read(buf_slice(answer), &doc, reterr_why));
	snprintf(name, sizeof name, "%sResponse", action);
	TRY(xml_root(doc, name, &root, reterr_why));
	snprintf(name, sizeof name, "%sResult", action);
	result = xml_child(root, name);
	*ret_result = result ? result : root;
	*ret_doc = take_ptr(doc);
	return ERR_OK;
}
