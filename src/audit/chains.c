#include "audit/chains.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SLOT_FREE = 0, FIRST_CAPACITY = 64 };

/* Links lie in one array in the order in which their names came; a hash table of twice that size finds them. */
struct chains {
	const char *what;
	size_t max;
	struct chain *links;
	size_t count, capacity;
	uint32_t *slots; /* position in `links` + 1, or SLOT_FREE */
	size_t slot_count;
	struct undo *undos;
	size_t undo_count, undo_capacity;
};

struct undo {
	size_t at;
	bool is_new;
	struct chain before;
};

int chains_new(const char *what, size_t max, struct chains **ret_chains, struct why *reterr_why)
{
	struct chains *c = calloc(1, sizeof *c);

	ENSURE(c, ERR_UNAVAILABLE, reterr_why, "out of memory for the chains of %s", what);
	c->what = what;
	c->max = max;
	*ret_chains = c;
	return ERR_OK;
}

void chains_free(struct chains *c)
{
	if (!c)
		return;
	free(c->links);
	free(c->slots);
	free(c->undos);
	free(c);
}

void chains_freep(struct chains **c)
{
	chains_free(*c);
	*c = NULL;
}

/* FNV-1a. Names are those of our own processes and accounts, not anybody's to choose. */
static size_t hash_name(struct slice name)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ name.ptr[i]) * UINT64_C(1099511628211);
	return (size_t)hash;
}

/* The slot of a name, or the free one where it would go. There are always free slots. */
static size_t find_slot(const struct chains *c, struct slice name)
{
	size_t slot = hash_name(name) & (c->slot_count - 1);

	while (c->slots[slot] != SLOT_FREE && !slice_is_str(name, c->links[c->slots[slot] - 1].name))
		slot = (slot + 1) & (c->slot_count - 1);
	return slot;
}

const struct chain *chains_find(const struct chains *c, struct slice name)
{
	size_t slot;

	if (c->slot_count == 0)
		return NULL;
	slot = find_slot(c, name);
	return c->slots[slot] == SLOT_FREE ? NULL : &c->links[c->slots[slot] - 1];
}

static int grow(struct chains *c, struct why *reterr_why)
{
	size_t capacity = c->capacity ? 2 * c->capacity : FIRST_CAPACITY;
	struct chain *links = realloc(c->links, capacity * sizeof *links);
	uint32_t *slots;

	ENSURE(links, ERR_UNAVAILABLE, reterr_why, "out of memory for the chains of %s", c->what);
	c->links = links;
	slots = calloc(2 * capacity, sizeof *slots);
	ENSURE(slots, ERR_UNAVAILABLE, reterr_why, "out of memory for the chains of %s", c->what);
	free(c->slots);
	c->slots = slots;
	c->slot_count = 2 * capacity;
	c->capacity = capacity;
	for (size_t i = 0; i < c->count; i++)
		c->slots[find_slot(c, slice_str(c->links[i].name))] = (uint32_t)i + 1;
	return ERR_OK;
}

static int grow_undos(struct chains *c, struct why *reterr_why)
{
	size_t capacity = c->undo_capacity ? 2 * c->undo_capacity : FIRST_CAPACITY;
	struct undo *undos = realloc(c->undos, capacity * sizeof *undos);

	ENSURE(undos, ERR_UNAVAILABLE, reterr_why, "out of memory for the chains of %s", c->what);
	c->undos = undos;
	c->undo_capacity = capacity;
	return ERR_OK;
}

static int add(struct chains *c, struct slice name, size_t *ret_at, struct why *reterr_why)
{
	struct chain link = {.seq = 0};

	ENSURE(c->count < c->max, ERR_LIMIT, reterr_why, "the ledger knows %zu %s, and no more are accepted", c->count,
	       c->what);
	TRY(slice_to_str(name, link.name, sizeof link.name, reterr_why));
	if (c->count == c->capacity)
		TRY(grow(c, reterr_why));
	c->slots[find_slot(c, name)] = (uint32_t)c->count + 1;
	c->links[c->count] = link;
	*ret_at = c->count++;
	return ERR_OK;
}

int chains_advance(struct chains *c, struct slice name, const struct chain *link, struct why *reterr_why)
{
	const struct chain *known = chains_find(c, name);
	size_t at;

	if (c->undo_count == c->undo_capacity)
		TRY(grow_undos(c, reterr_why));
	if (known)
		at = (size_t)(known - c->links);
	else
		TRY(add(c, name, &at, reterr_why));
	c->undos[c->undo_count++] = (struct undo){at, !known, c->links[at]};
	c->links[at].seq = link->seq;
	c->links[at].leaf_index = link->leaf_index;
	c->links[at].hash = link->hash;
	return ERR_OK;
}

void chains_keep(struct chains *c)
{
	c->undo_count = 0;
}

size_t chains_savepoint(const struct chains *c)
{
	return c->undo_count;
}

void chains_revert(struct chains *c, size_t savepoint)
{
	while (c->undo_count > savepoint) {
		const struct undo *undo = &c->undos[--c->undo_count];

		if (undo->is_new) {
			/* Names are taken away in the reverse of their order, so no other lies behind this slot. */
			c->slots[find_slot(c, slice_str(c->links[undo->at].name))] = SLOT_FREE;
			c->count--;
		} else {
			c->links[undo->at] = undo->before;
		}
	}
}

size_t chains_count(const struct chains *c)
{
	return c->count;
}

const struct chain *chains_at(const struct chains *c, size_t i)
{
	return &c->links[i];
}
