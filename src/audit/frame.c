#include <inttypes.h>

#include "audit/journal.h"
#include "crypto/hash.h"

/* The frames of the journal, as bytes; journal.c keeps them in files. */

static const char magic[] = "CLFRAME1";
enum { MAGIC_BYTES = sizeof magic - 1 };

enum item_state {
	ITEM_SEALED = 0,
	ITEM_ERASED = 1,
};

static int put_u16_part(struct buf *into, struct slice part, struct why *reterr_why)
{
	TRY(buf_put_u16be(into, (uint16_t)part.len, reterr_why));
	return buf_put(into, part, reterr_why);
}

int journal_item_put(const struct journal_item *item, struct buf *items, struct why *reterr_why)
{
	uint8_t digest[SHA256_BYTES];
	uint8_t *room;

	ENSURE(item->leaf.len <= LEAF_BYTES_MAX && item->account.len <= RECORD_ACCOUNT_BYTES_MAX &&
	               item->sealed.len <= RECORD_SEALED_BYTES_MAX,
	       ERR_LIMIT, reterr_why, "a leaf of %zu bytes with a sealed record of %zu", item->leaf.len,
	       item->sealed.len);
	TRY(buf_reserve(items, JOURNAL_ITEM_BYTES_MAX, &room, reterr_why)); /* so that no half of it stays behind */
	sha256(item->sealed, digest);
	TRY(put_u16_part(items, item->leaf, reterr_why));
	TRY(buf_put_u8(items, (uint8_t)item->account.len, reterr_why));
	TRY(buf_put(items, item->account, reterr_why));
	TRY(buf_put_u64be(items, item->account_seq, reterr_why));
	TRY(buf_put(items, slice_of(item->key_id, RECORD_KEY_ID_BYTES), reterr_why));
	TRY(buf_put(items, slice_of(digest, sizeof digest), reterr_why));
	TRY(buf_put_u32be(items, (uint32_t)item->sealed.len, reterr_why));
	TRY(buf_put_u8(items, ITEM_SEALED, reterr_why));
	return buf_put(items, item->sealed, reterr_why);
}

/* The digest of the sealed bytes tells a torn write from a whole one. Erased bytes no longer have one. */
static int check_sealed(const struct journal_item *item, struct slice digest, struct why *reterr_why)
{
	uint8_t computed[SHA256_BYTES];

	if (item->is_erased)
		return ERR_OK;
	sha256(item->sealed, computed);
	ENSURE(slice_equal(digest, slice_of(computed, sizeof computed)), ERR_INVALID, reterr_why,
	       "a sealed record does not have its digest");
	return ERR_OK;
}

static int take_fields(struct cursor *c, struct journal_item *item, struct slice *ret_digest, struct why *reterr_why)
{
	struct slice key_id;
	uint16_t leaf_len;
	uint8_t account_len;

	TRY(cursor_take_u16be(c, &leaf_len, reterr_why));
	ENSURE(leaf_len <= LEAF_BYTES_MAX, ERR_INVALID, reterr_why, "a leaf of %u bytes", leaf_len);
	TRY(cursor_take(c, leaf_len, &item->leaf, reterr_why));
	TRY(cursor_take_u8(c, &account_len, reterr_why));
	ENSURE(account_len <= RECORD_ACCOUNT_BYTES_MAX, ERR_INVALID, reterr_why, "an account's name of %u bytes",
	       account_len);
	TRY(cursor_take(c, account_len, &item->account, reterr_why));
	TRY(cursor_take_u64be(c, &item->account_seq, reterr_why));
	TRY(cursor_take(c, RECORD_KEY_ID_BYTES, &key_id, reterr_why));
	for (size_t i = 0; i < RECORD_KEY_ID_BYTES; i++)
		item->key_id[i] = key_id.ptr[i];
	return cursor_take(c, SHA256_BYTES, ret_digest, reterr_why);
}

/* Takes an item without looking at its sealed bytes; *ret_digest is what they should have. */
static int take_item(struct cursor *items, struct journal_item *ret_item, struct slice *ret_digest,
                     struct why *reterr_why)
{
	struct journal_item item = {.account_seq = 0};
	struct cursor c = *items;
	uint32_t sealed_len;
	uint8_t state;

	TRY(take_fields(&c, &item, ret_digest, reterr_why));
	TRY(cursor_take_u32be(&c, &sealed_len, reterr_why));
	ENSURE(sealed_len <= RECORD_SEALED_BYTES_MAX, ERR_INVALID, reterr_why, "a sealed record of %" PRIu32 " bytes",
	       sealed_len);
	item.erase_at = items->rest.len - c.rest.len;
	TRY(cursor_take_u8(&c, &state, reterr_why));
	ENSURE(state == ITEM_SEALED || state == ITEM_ERASED, ERR_INVALID, reterr_why, "an item in state %u", state);
	item.is_erased = state == ITEM_ERASED;
	TRY(cursor_take(&c, sealed_len, &item.sealed, reterr_why));
	item.total_len = items->rest.len - c.rest.len;
	*items = c;
	*ret_item = item;
	return ERR_OK;
}

int journal_item_take(struct cursor *items, struct journal_item *ret_item, struct why *reterr_why)
{
	struct cursor c = *items;
	struct journal_item item;
	struct slice digest;

	TRY(take_item(&c, &item, &digest, reterr_why));
	TRY(check_sealed(&item, digest, reterr_why));
	*items = c;
	*ret_item = item;
	return ERR_OK;
}

int journal_item_retake(struct cursor *items, struct journal_item *ret_item, struct why *reterr_why)
{
	struct slice digest;

	return take_item(items, ret_item, &digest, reterr_why);
}

/* Over everything but the items' states and sealed bytes, so that it stays right when records are erased. Their digests
 * stand in for them. */
