#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/checkpoint.h"
#include "audit/history.h"
#include "audit/ledger.h"
#include "audit/proof.h"
#include "audit/receipt.h"
#include "base/fd.h"
#include "base/path.h"
#include "ledger_fixture.h"

/* --- the fixture of each test ------------------------------------------------------------------------------------- */

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	fixture_make(f, "/dev/shm");
	*state = f;
	return fixture_open(f, LEDGER_CHECK_ALL, NULL);
}

static int tear_down(void **state)
{
	fixture_remove(*state);
	free(*state);
	return 0;
}

/* As after kill -9: nothing is settled on the way out. */
static int reopen(struct fixture *f, enum ledger_check check, struct why *why)
{
	fixture_close(f);
	return fixture_open(f, check, why);
}

static void reopen_ok(struct fixture *f)
{
	struct why why = {{0}};

	if (reopen(f, LEDGER_CHECK_ALL, &why) != ERR_OK)
		fail_msg("%s", why.text);
}

static off_t size_of(const struct fixture *f, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(f->dir_fd, name, &st, 0), 0);
	return st.st_size;
}

static void flip_byte(const struct fixture *f, const char *name, off_t at)
{
	CLEANUP(fd_closep) int fd = -1;
	uint8_t byte;

	assert_ok(path_open_beneath(f->dir_fd, name, O_RDWR, 0, &fd, NULL));
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x20;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static void cut(const struct fixture *f, const char *name, off_t size)
{
	CLEANUP(fd_closep) int fd = -1;

	assert_ok(path_open_beneath(f->dir_fd, name, O_RDWR, 0, &fd, NULL));
	assert_int_equal(ftruncate(fd, size), 0);
}

static void assert_every_proof_holds(struct fixture *f)
{
	const struct merkle_head *head = ledger_head(f->ledger);

	for (uint64_t i = 0; i < head->size; i++) {
		struct ledger_item entry;
		struct merkle_proof proof;
		struct merkle_hash hash;

		assert_ok(ledger_prove_inclusion(f->ledger, i, &proof, NULL));
		assert_ok(ledger_read_entry(f->ledger, i, &entry, NULL));
		merkle_leaf_hash(entry.leaf, &hash);
		assert_ok(merkle_verify_inclusion(&hash, i, head->size, &proof, &head->root, NULL));
	}
}

/* --- appending ---------------------------------------------------------------------------------------------------- */

static void a_fresh_log_has_a_signed_checkpoint_of_nothing(void **state)
{
	struct fixture *f = *state;
	struct checkpoint checkpoint;
	struct merkle_hash empty;
	struct note note;

	merkle_empty_root(&empty);
	assert_ok(checkpoint_open(ledger_checkpoint(f->ledger), note_signer_verifier(f->signer), &note, &checkpoint,
	                          NULL));
	assert_int_equal(checkpoint.head.size, 0);
	assert_memory_equal(&checkpoint.head.root, &empty, sizeof empty);
	assert_true(size_of(f, "public/checkpoint") > 0);
	reopen_ok(f);
	assert_int_equal(ledger_head(f->ledger)->size, 0);
}

static void each_leaf_continues_its_producers_and_its_accounts_chain(void **state)
{
	struct fixture *f = *state;
	static const char *const producers[] = {"front", "keys", "front", "front"};
	static const char *const accounts[] = {"111111111111", "111111111111", "222222222222", "111111111111"};
	static const uint64_t seqs[] = {1, 1, 2, 3}, account_seqs[] = {1, 2, 1, 3};
	struct merkle_hash hashes[4];

	for (int i = 0; i < 4; i++) {
		struct ledger_input input = fixture_input(f, "{}");
		struct ledger_output output;

		input.producer = slice_str(producers[i]);
		input.account = slice_str(accounts[i]);
		assert_ok(ledger_stage(f->ledger, &input, &output, NULL));
		assert_int_equal(output.index, i);
		assert_int_equal(output.seq, seqs[i]);
		assert_int_equal(output.account_seq, account_seqs[i]);
		assert_int_equal(output.missing, 0);
		hashes[i] = output.hash;
		if (i == 1)
			assert_ok(ledger_commit(f->ledger, NULL));
	}
	assert_ok(ledger_commit(f->ledger, NULL));
	reopen_ok(f);
	for (int i = 0; i < 4; i++) {
		struct ledger_item entry;
		struct merkle_hash hash;
		struct leaf leaf;

		assert_ok(ledger_read_entry(f->ledger, (uint64_t)i, &entry, NULL));
		merkle_leaf_hash(entry.leaf, &hash);
		assert_memory_equal(&hash, &hashes[i], sizeof hash);
		assert_ok(leaf_parse(entry.leaf, &leaf, NULL));
		assert_int_equal(leaf.seq, seqs[i]);
		if (i >= 2) /* the leaf before it of producer "front": 0, then 2 */
			assert_memory_equal(&leaf.prev, &hashes[i == 2 ? 0 : 2], sizeof hash);
		assert_true(slice_is_str(entry.account, accounts[i]));
		assert_int_equal(entry.account_seq, account_seqs[i]);
	}
}

static void a_producers_own_number_shows_what_is_missing(void **state)
{
	struct fixture *f = *state;
	struct ledger_input input = fixture_input(f, "{}");
	struct ledger_output output = {.index = 99};

	input.seq = 5;
	assert_ok(ledger_stage(f->ledger, &input, &output, NULL));
	assert_int_equal(output.missing, 4);
	input.seq = 6;
	assert_ok(ledger_stage(f->ledger, &input, &output, NULL));
	assert_int_equal(output.missing, 0);
	assert_int_equal(ledger_stage(f->ledger, &input, &output, NULL), ERR_CONFLICT);
	input.seq = 9;
	assert_ok(ledger_stage(f->ledger, &input, &output, NULL));
	assert_int_equal(output.missing, 2);
	assert_ok(ledger_commit(f->ledger, NULL));
	assert_int_equal(ledger_producer_seq(f->ledger, slice_str("front")), 9);
	assert_int_equal(ledger_producer_seq(f->ledger, slice_str("other")), 0);
	reopen_ok(f);
	assert_int_equal(ledger_producer_seq(f->ledger, slice_str("front")), 9);
}

static void a_refused_record_leaves_the_batch_as_it_was(void **state)
{
	struct fixture *f = *state;
	struct ledger_input good = fixture_input(f, "{}"), bad[4] = {good, good, good, good};
	struct ledger_output output;

	bad[0].record = slice_str("{\"accountSeq\":1}");
	bad[1].producer = slice_str("");
	bad[2].account = slice_str("a b");
	bad[3].record = slice_str("{\"b\":1,\"a\":2}");
	assert_ok(ledger_stage(f->ledger, &good, &output, NULL));
	for (int i = 0; i < 4; i++) {
		bad[i].seq = 50;
		assert_int_equal(ledger_stage(f->ledger, &bad[i], &output, NULL), ERR_INVALID);
	}
	assert_int_equal(ledger_staged(f->ledger), 1);
	assert_ok(ledger_stage(f->ledger, &good, &output, NULL));
	assert_int_equal(output.seq, 2);
	assert_int_equal(output.index, 1);
	assert_ok(ledger_commit(f->ledger, NULL));
	assert_every_proof_holds(f);
}

static void a_dropped_batch_leaves_no_trace(void **state)
{
	struct fixture *f = *state;
	struct ledger_input input = fixture_input(f, "{}");
	struct ledger_output output;
	struct merkle_head before;

	fixture_append(f, 3);
	before = *ledger_head(f->ledger);
	input.account = slice_str("new-account");
	assert_ok(ledger_stage(f->ledger, &input, &output, NULL));
	assert_ok(ledger_stage(f->ledger, &input, &output, NULL));
	ledger_drop(f->ledger);
	assert_int_equal(ledger_staged(f->ledger), 0);
	assert_ok(ledger_commit(f->ledger, NULL));
	assert_memory_equal(ledger_head(f->ledger), &before, sizeof before);
	assert_ok(ledger_stage(f->ledger, &input, &output, NULL));
	assert_int_equal(output.seq, 4);
	assert_int_equal(output.account_seq, 1);
}

static void a_batch_of_the_largest_number_of_leaves_is_full(void **state)
{
	struct fixture *f = *state;
	struct ledger_input input = fixture_input(f, "{}");
	struct ledger_output output;

	for (int i = 0; i < LEDGER_BATCH_LEAVES_MAX; i++) {
		assert_false(ledger_is_full(f->ledger));
		assert_ok(ledger_stage(f->ledger, &input, &output, NULL));
	}
	assert_true(ledger_is_full(f->ledger));
	assert_int_equal(ledger_stage(f->ledger, &input, &output, NULL), ERR_LIMIT);
	assert_ok(ledger_commit(f->ledger, NULL));
	assert_int_equal(ledger_head(f->ledger)->size, LEDGER_BATCH_LEAVES_MAX);
	reopen_ok(f);
}

static void a_batch_of_the_largest_records_is_full_before_it_fails(void **state)
{
	struct fixture *f = *state;
	CLEANUP(free_p) char *record = malloc(RECORD_BYTES_MAX);
	struct ledger_input input;
	struct ledger_output output;
	unsigned count = 0;

	memset(record, 'x', RECORD_BYTES_MAX);
	memcpy(record, "{\"a\":\"", 6);
	memcpy(record + RECORD_BYTES_MAX - 200, "\"}", 3);
	input = fixture_input(f, record);
	for (; !ledger_is_full(f->ledger); count++)
		assert_ok(ledger_stage(f->ledger, &input, &output, NULL));
	assert_true(count > 200);
	assert_int_equal(ledger_stage(f->ledger, &input, &output, NULL), ERR_LIMIT);
	for (int i = 0; i < 6; i++) { /* over the end of the first segment */
		assert_ok(ledger_commit(f->ledger, NULL));
		while (!ledger_is_full(f->ledger))
			assert_ok(ledger_stage(f->ledger, &input, &output, NULL));
	}
	ledger_drop(f->ledger);
	assert_true(size_of(f, "journal-00000002") > 0);
	assert_true(size_of(f, "journal-00000001") <= LEDGER_SEGMENT_BYTES_MAX);
	reopen_ok(f);
	assert_int_equal(ledger_head(f->ledger)->size, 6 * count);
}

static void only_one_process_has_a_log_open(void **state)
{
	struct fixture *f = *state;
	struct ledger_options options = {.signer = f->signer};
	struct ledger *second = NULL;

	assert_int_equal(ledger_open(f->dir_fd, &options, &second, NULL), ERR_CONFLICT);
	assert_null(second);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void proofs_hold_across_the_edges_of_tiles(void **state)
{
	struct fixture *f = *state;
	static const unsigned batches[] = {1, 254, 1, 1, 255, 513, 3};
	struct merkle_head heads[8] = {*ledger_head(f->ledger)};

	for (int i = 0; i < 7; i++) {
		fixture_append(f, batches[i]);
		heads[i + 1] = *ledger_head(f->ledger);
		for (int older = 0; older <= i; older++) {
			struct merkle_proof proof;

			assert_ok(ledger_prove_consistency(f->ledger, heads[older].size, &proof, NULL));
			assert_ok(merkle_verify_consistency(&heads[older], &heads[i + 1], &proof, NULL));
		}
	}
	assert_every_proof_holds(f);
	reopen_ok(f);
	assert_memory_equal(ledger_head(f->ledger), &heads[7], sizeof heads[7]);
	assert_every_proof_holds(f);
}

static void seventy_thousand_leaves_have_the_tiles_of_the_specification(void **state)
{
	struct fixture *f = *state;
	struct merkle_proof proof;
	struct stat st;

	for (int i = 0; i < 17; i++)
		fixture_append(f, 4000);
	fixture_append(f, 2000);
	assert_ok(ledger_settle(f->ledger, NULL));
	assert_int_equal(size_of(f, "public/tile/0/272"), TILE_BYTES);
	assert_int_equal(size_of(f, "public/tile/0/273.p/112"), 112 * 32);
	assert_int_equal(size_of(f, "public/tile/1/000"), TILE_BYTES);
	assert_int_equal(size_of(f, "public/tile/1/001.p/17"), 17 * 32);
	assert_int_equal(size_of(f, "public/tile/2/000.p/1"), 32);
	assert_int_equal(fstatat(f->dir_fd, "public/tile/0/273", &st, 0), -1);
	assert_true(size_of(f, "public/tile/entries/273.p/112") > 112 * 100);
	reopen_ok(f);
	for (uint64_t i = 0; i < 70000; i += 997)
		assert_ok(ledger_prove_inclusion(f->ledger, i, &proof, NULL));
	flip_byte(f, "public/tile/1/000", 5 * 32);
	assert_int_equal(reopen(f, LEDGER_CHECK_EDGE, NULL), ERR_TAMPERED);
}

static void a_proof_file_verifies_without_the_log(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_freep) struct buf *text = support_buf();
	struct trust trust = {.log = note_signer_verifier(f->signer)};
	struct tlog_proof_result result;
	struct ledger_item entry;
	struct tlog_proof proof;
	struct merkle_hash hash;

	fixture_append(f, 300);
	assert_ok(ledger_put_proof(f->ledger, 271, text, NULL));
	assert_ok(ledger_read_entry(f->ledger, 271, &entry, NULL));
	merkle_leaf_hash(entry.leaf, &hash);
	assert_ok(tlog_proof_parse(buf_slice(text), &proof, NULL));
	assert_int_equal(proof.index, 271);
	assert_ok(tlog_proof_verify(&proof, &hash, &trust, &result, NULL));
	assert_int_equal(result.head.size, 300);
	assert_int_equal(ledger_put_proof(f->ledger, 300, text, NULL), ERR_INVALID);
}

static void resources_of_every_width_are_served(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_freep) struct buf *full = support_buf(), *part = support_buf();
	struct tile_path path = {.width = TILE_WIDTH};

	fixture_append(f, 300);
	for (int is_entries = 0; is_entries <= 1; is_entries++) {
		path = (struct tile_path){.is_entries = is_entries, .width = TILE_WIDTH};
		buf_reset(full);
		assert_ok(ledger_put_resource(f->ledger, &path, full, NULL));
		for (path.width = 1; path.width < TILE_WIDTH; path.width += 17) {
			buf_reset(part);
			assert_ok(ledger_put_resource(f->ledger, &path, part, NULL));
			assert_memory_equal(buf_slice(part).ptr, buf_slice(full).ptr, buf_len(part));
			if (!is_entries)
				assert_int_equal(buf_len(part), path.width * 32);
		}
		path.index = 1;
		path.width = 44;
		assert_ok(ledger_put_resource(f->ledger, &path, part, NULL));
		path.width = 45;
		assert_int_equal(ledger_put_resource(f->ledger, &path, part, NULL), ERR_NOTFOUND);
		path.index = 2;
		path.width = 1;
		assert_int_equal(ledger_put_resource(f->ledger, &path, part, NULL), ERR_NOTFOUND);
	}
	path = (struct tile_path){.level = 1, .width = 1};
	buf_reset(part);
	assert_ok(ledger_put_resource(f->ledger, &path, part, NULL));
	assert_int_equal(buf_len(part), 32);
	path = (struct tile_path){.level = 63, .width = 1};
	assert_int_equal(ledger_put_resource(f->ledger, &path, part, NULL), ERR_NOTFOUND);
}

