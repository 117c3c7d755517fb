#include "fixture.h"

#include "base/limits.h"
#include "base/random.h"

static struct kms_key new_key(struct fixture *f)
{
	struct kms_key key;

	OK(kms_key_create(f->ks, ACCOUNT, slice_str("test"), slice_str(POLICY), NOW_MS, &key, &why));
	return key;
}

static struct secret *material_of(struct fixture *f, const struct kms_key *key, uint32_t version)
{
	struct secret *material;

	OK(kms_key_material(f->ks, key, version, &material, &why));
	return material;
}

static struct kms_point point_of(struct fixture *f)
{
	return kms_keystore_state(f->ks)->at;
}

static void a_key_survives_a_restart(void **state)
{
	struct fixture *f = *state;
	struct kms_key key = new_key(f), again;
	struct secret *before = material_of(f, &key, 1), *after;
	char arn[KMS_KEY_ARN_BYTES_MAX];

	fixture_reopen(f);
	OK(kms_key_get(f->ks, key.id, &again, &why));
	assert_string_equal(again.policy, POLICY);
	assert_string_equal(again.description, "test");
	assert_int_equal(again.state, KMS_KEY_ENABLED);
	after = material_of(f, &again, 1);
	assert_true(secret_equal(before, after));
	kms_key_arn(f->ks, &again, arn);
	assert_non_null(strstr(arn, "arn:aws:kms:us-east-1:" ACCOUNT ":key/"));
	secret_free(before);
	secret_free(after);
	kms_key_clear(&key);
	kms_key_clear(&again);
}

static void rotation_keeps_the_old_version(void **state)
{
	struct fixture *f = *state;
	struct kms_key key = new_key(f);
	struct secret *first = material_of(f, &key, 1), *second, *none;

	OK(kms_key_rotate(f->ks, &key, NOW_MS, &why));
	assert_int_equal(key.version, 2);
	second = material_of(f, &key, 2);
	assert_false(secret_equal(first, second));
	assert_int_equal(kms_key_material(f->ks, &key, 3, &none, &why), ERR_NOTFOUND);
	secret_free(first);
	secret_free(second);
	kms_key_clear(&key);
}

static void each_change_is_one_generation_and_its_hash_is_new(void **state)
{
	struct fixture *f = *state;
	struct kms_point before = point_of(f), after;
	struct kms_key key = new_key(f);

	after = point_of(f);
	assert_int_equal(after.generation, before.generation + 1);
	assert_memory_not_equal(after.hash, before.hash, KMS_HASH_BYTES);
	OK(kms_key_set_state(f->ks, &key, KMS_KEY_DISABLED, 0, &why));
	OK(kms_alias_create(f->ks, ACCOUNT, slice_str("alias/a"), key.id, NOW_MS, &why));
	assert_int_equal(point_of(f).generation, before.generation + 3);
	after = point_of(f);
	fixture_reopen(f);
	before = point_of(f);
	assert_int_equal(before.generation, after.generation);
	assert_memory_equal(before.hash, after.hash, KMS_HASH_BYTES);
	kms_key_clear(&key);
}

static void a_database_behind_the_log_is_refused(void **state)
{
	struct fixture *f = *state;
	struct kms_key key = new_key(f);
	struct kms_point logged = point_of(f);
	uint64_t ahead = 99;

	OK(kms_state_check_log(kms_keystore_state(f->ks), &logged, &ahead, &why));
	assert_int_equal(ahead, 0);
	OK(kms_key_set_state(f->ks, &key, KMS_KEY_DISABLED, 0, &why));
	OK(kms_state_check_log(kms_keystore_state(f->ks), &logged, &ahead, &why));
	assert_int_equal(ahead, 1); /* the leaf that a crash kept from the log */
	logged.generation += 5;
	assert_int_equal(kms_state_check_log(kms_keystore_state(f->ks), &logged, &ahead, &why), ERR_TAMPERED);
	assert_non_null(strstr(why.text, "older copy"));
	kms_key_clear(&key);
}

