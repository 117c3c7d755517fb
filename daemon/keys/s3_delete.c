/* DeleteObjects: each key is a question of its own. */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/random.h"
#include "daemon/keys/s3_run.h"
#include "wire/utf8.h"
#include "wire/xml.h"

/* Keys of one record together: escaped they take six times as much, and a record holds 64 KiB. */
enum { RECORD_KEYS_BYTES = 8192 };

static int malformed(struct keys_s3_run *run, struct why *reterr_why)
{
	return keys_s3_refuse(run, 400, "MalformedXML", reterr_why, "the list of objects to delete is not well-formed");
}

/* Reads one <Object>, and keeps the key where it outlives the document. */
static int read_object(struct keys_s3_run *run, const struct xml_node *node, struct s3_delete *d,
                       struct why *reterr_why)
{
	struct slice key = {0}, version = {0};
	size_t at = buf_len(run->result->keys);

	if (xml_get_text(node, "Key", &key, NULL) != ERR_OK ||
	    xml_opt_text(node, "VersionId", &version, NULL) != ERR_OK)
		return malformed(run, reterr_why);
	if (!key.len || key.len > STORE_KEY_BYTES_MAX || memchr(key.ptr, 0, key.len))
		return keys_s3_refuse(run, 400, "KeyTooLongError", reterr_why, "a key has 1 to %d bytes",
		                      STORE_KEY_BYTES_MAX);
	TRY(buf_put(run->result->keys, key, reterr_why));
	/* The buffer may still move: where it lies is settled at the end. */
	d->key = slice_of((const void *)(uintptr_t)at, key.len);
	d->has_version = version.len > 0;
	d->is_allowed = true;
	if (!d->has_version)
		return random_fill(d->version_id, sizeof d->version_id, reterr_why);
	if (hex_decode(version, d->version_id, sizeof d->version_id, NULL) != ERR_OK) {
		d->is_allowed = false;
		d->code = slice_str("NoSuchVersion");
		d->message = slice_str("the version does not exist");
	}
	return ERR_OK;
}

static int read_list(struct keys_s3_run *run, struct why *reterr_why)
{
	struct s3_decision *decision = &run->result->decision;
	CLEANUP(xml_freep) struct xml *doc = NULL;
	const struct xml_node *root, *node;

	if (xml_read(run->call->body, &doc, NULL) != ERR_OK || xml_root(doc, "Delete", &root, NULL) != ERR_OK)
		return malformed(run, reterr_why);
	decision->deletes = calloc(S3_DELETES_MAX, sizeof *decision->deletes);
	ENSURE(decision->deletes, ERR_UNAVAILABLE, reterr_why, "out of memory for a list of deletions");
	TRY(buf_new((size_t)S3_DELETES_MAX * STORE_KEY_BYTES_MAX, &run->result->keys, reterr_why));
	for (node = xml_child(root, "Object"); node; node = xml_next(node, "Object")) {
		if (decision->delete_count == S3_DELETES_MAX)
			return malformed(run, reterr_why);
		TRY(read_object(run, node, &decision->deletes[decision->delete_count++], reterr_why));
	}
	if (!decision->delete_count)
		return malformed(run, reterr_why);
	for (size_t i = 0; i < decision->delete_count; i++)
		decision->deletes[i].key.ptr = buf_slice(run->result->keys).ptr +
		                               (uintptr_t)decision->deletes[i].key.ptr;
	return ERR_OK;
}

static int ask(struct keys_s3_run *run, struct s3_delete *d, struct why *reterr_why)
{
	char arn[S3_ARN_BYTES_MAX + 1];
	int err;

	if (!d->is_allowed)
		return ERR_OK;
	TRY(keys_s3_arn_put(run->request->bucket, d->key, arn, reterr_why));
	err = keys_s3_ask(run, d->has_version ? "s3:DeleteObjectVersion" : "s3:DeleteObject", arn, reterr_why);
	if (err_class(err) != ERR_DENIED)
		return err;
	d->is_allowed = false;
	d->code = slice_str("AccessDenied");
	d->message = slice_str("Access Denied");
	return ERR_OK;
}

static int put_one(json_t *list, const struct s3_delete *d, struct why *reterr_why)
{
	char hex[2 * S3_CALL_ID_BYTES + 1];
	json_t *one = json_object();

	ENSURE(one && json_array_append_new(list, one) == 0, ERR_UNAVAILABLE, reterr_why, "out of memory for a record");
	hex_encode(slice_of(d->version_id, sizeof d->version_id), hex);
	TRY(json_set_str(one, "key", d->key, reterr_why));
	TRY(json_set_str(one, d->has_version ? "versionId" : "deleteMarker", slice_str(hex), reterr_why));
	return json_set_bool(one, "allowed", d->is_allowed, reterr_why);
}

/* A record of the objects from `first` on; *ret_next is the first that did not fit. */
static int put_record(struct keys_s3_run *run, size_t first, size_t *ret_next, struct why *reterr_why)
{
	const struct s3_decision *decision = &run->result->decision;
	CLEANUP(json_freep) json_t *parameters = json_object();
	struct keys_event event = {.source = "s3.amazonaws.com",
	                           .name = "DeleteObjects",
	                           .is_data = true,
	                           .request_parameters = parameters,
	                           .resource_type = "AWS::S3::Bucket",
	                           .resource_arn = run->arn,
	                           .resource_account = run->bucket.account};
	json_t *list = json_array();
	size_t bytes = 0, i;

	ENSURE(parameters && list && json_object_set_new(parameters, "objects", list) == 0, ERR_UNAVAILABLE, reterr_why,
	       "out of memory for a record");
	for (i = first; i < decision->delete_count && bytes < RECORD_KEYS_BYTES - STORE_KEY_BYTES_MAX; i++) {
		TRY(put_one(list, &decision->deletes[i], reterr_why));
		bytes += decision->deletes[i].key.len + 100;
	}
	TRY(json_set_str(parameters, "bucketName", run->request->bucket, reterr_why));
	keys_request_event(run->r, &event);
	*ret_next = i;
	return keys_request_log(run->r, &event, reterr_why);
}

int keys_s3_delete_many(struct keys_s3_run *run, struct why *reterr_why)
{
	struct s3_decision *decision = &run->result->decision;

	TRY(read_list(run, reterr_why));
	for (size_t i = 0; i < decision->delete_count; i++)
		TRY(ask(run, &decision->deletes[i], reterr_why));
	for (size_t i = 0; i < decision->delete_count;)
		TRY(put_record(run, i, &i, reterr_why));
	return keys_s3_fill(run, reterr_why);
}
