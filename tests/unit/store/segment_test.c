#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "store/segment.h"
#include "store_fixture.h"

struct seen {
	size_t count;
	char text[4096];
};

static int see(void *ctx, const struct segment_record *record, struct why *reterr_why)
{
	struct seen *seen = ctx;
	size_t len = strlen(seen->text);

	(void)reterr_why;
	seen->count++;
	snprintf(seen->text + len, sizeof seen->text - len, "%c:%.*s ", record->type, (int)record->payload.len,
	         (const char *)record->payload.ptr);
	return ERR_OK;
}

static struct segments *open_and_replay(struct fixture *f, struct seen *seen)
{
	struct segments *s = NULL;

	memset(seen, 0, sizeof *seen);
	assert_int_equal(segments_open(f->dir_fd, &s, NULL), ERR_OK);
	assert_int_equal(segments_replay(s, 0, 0, see, seen, NULL), ERR_OK);
	return s;
}

static void write_text(struct segments *s, const char *text, struct segment_at *ret_at)
{
	struct segment_record r = {.type = 'T', .payload = slice_str(text)};

	assert_int_equal(segments_write(s, &r, 1, NULL), ERR_OK);
	if (ret_at)
		*ret_at = r.at;
}

static void what_was_written_is_read_and_replayed(void **state)
{
	CLEANUP(segments_closep) struct segments *s = NULL;
	CLEANUP(buf_freep) struct buf *b = NULL;
	struct segment_at first, second;
	struct seen seen;

	s = open_and_replay(*state, &seen);
	assert_int_equal(seen.count, 0);
	write_text(s, "one", &first);
	write_text(s, "", NULL);
	write_text(s, "three", &second);
	assert_int_equal(buf_new(64, &b, NULL), ERR_OK);
	assert_int_equal(segments_read(s, second, 'T', b, NULL), ERR_OK);
	assert_int_equal(segments_read(s, first, 'T', b, NULL), ERR_OK);
	assert_true(slice_is_str(buf_slice(b), "threeone"));
	segments_closep(&s);
	s = open_and_replay(*state, &seen);
	assert_string_equal(seen.text, "T:one T: T:three ");
}

static void replay_starts_at_the_mark(void **state)
{
	CLEANUP(segments_closep) struct segments *s = NULL;
	uint32_t segment, offset;
	struct seen seen;

	s = open_and_replay(*state, &seen);
	write_text(s, "before", NULL);
	segments_end(s, &segment, &offset);
	write_text(s, "after", NULL);
	segments_closep(&s);
	memset(&seen, 0, sizeof seen);
	assert_int_equal(segments_open(((struct fixture *)*state)->dir_fd, &s, NULL), ERR_OK);
	assert_int_equal(segments_replay(s, segment, offset, see, &seen, NULL), ERR_OK);
	assert_string_equal(seen.text, "T:after ");
}

static void writing_before_replay_is_a_defect(void **state)
{
	CLEANUP(segments_closep) struct segments *s = NULL;
	struct segment_record r = {.type = 'T'};

	assert_int_equal(segments_open(((struct fixture *)*state)->dir_fd, &s, NULL), ERR_OK);
	assert_int_equal(segments_write(s, &r, 1, NULL), ERR_INTERNAL);
}

/* Every length that a crash could leave: the records before the cut stay, the torn one goes, new ones follow. */
static void a_torn_tail_is_cut_off(void **state)
{
	struct fixture *f = *state;
	struct seen seen;
	struct segments *s = open_and_replay(f, &seen);
	uint32_t segment, whole, end;
	int fd;

	write_text(s, "kept", NULL);
	segments_end(s, &segment, &whole);
	write_text(s, "torn apart", NULL);
	segments_end(s, &segment, &end);
	segments_close(s);
	for (uint32_t cut = end - 1; cut >= whole; cut--) {
		assert_int_equal(path_open_beneath(f->dir_fd, "segment-00000000", O_RDWR, 0, &fd, NULL), ERR_OK);
		assert_int_equal(ftruncate(fd, cut), 0);
		s = open_and_replay(f, &seen);
		assert_string_equal(seen.text, "T:kept ");
		write_text(s, "torn apart", NULL);
		segments_close(s);
		s = open_and_replay(f, &seen);
		assert_string_equal(seen.text, "T:kept T:torn apart ");
		segments_close(s);
		close(fd);
	}
}

