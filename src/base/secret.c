#include "base/secret.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/random.h"

/* In front of each slot's bytes; the canary stands right after the last byte that the caller asked for, so that a
 * one-byte overrun is seen. */
struct secret {
	struct secret *next_free;
	uint32_t len;
	uint32_t is_used;
	uint8_t bytes[];
};

enum { CANARY_BYTES = 8, SLOT_ALIGNMENT = 16 };

struct arena {
	uint8_t *first;
	size_t slot_bytes; /* header, content, canary */
	size_t content_max;
	size_t slots;
	size_t body_bytes; /* all slots, in whole pages */
	struct secret *free_list;
	size_t used;
	bool is_ready; /* locked in memory, and the free list is right: neither holds in a child of fork() */
};

static struct {
	pthread_mutex_t lock;
	bool has_fork_handler;
	uint8_t canary[CANARY_BYTES];
	struct arena small, large;
} arenas = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.small = {.content_max = SECRET_SMALL_BYTES, .slots = SECRET_SMALL_SLOTS},
	.large = {.content_max = SECRET_LARGE_BYTES, .slots = SECRET_LARGE_SLOTS},
};

static struct secret *slot_at(const struct arena *a, size_t i)
{
	return __builtin_assume_aligned(a->first + i * a->slot_bytes, SLOT_ALIGNMENT);
}

/* What mmap() gave, made fit for secrets but for the lock. */
static int protect(uint8_t *first, size_t body, struct why *reterr_why)
{
	ENSURE_SYS(mprotect(first, body, PROT_READ | PROT_WRITE) == 0, reterr_why, "cannot open memory for secrets");
	ENSURE_SYS(madvise(first, body, MADV_DONTDUMP) == 0, reterr_why, "cannot keep secrets out of core dumps");
	ENSURE_SYS(madvise(first, body, MADV_WIPEONFORK) == 0, reterr_why, "cannot wipe secrets on fork");
	return ERR_OK;
}

static int arena_map(struct arena *a, struct why *reterr_why)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), body;
	uint8_t *map;
	int err;

	a->slot_bytes = sizeof(struct secret) + a->content_max + CANARY_BYTES;
	a->slot_bytes = (a->slot_bytes + SLOT_ALIGNMENT - 1) / SLOT_ALIGNMENT * SLOT_ALIGNMENT;
	body = (a->slots * a->slot_bytes + page - 1) / page * page;
	map = mmap(NULL, body + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ENSURE_SYS(map != MAP_FAILED, reterr_why, "cannot map memory for secrets");
	err = protect(map + page, body, reterr_why);
	if (err != ERR_OK) {
		munmap(map, body + 2 * page);
		return err;
	}
	a->first = map + page;
	a->body_bytes = body;
	return ERR_OK;
}

static int arena_ready(struct arena *a, struct why *reterr_why)
{
	if (a->is_ready)
		return ERR_OK;
	if (!a->first)
		TRY(arena_map(a, reterr_why));
	/* Not mlock(), which the sanitizers turn into nothing, and their builds are tested too. */
	if (mlock2(a->first, a->body_bytes, 0) != 0) {
		(void)!why_errno(reterr_why, errno,
		                 "cannot lock %zu KiB for secrets; raise the memlock limit (ulimit -l)",
		                 a->body_bytes / 1024);
		return ERR_UNAVAILABLE; /* whatever errno says: EPERM and ENOMEM both mean the limit */
	}
	a->free_list = NULL;
	for (size_t i = a->slots; i-- > 0;) {
		slot_at(a, i)->next_free = a->free_list;
		a->free_list = slot_at(a, i);
	}
	a->is_ready = true;
	return ERR_OK;
}

/* A child sees zeroed pages, no longer locked, under our old lists: it starts over, at its first secret. */
static void arenas_forget_in_child(void)
{
	pthread_mutex_init(&arenas.lock, NULL);
	arenas.small.is_ready = arenas.large.is_ready = false;
	arenas.small.used = arenas.large.used = 0;
}

/* May fail half-way, and is then taken up where it was at the next call. */
static int open_locked(struct why *reterr_why)
{
	if (!arenas.has_fork_handler) {
		TRY(random_fill(arenas.canary, sizeof arenas.canary, reterr_why));
		ENSURE(pthread_atfork(NULL, NULL, arenas_forget_in_child) == 0, ERR_UNAVAILABLE, reterr_why,
		       "out of memory for the fork handler of secrets");
		arenas.has_fork_handler = true;
	}
	TRY(arena_ready(&arenas.small, reterr_why));
	return arena_ready(&arenas.large, reterr_why);
}

