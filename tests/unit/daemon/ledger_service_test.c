/* Role ledger without its messages: requests that wait together, refusals, a full disk, what comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "audit/receipt.h"
#include "base/limits.h"
#include "daemon/ledger/service.h"
#include "tests/lib/scratch.h"

#define ACCOUNT "123456789012"

/* What became of a request. */
struct outcome {
	bool is_told;
	int err;
	struct ledger_appended appended;
	struct why why;
};

struct fixture {
	int dir;
	struct log_service *service;
	char events[1024];
};

static uint64_t pretended_free;

static int pretend(int fd, uint64_t *ret_free, struct why *reterr_why)
{
	(void)fd, (void)reterr_why;
	*ret_free = pretended_free;
	return ERR_OK;
}

static void on_appended(void *context, void *request, int err, const struct ledger_appended *appended,
                        const struct why *why)
{
	struct outcome *o = request;
	(void)context;

	assert_false(o->is_told); /* once */
	o->is_told = true;
	o->err = err;
	if (err == ERR_OK)
		o->appended = *appended;
	else
		o->why = *why;
}

static void on_event(void *context, enum event_severity severity, const char *name, const char *detail)
{
	struct fixture *f = context;
	size_t len = strlen(f->events);
	(void)severity, (void)detail;

	snprintf(f->events + len, sizeof f->events - len, "%s ", name);
}

static int open_service(struct fixture *f, struct why *why)
{
	const struct log_service_options options = {
		.dir_fd = f->dir,
		.sink = {.appended = on_appended, .event = on_event, .context = f},
		.starts = 1,
		.measure = pretend,
	};

	f->events[0] = 0;
	return log_service_open(&options, &f->service, why);
}

static void give_keys(struct fixture *f)
{
	const struct slice key = slice_str("0123456789abcdef0123456789abcdef");
	struct ledger_account_key mine = {slice_str(ACCOUNT), 5, key}, operators = {slice_str("operator"), 5, key};

	assert_int_equal(log_service_account_key(f->service, &mine, NULL), ERR_OK);
	assert_int_equal(log_service_account_key(f->service, &operators, NULL), ERR_OK);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct why why;

	pretended_free = UINT64_C(1) << 40;
	f->dir = scratch_open();
	*state = f;
	if (open_service(f, &why) != ERR_OK)
		fail_msg("%s", why.text);
	give_keys(f);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	log_service_free(f->service);
	scratch_close(f->dir);
	free(f);
	return 0;
}

static void ask(struct fixture *f, const char *account, const char *record, struct outcome *o)
{
	static struct ledger_append append;

	*o = (struct outcome){.is_told = false};
	append.count = 1;
	append.entries[0] = (struct ledger_entry){slice_str(account), slice_str(record)};
	log_service_append(f->service, slice_str("keys"), &append, o);
}

static uint64_t append_ok(struct fixture *f, const char *account, const char *record)
{
	struct outcome o;

	ask(f, account, record, &o);
	log_service_commit(f->service);
	assert_true(o.is_told);
	if (o.err != ERR_OK)
		fail_msg("%s", o.why.text);
	return o.appended.first_index;
}

/* --- appending ---------------------------------------------------------------------------------------------------- */

static void requests_wait_for_one_commit_and_are_told_together(void **state)
{
	struct fixture *f = *state;
	struct outcome o[50];
	uint64_t since;

	assert_false(log_service_is_waiting(f->service, &since));
	for (int i = 0; i < 50; i++)
		ask(f, ACCOUNT, "{\"a\":1}", &o[i]);
	assert_true(log_service_is_waiting(f->service, &since));
	for (int i = 0; i < 50; i++)
		assert_false(o[i].is_told);
	log_service_commit(f->service);
	assert_false(log_service_is_waiting(f->service, &since));
	for (int i = 0; i < 50; i++) {
		assert_true(o[i].is_told && o[i].err == ERR_OK);
		assert_int_equal(o[i].appended.first_index, 2 + i); /* behind two of the ledger's own */
		assert_int_equal(o[i].appended.tree_size, 52);
	}
}

