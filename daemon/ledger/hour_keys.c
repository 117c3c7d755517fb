#include "daemon/ledger/hour_keys.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "crypto/hash.h"

/* As many keys as fit one large secret. */
enum { KEYS_PER_PAGE = SECRET_LARGE_BYTES / HOUR_KEY_BYTES, BUCKETS = 4096 };
enum { PAGES = (LEDGER_KEYS_MAX + KEYS_PER_PAGE - 1) / KEYS_PER_PAGE };

struct hour_key {
	char account[LEDGER_ACCOUNT_BYTES_MAX + 1];
	uint8_t id[RECORD_KEY_ID_BYTES];
	uint64_t added; /* counts up */
	struct hour_key *next;
};

struct hour_keys {
	struct hour_key list[LEDGER_KEYS_MAX];
	struct hour_key *buckets[BUCKETS]; /* by account */
	struct secret *pages[PAGES];
	struct secret *given; /* what the last call gave out */
	size_t count, hand;
	uint64_t added;
};

int hour_keys_new(struct hour_keys **ret_keys, struct why *reterr_why)
{
	CLEANUP(hour_keys_freep) struct hour_keys *k = calloc(1, sizeof *k);

	ENSURE(k, ERR_UNAVAILABLE, reterr_why, "out of memory for the keys of records");
	TRY(secret_new(HOUR_KEY_BYTES, &k->given, reterr_why));
	*ret_keys = take_ptr(k);
	return ERR_OK;
}

void hour_keys_free(struct hour_keys *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < PAGES; i++)
		secret_free(k->pages[i]);
	secret_free(k->given);
	free(k);
}

void hour_keys_freep(struct hour_keys **k)
{
	hour_keys_free(*k);
	*k = NULL;
}

size_t hour_keys_count(const struct hour_keys *k)
{
	return k->count;
}

uint64_t hour_key_hour(const uint8_t id[static RECORD_KEY_ID_BYTES])
{
	struct cursor c = cursor_of(slice_of(id, 8));
	uint64_t hour = 0;

	(void)!cursor_take_u64be(&c, &hour, NULL);
	return hour;
}

static void make_id(struct slice account, uint64_t hour, struct slice key, uint8_t out[static RECORD_KEY_ID_BYTES])
{
	uint8_t digest[SHA256_BYTES], number[8];

	for (size_t i = 0; i < sizeof number; i++)
		number[i] = (uint8_t)(hour >> (8 * (7 - i)));
	const struct slice parts[] = {slice_str("cloister.log-hour-key/v1"), account, slice_of(number, sizeof number),
	                              key};

	sha256_lp(parts, 4, digest);
	memcpy(out, number, sizeof number);
	memcpy(out + sizeof number, digest, RECORD_KEY_ID_BYTES - sizeof number);
}

/* FNV-1a. Accounts are names that keys made; nobody gains by a collision. */
static struct hour_key **bucket_of(struct hour_keys *k, struct slice account)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < account.len; i++)
		hash = (hash ^ account.ptr[i]) * 16777619u;
	return &k->buckets[hash % BUCKETS];
}

static bool is_of(const struct hour_key *key, struct slice account)
{
	return slice_is_str(account, key->account);
}

static bool is_newer(const struct hour_key *a, const struct hour_key *b)
{
	uint64_t hour_a = hour_key_hour(a->id), hour_b = hour_key_hour(b->id);

	return hour_a > hour_b || (hour_a == hour_b && a->added > b->added);
}

static struct hour_key *find_newest(struct hour_keys *k, struct slice account)
{
	struct hour_key *newest = NULL;

	for (struct hour_key *key = *bucket_of(k, account); key; key = key->next)
		if (is_of(key, account) && (!newest || is_newer(key, newest)))
			newest = key;
	return newest;
}

static struct hour_key *find(struct hour_keys *k, struct slice account, const uint8_t id[static RECORD_KEY_ID_BYTES])
{
	struct slice wanted = slice_of(id, RECORD_KEY_ID_BYTES);

