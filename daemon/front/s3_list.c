/* ListObjects, ListObjectsV2 and ListObjectVersions. */
#include "daemon/front/s3_list.h"

#include <string.h>

#include "base/encode.h"
#include "base/time.h"
#include "daemon/front/s3_lookup.h"
#include "wire/percent.h"

int s3_list_encoding(struct s3 *s, bool *ret_url, struct why *reterr_why)
{
	struct slice type = s3_param(s, S3_PARAM_ENCODING_TYPE);

	S3_ENSURE(!type.len || slice_is_str(type, "url"), s, S3_INVALID_ARGUMENT, reterr_why,
	          "encoding-type must be url");
	*ret_url = type.len > 0;
	return ERR_OK;
}

void s3_list_text(struct s3 *s, struct xml_writer *xml, bool is_url, const char *name, struct slice text)
{
	if (is_url) {
		buf_reset(s->w->message);
		if (percent_encode_put(s->w->message, text, "/", NULL) == ERR_OK)
			text = buf_slice(s->w->message);
	}
	xml_text(xml, name, text);
}

void s3_list_time(struct xml_writer *xml, const char *name, uint64_t wall_ms)
{
	char text[TIME_RFC3339_BYTES];

	time_format_ms(wall_ms, text);
	xml_str(xml, name, text);
}

void s3_list_etag(struct xml_writer *xml, struct slice etag)
{
	char quoted[STORE_ETAG_BYTES_MAX + 2];
	size_t len = etag.len < STORE_ETAG_BYTES_MAX ? etag.len : STORE_ETAG_BYTES_MAX;

	quoted[0] = quoted[len + 1] = '"';
	memcpy(quoted + 1, etag.ptr, len);
	xml_text(xml, "ETag", slice_of(quoted, len + 2));
}

void s3_list_owner(struct xml_writer *xml, const char *name, const char *account)
{
	xml_open(xml, name);
	xml_str(xml, "ID", account);
	xml_close(xml);
}

enum { TOKEN_KEY = 'k', TOKEN_PREFIX = 'p' };

struct list {
	struct s3 *s;
	struct xml_writer xml;
	struct index_list query;
	bool is_url, wants_owner;
	uint64_t max;
	uint32_t count;

	/* where the page before ended */
	uint8_t token[1 + STORE_KEY_BYTES_MAX];
	uint8_t after_version[STORE_ID_BYTES];

	/* where this one ends */
	uint8_t last[STORE_KEY_BYTES_MAX];
	size_t last_len;
	bool last_is_prefix;
	uint8_t last_version[STORE_ID_BYTES];
};

/* --- where to begin --------------------------------------------------------------------------------------------- */

/* A marker that is a common prefix of this very list: what lies under it has been listed as that. */
static bool is_common_prefix(const struct index_list *q, struct slice marker)
{
	const uint8_t *found;

	if (!q->delimiter.len || marker.len < q->prefix.len + q->delimiter.len ||
	    !slice_equal(slice_of(marker.ptr, q->prefix.len), q->prefix))
		return false;
	found = memmem(marker.ptr + q->prefix.len, marker.len - q->prefix.len, q->delimiter.ptr, q->delimiter.len);
	return found && found + q->delimiter.len == marker.ptr + marker.len;
}

static int begin_after_token(struct list *l, struct slice text, struct why *reterr_why)
{
	size_t len;

	S3_ENSURE(base64_decode(text, l->token, sizeof l->token, &len, NULL) == ERR_OK && len >= 1 &&
	                  (l->token[0] == TOKEN_KEY || l->token[0] == TOKEN_PREFIX),
	          l->s, S3_INVALID_ARGUMENT, reterr_why, "the continuation token is not one of this list's");
	l->query.after = slice_of(l->token + 1, len - 1);
	l->query.after_is_prefix = l->token[0] == TOKEN_PREFIX;
	return ERR_OK;
}

static int begin_after_marker(struct list *l, enum s3_param param, struct why *reterr_why)
{
	struct slice marker = s3_param(l->s, param);

	S3_ENSURE(marker.len <= STORE_KEY_BYTES_MAX, l->s, S3_INVALID_ARGUMENT, reterr_why,
	          "a marker of %zu bytes; keys have at most %d", marker.len, STORE_KEY_BYTES_MAX);
	l->query.after = marker;
	l->query.after_is_prefix = is_common_prefix(&l->query, marker);
	return ERR_OK;
}

