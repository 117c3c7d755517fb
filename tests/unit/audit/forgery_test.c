#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/checkpoint.h"
#include "audit/journal.h"
#include "audit/ledger.h"
#include "ledger_fixture.h"

/* Somebody who can write the ledger's directory, but has not its key, appends a frame that is right in form. Whatever
 * it says, the ledger must not take it up. */

struct forgery {
	const char *what;
	const char *expected; /* in the sentence */
	uint64_t first_off;   /* added to the index of the first leaf */
	uint64_t time_ms;     /* instead of a later one */
	uint64_t seq;         /* of the leaf; the right one is 4 */
	uint64_t account_seq; /* the right one is 4 */
	bool wrong_prev, no_prev, wrong_root, wrong_size, other_key, other_origin, no_checkpoint, no_leaf;
};

static const struct forgery forgeries[] = {
	{"a checkpoint by another key", "no signature", .seq = 4, .account_seq = 4, .other_key = true},
	{"another first leaf", "should come next", .seq = 4, .account_seq = 4, .first_off = 1},
	{"an earlier time", "should come next", .seq = 4, .account_seq = 4, .time_ms = 1},
	{"a number of the producer again", "chain of its producer", .seq = 3, .account_seq = 4},
	{"another leaf before it", "chain of its producer", .seq = 4, .account_seq = 4, .wrong_prev = true},
	{"no leaf before it", "chain of its producer", .seq = 4, .account_seq = 4, .no_prev = true},
	{"a number of the account again", "history of its account", .seq = 4, .account_seq = 3},
	{"a gap in the account", "history of its account", .seq = 4, .account_seq = 5},
	{"another root", "not what was signed", .seq = 4, .account_seq = 4, .wrong_root = true},
	{"another size", "not what was signed", .seq = 4, .account_seq = 4, .wrong_size = true},
	{"another origin", "not what was signed", .seq = 4, .account_seq = 4, .other_origin = true},
	{"no checkpoint", "not a signed note", .seq = 4, .account_seq = 4, .no_checkpoint = true},
	{"no leaf of ours", "JSON", .seq = 4, .account_seq = 4, .no_leaf = true},
};

static void put_leaf(const struct forgery *how, const struct merkle_hash *prev, struct buf *into)
{
	struct leaf leaf = {.producer = slice_str("front"), .seq = how->seq, .has_prev = !how->no_prev, .prev = *prev};

	if (how->wrong_prev)
		leaf.prev.bytes[0] ^= 1;
	if (how->no_leaf)
		assert_ok(buf_put_str(into, "hello", NULL));
	else
		assert_ok(leaf_put(&leaf, into, NULL));
}

static void put_checkpoint(const struct forgery *how, struct fixture *f, struct merkle_range *range, struct slice leaf,
                           struct buf *into)
{
	CLEANUP(note_signer_freep) struct note_signer *other_key = support_signer(FIXTURE_ORIGIN, NOTE_ED25519);
	CLEANUP(note_signer_freep) struct note_signer *other_origin = NULL;
	const struct note_signer *signer = f->signer;
	struct merkle_head head;
	struct merkle_hash hash;

	assert_ok(note_signer_new(slice_str("log.example/other"), NOTE_ED25519, f->sign_key, &other_origin, NULL));
	if (how->other_key)
		signer = other_key;
	if (how->other_origin)
		signer = other_origin;
	merkle_leaf_hash(leaf, &hash);
	merkle_range_append(range, &hash, NULL);
	head.size = range->size + how->wrong_size;
	merkle_range_root(range, &head.root);
	head.root.bytes[0] ^= how->wrong_root;
	if (how->no_checkpoint)
		assert_ok(buf_put_str(into, "hello", NULL));
	else
		assert_ok(checkpoint_put(signer, &head, into, NULL));
}

/* The tree of the first three leaves, and the last leaf's hash. */
static struct merkle_range read_range(struct fixture *f, struct merkle_hash *last)
{
	struct merkle_range range = {.size = 0};

	for (uint64_t i = 0; i < 3; i++) {
		struct ledger_item entry;

		assert_ok(ledger_read_entry(f->ledger, i, &entry, NULL));
		merkle_leaf_hash(entry.leaf, last);
		merkle_range_append(&range, last, NULL);
	}
	return range;
}

