#include "daemon/front/buckets.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "base/limits.h"

struct entry {
	uint8_t name_len; /* 0: free */
	uint8_t name[S3_BUCKET_NAME_BYTES_MAX];
	uint8_t id[STORE_ID_BYTES];
};

/* One place for each name: who comes later takes it. */
struct front_buckets {
	pthread_mutex_t lock;
	struct entry at[FRONT_BUCKETS_CACHED];
};

int front_buckets_new(struct front_buckets **ret_buckets, struct why *reterr_why)
{
	struct front_buckets *b = calloc(1, sizeof *b);

	ENSURE(b, ERR_UNAVAILABLE, reterr_why, "out of memory for names of buckets");
	pthread_mutex_init(&b->lock, NULL);
	*ret_buckets = b;
	return ERR_OK;
}

void front_buckets_free(struct front_buckets *b)
{
	if (!b)
		return;
	pthread_mutex_destroy(&b->lock);
	free(b);
}

static struct entry *place_of(struct front_buckets *b, struct slice name)
{
	return &b->at[crc32c(0, name) % FRONT_BUCKETS_CACHED];
}

bool front_buckets_find(struct front_buckets *b, struct slice name, uint8_t ret_id[static STORE_ID_BYTES])
{
	struct entry *e = place_of(b, name);
	bool found;

	pthread_mutex_lock(&b->lock);
	found = name.len && slice_equal(slice_of(e->name, e->name_len), name);
	if (found)
		memcpy(ret_id, e->id, STORE_ID_BYTES);
	pthread_mutex_unlock(&b->lock);
	return found;
}

void front_buckets_learn(struct front_buckets *b, struct slice name, const uint8_t id[static STORE_ID_BYTES])
{
	struct entry *e = place_of(b, name);

	if (!name.len || name.len > sizeof e->name)
		return;
	pthread_mutex_lock(&b->lock);
	memcpy(e->name, name.ptr, name.len);
	e->name_len = (uint8_t)name.len;
	memcpy(e->id, id, STORE_ID_BYTES);
	pthread_mutex_unlock(&b->lock);
}
