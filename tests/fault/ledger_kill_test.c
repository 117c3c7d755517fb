#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/history.h"
#include "audit/ledger.h"
#include "audit/mark.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "ledger_fixture.h"

/* --- kill -9 at random -------------------------------------------------------------------------------------------- */

enum { ROUNDS = 200, POWER_ROUNDS = 60, ACKS_MAX = 1 << 20, HEADS_MAX = 1 << 17, BATCH_MAX = 40 };

/* What the child says when a batch is committed: its leaves' hashes come from the parent reading them back. */
struct ack {
	struct merkle_head head;
	uint64_t first;
	uint32_t count;
	struct merkle_hash hashes[BATCH_MAX];
};

static struct merkle_hash acked[ACKS_MAX];
static uint64_t acked_count;
static struct merkle_head heads[HEADS_MAX];
static size_t head_count;
static uint64_t numbers = 0x9e3779b97f4a7c15;

static uint64_t next_number(void)
{
	numbers ^= numbers >> 12;
	numbers ^= numbers << 25;
	numbers ^= numbers >> 27;
	return numbers * UINT64_C(2685821657736338717);
}

/* Secrets do not survive a fork; the child takes one with the same bytes. */
static void take_key(struct fixture *f)
{
	static const uint8_t bytes[32] = {7, 7, 7};

	fixture_must(secret_new_from(slice_of(bytes, sizeof bytes), &f->secret, NULL), NULL, "a key");
	f->key.secret = f->secret;
}

static void commit_one(struct fixture *f, int pipe_fd)
{
	struct why why = {{0}};
	struct ack ack = {.first = ledger_head(f->ledger)->size, .count = 1 + (uint32_t)(next_number() % BATCH_MAX)};

	for (uint32_t i = 0; i < ack.count; i++) {
		struct ledger_input input = fixture_input(f,
		                                          "{\"eventName\":\"PutObject\",\"requestID\":\"0123456789\"}");
		struct ledger_output output;

		fixture_must(ledger_stage(f->ledger, &input, &output, &why), &why, "stage");
		ack.hashes[i] = output.hash;
	}
	fixture_must(ledger_commit(f->ledger, &why), &why, "commit");
	ack.head = *ledger_head(f->ledger);
	fixture_must(fd_write_all(pipe_fd, slice_of(&ack, sizeof ack), &why), &why, "acknowledge");
	fixture_must(ledger_tend(f->ledger, &why), &why, "tend");
}

static _Noreturn void run_child(struct fixture *f, int pipe_fd)
{
	struct why why = {{0}};

	take_key(f);
	fixture_must(fixture_open(f, LEDGER_CHECK_EDGE, &why), &why, "the child opens");
	for (;;)
		commit_one(f, pipe_fd);
}

static void note_ack(const struct ack *ack)
{
	assert_true(acked_count <= ack->first);
	assert_true(ack->first + ack->count <= ACKS_MAX && head_count < HEADS_MAX);
	/* Between them may lie a batch that was committed while its acknowledgement was killed. */
	acked_count = ack->first;
	for (uint32_t i = 0; i < ack->count; i++)
		acked[acked_count++] = ack->hashes[i];
	heads[head_count++] = ack->head;
}

/* Lets a child append until it is killed, and notes what it acknowledged. */
static void append_and_kill(struct fixture *f)
{
	int ends[2], status;
	struct ack ack;
	size_t len;
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		run_child(f, ends[1]);
	close(ends[1]);
	usleep((useconds_t)(500 + next_number() % 12000));
	kill(pid, SIGKILL);
	while (fd_read_full(ends[0], &ack, sizeof ack, &len, NULL) == ERR_OK && len == sizeof ack)
		note_ack(&ack);
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static bool was_acked(uint64_t index)
{
	static const struct merkle_hash none;

	return !merkle_hash_equal(&acked[index], &none);
}

/* All acknowledged leaves since `first` are there, each with a proof; every checkpoint ever handed out is continued. */
static void assert_nothing_is_lost(struct fixture *f, uint64_t first, size_t first_head)
{
	const struct merkle_head *head = ledger_head(f->ledger);
	struct merkle_proof proof;

	assert_true(head->size >= acked_count);
	for (uint64_t i = first; i < acked_count; i++) {
		if (!was_acked(i))
			continue;
		assert_int_equal(ledger_prove_inclusion(f->ledger, i, &proof, NULL), ERR_OK);
		assert_int_equal(merkle_verify_inclusion(&acked[i], i, head->size, &proof, &head->root, NULL), ERR_OK);
	}
	for (size_t i = first_head; i < head_count; i++) {
		assert_int_equal(ledger_prove_consistency(f->ledger, heads[i].size, &proof, NULL), ERR_OK);
		assert_int_equal(merkle_verify_consistency(&heads[i], head, &proof, NULL), ERR_OK);
	}
}

static void open_after_crash(struct fixture *f, enum ledger_check check, unsigned round)
{
	struct why why = {{0}};

	if (fixture_open(f, check, &why) != ERR_OK)
		fail_msg("round %u: %s", round, why.text);
}

static void begin(struct fixture *f)
{
	memset(acked, 0, sizeof acked);
	acked_count = head_count = 0;
	fixture_make(f, "/dev/shm");
	assert_int_equal(fixture_open(f, LEDGER_CHECK_EDGE, NULL), ERR_OK);
	fixture_close(f);
}

static void a_ledger_killed_at_random_loses_nothing_acknowledged(void **state)
{
	struct fixture f;
	(void)state;

	begin(&f);
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t first = acked_count;
		size_t first_head = head_count;
		bool is_last = round + 1 == ROUNDS;

		append_and_kill(&f);
		open_after_crash(&f, round % 20 == 0 || is_last ? LEDGER_CHECK_ALL : LEDGER_CHECK_EDGE, round);
		assert_nothing_is_lost(&f, is_last ? 0 : first, is_last ? 0 : first_head);
		fixture_close(&f);
	}
	print_message("%u kills: %" PRIu64 " leaves and %zu checkpoints acknowledged, none lost\n", ROUNDS, acked_count,
	              head_count);
	assert_true(acked_count > 100 * ROUNDS / 10);
	fixture_remove(&f);
}

