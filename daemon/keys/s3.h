/* s3.h: deciding an S3 request: who asks for what, whether they may, and the version key that front needs for it
 * (docs/protocol/front-keys.md). */
#pragma once
#include "daemon/keys/service.h"
#include "daemon/link/front_keys.h"

/* A decision with what its slices point into. */
struct keys_s3_result {
	struct s3_decision decision;
	struct secret *version_key;
	struct buf *wrap, *body, *keys; /* `keys`: of DeleteObjects, decoded */
	char account[IAM_ACCOUNT_BYTES], bucket_owner[IAM_ACCOUNT_BYTES], kms_key[KMS_KEY_ARN_BYTES_MAX];
	char code[64];
	struct why message;
	uint64_t hold; /* the decision leaves keys when this record is durable; 0: at once */
};
void keys_s3_result_clear(struct keys_s3_result *result);

/* Decides. `instance` is the link that asks: signed chunks are its own. ret_result is the caller's to clear, and filled
 * on ERR_OK only. An error is a failure of ours. */
MUST_USE int keys_s3_call(struct keys_service *s, const struct s3_call *call, uint16_t instance,
                          struct keys_s3_result *ret_result, struct why *reterr_why);
