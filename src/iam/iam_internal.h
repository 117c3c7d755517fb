/* iam_internal.h: what the files of src/iam share about the handle. Of src/iam only. */
#pragma once
#include "iam/iam.h"
#include "iam/signing_keys.h"

struct iam {
	struct db *db;
	const struct iam_journal *journal;
	char region[SIGV4_REGION_BYTES_MAX + 1];
	struct secret *seal_key;    /* of access keys' secrets */
	struct secret *session_key; /* of session tokens */
	struct secret *derive_key;  /* of sessions' secrets */
	struct signing_keys *signing_keys;
};

enum iam_table {
	TABLE_ACCOUNT,
	TABLE_USER,
	TABLE_ROLE,
	TABLE_INLINE,
	TABLE_MANAGED,
	TABLE_ATTACHMENT,
	TABLE_ACCESS_KEY,
	TABLE_COUNT,
};

enum { TABLE_KEYS_MAX = 4 };

/* A transaction; CLEANUP(iam_change_clear) rolls back what was not committed. Starts as {0}. */
struct iam_change {
	struct iam *iam;
	bool is_open;
};
MUST_USE int iam_change_begin(struct iam_change *c, struct iam *iam, struct why *reterr_why);
MUST_USE int iam_change_commit(struct iam_change *c, struct why *reterr_why);
void iam_change_clear(struct iam_change *c);

/* Runs a bound statement that changes the one row with these primary keys, and tells the journal. */
MUST_USE int iam_change_run(struct iam_change *c, enum iam_table table, const struct slice *keys,
                            struct db_stmt *statement, struct why *reterr_why);

/* Binds texts to the parameters 1, 2, …; db_sql() and that in one. */
MUST_USE int iam_sql(struct iam *iam, const char *literal, const struct slice *texts, size_t count,
                     struct db_stmt **ret_stmt, struct why *reterr_why);

/* The single number of a query whose parameters are texts. */
MUST_USE int iam_count(struct iam *iam, const char *literal, const struct slice *texts, size_t count,
                       int64_t *ret_number, struct why *reterr_why);

/* Four letters and sixteen random characters of base32. */
MUST_USE int iam_id_new(const char *letters, char ret_id[static IAM_ID_BYTES], struct why *reterr_why);

/* ERR_INVALID unless it is what a user, role, session (or, with `max` 128, a policy) may be called. */
MUST_USE int iam_name_check(struct slice name, size_t max, struct why *reterr_why);

/* Names are unique without regard to case: their lower case is what rows are found by. */
struct iam_folded {
	char text[IAM_POLICY_NAME_BYTES_MAX + 1];
	size_t len;
};
struct iam_folded iam_fold(struct slice name);
static inline struct slice iam_folded_slice(const struct iam_folded *f)
{
	return slice_of(f->text, f->len);
}

/* IAM_ERR_POLICY or ERR_LIMIT unless a document parses as a policy of an identity (or a trust policy). */
MUST_USE int iam_document_check(struct slice document, bool is_trust, size_t max, struct why *reterr_why);

/* ERR_INTERNAL if a text from the database does not fit where it goes. */
MUST_USE int iam_column(struct db_stmt *s, int at, char *out, size_t size, struct why *reterr_why);
