/* A log that is watched from outside: checkpoints that somebody saved, and the tiles as they are served. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "audit/continuity.h"
#include "ledger_fixture.h"

enum { SAVED = 8 };

/* A log, its checkpoints at several sizes, and a way to be lied to. */
struct watched {
	struct fixture f;
	struct trust trust;
	char saved[SAVED][CHECKPOINT_BYTES_MAX + 1];
	unsigned fetched;
	bool is_altered, is_cut;
};

static const unsigned appended[SAVED] = {1, 6, 249, 1, 300, 700, 64000, 1};

static int set_up(void **state)
{
	struct watched *w = calloc(1, sizeof *w);

	fixture_make(&w->f, "/dev/shm");
	fixture_must(fixture_open(&w->f, LEDGER_CHECK_EDGE, NULL), NULL, "open");
	w->trust.log = note_signer_verifier(w->f.signer);
	for (int i = 0; i < SAVED; i++) {
		for (unsigned left = appended[i]; left;) {
			unsigned now = left < 8000 ? left : 8000;

			fixture_append(&w->f, now);
			left -= now;
		}
		assert_ok(slice_to_str(ledger_checkpoint(w->f.ledger), w->saved[i], sizeof w->saved[i], NULL));
	}
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct watched *w = *state;

	fixture_remove(&w->f);
	free(w);
	return 0;
}

static int fetch(void *context, const struct tile_path *path, struct buf *into, struct why *reterr_why)
{
	struct watched *w = context;

	w->fetched++;
	if (w->is_cut)
		return buf_put_str(into, "short", reterr_why);
	TRY(ledger_put_resource(w->f.ledger, path, into, reterr_why));
	if (!w->is_altered)
		return ERR_OK;
	for (size_t i = 0; i < path->width; i++) { /* every hash, or one that no proof needs might be the altered one */
		uint8_t *end;
		uint8_t first = (uint8_t)~buf_slice(into).ptr[0];
		size_t len = buf_len(into);

		buf_consume(into, 1);
		TRY(buf_reserve(into, 1, &end, reterr_why));
		*end = first;
		buf_commit(into, 1);
		assert_int_equal(buf_len(into), len);
	}
	return ERR_OK;
}

static int verify(struct watched *w, int older, int newer, struct continuity *ret)
{
	const struct tile_fetch tiles = {fetch, w};

	return continuity_verify(slice_str(w->saved[older]), slice_str(w->saved[newer]), &w->trust, &tiles, ret, NULL);
}

static void every_saved_checkpoint_is_continued_by_every_later_one(void **state)
{
	struct watched *w = *state;
	struct continuity c;

	/* Partial tiles of every size are served for the newest log only. */
	for (int older = 0; older < SAVED; older++)
		for (int newer = older; newer < SAVED; newer++) {
			assert_ok(verify(w, older, newer, &c));
			assert_true(c.older.size <= c.newer.size);
		}
	assert_int_equal(c.newer.size, 65258);
	w->fetched = 0;
	assert_ok(verify(w, 3, 3, &c));
	assert_int_equal(w->fetched, 0);
}

static void a_log_that_was_rolled_back_or_forked_is_told(void **state)
{
	struct watched *w = *state;
	struct fixture other;
	struct continuity c;

	assert_int_equal(verify(w, 5, 4, &c), ERR_TAMPERED);
	/* Another history under the same key: longer, and signed. */
	fixture_make(&other, "/dev/shm");
	struct ledger_options options = {.signer = w->f.signer};

	assert_ok(ledger_open(other.dir_fd, &options, &other.ledger, NULL));
	fixture_append(&other, 7);
	assert_ok(slice_to_str(ledger_checkpoint(other.ledger), w->saved[0], sizeof w->saved[0], NULL));
	assert_int_equal(verify(w, 0, 4, &c), ERR_TAMPERED);
	assert_int_equal(verify(w, 0, 1, &c), ERR_TAMPERED); /* of the same size */
	fixture_remove(&other);
}

static void tiles_that_were_altered_or_cut_prove_nothing(void **state)
{
	struct watched *w = *state;
	struct continuity c;

	w->is_altered = true;
	assert_int_equal(verify(w, 2, 6, &c), ERR_TAMPERED);
	w->is_altered = false;
	w->is_cut = true;
	assert_int_equal(verify(w, 2, 6, &c), ERR_TAMPERED);
}

static void a_checkpoint_that_was_altered_or_is_another_log_s_is_refused(void **state)
{
	struct watched *w = *state;
	struct continuity c;

	w->saved[1][strlen(FIXTURE_ORIGIN) + 1] ^= 1; /* its size */
	assert_int_not_equal(verify(w, 1, 4, &c), ERR_OK);
	assert_int_not_equal(verify(w, 0, 1, &c), ERR_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_saved_checkpoint_is_continued_by_every_later_one),
		TEST(a_log_that_was_rolled_back_or_forked_is_told),
		TEST(tiles_that_were_altered_or_cut_prove_nothing),
		TEST(a_checkpoint_that_was_altered_or_is_another_log_s_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
