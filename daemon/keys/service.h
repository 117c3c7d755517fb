/* service.h: what keys serves from: the unsealed root, the keys database with everything in it, and what is under way.
 *
 * Nothing here knows processes or messages: handlers are functions over it (api.h, s3.h), so that tests call them. */
#pragma once
#include "daemon/keys/buckets.h"
#include "daemon/keys/chains.h"
#include "daemon/keys/journal.h"
#include "daemon/keys/outbox.h"
#include "daemon/keys/reads.h"
#include "iam/iam.h"
#include "iam/repeats.h"
#include "kms/keystore.h"
#include "kms/root.h"

#define KEYS_DATABASE_FILE "keys.db"

struct keys_service {
	struct kms_root *root; /* owned, as is all below */
	struct db *db;
	struct iam *iam;
	struct kms_keystore *keystore;
	struct keys_journal journal;
	struct keys_buckets buckets;
	struct iam_repeats *repeats;
	struct keys_outbox *outbox;
	struct keys_reads reads;
	struct keys_chains chains;
	uint64_t (*now_ms)(void); /* time_wall_ms(), but for tests */
};

struct keys_service_options {
	const char *database; /* the path of keys.db */
	int dir_fd;           /* the directory of root.json and the spool */
	const char *region;
};

/* Unseals and opens. Errors are those of kms_root_open(), db_open() and kms_keystore_open(). */
MUST_USE int keys_service_open(const struct keys_service_options *options, const struct kms_unseal *unseal,
                               struct keys_service **ret_service, struct why *reterr_why);

/* The same with a root that is unsealed already; takes it over in any case. */
MUST_USE int keys_service_open_with(const struct keys_service_options *options, struct kms_root *root,
                                    struct keys_service **ret_service, struct why *reterr_why);
void keys_service_free(struct keys_service *s);
void keys_service_freep(struct keys_service **s);

/* The broker's public keys, X25519 and Ed25519, as init prints them: "cloister-broker+" and base64 of 64 bytes. */
#define KEYS_BROKER_TEXT_BYTES 128
MUST_USE int keys_broker_text(const struct kms_root *root, char out[static KEYS_BROKER_TEXT_BYTES],
                              struct why *reterr_why);
