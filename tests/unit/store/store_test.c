#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "base/random.h"
#include "base/time.h"
#include "store/store.h"
#include "store_fixture.h"

static const uint8_t bucket[STORE_ID_BYTES] = {0xb};

/* Byte i of every test object: tells an offset from its neighbours. */
static uint8_t byte_at(uint64_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

static struct store *open_store(struct fixture *f)
{
	struct store *s = NULL;
	struct why why = {""};
	int err = store_open(f->dir_fd, f->path, &s, &why);

	if (err != ERR_OK)
		print_message("%s\n", why.text);
	assert_int_equal(err, ERR_OK);
	return s;
}

static void write_bytes(struct blob_writer *w, uint64_t len, size_t piece)
{
	uint8_t *bytes = malloc(piece);

	for (uint64_t at = 0; at < len;) {
		size_t take = len - at < piece ? (size_t)(len - at) : piece;

		for (size_t i = 0; i < take; i++)
			bytes[i] = byte_at(at + i);
		assert_int_equal(blob_writer_write(w, slice_of(bytes, take), NULL), ERR_OK);
		at += take;
	}
	free(bytes);
}

static void put(struct store *s, const struct secret *key, const char *name, uint8_t id, uint64_t len)
{
	CLEANUP(blob_writer_freep) struct blob_writer *w = NULL;
	struct sidecar fields = {.object_key = slice_str(name), .etag = slice_str("e"), .metadata = slice_str("{}")};

	memcpy(fields.bucket_id, bucket, STORE_ID_BYTES);
	memset(fields.version_id, id, STORE_ID_BYTES);
	assert_int_equal(store_blob_new(s, key, &w, NULL), ERR_OK);
	write_bytes(w, len, 100000);
	assert_int_equal(store_version_put(s, &fields, key, w, NULL), ERR_OK);
}

struct expected {
	uint64_t at;
	bool is_right;
};

static int compare(void *ctx, struct slice plain, struct why *reterr_why)
{
	struct expected *e = ctx;

	(void)reterr_why;
	for (size_t i = 0; i < plain.len; i++)
		e->is_right = e->is_right && plain.ptr[i] == byte_at(e->at + i);
	e->at += plain.len;
	return ERR_OK;
}

static int find(struct store *s, const char *name, struct index_version *v)
{
	CLEANUP(index_closep) struct index *ix = NULL;

	assert_int_equal(store_reader(s, &ix, NULL), ERR_OK);
	return index_version(ix, bucket, slice_str(name), NULL, v, NULL);
}

static int read_range(struct store *s, const struct secret *key, const char *name, uint64_t offset, uint64_t len,
                      struct why *why)
{
	CLEANUP(store_object_freep) struct store_object *o = NULL;
	struct expected e = {.at = offset, .is_right = true};
	struct index_version v;

	TRY(find(s, name, &v));
	TRY(store_object_open(s, v.at, &o, why));
	TRY(store_object_unlock(o, key, why));
	TRY(store_object_read(o, offset, len, compare, &e, why));
	assert_true(e.is_right);
	assert_int_equal(e.at, offset + len);
	return ERR_OK;
}

static const uint64_t sizes[] = {
	0,
	1,
	16383,
	16384,
	16385,
	STORE_INLINE_BYTES_MAX - 1,
	STORE_INLINE_BYTES_MAX,
	STORE_INLINE_BYTES_MAX + 1,
	278528,
	524288,
	1000000,
	4194304,
};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void objects_of_every_size_come_back_also_after_a_restart(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(store_closep) struct store *s = open_store(*state);
	char name[16];

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < SIZES; i++) {
			snprintf(name, sizeof name, "k%zu", i);
			if (round == 0)
				put(s, key, name, (uint8_t)(i + 1), sizes[i]);
			assert_int_equal(read_range(s, key, name, 0, sizes[i], NULL), ERR_OK);
		}
		store_close(s);
		s = open_store(*state);
	}
}

