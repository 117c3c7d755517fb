/* CompleteMultipartUpload: makes an object of parts that are there already; not a byte of them is moved. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/time.h"
#include "crypto/hash.h"
#include "daemon/front/s3_list.h"
#include "daemon/front/s3_upload.h"
#include "wire/xml.h"

struct stored_part {
	uint32_t number;
	struct sidecar_part part;
	struct s3_part_tag tag;
};

struct complete {
	struct s3 *s;
	struct s3_upload upload;
	struct xml *doc;
	const struct xml_node *root;

	struct stored_part *stored; /* all that were uploaded, by number */
	size_t stored_count;
	const struct stored_part **chosen; /* those that the client lists */
	struct sidecar_part *parts;
	size_t count;
	char etag[STORE_ETAG_BYTES_MAX + 1];
	char checksum[S3_CHECKSUM_TEXT_BYTES + 8]; /* "" without */
};

static void complete_clear(struct complete *c)
{
	s3_upload_clear(&c->upload);
	xml_free(c->doc);
	free(c->stored);
	free(c->chosen);
	free(c->parts);
}

/* --- what the client lists -------------------------------------------------------------------------------------- */

static int read_list(struct complete *c, struct why *reterr_why)
{
	int err = xml_read(buf_slice(c->s->w->body), &c->doc, reterr_why);

	if (err == ERR_OK)
		err = xml_root(c->doc, "CompleteMultipartUpload", &c->root, reterr_why);
	if (err != ERR_OK)
		c->s->code = S3_MALFORMED_XML;
	TRY(err);
	for (const struct xml_node *n = xml_child(c->root, "Part"); n; n = xml_next(n, "Part"))
		c->count++;
	S3_ENSURE(c->count >= 1 && c->count <= STORE_PARTS_MAX, c->s, S3_MALFORMED_XML, reterr_why,
	          "%zu parts; 1 to %d make an object", c->count, STORE_PARTS_MAX);
	return ERR_OK;
}

static int add_stored(void *ctx, const struct record_upload_part *part, struct why *reterr_why)
{
	struct complete *c = ctx;
	struct stored_part *into = &c->stored[c->stored_count];

	ENSURE(c->stored_count < STORE_PARTS_MAX, ERR_TAMPERED, reterr_why, "an upload of more than %d parts",
	       STORE_PARTS_MAX);
	into->number = part->number;
	into->part = part->part;
	TRY(slice_to_str(part->etag, into->tag.text, sizeof into->tag.text, reterr_why));
	c->stored_count++;
	return ERR_OK;
}

static int load_stored(struct complete *c, struct why *reterr_why)
{
	struct index *index;

	c->stored = calloc(STORE_PARTS_MAX, sizeof *c->stored);
	c->chosen = calloc(c->count, sizeof(struct stored_part *));
	c->parts = calloc(c->count, sizeof *c->parts);
	ENSURE(c->stored && c->chosen && c->parts, ERR_UNAVAILABLE, reterr_why, "out of memory for an upload's parts");
	TRY(front_worker_index(c->s->w, &index, reterr_why));
	return front_worker_looked(
		c->s->w, index_upload_parts(index, c->upload.id, 0, STORE_PARTS_MAX, add_stored, c, reterr_why));
}

