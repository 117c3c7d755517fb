/* s3.h: one S3 request on its way through front (docs/protocol/s3.md).
 *
 * front parses what is asked for, looks up what its index has, asks keys with the raw head of the request, and does
 * what keys decided. An operation is one function that takes a struct s3; what it returns and has not answered becomes
 * an S3 error (s3_error.h). */
#pragma once
#include "base/secret.h"
#include "daemon/front/route.h"
#include "daemon/front/s3_error.h"
#include "daemon/front/service.h"

struct s3 {
	struct http_exchange *x;
	struct front_worker *w;
	const struct http1_request *http;
	const struct s3_request *request;
	char request_id[CALL_REQUEST_ID_BYTES + 1];
	enum s3_code code; /* of the error that is being returned; S3_CODE_NONE: by its class */
	bool is_marker;    /* the error is about this delete marker */
	uint8_t marker_id[STORE_ID_BYTES];
	bool is_answered; /* keys' answer or refusal has gone out: nothing is left to do */

	/* what the index has, for keys */
	bool has_existing;
	struct s3_call_existing existing;

	/* what keys decided */
	struct ipc_message reply; /* kept for DeleteObjects only */
	struct s3_decision decision;
	struct secret *version_key; /* NULL: none */
	uint8_t wrap[STORE_WRAP_BYTES_MAX];
	size_t wrap_len;
	char kms_key[CALL_TEXT_BYTES_MAX + 1];
	char account[13], bucket_owner[13];
};

/* An exchange whose request is for S3: runs it and answers. */
MUST_USE int s3_handle(struct http_exchange *x, struct front_worker *w, const char *request_id, struct why *reterr_why);

/* Asks keys. `body` is what keys has to read of the request. Afterwards either s->is_answered, or the decision is to go
 * on, its key is in s->version_key, and the bucket's id is remembered. */
MUST_USE int s3_ask(struct s3 *s, struct slice body, bool bucket_is_empty, struct why *reterr_why);

/* Waits until the decision's record is in the log. Before this no change may be acknowledged. */
MUST_USE int s3_log_wait(struct s3 *s, struct why *reterr_why);

/* The only field of that name in the request; empty if there is none. Two of them are an error. */
MUST_USE int s3_header(struct s3 *s, const char *name, struct slice *ret_value, struct why *reterr_why);
bool s3_has_header(const struct s3 *s, const char *name);

/* A parameter; empty if it is not there. */
struct slice s3_param(const struct s3 *s, enum s3_param param);

/* A number in a parameter: `absent` if it is not there, at most `max` (more counts as that). */
MUST_USE int s3_param_number(struct s3 *s, enum s3_param param, uint64_t absent, uint64_t max, uint64_t *ret_number,
                             struct why *reterr_why);

/* An id as clients see it: 32 hexadecimal digits. */
#define S3_ID_TEXT_BYTES (2 * STORE_ID_BYTES + 1)
void s3_id_text(const uint8_t id[static STORE_ID_BYTES], char out[static S3_ID_TEXT_BYTES]);

/* Fields of the answer. */
MUST_USE int s3_field(struct s3 *s, const char *name, struct slice value, struct why *reterr_why);
MUST_USE int s3_field_str(struct s3 *s, const char *name, const char *value, struct why *reterr_why);

/* "x-amz-version-id", and what says that the object is encrypted and under which key. */
MUST_USE int s3_field_version(struct s3 *s, const uint8_t id[static STORE_ID_BYTES], struct why *reterr_why);
MUST_USE int s3_field_encryption(struct s3 *s, struct why *reterr_why);

/* `"etag"` with its quotes. */
MUST_USE int s3_field_etag(struct s3 *s, struct slice etag, struct why *reterr_why);

/* Answers with what is in w->answer as XML. */
MUST_USE int s3_answer_xml(struct s3 *s, unsigned status, struct why *reterr_why);
MUST_USE int s3_answer_empty(struct s3 *s, unsigned status, struct why *reterr_why);

/* The operations. */
MUST_USE int s3_get_object(struct s3 *s, struct why *reterr_why); /* and HEAD: s3_get.c */
MUST_USE int s3_put_object(struct s3 *s, struct why *reterr_why); /* s3_put.c */
MUST_USE int s3_delete_object(struct s3 *s, struct why *reterr_why);
MUST_USE int s3_delete_objects(struct s3 *s, struct why *reterr_why); /* s3_delete.c */
MUST_USE int s3_list_objects(struct s3 *s, struct why *reterr_why);   /* V1, V2 and versions: s3_list.c */
MUST_USE int s3_create_upload(struct s3 *s, struct why *reterr_why);
MUST_USE int s3_upload_part(struct s3 *s, struct why *reterr_why);
MUST_USE int s3_abort_upload(struct s3 *s, struct why *reterr_why);
MUST_USE int s3_complete_upload(struct s3 *s, struct why *reterr_why); /* s3_complete.c */
MUST_USE int s3_list_uploads(struct s3 *s, struct why *reterr_why);
MUST_USE int s3_list_parts(struct s3 *s, struct why *reterr_why); /* s3_list_uploads.c */
MUST_USE int s3_bucket(struct s3 *s, struct why *reterr_why);     /* what keys answers wholly: s3_bucket.c */

/* The namespace of S3's documents. */
#define S3_NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"
