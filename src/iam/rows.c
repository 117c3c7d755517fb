/* The tables, transactions, and telling the journal. */
#include <string.h>

#include "iam/iam_internal.h"

const char *const iam_migrations[] = {
	"CREATE TABLE iam_account ("
	" id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, is_operator INTEGER NOT NULL, created_ms INTEGER NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE iam_user ("
	" account TEXT NOT NULL REFERENCES iam_account (id), folded TEXT NOT NULL, name TEXT NOT NULL,"
	" id TEXT NOT NULL UNIQUE, path TEXT NOT NULL, boundary TEXT NOT NULL, created_ms INTEGER NOT NULL,"
	" PRIMARY KEY (account, folded)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE iam_role ("
	" account TEXT NOT NULL REFERENCES iam_account (id), folded TEXT NOT NULL, name TEXT NOT NULL,"
	" id TEXT NOT NULL UNIQUE, path TEXT NOT NULL, boundary TEXT NOT NULL, created_ms INTEGER NOT NULL,"
	" trust TEXT NOT NULL, max_session_s INTEGER NOT NULL, PRIMARY KEY (account, folded)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE iam_inline ("
	" account TEXT NOT NULL REFERENCES iam_account (id), kind TEXT NOT NULL, owner TEXT NOT NULL,"
	" name TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (account, kind, owner, name)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE iam_managed ("
	" account TEXT NOT NULL REFERENCES iam_account (id), name TEXT NOT NULL, document TEXT NOT NULL,"
	" created_ms INTEGER NOT NULL, PRIMARY KEY (account, name)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE iam_attachment ("
	" account TEXT NOT NULL, kind TEXT NOT NULL, owner TEXT NOT NULL, name TEXT NOT NULL,"
	" PRIMARY KEY (account, kind, owner, name), FOREIGN KEY (account, name) REFERENCES iam_managed (account, name))"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE iam_access_key ("
	" id TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES iam_account (id), user TEXT NOT NULL,"
	" sealed BLOB NOT NULL, is_active INTEGER NOT NULL, is_sealed INTEGER NOT NULL, created_ms INTEGER NOT NULL) "
	"STRICT, WITHOUT ROWID;"
	"CREATE INDEX iam_access_key_of_user ON iam_access_key (account, user);",
};
const int iam_migrations_count = sizeof iam_migrations / sizeof iam_migrations[0];

/* How each table's rows are read: one by its primary key, and all. */
static const struct {
	const char *name, *one, *all;
	size_t keys;
	int columns;
} tables[TABLE_COUNT] = {
	[TABLE_ACCOUNT] = {"iam_account", "SELECT * FROM iam_account WHERE id = ?1", "SELECT * FROM iam_account", 1, 4},
	[TABLE_USER] = {"iam_user", "SELECT * FROM iam_user WHERE account = ?1 AND folded = ?2",
                        "SELECT * FROM iam_user", 2, 7},
	[TABLE_ROLE] = {"iam_role", "SELECT * FROM iam_role WHERE account = ?1 AND folded = ?2",
                        "SELECT * FROM iam_role", 2, 9},
	[TABLE_INLINE] = {"iam_inline",
                          "SELECT * FROM iam_inline WHERE account = ?1 AND kind = ?2 AND owner = ?3 AND name = ?4",
                          "SELECT * FROM iam_inline", 4, 5},
	[TABLE_MANAGED] = {"iam_managed", "SELECT * FROM iam_managed WHERE account = ?1 AND name = ?2",
                           "SELECT * FROM iam_managed", 2, 4},
	[TABLE_ATTACHMENT] =
		{"iam_attachment",
                 "SELECT * FROM iam_attachment WHERE account = ?1 AND kind = ?2 AND owner = ?3 AND name = ?4",
                 "SELECT * FROM iam_attachment", 4, 4},
	[TABLE_ACCESS_KEY] = {"iam_access_key", "SELECT * FROM iam_access_key WHERE id = ?1",
                              "SELECT * FROM iam_access_key", 1, 7},
};

/* A row is its texts, a few numbers and one policy. */
enum { ROW_BYTES_MAX = POLICY_BYTES_MAX + 4096 };

int iam_sql(struct iam *iam, const char *literal, const struct slice *texts, size_t count, struct db_stmt **ret_stmt,
            struct why *reterr_why)
{
	struct db_stmt *s;

	TRY(db_sql(iam->db, literal, &s, reterr_why));
	for (size_t i = 0; i < count; i++)
		TRY(db_bind_text(s, (int)i + 1, texts[i], reterr_why));
	*ret_stmt = s;
	return ERR_OK;
}

int iam_count(struct iam *iam, const char *literal, const struct slice *texts, size_t count, int64_t *ret_number,
              struct why *reterr_why)
{
	struct db_stmt *s;
	bool row;

	TRY(iam_sql(iam, literal, texts, count, &s, reterr_why));
	TRY(db_step(s, &row, reterr_why));
	*ret_number = row ? db_column_i64(s, 0) : 0;
	db_reset(s);
	return ERR_OK;
}

int iam_column(struct db_stmt *s, int at, char *out, size_t size, struct why *reterr_why)
{
	ENSURE(slice_to_str(db_column(s, at), out, size, NULL) == ERR_OK, ERR_INTERNAL, reterr_why,
	       "a text of %zu bytes in the keys database does not fit %zu", db_column(s, at).len, size);
	return ERR_OK;
}

/* The row that `s` stands on, after its table's name. Numbers are written as text: SQLite gives both alike. */
static int encode_row(struct db_stmt *s, enum iam_table table, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_lp(into, slice_str(tables[table].name), reterr_why));
	for (int i = 0; i < tables[table].columns; i++)
		TRY(buf_put_lp(into, db_column(s, i), reterr_why));
	return ERR_OK;
}

