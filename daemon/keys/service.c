#include "daemon/keys/service.h"

#include <stdlib.h>

#include "base/time.h"

enum {
	APPLICATION_ID = 0x434c4b59, /* "CLKY" */
	MIGRATIONS_MAX = 32,
};

static int append(const char *const *list, int count, const char **into, int *inout_count, struct why *reterr_why)
{
	ENSURE(*inout_count + count <= MIGRATIONS_MAX, ERR_INTERNAL, reterr_why, "too many migrations");
	for (int i = 0; i < count; i++)
		into[(*inout_count)++] = list[i];
	return ERR_OK;
}

/* Later steps of any of them go behind all of these, so that versions keep their meaning. */
static int open_database(const char *path, struct db **ret_db, struct why *reterr_why)
{
	const char *steps[MIGRATIONS_MAX];
	struct db_schema schema = {.name = "the keys database", .application_id = APPLICATION_ID, .migrations = steps};

	TRY(append(iam_migrations, iam_migrations_count, steps, &schema.version, reterr_why));
	TRY(append(kms_migrations, kms_migrations_count, steps, &schema.version, reterr_why));
	TRY(append(keys_bucket_migrations, keys_bucket_migrations_count, steps, &schema.version, reterr_why));
	return db_open(path, &schema, ret_db, reterr_why);
}

static void tally_row(void *self, struct slice row)
{
	kms_tally_row(self, row);
}

static int tally_others(void *self, struct kms_tally *tally, struct why *reterr_why)
{
	struct keys_service *s = self;

	TRY(iam_rows_each(s->iam, tally_row, tally, reterr_why));
	return keys_bucket_tally(&s->buckets, tally, reterr_why);
}

static int open_parts(struct keys_service *s, const struct keys_service_options *options, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *iam_key = NULL;
	const struct kms_other_rows others = {.self = s, .each = tally_others};

	keys_journal_init(&s->journal);
	TRY(open_database(options->database, &s->db, reterr_why));
	s->buckets.db = s->db;
	TRY(kms_root_derive(s->root, KMS_ROOT_IAM, slice_of(NULL, 0), &iam_key, reterr_why));
	TRY(iam_open(s->db, iam_key, options->region, &s->journal.callbacks, &s->iam, reterr_why));
	TRY(kms_keystore_open_beside(s->db, s->root, options->region, &others, &s->keystore, reterr_why));
	s->journal.state = kms_keystore_state(s->keystore);
	s->buckets.state = s->journal.state;
	TRY(iam_repeats_new(IAM_SIGNATURES_MAX, &s->repeats, reterr_why));
	TRY(keys_outbox_new(s->root, s->journal.state, &s->outbox, reterr_why));
	return keys_reads_open(&s->reads, options->dir_fd, s->outbox, reterr_why);
}

int keys_service_open_with(const struct keys_service_options *options, struct kms_root *root,
                           struct keys_service **ret_service, struct why *reterr_why)
{
	CLEANUP(kms_root_freep) struct kms_root *taken = root;
	CLEANUP(keys_service_freep) struct keys_service *s = calloc(1, sizeof *s);

	ENSURE(s, ERR_UNAVAILABLE, reterr_why, "out of memory for keys");
	s->root = take_ptr(taken);
	s->now_ms = time_wall_ms;
	TRY(open_parts(s, options, reterr_why));
	*ret_service = take_ptr(s);
	return ERR_OK;
}

int keys_service_open(const struct keys_service_options *options, const struct kms_unseal *unseal,
                      struct keys_service **ret_service, struct why *reterr_why)
{
	struct kms_root *root = NULL;

	TRY(kms_root_open(options->dir_fd, unseal, &root, reterr_why));
	return keys_service_open_with(options, root, ret_service, reterr_why);
}

void keys_service_free(struct keys_service *s)
{
	if (!s)
		return;
	keys_chains_clear(&s->chains);
	keys_reads_close(&s->reads);
	keys_outbox_free(s->outbox);
	iam_repeats_free(s->repeats);
	kms_keystore_free(s->keystore);
	iam_close(s->iam);
	db_close(s->db);
	kms_root_free(s->root);
	free(s);
}

void keys_service_freep(struct keys_service **s)
{
	keys_service_free(*s);
	*s = NULL;
}
