#include "sealing.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/limits.h"

enum {
	CHUNK = CHUNKED_PLAIN_BYTES,
	RUN = SEAL_RUN_CHUNKS * CHUNKED_PLAIN_BYTES,
	HEAD = (int)SEAL_MAGIC_BYTES,
};

static int open_into(int sealed, int out, struct secret *key, unsigned threads, struct why *reterr_why)
{
	struct seal_key_source source = source_of(key);
	struct seal_options options = {.threads = threads};
	struct seal_totals totals;

	lseek(sealed, 0, SEEK_SET);
	return seal_open_stream(sealed, out, NULL, &source, &options, &totals, reterr_why);
}

static struct secret *new_key(void)
{
	struct secret *key;

	assert_int_equal(secret_new_random(SEAL_KEY_BYTES, &key, NULL), ERR_OK);
	return key;
}

static void every_length_around_chunks_and_runs_comes_back(void **state)
{
	static const size_t lens[] = {0,   1,       CHUNK - 1, CHUNK,       CHUNK + 1,       2 * CHUNK, RUN - 1,
	                              RUN, RUN + 1, 2 * RUN,   2 * RUN + 1, 5 * RUN + CHUNK, 100};
	struct secret *key = new_key();
	(void)state;

	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		for (unsigned threads = 1; threads <= 5; threads += 2) {
			int plain = patterned_file(lens[i]), out = memory_file();
			int sealed = sealed_file(plain, key, threads);

			OK(open_into(sealed, out, key, threads, &why));
			assert_same_content(plain, out);
			close(plain);
			close(sealed);
			close(out);
		}
	}
	secret_free(key);
}

/* Feeds a file through a pipe, as `cat FILE | ` does. */
struct feed {
	int from, to;
	pthread_t thread;
};

static void *feed_main(void *arg)
{
	struct feed *f = arg;
	uint8_t bytes[7777]; /* pieces that fit no boundary */
	ssize_t got;

	lseek(f->from, 0, SEEK_SET);
	while ((got = read(f->from, bytes, sizeof bytes)) > 0)
		if (fd_write_all(f->to, slice_of(bytes, (size_t)got), NULL) != ERR_OK)
			break;
	close(f->to);
	return NULL;
}

static int piped(struct feed *f, int from)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	*f = (struct feed){.from = from, .to = ends[1]};
	assert_int_equal(pthread_create(&f->thread, NULL, feed_main, f), 0);
	return ends[0];
}

static void pipes_on_both_sides_keep_the_order(void **state)
{
	static const size_t lens[] = {0, CHUNK, RUN, 3 * RUN + 5, 4 * RUN};
	struct secret *key = new_key();
	(void)state;

	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		int plain = patterned_file(lens[i]), sealed = sealed_file(plain, key, 4), out = memory_file();
		struct seal_key_source source = source_of(key);
		struct seal_options options = {.threads = 4};
		struct seal_totals totals;
		struct feed feed;
		int from;

		/* Appending has no positions: the output is written in order. */
		assert_int_equal(fcntl(out, F_SETFL, O_APPEND), 0);
		from = piped(&feed, sealed);
		OK(seal_open_stream(from, out, NULL, &source, &options, &totals, &why));
		pthread_join(feed.thread, NULL);
		assert_same_content(plain, out);
		assert_int_equal(totals.plain_bytes, lens[i]);
		close(from);
		close(plain);
		close(sealed);
		close(out);
	}
	secret_free(key);
}

static void sealing_from_a_pipe_gives_a_file_that_opens(void **state)
{
	int plain = patterned_file(2 * RUN), sealed = memory_file(), out = memory_file(), from;
	struct seal_options options = {.threads = 3};
	struct seal_wraps *wraps = one_wrap();
	struct secret *key = new_key();
	struct seal_totals totals;
	struct seal_core core;
	struct feed feed;
	(void)state;

	OK(seal_core_new("application/octet-stream", 0, &core, &why));
	from = piped(&feed, plain);
	OK(seal_stream(&core, wraps, key, from, sealed, &options, &totals, &why));
	pthread_join(feed.thread, NULL);
	OK(open_into(sealed, out, key, 3, &why));
	assert_same_content(plain, out);
	close(from);
	close(plain);
	close(sealed);
	close(out);
	seal_wraps_free(wraps);
	secret_free(key);
}

