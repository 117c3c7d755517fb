#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

static struct slice id_of(const struct iam_account *a)
{
	return slice_str(a->id);
}

static int count_account(void *self, const struct iam_account *account)
{
	(void)account;
	++*(size_t *)self;
	return ERR_OK;
}

static int count_identity(void *self, const struct iam_identity *identity)
{
	(void)identity;
	++*(size_t *)self;
	return ERR_OK;
}

static int count_name(void *self, struct slice name)
{
	(void)name;
	++*(size_t *)self;
	return ERR_OK;
}

static int count_key(void *self, const struct iam_access_key *key)
{
	(void)key;
	++*(size_t *)self;
	return ERR_OK;
}

static void accounts_are_made_once_and_found_again(void **state)
{
	struct world *w = *state;
	struct iam_account found;
	size_t count = 0;
	bool more;

	assert_int_equal(iam_account_create(w->iam, slice_str("alice"), false, NOW_MS, &found, NULL), IAM_ERR_EXISTS);
	assert_int_equal(iam_account_create(w->iam, slice_str("x"), true, NOW_MS, &found, NULL), IAM_ERR_EXISTS);
	assert_int_equal(iam_account_create(w->iam, slice_str("a b"), false, NOW_MS, &found, NULL), ERR_INVALID);
	world_reopen(w);
	assert_int_equal(iam_account_get(w->iam, id_of(&w->alice), &found, NULL), ERR_OK);
	assert_string_equal(found.name, "alice");
	assert_int_equal(strlen(found.id), 12);
	assert_false(found.is_operator);
	assert_int_equal(found.created_ms, NOW_MS);
	assert_int_equal(iam_account_get(w->iam, slice_str("000000000000"), &found, NULL), ERR_NOTFOUND);
	assert_int_equal(iam_account_list(w->iam, slice_str(""), 2, count_account, &count, &more, NULL), ERR_OK);
	assert_int_equal(count, 2);
	assert_true(more);
	assert_int_equal(iam_account_list(w->iam, slice_str(""), 3, count_account, &count, &more, NULL), ERR_OK);
	assert_int_equal(count, 5);
	assert_false(more);
}

static void names_differ_by_more_than_case(void **state)
{
	struct world *w = *state;
	struct iam_identity_spec spec = {.kind = IAM_KIND_USER, .account = id_of(&w->alice), .name = slice_str("ANN")};
	struct iam_identity ann = world_user(w, &w->alice, "Ann"), found;
	char arn[128];

	snprintf(arn, sizeof arn, "arn:aws:iam::%s:user/Ann", w->alice.id);
	assert_string_equal(ann.arn, arn);
	assert_memory_equal(ann.id, "AIDA", 4);
	assert_int_equal(iam_identity_create(w->iam, &spec, NOW_MS, &found, NULL), IAM_ERR_EXISTS);
	assert_int_equal(iam_identity_get(w->iam, IAM_KIND_USER, id_of(&w->alice), slice_str("aNN"), &found, NULL),
	                 ERR_OK);
	assert_string_equal(found.name, "Ann");
	/* The same name is free in another account. */
	spec.account = id_of(&w->bob);
	assert_int_equal(iam_identity_create(w->iam, &spec, NOW_MS, &found, NULL), ERR_OK);
	assert_string_not_equal(found.id, ann.id);
	spec.account = slice_str("123456789012");
	assert_int_equal(iam_identity_create(w->iam, &spec, NOW_MS, &found, NULL), ERR_NOTFOUND);
}

static void names_and_paths_are_checked(void **state)
{
	static const char *const bad_names[] = {
		"", "a b", "a/b", "a*", "ü", "x234567890123456789012345678901234567890123456789012345678901234x"};
	static const char *const bad_paths[] = {"x", "/x", "x/", "/a b/", "/*/", "/${aws:x}/", "/a:b/"};
	struct world *w = *state;
	struct iam_identity_spec spec = {.kind = IAM_KIND_USER, .account = id_of(&w->alice)};
	struct iam_identity made;

	for (size_t i = 0; i < sizeof bad_names / sizeof bad_names[0]; i++) {
		spec.name = slice_str(bad_names[i]);
		assert_int_equal(iam_identity_create(w->iam, &spec, NOW_MS, &made, NULL), ERR_INVALID);
	}
	spec.name = slice_str("x");
	for (size_t i = 0; i < sizeof bad_paths / sizeof bad_paths[0]; i++) {
		spec.path = slice_str(bad_paths[i]);
		assert_int_equal(iam_identity_create(w->iam, &spec, NOW_MS, &made, NULL), ERR_INVALID);
	}
	spec.path = slice_str("/team/red/");
	assert_int_equal(iam_identity_create(w->iam, &spec, NOW_MS, &made, NULL), ERR_OK);
	assert_non_null(strstr(made.arn, ":user/team/red/x"));
}

