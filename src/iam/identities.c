/* Users and roles. Two tables of one shape, so one set of functions with the statements of each beside each other. */
#include <stdio.h>
#include <string.h>

#include "iam/iam_internal.h"

static const struct {
	enum iam_table table;
	const char *noun, *letters;
	size_t max;
	const char *count, *insert, *get, *list, *remove, *set_boundary, *dependents;
} kinds[] = {
	[IAM_KIND_USER] =
		{TABLE_USER, "user", "AIDA", IAM_USERS_MAX, "SELECT count(*) FROM iam_user WHERE account = ?1",
                 "INSERT INTO iam_user (account, folded, name, id, path, boundary, created_ms)"
                 " VALUES (?1, ?2, ?3, ?4, ?5, '', ?6)",
                 "SELECT account, name, id, path, boundary, created_ms FROM iam_user"
                 " WHERE account = ?1 AND folded = ?2",
                 "SELECT account, name, id, path, boundary, created_ms FROM iam_user"
                 " WHERE account = ?1 AND folded > ?2 ORDER BY folded LIMIT ?3 + 1",
                 "DELETE FROM iam_user WHERE account = ?1 AND folded = ?2",
                 "UPDATE iam_user SET boundary = ?3 WHERE account = ?1 AND folded = ?2",
                 "SELECT (SELECT count(*) FROM iam_inline WHERE account = ?1 AND kind = 'user' AND owner = ?2)"
                 " + (SELECT count(*) FROM iam_attachment WHERE account = ?1 AND kind = 'user' AND owner = ?2)"
                 " + (SELECT count(*) FROM iam_access_key WHERE account = ?1 AND user = ?2)"},
	[IAM_KIND_ROLE] =
		{TABLE_ROLE, "role", "AROA", IAM_ROLES_MAX, "SELECT count(*) FROM iam_role WHERE account = ?1",
                 "INSERT INTO iam_role (account, folded, name, id, path, boundary, created_ms, trust,"
                 " max_session_s) VALUES (?1, ?2, ?3, ?4, ?5, '', ?6, ?7, ?8)",
                 "SELECT account, name, id, path, boundary, created_ms, trust, max_session_s FROM iam_role"
                 " WHERE account = ?1 AND folded = ?2",
                 "SELECT account, name, id, path, boundary, created_ms, trust, max_session_s FROM iam_role"
                 " WHERE account = ?1 AND folded > ?2 ORDER BY folded LIMIT ?3 + 1",
                 "DELETE FROM iam_role WHERE account = ?1 AND folded = ?2",
                 "UPDATE iam_role SET boundary = ?3 WHERE account = ?1 AND folded = ?2",
                 "SELECT (SELECT count(*) FROM iam_inline WHERE account = ?1 AND kind = 'role' AND owner = ?2)"
                 " + (SELECT count(*) FROM iam_attachment WHERE account = ?1 AND kind = 'role' AND owner = ?2)"},
};

static int read_identity(struct db_stmt *s, enum iam_kind kind, struct iam_identity *ret_identity,
                         struct why *reterr_why)
{
	struct iam_identity i = {.kind = kind, .created_ms = (uint64_t)db_column_i64(s, 5)};

	TRY(iam_column(s, 0, i.account, sizeof i.account, reterr_why));
	TRY(iam_column(s, 1, i.name, sizeof i.name, reterr_why));
	TRY(iam_column(s, 2, i.id, sizeof i.id, reterr_why));
	TRY(iam_column(s, 3, i.path, sizeof i.path, reterr_why));
	TRY(iam_column(s, 4, i.boundary, sizeof i.boundary, reterr_why));
	if (kind == IAM_KIND_ROLE) {
		TRY(iam_column(s, 6, i.trust, sizeof i.trust, reterr_why));
		i.max_session_s = (uint32_t)db_column_i64(s, 7);
	}
	snprintf(i.arn, sizeof i.arn, "arn:aws:iam::%s:%s%s%s", i.account, kinds[kind].noun, i.path, i.name);
	*ret_identity = i;
	return ERR_OK;
}

/* "/" or "/division/team/": printable ASCII between slashes. */
static int check_path(struct slice path, struct why *reterr_why)
{
	bool is_good = path.len <= IAM_PATH_BYTES_MAX && path.len > 0 && path.ptr[0] == '/' &&
	               path.ptr[path.len - 1] == '/';

	for (size_t i = 0; i < path.len && is_good; i++)
		is_good = path.ptr[i] > 0x20 && path.ptr[i] < 0x7f && path.ptr[i] != '*' && path.ptr[i] != '?' &&
		          path.ptr[i] != ':' && path.ptr[i] != '$';
	ENSURE(is_good, ERR_INVALID, reterr_why,
	       "a path begins and ends with / and has at most %d printable characters", IAM_PATH_BYTES_MAX);
	return ERR_OK;
}

