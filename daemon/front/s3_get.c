/* GetObject and HeadObject. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/front/s3_lookup.h"
#include "daemon/front/s3_meta.h"
#include "wire/http1_date.h"
#include "wire/http1_range.h"

struct get {
	struct s3 *s;
	const struct sidecar *object;
	bool is_head;
	unsigned status;
	uint64_t offset, length;
};

/* --- whether there is something to answer with ------------------------------------------------------------------ */

static int refuse_absent(struct s3 *s, const struct s3_found *f, struct why *reterr_why)
{
	bool wants_version = s->request->has_param[S3_PARAM_VERSION_ID];

	if (f->is_there && f->version.is_marker) {
		s->is_marker = true;
		memcpy(s->marker_id, f->version.id, STORE_ID_BYTES);
		S3_ENSURE(!wants_version, s, S3_METHOD_NOT_ALLOWED, reterr_why,
		          "this version is a delete marker, which holds nothing");
	}
	S3_ENSURE(!wants_version, s, S3_NO_SUCH_VERSION, reterr_why, "there is no such version of this object");
	return s3_refuse(s, S3_NO_SUCH_KEY, reterr_why, "there is no such object");
}

/* A date that is not understood is ignored (RFC 9110 13.1.3); the stored moment counts in whole seconds, as it is
 * shown. */
static bool is_newer_than(const struct sidecar *o, struct slice date, bool otherwise)
{
	uint64_t wall_ms;

	if (http1_date_parse(date, &wall_ms, NULL) != ERR_OK)
		return otherwise;
	return o->created_wall_ms / 1000 > wall_ms / 1000;
}

/* In the order of RFC 9110 13.2.2. */
static int check_conditions(struct s3 *s, const struct sidecar *o, struct why *reterr_why)
{
	struct slice match = {0}, none = {0}, since = {0}, until = {0};

	TRY(s3_header(s, "If-Match", &match, reterr_why));
	TRY(s3_header(s, "If-None-Match", &none, reterr_why));
	TRY(s3_header(s, "If-Modified-Since", &since, reterr_why));
	TRY(s3_header(s, "If-Unmodified-Since", &until, reterr_why));
	if (match.len)
		S3_ENSURE(s3_etag_listed(match, o->etag), s, S3_PRECONDITION_FAILED, reterr_why,
		          "the object's ETag is not one of If-Match");
	else if (until.len)
		S3_ENSURE(!is_newer_than(o, until, false), s, S3_PRECONDITION_FAILED, reterr_why,
		          "the object is newer than If-Unmodified-Since");
	if (none.len)
		S3_ENSURE(!s3_etag_listed(none, o->etag), s, S3_NOT_MODIFIED, reterr_why, "not modified");
	else if (since.len)
		S3_ENSURE(is_newer_than(o, since, true), s, S3_NOT_MODIFIED, reterr_why, "not modified");
	return ERR_OK;
}

/* Whoever signs a request says what the answer may call itself; to a link that anyone may follow nobody may add that.
 */
static int check_overrides(struct s3 *s, struct why *reterr_why)
{
	for (int p = S3_PARAM_RESPONSE_CONTENT_TYPE; p <= S3_PARAM_RESPONSE_CONTENT_ENCODING; p++)
		S3_ENSURE(!s->request->has_param[p] || s->account[0], s, S3_INVALID_REQUEST, reterr_why,
		          "response-* parameters need a signed request");
	return ERR_OK;
}

/* --- which bytes ------------------------------------------------------------------------------------------------ */

static int choose_part(struct get *g, struct why *reterr_why)
{
	const struct sidecar *o = g->object;
	uint64_t number;

	TRY(s3_param_number(g->s, S3_PARAM_PART_NUMBER, 0, UINT64_MAX, &number, reterr_why));
	S3_ENSURE(number >= 1 && number <= o->part_count, g->s, S3_INVALID_RANGE, reterr_why,
	          "the object has %zu parts", o->part_count);
	g->status = 206;
	g->length = o->parts[number - 1].length;
	for (uint64_t i = 0; i + 1 < number; i++)
		g->offset += o->parts[i].length;
	return ERR_OK;
}

static int choose_range(struct get *g, struct why *reterr_why)
{
	struct slice range = {0}, only_if = {0};
	uint64_t first, last;

	g->status = 200;
	g->length = g->object->total_length;
	TRY(s3_header(g->s, "Range", &range, reterr_why));
	TRY(s3_header(g->s, "If-Range", &only_if, reterr_why));
	if (g->s->request->has_param[S3_PARAM_PART_NUMBER]) {
		S3_ENSURE(!range.len, g->s, S3_INVALID_REQUEST, reterr_why,
		          "a range and a part number: one is possible");
		return choose_part(g, reterr_why);
	}
	if (!range.len || (only_if.len && !s3_etag_listed(only_if, g->object->etag)))
		return ERR_OK;
	switch (http1_range_parse(range, g->object->total_length, &first, &last)) {
	case HTTP1_RANGE_PART:
		g->status = 206;
		g->offset = first;
		g->length = last - first + 1;
		return ERR_OK;
	case HTTP1_RANGE_UNSATISFIABLE:
		return s3_refuse(g->s, S3_INVALID_RANGE, reterr_why, "the object has %" PRIu64 " bytes",
		                 g->object->total_length);
	case HTTP1_RANGE_WHOLE:
	default:
		return ERR_OK;
	}
}

