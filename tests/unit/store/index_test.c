#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "store/index.h"
#include "store_fixture.h"

/* An index and a counter that stands for the segments: each applied record gets the next place. */
struct indexed {
	struct fixture *f;
	struct index *ix;
	uint32_t next;
	struct secret *key;
};

static const uint8_t bucket[STORE_ID_BYTES] = {0xb};

static int indexed_open(void **state)
{
	struct indexed *t = calloc(1, sizeof *t);
	char path[96];

	if (fixture_open((void **)&t->f) != 0)
		return -1;
	snprintf(path, sizeof path, "%s/index.db", t->f->path);
	assert_int_equal(index_open(path, &t->ix, NULL), ERR_OK);
	assert_int_equal(secret_new_random(32, &t->key, NULL), ERR_OK);
	*state = t;
	return 0;
}

static int indexed_close(void **state)
{
	struct indexed *t = *state;
	void *f = t->f;

	index_close(t->ix);
	secret_free(t->key);
	free(t);
	return fixture_close(&f);
}

static void apply(struct indexed *t, enum record_type type, struct slice payload)
{
	struct segment_record r = {
		.type = (uint8_t)type, .payload = payload, .at = {0, ++t->next, (uint32_t)payload.len}};

	assert_int_equal(index_begin(t->ix, NULL), ERR_OK);
	assert_int_equal(index_apply(t->ix, &r, NULL), ERR_OK);
	assert_int_equal(index_commit(t->ix, 0, t->next, NULL), ERR_OK);
}

/* Puts a version whose id is all `id` bytes and whose only blob, a file, has the id `blob`. */
static void put(struct indexed *t, const char *key, uint8_t id, uint8_t blob)
{
	CLEANUP(buf_freep) struct buf *encoded = NULL, *payload = NULL;
	struct sidecar_part part = {.length = 10};
	struct sidecar s = {
		.total_length = 10,
		.created_wall_ms = 5,
		.object_key = slice_str(key),
		.etag = slice_str("etag"),
		.part_count = 1,
		.parts = &part,
	};

	memcpy(s.bucket_id, bucket, STORE_ID_BYTES);
	memset(s.version_id, id, STORE_ID_BYTES);
	memset(part.blob_id, blob, STORE_ID_BYTES);
	assert_int_equal(buf_new(STORE_RECORD_BYTES_MAX, &encoded, NULL), ERR_OK);
	assert_int_equal(buf_new(STORE_RECORD_BYTES_MAX, &payload, NULL), ERR_OK);
	assert_int_equal(sidecar_encode(&s, t->key, encoded, NULL), ERR_OK);
	assert_int_equal(
		record_version_put(&(struct record_version){buf_slice(encoded), slice_of(NULL, 0)}, payload, NULL),
		ERR_OK);
	apply(t, RECORD_VERSION, buf_slice(payload));
}

static void event(struct indexed *t, enum record_type type, const char *key, uint8_t id)
{
	CLEANUP(buf_freep) struct buf *payload = NULL;
	struct record_key_event r = {.created_wall_ms = 6, .object_key = slice_str(key)};

	memcpy(r.bucket_id, bucket, STORE_ID_BYTES);
	memset(r.version_id, id, STORE_ID_BYTES);
	assert_int_equal(buf_new(4096, &payload, NULL), ERR_OK);
	assert_int_equal(record_key_event_put(&r, payload, NULL), ERR_OK);
	apply(t, type, buf_slice(payload));
}

static int see(void *ctx, const struct index_version *v, struct slice common, struct why *reterr_why)
{
	char *text = ctx;
	size_t len = strlen(text);

	(void)reterr_why;
	if (!v)
		snprintf(text + len, 1024 - len, "[%.*s] ", (int)common.len, (const char *)common.ptr);
	else
		snprintf(text + len, 1024 - len, "%.*s/%x%s%s ", (int)v->object_key.len,
		         (const char *)v->object_key.ptr, v->id[0], v->is_marker ? "m" : "", v->is_latest ? "*" : "");
	return ERR_OK;
}