static void roles_need_a_trust_policy(void **state)
{
	struct world *w = *state;
	struct iam_identity_spec spec = {.kind = IAM_KIND_ROLE, .account = id_of(&w->alice), .name = slice_str("job")};
	struct iam_identity role;
	char trust[256];

	assert_int_equal(iam_identity_create(w->iam, &spec, NOW_MS, &role, NULL), IAM_ERR_POLICY);
	spec.trust = slice_str(ALLOW_ALL); /* without a principal, with a resource */
	assert_int_equal(iam_identity_create(w->iam, &spec, NOW_MS, &role, NULL), IAM_ERR_POLICY);
	snprintf(trust, sizeof trust, TRUST_ACCOUNT, w->bob.id);
	spec.trust = slice_str(trust);
	spec.max_session_s = IAM_SESSION_S_MAX + 1;
	assert_int_equal(iam_identity_create(w->iam, &spec, NOW_MS, &role, NULL), ERR_INVALID);
	spec.max_session_s = IAM_SESSION_S_MAX;
	assert_int_equal(iam_identity_create(w->iam, &spec, NOW_MS, &role, NULL), ERR_OK);
	assert_int_equal(role.max_session_s, IAM_SESSION_S_MAX);
	assert_string_equal(role.trust, trust);
	snprintf(trust, sizeof trust, TRUST_ACCOUNT, w->alice.id);
	assert_int_equal(iam_role_set_trust(w->iam, id_of(&w->alice), slice_str("job"), slice_str(trust), NULL),
	                 ERR_OK);
	assert_int_equal(iam_role_set_trust(w->iam, id_of(&w->alice), slice_str("job"), slice_str("{}"), NULL),
	                 IAM_ERR_POLICY);
	assert_int_equal(iam_role_set_trust(w->iam, id_of(&w->alice), slice_str("no"), slice_str(trust), NULL),
	                 ERR_NOTFOUND);
	assert_int_equal(iam_identity_get(w->iam, IAM_KIND_ROLE, id_of(&w->alice), slice_str("job"), &role, NULL),
	                 ERR_OK);
	assert_string_equal(role.trust, trust);
}

static void lists_go_on_where_they_ended(void **state)
{
	struct world *w = *state;
	size_t count = 0;
	bool more;

	for (int i = 0; i < 5; i++) {
		char name[8];

		snprintf(name, sizeof name, "u%d", i);
		world_user(w, &w->alice, name);
	}
	assert_int_equal(iam_identity_list(w->iam, IAM_KIND_USER, id_of(&w->alice), slice_str(""), 3, count_identity,
	                                   &count, &more, NULL),
	                 ERR_OK);
	assert_int_equal(count, 3);
	assert_true(more);
	assert_int_equal(iam_identity_list(w->iam, IAM_KIND_USER, id_of(&w->alice), slice_str("u2"), 3, count_identity,
	                                   &count, &more, NULL),
	                 ERR_OK);
	assert_int_equal(count, 5);
	assert_false(more);
	assert_int_equal(iam_identity_list(w->iam, IAM_KIND_USER, id_of(&w->bob), slice_str(""), 3, count_identity,
	                                   &count, &more, NULL),
	                 ERR_OK);
	assert_int_equal(count, 5);
}

