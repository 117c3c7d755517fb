#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/path.h"
#include "base/random.h"
#include "lib/fault.h"
#include "lib/scratch.h"
#include "store/store.h"

/* The store's second thread writes while the first waits for it, so that calls come in one order. SQLite's calls are
 * not routed: the index can be rebuilt. Renames are left out of what fails one by one: that a blob did not move to its
 * place is noticed by nobody, and they are among the calls at which the process is killed. */

enum { VERSIONS = 3, LARGE = STORE_INLINE_BYTES_MAX + 5000 };

/* What was acknowledged; in memory that a killed child shares. */
struct acknowledged {
	size_t count;
	uint8_t version_ids[VERSIONS][STORE_ID_BYTES];
	uint64_t lens[VERSIONS];
};

struct work {
	int dir_fd;
	struct acknowledged *done;
};

static const uint8_t bucket[STORE_ID_BYTES] = {0xb}, upload_id[STORE_ID_BYTES] = {9};
static uint8_t content[LARGE];

/* Always the same, and made anew: secrets do not survive a fork. */
static int version_key(struct secret **ret_key, struct why *reterr_why)
{
	uint8_t raw[32];

	memset(raw, 0x5a, sizeof raw);
	return secret_new_from(slice_of(raw, sizeof raw), ret_key, reterr_why);
}

static void acknowledge(struct work *w, const uint8_t id[static STORE_ID_BYTES], uint64_t len)
{
	assert_true(w->done->count < VERSIONS);
	memcpy(w->done->version_ids[w->done->count], id, STORE_ID_BYTES);
	w->done->lens[w->done->count++] = len;
}

static int put(struct work *w, struct store *s, const struct secret *key, size_t len, struct why *reterr_why)
{
	CLEANUP(blob_writer_freep) struct blob_writer *blob = NULL;
	struct sidecar fields = {.object_key = slice_str("k"), .etag = slice_str("e"), .metadata = slice_str("{}")};

	memcpy(fields.bucket_id, bucket, STORE_ID_BYTES);
	TRY(random_fill(fields.version_id, STORE_ID_BYTES, reterr_why));
	TRY(store_blob_new(s, key, &blob, reterr_why));
	TRY(blob_writer_write(blob, slice_of(content, len), reterr_why));
	TRY(store_version_put(s, &fields, key, blob, reterr_why));
	acknowledge(w, fields.version_id, len);
	return ERR_OK;
}

static int take_part(void *ctx, const struct record_upload_part *part, struct why *reterr_why)
{
	(void)reterr_why;
	*(struct sidecar_part *)ctx = part->part;
	return ERR_OK;
}

/* An upload of one part. */
static int upload(struct work *w, struct store *s, const struct secret *key, struct why *reterr_why)
{
	CLEANUP(blob_writer_freep) struct blob_writer *blob = NULL;
	CLEANUP(index_closep) struct index *ix = NULL;
	struct sidecar_part part;
	struct record_upload u = {.object_key = slice_str("up")};
	struct sidecar fields = {.object_key = slice_str("up"), .part_count = 1, .parts = &part, .version_id = {0xaa}};

	memcpy(u.bucket_id, bucket, STORE_ID_BYTES);
	memcpy(u.upload_id, upload_id, STORE_ID_BYTES);
	memcpy(fields.bucket_id, bucket, STORE_ID_BYTES);
	TRY(store_upload_create(s, &u, reterr_why));
	TRY(store_blob_new(s, key, &blob, reterr_why));
	TRY(blob_writer_write(blob, slice_of(content, 700), reterr_why));
	TRY(store_upload_part_put(s, upload_id, 1, slice_str("e"), blob, reterr_why));
	TRY(store_reader(s, &ix, reterr_why));
	TRY(index_upload_parts(ix, upload_id, 0, 1, take_part, &part, reterr_why));
	TRY(store_upload_complete(s, upload_id, &fields, key, reterr_why));
	acknowledge(w, fields.version_id, 700);
	return ERR_OK;
}

static int compare(void *ctx, struct slice plain, struct why *reterr_why)
{
	uint64_t *at = ctx;

	(void)reterr_why;
	assert_memory_equal(plain.ptr, content + *at, plain.len);
	*at += plain.len;
	return ERR_OK;
}

static int read_back(struct store *s, const struct secret *key, const char *name, const uint8_t *id, uint64_t len,
                     struct why *reterr_why)
{
	CLEANUP(store_object_freep) struct store_object *o = NULL;
	CLEANUP(index_closep) struct index *ix = NULL;
	struct index_version v;
	uint64_t at = 0;

	TRY(store_reader(s, &ix, reterr_why));
	TRY(index_version(ix, bucket, slice_str(name), id, &v, reterr_why));
	assert_int_equal(v.size, len);
	TRY(store_object_open(s, v.at, &o, reterr_why));
	TRY(store_object_unlock(o, key, reterr_why));
	return store_object_read(o, 0, len, compare, &at, reterr_why);
}

