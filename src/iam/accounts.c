#include <string.h>

#include "base/random.h"
#include "iam/iam_internal.h"

/* Twelve random digits, the first not 0: an account's id shall not look like a shorter number. */
static int new_id(char ret_id[static IAM_ACCOUNT_BYTES], struct why *reterr_why)
{
	uint64_t random;

	TRY(random_fill(&random, sizeof random, reterr_why));
	random = 100000000000 + random % 900000000000;
	for (int i = 11; i >= 0; i--) {
		ret_id[i] = (char)('0' + random % 10);
		random /= 10;
	}
	ret_id[12] = 0;
	return ERR_OK;
}

static int read_account(struct db_stmt *s, struct iam_account *ret_account, struct why *reterr_why)
{
	struct iam_account a = {.is_operator = db_column_i64(s, 2) != 0, .created_ms = (uint64_t)db_column_i64(s, 3)};

	TRY(iam_column(s, 0, a.id, sizeof a.id, reterr_why));
	TRY(iam_column(s, 1, a.name, sizeof a.name, reterr_why));
	*ret_account = a;
	return ERR_OK;
}

static int check_new(struct iam *iam, struct slice name, bool is_operator, struct why *reterr_why)
{
	int64_t found;

	TRY(iam_name_check(name, IAM_NAME_BYTES_MAX, reterr_why));
	TRY(iam_count(iam, "SELECT count(*) FROM iam_account", NULL, 0, &found, reterr_why));
	ENSURE(found < IAM_ACCOUNTS_MAX, ERR_LIMIT, reterr_why, "there are %d accounts already, the most there may be",
	       IAM_ACCOUNTS_MAX);
	TRY(iam_count(iam, "SELECT count(*) FROM iam_account WHERE name = ?1", &name, 1, &found, reterr_why));
	ENSURE(found == 0, IAM_ERR_EXISTS, reterr_why, "there is an account %.*s already", (int)name.len,
	       (const char *)name.ptr);
	if (!is_operator)
		return ERR_OK;
	TRY(iam_count(iam, "SELECT count(*) FROM iam_account WHERE is_operator", NULL, 0, &found, reterr_why));
	ENSURE(found == 0, IAM_ERR_EXISTS, reterr_why, "there is an operator account already");
	return ERR_OK;
}

int iam_account_create(struct iam *iam, struct slice name, bool is_operator, uint64_t now_ms,
                       struct iam_account *ret_account, struct why *reterr_why)
{
	CLEANUP(iam_change_clear) struct iam_change change = {0};
	struct iam_account a = {.is_operator = is_operator, .created_ms = now_ms};
	struct slice texts[2] = {slice_of(a.id, IAM_ACCOUNT_BYTES - 1), name};
	struct db_stmt *s;

	TRY(iam_change_begin(&change, iam, reterr_why));
	TRY(check_new(iam, name, is_operator, reterr_why));
	TRY(new_id(a.id, reterr_why));
	TRY(slice_to_str(name, a.name, sizeof a.name, reterr_why));
	TRY(iam_sql(iam, "INSERT INTO iam_account (id, name, is_operator, created_ms) VALUES (?1, ?2, ?3, ?4)", texts,
	            2, &s, reterr_why));
	TRY(db_bind_i64(s, 3, is_operator, reterr_why));
	TRY(db_bind_i64(s, 4, (int64_t)now_ms, reterr_why));
	TRY(iam_change_run(&change, TABLE_ACCOUNT, texts, s, reterr_why));
	TRY(iam_change_commit(&change, reterr_why));
	*ret_account = a;
	return ERR_OK;
}

int iam_account_get(struct iam *iam, struct slice id, struct iam_account *ret_account, struct why *reterr_why)
{
	struct db_stmt *s;
	bool row;
	int err;

	TRY(iam_sql(iam, "SELECT id, name, is_operator, created_ms FROM iam_account WHERE id = ?1", &id, 1, &s,
	            reterr_why));
	TRY(db_step(s, &row, reterr_why));
	ENSURE(row, ERR_NOTFOUND, reterr_why, "there is no account %.*s", (int)(id.len < 40 ? id.len : 40),
	       (const char *)id.ptr);
	err = read_account(s, ret_account, reterr_why);
	db_reset(s);
	return err;
}

int iam_account_list(struct iam *iam, struct slice after, size_t max,
                     int (*each)(void *self, const struct iam_account *account), void *self, bool *ret_more,
                     struct why *reterr_why)
{
	struct db_stmt *s;
	bool row;
	int err = ERR_OK;

	TRY(iam_sql(iam,
	            "SELECT id, name, is_operator, created_ms FROM iam_account WHERE id > ?1 ORDER BY id LIMIT ?2 + 1",
	            &after, 1, &s, reterr_why));
	TRY(db_bind_i64(s, 2, (int64_t)max, reterr_why));
	TRY(db_step(s, &row, reterr_why));
	for (size_t count = 0; row && count < max && err == ERR_OK; count++) {
		struct iam_account a;

		err = read_account(s, &a, reterr_why);
		if (err == ERR_OK)
			err = each(self, &a);
		if (err == ERR_OK)
			err = db_step(s, &row, reterr_why);
	}
	db_reset(s);
	TRY(err);
	*ret_more = row;
	return ERR_OK;
}