static void a_file_cut_anywhere_is_refused_before_anything_is_written(void **state)
{
	struct secret *key = new_key();
	int plain = patterned_file(2 * CHUNK + 100), sealed = sealed_file(plain, key, 1);
	size_t len = file_len(sealed), first = len - (2 * CHUNKED_SEALED_BYTES + 116);
	(void)state;

	for (size_t cut = 0; cut < len; cut += cut < first || cut + 40 > len ? 1 : 97) {
		int out = memory_file();
		int err;

		assert_int_equal(ftruncate(sealed, (off_t)len), 0);
		close(sealed);
		sealed = sealed_file(plain, key, 1);
		assert_int_equal(ftruncate(sealed, (off_t)cut), 0);
		err = open_into(sealed, out, key, 2, NULL);
		assert_true(err == ERR_TAMPERED || (err == ERR_INVALID && cut < first - CHUNKED_HEAD_BYTES));
		assert_int_equal(file_len(out), 0);
		close(out);
	}
	close(plain);
	close(sealed);
	secret_free(key);
}

static void a_cut_is_told_with_its_chunk(void **state)
{
	struct secret *key = new_key();
	int plain = patterned_file(3 * CHUNK), sealed = sealed_file(plain, key, 1), out = memory_file();
	size_t len = file_len(sealed);
	(void)state;

	assert_int_equal(ftruncate(sealed, (off_t)(len - 16)), 0); /* the empty last chunk is gone */
	assert_int_equal(open_into(sealed, out, key, 1, &why), ERR_TAMPERED);
	assert_string_equal(why.text, "the sealed file is cut short: it ends before chunk 3");
	assert_int_equal(ftruncate(sealed, (off_t)(len - 16 - CHUNK)), 0);
	assert_int_equal(open_into(sealed, out, key, 1, &why), ERR_TAMPERED);
	assert_non_null(strstr(why.text, "chunk 2"));
	close(plain);
	close(sealed);
	close(out);
	secret_free(key);
}

static void a_changed_byte_names_its_chunk_and_nothing_after_it_is_written(void **state)
{
	static const unsigned altered[] = {0, 1, SEAL_RUN_CHUNKS - 1, SEAL_RUN_CHUNKS, 2 * SEAL_RUN_CHUNKS + 3};
	struct secret *key = new_key();
	int plain = patterned_file(3 * RUN + 10);
	(void)state;

	for (size_t i = 0; i < sizeof altered / sizeof altered[0]; i++) {
		int sealed = sealed_file(plain, key, 2), out = memory_file();
		off_t first = (off_t)(file_len(sealed) - chunked_run_bytes(3 * RUN + 10, true));
		off_t at = first + (off_t)altered[i] * CHUNKED_SEALED_BYTES + 5;
		char expected[32];
		uint8_t byte;

		assert_int_equal(pread(sealed, &byte, 1, at), 1);
		byte ^= 1;
		assert_int_equal(pwrite(sealed, &byte, 1, at), 1);
		assert_int_equal(fcntl(out, F_SETFL, O_APPEND), 0);
		assert_int_equal(open_into(sealed, out, key, 3, &why), ERR_TAMPERED);
		snprintf(expected, sizeof expected, "chunk %u", altered[i]);
		assert_non_null(strstr(why.text, expected));
		assert_int_equal(file_len(out), altered[i] / SEAL_RUN_CHUNKS * RUN);
		close(sealed);
		close(out);
	}
	close(plain);
	secret_free(key);
}

static void chunks_exchanged_between_places_are_refused(void **state)
{
	struct secret *key = new_key();
	int plain = patterned_file(3 * CHUNK), sealed = sealed_file(plain, key, 1), out = memory_file();
	off_t first = (off_t)(file_len(sealed) - chunked_run_bytes(3 * CHUNK, true));
	static uint8_t a[CHUNKED_SEALED_BYTES], b[CHUNKED_SEALED_BYTES];
	(void)state;

	assert_int_equal(pread(sealed, a, sizeof a, first), sizeof a);
	assert_int_equal(pread(sealed, b, sizeof b, first + CHUNKED_SEALED_BYTES), sizeof b);
	assert_int_equal(pwrite(sealed, b, sizeof b, first), sizeof b);
	assert_int_equal(pwrite(sealed, a, sizeof a, first + CHUNKED_SEALED_BYTES), sizeof a);
	assert_int_equal(open_into(sealed, out, key, 1, NULL), ERR_TAMPERED);
	close(plain);
	close(sealed);
	close(out);
	secret_free(key);
}

