#include "kms/keystore.h"

/* Times are milliseconds since 1970. `usage` has one value until there are keys that sign. */
const char *const kms_migrations[] = {
	"CREATE TABLE kms_state ("
	" id INTEGER PRIMARY KEY CHECK (id = 1), generation INTEGER NOT NULL, hash BLOB NOT NULL, sum BLOB NOT NULL,"
	" mac BLOB NOT NULL) STRICT;"
	"CREATE TABLE kms_history (generation INTEGER PRIMARY KEY, hash BLOB NOT NULL, rows BLOB NOT NULL) STRICT;"
	"CREATE TABLE kms_epoch ("
	" id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL, wrapped BLOB NOT NULL) STRICT;"
	"CREATE TABLE kms_key ("
	" id BLOB PRIMARY KEY CHECK (length(id) = 16), account TEXT NOT NULL, state INTEGER NOT NULL,"
	" usage INTEGER NOT NULL DEFAULT 1, version INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
	" deletion_ms INTEGER NOT NULL, policy_generation INTEGER NOT NULL, description TEXT NOT NULL,"
	" policy TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX kms_key_live ON kms_key (account, id) WHERE state <> 4;" /* not the destroyed */
	"CREATE TABLE kms_key_version ("
	" key_id BLOB NOT NULL REFERENCES kms_key (id), version INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL, wrapped BLOB NOT NULL, PRIMARY KEY (key_id, version)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE kms_alias ("
	" account TEXT NOT NULL, name TEXT NOT NULL, key_id BLOB NOT NULL REFERENCES kms_key (id),"
	" created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, PRIMARY KEY (account, name)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX kms_alias_of_key ON kms_alias (key_id);"
	"CREATE TABLE kms_grant ("
	" job_id TEXT PRIMARY KEY, account TEXT NOT NULL, caller TEXT NOT NULL, role TEXT NOT NULL,"
	" body_digest BLOB NOT NULL, nodes INTEGER NOT NULL, attempts INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
	" expires_ms INTEGER NOT NULL, is_ended INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE kms_grant_release ("
	" job_id TEXT NOT NULL REFERENCES kms_grant (job_id), node INTEGER NOT NULL, attempt INTEGER NOT NULL,"
	" PRIMARY KEY (job_id, node, attempt)) STRICT, WITHOUT ROWID;",
};
const int kms_migrations_count = sizeof kms_migrations / sizeof kms_migrations[0];
