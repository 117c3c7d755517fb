/* Operations on buckets that keys answers wholly: they are rows of its own database. */
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "daemon/keys/s3_run.h"
#include "wire/xml.h"

static const char xml_mime[] = "application/xml", json_mime[] = "application/json";
#define NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"

/* A thousand buckets, and their names. */
enum { BODY_BYTES_MAX = 1 << 19 };

struct list {
	struct xml_writer *w;
};

static int put_bucket(void *self, const struct keys_bucket *bucket, struct why *reterr_why)
{
	struct list *list = self;
	char created[TIME_RFC3339_BYTES];
	(void)reterr_why;

	time_format_ms(bucket->created_ms, created);
	xml_open(list->w, "Bucket");
	xml_str(list->w, "Name", bucket->name);
	xml_str(list->w, "CreationDate", created);
	xml_close(list->w);
	return ERR_OK;
}

int keys_s3_list_buckets(struct keys_s3_run *run, struct why *reterr_why)
{
	const char *account = run->r->proof.caller->account;
	CLEANUP(buf_freep) struct buf *body = NULL;
	struct xml_writer w;
	struct list list = {&w};

	TRY(keys_s3_ask(run, "s3:ListAllMyBuckets", "*", reterr_why));
	TRY(buf_new(BODY_BYTES_MAX, &body, reterr_why));
	xml_begin(&w, body);
	xml_open_ns(&w, "ListAllMyBucketsResult", NAMESPACE);
	xml_open(&w, "Owner");
	xml_str(&w, "ID", account);
	xml_close(&w);
	xml_open(&w, "Buckets");
	TRY(keys_bucket_list(&run->r->s->buckets, account, put_bucket, &list, reterr_why));
	xml_close(&w);
	xml_close(&w);
	TRY(xml_finish(&w, reterr_why));
	return keys_s3_answer(run, 200, xml_mime, take_ptr(body), reterr_why);
}

/* <CreateBucketConfiguration><LocationConstraint>: nothing, or where we are. */
static int check_location(struct keys_s3_run *run, struct why *reterr_why)
{
	const char *region = kms_keystore_region(run->r->s->keystore);
	CLEANUP(xml_freep) struct xml *doc = NULL;
	const struct xml_node *root;
	struct slice location = {0};

	if (!run->call->body.len)
		return ERR_OK;
	if (xml_read(run->call->body, &doc, NULL) != ERR_OK ||
	    xml_root(doc, "CreateBucketConfiguration", &root, NULL) != ERR_OK ||
	    xml_opt_text(root, "LocationConstraint", &location, NULL) != ERR_OK)
		return keys_s3_refuse(run, 400, "MalformedXML", reterr_why,
		                      "the bucket's configuration is not well-formed");
	for (const struct xml_node *n = root->child; n; n = n->next)
		if (!slice_is_str(n->name, "LocationConstraint"))
			return keys_s3_refuse(run, 501, "NotImplemented", reterr_why,
			                      "of a bucket's configuration only LocationConstraint is offered here");
	if (location.len && !slice_is_str(location, region))
		return keys_s3_refuse(run, 400, "InvalidLocationConstraint", reterr_why,
		                      "this installation's region is %s", region);
	return ERR_OK;
}

int keys_s3_create_bucket(struct keys_s3_run *run, struct why *reterr_why)
{
	struct keys_service *s = run->r->s;
	const char *account = run->r->proof.caller->account;
	struct keys_bucket bucket = {.created_ms = run->r->circumstances.now_ms, .is_versioned = true};
	struct keys_bucket there;
	int err;

	TRY(keys_s3_ask(run, "s3:CreateBucket", run->arn, reterr_why));
	TRY(check_location(run, reterr_why));
	err = keys_bucket_get(&s->buckets, run->request->bucket, &there, NULL);
	if (err == ERR_OK && strcmp(there.account, account) == 0)
		return keys_s3_refuse(run, 409, "BucketAlreadyOwnedByYou", reterr_why, "the bucket is yours already");
	if (err == ERR_OK)
		return keys_s3_refuse(run, 409, "BucketAlreadyExists", reterr_why,
		                      "the name is taken; choose another one");
	ENSURE(err == ERR_NOTFOUND, err, reterr_why, "cannot look for the bucket");
	TRY(slice_to_str(run->request->bucket, bucket.name, sizeof bucket.name, reterr_why));
	memcpy(bucket.account, account, sizeof bucket.account);
	TRY(keys_s3_default_key(s, account, bucket.created_ms, bucket.kms_key, reterr_why));
	err = keys_bucket_create(&s->buckets, &bucket, reterr_why);
	if (err_class(err) == ERR_LIMIT)
		return keys_s3_refuse(run, 400, "TooManyBuckets", reterr_why, "the account has %d buckets; delete some",
		                      KEYS_BUCKETS_PER_ACCOUNT_MAX);
	TRY(err);
	run->bucket = bucket;
	memcpy(run->kms_key, bucket.kms_key, sizeof run->kms_key);
	return keys_s3_answer(run, 200, NULL, NULL, reterr_why);
}

static int set_region_field(struct keys_s3_run *run)
{
	struct call_answer *a = &run->result->decision.answer;

	a->fields[a->field_count++] = (struct call_field){slice_str("x-amz-bucket-region"),
	                                                  slice_str(kms_keystore_region(run->r->s->keystore))};
	return ERR_OK;
}

int keys_s3_head_bucket(struct keys_s3_run *run, struct why *reterr_why)
{
	TRY(keys_s3_ask(run, "s3:ListBucket", run->arn, reterr_why));
	TRY(keys_s3_answer(run, 200, NULL, NULL, reterr_why));
	return set_region_field(run);
}

