#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/journal.h"
#include "base/fd.h"
#include "base/path.h"
#include "lib/scratch.h"

static const struct slice origin = {(const uint8_t *)"log.example", 11};

/* --- frames ------------------------------------------------------------------------------------------------------- */

/* A frame of `count` items, leaf i of which is "leaf" and a letter. */
static struct buf *new_frame(uint32_t count, uint64_t first)
{
	CLEANUP(buf_freep) struct buf *items = support_buf();
	struct journal_frame frame = {
		.first = first, .count = count, .time_ms = 1234567890123, .checkpoint = slice_str("signed")};
	struct buf *out = support_buf();

	for (uint32_t i = 0; i < count; i++) {
		char leaf[] = {'l', 'e', 'a', 'f', (char)('a' + i % 26)};
		struct journal_item item = {
			.leaf = slice_of(leaf, sizeof leaf),
			.account = slice_str("123456789012"),
			.account_seq = first + i + 1,
			.key_id = {9, 8, 7},
			.sealed = slice_str("sealed bytes of some length"),
		};

		assert_ok(journal_item_put(&item, items, NULL));
	}
	frame.items = buf_slice(items);
	assert_ok(journal_frame_put(&frame, out, NULL));
	return out;
}

static void a_frame_is_read_as_it_was_written(void **state)
{
	CLEANUP(buf_freep) struct buf *bytes = new_frame(3, 40);
	struct journal_frame frame;
	struct cursor items;
	(void)state;

	assert_ok(buf_put_str(bytes, "what follows is another's", NULL));
	assert_ok(journal_frame_parse(buf_slice(bytes), &frame, NULL));
	assert_int_equal(frame.first, 40);
	assert_int_equal(frame.count, 3);
	assert_int_equal(frame.time_ms, 1234567890123);
	assert_true(slice_is_str(frame.checkpoint, "signed"));
	items = cursor_of(frame.items);
	for (uint32_t i = 0; i < 3; i++) {
		struct journal_item item;

		assert_ok(journal_item_take(&items, &item, NULL));
		assert_int_equal(item.leaf.ptr[4], 'a' + i);
		assert_true(slice_is_str(item.account, "123456789012"));
		assert_int_equal(item.account_seq, 41 + i);
		assert_int_equal(item.key_id[0], 9);
		assert_false(item.is_erased);
		assert_true(slice_is_str(item.sealed, "sealed bytes of some length"));
		assert_ptr_equal(item.sealed.ptr, item.leaf.ptr - 2 + item.erase_at + 1);
	}
	assert_ok(cursor_finish(&items, NULL));
}

static void a_frame_without_leaves_is_a_frame(void **state)
{
	CLEANUP(buf_freep) struct buf *bytes = new_frame(0, 0);
	struct journal_frame frame;
	(void)state;

	assert_ok(journal_frame_parse(buf_slice(bytes), &frame, NULL));
	assert_int_equal(frame.items.len, 0);
	assert_int_equal(frame.total_len, buf_len(bytes));
}