static void ranges_come_from_where_they_were_asked(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(store_closep) struct store *s = open_store(*state);
	const uint64_t len = 600000;

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	put(s, key, "k", 1, len);
	for (int i = 0; i < 300; i++) {
		uint64_t offset, count;

		assert_int_equal(random_fill(&offset, sizeof offset, NULL), ERR_OK);
		assert_int_equal(random_fill(&count, sizeof count, NULL), ERR_OK);
		offset %= len;
		count %= len - offset + 1;
		assert_int_equal(read_range(s, key, "k", offset, count, NULL), ERR_OK);
	}
	assert_int_equal(read_range(s, key, "k", len, 1, NULL), ERR_INTERNAL);
}

static void another_version_key_opens_nothing(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL, *other = NULL;
	CLEANUP(store_closep) struct store *s = open_store(*state);

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	assert_int_equal(secret_new_random(32, &other, NULL), ERR_OK);
	put(s, key, "k", 1, 10);
	assert_int_equal(read_range(s, other, "k", 0, 10, NULL), ERR_TAMPERED);
}

/* The one blob file of a store, as a path below its directory. */
static void only_blob(struct fixture *f, char *out, size_t size)
{
	char path[128];
	size_t found = 0;

	for (int i = 0; i <= 256; i++) {
		struct dirent *entry;
		DIR *dir;

		snprintf(path, sizeof path, i < 256 ? "%s/blobs/%02x" : "%s/blobs/new", f->path, (unsigned)i);
		dir = opendir(path);
		assert_non_null(dir);
		while ((entry = readdir(dir)))
			if (entry->d_name[0] != '.') {
				snprintf(out, size, "%s/%.40s", path + strlen(f->path) + 1, entry->d_name);
				found++;
			}
		closedir(dir);
	}
	assert_int_equal(found, 1);
}