static void a_record_is_read_back_and_proves_itself(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_freep) struct buf *record = support_buf(), *receipt = support_buf();
	struct trust trust = {.log = note_signer_verifier(f->signer)};
	struct receipt_result result;
	uint8_t salt[SALT_BYTES];

	fixture_append(f, 5);
	assert_ok(ledger_read_record(f->ledger, 3, slice_str(FIXTURE_ACCOUNT), &f->keys, salt, record, NULL));
	assert_true(slice_starts_with(buf_slice(record), "{\"accountPrev\":\""));
	assert_int_equal(ledger_read_record(f->ledger, 3, slice_str("000000000000"), &f->keys, salt, record, NULL),
	                 ERR_DENIED);
	assert_int_equal(ledger_read_record(f->ledger, 5, slice_str(FIXTURE_ACCOUNT), &f->keys, salt, record, NULL),
	                 ERR_NOTFOUND);
	assert_ok(ledger_put_receipt(f->ledger, 3, slice_str(FIXTURE_ACCOUNT), &f->keys, receipt, NULL));
	assert_ok(receipt_verify(buf_slice(receipt), &trust, &result, NULL));
	assert_int_equal(result.index, 3);
	assert_true(slice_equal(result.record, buf_slice(record)));
}

static void an_erased_record_is_gone_and_every_proof_holds(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_freep) struct buf *record = support_buf(), *journal = support_buf();
	CLEANUP(fd_closep) int fd = -1;
	struct ledger_item entry;
	uint8_t salt[SALT_BYTES];
	size_t zeros = 0, longest = 0;

	fixture_append(f, 5);
	assert_ok(ledger_erase_record(f->ledger, 3, NULL));
	assert_int_equal(ledger_read_record(f->ledger, 3, slice_str(FIXTURE_ACCOUNT), &f->keys, salt, record, NULL),
	                 ERR_NOTFOUND);
	assert_ok(ledger_erase_record(f->ledger, 3, NULL));
	assert_ok(ledger_read_record(f->ledger, 4, slice_str(FIXTURE_ACCOUNT), &f->keys, salt, record, NULL));
	assert_every_proof_holds(f);

	/* Replayed from the very beginning, the journal must still be right. */
	fixture_close(f);
	assert_int_equal(unlinkat(f->dir_fd, "mark", 0), 0);
	assert_ok(fixture_open(f, LEDGER_CHECK_ALL, NULL));
	assert_ok(ledger_read_entry(f->ledger, 3, &entry, NULL));
	assert_true(entry.is_erased);
	assert_every_proof_holds(f);

	/* Salt, nonce, tag and record: all of them zeros in the file. */
	assert_ok(path_open_beneath(f->dir_fd, "journal-00000001", O_RDONLY, 0, &fd, NULL));
	assert_int_equal(lseek(fd, 512, SEEK_SET), 512);
	assert_ok(fd_read_to_end(fd, journal, NULL));
	for (size_t i = 0; i < buf_len(journal); i++) {
		zeros = buf_slice(journal).ptr[i] ? 0 : zeros + 1;
		longest = zeros > longest ? zeros : longest;
	}
	assert_true(longest >= RECORD_SEALED_EXTRA_BYTES + 26);
}