/* Appends the forged frame to a closed ledger of three leaves. */
static void forge(struct fixture *f, const struct forgery *how)
{
	CLEANUP(buf_freep) struct buf *leaf = support_buf(), *checkpoint = support_buf(), *items = support_buf();
	CLEANUP(buf_freep) struct buf *bytes = NULL;
	CLEANUP(journal_freep) struct journal *journal = NULL;
	struct journal_item item = {.account = slice_str(FIXTURE_ACCOUNT), .account_seq = how->account_seq};
	struct journal_frame frame = {.count = 1, .time_ms = how->time_ms ? how->time_ms : UINT64_MAX / 2};
	struct journal_place place;
	struct merkle_hash last;
	struct merkle_range range = read_range(f, &last);

	frame.first = 3 + how->first_off;
	fixture_close(f);
	put_leaf(how, &last, leaf);
	put_checkpoint(how, f, &range, buf_slice(leaf), checkpoint);
	item.leaf = buf_slice(leaf);
	item.sealed = slice_str("sealed by nobody, and of some length that does not matter here");
	assert_ok(journal_item_put(&item, items, NULL));
	frame.items = buf_slice(items);
	frame.checkpoint = buf_slice(checkpoint);
	assert_ok(buf_new(LEDGER_FRAME_BYTES_MAX, &bytes, NULL));
	assert_ok(journal_frame_put(&frame, bytes, NULL));
	assert_ok(journal_open(f->dir_fd, slice_str(FIXTURE_ORIGIN), &journal, NULL));
	assert_ok(journal_append(journal, buf_slice(bytes), &place, NULL));
}

static void a_forged_frame_is_never_taken_up(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof forgeries / sizeof *forgeries; i++) {
		struct why why = {{0}};
		struct fixture f;
		int err;

		fixture_make(&f, "/dev/shm");
		assert_ok(fixture_open(&f, LEDGER_CHECK_ALL, NULL));
		fixture_append(&f, 3);
		forge(&f, &forgeries[i]);
		err = fixture_open(&f, LEDGER_CHECK_EDGE, &why);
		if (err != ERR_TAMPERED || !strstr(why.text, forgeries[i].expected))
			fail_msg("%s: %s instead of TAMPERED with \"%s\": %s", forgeries[i].what, err_class_name(err),
			         forgeries[i].expected, why.text);
		assert_null(f.ledger);
		fixture_remove(&f);
		support_keys_free();
	}
}

/* The same frame with nothing wrong in it and the log's own key is taken up: so the refusals above are for what they
 * say. */
static void the_same_frame_by_the_logs_own_key_is_taken_up(void **state)
{
	struct forgery nothing = {.what = "nothing", .seq = 4, .account_seq = 4};
	struct why why = {{0}};
	struct fixture f;
	(void)state;

	fixture_make(&f, "/dev/shm");
	assert_ok(fixture_open(&f, LEDGER_CHECK_ALL, NULL));
	fixture_append(&f, 3);
	forge(&f, &nothing);
	if (fixture_open(&f, LEDGER_CHECK_ALL, &why) != ERR_OK)
		fail_msg("%s", why.text);
	assert_int_equal(ledger_head(f.ledger)->size, 4);
	fixture_remove(&f);
	support_keys_free();
}

/* A record sealed by somebody else, or for another place, is told from what was logged when it is opened. */
static void a_record_that_nobody_logged_is_not_shown(void **state)
{
	struct forgery nothing = {.what = "nothing", .seq = 4, .account_seq = 4};
	CLEANUP(buf_freep) struct buf *record = support_buf();
	uint8_t salt[SALT_BYTES];
	struct fixture f;
	(void)state;

	fixture_make(&f, "/dev/shm");
	assert_ok(fixture_open(&f, LEDGER_CHECK_ALL, NULL));
	fixture_append(&f, 3);
	forge(&f, &nothing);
	assert_ok(fixture_open(&f, LEDGER_CHECK_ALL, NULL));
	memset(f.key.id, 0, sizeof f.key.id); /* the forged item names this key */
	assert_int_equal(ledger_read_record(f.ledger, 3, slice_str(FIXTURE_ACCOUNT), &f.keys, salt, record, NULL),
	                 ERR_TAMPERED);
	assert_int_equal(buf_len(record), 0);
	fixture_remove(&f);
	support_keys_free();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_forged_frame_is_never_taken_up),
		cmocka_unit_test(the_same_frame_by_the_logs_own_key_is_taken_up),
		cmocka_unit_test(a_record_that_nobody_logged_is_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