static void a_database_of_another_history_is_refused(void **state)
{
	struct fixture *f = *state;
	struct kms_key key = new_key(f);
	struct kms_point logged = point_of(f);
	uint64_t ahead;

	logged.hash[0] ^= 1;
	assert_int_equal(kms_state_check_log(kms_keystore_state(f->ks), &logged, &ahead, &why), ERR_TAMPERED);
	assert_non_null(strstr(why.text, "another history"));
	kms_key_clear(&key);
}

static void a_history_rewritten_to_fit_the_log_is_refused(void **state)
{
	static const char *const attacks[] = {
		"UPDATE kms_history SET hash = x'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"
		" WHERE generation = 1",
		"UPDATE kms_history SET rows = x'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"
		" WHERE generation = 2",
		"DELETE FROM kms_history WHERE generation = 2",
	};
	struct fixture *f = *state;
	struct kms_point logged = point_of(f), other = {.generation = logged.generation};
	struct kms_key key = new_key(f);
	uint64_t ahead;

	assert_int_equal(logged.generation, 1);
	memset(other.hash, 0xaa, sizeof other.hash);
	fixture_tamper(f, attacks[0]);
	OK(fixture_open_tampered(f)); /* the history is not read before the log is compared */
	assert_int_equal(kms_state_check_log(kms_keystore_state(f->ks), &other, &ahead, &why), ERR_TAMPERED);
	OK(kms_state_check_log(kms_keystore_state(f->ks), &logged, &ahead, &why));
	for (size_t i = 1; i < sizeof attacks / sizeof attacks[0]; i++) {
		fixture_tamper(f, attacks[i]);
		OK(fixture_open_tampered(f));
		assert_int_equal(kms_state_check_log(kms_keystore_state(f->ks), &logged, &ahead, &why), ERR_TAMPERED);
	}
	kms_key_clear(&key);
}

static void only_the_last_generations_are_kept(void **state)
{
	struct fixture *f = *state;
	struct kms_state *s = kms_keystore_state(f->ks);
	struct kms_point first = s->at, point;
	uint64_t ahead;

	for (int i = 0; i < KMS_HISTORY_ROWS_MAX + 1; i++) {
		struct kms_change change = {0};

		OK(kms_change_begin(&change, s, &why));
		kms_change_note(&change, slice_str("something else"));
		OK(kms_change_commit(&change, &why));
	}
	assert_int_equal(kms_state_point(s, first.generation, &point, &why), ERR_NOTFOUND);
	OK(kms_state_point(s, first.generation + 2, &point, &why));
	assert_int_equal(kms_state_check_log(s, &first, &ahead, &why), ERR_TAMPERED);
}

static void rows_altered_from_outside_are_found(void **state)
{
	static const char *const attacks[] = {
		"UPDATE kms_key SET policy = replace(policy, 'Statement', 'statement')",
		"UPDATE kms_key SET state = 1",
		"UPDATE kms_key SET account = '" OTHER_ACCOUNT "'",
		"UPDATE kms_key SET version = 7",
		"UPDATE kms_alias SET name = 'alias/b'",
		"DELETE FROM kms_alias",
		"DELETE FROM kms_grant_release",
		"UPDATE kms_grant SET is_ended = 0",
		"UPDATE kms_grant SET nodes = 9",
		"UPDATE kms_state SET generation = generation + 1",
		"UPDATE kms_state SET sum = hash",
		"UPDATE kms_epoch SET number = number + 1",
		"DELETE FROM kms_epoch",
		"INSERT INTO kms_alias SELECT account, 'alias/c', key_id, 0, 0 FROM kms_alias",
	};
	struct kms_grant grant = {.job_id = "job-1",
	                          .account = ACCOUNT,
	                          .caller = "arn:c",
	                          .role = "arn:r",
	                          .nodes = 1,
	                          .attempts = 1,
	                          .created_wall_ms = 1,
	                          .expires_wall_ms = 2000};
	(void)state;

	for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
		struct fixture *f;
		struct kms_key key;
		void *own;

		fixture_setup(&own);
		f = own;
		key = new_key(f);
		OK(kms_key_set_state(f->ks, &key, KMS_KEY_DISABLED, 0, &why));
		OK(kms_alias_create(f->ks, ACCOUNT, slice_str("alias/a"), key.id, NOW_MS, &why));
		OK(kms_grant_put(f->ks, &grant, &why));
		OK(kms_grant_take(f->ks, slice_str("job-1"), 0, 0, 1000, &why));
		OK(kms_grant_end(f->ks, slice_str("job-1"), &why));
		fixture_reopen(f); /* untouched, it opens */
		fixture_tamper(f, attacks[i]);
		if (fixture_open_tampered(f) != ERR_TAMPERED)
			fail_msg("not found: %s", attacks[i]);
		kms_key_clear(&key);
		fixture_teardown(&own);
	}
}

