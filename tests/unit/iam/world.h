/* world.h: a database with two accounts, for the tests of src/iam. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/db.h"
#include "iam/iam.h"

#define NOW_MS UINT64_C(1795000000000) /* 2026-11-18T09:46:40Z */
#define ALLOW_ALL \
	"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}"
#define TRUST_ACCOUNT                                                                                    \
	"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\"," \
	"\"Principal\":{\"AWS\":\"%s\"}}}"

struct world {
	char dir[64], path[96];
	struct db *db;
	struct secret *root_key;
	struct iam *iam;
	struct iam_account operator, alice, bob;
};

/* cmocka's setup and teardown: *state is a struct world. */
int world_make(void **state);
int world_remove(void **state);

/* Closes the database and opens it again. */
void world_reopen(struct world *w);

/* Things that have to be there, made or found. */
struct iam_identity world_user(struct world *w, const struct iam_account *account, const char *name);
struct iam_identity world_role(struct world *w, const struct iam_account *account, const char *name, const char *trust);
struct iam_access_key world_key(struct world *w, const struct iam_account *account, const char *user,
                                struct secret **ret_secret);
