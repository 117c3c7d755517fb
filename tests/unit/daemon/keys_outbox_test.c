#include <string.h>

#include "daemon/link/keys_ledger.h"
#include "keys_fixture.h"

/* An outbox of its own beside the fixture's service, and what goes out of it. */
struct out {
	struct keys_outbox *o;
	size_t sent, entries, keys;
	struct buf *last;
};

static int append(void *self, struct slice body, struct why *reterr_why)
{
	static struct ledger_append message;
	struct out *out = self;

	assert_int_equal(ledger_append_take(body, &message, reterr_why), ERR_OK);
	out->sent++;
	out->entries = message.count;
	buf_reset(out->last);
	return buf_put(out->last, message.entries[0].record, reterr_why);
}

static int account_key(void *self, struct slice body, struct why *reterr_why)
{
	struct out *out = self;
	(void)body, (void)reterr_why;

	out->keys++;
	return ERR_OK;
}

static struct out make(struct keys_fixture *f)
{
	struct out out = {0};

	assert_int_equal(keys_outbox_new(f->s->root, f->s->journal.state, &out.o, NULL), ERR_OK);
	assert_int_equal(buf_new(1 << 20, &out.last, NULL), ERR_OK);
	return out;
}

static void attach(struct keys_fixture *f, struct out *out)
{
	const struct keys_log_port port = {.self = out, .append = append, .account_key = account_key};

	keys_outbox_attach(out->o, &port, f->s->journal.state->at.generation);
}

static void clear(struct out *out)
{
	keys_outbox_free(out->o);
	buf_free(out->last);
}

static uint64_t put(struct out *out, const char *account, int number)
{
	CLEANUP(json_freep) json_t *record = json_object();
	uint64_t ticket;

	assert_int_equal(json_set_int(record, "n", number, NULL), ERR_OK);
	assert_int_equal(keys_outbox_put(out->o, account, record, &ticket, NULL), ERR_OK);
	return ticket;
}

static int calls, last_err;

static void called(void *arg, int err, const struct why *why)
{
	(void)arg, (void)why;
	calls++;
	last_err = err;
}

static void what_comes_during_a_commit_goes_with_the_next(void **state)
{
	struct keys_fixture *f = *state;
	struct out out = make(f);
	uint64_t first, second;

	calls = 0;
	attach(f, &out);
	first = put(&out, "111111111111", 1);
	keys_outbox_flush(out.o, NOW_MS);
	assert_int_equal(out.sent, 1);
	second = put(&out, "111111111111", 2);
	(void)put(&out, "222222222222", 3);
	keys_outbox_flush(out.o, NOW_MS); /* one is under way */
	assert_int_equal(out.sent, 1);
	assert_int_equal(keys_outbox_wait(out.o, first, called, NULL, NULL), ERR_OK);
	assert_int_equal(keys_outbox_wait(out.o, second, called, NULL, NULL), ERR_OK);
	assert_int_equal(calls, 0);
	keys_outbox_acknowledge(out.o, ERR_OK);
	assert_int_equal(calls, 1);
	keys_outbox_flush(out.o, NOW_MS);
	assert_int_equal(out.sent, 2);
	assert_int_equal(out.entries, 2);
	keys_outbox_acknowledge(out.o, ERR_OK);
	assert_int_equal(calls, 2);
	assert_true(keys_outbox_is_idle(out.o));
	assert_int_equal(keys_outbox_wait(out.o, first, called, NULL, NULL), ERR_OK); /* long durable: at once */
	assert_int_equal(calls, 3);
	assert_int_equal(keys_outbox_wait(out.o, 99, called, NULL, NULL), ERR_INVALID);
	assert_int_equal(keys_outbox_wait(out.o, 0, called, NULL, NULL), ERR_INVALID);
	clear(&out);
}

static void what_was_not_acknowledged_goes_again(void **state)
{
	struct keys_fixture *f = *state;
	struct out out = make(f);
	uint64_t ticket;

	calls = 0;
	attach(f, &out);
	ticket = put(&out, "111111111111", 7);
	assert_int_equal(keys_outbox_wait(out.o, ticket, called, NULL, NULL), ERR_OK);
	keys_outbox_flush(out.o, NOW_MS);
	keys_outbox_acknowledge(out.o, ERR_UNAVAILABLE);
	keys_outbox_detach(out.o);
	assert_int_equal(keys_outbox_check(out.o, true, NULL), ERR_UNAVAILABLE);
	keys_outbox_flush(out.o, NOW_MS);
	assert_int_equal(out.sent, 1);
	attach(f, &out);
	keys_outbox_flush(out.o, NOW_MS);
	assert_int_equal(out.sent, 2);
	assert_true(slice_is_str(buf_slice(out.last), "{\"n\":7}"));
	assert_int_equal(out.keys, 2); /* the new link does not have the account's key */
	assert_int_equal(calls, 0);
	keys_outbox_acknowledge(out.o, ERR_OK);
	assert_int_equal(calls, 1);
	assert_int_equal(last_err, ERR_OK);
	clear(&out);
}

