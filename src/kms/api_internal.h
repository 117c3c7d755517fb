/* api_internal.h: what the handlers of api_json share. Internal to kms/. */
#pragma once
#include "kms/api_json.h"

struct kms_api {
	struct kms_keystore *ks;
	struct kms_call *call;
	const json_t *request;
	json_t *response;         /* without Plaintext */
	struct secret *plaintext; /* goes into the body and nowhere else; owned */
};

/* One operation of the API. */
struct kms_api_operation {
	const char *name;
	bool is_read_only; /* as CloudTrail has it: uses of a key change nothing */
	const char *const *members;
	int (*handle)(struct kms_api *api, struct why *reterr_why);
};
extern const struct kms_api_operation kms_api_key_operations[];    /* api_keys.c; ends with a NULL name */
extern const struct kms_api_operation kms_api_crypto_operations[]; /* api_crypto.c */

/* A member that must, or may, be there: its text, borrowed from the request. Empty if absent. */
MUST_USE int kms_api_text(const struct kms_api *api, const char *name, struct slice *ret_text, struct why *reterr_why);
MUST_USE int kms_api_opt_text(const struct kms_api *api, const char *name, struct slice *ret_text,
                              struct why *reterr_why);

/* A member that may be absent, and must have one value if it is there. KMS_ERR_UNSUPPORTED. */
MUST_USE int kms_api_only_value(const struct kms_api *api, const char *name, const char *value, struct why *reterr_why);

/* Sets KeyId in the response to the key's ARN. */
MUST_USE int kms_api_set_key_id(struct kms_api *api, const struct kms_key *key, struct why *reterr_why);