static const char *list(struct indexed *t, const struct index_list *query)
{
	static char text[1024];
	bool truncated;

	text[0] = 0;
	assert_int_equal(index_list(t->ix, bucket, query, see, text, &truncated, NULL), ERR_OK);
	if (truncated)
		snprintf(text + strlen(text), sizeof text - strlen(text), "...");
	return text;
}

static void keys_come_in_the_order_of_their_bytes(void **state)
{
	struct indexed *t = *state;

	put(t, "b", 1, 1);
	put(t, "a", 2, 2);
	put(t, "a/b", 3, 3);
	put(t, "\xc3\xa9", 4, 4);
	assert_string_equal(list(t, &(struct index_list){.limit = 10}), "a/2* a/b/3* b/1* \xc3\xa9/4* ");
}

static void a_marker_hides_a_key_and_its_removal_shows_it_again(void **state)
{
	struct indexed *t = *state;
	struct index_version v;

	put(t, "k", 1, 1);
	event(t, RECORD_MARKER, "k", 2);
	assert_string_equal(list(t, &(struct index_list){.limit = 10}), "");
	assert_string_equal(list(t, &(struct index_list){.limit = 10, .wants_versions = true}), "k/2m* k/1 ");
	assert_int_equal(index_version(t->ix, bucket, slice_str("k"), NULL, &v, NULL), ERR_OK);
	assert_true(v.is_marker);
	event(t, RECORD_VERSION_GONE, "k", 2);
	assert_string_equal(list(t, &(struct index_list){.limit = 10}), "k/1* ");
}

static void a_version_is_found_by_its_id_under_its_key_only(void **state)
{
	struct indexed *t = *state;
	uint8_t id[STORE_ID_BYTES];
	struct index_version v;

	put(t, "k", 1, 1);
	put(t, "k", 2, 2);
	memset(id, 1, sizeof id);
	assert_int_equal(index_version(t->ix, bucket, slice_str("k"), id, &v, NULL), ERR_OK);
	assert_int_equal(v.at.offset, 1);
	assert_int_equal(index_version(t->ix, bucket, slice_str("other"), id, &v, NULL), ERR_NOTFOUND);
	assert_int_equal(index_version(t->ix, bucket, slice_str("k"), NULL, &v, NULL), ERR_OK);
	assert_int_equal(v.id[0], 2);
}

static void common_prefixes_are_rolled_up_and_skipped(void **state)
{
	struct indexed *t = *state;
	const struct slice slash = slice_str("/");

	put(t, "a", 1, 1);
	put(t, "dir/1", 2, 2);
	put(t, "dir/2", 3, 3);
	put(t, "dir/sub/3", 4, 4);
	put(t, "dir2/4", 5, 5);
	put(t, "z", 6, 6);
	assert_string_equal(list(t, &(struct index_list){.limit = 10, .delimiter = slash}),
	                    "a/1* [dir/] [dir2/] z/6* ");
	assert_string_equal(list(t, &(struct index_list){.limit = 2, .delimiter = slash}), "a/1* [dir/] ...");
	assert_string_equal(list(t, &(struct index_list){.limit = 10, .delimiter = slash, .prefix = slice_str("dir/")}),
	                    "dir/1/2* dir/2/3* [dir/sub/] ");
	assert_string_equal(list(t, &(struct index_list){.limit = 10,
	                                                 .delimiter = slash,
	                                                 .after = slice_str("dir/"),
	                                                 .after_is_prefix = true}),
	                    "[dir2/] z/6* ");
	/* A key above which to start is not a prefix that was listed: what lies under it is still rolled up. */
	assert_string_equal(list(t, &(struct index_list){.limit = 10, .delimiter = slash, .after = slice_str("dir/1")}),
	                    "[dir/] [dir2/] z/6* ");
}