	for (struct hour_key *key = *bucket_of(k, account); key; key = key->next)
		if (is_of(key, account) && slice_equal(slice_of(key->id, RECORD_KEY_ID_BYTES), wanted))
			return key;
	return NULL;
}

static uint8_t *bytes_of(struct hour_keys *k, const struct hour_key *key)
{
	size_t at = (size_t)(key - k->list);

	return secret_bytes(k->pages[at / KEYS_PER_PAGE]) + at % KEYS_PER_PAGE * HOUR_KEY_BYTES;
}

static void unlink_key(struct hour_keys *k, struct hour_key *key)
{
	struct hour_key **at = bucket_of(k, slice_str(key->account));

	while (*at != key)
		at = &(*at)->next;
	*at = key->next;
}

/* Looking back over a year brings more keys than there is room for; what is sealed under now must survive that. */
static struct hour_key *evict(struct hour_keys *k)
{
	struct hour_key *key = NULL;

	for (size_t i = 0; i <= LEDGER_KEYS_MAX; i++) {
		key = &k->list[k->hand];
		k->hand = (k->hand + 1) % LEDGER_KEYS_MAX;
		if (find_newest(k, slice_str(key->account)) != key)
			break;
	}
	unlink_key(k, key);
	return key;
}

static int take_slot(struct hour_keys *k, struct hour_key **ret_key, struct why *reterr_why)
{
	if (k->count == LEDGER_KEYS_MAX) {
		*ret_key = evict(k);
		return ERR_OK;
	}
	if (!k->pages[k->count / KEYS_PER_PAGE])
		TRY(secret_new((size_t)KEYS_PER_PAGE * HOUR_KEY_BYTES, &k->pages[k->count / KEYS_PER_PAGE],
		               reterr_why));
	*ret_key = &k->list[k->count++];
	return ERR_OK;
}

int hour_keys_add(struct hour_keys *k, struct slice account, uint64_t hour, struct slice key, struct why *reterr_why)
{
	struct hour_key added = {.account = ""}, *slot, **bucket;

	ENSURE(key.len == HOUR_KEY_BYTES, ERR_INVALID, reterr_why, "a record key of %zu bytes", key.len);
	TRY(record_account_check(account, reterr_why));
	TRY(slice_to_str(account, added.account, sizeof added.account, reterr_why));
	make_id(account, hour, key, added.id);
	slot = find(k, account, added.id);
	if (slot) {
		slot->added = ++k->added;
		return ERR_OK;
	}
	TRY(take_slot(k, &slot, reterr_why));
	bucket = bucket_of(k, account);
	added.added = ++k->added;
	added.next = *bucket;
	*slot = added;
	*bucket = slot;
	memcpy(bytes_of(k, slot), key.ptr, HOUR_KEY_BYTES);
	return ERR_OK;
}

static const struct secret *give(struct hour_keys *k, const struct hour_key *key)
{
	memcpy(secret_bytes(k->given), bytes_of(k, key), HOUR_KEY_BYTES);
	return k->given;
}

int hour_keys_newest(struct hour_keys *k, struct slice account, struct record_key *ret_key, struct why *reterr_why)
{
	const struct hour_key *key = find_newest(k, account);

	ENSURE(key, ERR_CONFLICT, reterr_why, "no key has come that records of account %.*s could be sealed under",
	       (int)account.len, (const char *)account.ptr);
	memcpy(ret_key->id, key->id, sizeof ret_key->id);
	ret_key->secret = give(k, key);
	return ERR_OK;
}

int hour_keys_find(struct hour_keys *k, struct slice account, const uint8_t id[static RECORD_KEY_ID_BYTES],
                   const struct secret **ret_secret, struct why *reterr_why)
{
	const struct hour_key *key = find(k, account, id);

	ENSURE(key, ERR_NOTFOUND, reterr_why,
	       "the key of hour %" PRIu64 " is not here; send it, unless it was destroyed", hour_key_hour(id));
	*ret_secret = give(k, key);
	return ERR_OK;
}
