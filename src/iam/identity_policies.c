/* The policies of users and roles: inline ones, and managed ones that several share. */
#include <string.h>

#include "iam/iam_internal.h"

static struct slice kind_text(enum iam_kind kind)
{
	return slice_str(kind == IAM_KIND_USER ? "user" : "role");
}

/* Under what an identity's policies are filed: account, kind, folded name; then the policy's own name. */
struct filed {
	struct iam_folded owner;
	struct slice texts[5];
};

static void file_under(struct filed *f, const struct iam_identity *owner, struct slice name, struct slice document)
{
	f->owner = iam_fold(slice_str(owner->name));
	f->texts[0] = slice_str(owner->account);
	f->texts[1] = kind_text(owner->kind);
	f->texts[2] = iam_folded_slice(&f->owner);
	f->texts[3] = name;
	f->texts[4] = document;
}

static int not_there(struct slice name, struct why *reterr_why)
{
	why_set(reterr_why, "there is no policy %.*s here", (int)(name.len < 128 ? name.len : 128),
	        (const char *)name.ptr);
	return ERR_NOTFOUND;
}

/* Whether the identity may have one policy more. `f` has room for this one's name, which is not counted. */
static int check_count(struct iam *iam, const struct filed *f, struct why *reterr_why)
{
	int64_t inline_count, attached_count;

	TRY(iam_count(iam,
	              "SELECT count(*) FROM iam_inline WHERE account = ?1 AND kind = ?2 AND owner = ?3 AND name <> ?4",
	              f->texts, 4, &inline_count, reterr_why));
	TRY(iam_count(
		iam,
		"SELECT count(*) FROM iam_attachment WHERE account = ?1 AND kind = ?2 AND owner = ?3 AND name <> ?4",
		f->texts, 4, &attached_count, reterr_why));
	ENSURE(inline_count + attached_count < IAM_POLICIES_PER_IDENTITY_MAX, ERR_LIMIT, reterr_why,
	       "it has %d policies already, the most there may be", IAM_POLICIES_PER_IDENTITY_MAX);
	return ERR_OK;
}

/* The identity may have been deleted since the caller looked. */
static int check_owner(struct iam *iam, const struct iam_identity *owner, struct why *reterr_why)
{
	struct iam_identity now;

	TRY(iam_identity_get(iam, owner->kind, slice_str(owner->account), slice_str(owner->name), &now, reterr_why));
	ENSURE(strcmp(now.id, owner->id) == 0, ERR_NOTFOUND, reterr_why, "%s is another one now", owner->name);
	return ERR_OK;
}

int iam_inline_put(struct iam *iam, const struct iam_identity *owner, struct slice name, struct slice document,
                   struct why *reterr_why)
{
	CLEANUP(iam_change_clear) struct iam_change change = {0};
	struct filed f;
	struct db_stmt *s;

	TRY(iam_name_check(name, IAM_POLICY_NAME_BYTES_MAX, reterr_why));
	TRY(iam_document_check(document, false, IAM_POLICY_BYTES_MAX, reterr_why));
	file_under(&f, owner, name, document);
	TRY(iam_change_begin(&change, iam, reterr_why));
	TRY(check_owner(iam, owner, reterr_why));
	TRY(check_count(iam, &f, reterr_why));
	TRY(iam_sql(iam,
	            "INSERT INTO iam_inline (account, kind, owner, name, document) VALUES (?1, ?2, ?3, ?4, ?5)"
	            " ON CONFLICT DO UPDATE SET document = excluded.document",
	            f.texts, 5, &s, reterr_why));
	TRY(iam_change_run(&change, TABLE_INLINE, f.texts, s, reterr_why));
	return iam_change_commit(&change, reterr_why);
}

/* The one text that a query gives, appended; ERR_NOTFOUND without a row. */
static int get_document(struct db_stmt *s, struct slice name, struct buf *into, struct why *reterr_why)
{
	bool row;
	int err;

	TRY(db_step(s, &row, reterr_why));
	if (!row)
		return not_there(name, reterr_why);
	err = buf_put(into, db_column(s, 0), reterr_why);
	db_reset(s);
	return err;
}

