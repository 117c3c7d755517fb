#include "daemon/keys/request.h"

#include <stdio.h>

#include <string.h>

#include "kms/uuid.h"

void keys_request_clear(struct keys_request *r)
{
	iam_proof_clear(&r->proof);
}

/* "127.0.0.1:4711", "[::1]:4711" or an address alone: the address. */
static void read_source(struct slice peer, char out[static CALL_PEER_BYTES_MAX + 1])
{
	size_t begin = 0, end = peer.len < CALL_PEER_BYTES_MAX ? peer.len : CALL_PEER_BYTES_MAX, colons = 0, last = end;

	for (size_t i = 0; i < end; i++)
		if (peer.ptr[i] == ':') {
			colons++;
			last = i;
		}
	if (end && peer.ptr[0] == '[') {
		begin = 1;
		for (last = 1; last < end && peer.ptr[last] != ']';)
			last++;
		end = last;
	} else if (colons == 1) {
		end = last;
	}
	if (end > begin)
		memcpy(out, peer.ptr + begin, end - begin);
	out[end - begin] = 0;
}

int keys_request_prove(struct keys_service *s, const struct call_head *head, const uint8_t *body_sha256,
                       struct keys_request *r, enum iam_refusal *ret_refusal, struct why *reterr_why)
{
	struct sigv4_header headers[CALL_FIELDS_MAX];
	const struct sigv4_request request = {
		.method = head->method, .target = head->target, .headers = headers, .header_count = head->field_count};

	*r = (struct keys_request){.s = s, .head = head};
	read_source(head->peer, r->source_ip);
	r->circumstances = (struct iam_circumstances){
		.now_ms = s->now_ms(), .source_ip = r->source_ip[0] ? r->source_ip : NULL, .is_secure = head->is_tls};
	for (size_t i = 0; i < head->field_count; i++)
		headers[i] = (struct sigv4_header){head->fields[i].name, head->fields[i].value};
	return iam_authenticate(s->iam, &request, body_sha256, r->circumstances.now_ms, &r->proof, ret_refusal,
	                        reterr_why);
}

/* The access key that the request claims, for whoever looks for guessing; nothing of it is proved. */
static void read_claimed_key(const struct call_head *head, char out[static IAM_ID_BYTES])
{
	struct sigv4_header headers[CALL_FIELDS_MAX];
	const struct sigv4_request request = {
		.method = head->method, .target = head->target, .headers = headers, .header_count = head->field_count};
	struct sigv4 auth;

	for (size_t i = 0; i < head->field_count; i++)
		headers[i] = (struct sigv4_header){head->fields[i].name, head->fields[i].value};
	out[0] = 0;
	if (sigv4_read(&request, &auth, NULL) == ERR_OK && strlen(auth.access_key) < IAM_ID_BYTES)
		memcpy(out, auth.access_key, strlen(auth.access_key) + 1);
}

int keys_request_note_refusal(struct keys_service *s, const struct call_head *head, const char *source,
                              const char *code, struct why *reterr_why)
{
	char claimed[IAM_ID_BYTES], peer[CALL_PEER_BYTES_MAX + 1];
	struct keys_read_spec spec = {.account = "operator",
	                              .caller_account = "",
	                              .caller_arn = "",
	                              .caller_id = "",
	                              .access_key = claimed,
	                              .source = source,
	                              .name = "AuthenticationFailure",
	                              .error_code = code,
	                              .bucket = "",
	                              .request_id = head->request_id,
	                              .now_ms = s->now_ms()};

	/* Without its port: a flood comes from many. */
	read_source(head->peer, peer);
	spec.peer = slice_str(peer);
	read_claimed_key(head, claimed);
	return keys_reads_note(&s->reads, &spec, reterr_why);
}

int keys_request_count(struct keys_request *r, enum iam_call_kind kind, enum iam_repeat *ret_repeat,
                       struct slice *ret_outcome, struct why *reterr_why)
{
	struct slice nonce;

	if (sigv4_canonical_header(&r->proof.parts, "x-cloister-nonce", &nonce))
		kind = IAM_CALL_ONCE;
	return iam_repeats_use(r->s->repeats, &r->proof.auth, kind, r->circumstances.now_ms, ret_repeat, &r->uses,
	                       ret_outcome, reterr_why);
}

int keys_request_context(const struct keys_request *r, struct iam_context **ret_context, struct why *reterr_why)
{
	CLEANUP(iam_context_freep) struct iam_context *context = NULL;

	TRY(iam_context_new(&context, reterr_why));
	TRY(iam_caller_put_context(r->proof.caller, &r->circumstances, context, reterr_why));
	*ret_context = take_ptr(context);
	return ERR_OK;
}