static int begin_versions(struct list *l, struct why *reterr_why)
{
	struct slice id = s3_param(l->s, S3_PARAM_VERSION_ID_MARKER);

	TRY(begin_after_marker(l, S3_PARAM_KEY_MARKER, reterr_why));
	if (!id.len)
		return ERR_OK;
	S3_ENSURE(l->query.after.len, l->s, S3_INVALID_ARGUMENT, reterr_why, "version-id-marker goes with key-marker");
	S3_ENSURE(hex_decode(id, l->after_version, sizeof l->after_version, NULL) == ERR_OK, l->s, S3_INVALID_ARGUMENT,
	          reterr_why, "version-id-marker is not the id of a version");
	l->query.after_version = l->after_version;
	return ERR_OK;
}

static int begin(struct list *l, struct why *reterr_why)
{
	struct slice token = s3_param(l->s, S3_PARAM_CONTINUATION_TOKEN);
	enum s3_op op = l->s->request->op;

	l->query.prefix = s3_param(l->s, S3_PARAM_PREFIX);
	l->query.delimiter = s3_param(l->s, S3_PARAM_DELIMITER);
	S3_ENSURE(l->query.prefix.len <= STORE_KEY_BYTES_MAX && l->query.delimiter.len <= STORE_KEY_BYTES_MAX, l->s,
	          S3_INVALID_ARGUMENT, reterr_why, "a prefix or delimiter longer than any key");
	l->query.wants_versions = op == S3_LIST_OBJECT_VERSIONS;
	l->wants_owner = op != S3_LIST_OBJECTS_V2 || slice_is_str(s3_param(l->s, S3_PARAM_FETCH_OWNER), "true");
	TRY(s3_param_number(l->s, S3_PARAM_MAX_KEYS, S3_LIST_MAX, S3_LIST_MAX, &l->max, reterr_why));
	l->query.limit = (uint32_t)l->max;
	TRY(s3_list_encoding(l->s, &l->is_url, reterr_why));
	if (op == S3_LIST_OBJECT_VERSIONS)
		return begin_versions(l, reterr_why);
	if (op == S3_LIST_OBJECTS)
		return begin_after_marker(l, S3_PARAM_MARKER, reterr_why);
	if (token.len)
		return begin_after_token(l, token, reterr_why);
	return begin_after_marker(l, S3_PARAM_START_AFTER, reterr_why);
}

/* --- entries ---------------------------------------------------------------------------------------------------- */

static void remember(struct list *l, struct slice text, bool is_prefix)
{
	l->last_len = text.len < sizeof l->last ? text.len : sizeof l->last;
	memcpy(l->last, text.ptr, l->last_len);
	l->last_is_prefix = is_prefix;
}

static void put_version(struct list *l, const struct index_version *v)
{
	char id[S3_ID_TEXT_BYTES];

	s3_id_text(v->id, id);
	xml_open(&l->xml, !l->query.wants_versions ? "Contents" : v->is_marker ? "DeleteMarker" : "Version");
	s3_list_text(l->s, &l->xml, l->is_url, "Key", v->object_key);
	if (l->query.wants_versions) {
		xml_str(&l->xml, "VersionId", id);
		xml_bool(&l->xml, "IsLatest", v->is_latest);
	}
	s3_list_time(&l->xml, "LastModified", v->created_wall_ms);
	if (!v->is_marker) {
		s3_list_etag(&l->xml, v->etag);
		xml_u64(&l->xml, "Size", v->size);
		xml_str(&l->xml, "StorageClass", "STANDARD");
	}
	if (l->wants_owner)
		s3_list_owner(&l->xml, "Owner", l->s->bucket_owner);
	xml_close(&l->xml);
}

static int put_entry(void *ctx, const struct index_version *version, struct slice common_prefix, struct why *reterr_why)
{
	struct list *l = ctx;
	(void)reterr_why;

	l->count++;
	if (version) {
		put_version(l, version);
		remember(l, version->object_key, false);
		memcpy(l->last_version, version->id, STORE_ID_BYTES);
		return ERR_OK;
	}
	xml_open(&l->xml, "CommonPrefixes");
	s3_list_text(l->s, &l->xml, l->is_url, "Prefix", common_prefix);
	xml_close(&l->xml);
	remember(l, common_prefix, true);
	return ERR_OK;
}

