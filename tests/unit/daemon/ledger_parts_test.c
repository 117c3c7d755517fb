/* The parts of role ledger: its key file, the keys of accounts and hours, its own records, the reserve. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/canon.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/path.h"
#include "daemon/ledger/hour_keys.h"
#include "daemon/ledger/log_key.h"
#include "daemon/ledger/own_records.h"
#include "daemon/ledger/reserve.h"
#include "tests/lib/scratch.h"

/* --- the key file ------------------------------------------------------------------------------------------------- */

static void a_key_is_made_once_and_comes_back_with_its_origin(void **state)
{
	int dir = scratch_open();
	struct log_key one, two;
	struct stat st;
	(void)state;

	assert_int_equal(log_key_load(dir, &one, NULL), ERR_NOTFOUND);
	assert_int_equal(log_key_create(dir, slice_str("log.example/a"), NULL), ERR_OK);
	assert_int_equal(fstatat(dir, LOG_KEY_FILE, &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(log_key_create(dir, slice_str("log.example/b"), NULL), ERR_CONFLICT);
	assert_int_equal(log_key_load(dir, &one, NULL), ERR_OK);
	assert_string_equal(note_verifier_name(note_signer_verifier(one.signer)), "log.example/a");
	assert_int_equal(unlinkat(dir, LOG_VKEY_FILE, 0), 0);
	assert_int_equal(log_key_load(dir, &two, NULL), ERR_OK); /* and writes log.vkey anew */
	assert_int_equal(fstatat(dir, LOG_VKEY_FILE, &st, 0), 0);
	assert_true(secret_equal(one.own, two.own));
	log_key_clear(&one);
	log_key_clear(&two);
	scratch_close(dir);
}

static void origins_that_nobody_chose_differ(void **state)
{
	char names[2][64];
	(void)state;

	for (int i = 0; i < 2; i++) {
		int dir = scratch_open();
		struct log_key key;

		assert_int_equal(log_key_create(dir, slice_str(""), NULL), ERR_OK);
		assert_int_equal(log_key_load(dir, &key, NULL), ERR_OK);
		snprintf(names[i], sizeof names[i], "%s", note_verifier_name(note_signer_verifier(key.signer)));
		log_key_clear(&key);
		scratch_close(dir);
	}
	assert_string_not_equal(names[0], names[1]);
}

static void every_altered_or_cut_key_file_is_refused_by_name(void **state)
{
	int dir = scratch_open(), fd;
	struct log_key key;
	struct why why;
	struct stat st;
	(void)state;

	assert_int_equal(log_key_create(dir, slice_str("log.example/a"), NULL), ERR_OK);
	assert_int_equal(fstatat(dir, LOG_KEY_FILE, &st, 0), 0);
	assert_int_equal(path_open_beneath(dir, LOG_KEY_FILE, O_RDWR, 0, &fd, NULL), ERR_OK);
	for (off_t at = 0; at < st.st_size; at++) {
		uint8_t byte;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 4;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_int_equal(log_key_load(dir, &key, &why), ERR_TAMPERED);
		assert_non_null(strstr(why.text, "log-key"));
		byte ^= 4;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	assert_int_equal(log_key_load(dir, &key, NULL), ERR_OK);
	log_key_clear(&key);
	for (off_t size = st.st_size - 1; size >= 0; size--) {
		assert_int_equal(ftruncate(fd, size), 0);
		assert_int_equal(log_key_load(dir, &key, NULL), ERR_TAMPERED);
	}
	close(fd);
	scratch_close(dir);
}

static void a_log_without_its_key_gets_no_other(void **state)
{
	int dir = scratch_open();
	struct log_key key;
	struct why why;
	(void)state;

	assert_int_equal(file_create(dir, "journal-00000001", 0600, slice_str("x"), NULL), ERR_OK);
	assert_int_equal(log_key_load(dir, &key, &why), ERR_TAMPERED);
	assert_non_null(strstr(why.text, "log-key is missing"));
	assert_int_equal(log_key_create(dir, slice_str(""), NULL), ERR_CONFLICT);
	scratch_close(dir);
}

/* --- keys of accounts and hours ----------------------------------------------------------------------------------- */

static struct slice key_of(unsigned n)
{
	static uint8_t bytes[HOUR_KEY_BYTES];

	memset(bytes, 0, sizeof bytes);
	memcpy(bytes, &n, sizeof n);
	return slice_of(bytes, sizeof bytes);
}

static unsigned number_in(const struct secret *secret)
{
	unsigned n;

	memcpy(&n, secret_peek(secret), sizeof n);
	return n;
}

static void the_key_of_the_latest_hour_seals_and_older_ones_are_found_by_id(void **state)
{
	struct slice a = slice_str("111111111111"), b = slice_str("222222222222");
	struct hour_keys *k;
	struct record_key newest, older;
	const struct secret *secret;
	(void)state;

	assert_int_equal(hour_keys_new(&k, NULL), ERR_OK);
	assert_int_equal(hour_keys_newest(k, a, &newest, NULL), ERR_CONFLICT);
	assert_int_equal(hour_keys_add(k, a, 100, key_of(1), NULL), ERR_OK);
	assert_int_equal(hour_keys_newest(k, a, &older, NULL), ERR_OK);
	assert_int_equal(hour_keys_add(k, a, 101, key_of(2), NULL), ERR_OK);
	assert_int_equal(hour_keys_add(k, a, 99, key_of(3), NULL), ERR_OK);
	assert_int_equal(hour_keys_add(k, b, 105, key_of(4), NULL), ERR_OK);
	assert_int_equal(hour_keys_newest(k, a, &newest, NULL), ERR_OK);
	assert_int_equal(number_in(newest.secret), 2);
	assert_int_equal(hour_key_hour(newest.id), 101);
	assert_int_equal(hour_keys_find(k, a, older.id, &secret, NULL), ERR_OK);
	assert_int_equal(number_in(secret), 1);
	assert_int_equal(hour_keys_find(k, b, older.id, &secret, NULL), ERR_NOTFOUND);
	/* Another key for the same hour seals from here on, and the one before is there still. */
	assert_int_equal(hour_keys_add(k, a, 101, key_of(5), NULL), ERR_OK);
	assert_int_equal(hour_keys_newest(k, a, &older, NULL), ERR_OK);
	assert_int_equal(number_in(older.secret), 5);
	assert_int_equal(hour_keys_find(k, a, newest.id, &secret, NULL), ERR_OK);
	assert_int_equal(number_in(secret), 2);
	assert_int_equal(hour_keys_count(k), 5);
	assert_int_equal(hour_keys_add(k, a, 101, key_of(5), NULL), ERR_OK);
	assert_int_equal(hour_keys_count(k), 5);
	assert_int_equal(hour_keys_add(k, a, 1, slice_str("short"), NULL), ERR_INVALID);
	assert_int_equal(hour_keys_add(k, slice_str("a b"), 1, key_of(1), NULL), ERR_INVALID);
	hour_keys_free(k);
}

static void looking_back_over_years_does_not_push_out_what_is_sealed_under(void **state)
{
	struct slice a = slice_str("111111111111"), b = slice_str("222222222222");
	struct hour_keys *k;
	struct record_key key;
	size_t secrets = secret_count();
	(void)state;

	assert_int_equal(hour_keys_new(&k, NULL), ERR_OK);
	assert_int_equal(hour_keys_add(k, b, 7, key_of(7), NULL), ERR_OK);
	for (unsigned hour = 3 * LEDGER_KEYS_MAX; hour > 0; hour--)
		assert_int_equal(hour_keys_add(k, a, hour, key_of(hour), NULL), ERR_OK);
	assert_int_equal(hour_keys_count(k), LEDGER_KEYS_MAX);
	assert_int_equal(hour_keys_newest(k, a, &key, NULL), ERR_OK);
	assert_int_equal(number_in(key.secret), 3 * LEDGER_KEYS_MAX);
	assert_int_equal(hour_keys_newest(k, b, &key, NULL), ERR_OK);
	assert_int_equal(number_in(key.secret), 7);
	hour_keys_free(k);
	assert_int_equal(secret_count(), secrets);
}

/* When every account has but one, the oldest goes. */
static void more_accounts_than_there_is_room_for_push_out_the_first(void **state)
{
	struct hour_keys *k;
	struct record_key key;
	char account[16];
	(void)state;

	assert_int_equal(hour_keys_new(&k, NULL), ERR_OK);
	for (unsigned i = 0; i <= LEDGER_KEYS_MAX; i++) {
		snprintf(account, sizeof account, "%012u", i);
		assert_int_equal(hour_keys_add(k, slice_str(account), 1, key_of(i), NULL), ERR_OK);
	}
	assert_int_equal(hour_keys_newest(k, slice_str("000000000001"), &key, NULL), ERR_OK);
	assert_int_equal(number_in(key.secret), 1);
	assert_int_equal(hour_keys_newest(k, slice_str(account), &key, NULL), ERR_OK);
	assert_int_equal(number_in(key.secret), LEDGER_KEYS_MAX);
	assert_int_equal(hour_keys_newest(k, slice_str("000000000000"), &key, NULL), ERR_CONFLICT);
	hour_keys_free(k);
}

/* --- its own records ---------------------------------------------------------------------------------------------- */

#define ZEROS "00000000000000000000000000000000"

static void what_the_ledger_writes_itself_is_canonical_and_tells_the_state(void **state)
{
	struct ledger_state given = {.generation = 41, .hash = {1, 2, 3}}, found;
	const struct own_start start = {.leaves = 5, .torn_bytes = 6, .starts = 7, .state = &given};
	struct buf *parameters, *record;
	bool is_state;
	(void)state;

	assert_int_equal(buf_new(4096, &parameters, NULL), ERR_OK);
	assert_int_equal(buf_new(4096, &record, NULL), ERR_OK);
	assert_int_equal(own_start_put(&start, parameters, NULL), ERR_OK);
	assert_int_equal(own_record_put("LedgerStarted", buf_slice(parameters), record, NULL), ERR_OK);
	assert_int_equal(canon_check_object(buf_slice(record), NULL), ERR_OK);
	assert_int_equal(own_record_state(buf_slice(record), &is_state, &found, NULL), ERR_OK);
	assert_true(is_state);
	assert_int_equal(found.generation, 41);
	assert_memory_equal(found.hash, given.hash, sizeof found.hash);
	buf_free(parameters);
	buf_free(record);
}

static void only_a_right_generation_of_the_right_source_is_one(void **state)
{
#define GENERATION(source, parameters) \
	"{\"eventName\":\"DatabaseGeneration\",\"eventSource\":\"" source "\",\"requestParameters\":" parameters "}"
	static const struct {
		const char *record;
		int err;
		bool is_state;
	} cases[] = {
		{GENERATION("config.cloister", "{\"generation\":3,\"hash\":\"" ZEROS ZEROS "\"}"), ERR_OK, true},
		{GENERATION("s3.amazonaws.com", "{}"), ERR_OK, false},
		{"{\"tag\":\"DatabaseGeneration\"}", ERR_OK, false},
		{"not JSON", ERR_OK, false},
		{"", ERR_OK, false},
		{"\"DatabaseGeneration\"", ERR_INVALID, false},
		{GENERATION("config.cloister", "{}"), ERR_INVALID, false},
		{GENERATION("config.cloister", "[]"), ERR_INVALID, false},
		{GENERATION("config.cloister", "{\"generation\":3}"), ERR_INVALID, false},
		{GENERATION("config.cloister", "{\"generation\":-3,\"hash\":\"" ZEROS ZEROS "\"}"), ERR_INVALID, false},
		{GENERATION("config.cloister", "{\"generation\":3,\"hash\":\"" ZEROS "\"}"), ERR_INVALID, false},
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ledger_state found;
		bool is_state = true;
		int err = own_record_state(slice_str(cases[i].record), &is_state, &found, NULL);

		if (err_class(err) != (enum err)cases[i].err || is_state != cases[i].is_state)
			fail_msg("%s: %d, %d", cases[i].record, err, is_state);
	}
}

static void administration_is_what_the_operator_did_and_was_let_do(void **state)
{
	struct ledger_entry yes = {slice_str("operator"), slice_str("{\"eventName\":\"CreateUser\"}")};
	struct ledger_entry refused = {slice_str("operator"), slice_str("{\"errorCode\":\"AccessDenied\"}")};
	struct ledger_entry other = {slice_str("111111111111"), slice_str("{}")};
	struct ledger_entry wrong = {slice_str("operator"), slice_str("{")};
	(void)state;

	assert_true(own_record_is_administration(&yes));
	assert_false(own_record_is_administration(&refused));
	assert_false(own_record_is_administration(&other));
	assert_false(own_record_is_administration(&wrong));
}

/* --- the reserve -------------------------------------------------------------------------------------------------- */

static uint64_t pretended_free;

static int pretend(int fd, uint64_t *ret_free, struct why *reterr_why)
{
	(void)fd, (void)reterr_why;
	*ret_free = pretended_free;
	return ERR_OK;
}

static bool has_room(const struct reserve *r)
{
	bool has;

	assert_int_equal(reserve_has_room(r, &has, NULL), ERR_OK);
	return has;
}

static void the_reserve_is_given_back_step_by_step_for_administration_only(void **state)
{
	int dir = scratch_open();
	struct reserve r = {.fd = -1, .measure = pretend};
	unsigned steps = 0;
	(void)state;

	pretended_free = LEDGER_RESERVE_BYTES + LEDGER_FREE_BYTES_MIN;
	assert_int_equal(reserve_open(&r, dir, NULL), ERR_OK);
	assert_int_equal(r.bytes, LEDGER_RESERVE_BYTES);
	pretended_free = LEDGER_FREE_BYTES_MIN;
	assert_true(has_room(&r));
	pretended_free--;
	assert_false(has_room(&r));
	assert_int_equal(reserve_make_room(&r, NULL), ERR_OK);
	assert_int_equal(r.bytes, LEDGER_RESERVE_BYTES); /* there is room enough beside it */
	for (pretended_free = 0; r.bytes; steps++) {
		uint64_t before = r.bytes;

		assert_int_equal(reserve_make_room(&r, NULL), ERR_OK);
		assert_int_equal(before - r.bytes, LEDGER_RESERVE_STEP_BYTES);
		pretended_free = LEDGER_RESERVE_STEP_BYTES; /* which does not make room for others */
		assert_false(has_room(&r));
		pretended_free = 0;
	}
	assert_int_equal(steps, LEDGER_RESERVE_BYTES / LEDGER_RESERVE_STEP_BYTES);
	assert_int_equal(reserve_make_room(&r, NULL), ERR_OK); /* nothing left to give */
	pretended_free = LEDGER_RESERVE_BYTES + LEDGER_FREE_BYTES_MIN - 1;
	assert_int_equal(reserve_refill(&r, NULL), ERR_OK);
	assert_int_equal(r.bytes, 0);
	pretended_free++;
	assert_int_equal(reserve_refill(&r, NULL), ERR_OK);
	assert_int_equal(r.bytes, LEDGER_RESERVE_BYTES);
	reserve_close(&r);
	scratch_close(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_made_once_and_comes_back_with_its_origin),
		cmocka_unit_test(origins_that_nobody_chose_differ),
		cmocka_unit_test(every_altered_or_cut_key_file_is_refused_by_name),
		cmocka_unit_test(a_log_without_its_key_gets_no_other),
		cmocka_unit_test(the_key_of_the_latest_hour_seals_and_older_ones_are_found_by_id),
		cmocka_unit_test(looking_back_over_years_does_not_push_out_what_is_sealed_under),
		cmocka_unit_test(more_accounts_than_there_is_room_for_push_out_the_first),
		cmocka_unit_test(what_the_ledger_writes_itself_is_canonical_and_tells_the_state),
		cmocka_unit_test(only_a_right_generation_of_the_right_source_is_one),
		cmocka_unit_test(administration_is_what_the_operator_did_and_was_let_do),
		cmocka_unit_test(the_reserve_is_given_back_step_by_step_for_administration_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
