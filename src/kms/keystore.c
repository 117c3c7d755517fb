#include "kms/keystore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/keystore_internal.h"

int kms_row_put_u64(struct buf *row, uint64_t value, struct why *reterr_why)
{
	TRY(buf_put_u32be(row, sizeof value, reterr_why)); /* the part's length */
	return buf_put_u64be(row, value, reterr_why);
}

void kms_rows_reset(struct kms_keystore *ks)
{
	buf_reset(ks->before);
	buf_reset(ks->after);
}

/* Reads every row once: what was altered while the database was closed shows here. */
static int check_rows(struct kms_keystore *ks, const struct kms_other_rows *others, struct why *reterr_why)
{
	struct kms_tally tally = {.state = &ks->state};

	TRY(kms_epoch_tally(ks, &tally, reterr_why));
	TRY(kms_keys_tally(ks, &tally, reterr_why));
	TRY(kms_aliases_tally(ks, &tally, reterr_why));
	TRY(kms_grants_tally(ks, &tally, reterr_why));
	if (others)
		TRY(others->each(others->self, &tally, reterr_why));
	return kms_tally_check(&tally, reterr_why);
}

static int check_region(const char *region, struct why *reterr_why)
{
	size_t len = strlen(region);

	ENSURE(len > 0 && len <= KMS_REGION_BYTES_MAX, ERR_INVALID, reterr_why,
	       "a region name of %zu characters; 1 to %d are accepted", len, KMS_REGION_BYTES_MAX);
	for (size_t i = 0; i < len; i++)
		ENSURE((region[i] >= 'a' && region[i] <= 'z') || (region[i] >= '0' && region[i] <= '9') ||
		               region[i] == '-',
		       ERR_INVALID, reterr_why, "a region name has lower-case letters, digits and hyphens");
	return ERR_OK;
}

int kms_keystore_open(struct db *db, const struct kms_root *root, const char *region,
                      struct kms_keystore **ret_keystore, struct why *reterr_why)
{
	return kms_keystore_open_beside(db, root, region, NULL, ret_keystore, reterr_why);
}

int kms_keystore_open_beside(struct db *db, const struct kms_root *root, const char *region,
                             const struct kms_other_rows *others, struct kms_keystore **ret_keystore,
                             struct why *reterr_why)
{
	CLEANUP(kms_keystore_freep) struct kms_keystore *ks = calloc(1, sizeof *ks);
	struct secret *row_key;

	ENSURE(ks, ERR_UNAVAILABLE, reterr_why, "out of memory for the keystore");
	TRY(check_region(region, reterr_why));
	snprintf(ks->region, sizeof ks->region, "%s", region);
	ks->db = db;
	TRY(buf_new(KMS_ROW_BYTES_MAX, &ks->before, reterr_why));
	TRY(buf_new(KMS_ROW_BYTES_MAX, &ks->after, reterr_why));
	TRY(kms_root_derive(root, KMS_ROOT_EPOCH, slice_of(NULL, 0), &ks->wrap_key, reterr_why));
	TRY(kms_root_derive(root, KMS_ROOT_ROWS, slice_of(NULL, 0), &row_key, reterr_why));
	TRY(kms_state_open(&ks->state, db, row_key, reterr_why));
	TRY(kms_epoch_open(ks, reterr_why));
	TRY(check_rows(ks, others, reterr_why));
	*ret_keystore = take_ptr(ks);
	return ERR_OK;
}

void kms_keystore_free(struct kms_keystore *ks)
{
	if (!ks)
		return;
	kms_state_clear(&ks->state);
	secret_free(ks->wrap_key);
	secret_free(ks->epoch_key);
	buf_free(ks->before);
	buf_free(ks->after);
	free(ks);
}

void kms_keystore_freep(struct kms_keystore **ks)
{
	kms_keystore_free(*ks);
	*ks = NULL;
}

struct kms_state *kms_keystore_state(struct kms_keystore *ks)
{
	return &ks->state;
}

const char *kms_keystore_region(const struct kms_keystore *ks)
{
	return ks->region;
}
