/* api_json.h: the AWS KMS API, JSON 1.1, as a pure function: (keystore, caller, request) -> (status, body, record).
 *
 * X-Amz-Target names the operation, "TrentService.Encrypt"; the body is its input. Members that an operation does not
 * know are refused, never ignored: one of them might have been a condition. */
#pragma once
#include <stdbool.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/slice.h"
#include "kms/operations.h"
#include "wire/json.h"

struct kms_reply {
	int status;       /* of HTTP */
	struct buf *body; /* JSON; may hold a plaintext, and is wiped when it is freed */

	/* For the log record, in CloudTrail's shape. No plaintext and no ciphertext is in any of it. */
	const char *event_name; /* "Encrypt"; "" if there is no such operation. Static. */
	bool is_read_only;
	const char *error_code;              /* "NotFoundException", or NULL. Static. */
	int err;                             /* ours: a caller raises the alarm for ERR_TAMPERED */
	struct why why;                      /* the whole sentence, also where the body says less */
	json_t *request_parameters;          /* object, or NULL */
	json_t *response_elements;           /* object, or NULL for calls that change nothing */
	char key_arn[KMS_KEY_ARN_BYTES_MAX]; /* "" if no key was found */
	char key_account[KMS_ACCOUNT_BYTES];
};

/* Answers one request. An error of the request is an answer too; only a reply that could not be made is an error here.
 */
MUST_USE int kms_api_call(struct kms_keystore *ks, struct kms_call *call, struct slice target, struct slice body,
                          struct kms_reply **ret_reply, struct why *reterr_why);
void kms_reply_free(struct kms_reply *reply);
void kms_reply_freep(struct kms_reply **reply);

/* The API's name for an error of ours, and the HTTP status that goes with it. Static. */
const char *kms_api_error_name(int err);
int kms_api_error_status(int err);