static void a_refused_request_is_told_at_once_and_leaves_the_others_alone(void **state)
{
	struct fixture *f = *state;
	static struct ledger_append append;
	struct outcome good, bad = {.is_told = false}, unknown, after;

	ask(f, ACCOUNT, "{\"a\":1}", &good);
	append.count = 3;
	append.entries[0] = append.entries[1] = (struct ledger_entry){slice_str(ACCOUNT), slice_str("{}")};
	append.entries[2] = (struct ledger_entry){slice_str(ACCOUNT), slice_str("{\"a\": 1}")};
	log_service_append(f->service, slice_str("keys"), &append, &bad);
	assert_true(bad.is_told);
	assert_int_equal(bad.err, ERR_INVALID);
	ask(f, "999999999999", "{}", &unknown);
	assert_int_equal(unknown.err, ERR_CONFLICT);
	ask(f, ACCOUNT, "{\"a\":2}", &after);
	log_service_commit(f->service);
	assert_true(good.is_told && good.err == ERR_OK && after.err == ERR_OK);
	assert_int_equal(after.appended.first_index, good.appended.first_index + 1);
	assert_int_equal(after.appended.tree_size, 4);
}

/* More than one batch holds: what was asked before is committed to make room. */
static void requests_beyond_a_batch_go_into_the_next(void **state)
{
	struct fixture *f = *state;
	struct outcome o[400];
	char *record = malloc(60002);
	size_t told = 0;

	memset(record, 'x', 60000);
	memcpy(record, "{\"a\":\"", 6);
	memcpy(record + 59998, "\"}", 3);
	for (int i = 0; i < 400; i++)
		ask(f, ACCOUNT, record, &o[i]);
	for (int i = 0; i < 400; i++)
		told += o[i].is_told;
	assert_in_range(told, 100, 399);
	log_service_commit(f->service);
	for (int i = 0; i < 400; i++)
		assert_true(o[i].is_told && o[i].err == ERR_OK && o[i].appended.first_index == 2u + (unsigned)i);
	free(record);
}

/* The largest request there can be finds room behind others; and a view of it comes in pages that an answer can carry.
 */
static void the_largest_request_fits_one_batch_and_its_view_comes_in_pages(void **state)
{
	enum { COUNT = LEDGER_ENTRIES_PER_CALL_MAX, EACH = LEDGER_APPEND_BYTES_MAX / COUNT - 64 };
	struct fixture *f = *state;
	struct ledger_append *append = calloc(1, sizeof *append);
	struct ledger_viewed *viewed = calloc(1, sizeof *viewed);
	struct ledger_view view = {slice_str(ACCOUNT), 0, 0, slice_str(""), 0, LEDGER_VIEW_RECORDS_MAX};
	char *record = malloc(EACH + 1);
	struct outcome before[200], o = {.is_told = false};
	size_t seen = 0, pages = 0;

	memset(record, 'x', EACH);
	memcpy(record, "{\"a\":\"", 6);
	memcpy(record + EACH - 2, "\"}", 3);
	for (int i = 0; i < 200; i++)
		ask(f, ACCOUNT, record, &before[i]);
	for (append->count = 0; append->count < COUNT; append->count++)
		append->entries[append->count] = (struct ledger_entry){slice_str(ACCOUNT), slice_str(record)};
	log_service_append(f->service, slice_str("keys"), append, &o);
	log_service_commit(f->service);
	assert_true(o.is_told && o.err == ERR_OK && before[199].err == ERR_OK);
	assert_int_equal(o.appended.first_index, 202);
	do {
		size_t bytes = 0;

		assert_int_equal(log_service_view(f->service, &view, viewed, NULL), ERR_OK);
		for (size_t i = 0; i < viewed->count; i++) {
			assert_int_equal(viewed->records[i].account_seq, ++seen);
			bytes += viewed->records[i].record.len;
		}
		assert_in_range(bytes, 1, LEDGER_VIEW_BYTES_MAX);
		view.after_seq = viewed->last_seq;
		pages++;
	} while (viewed->has_more);
	assert_int_equal(seen, 200 + COUNT);
	assert_int_equal(pages, 3);
	free(record);
	free(append);
	free(viewed);
}

/* --- the disk ----------------------------------------------------------------------------------------------------- */

static void a_full_disk_refuses_with_a_sentence_all_but_administration(void **state)
{
	struct fixture *f = *state;
	struct outcome o;

	pretended_free = LEDGER_FREE_BYTES_MIN - 1;
	ask(f, ACCOUNT, "{}", &o);
	assert_int_equal(o.err, ERR_UNAVAILABLE);
	assert_non_null(strstr(o.why.text, "free 96 MiB"));
	ask(f, "operator", "{\"errorCode\":\"AccessDenied\"}", &o);
	assert_int_equal(o.err, ERR_UNAVAILABLE);
	append_ok(f, "operator", "{\"eventName\":\"DeleteBucket\"}");
	pretended_free = UINT64_C(1) << 40;
	append_ok(f, ACCOUNT, "{}");
}

