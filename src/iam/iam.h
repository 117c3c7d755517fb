/* iam.h: accounts and who is in them: users, roles, access keys and their policies, as rows of the keys database.
 *
 * An access key's secret is stored sealed under a key derived from the root key; its id says what it is by four letters
 * (docs/protocol/policy.md). Names differ by more than case. Every change is one transaction, told row by row to the
 * journal, if there is one. A handle belongs to one thread, like its database. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/slice.h"
#include "db/db.h"

#define IAM_ACCOUNT_BYTES 13 /* twelve digits and a NUL */
#define IAM_ID_BYTES 21      /* four letters, sixteen of base32, a NUL */
#define IAM_ARN_BYTES_MAX 704
#define IAM_SECRET_CHARS 40

/* Finer codes than err.h has, where the APIs that we follow answer differently. */
enum iam_err {
	IAM_ERR_EXISTS = ERR_CONFLICT - 1, /* such a thing is there already */
	IAM_ERR_IN_USE = ERR_CONFLICT - 2, /* it still has keys or policies, or is attached */
	IAM_ERR_POLICY = ERR_INVALID - 1,  /* not a policy document */
};

/* SQL that makes our tables, step by step; `keys` puts them into its schema beside kms's. */
extern const char *const iam_migrations[];
extern const int iam_migrations_count;

/* Who keeps track of changes: the hash chain of database generations. `row` is called within the transaction for each
 * row that is added (`before` empty), replaced, or removed (`after` empty); rows are lp() of the table's name and its
 * columns. Without a journal iam begins and commits by itself. */
struct iam_journal {
	void *self;
	int (*begin)(void *self, struct why *reterr_why);
	void (*row)(void *self, struct slice before, struct slice after);
	int (*commit)(void *self, struct why *reterr_why);
	void (*rollback)(void *self);
};

struct iam;

/* `db` holds iam_migrations; it and `journal` (NULL: none) are borrowed until iam_close(), the root key (32 bytes) for
 * this call only. `region` is what requests must be signed for. */
MUST_USE int iam_open(struct db *db, const struct secret *root_key, const char *region,
                      const struct iam_journal *journal, struct iam **ret_iam, struct why *reterr_why);
void iam_close(struct iam *iam);
void iam_closep(struct iam **iam);

/* Hands over every row, as the journal has them, for the check at start-up. */
MUST_USE int iam_rows_each(struct iam *iam, void (*each)(void *self, struct slice row), void *self,
                           struct why *reterr_why);

/* --- accounts --- */

struct iam_account {
	char id[IAM_ACCOUNT_BYTES];
	char name[IAM_NAME_BYTES_MAX + 1];
	bool is_operator;
	uint64_t created_ms;
};

/* A new account with a random id. There is one operator account: IAM_ERR_EXISTS for a second, or for the name. */
MUST_USE int iam_account_create(struct iam *iam, struct slice name, bool is_operator, uint64_t now_ms,
                                struct iam_account *ret_account, struct why *reterr_why);
MUST_USE int iam_account_get(struct iam *iam, struct slice id, struct iam_account *ret_account, struct why *reterr_why);

/* Calls `each` for accounts in the order of their ids, after `after` (empty: from the first), at most `max` of them;
 * *ret_more tells whether there are others. So with every list here. An error of `each` ends the list and is returned.
 */
MUST_USE int iam_account_list(struct iam *iam, struct slice after, size_t max,
                              int (*each)(void *self, const struct iam_account *account), void *self, bool *ret_more,
                              struct why *reterr_why);

/* --- users and roles --- */

enum iam_kind {
	IAM_KIND_USER = 1,
	IAM_KIND_ROLE = 2,
};

struct iam_identity {
	enum iam_kind kind;
	char account[IAM_ACCOUNT_BYTES];
	char name[IAM_NAME_BYTES_MAX + 1];
	char id[IAM_ID_BYTES]; /* never given twice: a user made anew under an old name is another one */
	char path[IAM_PATH_BYTES_MAX + 1];
	char arn[IAM_ARN_BYTES_MAX];
	char boundary[IAM_POLICY_NAME_BYTES_MAX + 1]; /* name of a managed policy, or "" */
	char trust[IAM_TRUST_BYTES_MAX + 1];          /* of a role */
	uint32_t max_session_s;                       /* of a role */
	uint64_t created_ms;
};

/* What a new user or role shall be. An empty path is "/". `trust` and `max_session_s` (0: the default) are a role's. */
struct iam_identity_spec {
	enum iam_kind kind;
	struct slice account, name, path, trust;
	uint32_t max_session_s;
};

