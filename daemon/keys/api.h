/* api.h: every call that is not S3's: KMS, IAM, STS, and Cloister's own, from raw request to answer. */
#pragma once
#include "daemon/keys/answer.h"
#include "daemon/keys/service.h"

/* Authenticates, authorises, executes, and puts the record. ret_answer is the caller's to clear, and filled on ERR_OK
 * only; refusals are answers. An error is a failure of ours, and nothing was executed. */
MUST_USE int keys_api_call(struct keys_service *s, const struct call_head *head, struct slice body,
                           struct keys_answer *ret_answer, struct why *reterr_why);