static void one_row_rolled_back_alone_is_found(void **state)
{
	struct fixture *f = *state;
	struct kms_key key = new_key(f);

	OK(kms_key_set_policy(f->ks, &key, slice_str("{\"second\":1}"), &why));
	fixture_tamper(f, "UPDATE kms_key SET policy = '" POLICY "', policy_generation = 1");
	assert_int_equal(fixture_open_tampered(f), ERR_TAMPERED);
	kms_key_clear(&key);
}

static void another_installations_root_does_not_open_the_database(void **state)
{
	struct fixture *f = *state;
	void *other;

	fixture_setup(&other);
	fixture_close(f);
	fixture_open_db(f);
	assert_int_equal(kms_keystore_open(f->db, ((struct fixture *)other)->root, "us-east-1", &f->ks, &why),
	                 ERR_TAMPERED);
	fixture_teardown(&other);
}

static void material_exchanged_between_keys_does_not_unwrap(void **state)
{
	struct fixture *f = *state;
	struct kms_key a = new_key(f), b = new_key(f), *first;
	struct secret *material = NULL;

	/* The key that comes first in the table gets the other's. */
	first = memcmp(a.id, b.id, UUID_BYTES) < 0 ? &a : &b;
	fixture_tamper(f, "UPDATE kms_key_version SET wrapped = (SELECT max(wrapped) FROM kms_key_version w"
	                  " WHERE w.key_id = (SELECT max(key_id) FROM kms_key_version))");
	OK(fixture_open_tampered(f)); /* material authenticates itself, when it is used */
	assert_int_equal(kms_key_material(f->ks, first, 1, &material, &why), ERR_TAMPERED);
	assert_null(material);
	kms_key_clear(&a);
	kms_key_clear(&b);
}

static void rolling_the_epoch_keeps_the_living_and_destroys_what_is_due(void **state)
{
	struct fixture *f = *state;
	struct kms_key living = new_key(f), due = new_key(f), later = new_key(f), row;
	struct secret *before = material_of(f, &living, 1), *after, *none = NULL;
	struct kms_epoch_report report;
	struct kms_alias alias;
	uint64_t generation;

	OK(kms_key_rotate(f->ks, &living, NOW_MS, &why));
	OK(kms_key_set_state(f->ks, &due, KMS_KEY_PENDING_DELETION, NOW_MS + 1000, &why));
	OK(kms_key_set_state(f->ks, &later, KMS_KEY_PENDING_DELETION, NOW_MS + 3000, &why));
	OK(kms_alias_create(f->ks, ACCOUNT, slice_str("alias/due"), due.id, NOW_MS, &why));
	generation = point_of(f).generation;
	OK(kms_epoch_roll(f->ks, NOW_MS + 2000, &report, &why));
	assert_int_equal(point_of(f).generation, generation + 1);
	assert_int_equal(report.new_epoch, report.old_epoch + 1);
	assert_int_equal(report.rewrapped, 3);
	assert_int_equal(report.destroyed, 1);
	assert_memory_equal(buf_slice(report.destroyed_ids).ptr, due.id, UUID_BYTES);
	buf_free(report.destroyed_ids);
	fixture_reopen(f);
	assert_int_equal(kms_epoch_number(f->ks), 2);
	after = material_of(f, &living, 1);
	assert_true(secret_equal(before, after));
	OK(kms_key_get(f->ks, due.id, &row, &why));
	assert_int_equal(row.state, KMS_KEY_DESTROYED);
	assert_int_equal(kms_key_material(f->ks, &due, 1, &none, &why), ERR_NOTFOUND);
	assert_int_equal(kms_alias_get(f->ks, ACCOUNT, slice_str("alias/due"), &alias, &why), ERR_NOTFOUND);
	secret_free(before);
	secret_free(after);
	kms_key_clear(&row);
	kms_key_clear(&living);
	kms_key_clear(&due);
	kms_key_clear(&later);
}