static void an_altered_or_cut_blob_is_refused_and_named(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(store_closep) struct store *s = open_store(*state);
	struct fixture *f = *state;
	char blob[160];
	struct why why;
	uint8_t byte;
	int fd;

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	put(s, key, "k", 1, 1000000);
	only_blob(f, blob, sizeof blob);
	assert_int_equal(path_open_beneath(f->dir_fd, blob, O_RDWR, 0, &fd, NULL), ERR_OK);
	for (off_t at = 0; at < 1000000; at += 33333) {
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_int_equal(read_range(s, key, "k", 0, 1000000, &why), ERR_TAMPERED);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	assert_int_equal(read_range(s, key, "k", 0, 1000000, NULL), ERR_OK);
	assert_int_equal(ftruncate(fd, 900000), 0);
	assert_int_equal(read_range(s, key, "k", 0, 10, &why), ERR_TAMPERED);
	assert_non_null(strstr(why.text, "900000 bytes"));
	close(fd);
	assert_int_equal(unlinkat(f->dir_fd, blob, 0), 0);
	assert_int_equal(read_range(s, key, "k", 0, 10, &why), ERR_TAMPERED);
	assert_non_null(strstr(why.text, "missing"));
}

static void what_was_not_committed_leaves_nothing(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(store_closep) struct store *s = open_store(*state);
	struct fixture *f = *state;
	struct blob_writer *w = NULL;
	char blob[160];
	int fd;

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	put(s, key, "kept", 1, 300000);
	assert_int_equal(store_blob_new(s, key, &w, NULL), ERR_OK);
	write_bytes(w, 600000, 100000);
	blob_writer_free(w);
	only_blob(f, blob, sizeof blob);
	/* As a crash would leave it: a file in new/ that no record names. */
	assert_int_equal(path_open_beneath(f->dir_fd, "blobs/new/00112233445566778899aabbccddeeff", O_CREAT | O_WRONLY,
	                                   0600, &fd, NULL),
	                 ERR_OK);
	close(fd);
	store_close(s);
	s = open_store(f);
	only_blob(f, blob, sizeof blob);
	assert_int_equal(read_range(s, key, "kept", 0, 300000, NULL), ERR_OK);
}

/* The record is durable and only its index entry is missing: the next start will find it, and its blob must be there.
 */
static void a_write_that_could_not_be_indexed_keeps_its_blob(void **state)
{
	struct sidecar fields = {.object_key = slice_str("k"), .etag = slice_str("e"), .metadata = slice_str("{}")};
	enum { LEN = STORE_INLINE_BYTES_MAX + 1 };
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(blob_writer_freep) struct blob_writer *w = NULL;
	CLEANUP(index_closep) struct index *other = NULL;
	struct store *s = open_store(*state);

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	assert_int_equal(store_blob_new(s, key, &w, NULL), ERR_OK);
	write_bytes(w, LEN, 100000);
	assert_int_equal(store_reader(s, &other, NULL), ERR_OK);
	assert_int_equal(index_begin(other, NULL), ERR_OK); /* and the committer's own transaction does not begin */
	memcpy(fields.bucket_id, bucket, STORE_ID_BYTES);
	assert_int_equal(err_class(store_version_put(s, &fields, key, w, NULL)), ERR_UNAVAILABLE);
	blob_writer_freep(&w);
	index_rollback(other);
	store_close(s);

	s = open_store(*state);
	assert_int_equal(read_range(s, key, "k", 0, LEN, NULL), ERR_OK);
	store_close(s);
}

static void the_index_can_be_thrown_away(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	struct store *s = open_store(*state);
	struct fixture *f = *state;
	struct index_version v;

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	put(s, key, "small", 1, 10);
	put(s, key, "large", 2, 300000);
	put(s, key, "hidden", 3, 10);
	struct record_key_event marker = {.object_key = slice_str("hidden"), .version_id = {4}};
	memcpy(marker.bucket_id, bucket, STORE_ID_BYTES);
	assert_int_equal(store_marker_put(s, &marker, NULL), ERR_OK);
	store_close(s);
	assert_int_equal(unlinkat(f->dir_fd, "index.db", 0), 0);
	unlinkat(f->dir_fd, "index.db-wal", 0);
	unlinkat(f->dir_fd, "index.db-shm", 0);
	s = open_store(f);
	assert_int_equal(read_range(s, key, "small", 0, 10, NULL), ERR_OK);
	assert_int_equal(read_range(s, key, "large", 0, 300000, NULL), ERR_OK);
	assert_int_equal(find(s, "hidden", &v), ERR_OK);
	assert_true(v.is_marker);
	store_close(s);
}

static void a_removed_version_is_collected(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(store_closep) struct store *s = open_store(*state);
	struct record_key_event gone = {.object_key = slice_str("k")};
	struct index_version v;
	uint32_t removed;

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	put(s, key, "k", 1, 300000);
	put(s, key, "other", 2, 300000);
	memcpy(gone.bucket_id, bucket, STORE_ID_BYTES);
	memset(gone.version_id, 1, STORE_ID_BYTES);
	assert_int_equal(store_version_remove(s, &gone, NULL), ERR_OK);
	assert_int_equal(find(s, "k", &v), ERR_NOTFOUND);
	assert_int_equal(store_collect(s, &removed, NULL), ERR_OK);
	assert_int_equal(removed, 1);
	char blob[160];
	only_blob(*state, blob, sizeof blob);
	assert_int_equal(read_range(s, key, "other", 0, 300000, NULL), ERR_OK);
}

static void upload_part(struct store *s, const struct secret *key, const uint8_t *id, uint32_t number, uint64_t skip,
                        uint64_t len)
{
	CLEANUP(blob_writer_freep) struct blob_writer *w = NULL;
	uint8_t byte;

	assert_int_equal(store_blob_new(s, key, &w, NULL), ERR_OK);
	for (uint64_t i = 0; i < len; i++) {
		byte = byte_at(skip + i);
		assert_int_equal(blob_writer_write(w, slice_of(&byte, 1), NULL), ERR_OK);
	}
	assert_int_equal(store_upload_part_put(s, id, number, slice_str("e"), w, NULL), ERR_OK);
}

static int take_part(void *ctx, const struct record_upload_part *part, struct why *reterr_why)
{
	struct sidecar *fields = ctx;

	(void)reterr_why;
	fields->parts[fields->part_count++] = part->part;
	return ERR_OK;
}

static void parts_become_one_object(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(store_closep) struct store *s = open_store(*state);
	CLEANUP(index_closep) struct index *ix = NULL;
	struct sidecar_part parts[3];
	struct sidecar fields = {.object_key = slice_str("up"), .parts = parts};
	struct record_upload u = {.upload_id = {9}, .object_key = slice_str("up")};

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	memcpy(u.bucket_id, bucket, STORE_ID_BYTES);
	memcpy(fields.bucket_id, bucket, STORE_ID_BYTES);
	assert_int_equal(store_upload_create(s, &u, NULL), ERR_OK);
	upload_part(s, key, u.upload_id, 1, 0, 20000);
	upload_part(s, key, u.upload_id, 2, 20000, 300000);
	upload_part(s, key, u.upload_id, 3, 1, 1); /* replaced below */
	upload_part(s, key, u.upload_id, 3, 320000, 5);
	assert_int_equal(store_reader(s, &ix, NULL), ERR_OK);
	assert_int_equal(index_upload_parts(ix, u.upload_id, 0, 10, take_part, &fields, NULL), ERR_OK);
	assert_int_equal(fields.part_count, 3);
	assert_int_equal(store_upload_complete(s, u.upload_id, &fields, key, NULL), ERR_OK);
	assert_int_equal(read_range(s, key, "up", 0, 320005, NULL), ERR_OK);
	assert_int_equal(read_range(s, key, "up", 19999, 300003, NULL), ERR_OK);
	assert_int_equal(store_upload_abort(s, u.upload_id, NULL), ERR_NOTFOUND);
	assert_int_equal(store_upload_complete(s, u.upload_id, &fields, key, NULL), ERR_NOTFOUND);
}

static int put_if(struct store *s, const struct secret *key, uint8_t id, struct slice etag,
                  const struct store_condition *condition)
{
	CLEANUP(blob_writer_freep) struct blob_writer *w = NULL;
	struct sidecar fields = {.object_key = slice_str("k"), .etag = etag, .metadata = slice_str("{}")};

	memcpy(fields.bucket_id, bucket, STORE_ID_BYTES);
	memset(fields.version_id, id, STORE_ID_BYTES);
	assert_int_equal(store_blob_new(s, key, &w, NULL), ERR_OK);
	write_bytes(w, 300000, 100000);
	return store_version_put_if(s, &fields, key, w, condition, NULL);
}

static void a_conditional_write_looks_at_the_latest_version(void **state)
{
	const struct store_condition absent = {.must_be_absent = true}, same = {.etag = slice_str("one")};
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(store_closep) struct store *s = open_store(*state);
	struct record_key_event marker = {.object_key = slice_str("k"), .version_id = {77}};

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	memcpy(marker.bucket_id, bucket, STORE_ID_BYTES);
	put(s, key, "kk", 50, 1); /* another key that begins with it */
	assert_int_equal(put_if(s, key, 1, slice_str("one"), &same), ERR_CONFLICT);
	assert_int_equal(put_if(s, key, 1, slice_str("one"), &absent), ERR_OK);
	assert_int_equal(put_if(s, key, 2, slice_str("two"), &absent), ERR_CONFLICT);
	assert_int_equal(put_if(s, key, 2, slice_str("two"), &same), ERR_OK);
	assert_int_equal(put_if(s, key, 3, slice_str("three"), &same), ERR_CONFLICT);
	assert_int_equal(store_marker_put(s, &marker, NULL), ERR_OK);
	assert_int_equal(put_if(s, key, 3, slice_str("three"), &same), ERR_CONFLICT);
	assert_int_equal(put_if(s, key, 3, slice_str("three"), &absent), ERR_OK);
	assert_int_equal(read_range(s, key, "k", 0, 300000, NULL), ERR_OK);
}

static void the_commitment_names_a_write(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(store_closep) struct store *s = open_store(*state);
	CLEANUP(blob_writer_freep) struct blob_writer *one = NULL, *two = NULL;
	uint8_t a[SIDECAR_COMMITMENT_BYTES], b[SIDECAR_COMMITMENT_BYTES];
	struct slice inline_message;
	struct sidecar_part part;

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	assert_int_equal(store_blob_new(s, key, &one, NULL), ERR_OK);
	assert_int_equal(store_blob_new(s, key, &two, NULL), ERR_OK);
	blob_writer_commitment(one, a);
	blob_writer_commitment(two, b);
	assert_memory_not_equal(a, b, sizeof a);
	assert_int_equal(blob_writer_finish(one, &part, &inline_message, NULL), ERR_OK);
	assert_memory_equal(part.commitment, a, sizeof a);
}

/* The check of an upload reads on the handle that writes next; another handle writes in between. */
static void collecting_between_parts_holds_up_no_write(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(store_closep) struct store *s = open_store(*state);
	struct record_upload u = {.upload_id = {9}, .object_key = slice_str("up")};
	uint32_t removed;

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	memcpy(u.bucket_id, bucket, STORE_ID_BYTES);
	assert_int_equal(store_upload_create(s, &u, NULL), ERR_OK);
	for (uint8_t i = 0; i < 5; i++) {
		upload_part(s, key, u.upload_id, 1, 0, 100);
		assert_int_equal(store_collect(s, &removed, NULL), ERR_OK);
		assert_int_equal(removed, i > 0);
		put(s, key, "between", (uint8_t)(i + 1), 10);
	}
}

static void a_part_that_was_replaced_and_collected_completes_nothing(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(store_closep) struct store *s = open_store(*state);
	CLEANUP(index_closep) struct index *ix = NULL;
	struct sidecar_part parts[3];
	struct sidecar fields = {.object_key = slice_str("up"), .parts = parts};
	struct record_upload u = {.upload_id = {9}, .object_key = slice_str("up")};
	uint32_t removed;

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	memcpy(u.bucket_id, bucket, STORE_ID_BYTES);
	memcpy(fields.bucket_id, bucket, STORE_ID_BYTES);
	assert_int_equal(store_upload_create(s, &u, NULL), ERR_OK);
	upload_part(s, key, u.upload_id, 1, 0, 100);
	assert_int_equal(store_reader(s, &ix, NULL), ERR_OK);
	assert_int_equal(index_upload_parts(ix, u.upload_id, 0, 10, take_part, &fields, NULL), ERR_OK);
	upload_part(s, key, u.upload_id, 1, 0, 100);
	assert_int_equal(store_collect(s, &removed, NULL), ERR_OK);
	assert_int_equal(store_upload_complete(s, u.upload_id, &fields, key, NULL), ERR_CONFLICT);
	fields.part_count = 0;
	assert_int_equal(index_upload_parts(ix, u.upload_id, 0, 10, take_part, &fields, NULL), ERR_OK);
	assert_int_equal(store_upload_complete(s, u.upload_id, &fields, key, NULL), ERR_OK);
	assert_int_equal(read_range(s, key, "up", 0, 100, NULL), ERR_OK);
}

/* An upload that was looked at must not hold the handle in the past. */
static void a_handle_sees_what_was_acknowledged_after_its_last_read(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(store_closep) struct store *s = open_store(*state);
	CLEANUP(index_closep) struct index *ix = NULL;
	struct record_upload u = {.upload_id = {9}, .object_key = slice_str("up"), .metadata = slice_str("{\"a\":1}")};
	struct record_upload found;
	struct index_version v;

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	assert_int_equal(store_reader(s, &ix, NULL), ERR_OK);
	assert_int_equal(store_upload_create(s, &u, NULL), ERR_OK);
	assert_int_equal(index_upload(ix, u.upload_id, &found, NULL), ERR_OK);
	put(s, key, "later", 1, 10);
	assert_int_equal(index_version(ix, bucket, slice_str("later"), NULL, &v, NULL), ERR_OK);
	assert_true(slice_is_str(found.object_key, "up")); /* still lent */
	assert_true(slice_is_str(found.metadata, "{\"a\":1}"));
	assert_int_equal(found.wrap.len, 0);
}

static void a_version_of_another_bucket_or_key_is_not_removed(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(store_closep) struct store *s = open_store(*state);
	struct record_key_event gone = {.bucket_id = {0xc}, .object_key = slice_str("k")};
	uint32_t removed;

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	put(s, key, "k", 1, 300000);
	memset(gone.version_id, 1, STORE_ID_BYTES);
	assert_int_equal(store_version_remove(s, &gone, NULL), ERR_OK);
	memcpy(gone.bucket_id, bucket, STORE_ID_BYTES);
	gone.object_key = slice_str("another");
	assert_int_equal(store_version_remove(s, &gone, NULL), ERR_OK);
	assert_int_equal(store_collect(s, &removed, NULL), ERR_OK);
	assert_int_equal(removed, 0);
	assert_int_equal(read_range(s, key, "k", 0, 300000, NULL), ERR_OK);
}

/* Whoever holds the index longer than DB_BUSY_WAIT_MS makes a write fail that is durable by then. Nothing is written
 * after it, and the next start finds it whole, with its blob. */
static void a_write_that_cannot_be_indexed_is_there_after_a_restart(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(store_closep) struct store *s = open_store(*state);
	CLEANUP(index_closep) struct index *holder = NULL;
	CLEANUP(blob_writer_freep) struct blob_writer *w = NULL;
	struct sidecar fields = {.object_key = slice_str("k"), .version_id = {7}};
	struct record_key_event marker = {.object_key = slice_str("k"), .version_id = {8}};
	struct why why = {""};
	uint64_t started;

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	memcpy(fields.bucket_id, bucket, STORE_ID_BYTES);
	assert_int_equal(store_reader(s, &holder, NULL), ERR_OK);
	assert_int_equal(index_begin(holder, NULL), ERR_OK);
	assert_int_equal(store_blob_new(s, key, &w, NULL), ERR_OK);
	write_bytes(w, 300000, 100000);
	started = time_mono_ms();
	assert_int_equal(store_version_put(s, &fields, key, w, &why), ERR_UNAVAILABLE);
	assert_true(time_mono_ms() - started >= DB_BUSY_WAIT_MS - 100);
	assert_non_null(strstr(why.text, "restart"));
	blob_writer_freep(&w);
	index_rollback(holder);
	assert_int_equal(store_marker_put(s, &marker, &why), ERR_UNAVAILABLE);
	store_close(s);
	s = open_store(*state);
	assert_int_equal(read_range(s, key, "k", 0, 300000, NULL), ERR_OK);
}

/* A record that is durable but cannot be read back would keep the store from ever starting again. */
static void what_could_not_be_read_back_is_not_written(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(store_closep) struct store *s = open_store(*state);
	static uint8_t bytes[STORE_METADATA_BYTES_MAX + 1];
	const size_t limits[] = {STORE_KEY_BYTES_MAX, STORE_ETAG_BYTES_MAX, STORE_METADATA_BYTES_MAX,
	                         STORE_WRAP_BYTES_MAX};

	memset(bytes, 'x', sizeof bytes);
	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	for (size_t i = 0; i < 8; i++) {
		CLEANUP(blob_writer_freep) struct blob_writer *w = NULL;
		struct sidecar fields = {.object_key = slice_str("k"), .version_id = {(uint8_t)(i + 1)}};
		struct slice *slices[] = {&fields.object_key, &fields.etag, &fields.metadata, &fields.wrap};

		*slices[i / 2] = slice_of(bytes, limits[i / 2] + i % 2);
		assert_int_equal(store_blob_new(s, key, &w, NULL), ERR_OK);
		assert_int_equal(store_version_put(s, &fields, key, w, NULL), i % 2 ? ERR_LIMIT : ERR_OK);
	}
	store_close(s);
	s = open_store(*state);
}

struct putting {
	struct store *store;
	const struct secret *key;
	int thread;
};

static void *put_many(void *arg)
{
	struct putting *p = arg;
	char name[16];

	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof name, "t%d-%d", p->thread, i);
		put(p->store, p->key, name, (uint8_t)(p->thread * 50 + i + 1), (uint64_t)i * 997);
	}
	return NULL;
}

