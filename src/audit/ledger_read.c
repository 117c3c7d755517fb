#include <inttypes.h>
#include <string.h>

#include "audit/checkpoint.h"
#include "audit/ledger.h"
#include "audit/ledger_state.h"
#include "audit/proof.h"
#include "audit/public.h"
#include "audit/receipt.h"

/* Reading a log: proofs, what is served, records. */

/* --- proofs ------------------------------------------------------------------------------------------------------- */

static int leaf_hash(struct ledger *l, uint64_t index, struct merkle_hash *ret_hash, struct why *reterr_why)
{
	struct merkle_source source = tree_source(l->tree);

	ENSURE(index < l->head.size, ERR_INVALID, reterr_why, "leaf %" PRIu64 " is not in a log of %" PRIu64 " leaves",
	       index, l->head.size);
	return source.node(source.context, 0, index, ret_hash, reterr_why);
}

/* Tiles are read back from the disk, where somebody may have altered them: a proof leaves only if it holds. */
static int prove(struct ledger *l, const struct merkle_hash *leaf, uint64_t index, struct merkle_proof *ret_proof,
                 struct why *reterr_why)
{
	struct merkle_source source = tree_source(l->tree);
	struct merkle_proof proof;

	TRY(merkle_prove_inclusion(&source, index, l->head.size, &proof, reterr_why));
	TRY(merkle_verify_inclusion(leaf, index, l->head.size, &proof, &l->head.root, reterr_why));
	*ret_proof = proof;
	return ERR_OK;
}

int ledger_prove_inclusion(struct ledger *l, uint64_t index, struct merkle_proof *ret_proof, struct why *reterr_why)
{
	struct merkle_hash leaf;

	TRY(ledger_tend(l, reterr_why));
	TRY(leaf_hash(l, index, &leaf, reterr_why));
	return prove(l, &leaf, index, ret_proof, reterr_why);
}

int ledger_prove_consistency(struct ledger *l, uint64_t older_size, struct merkle_proof *ret_proof,
                             struct why *reterr_why)
{
	struct merkle_source source = tree_source(l->tree);
	struct merkle_head older = {.size = older_size};
	struct merkle_proof proof;

	TRY(ledger_tend(l, reterr_why));
	TRY(merkle_prove_consistency(&source, older_size, l->head.size, &proof, reterr_why));
	TRY(merkle_source_root(&source, older_size, &older.root, reterr_why));
	TRY(merkle_verify_consistency(&older, &l->head, &proof, reterr_why));
	*ret_proof = proof;
	return ERR_OK;
}

int ledger_continues(struct ledger *l, struct slice bytes, struct why *reterr_why)
{
	struct merkle_source source = tree_source(l->tree);
	struct checkpoint checkpoint;
	struct merkle_hash root;
	struct note note;
	int err = checkpoint_open(bytes, note_signer_verifier(l->signer), &note, &checkpoint, reterr_why);

	if (err_class(err) == ERR_UNAVAILABLE)
		return err;
	ENSURE(err == ERR_OK, ERR_TAMPERED, reterr_why, "this is not a checkpoint that the key of %s signed",
	       ledger_origin(l));
	ENSURE(checkpoint.head.size <= l->head.size, ERR_TAMPERED, reterr_why,
	       "the log has been rolled back: %" PRIu64 " leaves were signed, and it holds %" PRIu64,
	       checkpoint.head.size, l->head.size);
	TRY(merkle_source_root(&source, checkpoint.head.size, &root, reterr_why));
	ENSURE(merkle_hash_equal(&root, &checkpoint.head.root), ERR_TAMPERED, reterr_why,
	       "the first %" PRIu64 " leaves are not those that were signed", checkpoint.head.size);
	return ERR_OK;
}

int ledger_check_continues(struct ledger *l, struct slice checkpoint, struct why *reterr_why)
{
	TRY(ledger_tend(l, reterr_why));
	return ledger_continues(l, checkpoint, reterr_why);
}

static int put_proof(struct ledger *l, const struct merkle_hash *leaf, uint64_t index, struct buf *into,
                     struct why *reterr_why)
{
	struct tlog_proof proof = {.index = index, .checkpoint = buf_slice(l->checkpoint)};

	TRY(prove(l, leaf, index, &proof.path, reterr_why));
	return tlog_proof_put(&proof, into, reterr_why);
}

