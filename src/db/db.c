#include "db/db.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"

struct db_stmt {
	struct db *db;
	sqlite3_stmt *raw;
};

/* Open addressing over the literals' addresses, at most half full so that a probe is short. */
enum { CACHE_SLOTS = 2 * DB_STATEMENTS_MAX };

struct cached {
	const char *literal;
	struct db_stmt stmt;
};

struct db {
	sqlite3 *raw;
	const char *name;
	size_t cached;
	struct cached cache[CACHE_SLOTS];
};

/* What each of SQLite's result codes means to a caller. */
static int error_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_CONSTRAINT:
		return ERR_CONFLICT;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_TAMPERED;
	case SQLITE_PERM:
	case SQLITE_READONLY:
		return ERR_DENIED;
	case SQLITE_TOOBIG:
		return ERR_LIMIT;
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_NOMEM:
	case SQLITE_CANTOPEN:
	case SQLITE_NOLFS:
	case SQLITE_PROTOCOL:
		return ERR_UNAVAILABLE;
	default:
		return ERR_INTERNAL;
	}
}

/* SQLite's own words, after what we were doing. */
static int fail(const struct db *db, int rc, const char *doing, struct why *reterr_why)
{
	why_set(reterr_why, "cannot %s %s: %s", doing, db->name,
	        db->raw ? sqlite3_errmsg(db->raw) : sqlite3_errstr(rc));
	return error_of(rc);
}

