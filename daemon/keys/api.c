#include "daemon/keys/api.h"

#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"
#include "daemon/keys/request.h"
#include "iam/api.h"
#include "kms/api_json.h"

static const char json_mime[] = "application/x-amz-json-1.1", xml_mime[] = "text/xml";

/* A call on its way. */
struct call {
	struct keys_request *r;
	struct slice body;
	enum iam_api api;
	const char *source; /* for records: "kms.amazonaws.com" */
	struct keys_answer *answer;
};

/* How a call counts, and whether its record must be durable before it is answered. */
struct effect {
	bool is_counted;
	enum iam_call_kind kind;
	bool is_held;
};

static const struct effect reads = {0}, uses = {.is_held = true},
			   mints = {.is_counted = true, .kind = IAM_CALL_MINTS, .is_held = true},
			   sets = {.is_counted = true, .kind = IAM_CALL_SETS, .is_held = true};

static int unavailable(struct call *c, const struct why *why, struct why *reterr_why)
{
	return keys_answer_error(c->answer, c->api, 503,
	                         c->api == IAM_API_QUERY ? "ServiceUnavailable" : "ServiceUnavailableException",
	                         why->text, reterr_why);
}

static int denied(struct call *c, const struct why *why, struct why *reterr_why)
{
	return keys_answer_error(c->answer, c->api, c->api == IAM_API_QUERY ? 403 : 400,
	                         c->api == IAM_API_QUERY ? "AccessDenied" : "AccessDeniedException", why->text,
	                         reterr_why);
}

static int not_offered(struct call *c, const char *what, struct why *reterr_why)
{
	return keys_answer_error(c->answer, c->api, c->api == IAM_API_QUERY ? 400 : 404,
	                         c->api == IAM_API_QUERY ? "InvalidAction" : "UnknownOperationException", what,
	                         reterr_why);
}

/* Before a call runs. *ret_go_on is false when the answer is there already. */
static int admit(struct call *c, struct effect effect, bool *ret_go_on, struct why *reterr_why)
{
	bool is_operator = c->r->proof.caller->is_operator;
	enum iam_repeat repeat = IAM_REPEAT_RUN;
	struct slice outcome;
	struct why why;
	int err;

	*ret_go_on = false;
	/* First this, so that a call that could not be recorded has not used up its signature. */
	if (effect.is_held && keys_outbox_check(c->r->s->outbox, is_operator, &why) != ERR_OK)
		return unavailable(c, &why, reterr_why);
	if (effect.is_counted) {
		err = keys_request_count(c->r, effect.kind, &repeat, &outcome, &why);
		if (err_class(err) == ERR_DENIED)
			return denied(c, &why, reterr_why);
		if (err != ERR_OK)
			return unavailable(c, &why, reterr_why);
	}
	if (repeat == IAM_REPEAT_OUTCOME) {
		struct keys_event event = {.source = c->source, .name = "RepeatedCall"};

		TRY(keys_answer_load(outcome, c->answer, reterr_why));
		keys_request_event(c->r, &event);
		return keys_request_log(c->r, &event, reterr_why);
	}
	*ret_go_on = true;
	return ERR_OK;
}

/* A read that was allowed: gathered, not waited for. */
static int note_read(struct call *c, const struct keys_event *event, struct why *reterr_why)
{
	const struct iam_caller *caller = c->r->proof.caller;
	const struct keys_read_spec spec = {
		.account = caller->is_operator ? "operator" : caller->account,
		.caller_account = caller->account,
		.caller_arn = caller->arn,
		.caller_id = caller->id,
		.access_key = caller->access_key,
		.source = event->source,
		.name = event->name,
		.error_code = event->error_code ? event->error_code : "",
		.bucket = "",
		.request_id = c->r->head->request_id,
		.peer = slice_str(c->r->source_ip),
		.now_ms = c->r->circumstances.now_ms,
	};

	return keys_reads_note(&c->r->s->reads, &spec, reterr_why);
}

/* After a call ran: its record, and for a call that sets something its outcome. A denial that cannot be recorded is not
 * told: the client learns that it could not be done now. */
static int finish(struct call *c, struct effect effect, struct keys_event *event, int err, struct why *reterr_why)
{
	bool is_held = effect.is_held || err_class(err) == ERR_DENIED;
	bool is_operator = c->r->proof.caller->is_operator;
	CLEANUP(buf_freep) struct buf *saved = NULL;
	struct why why;

	keys_request_event(c->r, event);
	event->is_read_only = !effect.is_counted;
	if (!is_held) {
		if (note_read(c, event, &why) != ERR_OK)
			return unavailable(c, &why, reterr_why);
		return ERR_OK;
	}
	if (!effect.is_held && keys_outbox_check(c->r->s->outbox, is_operator, &why) != ERR_OK)
		return unavailable(c, &why, reterr_why);
	TRY(keys_request_log(c->r, event, reterr_why));
	if (!effect.is_counted || effect.kind != IAM_CALL_SETS)
		return ERR_OK;
	/* One that is too long to keep is refused when it is repeated. */
	TRY(buf_new(IAM_OUTCOME_BYTES_MAX, &saved, reterr_why));
	if (keys_answer_save(c->answer, saved, NULL) == ERR_OK)
		(void)!iam_repeats_record(c->r->s->repeats, &c->r->proof.auth, buf_slice(saved), NULL);
	return ERR_OK;
}