int secret_arenas_open(struct why *reterr_why)
{
	int err;

	pthread_mutex_lock(&arenas.lock);
	err = open_locked(reterr_why);
	pthread_mutex_unlock(&arenas.lock);
	return err;
}

static int take_slot(size_t len, struct secret **ret_secret, struct why *reterr_why)
{
	struct arena *a = len <= SECRET_SMALL_BYTES ? &arenas.small : &arenas.large;

	TRY(open_locked(reterr_why));
	ENSURE(a->free_list, ERR_LIMIT, reterr_why, "all %zu slots for secrets of up to %zu bytes are in use", a->slots,
	       a->content_max);
	*ret_secret = a->free_list;
	a->free_list = a->free_list->next_free;
	a->used++;
	return ERR_OK;
}

int secret_new(size_t len, struct secret **ret_secret, struct why *reterr_why)
{
	struct secret *s = NULL;
	int err;

	ENSURE(len <= SECRET_LARGE_BYTES, ERR_LIMIT, reterr_why, "a secret of %zu bytes; at most %d are accepted", len,
	       SECRET_LARGE_BYTES);
	pthread_mutex_lock(&arenas.lock);
	err = take_slot(len, &s, reterr_why);
	pthread_mutex_unlock(&arenas.lock);
	if (err != ERR_OK)
		return err;
	s->next_free = NULL;
	s->len = (uint32_t)len;
	s->is_used = 1;
	memset(s->bytes, 0, len);
	memcpy(s->bytes + len, arenas.canary, CANARY_BYTES);
	*ret_secret = s;
	return ERR_OK;
}

int secret_new_from(struct slice bytes, struct secret **ret_secret, struct why *reterr_why)
{
	struct secret *s;

	TRY(secret_new(bytes.len, &s, reterr_why));
	if (bytes.len)
		memcpy(s->bytes, bytes.ptr, bytes.len);
	*ret_secret = s;
	return ERR_OK;
}

int secret_new_random(size_t len, struct secret **ret_secret, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *s = NULL;

	TRY(secret_new(len, &s, reterr_why));
	TRY(random_fill(s->bytes, len, reterr_why));
	*ret_secret = take_ptr(s);
	return ERR_OK;
}

static struct arena *arena_of(const struct secret *s)
{
	struct arena *a = &arenas.small;
	const uint8_t *at = (const uint8_t *)s;

	return at >= a->first && at < a->first + a->slots * a->slot_bytes ? a : &arenas.large;
}

void secret_free(struct secret *s)
{
	struct arena *a;

	if (!s)
		return;
	/* A double free or an overrun means that memory is no longer ours to trust. */
	if (!s->is_used || !bytes_equal_ct(s->bytes + s->len, arenas.canary, CANARY_BYTES))
		abort();
	a = arena_of(s);
	explicit_bzero(s->bytes, a->content_max + CANARY_BYTES);
	s->is_used = 0;
	s->len = 0;
	pthread_mutex_lock(&arenas.lock);
	s->next_free = a->free_list;
	a->free_list = s;
	a->used--;
	pthread_mutex_unlock(&arenas.lock);
}

void secret_freep(struct secret **s)
{
	secret_free(*s);
	*s = NULL;
}

uint8_t *secret_bytes(struct secret *s)
{
	return s->bytes;
}

const uint8_t *secret_peek(const struct secret *s)
{
	return s->bytes;
}

size_t secret_len(const struct secret *s)
{
	return s->len;
}

void secret_shrink(struct secret *s, size_t len)
{
	if (len >= s->len)
		return;
	explicit_bzero(s->bytes + len, s->len - len + CANARY_BYTES);
	memcpy(s->bytes + len, arenas.canary, CANARY_BYTES);
	s->len = (uint32_t)len;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
	return a->len == b->len && bytes_equal_ct(a->bytes, b->bytes, a->len);
}

size_t secret_count(void)
{
	size_t used;

	pthread_mutex_lock(&arenas.lock);
	used = arenas.small.used + arenas.large.used;
	pthread_mutex_unlock(&arenas.lock);
	return used;
}
