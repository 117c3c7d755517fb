/* route.h: which part of Cloister an HTTP request is for, and what is neither S3's nor another folder's: health, the
 * public log, requests that keys answers. */
#pragma once
#include "daemon/front/service.h"

/* The request as keys gets it; borrows from the exchange. */
MUST_USE int front_head_of(struct http_exchange *x, const char *request_id, struct call_head *ret_head,
                           struct why *reterr_why);

/* Sends an answer that another role made. */
MUST_USE int front_send_answer(struct http_exchange *x, const struct call_answer *answer, struct why *reterr_why);

enum front_target {
	FRONT_TARGET_HEALTHZ,
	FRONT_TARGET_READYZ,
	FRONT_TARGET_LOG, /* below /-/log/ */
	FRONT_TARGET_KEYS,
	FRONT_TARGET_S3,
};

/* By path, and by the service in the credential's scope. A guess at who is to check the request, nothing more: keys
 * authenticates what it gets. */
enum front_target front_route(const struct http1_request *request);
