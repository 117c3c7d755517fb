/* caller.h: who makes a request, once it is proved, and whether they may do what they ask for. */
#pragma once
#include "iam/evaluate.h"
#include "iam/iam.h"
#include "iam/session.h"

/* A proved caller. `principal` points into it. */
struct iam_caller {
	struct iam_principal principal;
	char account[IAM_ACCOUNT_BYTES];
	char arn[IAM_ARN_BYTES_MAX];
	char role_arn[IAM_ARN_BYTES_MAX];               /* of a session, else "" */
	char user_name[IAM_NAME_BYTES_MAX + 1];         /* of a user, else "" */
	char id[IAM_ID_BYTES + IAM_NAME_BYTES_MAX + 1]; /* AIDA…, AROA…:session, the account of a root user */
	char access_key[IAM_ID_BYTES];
	bool is_operator; /* of the operator account */
	enum iam_origin origin;
	struct iam_identity identity; /* of a user or a session's role */
	struct iam_session *session;  /* of a session, else NULL; owned */
};
void iam_caller_free(struct iam_caller *c);
void iam_caller_freep(struct iam_caller **c);

/* The owner of an access key, or of a session's (whose token was opened; taken over in any case). ERR_NOTFOUND if they
 * are gone. */
MUST_USE int iam_caller_of_key(struct iam *iam, const struct iam_access_key *key, struct iam_caller **ret_caller,
                               struct why *reterr_why);
MUST_USE int iam_caller_of_session(struct iam *iam, const char *access_key, struct iam_session *session,
                                   struct iam_caller **ret_caller, struct why *reterr_why);

/* Nobody: for S3's requests without a signature. */
MUST_USE int iam_caller_anonymous(struct iam_caller **ret_caller, struct why *reterr_why);

/* A role acting for itself, as the broker asks for a job's role: the session's policy and claims are not there. */
MUST_USE int iam_caller_of_role(struct iam *iam, struct slice account, struct slice role, struct slice session_name,
                                struct iam_caller **ret_caller, struct why *reterr_why);

/* What is known about a request besides its own service's keys. */
struct iam_circumstances {
	uint64_t now_ms;
	const char *source_ip; /* textual, or NULL */
	bool is_secure;        /* TLS */
};

/* Sets aws:PrincipalArn, PrincipalAccount, PrincipalType, username, userid, CurrentTime, EpochTime, SourceIp,
 * SecureTransport, TokenIssueTime, cloister:CredentialOrigin, and the session's claims. */
MUST_USE int iam_caller_put_context(const struct iam_caller *c, const struct iam_circumstances *circumstances,
                                    struct iam_context *context, struct why *reterr_why);

/* One question: may this caller do that? */
struct iam_question {
	struct slice action;
	struct slice resource;         /* ARN or "*" */
	struct slice resource_account; /* its owner */
	enum iam_resource_policy resource_kind;
	struct slice resource_policy;     /* the document, or empty */
	bool is_trust;                    /* it is a role's trust policy */
	const char *resource_policy_name; /* for the sentence: "the key policy"; NULL: "the resource's policy" */
	const struct iam_context *context;
	bool is_release;
};

/* Evaluates the caller's policies and the resource's. An error means that there is no decision: ERR_TAMPERED for a
 * stored policy that does not parse. */
MUST_USE int iam_ask(struct iam *iam, const struct iam_caller *c, const struct iam_question *question,
                     struct iam_decision *ret_decision, struct why *reterr_why);

/* As iam_ask(), and ERR_DENIED with "User: … is not authorized to perform: …" unless it is allowed. */
MUST_USE int iam_ask_or_deny(struct iam *iam, const struct iam_caller *c, const struct iam_question *question,
                             struct why *reterr_why);
