#include <stdlib.h>

#include "store/store.h"
#include "store/store_private.h"

struct store_object {
	struct store *store;
	struct buf *record;
	struct sidecar *sidecar;
	struct slice inline_message;
	const struct secret *version_key; /* NULL until it verified */
};

int store_object_open(struct store *s, struct segment_at at, struct store_object **ret_object, struct why *reterr_why)
{
	CLEANUP(store_object_freep) struct store_object *o = calloc(1, sizeof *o);
	struct record_version r;

	ENSURE(o, ERR_UNAVAILABLE, reterr_why, "out of memory for an object");
	o->store = s;
	TRY(buf_new(at.length, &o->record, reterr_why));
	TRY(segments_read(s->segments, at, RECORD_VERSION, o->record, reterr_why));
	TRY(record_version_take(buf_slice(o->record), &r, reterr_why));
	TRY(sidecar_decode(r.sidecar, &o->sidecar, reterr_why));
	o->inline_message = r.blob;
	ENSURE(r.blob.len == 0 || o->sidecar->part_count == 1, ERR_TAMPERED, reterr_why,
	       "an object in a segment has %zu parts; restore it from a backup", o->sidecar->part_count);
	*ret_object = take_ptr(o);
	return ERR_OK;
}

void store_object_free(struct store_object *o)
{
	if (!o)
		return;
	sidecar_free(o->sidecar);
	buf_free(o->record);
	free(o);
}

void store_object_freep(struct store_object **o)
{
	store_object_free(*o);
	*o = NULL;
}

struct slice store_object_wrap(const struct store_object *o)
{
	return o->sidecar->wrap;
}

int store_object_unlock(struct store_object *o, const struct secret *version_key, struct why *reterr_why)
{
	TRY(sidecar_verify(o->sidecar, version_key, reterr_why));
	o->version_key = version_key;
	return ERR_OK;
}

const struct sidecar *store_object_sidecar(const struct store_object *o)
{
	return o->version_key ? o->sidecar : NULL;
}

/* A range within one part. */
static int read_part(struct store_object *o, size_t part, uint64_t offset, uint64_t len, store_sink *sink, void *ctx,
                     struct why *reterr_why)
{
	CLEANUP(blob_reader_freep) struct blob_reader *reader = NULL;
	struct slice plain;

	TRY(blob_reader_new(o->store->blobs, &o->sidecar->parts[part], o->inline_message, o->version_key, &reader,
	                    reterr_why));
	do { /* at least once: an empty object's end is authenticated too */
		int err = blob_reader_read(reader, offset, len, &plain, reterr_why);

		if (err == ERR_TAMPERED)
			why_prefix(reterr_why, "part %zu: ", part + 1);
		TRY(err);
		if (plain.len)
			TRY(sink(ctx, plain, reterr_why));
		offset += plain.len;
		len -= plain.len;
	} while (len);
	return ERR_OK;
}

int store_object_read(struct store_object *o, uint64_t offset, uint64_t len, store_sink *sink, void *ctx,
                      struct why *reterr_why)
{
	const struct sidecar *s = store_object_sidecar(o);
	uint64_t start = 0;

	ENSURE(s, ERR_INTERNAL, reterr_why, "an object is read before it was unlocked");
	ENSURE(offset <= s->total_length && len <= s->total_length - offset, ERR_INTERNAL, reterr_why,
	       "a read past the end of an object");
	if (s->total_length == 0 && s->part_count) /* nothing to hand over, but its end has to be authentic */
		return read_part(o, 0, 0, 0, sink, ctx, reterr_why);
	for (size_t i = 0; i < s->part_count && len; start += s->parts[i++].length) {
		uint64_t skip = offset > start ? offset - start : 0, take;

		if (skip >= s->parts[i].length)
			continue;
		take = s->parts[i].length - skip < len ? s->parts[i].length - skip : len;
		TRY(read_part(o, i, skip, take, sink, ctx, reterr_why));
		offset += take;
		len -= take;
	}
	return ERR_OK;
}