/* --- after a crash ------------------------------------------------------------------------------------------------ */

static void a_log_without_its_mark_is_derived_again(void **state)
{
	struct fixture *f = *state;
	struct merkle_head before;

	fixture_append(f, 700);
	fixture_append(f, 11);
	assert_ok(ledger_settle(f->ledger, NULL));
	before = *ledger_head(f->ledger);
	fixture_close(f);
	assert_int_equal(unlinkat(f->dir_fd, "mark", 0), 0);
	assert_int_equal(unlinkat(f->dir_fd, "history", 0), 0);
	assert_int_equal(unlinkat(f->dir_fd, "public/tile/0/001", 0), 0);
	cut(f, "public/tile/0/000", 100);
	assert_ok(fixture_open(f, LEDGER_CHECK_ALL, NULL));
	assert_memory_equal(ledger_head(f->ledger), &before, sizeof before);
	assert_every_proof_holds(f);
}

/* The end of the journal as a power failure may leave it: every cut of the last frame, and with its end unwritten. */
static void a_torn_last_batch_is_dropped_and_the_log_goes_on(void **state)
{
	struct fixture *f = *state;
	struct merkle_head before;
	off_t whole, torn;

	fixture_append(f, 2);
	assert_ok(ledger_settle(f->ledger, NULL));
	before = *ledger_head(f->ledger);
	whole = size_of(f, "journal-00000001");
	fixture_append(f, 2);
	torn = size_of(f, "journal-00000001");
	for (off_t size = torn - 1; size > whole; size -= 7) {
		fixture_close(f);
		cut(f, "journal-00000001", size);
		if (size % 2)
			cut(f, "journal-00000001", torn); /* the length was there, the bytes were not */
		reopen_ok(f);
		assert_memory_equal(ledger_head(f->ledger), &before, sizeof before);
		assert_int_equal(ledger_torn_bytes(f->ledger), (size % 2 ? torn : size) - whole);
		assert_int_equal(size_of(f, "journal-00000001"), whole);
		fixture_append(f, 2);
		assert_int_equal(ledger_head(f->ledger)->size, 4);
	}
}