static int check_spec(struct iam *iam, const struct iam_identity_spec *spec, struct slice path, struct why *reterr_why)
{
	struct iam_account account;
	int64_t count;

	TRY(iam_name_check(spec->name, IAM_NAME_BYTES_MAX, reterr_why));
	TRY(check_path(path, reterr_why));
	TRY(iam_account_get(iam, spec->account, &account, reterr_why));
	TRY(iam_count(iam, kinds[spec->kind].count, &spec->account, 1, &count, reterr_why));
	ENSURE((size_t)count < kinds[spec->kind].max, ERR_LIMIT, reterr_why,
	       "the account has %zu %ss already, the most there may be", kinds[spec->kind].max, kinds[spec->kind].noun);
	if (spec->kind == IAM_KIND_USER)
		return ERR_OK;
	ENSURE(spec->max_session_s == 0 ||
	               (spec->max_session_s >= IAM_SESSION_S_DEFAULT && spec->max_session_s <= IAM_SESSION_S_MAX),
	       ERR_INVALID, reterr_why, "the longest session of a role is from %d to %d seconds, not %u",
	       IAM_SESSION_S_DEFAULT, IAM_SESSION_S_MAX, spec->max_session_s);
	return iam_document_check(spec->trust, true, IAM_TRUST_BYTES_MAX, reterr_why);
}

static int insert_identity(struct iam_change *change, const struct iam_identity_spec *spec, struct slice path,
                           uint64_t now_ms, struct why *reterr_why)
{
	struct iam_folded folded = iam_fold(spec->name);
	char id[IAM_ID_BYTES];
	struct slice texts[5] = {spec->account, iam_folded_slice(&folded), spec->name, slice_of(id, IAM_ID_BYTES - 1),
	                         path};
	uint32_t max_session_s = spec->max_session_s ? spec->max_session_s : IAM_SESSION_S_DEFAULT;
	struct db_stmt *s;

	TRY(iam_id_new(kinds[spec->kind].letters, id, reterr_why));
	TRY(iam_sql(change->iam, kinds[spec->kind].insert, texts, 5, &s, reterr_why));
	TRY(db_bind_i64(s, 6, (int64_t)now_ms, reterr_why));
	if (spec->kind == IAM_KIND_ROLE) {
		TRY(db_bind_text(s, 7, spec->trust, reterr_why));
		TRY(db_bind_i64(s, 8, max_session_s, reterr_why));
	}
	return iam_change_run(change, kinds[spec->kind].table, texts, s, reterr_why);
}

int iam_identity_create(struct iam *iam, const struct iam_identity_spec *spec, uint64_t now_ms,
                        struct iam_identity *ret_identity, struct why *reterr_why)
{
	CLEANUP(iam_change_clear) struct iam_change change = {0};
	struct slice path = spec->path.len ? spec->path : slice_str("/");
	struct iam_identity found;
	int err;

	TRY(iam_change_begin(&change, iam, reterr_why));
	TRY(check_spec(iam, spec, path, reterr_why));
	err = iam_identity_get(iam, spec->kind, spec->account, spec->name, &found, reterr_why);
	ENSURE(err != ERR_OK, IAM_ERR_EXISTS, reterr_why, "there is a %s %s already", kinds[spec->kind].noun,
	       found.name);
	if (err != ERR_NOTFOUND)
		return err;
	TRY(insert_identity(&change, spec, path, now_ms, reterr_why));
	TRY(iam_identity_get(iam, spec->kind, spec->account, spec->name, &found, reterr_why));
	TRY(iam_change_commit(&change, reterr_why));
	*ret_identity = found;
	return ERR_OK;
}

int iam_identity_get(struct iam *iam, enum iam_kind kind, struct slice account, struct slice name,
                     struct iam_identity *ret_identity, struct why *reterr_why)
{
	struct iam_folded folded = iam_fold(name);
	struct slice texts[2] = {account, iam_folded_slice(&folded)};
	struct db_stmt *s;
	bool row;
	int err;

	TRY(iam_sql(iam, kinds[kind].get, texts, 2, &s, reterr_why));
	TRY(db_step(s, &row, reterr_why));
	ENSURE(row, ERR_NOTFOUND, reterr_why, "there is no %s %.*s in account %.*s", kinds[kind].noun,
	       (int)(name.len < IAM_NAME_BYTES_MAX ? name.len : IAM_NAME_BYTES_MAX), (const char *)name.ptr,
	       (int)account.len, (const char *)account.ptr);
	err = read_identity(s, kind, ret_identity, reterr_why);
	db_reset(s);
	return err;
}