static void many_threads_put_at_once(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(store_closep) struct store *s = open_store(*state);
	struct putting work[5];
	pthread_t threads[5];
	char name[16];

	assert_int_equal(secret_new_random(32, &key, NULL), ERR_OK);
	for (int t = 0; t < 5; t++) {
		work[t] = (struct putting){s, key, t};
		assert_int_equal(pthread_create(&threads[t], NULL, put_many, &work[t]), 0);
	}
	for (int t = 0; t < 5; t++)
		pthread_join(threads[t], NULL);
	for (int t = 0; t < 5; t++)
		for (int i = 0; i < 50; i++) {
			snprintf(name, sizeof name, "t%d-%d", t, i);
			assert_int_equal(read_range(s, key, name, 0, (uint64_t)i * 997, NULL), ERR_OK);
		}
}

/* A child puts objects and tells of each that was acknowledged; it is killed at a random moment; all of them must be
 * there afterwards. The version key comes from the parent: secrets do not survive a fork. */
static void child_puts(struct fixture *f, int report, int round)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	uint8_t raw[32];
	struct store *s;
	char name[24];

	memset(raw, 0x5a, sizeof raw);
	if (secret_new_from(slice_of(raw, sizeof raw), &key, NULL) != ERR_OK)
		_exit(1);
	s = open_store(f);
	for (int i = 0;; i++) {
		CLEANUP(blob_writer_freep) struct blob_writer *w = NULL;
		struct sidecar fields = {.object_key = slice_of(name, 0)};

		snprintf(name, sizeof name, "%d-%d", round, i);
		fields.object_key = slice_str(name);
		memcpy(fields.bucket_id, bucket, STORE_ID_BYTES);
		if (random_fill(fields.version_id, STORE_ID_BYTES, NULL) != ERR_OK ||
		    store_blob_new(s, key, &w, NULL) != ERR_OK)
			_exit(1);
		write_bytes(w, i % 3 == 2 ? 270000 : 1000, 100000);
		if (store_version_put(s, &fields, key, w, NULL) != ERR_OK || write(report, &i, sizeof i) != sizeof i)
			_exit(1);
	}
}