static void what_is_in_use_is_not_deleted(void **state)
{
	struct world *w = *state;
	struct iam_identity ann = world_user(w, &w->alice, "ann"), again;
	struct secret *secret = NULL;
	struct iam_access_key key = world_key(w, &w->alice, "ann", &secret);
	struct slice account = id_of(&w->alice), name = slice_str("ann");

	secret_free(secret);
	assert_int_equal(iam_identity_delete(w->iam, IAM_KIND_USER, account, name, NULL), IAM_ERR_IN_USE);
	assert_int_equal(iam_access_key_delete(w->iam, account, name, slice_str(key.id), NULL), ERR_OK);
	assert_int_equal(iam_inline_put(w->iam, &ann, slice_str("p"), slice_str(ALLOW_ALL), NULL), ERR_OK);
	assert_int_equal(iam_identity_delete(w->iam, IAM_KIND_USER, account, name, NULL), IAM_ERR_IN_USE);
	assert_int_equal(iam_inline_delete(w->iam, &ann, slice_str("p"), NULL), ERR_OK);
	assert_int_equal(iam_inline_delete(w->iam, &ann, slice_str("p"), NULL), ERR_NOTFOUND);
	assert_int_equal(iam_managed_put(w->iam, account, slice_str("m"), slice_str(ALLOW_ALL), NOW_MS, NULL), ERR_OK);
	assert_int_equal(iam_managed_attach(w->iam, &ann, slice_str("m"), NULL), ERR_OK);
	assert_int_equal(iam_managed_attach(w->iam, &ann, slice_str("m"), NULL), ERR_OK);
	assert_int_equal(iam_managed_attach(w->iam, &ann, slice_str("none"), NULL), ERR_NOTFOUND);
	assert_int_equal(iam_identity_delete(w->iam, IAM_KIND_USER, account, name, NULL), IAM_ERR_IN_USE);
	assert_int_equal(iam_managed_delete(w->iam, account, slice_str("m"), NULL), IAM_ERR_IN_USE);
	assert_int_equal(iam_managed_detach(w->iam, &ann, slice_str("m"), NULL), ERR_OK);
	assert_int_equal(iam_identity_set_boundary(w->iam, IAM_KIND_USER, account, name, slice_str("m"), NULL), ERR_OK);
	assert_int_equal(iam_managed_delete(w->iam, account, slice_str("m"), NULL), IAM_ERR_IN_USE);
	assert_int_equal(iam_identity_set_boundary(w->iam, IAM_KIND_USER, account, name, slice_str("no"), NULL),
	                 ERR_NOTFOUND);
	assert_int_equal(iam_identity_set_boundary(w->iam, IAM_KIND_USER, account, name, slice_str(""), NULL), ERR_OK);
	assert_int_equal(iam_managed_delete(w->iam, account, slice_str("m"), NULL), ERR_OK);
	assert_int_equal(iam_identity_delete(w->iam, IAM_KIND_USER, account, name, NULL), ERR_OK);
	assert_int_equal(iam_identity_delete(w->iam, IAM_KIND_USER, account, name, NULL), ERR_NOTFOUND);
	again = world_user(w, &w->alice, "ann");
	assert_string_not_equal(again.id, ann.id);
	/* Who looked the old one up does not reach the new one. */
	assert_int_equal(iam_inline_put(w->iam, &ann, slice_str("p"), slice_str(ALLOW_ALL), NULL), ERR_NOTFOUND);
}

static void policies_of_identities_are_limited(void **state)
{
	struct world *w = *state;
	struct iam_identity ann = world_user(w, &w->alice, "ann");
	char large[IAM_POLICY_BYTES_MAX + 2];
	char name[8];
	size_t count = 0;
	bool more;

	for (int i = 0; i < IAM_POLICIES_PER_IDENTITY_MAX; i++) {
		snprintf(name, sizeof name, "p%d", i);
		assert_int_equal(iam_inline_put(w->iam, &ann, slice_str(name), slice_str(ALLOW_ALL), NULL), ERR_OK);
	}
	assert_int_equal(iam_inline_put(w->iam, &ann, slice_str("more"), slice_str(ALLOW_ALL), NULL), ERR_LIMIT);
	assert_int_equal(iam_inline_put(w->iam, &ann, slice_str("p0"), slice_str(ALLOW_ALL), NULL), ERR_OK);
	assert_int_equal(iam_managed_put(w->iam, id_of(&w->alice), slice_str("m"), slice_str(ALLOW_ALL), NOW_MS, NULL),
	                 ERR_OK);
	assert_int_equal(iam_managed_attach(w->iam, &ann, slice_str("m"), NULL), ERR_LIMIT);
	assert_int_equal(iam_inline_list(w->iam, &ann, slice_str(""), 50, count_name, &count, &more, NULL), ERR_OK);
	assert_int_equal(count, IAM_POLICIES_PER_IDENTITY_MAX);
	memset(large, ' ', sizeof large);
	memcpy(large, ALLOW_ALL, strlen(ALLOW_ALL));
	assert_int_equal(iam_inline_put(w->iam, &ann, slice_str("p0"), slice_of(large, IAM_POLICY_BYTES_MAX), NULL),
	                 ERR_OK);
	assert_int_equal(iam_inline_put(w->iam, &ann, slice_str("p0"), slice_of(large, IAM_POLICY_BYTES_MAX + 1), NULL),
	                 ERR_LIMIT);
	assert_int_equal(iam_inline_put(w->iam, &ann, slice_str("p0"), slice_str("{\"Statement\":[]}"), NULL),
	                 IAM_ERR_POLICY);
}

