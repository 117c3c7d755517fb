#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/chains.h"
#include "audit/history.h"
#include "audit/mark.h"

/* --- chains ------------------------------------------------------------------------------------------------------- */

static struct chains *new_chains(size_t max)
{
	struct chains *c = NULL;

	assert_ok(chains_new("accounts", max, &c, NULL));
	return c;
}

static void advance(struct chains *c, unsigned name, uint64_t seq)
{
	struct chain link = {.seq = seq, .leaf_index = 10 * seq, .hash = {{(uint8_t)name, (uint8_t)seq}}};
	char text[32];

	snprintf(text, sizeof text, "account-%u", name);
	assert_ok(chains_advance(c, slice_str(text), &link, NULL));
}

static uint64_t seq_of(const struct chains *c, unsigned name)
{
	const struct chain *chain;
	char text[32];

	snprintf(text, sizeof text, "account-%u", name);
	chain = chains_find(c, slice_str(text));
	return chain ? chain->seq : 0;
}

static void the_last_link_is_found(void **state)
{
	CLEANUP(chains_freep) struct chains *c = new_chains(1000);
	(void)state;

	assert_null(chains_find(c, slice_str("account-0")));
	for (unsigned name = 0; name < 500; name++)
		advance(c, name, name + 1);
	advance(c, 7, 100);
	for (unsigned name = 0; name < 500; name++)
		assert_int_equal(seq_of(c, name), name == 7 ? 100 : name + 1);
	assert_int_equal(seq_of(c, 500), 0);
	assert_int_equal(chains_count(c), 500);
	assert_int_equal(chains_find(c, slice_str("account-7"))->leaf_index, 1000);
}

static void what_is_undone_was_never_there(void **state)
{
	CLEANUP(chains_freep) struct chains *c = new_chains(1000);
	size_t savepoint;
	(void)state;

	advance(c, 1, 1);
	advance(c, 2, 1);
	chains_keep(c);
	advance(c, 1, 2);
	savepoint = chains_savepoint(c);
	for (unsigned name = 3; name < 300; name++)
		advance(c, name, 1);
	advance(c, 1, 3);
	advance(c, 1, 4);
	chains_revert(c, savepoint);
	assert_int_equal(seq_of(c, 1), 2);
	for (unsigned name = 3; name < 300; name++)
		assert_int_equal(seq_of(c, name), 0);
	chains_revert(c, 0);
	assert_int_equal(seq_of(c, 1), 1);
	assert_int_equal(seq_of(c, 2), 1);
	assert_int_equal(chains_count(c), 2);
	for (unsigned name = 3; name < 300; name++)
		advance(c, name, 5);
	assert_int_equal(seq_of(c, 299), 5);
}

/* The same in a shadow of plain arrays, in many random orders. */
static void random_batches_agree_with_an_array(void **state)
{
	enum { NAMES = 200 };
	CLEANUP(chains_freep) struct chains *c = new_chains(NAMES);
	uint64_t kept[NAMES] = {0}, now[NAMES] = {0}, numbers = 88172645463325252;
	(void)state;

	for (int batch = 0; batch < 300; batch++) {
		for (int i = 0; i < 20; i++) {
			unsigned name = (unsigned)(support_random(&numbers) % NAMES);

			advance(c, name, ++now[name]);
		}
		if (support_random(&numbers) % 2) {
			chains_keep(c);
			memcpy(kept, now, sizeof kept);
		} else {
			chains_revert(c, 0);
			memcpy(now, kept, sizeof now);
		}
		for (unsigned name = 0; name < NAMES; name++)
			assert_int_equal(seq_of(c, name), now[name]);
	}
}

