#include <string.h>

#include "base/encode.h"
#include "crypto/xaes.h"
#include "iam/iam_internal.h"

/* "Cloister long-term access key"; the temporary ones of sessions begin with CLAS (session.h). */
#define KEY_LETTERS "CLAK"

/* 30 random bytes are exactly forty characters of base64. */
enum { SECRET_RANDOM_BYTES = 30 };

static int new_secret(struct secret **ret_secret, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *random = NULL;
	CLEANUP(secret_freep) struct secret *text = NULL;

	TRY(secret_new_random(SECRET_RANDOM_BYTES, &random, reterr_why));
	TRY(secret_new(IAM_SECRET_CHARS + 1, &text, reterr_why));
	base64_encode(slice_of(secret_peek(random), SECRET_RANDOM_BYTES), (char *)secret_bytes(text));
	secret_shrink(text, IAM_SECRET_CHARS);
	*ret_secret = take_ptr(text);
	return ERR_OK;
}

/* A sealed secret belongs to one key of one user: moved to another row it does not open. */
static int put_aad(struct buf *into, struct slice id, struct slice account, struct slice user, struct why *reterr_why)
{
	TRY(buf_put_lp(into, slice_str("cloister.iam/v1 access key"), reterr_why));
	TRY(buf_put_lp(into, id, reterr_why));
	TRY(buf_put_lp(into, account, reterr_why));
	return buf_put_lp(into, user, reterr_why);
}

/* Users are filed by their folded names; an empty one is the root user. */
static int check_user(struct iam *iam, struct slice account, struct slice user, struct why *reterr_why)
{
	struct iam_account found_account;
	struct iam_identity found;

	if (user.len == 0)
		return iam_account_get(iam, account, &found_account, reterr_why);
	return iam_identity_get(iam, IAM_KIND_USER, account, user, &found, reterr_why);
}

static int check_count(struct iam *iam, struct slice account, struct slice user, struct why *reterr_why)
{
	struct slice texts[2] = {account, user};
	int64_t count;

	TRY(iam_count(iam, "SELECT count(*) FROM iam_access_key WHERE account = ?1 AND user = ?2", texts, 2, &count,
	              reterr_why));
	ENSURE(count < IAM_ACCESS_KEYS_MAX, ERR_LIMIT, reterr_why,
	       "there are %d access keys already, the most there may be: delete one", IAM_ACCESS_KEYS_MAX);
	return ERR_OK;
}

static int seal_secret(struct iam *iam, const struct slice *texts, const struct secret *secret, struct buf **ret_sealed,
                       struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *aad = NULL, *sealed = NULL;

	TRY(buf_new(512, &aad, reterr_why));
	TRY(buf_new(512, &sealed, reterr_why));
	TRY(put_aad(aad, texts[0], texts[1], texts[2], reterr_why));
	TRY(xaes_seal(iam->seal_key, buf_slice(aad), slice_of(secret_peek(secret), secret_len(secret)), sealed,
	              reterr_why));
	*ret_sealed = take_ptr(sealed);
	return ERR_OK;
}

int iam_access_key_create(struct iam *iam, struct slice account, struct slice user, enum iam_origin origin,
                          uint64_t now_ms, struct iam_access_key *ret_key, struct secret **ret_secret,
                          struct why *reterr_why)
{
	CLEANUP(iam_change_clear) struct iam_change change = {0};
	CLEANUP(secret_freep) struct secret *secret = NULL;
	CLEANUP(buf_freep) struct buf *sealed = NULL;
	struct iam_folded folded = iam_fold(user);
	char id[IAM_ID_BYTES];
	struct slice texts[3] = {slice_of(id, IAM_ID_BYTES - 1), account, iam_folded_slice(&folded)};
	struct iam_access_key key;
	struct db_stmt *s;

	TRY(iam_change_begin(&change, iam, reterr_why));
	TRY(check_user(iam, account, user, reterr_why));
	TRY(check_count(iam, account, texts[2], reterr_why));
	TRY(iam_id_new(KEY_LETTERS, id, reterr_why));
	TRY(new_secret(&secret, reterr_why));
	TRY(seal_secret(iam, texts, secret, &sealed, reterr_why));
	TRY(iam_sql(iam,
	            "INSERT INTO iam_access_key (id, account, user, sealed, is_active, is_sealed, created_ms)"
	            " VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6)",
	            texts, 3, &s, reterr_why));
	TRY(db_bind_blob(s, 4, buf_slice(sealed), reterr_why));
	TRY(db_bind_i64(s, 5, origin == IAM_ORIGIN_SEALED, reterr_why));
	TRY(db_bind_i64(s, 6, (int64_t)now_ms, reterr_why));
	TRY(iam_change_run(&change, TABLE_ACCESS_KEY, texts, s, reterr_why));
	TRY(iam_access_key_get(iam, texts[0], &key, reterr_why));
	TRY(iam_change_commit(&change, reterr_why));
	*ret_key = key;
	*ret_secret = take_ptr(secret);
	return ERR_OK;
}

/* Of columns id, account, user as the user writes it, is_active, is_sealed, created_ms. */
static int read_key(struct db_stmt *s, struct iam_access_key *ret_key, struct why *reterr_why)
{
	struct iam_access_key key = {.is_active = db_column_i64(s, 3) != 0,
	                             .origin = db_column_i64(s, 4) ? IAM_ORIGIN_SEALED : IAM_ORIGIN_PLAIN,
	                             .created_ms = (uint64_t)db_column_i64(s, 5)};

	TRY(iam_column(s, 0, key.id, sizeof key.id, reterr_why));
	TRY(iam_column(s, 1, key.account, sizeof key.account, reterr_why));
	TRY(iam_column(s, 2, key.user, sizeof key.user, reterr_why));
	*ret_key = key;
	return ERR_OK;
}