static void flip_byte(struct fixture *f, const char *name, off_t at)
{
	uint8_t byte;
	int fd;

	assert_int_equal(path_open_beneath(f->dir_fd, name, O_RDWR, 0, &fd, NULL), ERR_OK);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x40;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void every_flipped_byte_of_a_record_is_found_on_reading(void **state)
{
	CLEANUP(segments_closep) struct segments *s = NULL;
	CLEANUP(buf_freep) struct buf *b = NULL;
	struct segment_at at;
	struct seen seen;
	struct why why;

	s = open_and_replay(*state, &seen);
	write_text(s, "payload", &at);
	assert_int_equal(buf_new(64, &b, NULL), ERR_OK);
	for (uint32_t i = 0; i < 9 + 7; i++) {
		flip_byte(*state, "segment-00000000", at.offset + i);
		assert_int_equal(segments_read(s, at, 'T', b, &why), ERR_TAMPERED);
		assert_non_null(strstr(why.text, "segment-00000000"));
		assert_int_equal(buf_len(b), 0);
		flip_byte(*state, "segment-00000000", at.offset + i);
	}
	assert_int_equal(segments_read(s, at, 'X', b, NULL), ERR_TAMPERED);
	assert_int_equal(segments_read(s, at, 'T', b, NULL), ERR_OK);
}

/* A mark within a record would show nothing but damage behind it; the index is wrong, and not the segment. */
static void a_mark_that_is_no_place_of_a_record_is_refused_and_nothing_is_cut(void **state)
{
	struct fixture *f = *state;
	struct seen seen;
	struct segments *s = open_and_replay(f, &seen);
	struct segment_at at;
	struct why why;

	write_text(s, "first", NULL);
	write_text(s, "acknowledged", &at);
	segments_close(s);
	for (uint32_t i = 1; i < 9 + 12; i++) {
		assert_int_equal(segments_open(f->dir_fd, &s, NULL), ERR_OK);
		assert_int_equal(segments_replay(s, 0, at.offset + i, see, &seen, &why), ERR_TAMPERED);
		assert_non_null(strstr(why.text, "remove the index"));
		segments_close(s);
	}
	s = open_and_replay(f, &seen);
	assert_string_equal(seen.text, "T:first T:acknowledged ");
	segments_close(s);
}

/* What was acknowledged after it must not go with it. */
static void damage_in_front_of_a_later_call_is_refused_and_nothing_is_cut(void **state)
{
	struct fixture *f = *state;
	struct seen seen;
	struct segments *s = open_and_replay(f, &seen);
	struct segment_at at;
	struct why why;

	write_text(s, "rotten", &at);
	write_text(s, "acknowledged", NULL);
	segments_close(s);
	for (uint32_t i = 0; i < 9 + 6; i++) {
		flip_byte(f, "segment-00000000", at.offset + i);
		assert_int_equal(segments_open(f->dir_fd, &s, NULL), ERR_OK);
		assert_int_equal(segments_replay(s, 0, 0, see, &seen, &why), ERR_TAMPERED);
		assert_non_null(strstr(why.text, "segment-00000000 is damaged at byte 20"));
		segments_close(s);
		flip_byte(f, "segment-00000000", at.offset + i);
	}
	s = open_and_replay(f, &seen);
	assert_string_equal(seen.text, "T:rotten T:acknowledged ");
	segments_close(s);
}

/* A crash may leave the end of a call's records and not their beginning: none of them was acknowledged. */
static void a_call_torn_at_its_beginning_is_cut_off(void **state)
{
	struct segment_record records[] = {
		{.type = 'T', .payload = slice_str("one")},
		{.type = 'T', .payload = slice_str("two")},
	};
	struct fixture *f = *state;
	struct seen seen;
	struct segments *s = open_and_replay(f, &seen);

	write_text(s, "kept", NULL);
	assert_int_equal(segments_write(s, records, 2, NULL), ERR_OK);
	segments_close(s);
	flip_byte(f, "segment-00000000", records[0].at.offset + 9);
	s = open_and_replay(f, &seen);
	assert_string_equal(seen.text, "T:kept ");
	segments_close(s);
}

static void damage_before_the_last_segment_is_refused_by_place(void **state)
{
	CLEANUP(segments_closep) struct segments *s = NULL;
	CLEANUP(buf_freep) struct buf *big = NULL;
	struct fixture *f = *state;
	struct segment_record r = {.type = 'B'};
	struct seen *seen = calloc(1, sizeof *seen);
	uint32_t segment = 0, offset;
	uint8_t *room;
	struct why why;

	s = open_and_replay(f, seen);
	assert_int_equal(buf_new(STORE_RECORD_BYTES_MAX, &big, NULL), ERR_OK);
	assert_int_equal(buf_reserve(big, STORE_RECORD_BYTES_MAX, &room, NULL), ERR_OK);
	memset(room, 'x', STORE_RECORD_BYTES_MAX);
	buf_commit(big, STORE_RECORD_BYTES_MAX);
	r.payload = buf_slice(big);
	for (uint32_t written = 0; segment == 0; written += STORE_RECORD_BYTES_MAX) {
		assert_int_equal(segments_write(s, &r, 1, NULL), ERR_OK);
		segments_end(s, &segment, &offset);
		assert_true(segment == 1 || written < STORE_SEGMENT_BYTES);
	}
	segments_closep(&s);
	flip_byte(f, "segment-00000000", 5000);
	assert_int_equal(segments_open(f->dir_fd, &s, NULL), ERR_OK);
	assert_int_equal(segments_replay(s, 0, 0, see, seen, &why), ERR_TAMPERED);
	assert_non_null(strstr(why.text, "segment-00000000 is damaged at byte 20"));
	free(seen);
}

/* A torn write has nothing behind it: a bad record that a good one follows was whole once, and acknowledged. */
static void rot_within_the_last_segment_is_refused_and_not_cut_off(void **state)
{
	CLEANUP(segments_closep) struct segments *s = NULL;
	struct segment_at at;
	struct seen seen;
	struct why why;

	s = open_and_replay(*state, &seen);
	write_text(s, "one", &at);
	write_text(s, "two", NULL);
	segments_closep(&s);
	flip_byte(*state, "segment-00000000", at.offset + 9);
	assert_int_equal(segments_open(((struct fixture *)*state)->dir_fd, &s, NULL), ERR_OK);
	assert_int_equal(segments_replay(s, 0, 0, see, &seen, &why), ERR_TAMPERED);
	assert_non_null(strstr(why.text, "segment-00000000 is damaged at byte 20"));
	segments_closep(&s);
	flip_byte(*state, "segment-00000000", at.offset + 9);
	s = open_and_replay(*state, &seen);
	assert_string_equal(seen.text, "T:one T:two ");
}

static void limits_are_enforced(void **state)
{
	CLEANUP(segments_closep) struct segments *s = NULL;
	static uint8_t bytes[STORE_RECORD_BYTES_MAX + 1];
	struct segment_record r = {.type = 'T', .payload = slice_of(bytes, sizeof bytes)};
	CLEANUP(buf_freep) struct buf *b = NULL;
	struct seen seen;
	struct why why;

	s = open_and_replay(*state, &seen);
	assert_int_equal(segments_write(s, &r, 1, NULL), ERR_LIMIT);
	assert_int_equal(segments_write(s, &r, STORE_COMMIT_QUEUE_MAX + 1, NULL), ERR_LIMIT);
	r.payload.len--;
	assert_int_equal(segments_write(s, &r, 1, NULL), ERR_OK);
	/* A place that nothing was written to, and as much memory as it asks for. */
	assert_int_equal(buf_new(UINT32_MAX, &b, NULL), ERR_OK);
	r.at.length = UINT32_MAX;
	assert_int_equal(segments_read(s, r.at, 'T', b, &why), ERR_TAMPERED);
	assert_non_null(strstr(why.text, "a record of 4294967295 bytes"));
}

static void a_missing_segment_is_refused(void **state)
{
	CLEANUP(segments_closep) struct segments *s = NULL;
	struct seen seen;
	struct why why;

	assert_int_equal(segments_open(((struct fixture *)*state)->dir_fd, &s, NULL), ERR_OK);
	assert_int_equal(segments_replay(s, 3, 0, see, &seen, &why), ERR_TAMPERED);
	assert_non_null(strstr(why.text, "segment 3"));
}

enum { MANY = 2 * STORE_SEGMENTS_KEPT + 1 };

struct reading {
	struct segments *segments;
	struct segment_at at[MANY];
};

static void text_of(int segment, char out[static 32])
{
	snprintf(out, 32, "record of segment %03d", segment);
}

/* Reads from all segments over and over, each time one that the last pushed out: counts what was wrong. */
static void *read_all(void *arg)
{
	const struct reading *r = arg;
	uintptr_t wrong = 0;

	for (int i = 0; i < 20 * MANY; i++) {
		CLEANUP(buf_freep) struct buf *found = NULL;
		int segment = i * STORE_SEGMENTS_KEPT % MANY;
		char wanted[32];

		text_of(segment, wanted);
		if (buf_new(64, &found, NULL) != ERR_OK ||
		    segments_read(r->segments, r->at[segment], 'T', found, NULL) != ERR_OK ||
		    !slice_is_str(buf_slice(found), wanted))
			wrong++;
	}
	return (void *)wrong;
}

static void more_segments_than_stay_open_are_read_by_several_threads(void **state)
{
	struct fixture *f = *state;
	struct reading r = {NULL};
	pthread_t threads[4];
	struct seen *seen = calloc(1, sizeof *seen);
	void *wrong;

	/* An empty segment after the last is the next to be written. */
	for (int i = 0; i < MANY; i++) {
		CLEANUP(segments_closep) struct segments *s = NULL;
		CLEANUP(fd_closep) int fd = -1;
		char text[32], name[32];

		snprintf(name, sizeof name, "segment-%08x", (unsigned)i);
		assert_int_equal(path_open_beneath(f->dir_fd, name, O_WRONLY | O_CREAT, 0600, &fd, NULL), ERR_OK);
		assert_int_equal(fd_write_all(fd, slice_str("cloister.segment/v1\n"), NULL), ERR_OK);
		s = open_and_replay(f, seen);
		text_of(i, text);
		write_text(s, text, &r.at[i]);
		assert_int_equal(r.at[i].segment, i);
	}
	r.segments = open_and_replay(f, seen);
	assert_int_equal(seen->count, MANY);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_all, &r), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	segments_close(r.segments);
	free(seen);
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, fixture_open, fixture_close)
	const struct CMUnitTest tests[] = {
		FRESH(what_was_written_is_read_and_replayed),
		FRESH(replay_starts_at_the_mark),
		FRESH(writing_before_replay_is_a_defect),
		FRESH(a_torn_tail_is_cut_off),
		FRESH(every_flipped_byte_of_a_record_is_found_on_reading),
		FRESH(a_mark_that_is_no_place_of_a_record_is_refused_and_nothing_is_cut),
		FRESH(damage_in_front_of_a_later_call_is_refused_and_nothing_is_cut),
		FRESH(a_call_torn_at_its_beginning_is_cut_off),
		FRESH(damage_before_the_last_segment_is_refused_by_place),
		FRESH(rot_within_the_last_segment_is_refused_and_not_cut_off),
		FRESH(limits_are_enforced),
		FRESH(a_missing_segment_is_refused),
		FRESH(more_segments_than_stay_open_are_read_by_several_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
