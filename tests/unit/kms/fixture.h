/* fixture.h: a root key and a keys database in a directory of their own, for the tests of kms/. */
#pragma once
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/path.h"
#include "kms/api_json.h"
#include "kms/grants.h"
#include "kms/keystore.h"
#include "kms/root.h"

#define ACCOUNT "111122223333"
#define OTHER_ACCOUNT "444455556666"
#define POLICY "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
#define NOW_MS 1795376000000ull

/* Why the last call failed. */
static struct why why;

#define OK(call)                                                                       \
	do {                                                                           \
		int err_ = (call);                                                     \
		if (err_ != ERR_OK)                                                    \
			fail_msg("%s: %s: %s", #call, err_class_name(err_), why.text); \
	} while (0)

struct fixture {
	char dir[64];
	char db_path[96];
	int dir_fd;
	struct kms_root *root;
	struct db *db;
	struct kms_keystore *ks;
};

/* A provider without scrypt's cost: its key is 32 times one byte. */
MUST_USE static inline int fixed_key(void *self, struct secret **ret_key, struct why *reterr_why)
{
	TRY(secret_new(32, ret_key, reterr_why));
	memset(secret_bytes(*ret_key), *(const uint8_t *)self, 32);
	return ERR_OK;
}

MUST_USE static inline int fixed_enrol(void *self, struct buf *into, struct secret **ret_key, struct why *reterr_why)
{
	TRY(buf_put_str(into, "{}", reterr_why));
	return fixed_key(self, ret_key, reterr_why);
}

MUST_USE static inline int fixed_recover(void *self, struct slice parameters, struct secret **ret_key,
                                         struct why *reterr_why)
{
	(void)parameters;
	return fixed_key(self, ret_key, reterr_why);
}

static inline struct kms_unseal fixed_provider(uint8_t *byte)
{
	return (struct kms_unseal){.name = "fixed", .enrol = fixed_enrol, .recover = fixed_recover, .self = byte};
}

static inline void fixture_open_db(struct fixture *f)
{
	static struct db_schema schema = {.name = "the keys database", .application_id = 0x434b4d53};

	schema.version = kms_migrations_count;
	schema.migrations = kms_migrations;
	OK(db_open(f->db_path, &schema, &f->db, &why));
}

static inline void fixture_close(struct fixture *f)
{
	kms_keystore_freep(&f->ks);
	db_closep(&f->db);
}

static inline void fixture_reopen(struct fixture *f)
{
	fixture_close(f);
	fixture_open_db(f);
	OK(kms_keystore_open(f->db, f->root, "us-east-1", &f->ks, &why));
}

/* Runs SQL as somebody would who has the file and not the root key. */
static inline void fixture_tamper(struct fixture *f, const char *sql)
{
	struct db_stmt *q;

	fixture_close(f);
	fixture_open_db(f);
	OK(db_sql(f->db, sql, &q, &why));
	OK(db_run(q, &why));
	assert_true(db_changes(f->db) > 0);
}

/* What the opened keystore says to it. */
static inline int fixture_open_tampered(struct fixture *f)
{
	return kms_keystore_open(f->db, f->root, "us-east-1", &f->ks, &why);
}

static inline int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	uint8_t byte = 7;
	struct kms_unseal unseal = fixed_provider(&byte);

	snprintf(f->dir, sizeof f->dir, "/tmp/cloister-kms-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->db_path, sizeof f->db_path, "%s/keys.db", f->dir);
	OK(path_open_given(f->dir, O_RDONLY | O_DIRECTORY, 0, &f->dir_fd, &why));
	OK(kms_root_create(f->dir_fd, &unseal, &f->root, &why));
	fixture_reopen(f);
	*state = f;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	fixture_close(f);
	kms_root_free(f->root);
	OK(path_empty_dir(f->dir_fd, &why));
	close(f->dir_fd);
	rmdir(f->dir);
	free(f);
	return secret_count() == 0 ? 0 : -1; /* a secret that is left is a leak */
}

#define fixture_test(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
