/* Listing: one page of keys and common prefixes, by skipping whole prefixes instead of reading through them. */
#include <string.h>

#include "base/limits.h"
#include "store/index.h"
#include "store/index_private.h"

/* A place in the order of keys: everything above `key`, or at or above it. */
struct place {
	uint8_t key[STORE_KEY_BYTES_MAX + 1];
	size_t len;
	bool is_inclusive;
};

struct walk {
	struct index *ix;
	const uint8_t *bucket_id;
	const struct index_list *query;
	struct place from;
	struct db_stmt *s;
	struct place last; /* the key of the row before, for is_latest */
	uint32_t count;
};

static void place_set(struct place *p, struct slice key, bool is_inclusive)
{
	p->len = key.len < sizeof p->key ? key.len : sizeof p->key;
	if (p->len)
		memcpy(p->key, key.ptr, p->len);
	p->is_inclusive = is_inclusive;
}

/* The first place above all keys that begin with `prefix`: its last byte counted up. False if there is none. */
static bool place_past_prefix(struct place *p, struct slice prefix)
{
	size_t len = prefix.len < sizeof p->key ? prefix.len : sizeof p->key;

	while (len && prefix.ptr[len - 1] == 0xff)
		len--;
	if (!len)
		return false;
	memmove(p->key, prefix.ptr, len);
	p->key[len - 1]++;
	p->len = len;
	p->is_inclusive = true;
	return true;
}

static bool starts_with(struct slice key, struct slice prefix)
{
	return key.len >= prefix.len && slice_equal(slice_of(key.ptr, prefix.len), prefix);
}

/* Columns of every statement here: key, id, marker, size, created, seq, length, etag. */
static int walk_start(struct walk *w, struct why *reterr_why)
{
	static const char current[] = "SELECT key, id, 0, size, created, seq, length, etag FROM current"
				      " WHERE bucket = ?1 AND key > ?2 ORDER BY key";
	static const char current_at[] = "SELECT key, id, 0, size, created, seq, length, etag FROM current"
					 " WHERE bucket = ?1 AND key >= ?2 ORDER BY key";
	static const char versions[] = "SELECT key, id, marker, size, created, seq, length, etag FROM version"
				       " WHERE bucket = ?1 AND key > ?2 ORDER BY key, seq DESC";
	static const char versions_at[] = "SELECT key, id, marker, size, created, seq, length, etag FROM version"
					  " WHERE bucket = ?1 AND key >= ?2 ORDER BY key, seq DESC";

	if (w->query->wants_versions)
		TRY(db_sql(w->ix->db, w->from.is_inclusive ? versions_at : versions, &w->s, reterr_why));
	else
		TRY(db_sql(w->ix->db, w->from.is_inclusive ? current_at : current, &w->s, reterr_why));
	TRY(db_bind_blob(w->s, 1, slice_of(w->bucket_id, STORE_ID_BYTES), reterr_why));
	return db_bind_blob(w->s, 2, slice_of(w->from.key, w->from.len), reterr_why);
}

/* The rest of the versions of the key that the page before ended in. */
static int walk_start_within_key(struct walk *w, struct why *reterr_why)
{
	TRY(db_sql(w->ix->db,
	           "SELECT key, id, marker, size, created, seq, length, etag FROM version WHERE bucket = ?1 AND key = "
	           "?2 AND"
	           " seq < (SELECT seq FROM version WHERE bucket = ?1 AND id = ?3) ORDER BY key, seq DESC",
	           &w->s, reterr_why));
	TRY(db_bind_blob(w->s, 1, slice_of(w->bucket_id, STORE_ID_BYTES), reterr_why));
	TRY(db_bind_blob(w->s, 2, w->query->after, reterr_why));
	return db_bind_blob(w->s, 3, slice_of(w->query->after_version, STORE_ID_BYTES), reterr_why);
}

/* A client that removes what each page listed goes on after a version that is gone. What is left of its key is then
 * listed from the newest on: twice is better than never. */
static int version_is_there(struct walk *w, bool *ret_there, struct why *reterr_why)
{
	struct index_version v;
	int err = index_version(w->ix, w->bucket_id, w->query->after, w->query->after_version, &v, reterr_why);

	*ret_there = err == ERR_OK;
	return err == ERR_NOTFOUND ? ERR_OK : err;
}

