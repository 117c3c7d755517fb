/* s3_run.h: what the parts of deciding an S3 request share. Of daemon/keys only. */
#pragma once
#include "daemon/keys/request.h"
#include "daemon/keys/s3.h"
#include "wire/s3.h"

#define S3_ARN_BYTES_MAX (64 + S3_BUCKET_NAME_BYTES_MAX + STORE_KEY_BYTES_MAX)

/* An operation refused the request with run->status and run->code. */
enum { S3_ERR_TOLD = ERR_INVALID - 40 };

struct keys_s3_run {
	struct keys_request *r;
	const struct s3_call *call;
	const struct s3_request *request; /* from what was signed */
	uint16_t instance;
	struct keys_bucket bucket; /* of operations on one that is there */
	char arn[S3_ARN_BYTES_MAX + 1];
	int status;
	const char *code;
	struct keys_s3_result *result;
	json_t *parameters; /* for the record; owned */
	char kms_key[KMS_KEY_ARN_BYTES_MAX];
	bool is_question; /* nothing is decided yet: front is to look, and ask again */
};

/* Refuses: sets status, code and sentence. */
MUST_USE int keys_s3_refuse(struct keys_s3_run *run, int status, const char *code, struct why *reterr_why,
                            const char *fmt, ...) PRINTF_LIKE(5, 6);

/* ERR_DENIED unless the caller may. `arn` is the resource, `key` for its conditions may be empty. */
MUST_USE int keys_s3_ask(struct keys_s3_run *run, const char *action, const char *arn, struct why *reterr_why);

/* The value of a signed header; empty if it is not there. */
struct slice keys_s3_header(const struct keys_s3_run *run, const char *name);

/* Answers wholly: status and, if `body` is not NULL, XML (taken over). */
MUST_USE int keys_s3_answer(struct keys_s3_run *run, int status, const char *content_type, struct buf *body,
                            struct why *reterr_why);

/* s3_bucket.c: operations that keys answers wholly. */
MUST_USE int keys_s3_list_buckets(struct keys_s3_run *run, struct why *reterr_why);
MUST_USE int keys_s3_create_bucket(struct keys_s3_run *run, struct why *reterr_why);
MUST_USE int keys_s3_head_bucket(struct keys_s3_run *run, struct why *reterr_why);
MUST_USE int keys_s3_delete_bucket(struct keys_s3_run *run, struct why *reterr_why);
MUST_USE int keys_s3_get_location(struct keys_s3_run *run, struct why *reterr_why);
MUST_USE int keys_s3_get_versioning(struct keys_s3_run *run, struct why *reterr_why);
MUST_USE int keys_s3_put_versioning(struct keys_s3_run *run, struct why *reterr_why);
MUST_USE int keys_s3_get_policy(struct keys_s3_run *run, struct why *reterr_why);
MUST_USE int keys_s3_put_policy(struct keys_s3_run *run, struct why *reterr_why);
MUST_USE int keys_s3_delete_policy(struct keys_s3_run *run, struct why *reterr_why);

/* s3_object.c: operations that front goes on with. */
MUST_USE int keys_s3_go_on(struct keys_s3_run *run, struct why *reterr_why);  /* nothing but permission */
MUST_USE int keys_s3_mint(struct keys_s3_run *run, struct why *reterr_why);   /* a new version with its key */
MUST_USE int keys_s3_unwrap(struct keys_s3_run *run, struct why *reterr_why); /* the key of the version that is there */
MUST_USE int keys_s3_mark(struct keys_s3_run *run, struct why *reterr_why);   /* DeleteObject */
MUST_USE int keys_s3_delete_many(struct keys_s3_run *run, struct why *reterr_why); /* s3_delete.c */

/* Bucket, owner, and how the body is authenticated, into a decision to go on. */
MUST_USE int keys_s3_fill(struct keys_s3_run *run, struct why *reterr_why);

/* The bucket's owner's usual key, `alias/cloister/s3`, made if it is not there. */
MUST_USE int keys_s3_default_key(struct keys_service *s, const char *account, uint64_t now_ms,
                                 char ret_arn[static KMS_KEY_ARN_BYTES_MAX], struct why *reterr_why);

/* "arn:aws:s3:::bucket/key" */
MUST_USE int keys_s3_arn_put(struct slice bucket, struct slice key, char out[static S3_ARN_BYTES_MAX + 1],
                             struct why *reterr_why);