int iam_identity_list(struct iam *iam, enum iam_kind kind, struct slice account, struct slice after, size_t max,
                      int (*each)(void *self, const struct iam_identity *identity), void *self, bool *ret_more,
                      struct why *reterr_why)
{
	struct iam_folded folded = iam_fold(after);
	struct slice texts[2] = {account, iam_folded_slice(&folded)};
	struct db_stmt *s;
	bool row;
	int err = ERR_OK;

	TRY(iam_sql(iam, kinds[kind].list, texts, 2, &s, reterr_why));
	TRY(db_bind_i64(s, 3, (int64_t)max, reterr_why));
	TRY(db_step(s, &row, reterr_why));
	for (size_t count = 0; row && count < max && err == ERR_OK; count++) {
		struct iam_identity identity;

		err = read_identity(s, kind, &identity, reterr_why);
		if (err == ERR_OK)
			err = each(self, &identity);
		if (err == ERR_OK)
			err = db_step(s, &row, reterr_why);
	}
	db_reset(s);
	TRY(err);
	*ret_more = row;
	return ERR_OK;
}

int iam_identity_delete(struct iam *iam, enum iam_kind kind, struct slice account, struct slice name,
                        struct why *reterr_why)
{
	CLEANUP(iam_change_clear) struct iam_change change = {0};
	struct iam_folded folded = iam_fold(name);
	struct slice texts[2] = {account, iam_folded_slice(&folded)};
	struct iam_identity found;
	struct db_stmt *s;
	int64_t dependents;

	TRY(iam_change_begin(&change, iam, reterr_why));
	TRY(iam_identity_get(iam, kind, account, name, &found, reterr_why));
	TRY(iam_count(iam, kinds[kind].dependents, texts, 2, &dependents, reterr_why));
	ENSURE(dependents == 0, IAM_ERR_IN_USE, reterr_why, "%s %s still has policies%s: delete them first",
	       kinds[kind].noun, found.name, kind == IAM_KIND_USER ? " or access keys" : "");
	TRY(iam_sql(iam, kinds[kind].remove, texts, 2, &s, reterr_why));
	TRY(iam_change_run(&change, kinds[kind].table, texts, s, reterr_why));
	return iam_change_commit(&change, reterr_why);
}

/* Sets one text column of an identity that exists. */
static int set_text(struct iam_change *change, enum iam_kind kind, const char *literal, struct slice account,
                    struct slice name, struct slice text, struct why *reterr_why)
{
	struct iam_folded folded = iam_fold(name);
	struct slice texts[3] = {account, iam_folded_slice(&folded), text};
	struct iam_identity found;
	struct db_stmt *s;

	TRY(iam_identity_get(change->iam, kind, account, name, &found, reterr_why));
	TRY(iam_sql(change->iam, literal, texts, 3, &s, reterr_why));
	return iam_change_run(change, kinds[kind].table, texts, s, reterr_why);
}

int iam_role_set_trust(struct iam *iam, struct slice account, struct slice name, struct slice trust,
                       struct why *reterr_why)
{
	CLEANUP(iam_change_clear) struct iam_change change = {0};

	TRY(iam_document_check(trust, true, IAM_TRUST_BYTES_MAX, reterr_why));
	TRY(iam_change_begin(&change, iam, reterr_why));
	TRY(set_text(&change, IAM_KIND_ROLE, "UPDATE iam_role SET trust = ?3 WHERE account = ?1 AND folded = ?2",
	             account, name, trust, reterr_why));
	return iam_change_commit(&change, reterr_why);
}

int iam_identity_set_boundary(struct iam *iam, enum iam_kind kind, struct slice account, struct slice name,
                              struct slice policy, struct why *reterr_why)
{
	CLEANUP(iam_change_clear) struct iam_change change = {0};
	struct slice texts[2] = {account, policy};
	int64_t count = 0;

	TRY(iam_change_begin(&change, iam, reterr_why));
	if (policy.len) {
		TRY(iam_count(iam, "SELECT count(*) FROM iam_managed WHERE account = ?1 AND name = ?2", texts, 2,
		              &count, reterr_why));
		ENSURE(count == 1, ERR_NOTFOUND, reterr_why, "there is no policy %.*s in account %.*s",
		       (int)(policy.len < 128 ? policy.len : 128), (const char *)policy.ptr, (int)account.len,
		       (const char *)account.ptr);
	}
	TRY(set_text(&change, kind, kinds[kind].set_boundary, account, name, policy, reterr_why));
	return iam_change_commit(&change, reterr_why);
}