/* Everything that writes, on a store that is made, and one that is opened again. */
static int fill(void *context, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(store_closep) struct store *s = NULL;
	struct work *w = context;

	TRY(version_key(&key, reterr_why));
	TRY(store_open(w->dir_fd, scratch_path(), &s, reterr_why));
	TRY(put(w, s, key, 1000, reterr_why));
	store_closep(&s);
	TRY(store_open(w->dir_fd, scratch_path(), &s, reterr_why));
	TRY(put(w, s, key, LARGE, reterr_why));
	TRY(upload(w, s, key, reterr_why));
	return read_back(s, key, "k", NULL, LARGE, reterr_why);
}

/* Without records and index. The directories for blobs stay: there are 256 of them. */
static void start_empty(void *context)
{
	struct work *w = context;
	int segments_fd;

	assert_int_equal(path_open_or_mkdir(w->dir_fd, "segments", 0700, &segments_fd, NULL), ERR_OK);
	assert_int_equal(path_empty_dir(segments_fd, NULL), ERR_OK);
	close(segments_fd);
	unlinkat(w->dir_fd, "index.db", 0);
	unlinkat(w->dir_fd, "index.db-wal", 0);
	unlinkat(w->dir_fd, "index.db-shm", 0);
	memset(w->done, 0, sizeof *w->done);
}

/* The store opens again; what was acknowledged is there whole, and so is whatever a plain read finds. */
static void nothing_acknowledged_is_lost(void *context, int err)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(store_closep) struct store *s = NULL;
	CLEANUP(index_closep) struct index *ix = NULL;
	struct work *w = context;
	struct index_version v;
	struct why why = {""};
	int found;

	assert_true(err != ERR_OK || w->done->count == VERSIONS);
	assert_int_equal(version_key(&key, NULL), ERR_OK);
	if (store_open(w->dir_fd, scratch_path(), &s, &why) != ERR_OK)
		fail_msg("does not open again: %s", why.text);
	for (size_t i = 0; i < w->done->count; i++)
		if (read_back(s, key, i == 2 ? "up" : "k", w->done->version_ids[i], w->done->lens[i], &why) != ERR_OK)
			fail_msg("version %zu of %zu is lost: %s", i + 1, w->done->count, why.text);
	assert_int_equal(store_reader(s, &ix, NULL), ERR_OK);
	found = index_version(ix, bucket, slice_str("k"), NULL, &v, NULL);
	assert_true(found == ERR_OK || (found == ERR_NOTFOUND && w->done->count == 0));
	if (found == ERR_OK && read_back(s, key, "k", NULL, v.size, &why) != ERR_OK)
		fail_msg("the latest version cannot be read: %s", why.text);
}

static int set_up(void **state)
{
	static struct work w;

	for (size_t i = 0; i < sizeof content; i++)
		content[i] = (uint8_t)(i * 7 + i / 251);
	w.dir_fd = scratch_open();
	w.done = mmap(NULL, sizeof *w.done, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(w.done != MAP_FAILED);
	*state = &w;
	return 0;
}

static int tear_down(void **state)
{
	struct work *w = *state;

	munmap(w->done, sizeof *w->done);
	scratch_close(w->dir_fd);
	return 0;
}

static struct fault_scenario scenario(void **state)
{
	return (struct fault_scenario){
		.run = fill, .prepare = start_empty, .check = nothing_acknowledged_is_lost, .context = *state};
}

static void without_memory_nothing_acknowledged_is_lost(void **state)
{
	struct fault_scenario s = scenario(state);

	assert_true(fault_each(&s, FAULT_MEMORY, ENOMEM) >= 50);
}

static void on_a_full_or_failing_disk_nothing_acknowledged_is_lost(void **state)
{
	struct fault_scenario s = scenario(state);

	assert_true(fault_each(&s, FAULT_WRITE, ENOSPC) >= 8);
	assert_true(fault_each(&s, FAULT_WRITE, EIO) >= 8);
}

static void a_failed_sync_is_never_acknowledged(void **state)
{
	struct fault_scenario s = scenario(state);

	assert_true(fault_each(&s, FAULT_SYNC, EIO) >= 10);
}

static void without_descriptors_or_reads_nothing_acknowledged_is_lost(void **state)
{
	struct fault_scenario s = scenario(state);

	assert_true(fault_each(&s, FAULT_OPEN, EMFILE) >= 15);
	assert_true(fault_each(&s, FAULT_READ, EIO) >= 4);
}

static void signals_and_short_writes_are_sat_out(void **state)
{
	struct fault_scenario s = scenario(state);

	assert_true(fault_each(&s, FAULT_WRITE, EINTR) >= 8);
	assert_true(fault_each(&s, FAULT_READ, EINTR) >= 4);
	fault_short_io(&s);
}

static void killed_anywhere_nothing_acknowledged_is_lost(void **state)
{
	struct fault_scenario s = scenario(state);

	assert_true(fault_kill_each(&s) >= 80);
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		FRESH(without_memory_nothing_acknowledged_is_lost),
		FRESH(on_a_full_or_failing_disk_nothing_acknowledged_is_lost),
		FRESH(a_failed_sync_is_never_acknowledged),
		FRESH(without_descriptors_or_reads_nothing_acknowledged_is_lost),
		FRESH(signals_and_short_writes_are_sat_out),
		FRESH(killed_anywhere_nothing_acknowledged_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