/* The file may not grow: the write fails half-way, whoever waits is refused, and the log is opened anew. */
static void a_write_that_fails_refuses_who_waits_and_the_next_is_logged(void **state)
{
	struct fixture *f = *state;
	struct rlimit limit = {0, RLIM_INFINITY};
	struct stat st;
	struct ledger_state known;
	struct outcome one, two;

	append_ok(f, "operator",
	          "{\"eventName\":\"DatabaseGeneration\",\"eventSource\":\"config.cloister\",\"requestParameters\":"
	          "{\"generation\":1,\"hash\":\"0000000000000000000000000000000000000000000000000000000000000001\"}}");
	ask(f, ACCOUNT, "{\"a\":1}", &one);
	ask(f, "operator",
	    "{\"eventName\":\"DatabaseGeneration\",\"eventSource\":\"config.cloister\",\"requestParameters\":"
	    "{\"generation\":2,\"hash\":\"0000000000000000000000000000000000000000000000000000000000000002\"}}",
	    &two);
	assert_int_equal(fstatat(f->dir, "journal-00000001", &st, 0), 0);
	limit.rlim_cur = (rlim_t)st.st_size + 100;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	log_service_commit(f->service);
	limit.rlim_cur = RLIM_INFINITY;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(one.err, ERR_UNAVAILABLE);
	assert_int_equal(two.err, ERR_UNAVAILABLE);
	assert_non_null(strstr(f->events, "ledger.disk_failed"));
	assert_int_equal(log_service_check(f->service, NULL), ERR_OK);
	log_service_last_state(f->service, &known);
	assert_int_equal(known.generation, 1);
	assert_int_equal(append_ok(f, ACCOUNT, "{\"a\":1}"), 3);
}

/* --- looking back ------------------------------------------------------------------------------------------------- */

static struct slice fetch(struct fixture *f, const char *path, uint16_t expected)
{
	struct call_answer answer;

	log_service_fetch(f->service, slice_str(path), &answer);
	assert_int_equal(answer.status, expected);
	return answer.body;
}

static void a_view_goes_on_where_it_stopped_even_when_nothing_matched(void **state)
{
	struct fixture *f = *state;
	struct ledger_view view = {slice_str(ACCOUNT), 0, 0, slice_str("Rare"), 0, 10};
	struct ledger_viewed *viewed = calloc(1, sizeof *viewed);
	struct outcome *o = calloc(2 * LEDGER_VIEW_SCAN_MAX + 1, sizeof *o);

	for (int i = 0; i < 2 * LEDGER_VIEW_SCAN_MAX; i++)
		ask(f, ACCOUNT, "{\"eventName\":\"Usual\"}", &o[i]);
	ask(f, ACCOUNT, "{\"eventName\":\"Rare\"}", &o[2 * LEDGER_VIEW_SCAN_MAX]);
	for (int pages = 0; pages < 2; pages++) { /* looking commits what waits */
		assert_int_equal(log_service_view(f->service, &view, viewed, NULL), ERR_OK);
		assert_int_equal(viewed->count, 0);
		assert_true(viewed->has_more);
		assert_int_equal(viewed->last_seq, (pages + 1) * LEDGER_VIEW_SCAN_MAX);
		view.after_seq = viewed->last_seq;
	}
	assert_int_equal(log_service_view(f->service, &view, viewed, NULL), ERR_OK);
	assert_int_equal(viewed->count, 1);
	assert_false(viewed->has_more);
	assert_int_equal(viewed->records[0].account_seq, 2 * LEDGER_VIEW_SCAN_MAX + 1);
	view.after_seq = UINT64_MAX;
	assert_int_equal(log_service_view(f->service, &view, viewed, NULL), ERR_INVALID);
	free(viewed);
	free(o);
}

/* Times are of the event; the record may have been logged later. */
static void a_view_between_two_moments_finds_what_happened_between_them(void **state)
{
	struct fixture *f = *state;
	struct ledger_view view = {slice_str(ACCOUNT), 0, 0, slice_str(""), 0, 10};
	struct ledger_viewed *viewed = calloc(1, sizeof *viewed);

	append_ok(f, ACCOUNT, "{\"eventTime\":\"2020-01-01T00:00:00Z\"}"); /* a spool that came very late */
	append_ok(f, ACCOUNT, "{}");
	view.from_wall_ms = 1577836800000;
	view.to_wall_ms = 1577836800000;
	assert_int_equal(log_service_view(f->service, &view, viewed, NULL), ERR_OK);
	assert_int_equal(viewed->count, 0); /* beyond VIEW_DELAY_MS_MAX nothing is looked for */
	view.to_wall_ms = 0;
	assert_int_equal(log_service_view(f->service, &view, viewed, NULL), ERR_OK);
	assert_int_equal(viewed->count, 2);
	view.from_wall_ms++;
	assert_int_equal(log_service_view(f->service, &view, viewed, NULL), ERR_OK);
	assert_int_equal(viewed->count, 1);
	assert_int_equal(viewed->records[0].account_seq, 2);
	free(viewed);
}

