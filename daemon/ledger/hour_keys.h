/* hour_keys.h: the keys that records are sealed under, one for each account and hour, as role keys sent them.
 *
 * They exist in locked memory only, LEDGER_KEYS_MAX of them. A key's id, which stands beside every record, is its hour
 * and eight bytes of a hash over account, hour and key: so a record tells which hour's key to ask for, and two keys of
 * one hour are told apart. */
#pragma once
#include <stdbool.h>

#include "audit/record.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"

#define HOUR_KEY_BYTES 32

struct hour_keys;

MUST_USE int hour_keys_new(struct hour_keys **ret_keys, struct why *reterr_why);
void hour_keys_free(struct hour_keys *k);
void hour_keys_freep(struct hour_keys **k);

/* Adds a key; one that is there already changes nothing. When there is no room another goes: one that is not the newest
 * of its account, if there is one. */
MUST_USE int hour_keys_add(struct hour_keys *k, struct slice account, uint64_t hour, struct slice key,
                           struct why *reterr_why);

/* The key of the account's latest hour, for sealing; of two for that hour, the one that came last. The secret is
 * overwritten by the next call. ERR_CONFLICT if there is none. */
MUST_USE int hour_keys_newest(struct hour_keys *k, struct slice account, struct record_key *ret_key,
                              struct why *reterr_why);

/* The key with that id. ERR_NOTFOUND. The secret as above. */
MUST_USE int hour_keys_find(struct hour_keys *k, struct slice account, const uint8_t id[static RECORD_KEY_ID_BYTES],
                            const struct secret **ret_secret, struct why *reterr_why);

size_t hour_keys_count(const struct hour_keys *k);

/* The hour that an id names. */
uint64_t hour_key_hour(const uint8_t id[static RECORD_KEY_ID_BYTES]);