static void a_changed_core_is_refused_even_when_the_key_is_known(void **state)
{
	struct secret *key = new_key();
	int plain = patterned_file(10), sealed = sealed_file(plain, key, 1), out = memory_file();
	size_t len;
	uint8_t *bytes = file_bytes(sealed, &len), *type = memmem(bytes, len, "text/csv", 8);
	(void)state;

	assert_non_null(type);
	assert_int_equal(pwrite(sealed, "text/xml", 8, type - bytes), 8);
	assert_int_equal(open_into(sealed, out, key, 1, NULL), ERR_TAMPERED);
	free(bytes);
	close(plain);
	close(sealed);
	close(out);
	secret_free(key);
}

static void another_key_and_no_key_are_told_apart(void **state)
{
	struct secret *key = new_key(), *other = new_key();
	int plain = patterned_file(10), sealed = sealed_file(plain, key, 1), out = memory_file();
	struct seal_wraps *none;
	(void)state;

	assert_int_equal(open_into(sealed, out, other, 1, &why), ERR_TAMPERED);
	assert_int_equal(seal_wraps_new(&none, NULL), ERR_OK);
	{
		struct seal_key_source source = source_of(key);
		uint8_t zeros[CHUNKED_HEAD_BYTES] = {0};
		struct secret *found;

		assert_int_equal(seal_key_find(none, zeros, zeros, &source, &found, &why), ERR_DENIED);
	}
	seal_wraps_free(none);
	close(plain);
	close(sealed);
	close(out);
	secret_free(key);
	secret_free(other);
}

static void sealing_without_a_wrap_is_refused(void **state)
{
	int plain = patterned_file(1), out = memory_file();
	struct secret *key = new_key();
	struct seal_wraps *none;
	struct seal_totals totals;
	struct seal_core core;
	(void)state;

	assert_int_equal(seal_wraps_new(&none, NULL), ERR_OK);
	OK(seal_core_new("text/csv", 0, &core, &why));
	assert_int_equal(seal_stream(&core, none, key, plain, out, NULL, &totals, NULL), ERR_INVALID);
	assert_int_equal(file_len(out), 0);
	seal_wraps_free(none);
	close(plain);
	close(out);
	secret_free(key);
}

static void a_full_disk_is_told_and_ends_every_thread(void **state)
{
	struct secret *key = new_key();
	int plain = patterned_file(8 * RUN), full = -1;
	struct seal_wraps *wraps = one_wrap();
	struct seal_options options = {.threads = 4};
	struct seal_totals totals;
	struct seal_core core;
	(void)state;

	full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	if (full < 0)
		skip();
	OK(seal_core_new("text/csv", 0, &core, &why));
	assert_int_equal(seal_stream(&core, wraps, key, plain, full, &options, &totals, &why), ERR_UNAVAILABLE);
	close(full);
	close(plain);
	seal_wraps_free(wraps);
	secret_free(key);
}

static void the_count_of_done_bytes_reaches_the_whole(void **state)
{
	_Atomic uint64_t done = 0;
	struct secret *key = new_key();
	int plain = patterned_file(3 * RUN + 1), out = memory_file();
	struct seal_options options = {.threads = 2, .done_bytes = &done};
	struct seal_wraps *wraps = one_wrap();
	struct seal_totals totals;
	struct seal_core core;
	(void)state;

	OK(seal_core_new("text/csv", 0, &core, &why));
	OK(seal_stream(&core, wraps, key, plain, out, &options, &totals, &why));
	assert_int_equal(atomic_load(&done), 3 * RUN + 1);
	close(plain);
	close(out);
	seal_wraps_free(wraps);
	secret_free(key);
}

static void output_begins_where_the_descriptor_stands_and_ends_behind_it(void **state)
{
	struct secret *key = new_key();
	int plain = patterned_file(RUN + 7), sealed = sealed_file(plain, key, 2), out = memory_file();
	size_t len;
	uint8_t *bytes;
	(void)state;

	assert_int_equal(fd_write_all(out, slice_str("before"), NULL), ERR_OK);
	OK(open_into(sealed, out, key, 2, &why));
	assert_int_equal(fd_write_all(out, slice_str("behind"), NULL), ERR_OK);
	bytes = file_bytes(out, &len);
	assert_int_equal(len, 6 + RUN + 7 + 6);
	assert_memory_equal(bytes, "before", 6);
	assert_memory_equal(bytes + len - 6, "behind", 6);
	free(bytes);
	close(plain);
	close(sealed);
	close(out);
	secret_free(key);
}

