/* s3_lookup.h: the object that a request reads: found in the index, and released by keys. */
#pragma once
#include "daemon/front/s3.h"

struct s3_found {
	uint8_t bucket_id[STORE_ID_BYTES];
	bool is_there;
	struct index_version version; /* if it is there: perhaps a delete marker */
	struct store_object *object;  /* if it is there and no marker: locked */
};

/* "versionId" of the request: NULL if there is none, else `storage`, filled. */
MUST_USE int s3_version_param(struct s3 *s, uint8_t storage[static STORE_ID_BYTES], const uint8_t **ret_id,
                              struct why *reterr_why);

/* Finds the version that the request is for and asks keys about it. Afterwards s->is_answered, or *ret_found tells what
 * there is and s->version_key opens it. Clear it in any case. */
MUST_USE int s3_find_and_ask(struct s3 *s, struct s3_found *ret_found, struct why *reterr_why);
void s3_found_clear(struct s3_found *f);

/* Asks keys about a request that needs nothing of the index but the bucket's id: that is in s->decision then. */
MUST_USE int s3_ask_plain(struct s3 *s, struct why *reterr_why);

/* Whether `etag` is in the list of an If-Match or If-None-Match header; "*" matches any. */
bool s3_etag_listed(struct slice list, struct slice etag);