int iam_inline_get(struct iam *iam, const struct iam_identity *owner, struct slice name, struct buf *into_document,
                   struct why *reterr_why)
{
	struct filed f;
	struct db_stmt *s;

	file_under(&f, owner, name, (struct slice){0});
	TRY(iam_sql(iam,
	            "SELECT document FROM iam_inline WHERE account = ?1 AND kind = ?2 AND owner = ?3 AND name = ?4",
	            f.texts, 4, &s, reterr_why));
	return get_document(s, name, into_document, reterr_why);
}

int iam_inline_list(struct iam *iam, const struct iam_identity *owner, struct slice after, size_t max,
                    int (*each)(void *self, struct slice name), void *self, bool *ret_more, struct why *reterr_why)
{
	struct filed f;
	struct db_stmt *s;
	bool row;
	int err = ERR_OK;

	file_under(&f, owner, after, (struct slice){0});
	TRY(iam_sql(iam,
	            "SELECT name FROM iam_inline WHERE account = ?1 AND kind = ?2 AND owner = ?3 AND name > ?4"
	            " ORDER BY name LIMIT ?5 + 1",
	            f.texts, 4, &s, reterr_why));
	TRY(db_bind_i64(s, 5, (int64_t)max, reterr_why));
	TRY(db_step(s, &row, reterr_why));
	for (size_t count = 0; row && count < max && err == ERR_OK; count++) {
		err = each(self, db_column(s, 0));
		if (err == ERR_OK)
			err = db_step(s, &row, reterr_why);
	}
	db_reset(s);
	TRY(err);
	*ret_more = row;
	return ERR_OK;
}

/* Runs a statement that removes the row of `f`, which has to be there. */
static int remove_filed(struct iam *iam, enum iam_table table, const char *count, const char *remove,
                        const struct filed *f, struct why *reterr_why)
{
	CLEANUP(iam_change_clear) struct iam_change change = {0};
	struct db_stmt *s;
	int64_t found;

	TRY(iam_change_begin(&change, iam, reterr_why));
	TRY(iam_count(iam, count, f->texts, 4, &found, reterr_why));
	if (found == 0)
		return not_there(f->texts[3], reterr_why);
	TRY(iam_sql(iam, remove, f->texts, 4, &s, reterr_why));
	TRY(iam_change_run(&change, table, f->texts, s, reterr_why));
	return iam_change_commit(&change, reterr_why);
}

int iam_inline_delete(struct iam *iam, const struct iam_identity *owner, struct slice name, struct why *reterr_why)
{
	struct filed f;

	file_under(&f, owner, name, (struct slice){0});
	return remove_filed(
		iam, TABLE_INLINE,
		"SELECT count(*) FROM iam_inline WHERE account = ?1 AND kind = ?2 AND owner = ?3 AND name = ?4",
		"DELETE FROM iam_inline WHERE account = ?1 AND kind = ?2 AND owner = ?3 AND name = ?4", &f, reterr_why);
}

int iam_managed_put(struct iam *iam, struct slice account, struct slice name, struct slice document, uint64_t now_ms,
                    struct why *reterr_why)
{
	CLEANUP(iam_change_clear) struct iam_change change = {0};
	struct slice texts[3] = {account, name, document};
	struct iam_account found;
	struct db_stmt *s;
	int64_t count;

	TRY(iam_name_check(name, IAM_POLICY_NAME_BYTES_MAX, reterr_why));
	TRY(iam_document_check(document, false, IAM_POLICY_BYTES_MAX, reterr_why));
	TRY(iam_change_begin(&change, iam, reterr_why));
	TRY(iam_account_get(iam, account, &found, reterr_why));
	TRY(iam_count(iam, "SELECT count(*) FROM iam_managed WHERE account = ?1 AND name <> ?2", texts, 2, &count,
	              reterr_why));
	ENSURE(count < IAM_MANAGED_POLICIES_MAX, ERR_LIMIT, reterr_why,
	       "the account has %d policies already, the most there may be", IAM_MANAGED_POLICIES_MAX);
	TRY(iam_sql(iam,
	            "INSERT INTO iam_managed (account, name, document, created_ms) VALUES (?1, ?2, ?3, ?4)"
	            " ON CONFLICT DO UPDATE SET document = excluded.document",
	            texts, 3, &s, reterr_why));
	TRY(db_bind_i64(s, 4, (int64_t)now_ms, reterr_why));
	TRY(iam_change_run(&change, TABLE_MANAGED, texts, s, reterr_why));
	return iam_change_commit(&change, reterr_why);
}