/* --- disks ----------------------------------------------------------------------------------------------------------
 */

static void limit_file_sizes(rlim_t bytes)
{
	struct rlimit limit = {bytes, RLIM_INFINITY};

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_refuses_the_batch_and_the_next_one_goes_on(void **state)
{
	struct fixture *f = *state;
	struct ledger_input input = fixture_input(f, "{}");
	struct ledger_output output;
	struct merkle_head before;
	struct why why = {{0}};
	off_t size;

	fixture_append(f, 3);
	before = *ledger_head(f->ledger);
	size = size_of(f, "journal-00000001");
	for (int i = 0; i < 4; i++)
		assert_ok(ledger_stage(f->ledger, &input, &output, NULL));
	limit_file_sizes((rlim_t)size + 500); /* in the middle of the frame */
	assert_int_equal(ledger_commit(f->ledger, &why), ERR_UNAVAILABLE);
	limit_file_sizes(RLIM_INFINITY);
	assert_non_null(strstr(why.text, "nothing was logged"));
	assert_int_equal(size_of(f, "journal-00000001"), size);
	assert_memory_equal(ledger_head(f->ledger), &before, sizeof before);
	assert_int_equal(ledger_staged(f->ledger), 0);
	assert_ok(ledger_stage(f->ledger, &input, &output, NULL));
	assert_int_equal(output.index, 3);
	assert_int_equal(output.seq, 4);
	assert_ok(ledger_commit(f->ledger, NULL));
	reopen_ok(f);
	assert_int_equal(ledger_head(f->ledger)->size, 4);
	assert_every_proof_holds(f);
}

static ino_t inode_of(const struct fixture *f, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(f->dir_fd, name, &st, 0), 0);
	return st.st_ino;
}