static void a_key_is_announced_once_for_account_and_hour(void **state)
{
	struct keys_fixture *f = *state;
	struct out out = make(f);
	const struct {
		const char *account;
		uint64_t now;
		size_t keys;
	} steps[] = {{"111111111111", NOW_MS, 1},
	             {"111111111111", NOW_MS + 1, 1},
	             {"222222222222", NOW_MS, 2},
	             {"operator", NOW_MS, 3},
	             {"111111111111", NOW_MS + 3600000, 4}};

	attach(f, &out);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		(void)put(&out, steps[i].account, 1);
		keys_outbox_flush(out.o, steps[i].now);
		keys_outbox_acknowledge(out.o, ERR_OK);
		assert_int_equal(out.keys, steps[i].keys);
	}
	clear(&out);
}

static void room_is_kept_for_the_operator(void **state)
{
	struct keys_fixture *f = *state;
	struct out out = make(f);
	CLEANUP(json_freep) json_t *record = json_object();
	uint64_t ticket;
	size_t count = 0;

	attach(f, &out);
	while (keys_outbox_check(out.o, false, NULL) == ERR_OK) {
		(void)put(&out, "111111111111", 1);
		count++;
	}
	assert_in_range(count, KEYS_OUTBOX_RECORDS_MAX * 3 / 4, KEYS_OUTBOX_RECORDS_MAX - 1);
	assert_int_equal(keys_outbox_check(out.o, true, NULL), ERR_OK);
	for (; count < KEYS_OUTBOX_RECORDS_MAX; count++)
		(void)put(&out, "operator", 1);
	assert_int_equal(keys_outbox_check(out.o, true, NULL), ERR_UNAVAILABLE);
	assert_int_equal(keys_outbox_put(out.o, "operator", record, &ticket, NULL), ERR_UNAVAILABLE);
	for (size_t i = 0; !keys_outbox_is_idle(out.o); i++) {
		assert_true(i < 100);
		keys_outbox_flush(out.o, NOW_MS);
		assert_in_range(out.entries, 1, LEDGER_ENTRIES_PER_CALL_MAX);
		keys_outbox_acknowledge(out.o, ERR_OK);
	}
	clear(&out);
}

static void waiters_are_bounded_and_told_at_the_end(void **state)
{
	struct keys_fixture *f = *state;
	struct out out = make(f);
	uint64_t ticket;

	calls = 0;
	attach(f, &out);
	ticket = put(&out, "111111111111", 1);
	for (int i = 0; i < KEYS_WAITERS_MAX; i++)
		assert_int_equal(keys_outbox_wait(out.o, ticket, called, NULL, NULL), ERR_OK);
	assert_int_equal(keys_outbox_wait(out.o, ticket, called, NULL, NULL), ERR_LIMIT);
	clear(&out);
	assert_int_equal(calls, KEYS_WAITERS_MAX);
	assert_int_equal(last_err, ERR_UNAVAILABLE);
}

static void a_record_that_is_too_long_keeps_who_and_what(void **state)
{
	struct keys_fixture *f = *state;
	struct out out = make(f);
	CLEANUP(json_freep) json_t *record = json_object();
	static char large[70000];
	uint64_t ticket;

	memset(large, 'x', sizeof large);
	attach(f, &out);
	assert_int_equal(json_set_str(record, "eventName", slice_str("PutKeyPolicy"), NULL), ERR_OK);
	assert_int_equal(json_set_str(record, "requestParameters", slice_of(large, sizeof large), NULL), ERR_OK);
	assert_int_equal(keys_outbox_put(out.o, "111111111111", record, &ticket, NULL), ERR_OK);
	keys_outbox_flush(out.o, NOW_MS);
	assert_true(slice_is_str(buf_slice(out.last), "{\"eventName\":\"PutKeyPolicy\",\"omitted\":true}"));
	clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_during_a_commit_goes_with_the_next),
		cmocka_unit_test(what_was_not_acknowledged_goes_again),
		cmocka_unit_test(a_key_is_announced_once_for_account_and_hour),
		cmocka_unit_test(room_is_kept_for_the_operator),
		cmocka_unit_test(waiters_are_bounded_and_told_at_the_end),
		cmocka_unit_test(a_record_that_is_too_long_keeps_who_and_what),
	};

	return cmocka_run_group_tests(tests, keys_fixture_make, keys_fixture_remove);
}