static void more_names_than_the_limit_are_refused(void **state)
{
	CLEANUP(chains_freep) struct chains *accounts = new_chains(LEDGER_ACCOUNTS_MAX);
	CLEANUP(chains_freep) struct chains *producers = new_chains(LEDGER_PRODUCERS_MAX);
	CLEANUP(note_signer_freep) struct note_signer *signer = support_signer("log.example", NOTE_ED25519);
	CLEANUP(buf_freep) struct buf *bytes = NULL;
	struct chain link = {.seq = 1};
	struct mark mark = {.time_ms = 1};
	char name[CHAIN_NAME_BYTES_MAX + 2];
	(void)state;

	for (unsigned i = 0; i <= LEDGER_ACCOUNTS_MAX; i++) {
		snprintf(name, sizeof name, "%064u", i);
		assert_int_equal(chains_advance(accounts, slice_str(name), &link, NULL),
		                 i < LEDGER_ACCOUNTS_MAX ? ERR_OK : ERR_LIMIT);
		if (i <= LEDGER_PRODUCERS_MAX)
			assert_int_equal(chains_advance(producers, slice_str(name), &link, NULL),
			                 i < LEDGER_PRODUCERS_MAX ? ERR_OK : ERR_LIMIT);
	}
	assert_int_equal(chains_advance(accounts, slice_str("one more"), &link, NULL), ERR_LIMIT);
	memset(name, '1', sizeof name);
	assert_int_equal(chains_advance(accounts, slice_of(name, CHAIN_NAME_BYTES_MAX + 1), &link, NULL), ERR_LIMIT);

	/* And the mark has room for all of them. */
	assert_ok(buf_new(LEDGER_MARK_BYTES_MAX, &bytes, NULL));
	assert_ok(mark_put(&mark, producers, accounts, signer, bytes, NULL));
	assert_true(buf_room(bytes) < LEDGER_MARK_BYTES_MAX / 4);
	support_keys_free();
}

/* --- the mark ----------------------------------------------------------------------------------------------------- */

struct marked {
	struct note_signer *signer;
	struct buf *bytes;
};

static struct marked new_mark(void)
{
	CLEANUP(chains_freep) struct chains *producers = new_chains(10), *accounts = new_chains(10);
	struct mark mark = {.head = {77, {{1, 2}}}, .place = {3, 4444}, .time_ms = 5555};
	struct marked m = {support_signer("log.example", NOTE_ED25519), support_buf()};

	advance(producers, 1, 70);
	advance(accounts, 2, 40);
	advance(accounts, 3, 37);
	assert_ok(mark_put(&mark, producers, accounts, m.signer, m.bytes, NULL));
	return m;
}

static int open_mark(const struct marked *m, struct slice bytes, struct mark *mark, struct chains *producers,
                     struct chains *accounts)
{
	return mark_open(bytes, note_signer_verifier(m->signer), mark, producers, accounts, NULL);
}

static void free_mark(struct marked *m)
{
	buf_free(m->bytes);
	note_signer_free(m->signer);
	support_keys_free();
}

static void a_mark_is_read_as_it_was_written(void **state)
{
	CLEANUP(chains_freep) struct chains *producers = new_chains(10), *accounts = new_chains(10);
	struct marked m = new_mark();
	struct mark mark;
	(void)state;

	assert_ok(open_mark(&m, buf_slice(m.bytes), &mark, producers, accounts));
	assert_int_equal(mark.head.size, 77);
	assert_int_equal(mark.head.root.bytes[1], 2);
	assert_int_equal(mark.place.segment, 3);
	assert_int_equal(mark.place.offset, 4444);
	assert_int_equal(mark.time_ms, 5555);
	assert_int_equal(seq_of(producers, 1), 70);
	assert_int_equal(seq_of(accounts, 2), 40);
	assert_int_equal(chains_find(accounts, slice_str("account-3"))->leaf_index, 370);
	assert_int_equal(chains_find(accounts, slice_str("account-3"))->hash.bytes[1], 37);
	free_mark(&m);
}

static void every_cut_and_altered_byte_of_a_mark_is_found(void **state)
{
	struct marked m = new_mark();
	size_t len = buf_len(m.bytes);
	CLEANUP(free_p) uint8_t *bytes = malloc(len + 1);
	struct mark mark = {.time_ms = 99};
	(void)state;

	memcpy(bytes, buf_slice(m.bytes).ptr, len);
	bytes[len] = 0;
	for (size_t i = 0; i <= len; i++) {
		CLEANUP(chains_freep) struct chains *producers = new_chains(10), *accounts = new_chains(10);

		if (i < len)
			assert_int_equal(open_mark(&m, slice_of(bytes, i), &mark, producers, accounts), ERR_TAMPERED);
		bytes[i] ^= 0x01;
		assert_int_equal(open_mark(&m, slice_of(bytes, i < len ? len : len + 1), &mark, producers, accounts),
		                 ERR_TAMPERED);
		bytes[i] ^= 0x01;
	}
	assert_int_equal(mark.time_ms, 99);
	free_mark(&m);
}

/* --- history ------------------------------------------------------------------------------------------------------ */

enum { HISTORY = 3000 };

struct histories {
	struct history_entry entries[HISTORY];
	size_t reads;
};