static void access_keys_are_two_and_their_secrets_survive(void **state)
{
	struct world *w = *state;
	struct secret *first = NULL, *second = NULL, *root = NULL, *read = NULL;
	struct slice account = id_of(&w->alice), ann = slice_str("ann");
	struct iam_access_key key, found;
	size_t count = 0;

	world_user(w, &w->alice, "ann");
	world_user(w, &w->alice, "eve");
	key = world_key(w, &w->alice, "ANN", &first);
	(void)world_key(w, &w->alice, "ann", &second);
	assert_string_equal(key.user, "ann");
	assert_memory_equal(key.id, "CLAK", 4);
	assert_int_equal(strlen(key.id), 20);
	assert_int_equal(secret_len(first), IAM_SECRET_CHARS);
	assert_false(secret_equal(first, second));
	secret_freep(&second);
	assert_int_equal(iam_access_key_create(w->iam, account, ann, IAM_ORIGIN_PLAIN, NOW_MS, &found, &second, NULL),
	                 ERR_LIMIT);
	assert_int_equal(iam_access_key_create(w->iam, account, slice_str("no"), IAM_ORIGIN_PLAIN, NOW_MS, &found,
	                                       &second, NULL),
	                 ERR_NOTFOUND);
	assert_int_equal(
		iam_access_key_create(w->iam, account, slice_str(""), IAM_ORIGIN_PLAIN, NOW_MS, &found, &root, NULL),
		ERR_OK);
	assert_int_equal(found.origin, IAM_ORIGIN_PLAIN);
	assert_string_equal(found.user, "");
	world_reopen(w);
	assert_int_equal(iam_access_key_get(w->iam, slice_str(key.id), &found, NULL), ERR_OK);
	assert_int_equal(found.origin, IAM_ORIGIN_SEALED);
	assert_int_equal(iam_access_key_secret(w->iam, &found, &read, NULL), ERR_OK);
	assert_true(secret_equal(first, read));
	assert_int_equal(iam_access_key_list(w->iam, account, ann, count_key, &count, NULL), ERR_OK);
	assert_int_equal(count, 2);
	/* Only by its own user. */
	assert_int_equal(iam_access_key_set_active(w->iam, account, slice_str("eve"), slice_str(key.id), false, NULL),
	                 ERR_NOTFOUND);
	assert_int_equal(iam_access_key_delete(w->iam, id_of(&w->bob), ann, slice_str(key.id), NULL), ERR_NOTFOUND);
	assert_int_equal(iam_access_key_delete(w->iam, account, slice_str(""), slice_str(key.id), NULL), ERR_NOTFOUND);
	assert_int_equal(iam_access_key_set_active(w->iam, account, ann, slice_str(key.id), false, NULL), ERR_OK);
	assert_int_equal(iam_access_key_get(w->iam, slice_str(key.id), &found, NULL), ERR_OK);
	assert_false(found.is_active);
	secret_free(first);
	secret_free(root);
	secret_free(read);
}

static void run_sql(struct db *db, const char *literal)
{
	struct db_stmt *s;

	assert_int_equal(db_sql(db, literal, &s, NULL), ERR_OK);
	assert_int_equal(db_run(s, NULL), ERR_OK);
}