static int row_version(struct walk *w, struct index_version *v, struct why *reterr_why)
{
	struct slice id = db_column(w->s, 1);
	uint64_t seq = (uint64_t)db_column_i64(w->s, 5);

	ENSURE(id.len == STORE_ID_BYTES, ERR_TAMPERED, reterr_why,
	       "the store's index is damaged; remove it and it will be rebuilt");
	memcpy(v->id, id.ptr, STORE_ID_BYTES);
	v->object_key = db_column(w->s, 0);
	v->is_marker = db_column_i64(w->s, 2) != 0;
	v->size = (uint64_t)db_column_i64(w->s, 3);
	v->created_wall_ms = (uint64_t)db_column_i64(w->s, 4);
	v->at = (struct segment_at){(uint32_t)(seq >> 32), (uint32_t)seq, (uint32_t)db_column_i64(w->s, 6)};
	v->etag = db_column(w->s, 7);
	v->is_latest = !slice_equal(v->object_key, slice_of(w->last.key, w->last.len));
	return ERR_OK;
}

/* The common prefix that a key is rolled up into, or nothing. */
static struct slice common_prefix_of(const struct index_list *q, struct slice key)
{
	const uint8_t *found;

	if (!q->delimiter.len || key.len < q->prefix.len + q->delimiter.len)
		return slice_of(NULL, 0);
	found = memmem(key.ptr + q->prefix.len, key.len - q->prefix.len, q->delimiter.ptr, q->delimiter.len);
	return found ? slice_of(key.ptr, (size_t)(found - key.ptr) + q->delimiter.len) : slice_of(NULL, 0);
}

enum walk_step {
	WALK_ON,
	WALK_SKIP, /* a common prefix was listed: go on past it */
	WALK_END,
	WALK_FULL,
};

/* Handles the row that the statement stands on. */
static int walk_row(struct walk *w, index_list_each *each, void *ctx, enum walk_step *ret_step, struct why *reterr_why)
{
	struct index_version v;
	struct slice common;

	TRY(row_version(w, &v, reterr_why));
	if (!starts_with(v.object_key, w->query->prefix)) {
		*ret_step = WALK_END;
		return ERR_OK;
	}
	if (w->count == w->query->limit) {
		*ret_step = WALK_FULL;
		return ERR_OK;
	}
	common = common_prefix_of(w->query, v.object_key);
	w->count++;
	if (common.len) {
		TRY(each(ctx, NULL, common, reterr_why));
		*ret_step = place_past_prefix(&w->from, common) ? WALK_SKIP : WALK_END;
		return ERR_OK;
	}
	TRY(each(ctx, &v, common, reterr_why));
	place_set(&w->last, v.object_key, false);
	*ret_step = WALK_ON;
	return ERR_OK;
}

/* Runs the current statement to its end, or to where the walk has to skip, ends, or is full. */
static int walk_statement(struct walk *w, index_list_each *each, void *ctx, enum walk_step *ret_step,
                          struct why *reterr_why)
{
	CLEANUP(db_resetp) struct db_stmt *s = w->s;
	bool row;

	do {
		TRY(db_step(s, &row, reterr_why));
		*ret_step = WALK_END;
		if (row)
			TRY(walk_row(w, each, ctx, ret_step, reterr_why));
	} while (*ret_step == WALK_ON);
	return ERR_OK;
}

/* Where the page begins: past what was listed before, and not below the prefix. With `repeats_key` the key that the
 * page before ended in comes again. */
static bool first_place(struct walk *w, bool repeats_key)
{
	const struct index_list *q = w->query;

	place_set(&w->from, q->prefix, true);
	w->last.len = 0;
	if (!q->after.len)
		return true;
	if (q->after_is_prefix)
		return place_past_prefix(&w->from, q->after);
	if (slice_compare(q->after, q->prefix) >= 0)
		place_set(&w->from, q->after, repeats_key);
	return true;
}

int index_list(struct index *ix, const uint8_t bucket_id[static STORE_ID_BYTES], const struct index_list *query,
               index_list_each *each, void *ctx, bool *ret_truncated, struct why *reterr_why)
{
	struct walk w = {.ix = ix, .bucket_id = bucket_id, .query = query};
	enum walk_step step = WALK_SKIP;
	bool within_key = query->wants_versions && query->after_version, is_there = false;

	if (within_key)
		TRY(version_is_there(&w, &is_there, reterr_why));
	if (is_there) {
		place_set(&w.last, query->after, false);
		TRY(walk_start_within_key(&w, reterr_why));
		TRY(walk_statement(&w, each, ctx, &step, reterr_why));
	}
	if (step != WALK_FULL) {
		step = first_place(&w, within_key && !is_there) ? WALK_SKIP : WALK_END;
		while (step == WALK_SKIP) {
			TRY(walk_start(&w, reterr_why));
			TRY(walk_statement(&w, each, ctx, &step, reterr_why));
		}
	}
	*ret_truncated = step == WALK_FULL;
	return ERR_OK;
}