int keys_s3_delete_bucket(struct keys_s3_run *run, struct why *reterr_why)
{
	TRY(keys_s3_ask(run, "s3:DeleteBucket", run->arn, reterr_why));
	if (!run->call->bucket_is_empty) { /* front may only not know which bucket that is: it is told, and looks */
		run->is_question = true;
		return keys_s3_fill(run, reterr_why);
	}
	TRY(keys_bucket_delete(&run->r->s->buckets, &run->bucket, reterr_why));
	return keys_s3_answer(run, 204, NULL, NULL, reterr_why);
}

/* One element with, or without, one text in it. */
static int answer_small(struct keys_s3_run *run, const char *root, const char *name, const char *text,
                        struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	struct xml_writer w;

	TRY(buf_new(1024, &body, reterr_why));
	xml_begin(&w, body);
	xml_open_ns(&w, root, NAMESPACE);
	if (name)
		xml_str(&w, name, text);
	xml_close(&w);
	TRY(xml_finish(&w, reterr_why));
	return keys_s3_answer(run, 200, xml_mime, take_ptr(body), reterr_why);
}

int keys_s3_get_location(struct keys_s3_run *run, struct why *reterr_why)
{
	const char *region = kms_keystore_region(run->r->s->keystore);
	CLEANUP(buf_freep) struct buf *body = NULL;

	TRY(keys_s3_ask(run, "s3:GetBucketLocation", run->arn, reterr_why));
	if (strcmp(region, "us-east-1") == 0) /* which S3 writes as nothing */
		return answer_small(run, "LocationConstraint", NULL, NULL, reterr_why);
	TRY(buf_new(1024, &body, reterr_why));
	TRY(buf_put_fmt(body, reterr_why,
	                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint xmlns=\"" NAMESPACE
	                "\">%s</LocationConstraint>",
	                region));
	return keys_s3_answer(run, 200, xml_mime, take_ptr(body), reterr_why);
}

int keys_s3_get_versioning(struct keys_s3_run *run, struct why *reterr_why)
{
	TRY(keys_s3_ask(run, "s3:GetBucketVersioning", run->arn, reterr_why));
	return answer_small(run, "VersioningConfiguration", "Status",
	                    run->bucket.is_versioned ? "Enabled" : "Suspended", reterr_why);
}

int keys_s3_put_versioning(struct keys_s3_run *run, struct why *reterr_why)
{
	struct keys_bucket after = run->bucket;
	CLEANUP(xml_freep) struct xml *doc = NULL;
	const struct xml_node *root;
	struct slice status;

	TRY(keys_s3_ask(run, "s3:PutBucketVersioning", run->arn, reterr_why));
	if (xml_read(run->call->body, &doc, NULL) != ERR_OK ||
	    xml_root(doc, "VersioningConfiguration", &root, NULL) != ERR_OK ||
	    xml_get_text(root, "Status", &status, NULL) != ERR_OK ||
	    (!slice_is_str(status, "Enabled") && !slice_is_str(status, "Suspended")))
		return keys_s3_refuse(run, 400, "MalformedXML", reterr_why, "Status must be Enabled or Suspended");
	for (const struct xml_node *n = root->child; n; n = n->next)
		if (!slice_is_str(n->name, "Status"))
			return keys_s3_refuse(run, 501, "NotImplemented", reterr_why,
			                      "of versioning only Status is offered here");
	after.is_versioned = slice_is_str(status, "Enabled");
	TRY(keys_bucket_update(&run->r->s->buckets, &after, reterr_why));
	return keys_s3_answer(run, 200, NULL, NULL, reterr_why);
}

int keys_s3_get_policy(struct keys_s3_run *run, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *body = NULL;

	TRY(keys_s3_ask(run, "s3:GetBucketPolicy", run->arn, reterr_why));
	if (!run->bucket.policy[0])
		return keys_s3_refuse(run, 404, "NoSuchBucketPolicy", reterr_why, "the bucket has no policy");
	TRY(buf_new(KEYS_BUCKET_POLICY_BYTES_MAX, &body, reterr_why));
	TRY(buf_put_str(body, run->bucket.policy, reterr_why));
	return keys_s3_answer(run, 200, json_mime, take_ptr(body), reterr_why);
}

int keys_s3_put_policy(struct keys_s3_run *run, struct why *reterr_why)
{
	struct keys_bucket after = run->bucket;
	struct why why;

	TRY(keys_s3_ask(run, "s3:PutBucketPolicy", run->arn, reterr_why));
	if (run->call->body.len > KEYS_BUCKET_POLICY_BYTES_MAX)
		return keys_s3_refuse(run, 400, "PolicyTooLarge", reterr_why, "a bucket policy has at most %d bytes",
		                      KEYS_BUCKET_POLICY_BYTES_MAX);
	if (keys_policy_check(run->call->body, &why) != ERR_OK ||
	    slice_to_str(run->call->body, after.policy, sizeof after.policy, &why) != ERR_OK)
		return keys_s3_refuse(run, 400, "MalformedPolicy", reterr_why, "%s", why.text);
	TRY(keys_bucket_update(&run->r->s->buckets, &after, reterr_why));
	TRY(json_set_str(run->parameters, "bucketPolicy", run->call->body, reterr_why));
	return keys_s3_answer(run, 204, NULL, NULL, reterr_why);
}

int keys_s3_delete_policy(struct keys_s3_run *run, struct why *reterr_why)
{
	struct keys_bucket after = run->bucket;

	TRY(keys_s3_ask(run, "s3:DeleteBucketPolicy", run->arn, reterr_why));
	after.policy[0] = 0;
	TRY(keys_bucket_update(&run->r->s->buckets, &after, reterr_why));
	return keys_s3_answer(run, 204, NULL, NULL, reterr_why);
}
