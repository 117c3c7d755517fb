/* event.h: records in CloudTrail's shape (interfaces: Log), from what a handler knows. */
#pragma once
#include "daemon/link/call.h"
#include "iam/caller.h"
#include "kms/state.h"
#include "wire/json.h"

struct keys_event {
	const char *source, *name; /* "kms.amazonaws.com", "Decrypt" */
	bool is_read_only;
	bool is_data;     /* eventCategory Data: objects; otherwise Management */
	bool is_repeated; /* the signature was used before */
	uint64_t now_ms;
	const char *region;
	const struct call_head *head;                         /* or NULL for what nobody asked for */
	const struct iam_caller *caller;                      /* or NULL if nobody was proved */
	const char *access_key;                               /* that was claimed, where nobody was proved; or NULL */
	const char *error_code, *error_message;               /* or NULL */
	const json_t *request_parameters, *response_elements; /* or NULL */
	const char *resource_type, *resource_arn, *resource_account; /* "AWS::KMS::Key"; or NULL */
	const char *shared_event_id; /* where another account gets the same event, or NULL */
};

/* Makes the record. No text in it is longer than the fields allow; what is not UTF-8 is left out. */
MUST_USE int keys_event_record(const struct keys_event *event, json_t **ret_record, struct why *reterr_why);

/* "DatabaseGeneration" of config.cloister, for the operator: what LAST_STATE answers from. */
MUST_USE int keys_event_of_generation(const struct kms_point *point, uint64_t now_ms, json_t **ret_record,
                                      struct why *reterr_why);
