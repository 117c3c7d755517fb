/* store_bench: objects put into and got from src/store, in process, beside plain files in the same directory.
 *
 *     store-bench DIRECTORY SECONDS [put_4k | get_4k | put_64m | get_64m | ours_… | plain_…] …
 *
 * Each work is done by all threads for so many seconds, ours and then plain; ours_… or plain_… is one of the two alone,
 * for a profiler. A plain put makes a file, writes it and calls fsync; a plain get opens and reads it. Both sides read
 * from the page cache. What is made under DIRECTORY is removed at the end. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/random.h"
#include "bench.h"
#include "store/store.h"

enum { THREADS = 32, LARGE_THREADS = 4, OBJECTS = 1024, LARGE_OBJECTS = 4, PIECE_BYTES = 256 * 1024 };

static struct store *store;
static struct secret *key;
static int plain_fd;
static const uint8_t bucket[STORE_ID_BYTES] = {0xb};
static uint8_t piece[PIECE_BYTES];

struct work;

struct worker {
	const struct work *work;
	pthread_t thread;
	unsigned number;
	uint64_t done;
	double end_s;
	struct index *reader;
	struct bench_samples *samples;
	uint8_t *into;
};

struct work {
	const char *name;
	void (*once)(struct worker *w, const char *name);
	bool is_get;
	uint64_t bytes;
	unsigned threads, objects;
};

static void put_ours(struct worker *w, const char *name)
{
	CLEANUP(blob_writer_freep) struct blob_writer *blob = NULL;
	struct sidecar fields = {.object_key = slice_str(name),
	                         .etag = slice_str("d41d8cd98f00b204e9800998ecf8427e"),
	                         .metadata = slice_str("{\"content-type\":\"application/octet-stream\"}")};
	struct why why;

	memcpy(fields.bucket_id, bucket, STORE_ID_BYTES);
	bench_must(random_fill(fields.version_id, STORE_ID_BYTES, &why), &why);
	bench_must(store_blob_new(store, key, &blob, &why), &why);
	for (uint64_t at = 0; at < w->work->bytes; at += PIECE_BYTES) {
		uint64_t left = w->work->bytes - at;

		bench_must(blob_writer_write(blob, slice_of(piece, left < PIECE_BYTES ? left : PIECE_BYTES), &why),
		           &why);
	}
	bench_must(store_version_put(store, &fields, key, blob, &why), &why);
}

static int take(void *ctx, struct slice plain, struct why *reterr_why)
{
	(void)reterr_why;
	memcpy(((struct worker *)ctx)->into, plain.ptr, plain.len < PIECE_BYTES ? plain.len : PIECE_BYTES);
	return ERR_OK;
}

static void get_ours(struct worker *w, const char *name)
{
	CLEANUP(store_object_freep) struct store_object *object = NULL;
	struct index_version version;
	struct why why;

	bench_must(index_version(w->reader, bucket, slice_str(name), NULL, &version, &why), &why);
	bench_must(store_object_open(store, version.at, &object, &why), &why);
	bench_must(store_object_unlock(object, key, &why), &why);
	bench_must(store_object_read(object, 0, version.size, take, w, &why), &why);
}

static void put_plain(struct worker *w, const char *name)
{
	CLEANUP(fd_closep) int fd = -1;
	struct why why;

	bench_must(path_open_beneath(plain_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, &why), &why);
	for (uint64_t at = 0; at < w->work->bytes; at += PIECE_BYTES) {
		uint64_t left = w->work->bytes - at;

		bench_must(fd_write_all(fd, slice_of(piece, left < PIECE_BYTES ? left : PIECE_BYTES), &why), &why);
	}
	if (fsync(fd) != 0)
		bench_must(why_errno(&why, errno, "fsync"), &why);
}

static void get_plain(struct worker *w, const char *name)
{
	CLEANUP(fd_closep) int fd = -1;
	struct why why;
	size_t got;

	bench_must(path_open_beneath(plain_fd, name, O_RDONLY, 0, &fd, &why), &why);
	for (uint64_t at = 0; at < w->work->bytes; at += got)
		bench_must(fd_pread_full(fd, w->into, w->work->bytes < PIECE_BYTES ? w->work->bytes : PIECE_BYTES, at,
		                         &got, &why),
		           &why);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	unsigned mine = w->work->objects / w->work->threads;

	for (double before = bench_now_s(), after; before < w->end_s; before = after) {
		char name[32];

		/* Gets go round the objects that are there; puts make new ones, but large ones replace theirs. */
		snprintf(name, sizeof name, "%02u-%s-%08llu", w->number, w->work->bytes > PIECE_BYTES ? "64m" : "4k",
		         (unsigned long long)(w->work->is_get || w->work->bytes > PIECE_BYTES ? w->done % mine
		                                                                              : w->done));
		w->work->once(w, name);
		w->done++;
		after = bench_now_s();
		bench_sample(w->samples, (after - before) * 1e3);
	}
	return NULL;
}