static void a_sealed_secret_opens_only_where_it_belongs(void **state)
{
	struct world *w = *state;
	struct secret *first = NULL, *second = NULL, *read = NULL, *other_root = NULL;
	struct iam_access_key a, b;

	world_user(w, &w->alice, "ann");
	world_user(w, &w->alice, "eve");
	a = world_key(w, &w->alice, "ann", &first);
	b = world_key(w, &w->alice, "eve", &second);
	/* Somebody who writes into the file gives ann's key to eve, or swaps what is sealed. */
	run_sql(w->db, "UPDATE iam_access_key SET sealed = (SELECT sealed FROM iam_access_key WHERE user = 'ann')"
	               " WHERE user = 'eve'");
	assert_int_equal(iam_access_key_secret(w->iam, &b, &read, NULL), ERR_TAMPERED);
	run_sql(w->db, "UPDATE iam_access_key SET user = 'eve' WHERE user = 'ann'");
	assert_int_equal(iam_access_key_get(w->iam, slice_str(a.id), &a, NULL), ERR_OK);
	assert_string_equal(a.user, "eve");
	assert_int_equal(iam_access_key_secret(w->iam, &a, &read, NULL), ERR_TAMPERED);
	run_sql(w->db, "UPDATE iam_access_key SET user = 'ann' WHERE user = 'eve'");
	assert_int_equal(iam_access_key_get(w->iam, slice_str(a.id), &a, NULL), ERR_OK);
	assert_int_equal(iam_access_key_secret(w->iam, &a, &read, NULL), ERR_OK);
	secret_freep(&read);
	/* Another root key opens nothing. */
	assert_int_equal(secret_new_random(32, &other_root, NULL), ERR_OK);
	secret_free(w->root_key);
	w->root_key = other_root;
	world_reopen(w);
	assert_int_equal(iam_access_key_secret(w->iam, &a, &read, NULL), ERR_TAMPERED);
	secret_free(first);
	secret_free(second);
}

/* Fills a table up to its limit behind the library's back: a thousand durable transactions would take minutes. */
#define NUMBERS(count) "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " #count ") "

static void tables_are_limited(void **state)
{
	struct world *w = *state;
	struct iam_identity_spec user = {.kind = IAM_KIND_USER, .account = id_of(&w->alice), .name = slice_str("last")};
	struct iam_identity_spec role = {.kind = IAM_KIND_ROLE, .account = id_of(&w->alice), .name = slice_str("last")};
	struct iam_identity made;
	struct iam_account account;
	char trust[256];

	snprintf(trust, sizeof trust, TRUST_ACCOUNT, w->bob.id);
	role.trust = slice_str(trust);
	run_sql(w->db, NUMBERS(4999) "INSERT INTO iam_user SELECT (SELECT id FROM iam_account WHERE name = 'alice'),"
	                             " 'u' || i, 'u' || i, 'AIDA' || i, '/', '', 0 FROM n");
	run_sql(w->db, NUMBERS(4999) "INSERT INTO iam_role SELECT (SELECT id FROM iam_account WHERE name = 'alice'),"
	                             " 'u' || i, 'u' || i, 'AROA' || i, '/', '', 0, '{}', 3600 FROM n");
	run_sql(w->db, NUMBERS(1499) "INSERT INTO iam_managed SELECT (SELECT id FROM iam_account WHERE name = 'alice'),"
	                             " 'p' || i, '{}', 0 FROM n");
	assert_int_equal(iam_identity_create(w->iam, &user, NOW_MS, &made, NULL), ERR_OK);
	assert_int_equal(iam_identity_create(w->iam, &role, NOW_MS, &made, NULL), ERR_OK);
	user.name = role.name = slice_str("more");
	assert_int_equal(iam_identity_create(w->iam, &user, NOW_MS, &made, NULL), ERR_LIMIT);
	assert_int_equal(iam_identity_create(w->iam, &role, NOW_MS, &made, NULL), ERR_LIMIT);
	assert_int_equal(iam_managed_put(w->iam, user.account, slice_str("last"), slice_str(ALLOW_ALL), 0, NULL),
	                 ERR_OK);
	assert_int_equal(iam_managed_put(w->iam, user.account, slice_str("more"), slice_str(ALLOW_ALL), 0, NULL),
	                 ERR_LIMIT);
	assert_int_equal(iam_managed_put(w->iam, user.account, slice_str("last"), slice_str(ALLOW_ALL), 0, NULL),
	                 ERR_OK);
	run_sql(w->db, NUMBERS(9996) "INSERT INTO iam_account SELECT 'x' || i, 'x' || i, 0, 0 FROM n");
	assert_int_equal(iam_account_create(w->iam, slice_str("last"), false, NOW_MS, &account, NULL), ERR_OK);
	assert_int_equal(iam_account_create(w->iam, slice_str("more"), false, NOW_MS, &account, NULL), ERR_LIMIT);
}

/* A journal that keeps the sum of all rows. */
struct ledger {
	struct db *db;
	unsigned long sum;
	int rows, commits, rollbacks;
};