static void the_public_checkpoint_is_renewed_after_a_while(void **state)
{
	struct fixture *f = *state;
	ino_t before = inode_of(f, "public/checkpoint");

	fixture_append(f, 1); /* at once after opening: not yet */
	assert_int_equal(inode_of(f, "public/checkpoint"), before);
	usleep((LEDGER_PUBLISH_MS + 50) * 1000);
	for (int tries = 0; tries < 200 && inode_of(f, "public/checkpoint") == before; tries++) {
		assert_ok(ledger_tend(f->ledger, NULL));
		usleep(10000);
	}
	assert_int_not_equal(inode_of(f, "public/checkpoint"), before);
	assert_int_equal(size_of(f, "public/tile/0/000.p/1"), 32);
}

/* Appends at least `bytes` of journal, as few records as that takes. */
static int append_bytes(struct fixture *f, size_t bytes, struct why *why)
{
	CLEANUP(free_p) char *record = malloc(60001);
	struct ledger_input input;
	struct ledger_output output;

	memset(record, 'x', 60000);
	memcpy(record, "{\"a\":\"", 6);
	memcpy(record + 59998, "\"}", 3);
	input = fixture_input(f, record);
	for (size_t done = 0; done < bytes;) {
		for (; done < bytes && !ledger_is_full(f->ledger); done += 60000)
			TRY(ledger_stage(f->ledger, &input, &output, why));
		TRY(ledger_commit(f->ledger, why));
		TRY(ledger_tend(f->ledger, why));
	}
	return ERR_OK;
}

