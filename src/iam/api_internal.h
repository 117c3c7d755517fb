/* api_internal.h: what the actions of the Query APIs share. Of src/iam only. */
#pragma once
#include "iam/api.h"
#include "iam/iam_internal.h"
#include "wire/xml.h"

/* One action that runs. */
struct api_run {
	struct iam *iam;
	const struct iam_api_call *call;
	const struct form *form;
	struct iam_reply *reply;
	struct xml_writer *xml; /* within <…Result> */
};

struct api_action {
	const char *name;
	enum iam_effect effect;
	int (*run)(struct api_run *r, struct why *reterr_why);
	const char *const *parameters; /* that it knows, besides Action and Version; NULL ends them */
	bool has_result;               /* the answer has a <NameResult> */
};

/* Finer codes than iam.h has. */
enum { API_ERR_ACTION = ERR_INVALID - 20 };

extern const struct api_action api_iam_actions[];
extern const size_t api_iam_actions_count;
extern const struct api_action api_sts_actions[];
extern const size_t api_sts_actions_count;

/* A reply that is good so far, and empty. */
MUST_USE int api_reply_new(struct iam_reply **ret_reply, struct why *reterr_why);

/* The API's name for an error of ours, and its HTTP status; static. */
const char *api_error_code(int err, int *ret_status);

/* What the caller is told of reply->why: nothing of what went wrong on our side, which is for the operator's log. */
struct slice api_message(struct iam_reply *reply);

/* API_ERR_ACTION, with its sentence. */
MUST_USE int api_no_action(const char *service, struct why *reterr_why);

/* A parameter that has to be there; one that may be absent (then empty); a number within bounds. */
MUST_USE int api_get(struct api_run *r, const char *name, struct slice *ret_value, struct why *reterr_why);
struct slice api_opt(struct api_run *r, const char *name);
MUST_USE int api_opt_number(struct api_run *r, const char *name, uint64_t min, uint64_t max, uint64_t *inout_value,
                            struct why *reterr_why);

/* The caller's own account: IAM calls never name another. */
struct slice api_account(const struct api_run *r);

/* ERR_DENIED unless the caller may; the action is "iam:" and the running action's name. */
MUST_USE int api_ask(struct api_run *r, const char *resource, struct why *reterr_why);

/* Finds the user (by UserName) or role (by RoleName) and asks; a name that is nobody's is asked for as well, so that
 * whether it exists is told only to who may know. */
MUST_USE int api_find(struct api_run *r, enum iam_kind kind, struct iam_identity *ret_identity, struct why *reterr_why);

/* Notes a response element for the record. */
MUST_USE int api_note(struct api_run *r, const char *name, const char *value, struct why *reterr_why);

/* Writes the elements of a list's end: IsTruncated and, if so, Marker. */
void api_list_end(struct api_run *r, bool is_truncated, const char *marker);

void api_put_time(struct api_run *r, const char *name, uint64_t wall_ms);

/* A policy document as the API gives it: percent-encoded. */
MUST_USE int api_put_document(struct api_run *r, const char *name, struct slice document, struct why *reterr_why);

/* The elements of a user or a role. */
MUST_USE int api_put_identity(struct api_run *r, const struct iam_identity *i, struct why *reterr_why);

MUST_USE int api_create_user(struct api_run *r, struct why *reterr_why);
MUST_USE int api_create_role(struct api_run *r, struct why *reterr_why);
MUST_USE int api_get_user(struct api_run *r, struct why *reterr_why);
MUST_USE int api_get_role(struct api_run *r, struct why *reterr_why);
MUST_USE int api_list_users(struct api_run *r, struct why *reterr_why);
MUST_USE int api_list_roles(struct api_run *r, struct why *reterr_why);
MUST_USE int api_delete_user(struct api_run *r, struct why *reterr_why);
MUST_USE int api_delete_role(struct api_run *r, struct why *reterr_why);
MUST_USE int api_update_trust(struct api_run *r, struct why *reterr_why);
MUST_USE int api_put_user_policy(struct api_run *r, struct why *reterr_why);
MUST_USE int api_put_role_policy(struct api_run *r, struct why *reterr_why);
MUST_USE int api_get_user_policy(struct api_run *r, struct why *reterr_why);
MUST_USE int api_get_role_policy(struct api_run *r, struct why *reterr_why);
MUST_USE int api_list_user_policies(struct api_run *r, struct why *reterr_why);
MUST_USE int api_list_role_policies(struct api_run *r, struct why *reterr_why);
MUST_USE int api_delete_user_policy(struct api_run *r, struct why *reterr_why);
MUST_USE int api_delete_role_policy(struct api_run *r, struct why *reterr_why);
MUST_USE int api_create_policy(struct api_run *r, struct why *reterr_why);
MUST_USE int api_delete_policy(struct api_run *r, struct why *reterr_why);
MUST_USE int api_attach_user_policy(struct api_run *r, struct why *reterr_why);
MUST_USE int api_attach_role_policy(struct api_run *r, struct why *reterr_why);
MUST_USE int api_detach_user_policy(struct api_run *r, struct why *reterr_why);
MUST_USE int api_detach_role_policy(struct api_run *r, struct why *reterr_why);
MUST_USE int api_put_user_boundary(struct api_run *r, struct why *reterr_why);
MUST_USE int api_put_role_boundary(struct api_run *r, struct why *reterr_why);
MUST_USE int api_delete_user_boundary(struct api_run *r, struct why *reterr_why);
MUST_USE int api_delete_role_boundary(struct api_run *r, struct why *reterr_why);
MUST_USE int api_create_access_key(struct api_run *r, struct why *reterr_why);
MUST_USE int api_list_access_keys(struct api_run *r, struct why *reterr_why);
MUST_USE int api_update_access_key(struct api_run *r, struct why *reterr_why);
MUST_USE int api_delete_access_key(struct api_run *r, struct why *reterr_why);