static unsigned long weight(struct slice row)
{
	unsigned long h = 5381;

	for (size_t i = 0; i < row.len; i++)
		h = h * 33 ^ row.ptr[i];
	return row.len ? h : 0;
}

static int journal_begin(void *self, struct why *why)
{
	return db_begin(((struct ledger *)self)->db, why);
}

static void journal_row(void *self, struct slice before, struct slice after)
{
	struct ledger *l = self;

	l->sum ^= weight(before) ^ weight(after);
	l->rows++;
}

static int journal_commit(void *self, struct why *why)
{
	((struct ledger *)self)->commits++;
	return db_commit(((struct ledger *)self)->db, why);
}

static void journal_rollback(void *self)
{
	((struct ledger *)self)->rollbacks++;
	db_rollback(((struct ledger *)self)->db);
}

static void add_row(void *self, struct slice row)
{
	*(unsigned long *)self ^= weight(row);
}

static void the_journal_hears_of_every_row(void **state)
{
	struct world *w = *state;
	struct ledger ledger = {.db = w->db};
	struct iam_journal journal = {&ledger, journal_begin, journal_row, journal_commit, journal_rollback};
	unsigned long all = 0;
	struct secret *secret = NULL;
	struct iam_identity ann, found;
	struct iam_access_key key;

	iam_close(w->iam);
	assert_int_equal(iam_open(w->db, w->root_key, "us-east-1", &journal, &w->iam, NULL), ERR_OK);
	assert_int_equal(iam_rows_each(w->iam, add_row, &ledger.sum, NULL), ERR_OK);
	ann = world_user(w, &w->alice, "ann");
	key = world_key(w, &w->alice, "ann", &secret);
	secret_free(secret);
	assert_int_equal(iam_inline_put(w->iam, &ann, slice_str("p"), slice_str(ALLOW_ALL), NULL), ERR_OK);
	assert_int_equal(iam_inline_put(w->iam, &ann, slice_str("p"), slice_str(ALLOW_ALL " "), NULL), ERR_OK);
	assert_int_equal(iam_managed_put(w->iam, slice_str(w->alice.id), slice_str("m"), slice_str(ALLOW_ALL), 1, NULL),
	                 ERR_OK);
	assert_int_equal(iam_managed_attach(w->iam, &ann, slice_str("m"), NULL), ERR_OK);
	assert_int_equal(iam_access_key_set_active(w->iam, slice_str(w->alice.id), slice_str("ann"), slice_str(key.id),
	                                           false, NULL),
	                 ERR_OK);
	assert_int_equal(ledger.rows, 7);
	assert_int_equal(ledger.commits, 7);
	assert_int_equal(iam_rows_each(w->iam, add_row, &all, NULL), ERR_OK);
	assert_true(all == ledger.sum);
	assert_int_equal(
		iam_access_key_delete(w->iam, slice_str(w->alice.id), slice_str("ann"), slice_str(key.id), NULL),
		ERR_OK);
	all = 0;
	assert_int_equal(iam_rows_each(w->iam, add_row, &all, NULL), ERR_OK);
	assert_true(all == ledger.sum);
	/* What fails is rolled back and not heard of. */
	assert_int_equal(iam_identity_delete(w->iam, IAM_KIND_USER, slice_str(w->alice.id), slice_str("ann"), NULL),
	                 IAM_ERR_IN_USE);
	assert_int_equal(ledger.rollbacks, 1);
	assert_int_equal(ledger.rows, 8);
	assert_int_equal(
		iam_identity_get(w->iam, IAM_KIND_USER, slice_str(w->alice.id), slice_str("ann"), &found, NULL),
		ERR_OK);
}

#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, world_make, world_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(accounts_are_made_once_and_found_again),
		IN_WORLD(names_differ_by_more_than_case),
		IN_WORLD(names_and_paths_are_checked),
		IN_WORLD(roles_need_a_trust_policy),
		IN_WORLD(lists_go_on_where_they_ended),
		IN_WORLD(what_is_in_use_is_not_deleted),
		IN_WORLD(policies_of_identities_are_limited),
		IN_WORLD(access_keys_are_two_and_their_secrets_survive),
		IN_WORLD(a_sealed_secret_opens_only_where_it_belongs),
		IN_WORLD(tables_are_limited),
		IN_WORLD(the_journal_hears_of_every_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