static int give_entry(void *context, uint64_t leaf_index, struct history_entry *ret_entry, struct why *why)
{
	struct histories *h = context;

	ENSURE(leaf_index < HISTORY, ERR_INTERNAL, why, "beyond");
	h->reads++;
	*ret_entry = h->entries[leaf_index];
	return ERR_OK;
}

/* Two accounts in turn; two records share each moment. */
static struct histories *new_histories(void)
{
	struct histories *h = calloc(1, sizeof *h);
	struct history_source source = {give_entry, h};

	for (uint64_t i = 0; i < HISTORY; i++) {
		h->entries[i].time_ms = 1000 + i / 4;
		assert_ok(history_link(&source, i < 2 ? HISTORY_NONE : i - 2, &h->entries[i], NULL));
		assert_int_equal(h->entries[i].account_seq, i / 2 + 1);
	}
	return h;
}

static void every_record_of_an_account_is_found_by_its_number_in_few_steps(void **state)
{
	CLEANUP(free_p) struct histories *h = new_histories();
	struct history_source source = {give_entry, h};
	uint64_t found;
	(void)state;

	for (uint64_t seq = 1; seq <= HISTORY / 2; seq++) {
		h->reads = 0;
		assert_ok(history_find(&source, HISTORY - 2, seq, UINT64_MAX, &found, NULL));
		assert_int_equal(found, (seq - 1) * 2);
		assert_true(h->reads <= 80); /* two at each of at most 3 * log2(1500) steps */
	}
	assert_ok(history_find(&source, HISTORY - 2, 0, UINT64_MAX, &found, NULL));
	assert_true(found == HISTORY_NONE);
	assert_ok(history_find(&source, HISTORY - 2, UINT64_MAX, UINT64_MAX, &found, NULL));
	assert_int_equal(found, HISTORY - 2);
	assert_ok(history_find(&source, HISTORY_NONE, 1, 1, &found, NULL));
	assert_true(found == HISTORY_NONE);
}

static void the_newest_record_of_a_moment_is_found(void **state)
{
	CLEANUP(free_p) struct histories *h = new_histories();
	struct history_source source = {give_entry, h};
	uint64_t found;
	(void)state;

	for (uint64_t time = 1000; time < 1000 + HISTORY / 4; time++) {
		assert_ok(history_find(&source, HISTORY - 1, UINT64_MAX, time, &found, NULL));
		assert_int_equal(found, (time - 1000) * 4 + 3);
	}
	assert_ok(history_find(&source, HISTORY - 1, UINT64_MAX, 999, &found, NULL));
	assert_true(found == HISTORY_NONE);
}

static void an_entry_is_encoded_in_its_own_number_of_bytes(void **state)
{
	struct history_entry entry = {{1, 2}, 3, 4, 5, HISTORY_NONE, 7}, read;
	uint8_t bytes[HISTORY_ENTRY_BYTES];
	(void)state;

	history_entry_encode(&entry, bytes);
	assert_int_equal(bytes[3], 1);
	assert_int_equal(bytes[HISTORY_ENTRY_BYTES - 1], 7);
	history_entry_decode(bytes, &read);
	assert_memory_equal(&read, &entry, sizeof entry);
}

static void links_that_lead_in_a_circle_are_refused(void **state)
{
	CLEANUP(free_p) struct histories *h = new_histories();
	struct history_source source = {give_entry, h};
	uint64_t found = 99;
	(void)state;

	h->entries[100].prev = 100;
	assert_int_equal(history_find(&source, 100, 1, UINT64_MAX, &found, NULL), ERR_TAMPERED);
	h->entries[100].prev = 98;
	h->entries[100].far = 102;
	assert_int_equal(history_find(&source, 100, 1, UINT64_MAX, &found, NULL), ERR_TAMPERED);
	assert_int_equal(found, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_link_is_found),
		cmocka_unit_test(what_is_undone_was_never_there),
		cmocka_unit_test(random_batches_agree_with_an_array),
		cmocka_unit_test(more_names_than_the_limit_are_refused),
		cmocka_unit_test(a_mark_is_read_as_it_was_written),
		cmocka_unit_test(every_cut_and_altered_byte_of_a_mark_is_found),
		cmocka_unit_test(every_record_of_an_account_is_found_by_its_number_in_few_steps),
		cmocka_unit_test(the_newest_record_of_a_moment_is_found),
		cmocka_unit_test(an_entry_is_encoded_in_its_own_number_of_bytes),
		cmocka_unit_test(links_that_lead_in_a_circle_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
