#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/canon.h"
#include "audit/history.h"
#include "audit/view.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/time.h"
#include "ledger_fixture.h"

/* Two accounts in turn; event i of an account is at second i of the hour, and is a Get, or every third a Put. */
enum { EVENTS = 60 };
static const char *const accounts[] = {"111111111111", "222222222222"};

static uint64_t base_ms; /* an hour before now, to the second */

static void append_event(struct fixture *f, const char *account, int i)
{
	struct ledger_input input = fixture_input(f, "");
	char record[256], time[TIME_RFC3339_BYTES];
	struct ledger_output output;

	time_format(base_ms + (uint64_t)i * 1000, time);
	snprintf(record, sizeof record, "{\"eventName\":\"%s\",\"eventTime\":\"%s\"}",
	         i % 3 ? "GetObject" : "PutObject", time);
	input.account = slice_str(account);
	input.record = slice_str(record);
	assert_ok(ledger_stage(f->ledger, &input, &output, NULL));
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	fixture_make(f, "/dev/shm");
	assert_ok(fixture_open(f, LEDGER_CHECK_EDGE, NULL));
	base_ms = time_wall_ms() / 1000 * 1000 - 3600 * 1000;
	for (int i = 0; i < EVENTS; i++) {
		append_event(f, accounts[0], i);
		append_event(f, accounts[1], i);
		if (i % 7 == 0)
			assert_ok(ledger_commit(f->ledger, NULL));
	}
	assert_ok(ledger_commit(f->ledger, NULL));
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	fixture_remove(*state);
	free(*state);
	return 0;
}

struct seen {
	uint64_t seqs[2 * VIEW_LIMIT_MAX];
	bool is_erased[2 * VIEW_LIMIT_MAX];
	size_t count;
	size_t fail_at; /* the sink fails at this record, from 1 */
};

static int see(void *context, const struct view_record *record, struct why *why)
{
	struct seen *seen = context;

	ENSURE(++seen->count != seen->fail_at, ERR_CLOSED, why, "the reader went away");
	seen->seqs[seen->count - 1] = record->account_seq;
	seen->is_erased[seen->count - 1] = record->is_erased;
	if (!record->is_erased) {
		struct slice value;
		uint64_t seq;

		assert_true(canon_find(record->record, "accountSeq", &value));
		assert_ok(canon_number(value, &seq, NULL));
		assert_int_equal(seq, record->account_seq);
	}
	return ERR_OK;
}

static struct view_query everything(void)
{
	return (struct view_query){.account = slice_str(accounts[0]), .to_ms = UINT64_MAX, .limit = VIEW_LIMIT_MAX};
}

static struct seen run(struct fixture *f, const struct view_query *query, struct view_result *result)
{
	struct seen seen = {.count = 0};
	struct view_sink sink = {see, &seen};

	assert_ok(view_run(f->ledger, query, &f->keys, &sink, result, NULL));
	assert_int_equal(result->count, seen.count);
	return seen;
}

static void an_account_sees_its_own_records_newest_first(void **state)
{
	struct view_query query = everything();
	struct view_result result;
	struct seen seen = run(*state, &query, &result);

	assert_int_equal(seen.count, EVENTS);
	assert_int_equal(result.next, 0);
	for (size_t i = 0; i < EVENTS; i++)
		assert_int_equal(seen.seqs[i], EVENTS - i);
	query.account = slice_str("333333333333");
	assert_int_equal(run(*state, &query, &result).count, 0);
}

static void a_view_goes_on_where_it_stopped(void **state)
{
	struct view_query query = everything();
	struct view_result result;
	uint64_t expected = EVENTS;

	query.limit = 7;
	do {
		struct seen seen = run(*state, &query, &result);

		for (size_t i = 0; i < seen.count; i++)
			assert_int_equal(seen.seqs[i], expected--);
		query.before_seq = result.next;
	} while (result.next);
	assert_int_equal(expected, 0);
}