/* --- the answer ------------------------------------------------------------------------------------------------- */

/* What a 304 has too. */
static int add_validators(struct get *g, struct why *reterr_why)
{
	char date[HTTP1_DATE_BYTES];

	http1_date_format(g->object->created_wall_ms, date);
	TRY(s3_field_str(g->s, "Last-Modified", date, reterr_why));
	return s3_field_etag(g->s, g->object->etag, reterr_why);
}

static int add_range(struct get *g, struct why *reterr_why)
{
	char text[80];

	if (g->status != 206 || g->length == 0)
		return ERR_OK;
	snprintf(text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, g->offset, g->offset + g->length - 1,
	         g->object->total_length);
	return s3_field_str(g->s, "Content-Range", text, reterr_why);
}

static int add_fields(struct get *g, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *meta = NULL;
	struct slice mode = {0};
	char parts[24];

	TRY(s3_field_str(g->s, "Accept-Ranges", "bytes", reterr_why));
	TRY(s3_field_version(g->s, g->object->version_id, reterr_why));
	TRY(s3_field_encryption(g->s, reterr_why));
	TRY(add_range(g, reterr_why));
	if (g->s->request->has_param[S3_PARAM_PART_NUMBER] && memchr(g->object->etag.ptr, '-', g->object->etag.len)) {
		snprintf(parts, sizeof parts, "%zu", g->object->part_count);
		TRY(s3_field_str(g->s, "x-amz-mp-parts-count", parts, reterr_why));
	}
	TRY(json_canonical_read(g->object->metadata, &meta, reterr_why));
	TRY(s3_header(g->s, "x-amz-checksum-mode", &mode, reterr_why));
	/* A client would check the checksum of the whole against the bytes of a range. */
	return s3_meta_answer(g->s, meta, slice_is_str_nocase(mode, "ENABLED") && g->status == 200, reterr_why);
}

/* The head goes out with the first piece that has verified: until then the answer can still be an error. */
static int send_piece(void *ctx, struct slice plain, struct why *reterr_why)
{
	struct get *g = ctx;

	if (!http_exchange_has_begun(g->s->x))
		TRY(http_exchange_begin(g->s->x, g->status, g->length, reterr_why));
	return http_exchange_write(g->s->x, plain, reterr_why);
}

static int send_object(struct get *g, struct store_object *object, struct why *reterr_why)
{
	if (!g->is_head)
		TRY(store_object_read(object, g->offset, g->length, send_piece, g, reterr_why));
	if (!http_exchange_has_begun(g->s->x))
		TRY(http_exchange_begin(g->s->x, g->status, g->length, reterr_why));
	return http_exchange_end(g->s->x, reterr_why);
}

static int answer(struct s3 *s, struct s3_found *f, struct why *reterr_why)
{
	struct get g = {.s = s, .is_head = s->request->op == S3_HEAD_OBJECT};

	ENSURE(s->version_key, ERR_INTERNAL, reterr_why, "keys let a read go on and gave no key");
	TRY(store_object_unlock(f->object, s->version_key, reterr_why));
	g.object = store_object_sidecar(f->object);
	ENSURE(slice_equal(g.object->object_key, s->request->key), ERR_TAMPERED, reterr_why,
	       "the index leads to the record of another object");
	TRY(check_overrides(s, reterr_why));
	TRY(add_validators(&g, reterr_why));
	TRY(check_conditions(s, g.object, reterr_why));
	TRY(choose_range(&g, reterr_why));
	TRY(add_fields(&g, reterr_why));
	return send_object(&g, f->object, reterr_why);
}

/* A version that was removed while it was read is no damage. */
static bool has_vanished(struct s3 *s, const struct s3_found *f)
{
	struct index_version now;
	struct index *index;

	return front_worker_index(s->w, &index, NULL) == ERR_OK &&
	       front_worker_looked(s->w, index_version(index, f->bucket_id, s->request->key, f->version.id, &now,
	                                               NULL)) == ERR_NOTFOUND;
}

int s3_get_object(struct s3 *s, struct why *reterr_why)
{
	struct s3_found f;
	int err = s3_find_and_ask(s, &f, reterr_why);

	if (err == ERR_OK && !s->is_answered)
		err = f.is_there && !f.version.is_marker ? answer(s, &f, reterr_why) : refuse_absent(s, &f, reterr_why);
	s3_found_clear(&f);
	if (err == ERR_TAMPERED && has_vanished(s, &f)) {
		if (http_exchange_has_begun(s->x))
			return ERR_CLOSED;
		return s3_refuse(s, S3_NO_SUCH_VERSION, reterr_why, "the version was removed just now");
	}
	return err;
}