static void nothing_acknowledged_is_lost_to_kill_9(void **state)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	struct fixture *f = *state;
	uint8_t raw[32];
	int acknowledged[50], rounds = 50, total = 0;

	memset(raw, 0x5a, sizeof raw);
	assert_int_equal(secret_new_from(slice_of(raw, sizeof raw), &key, NULL), ERR_OK);
	for (int round = 0; round < rounds; round++) {
		int ends[2], last = -1, status;
		pid_t child;
		uint8_t wait_units;

		assert_int_equal(pipe(ends), 0);
		child = fork();
		if (child == 0)
			child_puts(f, ends[1], round);
		close(ends[1]);
		assert_int_equal(random_fill(&wait_units, 1, NULL), ERR_OK);
		/* The first acknowledgement, however slow the disk, and then some. */
		assert_int_equal(read(ends[0], &last, sizeof last), sizeof last);
		total++;
		usleep(wait_units * 200u);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		assert_true(WIFSIGNALED(status)); /* killed by us, and not ended by an error of its own */
		while (read(ends[0], &last, sizeof last) == sizeof last)
			total++;
		acknowledged[round] = last;
		close(ends[0]);
	}
	struct store *s = open_store(f);
	char name[24];

	for (int round = 0; round < rounds; round++)
		for (int i = 0; i <= acknowledged[round]; i++) {
			snprintf(name, sizeof name, "%d-%d", round, i);
			assert_int_equal(read_range(s, key, name, 0, i % 3 == 2 ? 270000 : 1000, NULL), ERR_OK);
		}
	store_close(s);
	print_message("%d kills, %d acknowledged objects, none lost\n", rounds, total);
	assert_true(total > rounds);
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, fixture_open, fixture_close)
	const struct CMUnitTest tests[] = {
		FRESH(objects_of_every_size_come_back_also_after_a_restart),
		FRESH(ranges_come_from_where_they_were_asked),
		FRESH(another_version_key_opens_nothing),
		FRESH(an_altered_or_cut_blob_is_refused_and_named),
		FRESH(what_was_not_committed_leaves_nothing),
		FRESH(a_write_that_could_not_be_indexed_keeps_its_blob),
		FRESH(the_index_can_be_thrown_away),
		FRESH(a_removed_version_is_collected),
		FRESH(parts_become_one_object),
		FRESH(a_conditional_write_looks_at_the_latest_version),
		FRESH(the_commitment_names_a_write),
		FRESH(collecting_between_parts_holds_up_no_write),
		FRESH(a_part_that_was_replaced_and_collected_completes_nothing),
		FRESH(a_handle_sees_what_was_acknowledged_after_its_last_read),
		FRESH(a_version_of_another_bucket_or_key_is_not_removed),
		FRESH(a_write_that_cannot_be_indexed_is_there_after_a_restart),
		FRESH(what_could_not_be_read_back_is_not_written),
		FRESH(many_threads_put_at_once),
		FRESH(nothing_acknowledged_is_lost_to_kill_9),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