static void names_and_times_are_filtered_by(void **state)
{
	struct view_query query = everything();
	struct view_result result;
	struct seen seen;

	query.event_name = slice_str("PutObject");
	assert_int_equal(run(*state, &query, &result).count, EVENTS / 3);
	query.event_name = slice_str("DeleteObject");
	assert_int_equal(run(*state, &query, &result).count, 0);

	query = everything();
	query.from_ms = base_ms + 10 * 1000;
	query.to_ms = base_ms + 19 * 1000;
	seen = run(*state, &query, &result);
	assert_int_equal(seen.count, 10);
	assert_int_equal(seen.seqs[0], 20);
	assert_int_equal(seen.seqs[9], 11);
	query.from_ms = base_ms + 10 * 1000 + 1;
	query.to_ms = base_ms + 19 * 1000 - 1;
	assert_int_equal(run(*state, &query, &result).count, 8);
	query.limit = 1;
	query.event_name = slice_str("PutObject");
	seen = run(*state, &query, &result);
	assert_int_equal(seen.seqs[0], 19); /* event 18 */
	assert_true(result.next > 0);
}

static void what_was_appended_long_after_or_before_is_not_looked_at(void **state)
{
	struct view_query query = everything();
	struct view_result result;

	query.from_ms = time_wall_ms() + 2 * (uint64_t)VIEW_DELAY_MS_MAX;
	assert_int_equal(run(*state, &query, &result).count, 0);
	assert_int_equal(result.next, 0);
	query.from_ms = 0;
	query.to_ms = time_wall_ms() - 2 * (uint64_t)VIEW_DELAY_MS_MAX;
	assert_int_equal(run(*state, &query, &result).count, 0);
}

static void erased_records_and_destroyed_keys_leave_their_places(void **state)
{
	struct fixture *f = *state;
	struct view_query query = everything();
	struct view_result result;
	struct seen seen;
	uint64_t index;

	assert_ok(ledger_find(f->ledger, query.account, 58, UINT64_MAX, &index, NULL));
	assert_ok(ledger_erase_record(f->ledger, index, NULL));
	seen = run(f, &query, &result);
	assert_int_equal(seen.count, EVENTS);
	assert_true(seen.is_erased[2]);
	assert_false(seen.is_erased[1]);
	query.event_name = slice_str("GetObject");
	assert_int_equal(run(f, &query, &result).count, EVENTS - EVENTS / 3 - (57 % 3 != 0));

	f->key_is_destroyed = true;
	query = everything();
	seen = run(f, &query, &result);
	assert_int_equal(seen.count, EVENTS);
	assert_true(seen.is_erased[0]);
}

/* Writes an entry of the history file in place of another's. */
static void alter_history(struct fixture *f, uint64_t index, off_t at_byte, const void *bytes, size_t len)
{
	CLEANUP(fd_closep) int fd = -1;

	assert_ok(path_open_beneath(f->dir_fd, "history", O_RDWR, 0, &fd, NULL));
	assert_int_equal(pwrite(fd, bytes, len, (off_t)(index * HISTORY_ENTRY_BYTES) + at_byte), len);
}

static void a_history_that_passes_over_a_record_is_noticed(void **state)
{
	static const uint8_t earlier[8] = {0, 0, 0, 0, 0, 0, 0, 96}; /* leaf 96 instead of 98 */
	struct fixture *f = *state;
	struct view_query query = everything();
	struct seen seen = {.count = 0};
	struct view_sink sink = {see, &seen};
	struct view_result result;

	alter_history(f, 100, 24, earlier, sizeof earlier);
	assert_int_equal(view_run(f->ledger, &query, &f->keys, &sink, &result, NULL), ERR_TAMPERED);
}

