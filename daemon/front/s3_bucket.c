/* The operations that keys answers wholly: buckets, their policies, their versioning. */
#include "daemon/front/s3_body.h"
#include "daemon/front/s3_lookup.h"

static int is_empty(struct s3 *s, const uint8_t bucket_id[static STORE_ID_BYTES], bool *ret_empty,
                    struct why *reterr_why)
{
	struct index *index;

	TRY(front_worker_index(s->w, &index, reterr_why));
	return front_worker_looked(s->w, index_bucket_is_empty(index, bucket_id, ret_empty, reterr_why));
}

/* keys wants to know whether the bucket is empty; which bucket it is, only keys knows for certain: without that it says
 * to go on, and is asked again. */
static int delete_bucket(struct s3 *s, struct why *reterr_why)
{
	uint8_t id[STORE_ID_BYTES];
	bool empty = false;

	if (front_buckets_find(s->w->front->buckets, s->request->bucket, id))
		TRY(is_empty(s, id, &empty, reterr_why));
	TRY(s3_ask(s, slice_of(NULL, 0), empty, reterr_why));
	if (s->is_answered)
		return ERR_OK;
	TRY(is_empty(s, s->decision.bucket_id, &empty, reterr_why));
	S3_ENSURE(empty, s, S3_BUCKET_NOT_EMPTY, reterr_why,
	          "the bucket holds objects, old versions, delete markers or uploads");
	TRY(s3_ask(s, slice_of(NULL, 0), true, reterr_why));
	ENSURE(s->is_answered, ERR_INTERNAL, reterr_why, "keys left the removal of a bucket to front");
	return ERR_OK;
}

int s3_bucket(struct s3 *s, struct why *reterr_why)
{
	enum s3_op op = s->request->op;

	if (op == S3_DELETE_BUCKET)
		return delete_bucket(s, reterr_why);
	buf_reset(s->w->body);
	if (op == S3_CREATE_BUCKET || op == S3_PUT_BUCKET_POLICY || op == S3_PUT_BUCKET_VERSIONING)
		TRY(s3_body_read_whole(s, reterr_why));
	TRY(s3_ask(s, buf_slice(s->w->body), false, reterr_why));
	if (s->is_answered)
		return ERR_OK;
	ENSURE(op == S3_HEAD_BUCKET, ERR_INTERNAL, reterr_why, "keys left %s to front", s3_op_name(op));
	return s3_answer_empty(s, 200, reterr_why);
}
