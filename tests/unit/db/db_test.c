#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/path.h"
#include "db/db.h"

static const char *const first[] = {
	"CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, body BLOB);"
	"CREATE TABLE part (item INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE);",
};
static const char *const second[] = {
	"CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, body BLOB);"
	"CREATE TABLE part (item INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE);",
	"ALTER TABLE item ADD COLUMN size INTEGER NOT NULL DEFAULT 7;",
};
static const char *const broken[] = {
	"CREATE TABLE item (id INTEGER PRIMARY KEY);",
	"CREATE TABLE later (id INTEGER PRIMARY KEY); CREATE TABLE later (id INTEGER PRIMARY KEY);",
};
static const struct db_schema v1 = {"the test database", 0x434c7401, 1, first};
static const struct db_schema v2 = {"the test database", 0x434c7401, 2, second};
static const struct db_schema v2_broken = {"the test database", 0x434c7401, 2, broken};
static const struct db_schema other = {"the other database", 0x434c7402, 1, first};

static char dir[64];
static char path[96];

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/cloister-db-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s/t.db", dir);
	return 0;
}

static int remove_dir(void **state)
{
	int fd;
	(void)state;

	if (path_open_given(dir, O_RDONLY | O_DIRECTORY, 0, &fd, NULL) != ERR_OK || path_empty_dir(fd, NULL) != ERR_OK)
		return -1;
	close(fd);
	return rmdir(dir);
}

static struct db *opened(const struct db_schema *schema)
{
	struct why why = {{0}};
	struct db *db = NULL;

	if (db_open(path, schema, &db, &why) != ERR_OK)
		fail_msg("%s", why.text);
	return db;
}