/* Pages of every size together give what one large page gives. */
static void pages_join_without_gap_or_overlap(void **state)
{
	struct indexed *t = *state;
	char whole[1024], key[8];

	for (uint8_t i = 0; i < 20; i++) {
		snprintf(key, sizeof key, "k%02d", i / 2);
		put(t, key, (uint8_t)(i + 1), (uint8_t)(i + 1));
	}
	snprintf(whole, sizeof whole, "%s", list(t, &(struct index_list){.limit = 100, .wants_versions = true}));
	for (uint32_t limit = 1; limit <= 20; limit++) {
		uint8_t after_version[STORE_ID_BYTES];
		struct index_list q = {.limit = limit, .wants_versions = true};
		char joined[2048] = "", after[8];
		size_t len = 0;

		for (;;) {
			const char *page = list(t, &q), *last;
			bool more = strlen(page) > 3 && strcmp(page + strlen(page) - 3, "...") == 0;
			unsigned id;

			len += (size_t)snprintf(joined + len, sizeof joined - len, "%.*s",
			                        (int)strlen(page) - (more ? 3 : 0), page);
			if (!more)
				break;
			last = strrchr(joined, 'k');
			assert_int_equal(sscanf(last, "%3s/%x", after, &id), 2);
			memset(after_version, (int)id, sizeof after_version);
			q.after = slice_str(after);
			q.after_version = after_version;
		}
		assert_string_equal(joined, whole);
	}
}

/* As a client does that empties a bucket page by page. */
static void a_page_after_a_version_that_is_gone_loses_none(void **state)
{
	struct indexed *t = *state;
	uint8_t gone[STORE_ID_BYTES];

	put(t, "a", 1, 1);
	put(t, "k", 2, 2);
	put(t, "k", 3, 3);
	put(t, "k", 4, 4);
	put(t, "z", 5, 5);
	event(t, RECORD_VERSION_GONE, "a", 1);
	event(t, RECORD_VERSION_GONE, "k", 4);
	memset(gone, 4, sizeof gone);
	assert_string_equal(list(t, &(struct index_list){.limit = 10,
	                                                 .wants_versions = true,
	                                                 .after = slice_str("k"),
	                                                 .after_version = gone}),
	                    "k/3* k/2 z/5* ");
}

static int count_blob(void *ctx, const uint8_t id[static STORE_ID_BYTES], struct why *reterr_why)
{
	(void)reterr_why;
	*(uint32_t *)ctx = *(uint32_t *)ctx * 256 + id[0];
	return ERR_OK;
}

static void a_removed_version_leaves_its_blob_as_garbage_until_done(void **state)
{
	struct indexed *t = *state;
	uint8_t blob[STORE_ID_BYTES];
	uint32_t found = 0;
	bool has;

	put(t, "k", 1, 0x21);
	memset(blob, 0x21, sizeof blob);
	assert_int_equal(index_has_blob(t->ix, blob, &has, NULL), ERR_OK);
	assert_true(has);
	assert_int_equal(index_garbage(t->ix, 10, count_blob, &found, NULL), ERR_OK);
	assert_int_equal(found, 0);
	event(t, RECORD_VERSION_GONE, "k", 1);
	assert_int_equal(index_has_blob(t->ix, blob, &has, NULL), ERR_OK);
	assert_false(has);
	assert_int_equal(index_garbage(t->ix, 10, count_blob, &found, NULL), ERR_OK);
	assert_int_equal(found, 0x21);
	assert_int_equal(index_garbage_done(t->ix, blob, NULL), ERR_OK);
	found = 0;
	assert_int_equal(index_garbage(t->ix, 10, count_blob, &found, NULL), ERR_OK);
	assert_int_equal(found, 0);
}

static void upload_create(struct indexed *t, uint8_t id)
{
	CLEANUP(buf_freep) struct buf *payload = NULL;
	struct record_upload u = {.created_wall_ms = 5, .object_key = slice_str("up"), .wrap = slice_str("w")};

	memset(u.upload_id, id, STORE_ID_BYTES);
	memcpy(u.bucket_id, bucket, STORE_ID_BYTES);
	assert_int_equal(buf_new(4096, &payload, NULL), ERR_OK);
	assert_int_equal(record_upload_put(&u, payload, NULL), ERR_OK);
	apply(t, RECORD_UPLOAD, buf_slice(payload));
}