static int read_row(struct iam *iam, enum iam_table table, const struct slice *keys, struct buf **ret_row,
                    struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *row = NULL;
	struct db_stmt *s;
	bool is_there;
	int err = ERR_OK;

	TRY(buf_new(ROW_BYTES_MAX, &row, reterr_why));
	TRY(iam_sql(iam, tables[table].one, keys, tables[table].keys, &s, reterr_why));
	TRY(db_step(s, &is_there, reterr_why));
	if (is_there)
		err = encode_row(s, table, row, reterr_why);
	db_reset(s);
	TRY(err);
	*ret_row = take_ptr(row);
	return ERR_OK;
}

int iam_rows_each(struct iam *iam, void (*each)(void *self, struct slice row), void *self, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *row = NULL;

	TRY(buf_new(ROW_BYTES_MAX, &row, reterr_why));
	for (int table = 0; table < TABLE_COUNT; table++) {
		struct db_stmt *s;
		bool is_there;

		TRY(db_sql(iam->db, tables[table].all, &s, reterr_why));
		TRY(db_step(s, &is_there, reterr_why));
		int err = ERR_OK;

		while (is_there && err == ERR_OK) {
			buf_reset(row);
			err = encode_row(s, (enum iam_table)table, row, reterr_why);
			if (err == ERR_OK) {
				each(self, buf_slice(row));
				err = db_step(s, &is_there, reterr_why);
			}
		}
		db_reset(s);
		TRY(err);
	}
	return ERR_OK;
}

int iam_change_begin(struct iam_change *c, struct iam *iam, struct why *reterr_why)
{
	c->iam = iam;
	TRY(iam->journal ? iam->journal->begin(iam->journal->self, reterr_why) : db_begin(iam->db, reterr_why));
	c->is_open = true;
	return ERR_OK;
}

int iam_change_commit(struct iam_change *c, struct why *reterr_why)
{
	const struct iam_journal *journal = c->iam->journal;

	TRY(journal ? journal->commit(journal->self, reterr_why) : db_commit(c->iam->db, reterr_why));
	c->is_open = false;
	return ERR_OK;
}

void iam_change_clear(struct iam_change *c)
{
	if (!c->is_open)
		return;
	if (c->iam->journal)
		c->iam->journal->rollback(c->iam->journal->self);
	else
		db_rollback(c->iam->db);
	c->is_open = false;
}

int iam_change_run(struct iam_change *c, enum iam_table table, const struct slice *keys, struct db_stmt *statement,
                   struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *before = NULL, *after = NULL;

	TRY(read_row(c->iam, table, keys, &before, reterr_why));
	TRY(db_run(statement, reterr_why));
	ENSURE(db_changes(c->iam->db) == 1, ERR_INTERNAL, reterr_why, "a change of one row of %s changed %lld",
	       tables[table].name, (long long)db_changes(c->iam->db));
	TRY(read_row(c->iam, table, keys, &after, reterr_why));
	if (c->iam->journal)
		c->iam->journal->row(c->iam->journal->self, buf_slice(before), buf_slice(after));
	return ERR_OK;
}
