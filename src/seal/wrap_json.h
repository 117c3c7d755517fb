/* wrap_json.h: one wrap as JSON, and what binds it. Internal to seal/. */
#pragma once
#include "base/err.h"
#include "seal/wraps.h"
#include "wire/json.h"

/* Reads one member of the list, strictly. What it holds is its own: seal_wrap_clear() frees it. */
MUST_USE int seal_wrap_read(const json_t *json, struct seal_wrap *ret_wrap, struct why *reterr_why);
void seal_wrap_clear(struct seal_wrap *wrap);

/* {"log_n":17,"name":"scrypt","p":1,"r":8,"salt":"<b64>"} */
MUST_USE int seal_wrap_kdf_new(const struct scrypt_cost *cost, json_t **ret_kdf, struct why *reterr_why);

/* lp("cloister.sealed-wrap/v1", kind, core hash) */
MUST_USE int seal_wrap_put_info(const char *kind, const uint8_t core_hash[static SEAL_HASH_BYTES], struct buf *into,
                                struct why *reterr_why);

/* The same for "passphrase", and the canonical JSON of the kdf as a fourth part. */
MUST_USE int seal_wrap_put_passphrase_aad(const uint8_t core_hash[static SEAL_HASH_BYTES],
                                          const struct scrypt_cost *cost, struct buf *into, struct why *reterr_why);