static void fill(const struct work *work)
{
	struct worker w = {.work = work};

	for (unsigned i = 0; i < work->objects; i++) {
		char name[32];
		unsigned mine = work->objects / work->threads;

		snprintf(name, sizeof name, "%02u-%s-%08u", i / mine, work->bytes > PIECE_BYTES ? "64m" : "4k",
		         i % mine);
		if (work->once == get_ours)
			put_ours(&w, name);
		else
			put_plain(&w, name);
	}
}

static void measure(const struct work *work, double seconds)
{
	struct worker workers[THREADS];
	struct bench_samples *samples[THREADS];
	double start, spent;
	uint64_t done = 0;
	struct why why;

	if (work->is_get)
		fill(work);
	start = bench_now_s();
	for (unsigned i = 0; i < work->threads; i++) {
		samples[i] = calloc(1, sizeof *samples[i]);
		workers[i] = (struct worker){.work = work, .number = i, .samples = samples[i]};
		workers[i].into = malloc(PIECE_BYTES);
		workers[i].end_s = start + seconds;
		bench_must(store_reader(store, &workers[i].reader, &why), &why);
	}
	start = bench_now_s();
	for (unsigned i = 0; i < work->threads; i++)
		if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]) != 0)
			exit(1);
	for (unsigned i = 0; i < work->threads; i++) {
		pthread_join(workers[i].thread, NULL);
		done += workers[i].done;
		index_close(workers[i].reader);
		free(workers[i].into);
	}
	spent = bench_now_s() - start;
	if (work->bytes > PIECE_BYTES) {
		bench_print(work->name, "mb_s", (double)(done * work->bytes) / 1e6 / spent);
	} else {
		bench_print(work->name, "per_s", (double)done / spent);
		bench_print_percentiles(work->name, samples, work->threads);
	}
	for (unsigned i = 0; i < work->threads; i++)
		free(samples[i]);
}

static const struct work works[] = {
	{"ours_put_4k", put_ours, false, 4096, THREADS, OBJECTS},
	{"plain_put_4k", put_plain, false, 4096, THREADS, OBJECTS},
	{"ours_get_4k", get_ours, true, 4096, THREADS, OBJECTS},
	{"plain_get_4k", get_plain, true, 4096, THREADS, OBJECTS},
	{"ours_put_64m", put_ours, false, 64 << 20, LARGE_THREADS, LARGE_OBJECTS},
	{"plain_put_64m", put_plain, false, 64 << 20, LARGE_THREADS, LARGE_OBJECTS},
	{"ours_get_64m", get_ours, true, 64 << 20, LARGE_THREADS, LARGE_OBJECTS},
	{"plain_get_64m", get_plain, true, 64 << 20, LARGE_THREADS, LARGE_OBJECTS},
};

/* All of them, or those whose name is given, with or without its side. */
static bool is_wanted(const struct work *work, int count, char **names)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], work->name) == 0 || strcmp(names[i], strchr(work->name, '_') + 1) == 0)
			return true;
	return count == 0;
}

int main(int argc, char **argv)
{
	char path[256];
	struct why why;
	int dir_fd;

	if (argc < 3 || snprintf(path, sizeof path, "%s/store-bench-XXXXXX", argv[1]) >= (int)sizeof path) {
		fprintf(stderr, "usage: store-bench DIRECTORY SECONDS [WORK …]\n");
		return 2;
	}
	if (!mkdtemp(path)) {
		perror(path);
		return 1;
	}
	bench_must(path_open_given(path, O_RDONLY | O_DIRECTORY, 0, &dir_fd, &why), &why);
	bench_must(path_mkdir_beneath(dir_fd, "plain", 0700, &plain_fd, &why), &why);
	bench_must(secret_new_random(32, &key, &why), &why);
	bench_must(store_open(dir_fd, path, &store, &why), &why);
	for (size_t i = 0; i < sizeof works / sizeof *works; i++)
		if (is_wanted(&works[i], argc - 3, argv + 3))
			measure(&works[i], strtod(argv[2], NULL));
	store_close(store);
	secret_free(key);
	bench_must(path_empty_dir(dir_fd, &why), &why);
	return rmdir(path) == 0 ? 0 : 1;
}
