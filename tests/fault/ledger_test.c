#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/ledger.h"
#include "ledger_fixture.h"
#include "lib/fault.h"

/* Without the ledger's second thread: what is injected must not depend on who comes first. The crash tests are in
 * ledger_kill_test.c. */

enum { LEAVES_MAX = 1 << 16 };

/* What commits that succeeded had in them. */
static struct merkle_hash acked[LEAVES_MAX];
static uint64_t acked_count;
static struct merkle_head last_head;

/* Appends over the end of a tile. What was committed without an error is noted. */
static int append_three_batches(void *context, struct why *reterr_why)
{
	struct fixture *f = context;
	CLEANUP(ledger_freep) struct ledger *l = NULL;
	CLEANUP(secret_freep) struct secret *secret = NULL;
	struct record_key key = {.id = "fork"};
	struct ledger_options options = {.signer = f->signer, .is_single_threaded = true};

	TRY(secret_new_random(32, &secret, reterr_why)); /* the fixture's does not survive a fork */
	key.secret = secret;
	TRY(ledger_open(f->dir_fd, &options, &l, reterr_why));
	for (int batch = 0; batch < 3; batch++) {
		struct ledger_input input = fixture_input(f, "{}");
		struct ledger_output output[2];

		input.key = &key;
		for (int i = 0; i < 2; i++)
			TRY(ledger_stage(l, &input, &output[i], reterr_why));
		TRY(ledger_commit(l, reterr_why));
		last_head = *ledger_head(l);
		assert_true(last_head.size <= LEAVES_MAX);
		for (int i = 0; i < 2; i++)
			acked[output[i].index] = output[i].hash;
		acked_count = last_head.size;
		TRY(ledger_tend(l, reterr_why));
	}
	return ledger_settle(l, reterr_why);
}

/* Of the leaves, the last forty: those before them have been looked at after earlier runs. */
static void nothing_acknowledged_is_lost(void *context, int err)
{
	static const struct merkle_hash none;
	struct fixture *f = context;
	const struct merkle_head *head;
	struct why why = {{0}};
	struct merkle_proof proof;
	(void)err;

	if (fixture_open(f, LEDGER_CHECK_ALL, &why) != ERR_OK)
		fail_msg("%s", why.text);
	head = ledger_head(f->ledger);
	assert_true(head->size >= acked_count);
	for (uint64_t i = acked_count > 40 ? acked_count - 40 : 0; i < acked_count; i++) {
		if (merkle_hash_equal(&acked[i], &none)) /* of a commit that said it had failed */
			continue;
		assert_int_equal(ledger_prove_inclusion(f->ledger, i, &proof, NULL), ERR_OK);
		assert_int_equal(merkle_verify_inclusion(&acked[i], i, head->size, &proof, &head->root, NULL), ERR_OK);
	}
	assert_int_equal(ledger_prove_consistency(f->ledger, last_head.size, &proof, NULL), ERR_OK);
	assert_int_equal(merkle_verify_consistency(&last_head, head, &proof, NULL), ERR_OK);
	fixture_close(f);
}

static void begin(struct fixture *f)
{
	memset(acked, 0, sizeof acked);
	acked_count = 0;
	last_head = (struct merkle_head){.size = 0};
	merkle_empty_root(&last_head.root);
	fixture_make(f, "/dev/shm");
	f->is_single_threaded = true;
	/* Two leaves before the end of a tile, so that the runs to come are on both sides of it. */
	assert_int_equal(fixture_open(f, LEDGER_CHECK_EDGE, NULL), ERR_OK);
	fixture_append(f, TILE_WIDTH - 2);
	fixture_close(f);
}

static size_t fail_each(enum fault_kind kind, int errnum)
{
	struct fixture f;
	struct fault_scenario s = {.run = append_three_batches, .check = nothing_acknowledged_is_lost, .context = &f};
	size_t failed;

	begin(&f);
	failed = fault_each(&s, kind, errnum);
	fixture_remove(&f);
	return failed;
}