/* --- KMS --- */

static bool is_among(struct slice name, const char *const *list)
{
	for (; *list; list++)
		if (slice_is_str(name, *list))
			return true;
	return false;
}

static struct effect kms_effect(struct slice target)
{
	static const char *const reading[] = {"TrentService.DescribeKey",      "TrentService.ListKeys",
	                                      "TrentService.ListAliases",      "TrentService.GetKeyPolicy",
	                                      "TrentService.ListKeyPolicies",  "TrentService.GetKeyRotationStatus",
	                                      "TrentService.ListResourceTags", NULL};
	static const char *const using[] = {"TrentService.Decrypt", NULL};
	static const char *const minting[] = {"TrentService.CreateKey",
	                                      "TrentService.CreateAlias",
	                                      "TrentService.Encrypt",
	                                      "TrentService.ReEncrypt",
	                                      "TrentService.GenerateRandom",
	                                      "TrentService.GenerateDataKey",
	                                      "TrentService.GenerateDataKeyWithoutPlaintext",
	                                      NULL};

	if (is_among(target, reading))
		return reads;
	if (is_among(target, using))
		return uses;
	return is_among(target, minting) ? mints : sets;
}

static int call_kms(struct call *c, struct why *reterr_why)
{
	CLEANUP(kms_reply_freep) struct kms_reply *reply = NULL;
	struct keys_gate gate = {.r = c->r};
	struct keys_event event = {.source = c->source, .resource_type = "AWS::KMS::Key"};
	struct kms_call call;
	struct slice target;
	struct effect effect;
	bool go_on;

	if (!slice_is_str(c->r->proof.parts.method, "POST") || !slice_is_str(c->r->proof.parts.path, "/") ||
	    !sigv4_canonical_header(&c->r->proof.parts, "x-amz-target", &target))
		return not_offered(c, "calls of KMS are POST to / and name their operation in X-Amz-Target",
		                   reterr_why);
	effect = kms_effect(target);
	TRY(admit(c, effect, &go_on, reterr_why));
	if (!go_on)
		return ERR_OK;
	keys_gate_call(&gate, &call);
	TRY(kms_api_call(c->r->s->keystore, &call, target, c->body, &reply, reterr_why));
	c->answer->status = (uint16_t)reply->status;
	c->answer->content_type = json_mime;
	c->answer->body = take_ptr(reply->body);
	event.name = reply->event_name[0] ? reply->event_name : "UnknownOperation";
	event.error_code = reply->error_code;
	event.error_message = reply->error_code ? reply->why.text : NULL;
	event.request_parameters = reply->request_parameters;
	event.response_elements = reply->response_elements;
	event.resource_arn = reply->key_arn;
	event.resource_account = reply->key_account;
	return finish(c, effect, &event, reply->err, reterr_why);
}

/* --- IAM, STS and accounts --- */

static struct effect iam_effect_of(enum iam_effect effect)
{
	switch (effect) {
	case IAM_EFFECT_READS:
		return reads;
	case IAM_EFFECT_MINTS:
		return mints;
	default:
		return sets;
	}
}

static struct iam_api_call api_call_of(const struct call *c)
{
	return (struct iam_api_call){.caller = c->r->proof.caller,
	                             .circumstances = &c->r->circumstances,
	                             .request_id = c->r->head->request_id,
	                             .reply_origin = IAM_ORIGIN_PLAIN};
}

static int answer_iam(struct call *c, struct effect effect, struct iam_reply *reply, const char *content_type,
                      struct why *reterr_why)
{
	struct keys_event event = {
		.source = reply->event_source,
		.name = reply->event_name[0] ? reply->event_name : "UnknownOperation",
		.error_code = reply->error_code,
		.error_message = reply->error_code ? reply->why.text : NULL,
		.request_parameters = reply->request_parameters,
		.response_elements = reply->response_elements,
	};

	c->answer->status = (uint16_t)reply->status;
	c->answer->content_type = content_type;
	c->answer->body = take_ptr(reply->body);
	return finish(c, effect, &event, reply->err, reterr_why);
}

static int call_query(struct call *c, struct why *reterr_why)
{
	const char *service = c->r->proof.auth.service;
	const struct iam_api_call call = api_call_of(c);
	CLEANUP(iam_reply_freep) struct iam_reply *reply = NULL;
	CLEANUP(form_freep) struct form *form = NULL;
	enum iam_effect what = IAM_EFFECT_READS;
	struct why why;
	bool go_on;

	if (!slice_is_str(c->r->proof.parts.method, "POST") || !slice_is_str(c->r->proof.parts.path, "/"))
		return not_offered(c, "calls of IAM and STS are POST to / with a form", reterr_why);
	if (form_read(c->body, FORM_BODY, FORM_REPEATS_REFUSED, &form, &why) != ERR_OK)
		return keys_answer_error(c->answer, c->api, 400, "MalformedInput", why.text, reterr_why);
	/* An action that is not there reads, as it were: the call says so itself. */
	(void)!iam_api_effect(service, form, &what, NULL);
	TRY(admit(c, iam_effect_of(what), &go_on, reterr_why));
	if (!go_on)
		return ERR_OK;
	TRY(iam_api_query(c->r->s->iam, &call, service, form, &reply, reterr_why));
	return answer_iam(c, iam_effect_of(what), reply, xml_mime, reterr_why);
}