static void keys_are_listed_in_pages(void **state)
{
	struct fixture *f = *state;
	uint8_t ids[4][UUID_BYTES], all[8][UUID_BYTES];
	size_t count, total;
	bool more;

	for (int i = 0; i < 5; i++) {
		struct kms_key key = new_key(f);

		kms_key_clear(&key);
	}
	OK(kms_key_list(f->ks, ACCOUNT, NULL, 8, all, &total, &more, &why));
	assert_int_equal(total, 5);
	assert_false(more);
	OK(kms_key_list(f->ks, ACCOUNT, NULL, 4, ids, &count, &more, &why));
	assert_int_equal(count, 4);
	assert_true(more);
	OK(kms_key_list(f->ks, ACCOUNT, ids[3], 4, ids, &count, &more, &why));
	assert_int_equal(count, 1);
	assert_false(more);
	assert_memory_equal(ids[0], all[4], UUID_BYTES);
	OK(kms_key_list(f->ks, OTHER_ACCOUNT, NULL, 4, ids, &count, &more, &why));
	assert_int_equal(count, 0);
}

static void alias_names_are_checked(void **state)
{
	static const char *const bad[] = {"",          "alias/",         "key",    "alias/aws/s3",
	                                  "alias/a b", "alias/\xc3\xa4", "Alias/a"};
	char longest[KMS_ALIAS_BYTES_MAX + 2];
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(kms_alias_check_name(slice_str(bad[i]), &why), KMS_ERR_ALIAS_NAME);
	memset(longest, 'a', sizeof longest);
	memcpy(longest, "alias/", 6);
	longest[KMS_ALIAS_BYTES_MAX] = 0;
	OK(kms_alias_check_name(slice_str(longest), &why));
	longest[KMS_ALIAS_BYTES_MAX] = 'a';
	longest[KMS_ALIAS_BYTES_MAX + 1] = 0;
	assert_int_equal(kms_alias_check_name(slice_str(longest), &why), KMS_ERR_ALIAS_NAME);
}

static void a_release_is_taken_once_within_its_grant(void **state)
{
	struct fixture *f = *state;
	struct kms_grant grant = {.job_id = "job-1",
	                          .account = ACCOUNT,
	                          .caller = "arn:c",
	                          .role = "arn:r",
	                          .nodes = 2,
	                          .attempts = 2,
	                          .created_wall_ms = 1,
	                          .expires_wall_ms = 2000},
			 found;
	struct slice job = slice_str("job-1");

	OK(kms_grant_put(f->ks, &grant, &why));
	assert_int_equal(kms_grant_put(f->ks, &grant, &why), KMS_ERR_EXISTS);
	OK(kms_grant_take(f->ks, job, 0, 0, 1000, &why));
	assert_int_equal(kms_grant_take(f->ks, job, 0, 0, 1000, &why), ERR_CONFLICT);
	OK(kms_grant_take(f->ks, job, 1, 1, 1000, &why));
	assert_int_equal(kms_grant_take(f->ks, job, 2, 0, 1000, &why), ERR_DENIED);
	assert_int_equal(kms_grant_take(f->ks, job, 0, 2, 1000, &why), ERR_DENIED);
	assert_int_equal(kms_grant_take(f->ks, job, 0, 1, 2000, &why), ERR_DENIED);
	fixture_reopen(f);
	assert_int_equal(kms_grant_take(f->ks, job, 0, 0, 1000, &why), ERR_CONFLICT);
	OK(kms_grant_end(f->ks, job, &why));
	OK(kms_grant_end(f->ks, job, &why));
	assert_int_equal(kms_grant_take(f->ks, job, 0, 1, 1000, &why), ERR_DENIED);
	OK(kms_grant_get(f->ks, job, &found, &why));
	assert_true(found.is_ended);
	assert_int_equal(kms_grant_get(f->ks, slice_str("job-2"), &found, &why), ERR_NOTFOUND);
}