/* A receipt and two checkpoints as a user saves them, against the vkey: what the command line verifies. */
static void receipts_and_saved_checkpoints_verify_against_the_vkey_and_nothing_altered_does(void **state)
{
	struct fixture *f = *state;
	struct note_verifier *verifier;
	struct trust trust = {.quorum = 0};
	struct receipt_result result;
	struct ledger_receipt query = {slice_str(ACCOUNT), append_ok(f, ACCOUNT, "{\"eventName\":\"Put\"}")};
	struct slice json;
	struct buf *copy;

	assert_int_equal(note_verifier_parse(slice_str(log_service_vkey(f->service)), &verifier, NULL), ERR_OK);
	trust.log = verifier;
	assert_int_equal(log_service_receipt(f->service, &query, &json, NULL), ERR_OK);
	assert_int_equal(receipt_verify(json, &trust, &result, NULL), ERR_OK);
	assert_int_equal(result.index, query.index);
	assert_int_equal(buf_new(json.len, &copy, NULL), ERR_OK);
	for (size_t at = 0; at < json.len; at++) {
		uint8_t *bytes;

		buf_reset(copy);
		assert_int_equal(buf_reserve(copy, json.len, &bytes, NULL), ERR_OK);
		memcpy(bytes, json.ptr, json.len);
		bytes[at] ^= 1;
		buf_commit(copy, json.len);
		if (receipt_verify(buf_slice(copy), &trust, &result, NULL) == ERR_OK)
			fail_msg("byte %zu of the receipt was altered and it verified", at);
	}
	buf_free(copy);
	note_verifier_free(verifier);
}

static void the_log_comes_back_and_a_receipt_needs_its_key(void **state)
{
	struct fixture *f = *state;
	uint64_t index = append_ok(f, ACCOUNT, "{\"eventName\":\"Put\"}");
	struct ledger_receipt query = {slice_str(ACCOUNT), index};
	struct ledger_hours hours;
	struct slice json;
	struct why why;

	assert_int_equal(log_service_close(f->service, NULL), ERR_OK);
	log_service_freep(&f->service);
	if (open_service(f, &why) != ERR_OK)
		fail_msg("%s", why.text);
	assert_string_equal(f->events, "ledger.opened ");
	assert_int_equal(log_service_receipt(f->service, &query, &json, NULL), ERR_NOTFOUND);
	assert_int_equal(log_service_receipt_hour(f->service, &query, &hours, NULL), ERR_OK);
	assert_int_equal(hours.count, 1);
	assert_int_equal(hours.hours[0], 5);
	give_keys(f);
	assert_int_equal(log_service_receipt(f->service, &query, &json, NULL), ERR_OK);
	assert_int_equal(log_service_receipt_hour(f->service, &query, &hours, NULL), ERR_OK);
	assert_int_equal(hours.count, 0);
}

static void only_public_things_are_fetched(void **state)
{
	struct fixture *f = *state;

	assert_true(slice_starts_with(fetch(f, "checkpoint", 200), "cloister.local/log/"));
	assert_int_equal(fetch(f, "tile/0/000.p/2", 200).len, 64);
	fetch(f, "tile/0/000.p/3", 404);
	fetch(f, "tile/0/000", 404);
	fetch(f, "log-key", 404);
	fetch(f, "../ledger/log-key", 404);
	fetch(f, "tile/9999999/000", 404);
	fetch(f, "", 404);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(requests_wait_for_one_commit_and_are_told_together),
		TEST(a_refused_request_is_told_at_once_and_leaves_the_others_alone),
		TEST(requests_beyond_a_batch_go_into_the_next),
		TEST(the_largest_request_fits_one_batch_and_its_view_comes_in_pages),
		TEST(a_full_disk_refuses_with_a_sentence_all_but_administration),
		TEST(a_write_that_fails_refuses_who_waits_and_the_next_is_logged),
		TEST(a_view_goes_on_where_it_stopped_even_when_nothing_matched),
		TEST(a_view_between_two_moments_finds_what_happened_between_them),
		TEST(receipts_and_saved_checkpoints_verify_against_the_vkey_and_nothing_altered_does),
		TEST(the_log_comes_back_and_a_receipt_needs_its_key),
		TEST(only_public_things_are_fetched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