static const struct stored_part *find_stored(const struct complete *c, uint64_t number)
{
	size_t low = 0, high = c->stored_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->stored[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < c->stored_count && c->stored[low].number == number ? &c->stored[low] : NULL;
}

static struct slice unquoted(struct slice etag)
{
	if (etag.len >= 2 && etag.ptr[0] == '"' && etag.ptr[etag.len - 1] == '"')
		return slice_of(etag.ptr + 1, etag.len - 2);
	return etag;
}

/* A checksum beside the ETag must be that of the part. */
static int check_part_checksum(struct complete *c, const struct xml_node *node, const struct stored_part *p,
                               uint64_t number, struct why *reterr_why)
{
	struct slice value;
	enum s3_checksum_kind kind = s3_part_tag_checksum(slice_str(p->tag.text), &value);

	for (int k = 1; k < S3_CHECKSUM_KINDS; k++) {
		struct slice said = {0};

		TRY(xml_opt_text(node, s3_checksum_element((enum s3_checksum_kind)k), &said, reterr_why));
		S3_ENSURE(!said.len || ((enum s3_checksum_kind)k == kind && slice_equal(said, value)), c->s,
		          S3_INVALID_PART, reterr_why, "part %" PRIu64 " has another %s checksum", number,
		          s3_checksum_name((enum s3_checksum_kind)k));
	}
	return ERR_OK;
}

static int choose_part(struct complete *c, const struct xml_node *node, size_t at, struct why *reterr_why)
{
	const struct stored_part *p;
	struct slice number_text, etag;
	uint64_t number;

	S3_ENSURE(xml_get_text(node, "PartNumber", &number_text, NULL) == ERR_OK &&
	                  xml_get_text(node, "ETag", &etag, NULL) == ERR_OK &&
	                  slice_to_u64(http1_trim(number_text), STORE_PARTS_MAX, &number, NULL) == ERR_OK,
	          c->s, S3_MALFORMED_XML, reterr_why, "each Part has one PartNumber, up to %d, and one ETag",
	          STORE_PARTS_MAX);
	S3_ENSURE(at == 0 || number > c->chosen[at - 1]->number, c->s, S3_INVALID_PART_ORDER, reterr_why,
	          "the parts are not listed in ascending order");
	p = find_stored(c, number);
	S3_ENSURE(p && slice_equal(unquoted(http1_trim(etag)), s3_part_tag_etag(slice_str(p->tag.text))), c->s,
	          S3_INVALID_PART, reterr_why, "part %" PRIu64 " was not uploaded, or has another ETag", number);
	TRY(check_part_checksum(c, node, p, number, reterr_why));
	c->chosen[at] = p;
	c->parts[at] = p->part;
	return ERR_OK;
}

static int choose_parts(struct complete *c, struct why *reterr_why)
{
	size_t at = 0;

	for (const struct xml_node *n = xml_child(c->root, "Part"); n; n = xml_next(n, "Part"))
		TRY(choose_part(c, n, at++, reterr_why));
	for (size_t i = 0; i + 1 < c->count; i++)
		S3_ENSURE(c->parts[i].length >= S3_PART_BYTES_MIN, c->s, S3_ENTITY_TOO_SMALL, reterr_why,
		          "part %u has %" PRIu64 " bytes; all but the last need %d", c->chosen[i]->number,
		          c->parts[i].length, S3_PART_BYTES_MIN);
	return ERR_OK;
}

/* --- what the object will be called ----------------------------------------------------------------------------- */

static int make_etag(struct complete *c, struct why *reterr_why)
{
	CLEANUP(hash_freep) struct hash *h = NULL;
	uint8_t digest[SHA256_BYTES];
	char text[S3_ETAG_TEXT_BYTES];

	TRY(hash_new(HASH_SHA256, &h, reterr_why));
	for (size_t i = 0; i < c->count; i++)
		hash_update(h, s3_part_tag_etag(slice_str(c->chosen[i]->tag.text)));
	hash_finish(h, digest);
	hex_encode(slice_of(digest, (sizeof text - 1) / 2), text);
	snprintf(c->etag, sizeof c->etag, "%s-%zu", text, c->count);
	return ERR_OK;
}

/* The checksum of the parts' checksums, as S3 makes it of those of type COMPOSITE. */
static int make_checksum(struct complete *c, struct why *reterr_why)
{
	struct s3_checksum sum;
	char text[S3_CHECKSUM_TEXT_BYTES];

	TRY(s3_checksum_begin(c->upload.checksum, &sum, reterr_why));
	for (size_t i = 0; i < c->count; i++) {
		struct slice value;
		uint8_t bytes[SHA256_BYTES];
		size_t len = 0;

		(void)s3_part_tag_checksum(slice_str(c->chosen[i]->tag.text), &value);
		if (base64_decode(value, bytes, sizeof bytes, &len, reterr_why) != ERR_OK ||
		    len != s3_checksum_bytes(c->upload.checksum)) {
			s3_checksum_clear(&sum);
			why_set(reterr_why, "part %u was stored without its checksum", c->chosen[i]->number);
			return ERR_TAMPERED;
		}
		s3_checksum_add(&sum, slice_of(bytes, len));
	}
	s3_checksum_end(&sum, text);
	s3_checksum_clear(&sum);
	snprintf(c->checksum, sizeof c->checksum, "%s-%zu", text, c->count);
	return s3_meta_set_checksum(c->upload.meta, c->upload.checksum, c->checksum, "COMPOSITE", reterr_why);
}

/* What the client says about the whole object must hold of it. */
static int check_whole(struct complete *c, struct why *reterr_why)
{
	struct slice size = {0}, said = {0};
	uint64_t total = 0, number;

	for (size_t i = 0; i < c->count; i++)
		total += c->parts[i].length;
	TRY(s3_header(c->s, "x-amz-mp-object-size", &size, reterr_why));
	S3_ENSURE(!size.len || (slice_to_u64(size, UINT64_MAX, &number, NULL) == ERR_OK && number == total), c->s,
	          S3_INVALID_REQUEST, reterr_why, "x-amz-mp-object-size is not %" PRIu64 ", the sum of the parts",
	          total);
	for (int k = 1; k < S3_CHECKSUM_KINDS; k++) {
		said = slice_of(NULL, 0);
		TRY(s3_header(c->s, s3_checksum_header((enum s3_checksum_kind)k), &said, reterr_why));
		S3_ENSURE(!said.len ||
		                  ((enum s3_checksum_kind)k == c->upload.checksum && slice_is_str(said, c->checksum)),
		          c->s, S3_BAD_DIGEST, reterr_why, "the object's checksum is another one");
	}
	return ERR_OK;
}

/* --- making it -------------------------------------------------------------------------------------------------- */

static int commit(struct complete *c, const struct store_condition *condition, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *metadata = NULL;
	struct s3 *s = c->s;
	struct sidecar fields = {
		.created_wall_ms = time_wall_ms(),
		.object_key = s->request->key,
		.etag = slice_str(c->etag),
		.wrap = slice_of(c->upload.wrap, c->upload.wrap_len),
		.part_count = c->count,
		.parts = c->parts,
	};
	int err;

	TRY(buf_new(STORE_METADATA_BYTES_MAX, &metadata, reterr_why));
	TRY(json_canonical_put(c->upload.meta, metadata, reterr_why));
	fields.metadata = buf_slice(metadata);
	memcpy(fields.bucket_id, c->upload.bucket_id, STORE_ID_BYTES);
	memcpy(fields.version_id, c->upload.version_id, STORE_ID_BYTES);
	err = store_upload_complete_if(s->w->front->store, c->upload.id, &fields, s->version_key, condition,
	                               reterr_why);
	S3_ENSURE(err != ERR_NOTFOUND, s, S3_NO_SUCH_UPLOAD, reterr_why,
	          "the upload was completed or aborted meanwhile");
	if (err == ERR_CONFLICT && !condition)
		s->code = S3_INVALID_PART;
	else
		(void)!s3_stored(s, err);
	TRY(err);
	return s3_log_wait(s, reterr_why);
}

static int answer(struct complete *c, struct why *reterr_why)
{
	struct s3 *s = c->s;
	struct xml_writer xml;

	buf_reset(s->w->answer);
	xml_begin(&xml, s->w->answer);
	xml_open_ns(&xml, "CompleteMultipartUploadResult", S3_NAMESPACE);
	xml_text(&xml, "Location", s->http->uri.path);
	xml_text(&xml, "Bucket", s->request->bucket);
	xml_text(&xml, "Key", s->request->key);
	s3_list_etag(&xml, slice_str(c->etag));
	if (c->checksum[0]) {
		xml_str(&xml, s3_checksum_element(c->upload.checksum), c->checksum);
		xml_str(&xml, "ChecksumType", "COMPOSITE");
	}
	xml_close(&xml);
	TRY(xml_finish(&xml, reterr_why));
	TRY(s3_field_version(s, c->upload.version_id, reterr_why));
	TRY(s3_field_encryption(s, reterr_why));
	return s3_answer_xml(s, 200, reterr_why);
}

static int complete(struct complete *c, struct why *reterr_why)
{
	struct store_condition condition;
	struct s3 *s = c->s;
	bool has_condition;

	TRY(s3_meta_check_request(s, reterr_why));
	TRY(s3_write_condition(s, &condition, &has_condition, reterr_why));
	TRY(s3_body_read_whole(s, reterr_why));
	TRY(read_list(c, reterr_why));
	TRY(s3_upload_find(s, &c->upload, reterr_why));
	TRY(s3_upload_ask(s, &c->upload, true, reterr_why));
	if (s->is_answered)
		return ERR_OK;
	TRY(s3_body_check_whole(s, false, reterr_why));
	TRY(load_stored(c, reterr_why));
	TRY(choose_parts(c, reterr_why));
	TRY(make_etag(c, reterr_why));
	if (c->upload.checksum != S3_CHECKSUM_NONE)
		TRY(make_checksum(c, reterr_why));
	TRY(check_whole(c, reterr_why));
	TRY(commit(c, has_condition ? &condition : NULL, reterr_why));
	return answer(c, reterr_why);
}

int s3_complete_upload(struct s3 *s, struct why *reterr_why)
{
	struct complete c = {.s = s};
	int err = complete(&c, reterr_why);

	complete_clear(&c);
	return err;
}