static void grants_without_sense_are_refused(void **state)
{
	struct fixture *f = *state;
	struct kms_grant good = {.job_id = "j",
	                         .account = ACCOUNT,
	                         .caller = "c",
	                         .role = "r",
	                         .nodes = 1,
	                         .attempts = 1,
	                         .created_wall_ms = 1,
	                         .expires_wall_ms = 2},
			 bad;

	bad = good, bad.nodes = 0;
	assert_int_equal(kms_grant_put(f->ks, &bad, &why), ERR_INVALID);
	bad = good, bad.nodes = KMS_GRANT_NODES_MAX + 1;
	assert_int_equal(kms_grant_put(f->ks, &bad, &why), ERR_INVALID);
	bad = good, bad.attempts = KMS_GRANT_ATTEMPTS_MAX + 1;
	assert_int_equal(kms_grant_put(f->ks, &bad, &why), ERR_INVALID);
	bad = good, bad.expires_wall_ms = 1;
	assert_int_equal(kms_grant_put(f->ks, &bad, &why), ERR_INVALID);
	OK(kms_grant_put(f->ks, &good, &why));
}

static void a_change_that_is_not_committed_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct kms_point before = point_of(f);
	struct kms_change change = {0};

	OK(kms_change_begin(&change, kms_keystore_state(f->ks), &why));
	kms_change_row(&change, slice_of(NULL, 0), slice_str("a row that was never written"));
	kms_change_clear(&change);
	assert_int_equal(point_of(f).generation, before.generation);
	fixture_reopen(f);
	assert_int_equal(point_of(f).generation, before.generation);
}

static void uuids_have_one_spelling(void **state)
{
	static const char *const bad[] = {
		"", "0123456789abcdef0123456789abcdef0123", "01234567-89AB-4def-8123-456789abcdef",
		"01234567-89ab-4def-8123-456789abcdeg", "0123456-789ab-4def-8123-456789abcdef"};
	uint8_t id[UUID_BYTES], again[UUID_BYTES];
	char text[UUID_TEXT_BYTES];
	(void)state;

	OK(uuid_new(id, &why));
	uuid_print(id, text);
	OK(uuid_parse(slice_str(text), again, &why));
	assert_memory_equal(id, again, sizeof id);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(uuid_parse(slice_str(bad[i]), id, &why), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(a_key_survives_a_restart),
		fixture_test(rotation_keeps_the_old_version),
		fixture_test(each_change_is_one_generation_and_its_hash_is_new),
		fixture_test(a_database_behind_the_log_is_refused),
		fixture_test(a_database_of_another_history_is_refused),
		fixture_test(a_history_rewritten_to_fit_the_log_is_refused),
		fixture_test(only_the_last_generations_are_kept),
		cmocka_unit_test(rows_altered_from_outside_are_found),
		fixture_test(one_row_rolled_back_alone_is_found),
		fixture_test(another_installations_root_does_not_open_the_database),
		fixture_test(material_exchanged_between_keys_does_not_unwrap),
		fixture_test(rolling_the_epoch_keeps_the_living_and_destroys_what_is_due),
		fixture_test(keys_are_listed_in_pages),
		cmocka_unit_test(alias_names_are_checked),
		fixture_test(a_release_is_taken_once_within_its_grant),
		fixture_test(grants_without_sense_are_refused),
		fixture_test(a_change_that_is_not_committed_leaves_nothing),
		cmocka_unit_test(uuids_have_one_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