static int run_script(struct db *db, const char *sql, const char *doing, struct why *reterr_why)
{
	int rc = sqlite3_exec(db->raw, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? ERR_OK : fail(db, rc, doing, reterr_why);
}

/* The one number that a query of one row and one column gives. */
static int read_number(struct db *db, const char *sql, int64_t *ret_value, struct why *reterr_why)
{
	sqlite3_stmt *query = NULL;
	int64_t value = 0;
	int rc = sqlite3_prepare_v2(db->raw, sql, -1, &query, NULL);

	if (rc == SQLITE_OK) {
		rc = sqlite3_step(query);
		value = sqlite3_column_int64(query, 0);
	}
	if (rc != SQLITE_ROW)
		rc = fail(db, rc, "read", reterr_why);
	else
		rc = ERR_OK;
	sqlite3_finalize(query);
	TRY(rc);
	*ret_value = value;
	return ERR_OK;
}

/* Made by us with mode 0600: SQLite would leave it to the umask, and its journals take the database's mode. An existing
 * file is not opened here: closing it again would drop the POSIX locks of every other handle in this process. */
static int ensure_file(const char *path, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;
	int err = path_open_given(path, O_RDWR | O_CREAT | O_EXCL, 0600, &fd, reterr_why);

	return err == ERR_CONFLICT ? ERR_OK : err;
}

/* Leaves a name as it is. SQLite would make it absolute and resolve links by walking every directory above, which a
 * role that is shut into its own directory cannot; it opens by names relative to that one. */
static int keep_name(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
	(void)vfs;
	sqlite3_snprintf(size, out, "%s", name);
	return strlen(name) < (size_t)size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static sqlite3_vfs relative_vfs;
static pthread_once_t vfs_once = PTHREAD_ONCE_INIT;

static void register_vfs(void)
{
	const sqlite3_vfs *unix_vfs = sqlite3_vfs_find("unix");

	if (!unix_vfs)
		return; /* opening fails then, by name */
	relative_vfs = *unix_vfs;
	relative_vfs.pNext = NULL;
	relative_vfs.zName = "cloister";
	relative_vfs.xFullPathname = keep_name;
	sqlite3_vfs_register(&relative_vfs, 0);
}

static int connect(struct db *db, const char *path, struct why *reterr_why)
{
	int rc;

	pthread_once(&vfs_once, register_vfs);
	rc = sqlite3_open_v2(path, &db->raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	                     "cloister");

	if (rc != SQLITE_OK)
		return fail(db, rc, "open", reterr_why);
	sqlite3_busy_timeout(db->raw, DB_BUSY_WAIT_MS);
	/* A file that somebody altered must not reach functions or internals through its schema. */
	sqlite3_db_config(db->raw, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db->raw, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db->raw, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_db_config(db->raw, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(db->raw, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	sqlite3_limit(db->raw, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_limit(db->raw, SQLITE_LIMIT_LENGTH, DB_VALUE_BYTES_MAX);
	return ERR_OK;
}

/* Only once the file is known to be ours: journal_mode writes to it. */
static int configure(struct db *db, bool is_rebuildable, struct why *reterr_why)
{
	int64_t is_wal, synchronous;

	TRY(run_script(db,
	               "PRAGMA journal_mode=WAL; PRAGMA temp_store=MEMORY;"
	               "PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON; PRAGMA cell_size_check=ON;",
	               "configure", reterr_why));
	TRY(read_number(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode", &is_wal, reterr_why));
	ENSURE(is_wal == 1, ERR_UNAVAILABLE, reterr_why,
	       "cannot keep %s in WAL mode here: its file system has no shared memory; put it on a local one",
	       db->name);
	/* NORMAL keeps a WAL database consistent through power loss, and may lose its last commits. */
	TRY(run_script(db, is_rebuildable ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL", "configure",
	               reterr_why));
	TRY(read_number(db, "PRAGMA synchronous", &synchronous, reterr_why));
	ENSURE(synchronous == (is_rebuildable ? 1 : 2), ERR_INTERNAL, reterr_why, "SQLite did not take synchronous");
	return ERR_OK;
}

/* Leads from `from` to the schema's version; called within a transaction. */
static int migrate_steps(struct db *db, const struct db_schema *schema, int64_t from, struct why *reterr_why)
{
	char pragmas[96];

	for (int64_t i = from; i < schema->version; i++)
		TRY(run_script(db, schema->migrations[i], "migrate", reterr_why));
	/* PRAGMA takes no parameters; both numbers are the program's own. */
	sqlite3_snprintf(sizeof pragmas, pragmas, "PRAGMA application_id=%d; PRAGMA user_version=%d;",
	                 schema->application_id, schema->version);
	return run_script(db, pragmas, "migrate", reterr_why);
}

/* Refuses what is not ours or is newer than we know, and tells the version that is there; 0 for an empty file. */
static int identify(struct db *db, const struct db_schema *schema, int64_t *ret_version, struct why *reterr_why)
{
	int64_t application_id, version, tables;

	TRY(read_number(db, "PRAGMA application_id", &application_id, reterr_why));
	TRY(read_number(db, "PRAGMA user_version", &version, reterr_why));
	TRY(read_number(db, "SELECT count(*) FROM sqlite_schema", &tables, reterr_why));
	if (application_id == 0 && version == 0 && tables == 0) {
		*ret_version = 0;
		return ERR_OK;
	}
	ENSURE(application_id == schema->application_id, ERR_CONFLICT, reterr_why,
	       "the file for %s is another program's database (application id 0x%08x, expected 0x%08x); move it away",
	       schema->name, (unsigned int)application_id, (unsigned int)schema->application_id);
	ENSURE(version > 0, ERR_TAMPERED, reterr_why, "%s carries version %lld, which no release wrote", schema->name,
	       (long long)version);
	ENSURE(version <= schema->version, ERR_CONFLICT, reterr_why,
	       "%s is of version %lld and this program knows up to %d; start a release that knows version %lld",
	       schema->name, (long long)version, schema->version, (long long)version);
	*ret_version = version;
	return ERR_OK;
}

static int migrate(struct db *db, const struct db_schema *schema, struct why *reterr_why)
{
	int64_t version;
	int err;

	/* Identified again under the write lock: two handles may open an empty file at once. */
	TRY(db_begin(db, reterr_why));
	err = identify(db, schema, &version, reterr_why);
	if (err == ERR_OK && version < schema->version)
		err = migrate_steps(db, schema, version, reterr_why);
	if (err == ERR_OK)
		err = db_commit(db, reterr_why);
	db_rollback(db);
	return err;
}

int db_open(const char *path, const struct db_schema *schema, struct db **ret_db, struct why *reterr_why)
{
	CLEANUP(db_closep) struct db *db = NULL;
	int64_t version;

	TRY(ensure_file(path, reterr_why));
	db = calloc(1, sizeof *db);
	ENSURE(db, ERR_UNAVAILABLE, reterr_why, "out of memory for %s", schema->name);
	db->name = schema->name;
	TRY(connect(db, path, reterr_why));
	TRY(identify(db, schema, &version, reterr_why));
	TRY(configure(db, schema->is_rebuildable, reterr_why));
	if (version < schema->version)
		TRY(migrate(db, schema, reterr_why));
	*ret_db = take_ptr(db);
	return ERR_OK;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		sqlite3_finalize(db->cache[i].stmt.raw);
	sqlite3_close_v2(db->raw);
	free(db);
}

void db_closep(struct db **db)
{
	db_close(*db);
	*db = NULL;
}

int db_begin(struct db *db, struct why *reterr_why)
{
	ENSURE(sqlite3_get_autocommit(db->raw), ERR_INTERNAL, reterr_why, "a transaction on %s within another",
	       db->name);
	return run_script(db, "BEGIN IMMEDIATE", "start a transaction on", reterr_why);
}

int db_commit(struct db *db, struct why *reterr_why)
{
	/* SQLite rolls back by itself after some errors; a COMMIT after that must not look like a success. */
	ENSURE(!sqlite3_get_autocommit(db->raw), ERR_UNAVAILABLE, reterr_why,
	       "the transaction on %s was rolled back by an earlier error", db->name);
	return run_script(db, "COMMIT", "commit to", reterr_why);
}

void db_rollback(struct db *db)
{
	if (!sqlite3_get_autocommit(db->raw))
		(void)sqlite3_exec(db->raw, "ROLLBACK", NULL, NULL, NULL);
}

/* Where the literal is in the cache, or the empty slot for it. */
static struct cached *find_slot(struct db *db, const char *literal)
{
	size_t at = (size_t)(((uintptr_t)literal * 0x9e3779b97f4a7c15u) >> 32) % CACHE_SLOTS;

	while (db->cache[at].literal && db->cache[at].literal != literal)
		at = (at + 1) % CACHE_SLOTS;
	return &db->cache[at];
}

int db_sql(struct db *db, const char *literal, struct db_stmt **ret_stmt, struct why *reterr_why)
{
	struct cached *slot = find_slot(db, literal);

	if (!slot->literal) {
		sqlite3_stmt *raw = NULL;
		const char *rest = NULL;
		int rc;

		ENSURE(db->cached < DB_STATEMENTS_MAX, ERR_INTERNAL, reterr_why,
		       "more than %d different statements on %s", DB_STATEMENTS_MAX, db->name);
		rc = sqlite3_prepare_v3(db->raw, literal, -1, SQLITE_PREPARE_PERSISTENT, &raw, &rest);
		if (rc != SQLITE_OK)
			return fail(db, rc, "compile a statement for", reterr_why);
		if (!raw || *rest != 0) {
			sqlite3_finalize(raw);
			why_set(reterr_why, "one statement for %s was expected: \"%.200s\"", db->name, literal);
			return ERR_INTERNAL;
		}
		slot->literal = literal;
		slot->stmt = (struct db_stmt){db, raw};
		db->cached++;
	}
	db_reset(&slot->stmt);
	sqlite3_clear_bindings(slot->stmt.raw);
	*ret_stmt = &slot->stmt;
	return ERR_OK;
}

static int bound(struct db_stmt *s, int rc, struct why *reterr_why)
{
	return rc == SQLITE_OK ? ERR_OK : fail(s->db, rc, "bind a value for", reterr_why);
}

/* A NULL pointer would bind NULL; an empty slice is an empty value. */
static const void *bytes_of(struct slice s)
{
	return s.ptr ? (const void *)s.ptr : "";
}

int db_bind_text(struct db_stmt *s, int at, struct slice text, struct why *reterr_why)
{
	return bound(s, sqlite3_bind_text64(s->raw, at, bytes_of(text), text.len, SQLITE_STATIC, SQLITE_UTF8),
	             reterr_why);
}

int db_bind_blob(struct db_stmt *s, int at, struct slice bytes, struct why *reterr_why)
{
	return bound(s, sqlite3_bind_blob64(s->raw, at, bytes_of(bytes), bytes.len, SQLITE_STATIC), reterr_why);
}

int db_bind_i64(struct db_stmt *s, int at, int64_t value, struct why *reterr_why)
{
	return bound(s, sqlite3_bind_int64(s->raw, at, value), reterr_why);
}

int db_step(struct db_stmt *s, bool *ret_row, struct why *reterr_why)
{
	int rc = sqlite3_step(s->raw);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
		int err = fail(s->db, rc, sqlite3_stmt_readonly(s->raw) ? "read" : "write to", reterr_why);

		db_reset(s);
		return err;
	}
	*ret_row = rc == SQLITE_ROW;
	return ERR_OK;
}

int db_run(struct db_stmt *s, struct why *reterr_why)
{
	bool row = false;

	TRY(db_step(s, &row, reterr_why));
	db_reset(s);
	ENSURE(!row, ERR_INTERNAL, reterr_why, "a statement on %s gave a row where none was expected", s->db->name);
	return ERR_OK;
}

struct slice db_column(struct db_stmt *s, int at)
{
	/* The pointer first: asking for the length may convert, and so move, the value. */
	const void *bytes = sqlite3_column_blob(s->raw, at);

	return slice_of(bytes, bytes ? (size_t)sqlite3_column_bytes(s->raw, at) : 0);
}

int64_t db_column_i64(struct db_stmt *s, int at)
{
	return sqlite3_column_int64(s->raw, at);
}

bool db_column_is_null(struct db_stmt *s, int at)
{
	return sqlite3_column_type(s->raw, at) == SQLITE_NULL;
}

void db_reset(struct db_stmt *s)
{
	(void)sqlite3_reset(s->raw);
}

void db_resetp(struct db_stmt **s)
{
	if (*s)
		db_reset(*s);
}

int64_t db_changes(const struct db *db)
{
	return sqlite3_changes64(db->raw);
}