void keys_request_event(const struct keys_request *r, struct keys_event *event)
{
	event->now_ms = r->circumstances.now_ms;
	event->head = r->head;
	event->caller = r->proof.caller;
	event->is_repeated = r->uses > 1;
	event->region = kms_keystore_region(r->s->keystore);
}

int keys_request_log(struct keys_request *r, struct keys_event *event, struct why *reterr_why)
{
	const struct iam_caller *caller = r->proof.caller;
	const char *owner = event->resource_account;
	bool is_shared = owner && owner[0] && strcmp(owner, caller->account) != 0;
	CLEANUP(json_freep) json_t *record = NULL;
	char shared[UUID_TEXT_BYTES];
	uint8_t id[UUID_BYTES];

	if (is_shared) {
		TRY(uuid_new(id, reterr_why));
		uuid_print(id, shared);
		event->shared_event_id = shared;
	}
	TRY(keys_event_record(event, &record, reterr_why));
	TRY(keys_outbox_put(r->s->outbox, caller->is_operator ? "operator" : caller->account, record, &r->ticket,
	                    reterr_why));
	if (!is_shared)
		return ERR_OK;
	json_freep(&record);
	TRY(keys_event_record(event, &record, reterr_why));
	return keys_outbox_put(r->s->outbox, owner, record, &r->ticket, reterr_why);
}

/* --- the gate of kms --- */

/* Each pair of the encryption context is a condition key of its own. One that no policy could name is refused rather
 * than left out: a Deny might have meant it. */
static int put_encryption_context(const struct kms_context *encryption, struct iam_context *context,
                                  struct why *reterr_why)
{
	struct slice names[KMS_CONTEXT_PAIRS_MAX];
	size_t count = 0;
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)kms_context_map(encryption), name, value)
	{
		char key[321];
		struct slice text = slice_of(json_string_value(value), json_string_length(value));
		int err;

		ENSURE(strlen(name) < sizeof key - 32, ERR_INVALID, reterr_why,
		       "a name in the encryption context is longer than policies allow");
		(void)snprintf(key, sizeof key, "kms:EncryptionContext:%s", name);
		err = iam_context_put(context, key, text, reterr_why);
		ENSURE(err != ERR_CONFLICT, ERR_INVALID, reterr_why,
		       "two names in the encryption context differ only by case");
		TRY(err);
		names[count++] = slice_str(name);
	}
	return iam_context_put_all(context, slice_str("kms:EncryptionContextKeys"), names, count, reterr_why);
}

static int put_kms_context(const struct keys_gate *gate, const struct kms_question *q, struct iam_context *context,
                           struct why *reterr_why)
{
	char via[64];

	TRY(iam_context_put(context, "kms:CallerAccount", slice_str(gate->r->proof.caller->account), reterr_why));
	if (gate->via) {
		(void)snprintf(via, sizeof via, "%s.%s.amazonaws.com", gate->via,
		               kms_keystore_region(gate->r->s->keystore));
		TRY(iam_context_put(context, "kms:ViaService", slice_str(via), reterr_why));
	}
	if (q->alias)
		TRY(iam_context_put(context, "kms:RequestAlias", slice_str(q->alias), reterr_why));
	return q->context ? put_encryption_context(q->context, context, reterr_why) : ERR_OK;
}

static int authorise(void *self, const struct kms_question *q, struct why *reterr_why)
{
	const struct keys_gate *gate = self;
	CLEANUP(iam_context_freep) struct iam_context *context = NULL;
	struct iam_question question = {
		.action = slice_str(q->action),
		.resource = slice_str(q->resource),
		.resource_account = slice_str(q->owner),
		.resource_kind = q->policy.len ? IAM_RESOURCE_POLICY_REQUIRED : IAM_RESOURCE_POLICY_NONE,
		.resource_policy = q->policy,
		.resource_policy_name = "the key policy",
	};

	TRY(keys_request_context(gate->r, &context, reterr_why));
	TRY(put_kms_context(gate, q, context, reterr_why));
	question.context = context;
	return iam_ask_or_deny(gate->r->s->iam, gate->r->proof.caller, &question, reterr_why);
}

int keys_policy_check(struct slice policy, struct why *reterr_why)
{
	struct iam_policy *parsed = NULL;

	TRY(iam_policy_parse(policy, IAM_POLICY_RESOURCE, &parsed, reterr_why));
	iam_policy_free(parsed);
	return ERR_OK;
}

static int check_policy(void *self, struct slice policy, struct why *reterr_why)
{
	(void)self;
	return keys_policy_check(policy, reterr_why);
}

void keys_gate_call(struct keys_gate *gate, struct kms_call *ret_call)
{
	*ret_call = (struct kms_call){
		.account = gate->r->proof.caller->account,
		.now_wall_ms = gate->r->circumstances.now_ms,
		.gate = gate,
		.authorise = authorise,
		.check_policy = check_policy,
	};
}