static void a_full_disk_at_any_write_loses_nothing(void **state)
{
	(void)state;
	assert_true(fail_each(FAULT_WRITE, ENOSPC) > 10);
}

static void a_failed_fsync_loses_nothing(void **state)
{
	(void)state;
	assert_true(fail_each(FAULT_SYNC, EIO) > 8);
}

static void running_out_of_descriptors_loses_nothing(void **state)
{
	(void)state;
	assert_true(fail_each(FAULT_OPEN, EMFILE) > 8);
}

static void an_unreadable_disk_loses_nothing(void **state)
{
	(void)state;
	assert_true(fail_each(FAULT_READ, EIO) > 4);
}

static void a_failed_rename_loses_nothing(void **state)
{
	(void)state;
	assert_true(fail_each(FAULT_RENAME, ENOSPC) > 4);
}

static void running_out_of_memory_loses_nothing(void **state)
{
	(void)state;
	assert_true(fail_each(FAULT_MEMORY, ENOMEM) > 50);
}

/* --- replaying ------------------------------------------------------------------------------------------------------
 */

static void forget_the_mark(void *context)
{
	const struct fixture *f = context;

	unlinkat(f->dir_fd, "mark", 0);
}

static int open_and_close(void *context, struct why *reterr_why)
{
	struct fixture *f = context;
	CLEANUP(ledger_freep) struct ledger *l = NULL;
	struct ledger_options options = {.signer = f->signer, .is_single_threaded = true, .check = LEDGER_CHECK_ALL};

	return ledger_open(f->dir_fd, &options, &l, reterr_why);
}

/* What cannot be read now is not a torn end: nothing may be cut off because memory or the disk failed. */
static void a_replay_that_fails_loses_nothing(void **state)
{
	static const struct {
		enum fault_kind kind;
		int errnum;
	} faults[] = {{FAULT_MEMORY, ENOMEM}, {FAULT_READ, EIO},    {FAULT_WRITE, ENOSPC},
	              {FAULT_SYNC, EIO},      {FAULT_OPEN, EMFILE}, {FAULT_RENAME, ENOSPC}};
	struct fixture f;
	struct fault_scenario s = {.run = open_and_close,
	                           .prepare = forget_the_mark,
	                           .check = nothing_acknowledged_is_lost,
	                           .context = &f};
	struct why why;
	(void)state;

	begin(&f);
	assert_int_equal(append_three_batches(&f, &why), ERR_OK);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		assert_true(fault_each(&s, faults[i].kind, faults[i].errnum) > 3);
	assert_int_equal(fixture_open(&f, LEDGER_CHECK_ALL, &why), ERR_OK);
	assert_int_equal(ledger_head(f.ledger)->size, acked_count);
	fixture_remove(&f);
}

static void reads_and_writes_of_one_byte_each_are_enough(void **state)
{
	struct fixture f;
	struct fault_scenario s = {.run = append_three_batches, .check = nothing_acknowledged_is_lost, .context = &f};
	(void)state;

	begin(&f);
	fault_short_io(&s);
	fixture_remove(&f);
}

static void a_kill_at_any_call_loses_nothing(void **state)
{
	struct fixture f;
	struct fault_scenario s = {.run = append_three_batches, .check = nothing_acknowledged_is_lost, .context = &f};
	(void)state;

	begin(&f);
	assert_true(fault_kill_each(&s) > 60);
	fixture_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_disk_at_any_write_loses_nothing),
		cmocka_unit_test(a_failed_fsync_loses_nothing),
		cmocka_unit_test(running_out_of_descriptors_loses_nothing),
		cmocka_unit_test(an_unreadable_disk_loses_nothing),
		cmocka_unit_test(a_failed_rename_loses_nothing),
		cmocka_unit_test(running_out_of_memory_loses_nothing),
		cmocka_unit_test(a_replay_that_fails_loses_nothing),
		cmocka_unit_test(reads_and_writes_of_one_byte_each_are_enough),
		cmocka_unit_test(a_kill_at_any_call_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