static void a_history_that_leads_elsewhere_erases_nothing(void **state)
{
	struct fixture *f = *state;
	struct ledger_item entry;
	uint8_t other[HISTORY_ENTRY_BYTES];
	CLEANUP(fd_closep) int fd = -1;

	/* Leaf 40 is the other account's record with the same number as leaf 41. */
	assert_ok(path_open_beneath(f->dir_fd, "history", O_RDWR, 0, &fd, NULL));
	assert_int_equal(pread(fd, other, sizeof other, 40 * HISTORY_ENTRY_BYTES), sizeof other);
	alter_history(f, 41, 0, other, sizeof other);
	assert_int_equal(ledger_erase_record(f->ledger, 41, NULL), ERR_TAMPERED);
	assert_ok(ledger_read_entry(f->ledger, 40, &entry, NULL));
	assert_false(entry.is_erased);
	/* And with another number it is not even read. */
	alter_history(f, 43, 0, other, 8);
	assert_int_equal(ledger_read_entry(f->ledger, 43, &entry, NULL), ERR_TAMPERED);
}

static void wrong_queries_are_refused(void **state)
{
	struct fixture *f = *state;
	struct seen seen = {.count = 0};
	struct view_sink sink = {see, &seen};
	struct view_query wrong[4] = {everything(), everything(), everything(), everything()};
	struct view_result result = {.count = 99};

	wrong[0].limit = 0;
	wrong[1].limit = VIEW_LIMIT_MAX + 1;
	wrong[2].account = slice_str("");
	wrong[3].from_ms = 2;
	wrong[3].to_ms = 1;
	for (int i = 0; i < 4; i++)
		assert_int_equal(view_run(f->ledger, &wrong[i], &f->keys, &sink, &result, NULL), ERR_INVALID);
	assert_int_equal(seen.count, 0);
	assert_int_equal(result.count, 99);
}

static void a_reader_that_goes_away_ends_the_view(void **state)
{
	struct fixture *f = *state;
	struct seen seen = {.fail_at = 3};
	struct view_sink sink = {see, &seen};
	struct view_query query = everything();
	struct view_result result;

	assert_int_equal(view_run(f->ledger, &query, &f->keys, &sink, &result, NULL), ERR_CLOSED);
	assert_int_equal(seen.count, 3);
}

static void a_view_opens_a_bounded_number_of_records(void **state)
{
	struct fixture *f = *state;
	struct view_query query = everything();
	struct view_result result;

	query.account = slice_str(FIXTURE_ACCOUNT);
	query.event_name = slice_str("PutObject");
	fixture_append(f, VIEW_SCAN_MAX + 100); /* all of them GetObject */
	assert_int_equal(run(f, &query, &result).count, 0);
	assert_int_equal(result.next, 101);
	query.before_seq = result.next;
	assert_int_equal(run(f, &query, &result).count, 0);
	assert_int_equal(result.next, 0);
}

static void a_view_with_a_batch_staged_is_refused(void **state)
{
	struct fixture *f = *state;
	uint64_t index;

	append_event(f, accounts[0], 1);
	assert_int_equal(ledger_find(f->ledger, slice_str(accounts[0]), 1, UINT64_MAX, &index, NULL), ERR_CONFLICT);
	ledger_drop(f->ledger);
	assert_ok(ledger_find(f->ledger, slice_str(accounts[0]), 1, UINT64_MAX, &index, NULL));
	assert_int_equal(index, 0);
	assert_ok(ledger_find(f->ledger, slice_str(accounts[0]), 0, UINT64_MAX, &index, NULL));
	assert_true(index == HISTORY_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_account_sees_its_own_records_newest_first),
		TEST(a_view_goes_on_where_it_stopped),
		TEST(names_and_times_are_filtered_by),
		TEST(what_was_appended_long_after_or_before_is_not_looked_at),
		TEST(erased_records_and_destroyed_keys_leave_their_places),
		TEST(a_history_that_passes_over_a_record_is_noticed),
		TEST(a_history_that_leads_elsewhere_erases_nothing),
		TEST(wrong_queries_are_refused),
		TEST(a_reader_that_goes_away_ends_the_view),
		TEST(a_view_opens_a_bounded_number_of_records),
		TEST(a_view_with_a_batch_staged_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