/* --- power loss --------------------------------------------------------------------------------------------------- */

/* What the mark covers is durable; everything written behind it may be gone, cut, or zeros. */
static uint64_t settled_size(struct fixture *f)
{
	CLEANUP(buf_freep) struct buf *bytes = NULL;
	CLEANUP(chains_freep) struct chains *producers = NULL, *accounts = NULL;
	struct mark mark = {.time_ms = 0};

	assert_int_equal(buf_new(LEDGER_MARK_BYTES_MAX, &bytes, NULL), ERR_OK);
	assert_int_equal(chains_new("producers", 10, &producers, NULL), ERR_OK);
	assert_int_equal(chains_new("accounts", 10, &accounts, NULL), ERR_OK);
	if (file_read(f->dir_fd, "mark", bytes, NULL) != ERR_OK)
		return 0;
	assert_int_equal(mark_open(buf_slice(bytes), note_signer_verifier(f->signer), &mark, producers, accounts, NULL),
	                 ERR_OK);
	return mark.head.size;
}

static void damage(struct fixture *f, const char *name, off_t keep)
{
	CLEANUP(fd_closep) int fd = -1;
	struct stat st;

	if (path_open_beneath(f->dir_fd, name, O_RDWR, 0, &fd, NULL) != ERR_OK)
		return;
	assert_int_equal(fstat(fd, &st), 0);
	switch (next_number() % 3) {
	case 0: /* cut */
		assert_int_equal(ftruncate(fd, keep), 0);
		break;
	case 1: /* the length is there, the bytes are not */
		assert_int_equal(ftruncate(fd, keep), 0);
		assert_int_equal(ftruncate(fd, st.st_size), 0);
		break;
	default:
		break;
	}
}

static void damage_derived(struct fixture *f)
{
	uint64_t size = settled_size(f);

	damage(f, "history", (off_t)(size * HISTORY_ENTRY_BYTES));
	for (uint64_t tile = size / TILE_WIDTH; tile < size / TILE_WIDTH + 40; tile++) {
		char name[TILE_PATH_BYTES + 8] = "public/";
		struct tile_path path = {.index = tile, .width = TILE_WIDTH};

		tile_path_format(&path, name + 7);
		damage(f, name, 0);
		path.is_entries = true;
		tile_path_format(&path, name + 7);
		damage(f, name, 0);
	}
}

/* The beginning of a batch that was being written when the power went. All that is whole may have been acknowledged. */
static void tear_journal(struct fixture *f)
{
	CLEANUP(fd_closep) int fd = -1;
	uint8_t garbage[300] = "CLFRAME1";
	struct stat st;

	if (next_number() % 2 == 0)
		return;
	assert_int_equal(path_open_beneath(f->dir_fd, "journal-00000001", O_RDWR, 0, &fd, NULL), ERR_OK);
	for (size_t i = 8; i < sizeof garbage; i++)
		garbage[i] = (uint8_t)next_number();
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(pwrite(fd, garbage, sizeof garbage, st.st_size), sizeof garbage);
}

static void after_power_loss_everything_is_derived_again(void **state)
{
	struct fixture f;
	(void)state;

	begin(&f);
	for (unsigned round = 0; round < POWER_ROUNDS; round++) {
		uint64_t first = acked_count;
		size_t first_head = head_count;

		append_and_kill(&f);
		tear_journal(&f);
		damage_derived(&f);
		open_after_crash(&f, LEDGER_CHECK_ALL, round);
		assert_nothing_is_lost(&f, first, first_head);
		fixture_close(&f);
	}
	print_message("%u power losses: %" PRIu64 " leaves acknowledged, none lost\n", POWER_ROUNDS, acked_count);
	fixture_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ledger_killed_at_random_loses_nothing_acknowledged),
		cmocka_unit_test(after_power_loss_everything_is_derived_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
