#include "daemon/keys/event.h"

#include "base/encode.h"
#include "base/time.h"
#include "kms/uuid.h"
#include "wire/utf8.h"

enum { AGENT_BYTES_MAX = 512 };

static int set(json_t *object, const char *name, const char *text, struct why *reterr_why)
{
	struct slice s = slice_str(text);

	while (!utf8_is_valid(s)) /* a sentence may be cut within a character */
		s.len--;
	return json_set_str(object, name, s, reterr_why);
}

static int put_object(json_t *object, const char *name, json_t *value, struct why *reterr_why)
{
	ENSURE(value && json_object_set_new(object, name, value) == 0, ERR_UNAVAILABLE, reterr_why,
	       "out of memory for a record");
	return ERR_OK;
}

/* Another's object, which the record shares. */
static int share_object(json_t *object, const char *name, const json_t *value, struct why *reterr_why)
{
	return value ? put_object(object, name, json_incref((json_t *)(uintptr_t)value), reterr_why) : ERR_OK;
}

static const char *type_of(const struct iam_caller *caller)
{
	switch (caller->principal.kind) {
	case IAM_ROOT:
		return "Root";
	case IAM_USER:
		return "IAMUser";
	case IAM_SESSION:
		return "AssumedRole";
	default:
		return "Unknown";
	}
}

static int put_identity(json_t *record, const struct keys_event *e, struct why *reterr_why)
{
	json_t *identity = json_object();

	TRY(put_object(record, "userIdentity", identity, reterr_why));
	if (!e->caller) {
		if (e->access_key && e->access_key[0])
			TRY(set(identity, "accessKeyId", e->access_key, reterr_why));
		return set(identity, "type", e->head ? "Unknown" : "AWSService", reterr_why);
	}
	TRY(set(identity, "type", type_of(e->caller), reterr_why));
	TRY(set(identity, "principalId", e->caller->id, reterr_why));
	TRY(set(identity, "arn", e->caller->arn, reterr_why));
	TRY(set(identity, "accountId", e->caller->account, reterr_why));
	TRY(set(identity, "accessKeyId", e->caller->access_key, reterr_why));
	TRY(set(identity, "credentialOrigin", iam_origin_name(e->caller->origin), reterr_why));
	return e->caller->user_name[0] ? set(identity, "userName", e->caller->user_name, reterr_why) : ERR_OK;
}

/* "127.0.0.1:4711" and "[::1]:4711" without the port. */
static struct slice address_of(struct slice peer)
{
	size_t end = peer.len;

	if (peer.len && peer.ptr[0] == '[') {
		for (end = 1; end < peer.len && peer.ptr[end] != ']';)
			end++;
		return slice_of(peer.ptr + 1, end - 1);
	}
	for (size_t i = 0; i < peer.len; i++)
		if (peer.ptr[i] == ':')
			end = i;
	return slice_of(peer.ptr, end);
}

static int put_request(json_t *record, const struct call_head *head, struct why *reterr_why)
{
	struct slice agent, address = address_of(head->peer);

	TRY(set(record, "requestID", head->request_id, reterr_why));
	if (utf8_is_valid(address))
		TRY(json_set_str(record, "sourceIPAddress", address, reterr_why));
	if (!call_head_field(head, "user-agent", &agent))
		return ERR_OK;
	agent.len = agent.len < AGENT_BYTES_MAX ? agent.len : AGENT_BYTES_MAX;
	return utf8_is_valid(agent) ? json_set_str(record, "userAgent", agent, reterr_why) : ERR_OK;
}

static int put_resources(json_t *record, const struct keys_event *e, struct why *reterr_why)
{
	json_t *list = json_array(), *one = json_object();

	if (!list || !one || json_array_append_new(list, one) != 0) {
		json_decref(list);
		why_set(reterr_why, "out of memory for a record");
		return ERR_UNAVAILABLE;
	}
	TRY(put_object(record, "resources", list, reterr_why));
	TRY(set(one, "ARN", e->resource_arn, reterr_why));
	TRY(set(one, "type", e->resource_type, reterr_why));
	return e->resource_account ? set(one, "accountId", e->resource_account, reterr_why) : ERR_OK;
}

static int put_basics(json_t *record, const struct keys_event *e, struct why *reterr_why)
{
	char when[TIME_RFC3339_BYTES], event_id[UUID_TEXT_BYTES];
	uint8_t id[UUID_BYTES];

	TRY(uuid_new(id, reterr_why));
	uuid_print(id, event_id);
	time_format(e->now_ms, when);
	TRY(set(record, "eventVersion", "1.11", reterr_why));
	TRY(set(record, "eventID", event_id, reterr_why));
	TRY(set(record, "eventTime", when, reterr_why));
	TRY(set(record, "eventSource", e->source, reterr_why));
	TRY(set(record, "eventName", e->name, reterr_why));
	TRY(set(record, "eventCategory", e->is_data ? "Data" : "Management", reterr_why));
	TRY(json_set_bool(record, "readOnly", e->is_read_only, reterr_why));
	if (e->is_repeated)
		TRY(json_set_bool(record, "repeatedSignature", true, reterr_why));
	if (e->shared_event_id)
		TRY(set(record, "sharedEventID", e->shared_event_id, reterr_why));
	return e->region ? set(record, "awsRegion", e->region, reterr_why) : ERR_OK;
}

int keys_event_record(const struct keys_event *e, json_t **ret_record, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *record = json_object();

	ENSURE(record, ERR_UNAVAILABLE, reterr_why, "out of memory for a record");
	TRY(put_basics(record, e, reterr_why));
	TRY(put_identity(record, e, reterr_why));
	if (e->head)
		TRY(put_request(record, e->head, reterr_why));
	if (e->error_code)
		TRY(set(record, "errorCode", e->error_code, reterr_why));
	if (e->error_message)
		TRY(set(record, "errorMessage", e->error_message, reterr_why));
	TRY(share_object(record, "requestParameters", e->request_parameters, reterr_why));
	TRY(share_object(record, "responseElements", e->response_elements, reterr_why));
	if (e->resource_arn && e->resource_arn[0])
		TRY(put_resources(record, e, reterr_why));
	*ret_record = take_ptr(record);
	return ERR_OK;
}

int keys_event_of_generation(const struct kms_point *point, uint64_t now_ms, json_t **ret_record,
                             struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *parameters = json_object();
	const struct keys_event event = {.source = "config.cloister",
	                                 .name = "DatabaseGeneration",
	                                 .now_ms = now_ms,
	                                 .request_parameters = parameters};
	char hash[2 * KMS_HASH_BYTES + 1];

	ENSURE(parameters, ERR_UNAVAILABLE, reterr_why, "out of memory for a record");
	hex_encode(slice_of(point->hash, sizeof point->hash), hash);
	TRY(json_set_int(parameters, "generation", (int64_t)point->generation, reterr_why));
	TRY(set(parameters, "hash", hash, reterr_why));
	return keys_event_record(&event, ret_record, reterr_why);
}