static void put_file(const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

static int insert(struct db *db, int64_t id, const char *name, struct slice body, struct why *why)
{
	struct db_stmt *s;

	TRY(db_sql(db, "INSERT INTO item (id, name, body) VALUES (?1, ?2, ?3)", &s, why));
	TRY(db_bind_i64(s, 1, id, why));
	TRY(db_bind_text(s, 2, slice_str(name), why));
	TRY(db_bind_blob(s, 3, body, why));
	return db_run(s, why);
}

static int64_t count(struct db *db)
{
	struct db_stmt *s;
	bool row;
	int64_t n;

	assert_int_equal(db_sql(db, "SELECT count(*) FROM item", &s, NULL), ERR_OK);
	assert_int_equal(db_step(s, &row, NULL), ERR_OK);
	assert_true(row);
	n = db_column_i64(s, 0);
	db_reset(s);
	return n;
}

static int64_t pragma(struct db *db, const char *literal)
{
	struct db_stmt *s;
	bool row;
	int64_t value;

	assert_int_equal(db_sql(db, literal, &s, NULL), ERR_OK);
	assert_int_equal(db_step(s, &row, NULL), ERR_OK);
	value = db_column_i64(s, 0);
	db_reset(s);
	return value;
}

static void what_is_committed_is_there_after_opening_again(void **state)
{
	struct db *db = opened(&v1);
	struct db_stmt *s;
	bool row;
	(void)state;

	assert_int_equal(db_begin(db, NULL), ERR_OK);
	assert_int_equal(insert(db, 1, "one", slice_of("a\0b", 3), NULL), ERR_OK);
	assert_int_equal(insert(db, 2, "two", slice_of(NULL, 0), NULL), ERR_OK);
	assert_int_equal(db_changes(db), 1);
	assert_int_equal(db_commit(db, NULL), ERR_OK);
	db_rollback(db);
	db_close(db);

	db = opened(&v1);
	assert_int_equal(db_sql(db, "SELECT name, body, NULL FROM item ORDER BY id", &s, NULL), ERR_OK);
	assert_int_equal(db_step(s, &row, NULL), ERR_OK);
	assert_true(row);
	assert_true(slice_is_str(db_column(s, 0), "one"));
	assert_true(slice_equal(db_column(s, 1), slice_of("a\0b", 3)));
	assert_true(db_column_is_null(s, 2));
	assert_int_equal(db_column(s, 2).len, 0);
	assert_int_equal(db_step(s, &row, NULL), ERR_OK);
	assert_true(row);
	assert_int_equal(db_column(s, 1).len, 0);
	assert_false(db_column_is_null(s, 1));
	assert_int_equal(db_step(s, &row, NULL), ERR_OK);
	assert_false(row);
	db_close(db);
}

static void what_is_rolled_back_is_not(void **state)
{
	struct db *db = opened(&v1);
	(void)state;

	assert_int_equal(db_begin(db, NULL), ERR_OK);
	assert_int_equal(insert(db, 1, "one", slice_str("x"), NULL), ERR_OK);
	db_rollback(db);
	assert_int_equal(count(db), 0);
	db_close(db);
}

static void a_transaction_within_another_is_refused(void **state)
{
	struct db *db = opened(&v1);
	(void)state;

	assert_int_equal(db_begin(db, NULL), ERR_OK);
	assert_int_equal(db_begin(db, NULL), ERR_INTERNAL);
	db_rollback(db);
	assert_int_equal(db_commit(db, NULL), ERR_UNAVAILABLE);
	db_close(db);
}

static void the_file_is_private_and_the_journal_durable(void **state)
{
	mode_t before = umask(0);
	struct db *db = opened(&v1);
	struct stat st;
	(void)state;

	umask(before);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(pragma(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
	assert_int_equal(pragma(db, "PRAGMA synchronous"), 2);
	assert_int_equal(pragma(db, "PRAGMA temp_store"), 2);
	assert_int_equal(pragma(db, "PRAGMA secure_delete"), 1);
	db_close(db);
}

static void an_older_database_is_migrated_and_keeps_its_rows(void **state)
{
	struct db *db = opened(&v1);
	(void)state;

	assert_int_equal(insert(db, 1, "one", slice_str("x"), NULL), ERR_OK);
	db_close(db);
	db = opened(&v2);
	assert_int_equal(pragma(db, "SELECT size FROM item WHERE id = 1"), 7);
	assert_int_equal(pragma(db, "PRAGMA user_version"), 2);
	db_close(db);
}

static void a_migration_that_fails_leaves_the_old_version(void **state)
{
	struct db *db = opened(&v1);
	struct db *none = NULL;
	(void)state;

	db_close(db);
	assert_int_equal(db_open(path, &v2_broken, &none, NULL), ERR_INTERNAL);
	assert_null(none);
	db = opened(&v1);
	assert_int_equal(pragma(db, "PRAGMA user_version"), 1);
	assert_int_equal(pragma(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'later'"), 0);
	db_close(db);
}

static void a_newer_database_is_refused_with_the_version_it_needs(void **state)
{
	struct db *db = opened(&v2);
	struct why why;
	(void)state;

	db_close(db);
	assert_int_equal(db_open(path, &v1, &db, &why), ERR_CONFLICT);
	assert_non_null(strstr(why.text, "version 2"));
}

static void another_programs_database_is_refused_and_left_alone(void **state)
{
	struct db *db = opened(&other);
	struct stat before, after;
	struct why why;
	(void)state;

	db_close(db);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(db_open(path, &v1, &db, &why), ERR_CONFLICT);
	assert_non_null(strstr(why.text, "0x434c7402"));
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

static void a_file_that_is_no_database_is_refused_and_left_alone(void **state)
{
	char text[4096];
	struct db *db;
	struct stat st;
	(void)state;

	memset(text, 'x', sizeof text);
	put_file(text, sizeof text);
	assert_int_equal(db_open(path, &v1, &db, NULL), ERR_TAMPERED);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, sizeof text);
}

static void a_malformed_page_is_found(void **state)
{
	struct db *db = opened(&v1);
	char zeros[4096] = {0};
	int64_t found = ERR_OK;
	struct db_stmt *s;
	bool row;
	int fd;
	(void)state;

	for (int i = 1; i < 500; i++) {
		char name[32];

		snprintf(name, sizeof name, "row %d", i);
		assert_int_equal(insert(db, i, name, slice_of(zeros, 100), NULL), ERR_OK);
	}
	db_close(db);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	memset(zeros, 0xa5, sizeof zeros);
	for (off_t page = 2; page < 10; page++)
		assert_int_equal(pwrite(fd, zeros, sizeof zeros, page * 4096), sizeof zeros);
	close(fd);
	found = db_open(path, &v1, &db, NULL);
	if (found == ERR_OK) {
		assert_int_equal(db_sql(db, "SELECT body FROM item WHERE id > 0", &s, NULL), ERR_OK);
		do
			found = db_step(s, &row, NULL);
		while (found == ERR_OK && row);
		db_close(db);
	}
	assert_int_equal(found, ERR_TAMPERED);
}

static void a_broken_constraint_is_a_conflict(void **state)
{
	struct db *db = opened(&v1);
	struct db_stmt *s;
	(void)state;

	assert_int_equal(insert(db, 1, "one", slice_str("x"), NULL), ERR_OK);
	assert_int_equal(insert(db, 2, "one", slice_str("x"), NULL), ERR_CONFLICT);
	assert_int_equal(db_sql(db, "INSERT INTO part (item) VALUES (9)", &s, NULL), ERR_OK);
	assert_int_equal(db_run(s, NULL), ERR_CONFLICT);
	/* Cascades are foreign keys' own, though triggers are off. */
	assert_int_equal(db_sql(db, "INSERT INTO part (item) VALUES (1)", &s, NULL), ERR_OK);
	assert_int_equal(db_run(s, NULL), ERR_OK);
	assert_int_equal(db_sql(db, "DELETE FROM item", &s, NULL), ERR_OK);
	assert_int_equal(db_run(s, NULL), ERR_OK);
	assert_int_equal(pragma(db, "SELECT count(*) FROM part"), 0);
	db_close(db);
}

static void sql_that_does_not_compile_is_our_defect(void **state)
{
	struct db *db = opened(&v1);
	struct db_stmt *s;
	struct why why;
	(void)state;

	assert_int_equal(db_sql(db, "SELEC 1", &s, &why), ERR_INTERNAL);
	assert_non_null(strstr(why.text, "the test database"));
	assert_int_equal(db_sql(db, "SELECT \"quoted\"", &s, NULL), ERR_INTERNAL);
	assert_int_equal(db_sql(db, "SELECT 1; SELECT 2", &s, NULL), ERR_INTERNAL);
	assert_int_equal(db_sql(db, "", &s, NULL), ERR_INTERNAL);
	assert_int_equal(db_sql(db, "SELECT ?1", &s, NULL), ERR_OK);
	assert_int_equal(db_bind_i64(s, 2, 1, NULL), ERR_INTERNAL);
	assert_int_equal(db_run(s, NULL), ERR_INTERNAL);
	db_close(db);
}

static void a_statement_comes_back_reset_and_unbound(void **state)
{
	static const char sql[] = "SELECT ?1 UNION ALL SELECT 2";
	struct db *db = opened(&v1);
	struct db_stmt *s, *again;
	bool row;
	(void)state;

	assert_int_equal(db_sql(db, sql, &s, NULL), ERR_OK);
	assert_int_equal(db_bind_i64(s, 1, 5, NULL), ERR_OK);
	assert_int_equal(db_step(s, &row, NULL), ERR_OK);
	assert_int_equal(db_column_i64(s, 0), 5);
	assert_int_equal(db_sql(db, sql, &again, NULL), ERR_OK);
	assert_ptr_equal(s, again);
	assert_int_equal(db_step(s, &row, NULL), ERR_OK);
	assert_true(db_column_is_null(s, 0));
	db_close(db);
}

static void statements_are_limited(void **state)
{
	struct db *db = opened(&v1);
	static char sql[DB_STATEMENTS_MAX + 1][24];
	struct db_stmt *s;
	struct why why;
	(void)state;

	for (int i = 0; i < DB_STATEMENTS_MAX; i++) {
		snprintf(sql[i], sizeof sql[i], "SELECT %d", i);
		assert_int_equal(db_sql(db, sql[i], &s, NULL), ERR_OK);
	}
	snprintf(sql[DB_STATEMENTS_MAX], sizeof sql[0], "SELECT -1");
	assert_int_equal(db_sql(db, sql[DB_STATEMENTS_MAX], &s, &why), ERR_INTERNAL);
	assert_int_equal(pragma(db, sql[17]), 17);
	db_close(db);
}

static void a_value_over_the_limit_is_refused(void **state)
{
	struct db *db = opened(&v1);
	char *large = calloc(1, DB_VALUE_BYTES_MAX + 1);
	(void)state;

	assert_non_null(large);
	assert_int_equal(insert(db, 1, "large", slice_of(large, DB_VALUE_BYTES_MAX + 1), NULL), ERR_LIMIT);
	assert_int_equal(count(db), 0);
	free(large);
	db_close(db);
}

/* The file size limit stands for a full disk: both make write(2) fail in the middle. */
static int fill_until_error(void)
{
	struct rlimit limit = {512 << 10, 512 << 10};
	struct db *db = opened(&v1);
	static char body[32 << 10];
	int64_t committed = 0;
	int err = ERR_OK;

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 1;
	while (err == ERR_OK && committed < 1000) {
		char name[32];

		snprintf(name, sizeof name, "row %lld", (long long)committed);
		err = db_begin(db, NULL);
		if (err == ERR_OK)
			err = insert(db, committed + 1, name, slice_of(body, sizeof body), NULL);
		if (err == ERR_OK)
			err = db_commit(db, NULL);
		db_rollback(db);
		if (err == ERR_OK)
			committed++;
	}
	if (err != ERR_UNAVAILABLE || committed == 0 || committed >= 1000 || count(db) != committed)
		return 2;
	db_close(db);
	return 0;
}

static void a_full_disk_is_unavailable_and_loses_nothing(void **state)
{
	int status;
	pid_t child = fork();
	(void)state;

	if (child == 0)
		_exit(fill_until_error());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);

	struct db *db = opened(&v1);

	assert_true(count(db) > 0);
	assert_int_equal(pragma(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
	assert_int_equal(insert(db, 5000, "after", slice_str("x"), NULL), ERR_OK);
	db_close(db);
}

/* Inserts for ever and tells each row's number only once it is committed. */
static void insert_for_ever(int to, int64_t from)
{
	struct db *db = opened(&v1);

	for (int64_t id = from;; id++) {
		char name[32];

		snprintf(name, sizeof name, "row %lld", (long long)id);
		if (db_begin(db, NULL) != ERR_OK || insert(db, id, name, slice_str("body"), NULL) != ERR_OK ||
		    db_commit(db, NULL) != ERR_OK || write(to, &id, sizeof id) != sizeof id)
			_exit(1);
	}
}

static void kill_9_loses_nothing_that_was_acknowledged(void **state)
{
	int64_t last = 0;
	(void)state;

	for (int round = 0; round < 15; round++) {
		int64_t id;
		int ends[2];
		struct db *db;
		pid_t child;

		assert_int_equal(pipe(ends), 0);
		child = fork();
		if (child == 0) {
			close(ends[0]);
			insert_for_ever(ends[1], last + 1);
		}
		close(ends[1]);
		usleep((useconds_t)(5000 + round * 3777));
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
		while (read(ends[0], &id, sizeof id) == sizeof id)
			last = id;
		close(ends[0]);

		db = opened(&v1);
		/* One more may have been committed without its word having got out. */
		assert_in_range(count(db), last, last + 1);
		assert_int_equal(pragma(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"),
		                 1);
		last = count(db);
		db_close(db);
	}
	assert_true(last > 0);
}

static void two_handles_on_an_empty_file_agree(void **state)
{
	struct db *a = opened(&v2);
	struct db *b = opened(&v2);
	(void)state;

	assert_int_equal(insert(a, 1, "one", slice_str("x"), NULL), ERR_OK);
	assert_int_equal(count(b), 1);
	db_close(a);
	assert_int_equal(insert(b, 2, "two", slice_str("x"), NULL), ERR_OK);
	db_close(b);
}

static void a_directory_that_is_not_there_is_named(void **state)
{
	struct db *db;
	struct why why;
	(void)state;

	assert_int_equal(db_open("/nowhere/at/all.db", &v1, &db, &why), ERR_NOTFOUND);
	assert_non_null(strstr(why.text, "/nowhere/at/all.db"));
}

/* As a role does: another user's, in a directory whose parents it may not even look through. */
static void a_role_opens_by_name_in_its_own_directory(void **state)
{
	char own[128];
	int status;
	pid_t child;
	(void)state;

	if (geteuid() != 0)
		skip();
	snprintf(own, sizeof own, "%s/own", dir);
	assert_int_equal(mkdir(own, 0700), 0);
	assert_int_equal(chown(own, 65534, 65534), 0);
	child = fork();
	if (child == 0) {
		struct db *db = NULL;

		if (chdir(own) != 0 || setgid(65534) != 0 || setuid(65534) != 0)
			_exit(2);
		_exit(db_open("t.db", &v1, &db, NULL) != ERR_OK || db_begin(db, NULL) != ERR_OK ||
		      db_commit(db, NULL) != ERR_OK);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(what_is_committed_is_there_after_opening_again),
		IN_DIR(what_is_rolled_back_is_not),
		IN_DIR(a_transaction_within_another_is_refused),
		IN_DIR(the_file_is_private_and_the_journal_durable),
		IN_DIR(an_older_database_is_migrated_and_keeps_its_rows),
		IN_DIR(a_migration_that_fails_leaves_the_old_version),
		IN_DIR(a_newer_database_is_refused_with_the_version_it_needs),
		IN_DIR(another_programs_database_is_refused_and_left_alone),
		IN_DIR(a_file_that_is_no_database_is_refused_and_left_alone),
		IN_DIR(a_malformed_page_is_found),
		IN_DIR(a_broken_constraint_is_a_conflict),
		IN_DIR(sql_that_does_not_compile_is_our_defect),
		IN_DIR(a_statement_comes_back_reset_and_unbound),
		IN_DIR(statements_are_limited),
		IN_DIR(a_value_over_the_limit_is_refused),
		IN_DIR(a_full_disk_is_unavailable_and_loses_nothing),
		IN_DIR(kill_9_loses_nothing_that_was_acknowledged),
		IN_DIR(two_handles_on_an_empty_file_agree),
		IN_DIR(a_role_opens_by_name_in_its_own_directory),
		cmocka_unit_test(a_directory_that_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