/* --- the document ----------------------------------------------------------------------------------------------- */

static void put_head(struct list *l)
{
	enum s3_op op = l->s->request->op;

	buf_reset(l->s->w->answer);
	xml_begin(&l->xml, l->s->w->answer);
	xml_open_ns(&l->xml, op == S3_LIST_OBJECT_VERSIONS ? "ListVersionsResult" : "ListBucketResult", S3_NAMESPACE);
	xml_text(&l->xml, "Name", l->s->request->bucket);
	s3_list_text(l->s, &l->xml, l->is_url, "Prefix", l->query.prefix);
	if (l->query.delimiter.len)
		s3_list_text(l->s, &l->xml, l->is_url, "Delimiter", l->query.delimiter);
	xml_u64(&l->xml, "MaxKeys", l->max);
	if (l->is_url)
		xml_str(&l->xml, "EncodingType", "url");
	if (op == S3_LIST_OBJECTS)
		s3_list_text(l->s, &l->xml, l->is_url, "Marker", s3_param(l->s, S3_PARAM_MARKER));
	if (op == S3_LIST_OBJECTS_V2) {
		if (s3_param(l->s, S3_PARAM_CONTINUATION_TOKEN).len)
			xml_text(&l->xml, "ContinuationToken", s3_param(l->s, S3_PARAM_CONTINUATION_TOKEN));
		if (s3_param(l->s, S3_PARAM_START_AFTER).len)
			s3_list_text(l->s, &l->xml, l->is_url, "StartAfter", s3_param(l->s, S3_PARAM_START_AFTER));
	}
	if (op == S3_LIST_OBJECT_VERSIONS) {
		s3_list_text(l->s, &l->xml, l->is_url, "KeyMarker", s3_param(l->s, S3_PARAM_KEY_MARKER));
		xml_text(&l->xml, "VersionIdMarker", s3_param(l->s, S3_PARAM_VERSION_ID_MARKER));
	}
}

static void put_next_token(struct list *l)
{
	uint8_t token[1 + STORE_KEY_BYTES_MAX];
	char text[BASE64_LEN(sizeof token) + 1];

	token[0] = l->last_is_prefix ? TOKEN_PREFIX : TOKEN_KEY;
	memcpy(token + 1, l->last, l->last_len);
	base64_encode(slice_of(token, 1 + l->last_len), text);
	xml_str(&l->xml, "NextContinuationToken", text);
}

static void put_tail(struct list *l, bool is_truncated)
{
	struct slice last = slice_of(l->last, l->last_len);
	enum s3_op op = l->s->request->op;
	char id[S3_ID_TEXT_BYTES];

	if (op == S3_LIST_OBJECTS_V2)
		xml_u64(&l->xml, "KeyCount", l->count);
	xml_bool(&l->xml, "IsTruncated", is_truncated);
	if (is_truncated && op == S3_LIST_OBJECTS_V2)
		put_next_token(l);
	if (is_truncated && op == S3_LIST_OBJECTS)
		s3_list_text(l->s, &l->xml, l->is_url, "NextMarker", last);
	if (is_truncated && op == S3_LIST_OBJECT_VERSIONS) {
		s3_list_text(l->s, &l->xml, l->is_url, "NextKeyMarker", last);
		s3_id_text(l->last_version, id);
		if (!l->last_is_prefix)
			xml_str(&l->xml, "NextVersionIdMarker", id);
	}
	xml_close(&l->xml);
}

int s3_list_objects(struct s3 *s, struct why *reterr_why)
{
	struct list l = {.s = s};
	bool is_truncated = false;
	struct index *index;

	TRY(begin(&l, reterr_why));
	TRY(s3_ask_plain(s, reterr_why));
	if (s->is_answered)
		return ERR_OK;
	put_head(&l);
	if (l.max) { /* a page of nothing is the end, or a client that asks again for ever */
		TRY(front_worker_index(s->w, &index, reterr_why));
		TRY(front_worker_looked(s->w, index_list(index, s->decision.bucket_id, &l.query, put_entry, &l,
		                                         &is_truncated, reterr_why)));
	}
	put_tail(&l, is_truncated);
	TRY(xml_finish(&l.xml, reterr_why));
	return s3_answer_xml(s, 200, reterr_why);
}