static void random_access_reads_what_was_sealed(void **state)
{
	static const size_t places[][2] = {{0, 1},         {0, CHUNK},         {CHUNK - 1, 2},    {5, 3 * CHUNK},
	                                   {3 * CHUNK, 9}, {3 * CHUNK + 9, 5}, {3 * CHUNK, 1000}, {1u << 30, 4}};
	struct secret *key = new_key();
	int plain = patterned_file(3 * CHUNK + 9), sealed = sealed_file(plain, key, 1);
	struct seal_key_source source = source_of(key);
	struct seal_reader *reader, *clone;
	size_t len;
	uint8_t *expected = file_bytes(plain, &len), *got = malloc(4 * CHUNK);
	(void)state;

	lseek(sealed, 0, SEEK_SET);
	OK(seal_reader_open(sealed, NULL, &source, &reader, &why));
	OK(seal_reader_clone(reader, &clone, &why));
	assert_int_equal(seal_reader_size(clone), len);
	assert_string_equal(seal_reader_core(reader)->plaintext_type, "text/csv");
	for (size_t i = 0; i < 2 * sizeof places / sizeof places[0]; i++) {
		size_t at = places[i / 2][0], want = places[i / 2][1], have;

		OK(seal_reader_pread(i % 2 ? clone : reader, got, want, at, &have, &why));
		assert_int_equal(have, at >= len ? 0 : want < len - at ? want : len - at);
		if (have)
			assert_memory_equal(got, expected + at, have);
	}
	seal_reader_free(reader);
	seal_reader_free(clone);
	free(expected);
	free(got);
	close(plain);
	close(sealed);
	secret_free(key);
}

static void random_access_of_an_altered_file_names_the_chunk(void **state)
{
	struct secret *key = new_key();
	int plain = patterned_file(3 * CHUNK), sealed = sealed_file(plain, key, 1);
	struct seal_key_source source = source_of(key);
	off_t first = (off_t)(file_len(sealed) - chunked_run_bytes(3 * CHUNK, true));
	struct seal_reader *reader;
	uint8_t byte = 0x55;
	size_t have;
	(void)state;

	assert_int_equal(pwrite(sealed, &byte, 1, first + CHUNKED_SEALED_BYTES + 3), 1);
	lseek(sealed, 0, SEEK_SET);
	OK(seal_reader_open(sealed, NULL, &source, &reader, &why));
	OK(seal_reader_pread(reader, &byte, 1, 0, &have, &why));
	assert_int_equal(seal_reader_pread(reader, &byte, 1, CHUNK, &have, &why), ERR_TAMPERED);
	assert_non_null(strstr(why.text, "chunk 1"));
	OK(seal_reader_pread(reader, &byte, 1, 2 * CHUNK, &have, &why)); /* one bad chunk spoils no other */
	seal_reader_free(reader);
	assert_int_equal(ftruncate(sealed, first + 2 * CHUNKED_SEALED_BYTES), 0);
	lseek(sealed, 0, SEEK_SET);
	assert_int_equal(seal_reader_open(sealed, NULL, &source, &reader, &why), ERR_TAMPERED);
	close(plain);
	close(sealed);
	secret_free(key);
}

static void no_secret_is_left_behind(void **state)
{
	(void)state;
	assert_int_equal(secret_count(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_around_chunks_and_runs_comes_back),
		cmocka_unit_test(pipes_on_both_sides_keep_the_order),
		cmocka_unit_test(sealing_from_a_pipe_gives_a_file_that_opens),
		cmocka_unit_test(a_file_cut_anywhere_is_refused_before_anything_is_written),
		cmocka_unit_test(a_cut_is_told_with_its_chunk),
		cmocka_unit_test(a_changed_byte_names_its_chunk_and_nothing_after_it_is_written),
		cmocka_unit_test(chunks_exchanged_between_places_are_refused),
		cmocka_unit_test(a_changed_core_is_refused_even_when_the_key_is_known),
		cmocka_unit_test(another_key_and_no_key_are_told_apart),
		cmocka_unit_test(sealing_without_a_wrap_is_refused),
		cmocka_unit_test(a_full_disk_is_told_and_ends_every_thread),
		cmocka_unit_test(the_count_of_done_bytes_reaches_the_whole),
		cmocka_unit_test(output_begins_where_the_descriptor_stands_and_ends_behind_it),
		cmocka_unit_test(random_access_reads_what_was_sealed),
		cmocka_unit_test(random_access_of_an_altered_file_names_the_chunk),
		cmocka_unit_test(no_secret_is_left_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
