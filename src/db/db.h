/* db.h: the embedded database of a role: SQLite, durable, one writer.
 *
 * WAL with synchronous=FULL: a committed transaction survives power loss. temp_store is memory, since a sandboxed role
 * has no directory for temporary files. Every statement is prepared once and bound; SQL text never holds data. A handle
 * belongs to one thread. Foreign keys are enforced; triggers and views are off, so that an altered file can not bring
 * its own. Deleted content is overwritten in the file (secure_delete). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/slice.h"

struct db;
struct db_stmt;

/* What a database must hold: `migrations[i]` is the SQL that leads from version i to i + 1; the last version is the one
 * this program knows. `application_id` marks the file as ours (PRAGMA application_id). */
struct db_schema {
	const char *name; /* for sentences: "the keys database" */
	int32_t application_id;
	int version;
	const char *const *migrations;
	bool is_rebuildable; /* commits need not survive power loss, only stay consistent: the truth is elsewhere */
};

/* Opens, or makes, the database at a path, which is used as it is: a role opens by a name in its own directory.
 * ERR_CONFLICT if it is newer than the schema or another program's, with the version it needs; ERR_TAMPERED if SQLite
 * finds it malformed. Made with mode 0600. An older one is migrated in one transaction. */
MUST_USE int db_open(const char *path, const struct db_schema *schema, struct db **ret_db, struct why *reterr_why);
void db_close(struct db *db);
void db_closep(struct db **db);

/* A write transaction (BEGIN IMMEDIATE). db_commit() returns only when it is durable. db_rollback() after either error
 * or success of db_commit() does nothing. */
MUST_USE int db_begin(struct db *db, struct why *reterr_why);
MUST_USE int db_commit(struct db *db, struct why *reterr_why);
void db_rollback(struct db *db);

/* The prepared statement for a string literal, kept in a cache keyed by the literal's address; reset and unbound. It is
 * the database's: do not free it. ERR_INTERNAL for SQL that does not compile. */
MUST_USE int db_sql(struct db *db, const char *literal, struct db_stmt **ret_stmt, struct why *reterr_why);

/* Parameters count from 1. Bytes must stay until the last db_step(). */
MUST_USE int db_bind_text(struct db_stmt *s, int at, struct slice text, struct why *reterr_why);
MUST_USE int db_bind_blob(struct db_stmt *s, int at, struct slice bytes, struct why *reterr_why);
MUST_USE int db_bind_i64(struct db_stmt *s, int at, int64_t value, struct why *reterr_why);

/* *ret_row tells whether a row is there. ERR_CONFLICT for a broken constraint, ERR_UNAVAILABLE for a full disk. */
MUST_USE int db_step(struct db_stmt *s, bool *ret_row, struct why *reterr_why);

/* Steps a statement that gives no rows and resets it. */
MUST_USE int db_run(struct db_stmt *s, struct why *reterr_why);

/* Columns count from 0; slices are borrowed until the next step or reset. NULL reads as empty and as 0. */
struct slice db_column(struct db_stmt *s, int at);
int64_t db_column_i64(struct db_stmt *s, int at);
bool db_column_is_null(struct db_stmt *s, int at);
void db_reset(struct db_stmt *s);

/* For CLEANUP(), on a statement that reads: one that stands on a row holds the handle's snapshot, and every later read
 * on the handle would see the past. */
void db_resetp(struct db_stmt **s);

/* Rows that the last db_run() changed. */
int64_t db_changes(const struct db *db);