int ledger_put_proof(struct ledger *l, uint64_t index, struct buf *into, struct why *reterr_why)
{
	struct merkle_hash leaf;

	TRY(ledger_tend(l, reterr_why));
	TRY(leaf_hash(l, index, &leaf, reterr_why));
	return put_proof(l, &leaf, index, into, reterr_why);
}

/* --- what is served ----------------------------------------------------------------------------------------------- */

/* The first entries of a bundle. */
static int put_entries(struct slice bundle, unsigned width, struct buf *into, struct why *reterr_why)
{
	struct cursor c = cursor_of(bundle);
	struct slice entry;

	for (unsigned i = 0; i < width; i++)
		ENSURE(bundle_take(&c, &entry, reterr_why) == ERR_OK, ERR_TAMPERED, reterr_why,
		       "a bundle of the log holds fewer than %u entries", width);
	return buf_put(into, slice_of(bundle.ptr, bundle.len - c.rest.len), reterr_why);
}

/* From the right edge, or from the full one, of which partial ones are the beginning. */
static int put_tile(struct ledger *l, const struct tile_path *path, bool is_edge, struct buf *into,
                    struct why *reterr_why)
{
	struct merkle_hash loaded[TILE_WIDTH];
	const struct merkle_hash *hashes = loaded;
	unsigned width;

	if (is_edge)
		hashes = tree_edge(l->tree, path->level, &width);
	else
		TRY(ledger_load_tile(l, path->level, path->index, loaded, reterr_why));
	return buf_put(into, slice_of(hashes, path->width * sizeof *hashes), reterr_why);
}

static int put_bundle(struct ledger *l, const struct tile_path *path, bool is_edge, struct buf *into,
                      struct why *reterr_why)
{
	struct tile_path full = {.is_entries = true, .index = path->index, .width = TILE_WIDTH};

	if (is_edge)
		return put_entries(buf_slice(l->bundle), path->width, into, reterr_why);
	buf_reset(l->frame); /* nothing is pending in it */
	TRY(public_read(l->public_fd, &full, l->frame, reterr_why));
	return put_entries(buf_slice(l->frame), path->width, into, reterr_why);
}

int ledger_put_resource(struct ledger *l, const struct tile_path *path, struct buf *into, struct why *reterr_why)
{
	unsigned width;
	bool is_edge;

	TRY(ledger_tend(l, reterr_why));
	width = tile_width(path->level, path->index, l->head.size);
	ENSURE(path->width <= width, ERR_NOTFOUND, reterr_why, "the log has not grown to that tile");
	is_edge = width < TILE_WIDTH;
	if (path->is_entries)
		return put_bundle(l, path, is_edge, into, reterr_why);
	return put_tile(l, path, is_edge, into, reterr_why);
}

/* --- records ------------------------------------------------------------------------------------------------------ */

static int read_item(struct ledger *l, uint64_t index, struct journal_item *ret_item, struct history_entry *ret_entry,
                     struct why *reterr_why)
{
	struct history_source history = ledger_history(l);

	TRY(ledger_tend(l, reterr_why));
	ENSURE(index < l->head.size, ERR_NOTFOUND, reterr_why, "leaf %" PRIu64 " is not in a log of %" PRIu64 " leaves",
	       index, l->head.size);
	TRY(history.entry(history.context, index, ret_entry, reterr_why));
	TRY(journal_read_item(l->journal, ret_entry->place, ret_item, reterr_why));
	ENSURE(ret_item->account_seq == ret_entry->account_seq, ERR_TAMPERED, reterr_why,
	       "the ledger's file \"history\" was altered at leaf %" PRIu64
	       "; remove the file \"mark\" and restart the ledger, which derives both again",
	       index);
	return ERR_OK;
}

int ledger_read_entry(struct ledger *l, uint64_t index, struct ledger_item *ret_entry, struct why *reterr_why)
{
	struct history_entry entry;
	struct journal_item item;

	TRY(read_item(l, index, &item, &entry, reterr_why));
	*ret_entry = (struct ledger_item){
		.leaf = item.leaf,
		.account = item.account,
		.account_seq = item.account_seq,
		.time_ms = entry.time_ms,
		.prev = entry.prev,
		.is_erased = item.is_erased,
	};
	return ERR_OK;
}

