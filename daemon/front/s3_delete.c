/* DeleteObject and DeleteObjects: a delete marker, or without return one version. */
#include <string.h>

#include "base/time.h"
#include "daemon/front/s3_lookup.h"
#include "daemon/front/s3_put.h"
#include "wire/xml.h"

/* Removes a version. One that is not there is as good as removed; *ret_marker tells whether it was a marker. */
static int remove_version(struct s3 *s, const struct record_key_event *event, bool *ret_marker, struct why *reterr_why)
{
	struct index_version found = {0};
	struct index *index;
	int err;

	TRY(front_worker_index(s->w, &index, reterr_why));
	err = front_worker_looked(
		s->w, index_version(index, event->bucket_id, event->object_key, event->version_id, &found, reterr_why));
	*ret_marker = found.is_marker;
	if (err == ERR_NOTFOUND)
		return ERR_OK;
	TRY(err);
	return s3_stored(s, store_version_remove(s->w->front->store, event, reterr_why));
}

static struct record_key_event event_of(struct s3 *s, const uint8_t version_id[static STORE_ID_BYTES], struct slice key)
{
	struct record_key_event event = {.created_wall_ms = time_wall_ms(), .object_key = key};

	memcpy(event.bucket_id, s->decision.bucket_id, STORE_ID_BYTES);
	memcpy(event.version_id, version_id, STORE_ID_BYTES);
	return event;
}

int s3_delete_object(struct s3 *s, struct why *reterr_why)
{
	uint8_t storage[STORE_ID_BYTES];
	const uint8_t *version_id;
	struct record_key_event event;
	bool is_marker = true;

	TRY(s3_meta_check_request(s, reterr_why));
	S3_ENSURE(!s3_has_header(s, "If-Match"), s, S3_NOT_IMPLEMENTED, reterr_why,
	          "If-Match is not offered for deletions");
	TRY(s3_version_param(s, storage, &version_id, reterr_why));
	TRY(s3_ask_plain(s, reterr_why));
	if (s->is_answered)
		return ERR_OK;
	if (version_id) {
		event = event_of(s, version_id, s->request->key);
		TRY(remove_version(s, &event, &is_marker, reterr_why));
	} else {
		TRY(s3_check_versioned(s, reterr_why));
		event = event_of(s, s->decision.version_id, s->request->key);
		TRY(s3_stored(s, store_marker_put(s->w->front->store, &event, reterr_why)));
	}
	TRY(s3_log_wait(s, reterr_why));
	TRY(s3_field_version(s, event.version_id, reterr_why));
	if (is_marker)
		TRY(s3_field_str(s, "x-amz-delete-marker", "true", reterr_why));
	return s3_answer_empty(s, 204, reterr_why);
}

/* --- DeleteObjects ---------------------------------------------------------------------------------------------- */

static void put_deleted(struct xml_writer *xml, const struct s3_delete *d, bool is_marker)
{
	char id[S3_ID_TEXT_BYTES];

	s3_id_text(d->version_id, id);
	xml_open(xml, "Deleted");
	xml_text(xml, "Key", d->key);
	if (d->has_version)
		xml_str(xml, "VersionId", id);
	if (is_marker) {
		xml_bool(xml, "DeleteMarker", true);
		xml_str(xml, "DeleteMarkerVersionId", id);
	}
	xml_close(xml);
}

static void put_refused(struct xml_writer *xml, const struct s3_delete *d, struct slice code, struct slice message)
{
	char id[S3_ID_TEXT_BYTES];

	s3_id_text(d->version_id, id);
	xml_open(xml, "Error");
	xml_text(xml, "Key", d->key);
	if (d->has_version)
		xml_str(xml, "VersionId", id);
	xml_text(xml, "Code", code);
	xml_text(xml, "Message", message);
	xml_close(xml);
}

/* One of them, and what the answer says of it. That one fails does not stop the others. */
static void delete_one(struct s3 *s, const struct s3_delete *d, bool is_quiet, struct xml_writer *xml)
{
	struct record_key_event event = event_of(s, d->version_id, d->key);
	bool is_marker = true;
	struct why why = {0};
	int err;

	if (!d->is_allowed) {
		put_refused(xml, d, d->code, d->message);
		return;
	}
	err = d->has_version ? remove_version(s, &event, &is_marker, &why)
	                     : store_marker_put(s->w->front->store, &event, &why);
	if (err != ERR_OK)
		put_refused(xml, d, slice_str("InternalError"), slice_str("the store could not do it; try again"));
	else if (!is_quiet)
		put_deleted(xml, d, is_marker);
}

/* keys has read the same document and decided about each object in it; only Quiet is left for us. */
static int read_quiet(struct s3 *s, bool *ret_quiet, struct why *reterr_why)
{
	CLEANUP(xml_freep) struct xml *doc = NULL;
	const struct xml_node *root;
	struct slice quiet = slice_str("false");
	int err = xml_read(buf_slice(s->w->body), &doc, reterr_why);

	if (err == ERR_OK)
		err = xml_root(doc, "Delete", &root, reterr_why);
	if (err == ERR_OK)
		err = xml_opt_text(root, "Quiet", &quiet, reterr_why);
	if (err != ERR_OK)
		s->code = S3_MALFORMED_XML;
	*ret_quiet = slice_is_str(quiet, "true");
	return err;
}

int s3_delete_objects(struct s3 *s, struct why *reterr_why)
{
	struct xml_writer xml;
	bool is_quiet;

	TRY(s3_meta_check_request(s, reterr_why));
	TRY(s3_body_read_whole(s, reterr_why));
	TRY(read_quiet(s, &is_quiet, reterr_why));
	TRY(s3_ask(s, buf_slice(s->w->body), false, reterr_why));
	if (s->is_answered)
		return ERR_OK;
	TRY(s3_body_check_whole(s, true, reterr_why));
	TRY(s3_check_versioned(s, reterr_why));
	buf_reset(s->w->answer);
	xml_begin(&xml, s->w->answer);
	xml_open_ns(&xml, "DeleteResult", S3_NAMESPACE);
	for (size_t i = 0; i < s->decision.delete_count; i++)
		delete_one(s, &s->decision.deletes[i], is_quiet, &xml);
	xml_close(&xml);
	TRY(xml_finish(&xml, reterr_why));
	TRY(s3_log_wait(s, reterr_why)); /* overwrites the message that the deletions borrow from */
	s->code = S3_CODE_NONE;
	return s3_answer_xml(s, 200, reterr_why);
}
