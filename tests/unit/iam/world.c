#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void must(int err, const struct why *why)
{
	if (err != ERR_OK)
		fail_msg("%s", why->text);
}

void world_reopen(struct world *w)
{
	struct db_schema schema = {"the test database", 0x434c7449, iam_migrations_count, iam_migrations};
	struct why why = {{0}};

	iam_closep(&w->iam);
	db_closep(&w->db);
	must(db_open(w->path, &schema, &w->db, &why), &why);
	must(iam_open(w->db, w->root_key, "us-east-1", NULL, &w->iam, &why), &why);
}

int world_make(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct why why = {{0}};

	snprintf(w->dir, sizeof w->dir, "/tmp/cloister-iam-XXXXXX");
	if (!mkdtemp(w->dir))
		return -1;
	snprintf(w->path, sizeof w->path, "%s/keys.db", w->dir);
	must(secret_new_random(32, &w->root_key, &why), &why);
	world_reopen(w);
	must(iam_account_create(w->iam, slice_str("operator"), true, NOW_MS, &w->operator, & why), &why);
	must(iam_account_create(w->iam, slice_str("alice"), false, NOW_MS, &w->alice, &why), &why);
	must(iam_account_create(w->iam, slice_str("bob"), false, NOW_MS, &w->bob, &why), &why);
	*state = w;
	return 0;
}

int world_remove(void **state)
{
	static const char *const suffix[] = {"", "-wal", "-shm"};
	struct world *w = *state;
	char name[128];

	iam_close(w->iam);
	db_close(w->db);
	secret_free(w->root_key);
	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "%s%s", w->path, suffix[i]);
		unlink(name);
	}
	rmdir(w->dir);
	free(w);
	return secret_count() == 0 ? 0 : -1;
}

struct iam_identity world_user(struct world *w, const struct iam_account *account, const char *name)
{
	struct iam_identity_spec spec = {
		.kind = IAM_KIND_USER, .account = slice_str(account->id), .name = slice_str(name)};
	struct iam_identity made;
	struct why why = {{0}};

	must(iam_identity_create(w->iam, &spec, NOW_MS, &made, &why), &why);
	return made;
}

struct iam_identity world_role(struct world *w, const struct iam_account *account, const char *name, const char *trust)
{
	struct iam_identity_spec spec = {.kind = IAM_KIND_ROLE,
	                                 .account = slice_str(account->id),
	                                 .name = slice_str(name),
	                                 .trust = slice_str(trust)};
	struct iam_identity made;
	struct why why = {{0}};

	must(iam_identity_create(w->iam, &spec, NOW_MS, &made, &why), &why);
	return made;
}

struct iam_access_key world_key(struct world *w, const struct iam_account *account, const char *user,
                                struct secret **ret_secret)
{
	struct iam_access_key key;
	struct why why = {{0}};

	must(iam_access_key_create(w->iam, slice_str(account->id), slice_str(user), IAM_ORIGIN_SEALED, NOW_MS, &key,
	                           ret_secret, &why),
	     &why);
	return key;
}