static int call_accounts(struct call *c, struct why *reterr_why)
{
	const struct iam_api_call call = api_call_of(c);
	bool is_create = slice_is_str(c->r->proof.parts.method, "POST");
	CLEANUP(iam_reply_freep) struct iam_reply *reply = NULL;
	CLEANUP(json_freep) json_t *input = NULL;
	struct effect effect = is_create ? mints : reads;
	struct why why;
	bool go_on;

	if (json_read_object(c->body.len ? c->body : slice_str("{}"), &input, &why) != ERR_OK)
		return keys_answer_error(c->answer, c->api, 400, "SerializationException", why.text, reterr_why);
	TRY(admit(c, effect, &go_on, reterr_why));
	if (!go_on)
		return ERR_OK;
	TRY(iam_api_accounts(c->r->s->iam, &call, slice_str(is_create ? "CreateAccount" : "ListAccounts"), input,
	                     &reply, reterr_why));
	return answer_iam(c, effect, reply, "application/json", reterr_why);
}

static int call_own(struct call *c, struct why *reterr_why)
{
	struct slice method = c->r->proof.parts.method;

	if (slice_is_str(c->r->proof.parts.path, "/-/v1/accounts") &&
	    (slice_is_str(method, "POST") || slice_is_str(method, "GET")))
		return call_accounts(c, reterr_why);
	return not_offered(c, "there is no such call here", reterr_why);
}

/* --- routing --- */

static int route(struct call *c, struct why *reterr_why)
{
	struct slice service = slice_str(c->r->proof.auth.service), value;

	/* Who asks for a sealed answer must not get one in clear. */
	if (sigv4_canonical_header(&c->r->proof.parts, "x-cloister-sealed", &value) ||
	    sigv4_canonical_header(&c->r->proof.parts, "x-cloister-reply-key", &value))
		return not_offered(c, "sealed requests are not offered here yet", reterr_why);
	if (slice_is_str(service, "kms")) {
		c->source = "kms.amazonaws.com";
		return call_kms(c, reterr_why);
	}
	if (slice_is_str(service, "iam") || slice_is_str(service, "sts")) {
		c->source = slice_is_str(service, "iam") ? "iam.amazonaws.com" : "sts.amazonaws.com";
		return call_query(c, reterr_why);
	}
	c->source = "config.cloister";
	if (slice_is_str(service, "cloister"))
		return call_own(c, reterr_why);
	return not_offered(c, "this service is not offered here", reterr_why);
}

/* Which API's words a request that proves nothing is answered in. */
static enum iam_api guess_api(const struct call_head *head)
{
	struct slice type;

	return call_head_field(head, "content-type", &type) && slice_starts_with(type, "application/x-www-form")
	               ? IAM_API_QUERY
	               : IAM_API_JSON;
}

static int refuse(struct call *c, struct keys_service *s, const struct call_head *head, enum iam_refusal refusal,
                  const struct why *why, struct why *reterr_why)
{
	int status;
	const char *code = iam_refusal_code(refusal, c->api, &status);
	struct why full;

	if (keys_request_note_refusal(s, head, "signin.amazonaws.com", code, &full) != ERR_OK)
		return unavailable(c, &full, reterr_why);
	return keys_answer_error(c->answer, c->api, status, code, why->text, reterr_why);
}

int keys_api_call(struct keys_service *s, const struct call_head *head, struct slice body,
                  struct keys_answer *ret_answer, struct why *reterr_why)
{
	CLEANUP(keys_answer_clear) struct keys_answer answer = {.content_type = json_mime};
	CLEANUP(keys_request_clear) struct keys_request r = {0};
	struct call c = {.r = &r, .body = body, .api = guess_api(head), .answer = &answer};
	uint8_t digest[SHA256_BYTES];
	enum iam_refusal refusal;
	struct why why;
	int err;

	memcpy(answer.request_id, head->request_id, sizeof answer.request_id);
	sha256(body, digest);
	err = keys_request_prove(s, head, digest, &r, &refusal, &why);
	if (err_class(err) == ERR_DENIED && refusal != IAM_REFUSAL_NONE) {
		TRY(refuse(&c, s, head, refusal, &why, reterr_why));
	} else if (err != ERR_OK) {
		why_set(reterr_why, "%s", why.text);
		return err;
	} else {
		(void)iam_api_of_service(r.proof.auth.service, &c.api);
		TRY(route(&c, reterr_why));
	}
	answer.ticket = r.ticket;
	*ret_answer = answer;
	answer = (struct keys_answer){0};
	return ERR_OK;
}
