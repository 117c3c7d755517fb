/* grants.h: what keys recorded when it admitted a job (protocols: from submission to release). A release happens only
 * within a grant, once for each node and attempt. */
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "kms/keystore.h"

#define KMS_JOB_ID_BYTES_MAX 63

struct kms_grant {
	char job_id[KMS_JOB_ID_BYTES_MAX + 1]; /* unique within the installation */
	char account[KMS_ACCOUNT_BYTES];
	char caller[KMS_ARN_BYTES_MAX + 1];
	char role[KMS_ARN_BYTES_MAX + 1];
	uint8_t body_digest[KMS_HASH_BYTES];
	uint32_t nodes;    /* 1 to KMS_GRANT_NODES_MAX */
	uint32_t attempts; /* 1 to KMS_GRANT_ATTEMPTS_MAX, per node */
	uint64_t created_wall_ms, expires_wall_ms;
	bool is_ended; /* stopped, revoked or done: nothing is released any more */
};

/* Records a grant: one generation. KMS_ERR_EXISTS if the job has one; ERR_INVALID for a grant that makes no sense. */
MUST_USE int kms_grant_put(struct kms_keystore *ks, const struct kms_grant *grant, struct why *reterr_why);
MUST_USE int kms_grant_get(struct kms_keystore *ks, struct slice job_id, struct kms_grant *ret_grant,
                           struct why *reterr_why);

/* Ends it; ending an ended one is no error and changes nothing. */
MUST_USE int kms_grant_end(struct kms_keystore *ks, struct slice job_id, struct why *reterr_why);

/* Takes the one release of a node's attempt (both count from 0): one generation. ERR_DENIED if the grant is ended or
 * has expired or has no such node or attempt; ERR_CONFLICT if that release was taken already. */
MUST_USE int kms_grant_take(struct kms_keystore *ks, struct slice job_id, uint32_t node, uint32_t attempt,
                            uint64_t now_wall_ms, struct why *reterr_why);