static void every_cut_and_every_altered_bit_of_a_frame_is_found(void **state)
{
	CLEANUP(buf_freep) struct buf *frame_bytes = new_frame(2, 40);
	size_t len = buf_len(frame_bytes);
	CLEANUP(free_p) uint8_t *bytes = malloc(len);
	struct journal_frame frame = {.first = 99};
	(void)state;

	memcpy(bytes, buf_slice(frame_bytes).ptr, len);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(journal_frame_parse(slice_of(bytes, cut), &frame, NULL), ERR_INVALID);
	for (size_t bit = 0; bit < 8 * len; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (journal_frame_parse(slice_of(bytes, len), &frame, NULL) == ERR_OK) {
			/* The one exception: an item may say that it was erased. */
			struct cursor items = cursor_of(frame.items);
			struct journal_item item;
			bool is_erased = false;

			for (int i = 0; i < 2; i++) {
				assert_ok(journal_item_take(&items, &item, NULL));
				is_erased |= item.is_erased;
			}
			assert_true(is_erased);
			frame.first = 99;
		}
		assert_int_equal(frame.first, 99);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void an_erased_item_leaves_its_frame_right(void **state)
{
	CLEANUP(buf_freep) struct buf *frame_bytes = new_frame(2, 0);
	CLEANUP(free_p) uint8_t *bytes = malloc(buf_len(frame_bytes));
	struct journal_frame frame;
	struct journal_item item;
	struct cursor items;
	size_t at;
	(void)state;

	memcpy(bytes, buf_slice(frame_bytes).ptr, buf_len(frame_bytes));
	assert_ok(journal_frame_parse(slice_of(bytes, buf_len(frame_bytes)), &frame, NULL));
	items = cursor_of(frame.items);
	assert_ok(journal_item_take(&items, &item, NULL));
	at = JOURNAL_HEAD_BYTES + item.erase_at;
	bytes[at] = 1;
	memset(bytes + at + 1, 0, item.sealed.len);
	assert_ok(journal_frame_parse(slice_of(bytes, buf_len(frame_bytes)), &frame, NULL));
	items = cursor_of(frame.items);
	assert_ok(journal_item_take(&items, &item, NULL));
	assert_true(item.is_erased);
	assert_ok(journal_item_take(&items, &item, NULL));
	assert_false(item.is_erased);
}

static void what_no_frame_can_hold_is_refused(void **state)
{
	CLEANUP(buf_freep) struct buf *items = support_buf(), *out = NULL;
	CLEANUP(free_p) uint8_t *large = calloc(1, LEDGER_FRAME_BYTES_MAX);
	struct journal_item item = {.leaf = {large, LEAF_BYTES_MAX + 1}};
	struct journal_frame frame = {.items = {large, LEDGER_FRAME_BYTES_MAX - JOURNAL_HEAD_BYTES - 4 - 32 + 1}};
	(void)state;

	assert_int_equal(journal_item_put(&item, items, NULL), ERR_LIMIT);
	item = (struct journal_item){.account = {large, RECORD_ACCOUNT_BYTES_MAX + 1}};
	assert_int_equal(journal_item_put(&item, items, NULL), ERR_LIMIT);
	item = (struct journal_item){.sealed = {large, RECORD_SEALED_BYTES_MAX + 1}};
	assert_int_equal(journal_item_put(&item, items, NULL), ERR_LIMIT);
	assert_int_equal(buf_len(items), 0);
	item = (struct journal_item){.leaf = {large, LEAF_BYTES_MAX},
	                             .account = {large, RECORD_ACCOUNT_BYTES_MAX},
	                             .sealed = {large, RECORD_SEALED_BYTES_MAX}};
	assert_ok(journal_item_put(&item, items, NULL));
	assert_int_equal(buf_len(items), JOURNAL_ITEM_BYTES_MAX);

	assert_ok(buf_new(2 * (size_t)LEDGER_FRAME_BYTES_MAX, &out, NULL));
	assert_int_equal(journal_frame_put(&frame, out, NULL), ERR_LIMIT);
}

/* --- segments ----------------------------------------------------------------------------------------------------- */

struct journal_dir {
	int dir_fd;
	struct journal *journal;
};

static int set_up(void **state)
{
	struct journal_dir *d = calloc(1, sizeof *d);

	d->dir_fd = scratch_open();
	assert_ok(journal_open(d->dir_fd, origin, &d->journal, NULL));
	*state = d;
	return 0;
}

static int tear_down(void **state)
{
	struct journal_dir *d = *state;

	journal_free(d->journal);
	scratch_close(d->dir_fd);
	free(d);
	return 0;
}

static void reopen(struct journal_dir *d)
{
	journal_freep(&d->journal);
	assert_ok(journal_open(d->dir_fd, origin, &d->journal, NULL));
}

static struct journal_place append(struct journal_dir *d, uint32_t count, uint64_t first)
{
	CLEANUP(buf_freep) struct buf *frame = new_frame(count, first);
	struct journal_place place;

	assert_ok(journal_append(d->journal, buf_slice(frame), &place, NULL));
	return place;
}

static size_t count_frames(struct journal_dir *d)
{
	struct journal_place place = journal_start();
	struct journal_frame frame;
	size_t count = 0;
	bool has;

	for (;; count++) {
		assert_ok(journal_read_frame(d->journal, &place, &has, &frame, NULL));
		if (!has)
			return count;
		assert_int_equal(frame.first, count);
	}
}

static void frames_are_read_in_their_order(void **state)
{
	struct journal_dir *d = *state;

	assert_int_equal(count_frames(d), 0);
	for (uint64_t i = 0; i < 5; i++)
		append(d, 1, i);
	assert_int_equal(count_frames(d), 5);
	reopen(d);
	assert_int_equal(count_frames(d), 5);
	append(d, 1, 5);
	assert_int_equal(count_frames(d), 6);
}

static void segments_are_filled_and_followed_by_the_next(void **state)
{
	struct journal_dir *d = *state;
	CLEANUP(free_p) uint8_t *large = calloc(1, LEDGER_FRAME_BYTES_MAX);
	CLEANUP(buf_freep) struct buf *out = NULL;
	struct journal_place place = {0, 0};
	uint64_t first = 0;

	assert_ok(buf_new(LEDGER_FRAME_BYTES_MAX, &out, NULL));
	for (; place.segment < 3; first++) {
		struct journal_frame frame = {.first = first, .checkpoint = {large, NOTE_BYTES_MAX}};
		CLEANUP(buf_freep) struct buf *items = support_buf();
		struct journal_item item = {.sealed = {large, RECORD_SEALED_BYTES_MAX}};

		for (; frame.count < 200; frame.count++)
			assert_ok(journal_item_put(&item, items, NULL));
		frame.items = buf_slice(items);
		buf_reset(out);
		assert_ok(journal_frame_put(&frame, out, NULL));
		assert_ok(journal_append(d->journal, buf_slice(out), &place, NULL));
		assert_true(place.offset + buf_len(out) <= LEDGER_SEGMENT_BYTES_MAX);
	}
	assert_int_equal(count_frames(d), first);
	reopen(d);
	assert_int_equal(count_frames(d), first);
	assert_int_equal(unlinkat(d->dir_fd, "journal-00000002", 0), 0);
	journal_freep(&d->journal);
	/* Numbers have no gaps: what follows the gap is not taken for the journal, and the ledger finds it too short.
	 */
	assert_ok(journal_open(d->dir_fd, origin, &d->journal, NULL));
	assert_int_equal(journal_end(d->journal).segment, 1);
}

static off_t size_of_first(struct journal_dir *d)
{
	struct stat st;

	assert_int_equal(fstatat(d->dir_fd, "journal-00000001", &st, 0), 0);
	return st.st_size;
}

static void write_at_end(struct journal_dir *d, struct slice bytes)
{
	CLEANUP(fd_closep) int fd = -1;

	assert_ok(path_open_beneath(d->dir_fd, "journal-00000001", O_RDWR | O_APPEND, 0, &fd, NULL));
	assert_ok(fd_write_all(fd, bytes, NULL));
}

static void a_torn_end_is_cut_off(void **state)
{
	struct journal_dir *d = *state;
	CLEANUP(buf_freep) struct buf *frame = new_frame(2, 1);
	off_t whole;

	append(d, 1, 0);
	whole = size_of_first(d);
	for (size_t len = 1; len < buf_len(frame); len += 11) {
		write_at_end(d, slice_of(buf_slice(frame).ptr, len));
		reopen(d);
		assert_int_equal(count_frames(d), 1);
		assert_int_equal(size_of_first(d), whole);
	}
	append(d, 1, 1);
	assert_int_equal(count_frames(d), 2);
}

static void damage_with_a_frame_behind_it_is_not_a_torn_end(void **state)
{
	struct journal_dir *d = *state;
	struct journal_place place = append(d, 1, 0), start = journal_start();
	struct journal_frame frame;
	CLEANUP(fd_closep) int fd = -1;
	off_t whole;
	bool has;

	append(d, 1, 1);
	whole = size_of_first(d);
	assert_ok(path_open_beneath(d->dir_fd, "journal-00000001", O_RDWR, 0, &fd, NULL));
	assert_int_equal(pwrite(fd, "X", 1, place.offset + 40), 1);
	reopen(d);
	assert_int_equal(journal_read_frame(d->journal, &start, &has, &frame, NULL), ERR_TAMPERED);
	assert_int_equal(size_of_first(d), whole);
	assert_int_equal(start.offset, place.offset);
}

static void another_logs_segment_is_refused(void **state)
{
	struct journal_dir *d = *state;
	struct journal *other = NULL;

	journal_freep(&d->journal);
	assert_int_equal(journal_open(d->dir_fd, slice_str("log.example/other"), &other, NULL), ERR_TAMPERED);
	assert_null(other);
}

static void an_item_is_read_and_erased_in_its_place(void **state)
{
	struct journal_dir *d = *state;
	struct journal_place place = append(d, 1, 0);
	struct journal_item item;

	place.offset += JOURNAL_HEAD_BYTES;
	assert_ok(journal_read_item(d->journal, place, &item, NULL));
	assert_true(slice_is_str(item.leaf, "leafa"));
	for (int again = 0; again < 2; again++) {
		assert_ok(journal_erase_item(d->journal, place, NULL));
		assert_ok(journal_read_item(d->journal, place, &item, NULL));
		assert_true(item.is_erased);
		for (size_t i = 0; i < item.sealed.len; i++)
			assert_int_equal(item.sealed.ptr[i], 0);
	}
	assert_int_equal(count_frames(d), 1);
	place.offset += 1;
	assert_int_equal(journal_read_item(d->journal, place, &item, NULL), ERR_TAMPERED);
}

static void the_last_frame_is_written_again_unchanged(void **state)
{
	struct journal_dir *d = *state;
	struct journal_place place;

	append(d, 1, 0);
	place = append(d, 1, 1);
	assert_ok(journal_rewrite(d->journal, place, NULL));
	assert_int_equal(count_frames(d), 2);
	place.segment = 2;
	assert_int_equal(journal_rewrite(d->journal, place, NULL), ERR_INTERNAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_is_read_as_it_was_written),
		cmocka_unit_test(a_frame_without_leaves_is_a_frame),
		cmocka_unit_test(every_cut_and_every_altered_bit_of_a_frame_is_found),
		cmocka_unit_test(an_erased_item_leaves_its_frame_right),
		cmocka_unit_test(what_no_frame_can_hold_is_refused),
		TEST(frames_are_read_in_their_order),
		TEST(segments_are_filled_and_followed_by_the_next),
		TEST(a_torn_end_is_cut_off),
		TEST(damage_with_a_frame_behind_it_is_not_a_torn_end),
		TEST(another_logs_segment_is_refused),
		TEST(an_item_is_read_and_erased_in_its_place),
		TEST(the_last_frame_is_written_again_unchanged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
