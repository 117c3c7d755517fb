/* buckets.h: the ids of buckets by name, as keys' decisions have told them. A hint: what the next decision says counts.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "store/sidecar.h"

struct front_buckets;

MUST_USE int front_buckets_new(struct front_buckets **ret_buckets, struct why *reterr_why);
void front_buckets_free(struct front_buckets *b);

/* Any thread. */
bool front_buckets_find(struct front_buckets *b, struct slice name, uint8_t ret_id[static STORE_ID_BYTES]);
void front_buckets_learn(struct front_buckets *b, struct slice name, const uint8_t id[static STORE_ID_BYTES]);
