/* api.h: the IAM and STS Query APIs, and Cloister's own calls about accounts, as pure functions: (database, caller,
 * parameters) -> (status, body, what the record says).
 *
 * Parameters that an action does not know are refused, never ignored: one of them might have been a condition. */
#pragma once
#include "iam/caller.h"
#include "iam/repeats.h"
#include "wire/form.h"
#include "wire/json.h"

/* How a call is to be counted (repeats.h), and recorded. */
enum iam_effect {
	IAM_EFFECT_READS,
	IAM_EFFECT_MINTS,
	IAM_EFFECT_SETS,
};

struct iam_api_call {
	const struct iam_caller *caller;
	const struct iam_circumstances *circumstances;
	const char *request_id;
	enum iam_origin reply_origin; /* SEALED if the reply goes out sealed to the caller: so do new credentials */
};

struct iam_reply {
	int status;       /* of HTTP */
	struct buf *body; /* XML or JSON; may hold a secret, and is wiped when it is freed */

	/* For the log record, in CloudTrail's shape. No secret is in any of it. */
	const char *event_source; /* "iam.amazonaws.com". Static. */
	const char *event_name;   /* "" if there is no such action. Static. */
	enum iam_effect effect;
	const char *error_code;     /* "NoSuchEntity", or NULL. Static. */
	int err;                    /* ours */
	struct why why;             /* the whole sentence, also where the body says less */
	json_t *request_parameters; /* object */
	json_t *response_elements;  /* object */
};
void iam_reply_free(struct iam_reply *reply);
void iam_reply_freep(struct iam_reply **reply);

/* What kind of call a form asks for, before it runs: ERR_INVALID for one that is not there. */
MUST_USE int iam_api_effect(const char *service, const struct form *form, enum iam_effect *ret_effect,
                            struct why *reterr_why);

/* Answers one call of service "iam" or "sts". An error of the call is an answer too; only a reply that could not be
 * made is an error here. */
MUST_USE int iam_api_query(struct iam *iam, const struct iam_api_call *call, const char *service,
                           const struct form *form, struct iam_reply **ret_reply, struct why *reterr_why);

/* Cloister's own: "CreateAccount" {"Name"} and "ListAccounts" {"Marker"?, "MaxItems"?}; JSON both ways; for the
 * operator account only. */
MUST_USE int iam_api_accounts(struct iam *iam, const struct iam_api_call *call, struct slice operation,
                              const json_t *input, struct iam_reply **ret_reply, struct why *reterr_why);