/* Opens the item's record and checks that it is the one that its leaf commits to. */
static int open_item(struct ledger *l, uint64_t index, const struct journal_item *item, const struct record_keys *keys,
                     uint8_t ret_salt[static SALT_BYTES], struct buf *into, struct why *reterr_why)
{
	struct record_context context = {
		.origin = slice_str(ledger_origin(l)),
		.account = item->account,
		.account_seq = item->account_seq,
		.leaf_index = index,
	};
	uint8_t commit[MERKLE_HASH_BYTES];
	size_t before = buf_len(into);
	struct record_key key;
	struct leaf leaf;

	memcpy(key.id, item->key_id, RECORD_KEY_ID_BYTES);
	TRY(keys->find(keys->context, key.id, &key.secret, reterr_why));
	TRY(leaf_parse(item->leaf, &leaf, reterr_why));
	TRY(record_open(&key, &context, item->sealed, ret_salt, into, reterr_why));
	leaf_commit(ret_salt, slice_of(buf_slice(into).ptr + before, buf_len(into) - before), commit);
	if (slice_equal(slice_of(commit, sizeof commit), slice_of(leaf.commit, sizeof commit)))
		return ERR_OK;
	buf_truncate(into, before);
	why_set(reterr_why, "the record of leaf %" PRIu64 " is not the one that the leaf commits to", index);
	return ERR_TAMPERED;
}

static int read_sealed(struct ledger *l, uint64_t index, struct slice account, struct journal_item *ret_item,
                       struct why *reterr_why)
{
	struct history_entry entry;

	TRY(read_item(l, index, ret_item, &entry, reterr_why));
	ENSURE(slice_equal(ret_item->account, account), ERR_DENIED, reterr_why,
	       "the record of leaf %" PRIu64 " belongs to another account", index);
	ENSURE(!ret_item->is_erased, ERR_NOTFOUND, reterr_why, "the record of leaf %" PRIu64 " was erased", index);
	return ERR_OK;
}

int ledger_read_record(struct ledger *l, uint64_t index, struct slice account, const struct record_keys *keys,
                       uint8_t ret_salt[static SALT_BYTES], struct buf *into, struct why *reterr_why)
{
	struct journal_item item;

	TRY(read_sealed(l, index, account, &item, reterr_why));
	return open_item(l, index, &item, keys, ret_salt, into, reterr_why);
}

int ledger_put_receipt(struct ledger *l, uint64_t index, struct slice account, const struct record_keys *keys,
                       struct buf *into, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *proof = NULL, *record = NULL;
	struct merkle_hash hash;
	struct journal_item item;
	struct receipt receipt;

	TRY(buf_new(TLOG_PROOF_BYTES_MAX, &proof, reterr_why));
	TRY(buf_new(RECORD_BYTES_MAX, &record, reterr_why));
	TRY(read_sealed(l, index, account, &item, reterr_why));
	TRY(open_item(l, index, &item, keys, receipt.salt, record, reterr_why));
	merkle_leaf_hash(item.leaf, &hash);
	TRY(put_proof(l, &hash, index, proof, reterr_why));
	receipt.leaf = item.leaf;
	receipt.record = buf_slice(record);
	return receipt_put(&receipt, buf_slice(proof), into, reterr_why);
}

int ledger_find(struct ledger *l, struct slice account, uint64_t seq, uint64_t time_ms, uint64_t *ret_index,
                struct why *reterr_why)
{
	struct history_source history = ledger_history(l);
	const struct chain *chain;
	uint64_t newest;

	TRY(ledger_tend(l, reterr_why));
	chain = chains_find(l->accounts, account);
	newest = chain ? chain->leaf_index : HISTORY_NONE;
	/* What is only staged has no history yet. */
	ENSURE(newest == HISTORY_NONE || newest < l->head.size, ERR_CONFLICT, reterr_why,
	       "a batch is staged; commit or drop it before looking back");
	return history_find(&history, newest, seq, time_ms, ret_index, reterr_why);
}

int ledger_erase_record(struct ledger *l, uint64_t index, struct why *reterr_why)
{
	struct history_entry entry;
	struct merkle_hash hash, logged;
	struct journal_item item;

	TRY(read_item(l, index, &item, &entry, reterr_why));
	/* Nothing is sealed against an altered history here: what is destroyed must be what the tree says it is. */
	TRY(leaf_hash(l, index, &logged, reterr_why));
	merkle_leaf_hash(item.leaf, &hash);
	ENSURE(merkle_hash_equal(&hash, &logged), ERR_TAMPERED, reterr_why,
	       "the ledger's file \"history\" does not lead to leaf %" PRIu64 "; nothing was erased", index);
	return journal_erase_item(l->journal, entry.place, reterr_why);
}