int iam_managed_get(struct iam *iam, struct slice account, struct slice name, struct buf *into_document,
                    struct why *reterr_why)
{
	struct slice texts[2] = {account, name};
	struct db_stmt *s;

	TRY(iam_sql(iam, "SELECT document FROM iam_managed WHERE account = ?1 AND name = ?2", texts, 2, &s,
	            reterr_why));
	return get_document(s, name, into_document, reterr_why);
}

int iam_managed_delete(struct iam *iam, struct slice account, struct slice name, struct why *reterr_why)
{
	CLEANUP(iam_change_clear) struct iam_change change = {0};
	struct slice texts[2] = {account, name};
	struct db_stmt *s;
	int64_t found;

	TRY(iam_change_begin(&change, iam, reterr_why));
	TRY(iam_count(iam, "SELECT count(*) FROM iam_managed WHERE account = ?1 AND name = ?2", texts, 2, &found,
	              reterr_why));
	if (found == 0)
		return not_there(name, reterr_why);
	TRY(iam_count(iam,
	              "SELECT (SELECT count(*) FROM iam_attachment WHERE account = ?1 AND name = ?2)"
	              " + (SELECT count(*) FROM iam_user WHERE account = ?1 AND boundary = ?2)"
	              " + (SELECT count(*) FROM iam_role WHERE account = ?1 AND boundary = ?2)",
	              texts, 2, &found, reterr_why));
	ENSURE(found == 0, IAM_ERR_IN_USE, reterr_why, "the policy %.*s is in use by %lld users or roles",
	       (int)name.len, (const char *)name.ptr, (long long)found);
	TRY(iam_sql(iam, "DELETE FROM iam_managed WHERE account = ?1 AND name = ?2", texts, 2, &s, reterr_why));
	TRY(iam_change_run(&change, TABLE_MANAGED, texts, s, reterr_why));
	return iam_change_commit(&change, reterr_why);
}

int iam_managed_attach(struct iam *iam, const struct iam_identity *to, struct slice name, struct why *reterr_why)
{
	CLEANUP(iam_change_clear) struct iam_change change = {0};
	struct slice policy[2] = {slice_str(to->account), name};
	struct filed f;
	struct db_stmt *s;
	int64_t found;

	file_under(&f, to, name, (struct slice){0});
	TRY(iam_change_begin(&change, iam, reterr_why));
	TRY(check_owner(iam, to, reterr_why));
	TRY(iam_count(iam, "SELECT count(*) FROM iam_managed WHERE account = ?1 AND name = ?2", policy, 2, &found,
	              reterr_why));
	if (found == 0)
		return not_there(name, reterr_why);
	TRY(iam_count(
		iam,
		"SELECT count(*) FROM iam_attachment WHERE account = ?1 AND kind = ?2 AND owner = ?3 AND name = ?4",
		f.texts, 4, &found, reterr_why));
	if (found)
		return ERR_OK;
	TRY(check_count(iam, &f, reterr_why));
	TRY(iam_sql(iam, "INSERT INTO iam_attachment (account, kind, owner, name) VALUES (?1, ?2, ?3, ?4)", f.texts, 4,
	            &s, reterr_why));
	TRY(iam_change_run(&change, TABLE_ATTACHMENT, f.texts, s, reterr_why));
	return iam_change_commit(&change, reterr_why);
}

int iam_managed_detach(struct iam *iam, const struct iam_identity *from, struct slice name, struct why *reterr_why)
{
	struct filed f;

	file_under(&f, from, name, (struct slice){0});
	return remove_filed(
		iam, TABLE_ATTACHMENT,
		"SELECT count(*) FROM iam_attachment WHERE account = ?1 AND kind = ?2 AND owner = ?3 AND name = ?4",
		"DELETE FROM iam_attachment WHERE account = ?1 AND kind = ?2 AND owner = ?3 AND name = ?4", &f,
		reterr_why);
}