/* ERR_NOTFOUND (account), ERR_INVALID (name, path), IAM_ERR_POLICY, IAM_ERR_EXISTS, ERR_LIMIT. */
MUST_USE int iam_identity_create(struct iam *iam, const struct iam_identity_spec *spec, uint64_t now_ms,
                                 struct iam_identity *ret_identity, struct why *reterr_why);
MUST_USE int iam_identity_get(struct iam *iam, enum iam_kind kind, struct slice account, struct slice name,
                              struct iam_identity *ret_identity, struct why *reterr_why);
MUST_USE int iam_identity_list(struct iam *iam, enum iam_kind kind, struct slice account, struct slice after,
                               size_t max, int (*each)(void *self, const struct iam_identity *identity), void *self,
                               bool *ret_more, struct why *reterr_why);

/* IAM_ERR_IN_USE while it has access keys or policies. */
MUST_USE int iam_identity_delete(struct iam *iam, enum iam_kind kind, struct slice account, struct slice name,
                                 struct why *reterr_why);

MUST_USE int iam_role_set_trust(struct iam *iam, struct slice account, struct slice name, struct slice trust,
                                struct why *reterr_why);

/* Sets the permissions boundary to a managed policy of the account; an empty name removes it. */
MUST_USE int iam_identity_set_boundary(struct iam *iam, enum iam_kind kind, struct slice account, struct slice name,
                                       struct slice policy, struct why *reterr_why);

/* --- policies --- */

/* Inline policies of one identity. Putting one replaces it. IAM_ERR_POLICY, ERR_LIMIT. */
MUST_USE int iam_inline_put(struct iam *iam, const struct iam_identity *owner, struct slice name, struct slice document,
                            struct why *reterr_why);
MUST_USE int iam_inline_get(struct iam *iam, const struct iam_identity *owner, struct slice name,
                            struct buf *into_document, struct why *reterr_why);
MUST_USE int iam_inline_list(struct iam *iam, const struct iam_identity *owner, struct slice after, size_t max,
                             int (*each)(void *self, struct slice name), void *self, bool *ret_more,
                             struct why *reterr_why);
MUST_USE int iam_inline_delete(struct iam *iam, const struct iam_identity *owner, struct slice name,
                               struct why *reterr_why);

/* Managed policies of an account, which its identities share. IAM_ERR_IN_USE for deleting an attached one. */
MUST_USE int iam_managed_put(struct iam *iam, struct slice account, struct slice name, struct slice document,
                             uint64_t now_ms, struct why *reterr_why);
MUST_USE int iam_managed_get(struct iam *iam, struct slice account, struct slice name, struct buf *into_document,
                             struct why *reterr_why);
MUST_USE int iam_managed_delete(struct iam *iam, struct slice account, struct slice name, struct why *reterr_why);
MUST_USE int iam_managed_attach(struct iam *iam, const struct iam_identity *to, struct slice name,
                                struct why *reterr_why);
MUST_USE int iam_managed_detach(struct iam *iam, const struct iam_identity *from, struct slice name,
                                struct why *reterr_why);

/* --- access keys --- */

/* How credentials reached whoever holds them (protocols 2): sealed to them, or across a front in clear. */
enum iam_origin {
	IAM_ORIGIN_PLAIN,
	IAM_ORIGIN_SEALED,
};
const char *iam_origin_name(enum iam_origin origin);

struct iam_access_key {
	char id[IAM_ID_BYTES];
	char account[IAM_ACCOUNT_BYTES];
	char user[IAM_NAME_BYTES_MAX + 1]; /* "" for the account's root user */
	bool is_active;
	enum iam_origin origin;
	uint64_t created_ms;
};

/* A new key for a user, or with an empty name for the root user. The secret, 40 characters, is never shown again. */
MUST_USE int iam_access_key_create(struct iam *iam, struct slice account, struct slice user, enum iam_origin origin,
                                   uint64_t now_ms, struct iam_access_key *ret_key, struct secret **ret_secret,
                                   struct why *reterr_why);
MUST_USE int iam_access_key_get(struct iam *iam, struct slice id, struct iam_access_key *ret_key,
                                struct why *reterr_why);

/* ERR_TAMPERED if the sealed secret is not this key's. */
MUST_USE int iam_access_key_secret(struct iam *iam, const struct iam_access_key *key, struct secret **ret_secret,
                                   struct why *reterr_why);
MUST_USE int iam_access_key_list(struct iam *iam, struct slice account, struct slice user,
                                 int (*each)(void *self, const struct iam_access_key *key), void *self,
                                 struct why *reterr_why);

/* ERR_NOTFOUND unless the key is this user's. */
MUST_USE int iam_access_key_set_active(struct iam *iam, struct slice account, struct slice user, struct slice id,
                                       bool is_active, struct why *reterr_why);
MUST_USE int iam_access_key_delete(struct iam *iam, struct slice account, struct slice user, struct slice id,
                                   struct why *reterr_why);
