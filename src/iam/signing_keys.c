#include "iam/signing_keys.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"

struct kept {
	char access_key[SIGV4_ACCESS_KEY_BYTES_MAX + 1];
	char date[SIGV4_DATE_BYTES + 1];
	char region[SIGV4_REGION_BYTES_MAX + 1];
	char service[SIGV4_SERVICE_BYTES_MAX + 1];
	struct secret *key; /* NULL: free */
	uint64_t used;
};

struct signing_keys {
	uint64_t clock;
	struct kept kept[IAM_SIGNING_KEYS_MAX];
};

int signing_keys_new(struct signing_keys **ret_keys, struct why *reterr_why)
{
	struct signing_keys *keys = calloc(1, sizeof *keys);

	ENSURE(keys, ERR_UNAVAILABLE, reterr_why, "out of memory for signing keys");
	*ret_keys = keys;
	return ERR_OK;
}

void signing_keys_free(struct signing_keys *keys)
{
	if (!keys)
		return;
	for (size_t i = 0; i < IAM_SIGNING_KEYS_MAX; i++)
		secret_free(keys->kept[i].key);
	free(keys);
}

static bool is_for(const struct kept *k, const struct sigv4 *auth)
{
	return k->key && strcmp(k->access_key, auth->access_key) == 0 &&
	       strncmp(k->date, auth->timestamp, SIGV4_DATE_BYTES) == 0 && strcmp(k->region, auth->region) == 0 &&
	       strcmp(k->service, auth->service) == 0;
}

const struct secret *signing_keys_find(struct signing_keys *keys, const struct sigv4 *auth)
{
	for (size_t i = 0; i < IAM_SIGNING_KEYS_MAX; i++) {
		if (is_for(&keys->kept[i], auth)) {
			keys->kept[i].used = ++keys->clock;
			return keys->kept[i].key;
		}
	}
	return NULL;
}

void signing_keys_put(struct signing_keys *keys, const struct sigv4 *auth, struct secret *key)
{
	struct kept *oldest = &keys->kept[0];

	/* A free place has never been used, so it is the oldest. */
	for (size_t i = 1; i < IAM_SIGNING_KEYS_MAX; i++)
		if (keys->kept[i].used < oldest->used)
			oldest = &keys->kept[i];
	secret_free(oldest->key);
	memset(oldest, 0, sizeof *oldest);
	memcpy(oldest->access_key, auth->access_key, sizeof oldest->access_key);
	memcpy(oldest->date, auth->timestamp, SIGV4_DATE_BYTES);
	memcpy(oldest->region, auth->region, sizeof oldest->region);
	memcpy(oldest->service, auth->service, sizeof oldest->service);
	oldest->key = key;
	oldest->used = ++keys->clock;
}

void signing_keys_drop(struct signing_keys *keys, const char *access_key)
{
	for (size_t i = 0; i < IAM_SIGNING_KEYS_MAX; i++) {
		if (keys->kept[i].key && strcmp(keys->kept[i].access_key, access_key) == 0) {
			secret_free(keys->kept[i].key);
			memset(&keys->kept[i], 0, sizeof keys->kept[i]);
		}
	}
}

int signing_key_derive(const struct secret *secret, const struct sigv4 *auth, struct secret **ret_key,
                       struct why *reterr_why)
{
	const struct slice steps[4] = {slice_of(auth->timestamp, SIGV4_DATE_BYTES), slice_str(auth->region),
	                               slice_str(auth->service), slice_str("aws4_request")};
	CLEANUP(secret_freep) struct secret *prefixed = NULL;
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(secret_freep) struct secret *next = NULL;

	TRY(secret_new(4 + secret_len(secret), &prefixed, reterr_why));
	memcpy(secret_bytes(prefixed), "AWS4", 4);
	memcpy(secret_bytes(prefixed) + 4, secret_peek(secret), secret_len(secret));
	TRY(secret_new(SHA256_BYTES, &key, reterr_why));
	TRY(secret_new(SHA256_BYTES, &next, reterr_why));
	hmac_sha256_secret(prefixed, steps[0], secret_bytes(key));
	for (int i = 1; i < 4; i++) {
		struct secret *swap = key;

		hmac_sha256_secret(key, steps[i], secret_bytes(next));
		key = next;
		next = swap;
	}
	*ret_key = take_ptr(key);
	return ERR_OK;
}
