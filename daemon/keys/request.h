/* request.h: a client's request, from its raw head to a proved caller, and what every handler does with it: ask the
 * policies, count the signature's uses, write the record. */
#pragma once
#include "daemon/keys/event.h"
#include "daemon/keys/service.h"
#include "daemon/link/call.h"
#include "iam/signature.h"
#include "kms/operations.h"

struct keys_request {
	struct keys_service *s;
	const struct call_head *head;
	struct iam_proof proof; /* whose parts are the canonical request: what is routed on */
	struct iam_circumstances circumstances;
	char source_ip[CALL_PEER_BYTES_MAX + 1];
	unsigned uses;   /* of the signature, this one included; 0 if they are not counted */
	uint64_t ticket; /* of the last record; 0: none */
};
void keys_request_clear(struct keys_request *r);

/* Checks the signature. `body_sha256` as for iam_authenticate(). ERR_DENIED with *ret_refusal. */
MUST_USE int keys_request_prove(struct keys_service *s, const struct call_head *head, const uint8_t *body_sha256,
                                struct keys_request *r, enum iam_refusal *ret_refusal, struct why *reterr_why);

/* Notes a failed proof, gathered per source and second. ERR_UNAVAILABLE if there is no room. */
MUST_USE int keys_request_note_refusal(struct keys_service *s, const struct call_head *head, const char *source,
                                       const char *code, struct why *reterr_why);

/* Counts a use of the signature. IAM_REPEAT_OUTCOME as in iam/repeats.h. */
MUST_USE int keys_request_count(struct keys_request *r, enum iam_call_kind kind, enum iam_repeat *ret_repeat,
                                struct slice *ret_outcome, struct why *reterr_why);

/* A context with what is known of caller and circumstances. */
MUST_USE int keys_request_context(const struct keys_request *r, struct iam_context **ret_context,
                                  struct why *reterr_why);

/* Fills what all events of this request share. */
void keys_request_event(const struct keys_request *r, struct keys_event *event);

/* Puts the record into the caller's account, and into the owner's if the resource is another account's. Sets r->ticket.
 * ERR_UNAVAILABLE. */
MUST_USE int keys_request_log(struct keys_request *r, struct keys_event *event, struct why *reterr_why);

/* The gate of kms calls: identity policies, key policy, both sides across accounts. */
struct keys_gate {
	struct keys_request *r;
	const char *via; /* "s3": kms:ViaService; NULL: the caller itself */
};
void keys_gate_call(struct keys_gate *gate, struct kms_call *ret_call);

/* ERR_OK if the text is a policy of a resource. */
MUST_USE int keys_policy_check(struct slice policy, struct why *reterr_why);
