/* buckets.h: the table of buckets in the keys database: who owns a name, its policy, the key that its objects are
 * encrypted under. Front and the store know buckets by their random id only. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "iam/iam.h"
#include "kms/keystore.h"

#define KEYS_BUCKET_ID_BYTES 16

struct keys_bucket {
	uint8_t id[KEYS_BUCKET_ID_BYTES];
	char name[S3_BUCKET_NAME_BYTES_MAX + 1];
	char account[IAM_ACCOUNT_BYTES]; /* its owner */
	uint64_t created_ms;
	bool is_versioned; /* false: suspended */
	char kms_key[KMS_KEY_ARN_BYTES_MAX];
	char policy[KEYS_BUCKET_POLICY_BYTES_MAX + 1]; /* "": none */
};

extern const char *const keys_bucket_migrations[];
extern const int keys_bucket_migrations_count;

struct keys_buckets {
	struct db *db;           /* borrowed */
	struct kms_state *state; /* borrowed: each change is a generation */
};

/* ERR_NOTFOUND if there is no bucket of that name. */
MUST_USE int keys_bucket_get(const struct keys_buckets *b, struct slice name, struct keys_bucket *ret_bucket,
                             struct why *reterr_why);

/* Writes a new bucket, with a fresh id. ERR_CONFLICT if the name is taken, ERR_LIMIT if the account has too many. */
MUST_USE int keys_bucket_create(const struct keys_buckets *b, struct keys_bucket *bucket, struct why *reterr_why);

/* Replaces versioning and policy, or removes the whole. */
MUST_USE int keys_bucket_update(const struct keys_buckets *b, const struct keys_bucket *bucket, struct why *reterr_why);
MUST_USE int keys_bucket_delete(const struct keys_buckets *b, const struct keys_bucket *bucket, struct why *reterr_why);

/* An account's buckets by name. */
MUST_USE int keys_bucket_list(const struct keys_buckets *b, const char *account,
                              int (*each)(void *self, const struct keys_bucket *bucket, struct why *reterr_why),
                              void *self, struct why *reterr_why);

/* For the check at start-up. */
MUST_USE int keys_bucket_tally(const struct keys_buckets *b, struct kms_tally *tally, struct why *reterr_why);