static void a_mark_is_made_when_enough_was_appended(void **state)
{
	struct fixture *f = *state;
	ino_t before;

	f->is_single_threaded = true;
	reopen_ok(f);
	before = inode_of(f, "mark");
	assert_ok(append_bytes(f, LEDGER_SETTLE_BYTES / 2, NULL));
	assert_int_equal(inode_of(f, "mark"), before);
	assert_ok(append_bytes(f, LEDGER_SETTLE_BYTES / 2 + 1, NULL));
	assert_int_not_equal(inode_of(f, "mark"), before);
	reopen_ok(f);
}

/* Opens the other end of the pipe once the journal is longer than may be unsettled. */
static pid_t release_when_long(const struct fixture *f, const char *pipe)
{
	pid_t pid = fork();
	struct stat st;

	if (pid != 0)
		return pid;
	while (fstatat(f->dir_fd, "journal-00000005", &st, 0) != 0)
		usleep(1000);
	usleep(100000);
	_exit(openat(f->dir_fd, pipe, O_WRONLY) < 0);
}

/* A disk that does not come back: a pipe stands where the settler wants to open a tile, and it waits there. */
static void a_disk_that_hangs_stops_appending_in_the_end(void **state)
{
	struct fixture *f = *state;
	static const char tile[] = "public/tile/0/000";
	struct why why = {{0}};
	int status;
	pid_t pid;

	fixture_append(f, TILE_WIDTH);
	assert_int_equal(unlinkat(f->dir_fd, tile, 0), 0);
	assert_int_equal(mkfifoat(f->dir_fd, tile, 0600), 0);
	pid = release_when_long(f, tile);
	assert_ok(append_bytes(f, LEDGER_UNSETTLED_BYTES_MAX - LEDGER_SETTLE_BYTES, NULL));
	assert_int_equal(append_bytes(f, 8 * LEDGER_SETTLE_BYTES, &why), ERR_UNAVAILABLE);
	assert_non_null(strstr(why.text, "restart the ledger"));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void proofs_hold_when_the_cache_of_tiles_is_too_small(void **state)
{
	struct fixture *f = *state;
	struct merkle_proof proof;

	for (int i = 0; i < LEDGER_TILE_CACHE + 2; i++)
		fixture_append(f, TILE_WIDTH);
	for (int round = 0; round < 3; round++)
		for (uint64_t tile = 0; tile < LEDGER_TILE_CACHE + 2; tile++)
			assert_ok(ledger_prove_inclusion(f->ledger, tile * TILE_WIDTH + tile, &proof, NULL));
}

static void stage_one(struct fixture *f, const char *producer, const char *account)
{
	struct ledger_input input = fixture_input(f, "{\"eventName\":\"GetObject\"}");
	struct ledger_output output;

	input.producer = slice_str(producer);
	input.account = slice_str(account);
	assert_ok(ledger_stage(f->ledger, &input, &output, NULL));
}

/* What is staged after a savepoint goes as if it had never been there, new producers and accounts too. */
static void a_batch_goes_back_to_a_savepoint_and_commits_what_came_before_it(void **state)
{
	struct fixture *f = *state;
	struct ledger_savepoint savepoint;
	uint64_t index;

	fixture_append(f, 3);
	stage_one(f, "keys", "111111111111");
	ledger_save(f->ledger, &savepoint);
	stage_one(f, "keys", "111111111111");
	stage_one(f, "watch", "222222222222");
	ledger_revert(f->ledger, &savepoint);
	assert_int_equal(ledger_staged(f->ledger), 1);
	assert_int_equal(ledger_producer_seq(f->ledger, slice_str("keys")), 1);
	assert_int_equal(ledger_producer_seq(f->ledger, slice_str("watch")), 0);
	stage_one(f, "keys", "111111111111");
	assert_ok(ledger_commit(f->ledger, NULL));
	assert_int_equal(ledger_head(f->ledger)->size, 5);
	assert_ok(ledger_find(f->ledger, slice_str("222222222222"), UINT64_MAX, UINT64_MAX, &index, NULL));
	assert_true(index == HISTORY_NONE);
	assert_every_proof_holds(f);
	reopen_ok(f);
	assert_int_equal(ledger_head(f->ledger)->size, 5);
	assert_int_equal(ledger_torn_bytes(f->ledger), 0);
}

/* --- tampering ---------------------------------------------------------------------------------------------------- */

static void refuse(struct fixture *f, const char *expected)
{
	struct why why = {{0}};
	int err = reopen(f, LEDGER_CHECK_ALL, &why);

	if (err != ERR_TAMPERED || !strstr(why.text, expected))
		fail_msg("%s instead of TAMPERED with %s: %s", err_class_name(err), expected, why.text);
}

static void settled_log(struct fixture *f)
{
	fixture_append(f, 600);
	fixture_append(f, 100);
	assert_ok(ledger_settle(f->ledger, NULL));
}

static void an_altered_tile_is_named_with_the_leaf(void **state)
{
	settled_log(*state);
	flip_byte(*state, "public/tile/0/001", 44 * 32 + 3);
	refuse(*state, "tile/0/001 was altered: its hash 44 is not leaf 300");
}

static void an_altered_bundle_is_named_with_the_leaf(void **state)
{
	settled_log(*state);
	flip_byte(*state, "public/tile/entries/000", 2 + 15);
	refuse(*state, "tile/entries/000 was altered: its entry 0 is not leaf 0");
}

static void a_cut_tile_or_bundle_is_named(void **state)
{
	struct fixture *f = *state;

	settled_log(f);
	cut(f, "public/tile/entries/001", size_of(f, "public/tile/entries/001") - 1);
	refuse(f, "tile/entries/001");
}

static void a_cut_tile_is_named(void **state)
{
	settled_log(*state);
	cut(*state, "public/tile/0/000", TILE_BYTES - 32);
	refuse(*state, "tile/0/000 of the log does not have 8192 bytes");
}

static void a_missing_tile_is_named(void **state)
{
	struct fixture *f = *state;

	settled_log(f);
	assert_int_equal(unlinkat(f->dir_fd, "public/tile/0/001", 0), 0);
	refuse(f, "tile/0/001 of the log is missing");
}

static void an_altered_journal_is_refused(void **state)
{
	struct fixture *f = *state;

	settled_log(f);
	fixture_close(f);
	assert_int_equal(unlinkat(f->dir_fd, "mark", 0), 0);
	flip_byte(f, "journal-00000001", 5000);
	refuse(f, "journal-00000001 is damaged at byte 512");
}

static void another_logs_journal_is_refused(void **state)
{
	struct fixture *f = *state;

	settled_log(f);
	flip_byte(f, "journal-00000001", 25);
	refuse(f, "journal-00000001 is not segment 1 of the journal of " FIXTURE_ORIGIN);
}

static void a_journal_cut_before_what_was_settled_is_refused(void **state)
{
	struct fixture *f = *state;

	settled_log(f);
	cut(f, "journal-00000001", size_of(f, "journal-00000001") - 10);
	refuse(f, "before byte");
}

static void an_altered_mark_is_refused(void **state)
{
	struct fixture *f = *state;

	settled_log(f);
	flip_byte(f, "mark", size_of(f, "mark") - 1);
	refuse(f, "\"mark\" is not what its key signed");
}

static void an_altered_public_checkpoint_is_refused(void **state)
{
	settled_log(*state);
	flip_byte(*state, "public/checkpoint", 20);
	refuse(*state, "public/checkpoint");
}

/* The whole journal goes back to an older state, but the public checkpoint tells. */
static void a_log_behind_its_public_checkpoint_is_refused(void **state)
{
	struct fixture *f = *state;
	off_t size;

	fixture_append(f, 10);
	size = size_of(f, "journal-00000001");
	fixture_append(f, 10);
	assert_ok(ledger_settle(f->ledger, NULL));
	fixture_close(f);
	assert_int_equal(unlinkat(f->dir_fd, "mark", 0), 0);
	cut(f, "journal-00000001", size);
	refuse(f, "rolled back: 20 leaves were signed, and it holds 10");
}

static void a_log_behind_a_checkpoint_that_somebody_holds_is_refused(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_freep) struct buf *held = support_buf();
	struct ledger_options options = {.signer = f->signer};
	off_t size = size_of(f, "journal-00000001");

	fixture_append(f, 10);
	assert_ok(buf_put(held, ledger_checkpoint(f->ledger), NULL));
	options.at_least = buf_slice(held);
	fixture_close(f);
	assert_ok(ledger_open(f->dir_fd, &options, &f->ledger, NULL));
	fixture_close(f);
	cut(f, "journal-00000001", size);
	assert_int_equal(unlinkat(f->dir_fd, "mark", 0), 0);
	assert_int_equal(unlinkat(f->dir_fd, "public/checkpoint", 0), 0);
	assert_int_equal(ledger_open(f->dir_fd, &options, &f->ledger, NULL), ERR_TAMPERED);
	assert_null(f->ledger);
}