static int frame_digest(struct slice head, const struct journal_frame *frame, struct slice tail,
                        uint8_t out[static SHA256_BYTES], struct why *reterr_why)
{
	CLEANUP(hash_freep) struct hash *hash = NULL;
	struct cursor items = cursor_of(frame->items);

	TRY(hash_new(HASH_SHA256, &hash, reterr_why));
	hash_update(hash, head);
	for (uint32_t i = 0; i < frame->count; i++) {
		const uint8_t *start = items.rest.ptr;
		struct journal_item item;
		struct slice digest;

		TRY(take_item(&items, &item, &digest, reterr_why));
		hash_update(hash, slice_of(start, item.erase_at));
	}
	TRY(cursor_finish(&items, reterr_why));
	hash_update(hash, tail);
	hash_finish(hash, out);
	return ERR_OK;
}

int journal_frame_put(const struct journal_frame *frame, struct buf *into, struct why *reterr_why)
{
	size_t tail_len = 4 + frame->checkpoint.len;
	size_t total_len = JOURNAL_HEAD_BYTES + frame->items.len + tail_len + JOURNAL_DIGEST_BYTES;
	size_t start = buf_len(into);
	uint8_t digest[SHA256_BYTES], *room;
	struct slice written;

	ENSURE(total_len <= LEDGER_FRAME_BYTES_MAX, ERR_LIMIT, reterr_why,
	       "a batch of %zu bytes; at most %d are accepted", total_len, LEDGER_FRAME_BYTES_MAX);
	TRY(buf_reserve(into, total_len, &room, reterr_why)); /* nothing below fails for want of room */
	TRY(buf_put_str(into, magic, reterr_why));
	TRY(buf_put_u32be(into, (uint32_t)total_len, reterr_why));
	TRY(buf_put_u32be(into, frame->count, reterr_why));
	TRY(buf_put_u64be(into, frame->first, reterr_why));
	TRY(buf_put_u64be(into, frame->time_ms, reterr_why));
	written = slice_of(buf_slice(into).ptr + start, JOURNAL_HEAD_BYTES);
	TRY(buf_put(into, frame->items, reterr_why));
	TRY(buf_put_lp(into, frame->checkpoint, reterr_why));
	TRY(frame_digest(written, frame,
	                 slice_of(buf_slice(into).ptr + start + JOURNAL_HEAD_BYTES + frame->items.len, tail_len),
	                 digest, reterr_why));
	return buf_put(into, slice_of(digest, sizeof digest), reterr_why);
}

static int take_head(struct cursor *c, struct journal_frame *frame, struct why *reterr_why)
{
	size_t available = c->rest.len;
	struct slice found;
	uint32_t total_len;

	TRY(cursor_take(c, MAGIC_BYTES, &found, reterr_why));
	ENSURE(slice_is_str(found, magic), ERR_INVALID, reterr_why, "no frame begins here");
	TRY(cursor_take_u32be(c, &total_len, reterr_why));
	ENSURE(total_len <= available && total_len <= LEDGER_FRAME_BYTES_MAX &&
	               total_len >= JOURNAL_HEAD_BYTES + 4 + JOURNAL_DIGEST_BYTES,
	       ERR_INVALID, reterr_why, "a frame says it has %" PRIu32 " bytes of the %zu that are there", total_len,
	       available);
	TRY(cursor_take_u32be(c, &frame->count, reterr_why));
	ENSURE(frame->count <= LEDGER_BATCH_LEAVES_MAX, ERR_INVALID, reterr_why, "a frame of %" PRIu32 " leaves",
	       frame->count);
	TRY(cursor_take_u64be(c, &frame->first, reterr_why));
	ENSURE(frame->first <= INT64_MAX, ERR_INVALID, reterr_why, "a frame's first leaf is %" PRIu64, frame->first);
	TRY(cursor_take_u64be(c, &frame->time_ms, reterr_why));
	frame->total_len = total_len;
	return ERR_OK;
}

/* Finds where the items end: behind the last of them. */
static int measure_items(struct slice body, uint32_t count, struct slice *ret_items, struct why *reterr_why)
{
	struct cursor c = cursor_of(body);

	for (uint32_t i = 0; i < count; i++) {
		struct journal_item item;

		TRY(journal_item_take(&c, &item, reterr_why));
	}
	*ret_items = slice_of(body.ptr, body.len - c.rest.len);
	return ERR_OK;
}

int journal_frame_parse(struct slice bytes, struct journal_frame *ret_frame, struct why *reterr_why)
{
	struct journal_frame frame = {.count = 0};
	struct cursor c = cursor_of(bytes), tail;
	uint8_t digest[SHA256_BYTES];
	struct slice head, body, found;

	TRY(take_head(&c, &frame, reterr_why));
	head = slice_of(bytes.ptr, JOURNAL_HEAD_BYTES);
	TRY(cursor_take(&c, frame.total_len - JOURNAL_HEAD_BYTES - JOURNAL_DIGEST_BYTES, &body, reterr_why));
	TRY(cursor_take(&c, JOURNAL_DIGEST_BYTES, &found, reterr_why));
	TRY(measure_items(body, frame.count, &frame.items, reterr_why));
	tail = cursor_of(slice_of(body.ptr + frame.items.len, body.len - frame.items.len));
	TRY(frame_digest(head, &frame, tail.rest, digest, reterr_why));
	ENSURE(slice_equal(found, slice_of(digest, sizeof digest)), ERR_INVALID, reterr_why,
	       "a frame does not have its digest");
	TRY(cursor_take_lp(&tail, NOTE_BYTES_MAX, &frame.checkpoint, reterr_why));
	TRY(cursor_finish(&tail, reterr_why));
	*ret_frame = frame;
	return ERR_OK;
}
