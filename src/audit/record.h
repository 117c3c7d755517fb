/* record.h: the records beside the tree: the two members that the ledger adds, and sealing them to an account.
 *
 * A record is one canonical JSON object in CloudTrail's shape. It lies sealed with its salt under an hourly key of its
 * account; the leaf in the tree commits to both. Without either, the leaf tells nothing. */
#pragma once
#include <stdint.h>

#include "audit/leaf.h"
#include "audit/merkle.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"

/* The place of a record in its account's history. */
struct record_place {
	uint64_t account_seq;    /* 1 for the account's first */
	struct merkle_hash prev; /* leaf hash of the account's previous record; of the first one, nothing */
};

/* Appends the record with "accountPrev" and "accountSeq" put in at their places. ERR_INVALID if the record is not
 * canonical JSON or has one of them already, ERR_LIMIT over RECORD_BYTES_MAX with them. */
MUST_USE int record_complete(struct slice record, const struct record_place *place, struct buf *into,
                             struct why *reterr_why);

#define RECORD_KEY_ID_BYTES 16

/* A key that records are sealed under: its id, which says which key to ask for, and 32 bytes, borrowed. */
struct record_key {
	uint8_t id[RECORD_KEY_ID_BYTES];
	const struct secret *secret;
};

/* What a sealed record is bound to; it opens only with the same. */
struct record_context {
	struct slice origin; /* of the log */
	struct slice account;
	uint64_t account_seq;
	uint64_t leaf_index;
};

/* Bytes that sealing adds: salt, nonce and tag. */
#define RECORD_SEALED_EXTRA_BYTES (SALT_BYTES + 24 + 16)
#define RECORD_SEALED_BYTES_MAX (RECORD_BYTES_MAX + RECORD_SEALED_EXTRA_BYTES)

/* Appends XAES-256-GCM of salt and record. */
MUST_USE int record_seal(const struct record_key *key, const struct record_context *context,
                         const uint8_t salt[static SALT_BYTES], struct slice record, struct buf *into,
                         struct why *reterr_why);

/* Opens what record_seal() made: the salt, and the record appended to `into`. ERR_TAMPERED if it was not sealed under
 * this key for this place. */
MUST_USE int record_open(const struct record_key *key, const struct record_context *context, struct slice sealed,
                         uint8_t ret_salt[static SALT_BYTES], struct buf *into, struct why *reterr_why);

/* 1 to RECORD_ACCOUNT_BYTES_MAX of letters, digits and "._-:@/": an account's number, or the name of a data subject's
 * key space. ERR_INVALID otherwise. */
MUST_USE int record_account_check(struct slice account, struct why *reterr_why);