int iam_access_key_get(struct iam *iam, struct slice id, struct iam_access_key *ret_key, struct why *reterr_why)
{
	struct db_stmt *s;
	bool row;
	int err;

	TRY(iam_sql(iam,
	            "SELECT k.id, k.account, coalesce(u.name, k.user), k.is_active, k.is_sealed, k.created_ms FROM "
	            "iam_access_key k"
	            " LEFT JOIN iam_user u ON u.account = k.account AND u.folded = k.user WHERE k.id = ?1",
	            &id, 1, &s, reterr_why));
	TRY(db_step(s, &row, reterr_why));
	ENSURE(row, ERR_NOTFOUND, reterr_why, "there is no such access key");
	err = read_key(s, ret_key, reterr_why);
	db_reset(s);
	return err;
}

int iam_access_key_secret(struct iam *iam, const struct iam_access_key *key, struct secret **ret_secret,
                          struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *aad = NULL;
	struct iam_folded folded = iam_fold(slice_str(key->user));
	struct slice id = slice_str(key->id);
	struct db_stmt *s;
	bool row;
	int err;

	TRY(buf_new(512, &aad, reterr_why));
	TRY(put_aad(aad, id, slice_str(key->account), iam_folded_slice(&folded), reterr_why));
	TRY(iam_sql(iam, "SELECT sealed FROM iam_access_key WHERE id = ?1", &id, 1, &s, reterr_why));
	TRY(db_step(s, &row, reterr_why));
	ENSURE(row, ERR_NOTFOUND, reterr_why, "there is no such access key");
	err = xaes_open(iam->seal_key, buf_slice(aad), db_column(s, 0), ret_secret, reterr_why);
	db_reset(s);
	ENSURE(err == ERR_OK, err == ERR_INVALID ? ERR_TAMPERED : err, reterr_why,
	       "the stored secret of access key %s was altered, or is of another installation", key->id);
	return ERR_OK;
}

int iam_access_key_list(struct iam *iam, struct slice account, struct slice user,
                        int (*each)(void *self, const struct iam_access_key *key), void *self, struct why *reterr_why)
{
	struct iam_folded folded = iam_fold(user);
	struct slice texts[2] = {account, iam_folded_slice(&folded)};
	struct db_stmt *s;
	bool row;
	int err = ERR_OK;

	TRY(check_user(iam, account, user, reterr_why));
	TRY(iam_sql(iam,
	            "SELECT k.id, k.account, coalesce(u.name, k.user), k.is_active, k.is_sealed, k.created_ms FROM "
	            "iam_access_key k"
	            " LEFT JOIN iam_user u ON u.account = k.account AND u.folded = k.user"
	            " WHERE k.account = ?1 AND k.user = ?2 ORDER BY k.created_ms, k.id",
	            texts, 2, &s, reterr_why));
	TRY(db_step(s, &row, reterr_why));
	while (row && err == ERR_OK) {
		struct iam_access_key key;

		err = read_key(s, &key, reterr_why);
		if (err == ERR_OK)
			err = each(self, &key);
		if (err == ERR_OK)
			err = db_step(s, &row, reterr_why);
	}
	db_reset(s);
	return err;
}

/* Runs a change of a key that has to be this user's. */
static int change_key(struct iam *iam, const char *literal, struct slice account, struct slice user, struct slice id,
                      const bool *is_active, struct why *reterr_why)
{
	CLEANUP(iam_change_clear) struct iam_change change = {0};
	struct iam_folded folded = iam_fold(user);
	struct slice texts[3] = {id, account, iam_folded_slice(&folded)};
	struct db_stmt *s;
	int64_t found;

	TRY(iam_change_begin(&change, iam, reterr_why));
	TRY(iam_count(iam, "SELECT count(*) FROM iam_access_key WHERE id = ?1 AND account = ?2 AND user = ?3", texts, 3,
	              &found, reterr_why));
	ENSURE(found == 1 && (user.len == 0 || folded.len > 0), ERR_NOTFOUND, reterr_why,
	       "the user has no access key %.*s", (int)(id.len < 40 ? id.len : 40), (const char *)id.ptr);
	TRY(iam_sql(iam, literal, texts, 1, &s, reterr_why));
	if (is_active)
		TRY(db_bind_i64(s, 2, *is_active, reterr_why));
	TRY(iam_change_run(&change, TABLE_ACCESS_KEY, texts, s, reterr_why));
	return iam_change_commit(&change, reterr_why);
}

int iam_access_key_set_active(struct iam *iam, struct slice account, struct slice user, struct slice id, bool is_active,
                              struct why *reterr_why)
{
	return change_key(iam, "UPDATE iam_access_key SET is_active = ?2 WHERE id = ?1", account, user, id, &is_active,
	                  reterr_why);
}

int iam_access_key_delete(struct iam *iam, struct slice account, struct slice user, struct slice id,
                          struct why *reterr_why)
{
	char text[IAM_ID_BYTES];

	TRY(change_key(iam, "DELETE FROM iam_access_key WHERE id = ?1", account, user, id, NULL, reterr_why));
	if (slice_to_str(id, text, sizeof text, NULL) == ERR_OK)
		signing_keys_drop(iam->signing_keys, text);
	return ERR_OK;
}