static void a_log_of_another_key_is_refused(void **state)
{
	struct fixture *f = *state;
	CLEANUP(note_signer_freep) struct note_signer *other = support_signer(FIXTURE_ORIGIN, NOTE_ED25519);
	struct ledger_options options = {.signer = other};

	settled_log(f);
	fixture_close(f);
	assert_int_equal(ledger_open(f->dir_fd, &options, &f->ledger, NULL), ERR_TAMPERED);
	assert_int_equal(unlinkat(f->dir_fd, "mark", 0), 0);
	assert_int_equal(ledger_open(f->dir_fd, &options, &f->ledger, NULL), ERR_TAMPERED);
	support_keys_free();
}

static void a_tile_altered_while_the_log_runs_gives_no_proof(void **state)
{
	struct fixture *f = *state;
	struct merkle_proof proof;

	settled_log(f);
	assert_ok(reopen(f, LEDGER_CHECK_EDGE, NULL)); /* nothing in the cache */
	flip_byte(f, "public/tile/0/000", 7 * 32);
	assert_int_equal(ledger_prove_inclusion(f->ledger, 6, &proof, NULL), ERR_TAMPERED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_fresh_log_has_a_signed_checkpoint_of_nothing),
		TEST(each_leaf_continues_its_producers_and_its_accounts_chain),
		TEST(a_producers_own_number_shows_what_is_missing),
		TEST(a_refused_record_leaves_the_batch_as_it_was),
		TEST(a_dropped_batch_leaves_no_trace),
		TEST(a_batch_of_the_largest_number_of_leaves_is_full),
		TEST(a_batch_of_the_largest_records_is_full_before_it_fails),
		TEST(only_one_process_has_a_log_open),
		TEST(proofs_hold_across_the_edges_of_tiles),
		TEST(seventy_thousand_leaves_have_the_tiles_of_the_specification),
		TEST(a_proof_file_verifies_without_the_log),
		TEST(resources_of_every_width_are_served),
		TEST(a_record_is_read_back_and_proves_itself),
		TEST(an_erased_record_is_gone_and_every_proof_holds),
		TEST(a_log_without_its_mark_is_derived_again),
		TEST(a_torn_last_batch_is_dropped_and_the_log_goes_on),
		TEST(a_full_disk_refuses_the_batch_and_the_next_one_goes_on),
		TEST(the_public_checkpoint_is_renewed_after_a_while),
		TEST(a_mark_is_made_when_enough_was_appended),
		TEST(a_disk_that_hangs_stops_appending_in_the_end),
		TEST(proofs_hold_when_the_cache_of_tiles_is_too_small),
		TEST(a_batch_goes_back_to_a_savepoint_and_commits_what_came_before_it),
		TEST(an_altered_tile_is_named_with_the_leaf),
		TEST(an_altered_bundle_is_named_with_the_leaf),
		TEST(a_cut_tile_or_bundle_is_named),
		TEST(a_cut_tile_is_named),
		TEST(a_missing_tile_is_named),
		TEST(an_altered_journal_is_refused),
		TEST(another_logs_journal_is_refused),
		TEST(a_journal_cut_before_what_was_settled_is_refused),
		TEST(an_altered_mark_is_refused),
		TEST(an_altered_public_checkpoint_is_refused),
		TEST(a_log_behind_its_public_checkpoint_is_refused),
		TEST(a_log_behind_a_checkpoint_that_somebody_holds_is_refused),
		TEST(a_log_of_another_key_is_refused),
		TEST(a_tile_altered_while_the_log_runs_gives_no_proof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