static void upload_part(struct indexed *t, uint8_t id, uint32_t number, uint8_t blob)
{
	CLEANUP(buf_freep) struct buf *payload = NULL;
	struct record_upload_part p = {.number = number, .etag = slice_str("e")};

	memset(p.upload_id, id, STORE_ID_BYTES);
	memset(p.part.blob_id, blob, STORE_ID_BYTES);
	assert_int_equal(buf_new(4096, &payload, NULL), ERR_OK);
	assert_int_equal(record_upload_part_put(&p, payload, NULL), ERR_OK);
	apply(t, RECORD_UPLOAD_PART, buf_slice(payload));
}

static int see_part(void *ctx, const struct record_upload_part *part, struct why *reterr_why)
{
	(void)reterr_why;
	*(uint32_t *)ctx = *(uint32_t *)ctx * 100 + part->number * 10 + part->part.blob_id[0];
	return ERR_OK;
}

static void an_upload_keeps_its_latest_parts_and_its_end_frees_what_nobody_took(void **state)
{
	struct indexed *t = *state;
	uint8_t id[STORE_ID_BYTES];
	struct record_upload u;
	uint32_t seen = 0;
	bool is_empty;

	memset(id, 9, sizeof id);
	upload_create(t, 9);
	upload_part(t, 9, 1, 1);
	upload_part(t, 9, 2, 2);
	upload_part(t, 9, 1, 3); /* again: blob 1 is garbage now */
	assert_int_equal(index_upload(t->ix, id, &u, NULL), ERR_OK);
	assert_true(slice_is_str(u.object_key, "up"));
	assert_int_equal(index_upload_parts(t->ix, id, 0, 10, see_part, &seen, NULL), ERR_OK);
	assert_int_equal(seen, 1322);
	assert_int_equal(index_bucket_is_empty(t->ix, bucket, &is_empty, NULL), ERR_OK);
	assert_false(is_empty);
	seen = 0;
	assert_int_equal(index_garbage(t->ix, 10, count_blob, &seen, NULL), ERR_OK);
	assert_int_equal(seen, 1);
	put(t, "up", 4, 2); /* the object takes blob 2, not blob 3 */
	apply(t, RECORD_UPLOAD_GONE, slice_of(id, sizeof id));
	seen = 0;
	assert_int_equal(index_garbage(t->ix, 10, count_blob, &seen, NULL), ERR_OK);
	assert_int_equal(seen, 1 * 256 + 3);
	assert_int_equal(index_upload(t->ix, id, &u, NULL), ERR_NOTFOUND);
}

static void applying_twice_changes_nothing(void **state)
{
	struct indexed *t = *state;

	put(t, "k", 1, 1);
	t->next--;
	put(t, "k", 1, 1);
	assert_string_equal(list(t, &(struct index_list){.limit = 10, .wants_versions = true}), "k/1* ");
}

static void a_record_of_a_newer_release_is_refused(void **state)
{
	struct indexed *t = *state;
	struct segment_record r = {.type = '?'};

	assert_int_equal(index_apply(t->ix, &r, NULL), ERR_CONFLICT);
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, indexed_open, indexed_close)
	const struct CMUnitTest tests[] = {
		FRESH(keys_come_in_the_order_of_their_bytes),
		FRESH(a_marker_hides_a_key_and_its_removal_shows_it_again),
		FRESH(a_version_is_found_by_its_id_under_its_key_only),
		FRESH(common_prefixes_are_rolled_up_and_skipped),
		FRESH(pages_join_without_gap_or_overlap),
		FRESH(a_page_after_a_version_that_is_gone_loses_none),
		FRESH(a_removed_version_leaves_its_blob_as_garbage_until_done),
		FRESH(an_upload_keeps_its_latest_parts_and_its_end_frees_what_nobody_took),
		FRESH(applying_twice_changes_nothing),
		FRESH(a_record_of_a_newer_release_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
