#include "audit/ledger.h"

#include <inttypes.h>
#include <string.h>

#include "audit/checkpoint.h"
#include "audit/ledger_state.h"
#include "base/random.h"
#include "base/time.h"

/* --- staging ------------------------------------------------------------------------------------------------------ */

bool ledger_is_full(const struct ledger *l)
{
	size_t reserved = JOURNAL_HEAD_BYTES + 4 + CHECKPOINT_BYTES_MAX + JOURNAL_DIGEST_BYTES;

	return l->staged == LEDGER_BATCH_LEAVES_MAX || buf_room(l->items) < JOURNAL_ITEM_BYTES_MAX + reserved;
}

size_t ledger_staged(const struct ledger *l)
{
	return l->staged;
}

void ledger_drop(struct ledger *l)
{
	chains_revert(l->producers, 0);
	chains_revert(l->accounts, 0);
	l->staged_range = l->range;
	buf_reset(l->items);
	l->staged = 0;
}

void ledger_save(const struct ledger *l, struct ledger_savepoint *ret_savepoint)
{
	*ret_savepoint = (struct ledger_savepoint){
		.producers = chains_savepoint(l->producers),
		.accounts = chains_savepoint(l->accounts),
		.items_len = buf_len(l->items),
		.staged = l->staged,
		.range = l->staged_range,
	};
}

void ledger_revert(struct ledger *l, const struct ledger_savepoint *savepoint)
{
	chains_revert(l->producers, savepoint->producers);
	chains_revert(l->accounts, savepoint->accounts);
	buf_truncate(l->items, savepoint->items_len);
	l->staged = savepoint->staged;
	l->staged_range = savepoint->range;
}

/* The producer's number for the leaf. */
static int choose_seq(const struct chain *chain, const struct ledger_input *input, struct ledger_output *output,
                      struct why *reterr_why)
{
	uint64_t last = chain ? chain->seq : 0;

	ENSURE(input->seq == 0 || input->seq > last, ERR_CONFLICT, reterr_why,
	       "producer %.*s has logged number %" PRIu64 " already; its last is %" PRIu64, (int)input->producer.len,
	       (const char *)input->producer.ptr, input->seq, last);
	output->seq = input->seq ? input->seq : last + 1;
	output->missing = output->seq - last - 1;
	return ERR_OK;
}

/* Completes the record and writes the leaf that commits to it, into scratch. */
static int make_leaf(struct ledger *l, const struct ledger_input *input, struct ledger_output *output,
                     uint8_t ret_salt[static SALT_BYTES], struct why *reterr_why)
{
	const struct chain *producer = chains_find(l->producers, input->producer);
	const struct chain *account = chains_find(l->accounts, input->account);
	struct record_place place = {.account_seq = account ? account->seq + 1 : 1};
	struct leaf leaf = {.producer = input->producer, .has_prev = producer};

	if (account)
		place.prev = account->hash;
	if (producer)
		leaf.prev = producer->hash;
	TRY(choose_seq(producer, input, output, reterr_why));
	buf_reset(l->record);
	TRY(record_complete(input->record, &place, l->record, reterr_why));
	TRY(random_fill(ret_salt, SALT_BYTES, reterr_why));
	leaf_commit(ret_salt, buf_slice(l->record), leaf.commit);
	leaf.seq = output->seq;
	buf_reset(l->leaf);
	TRY(leaf_put(&leaf, l->leaf, reterr_why));
	merkle_leaf_hash(buf_slice(l->leaf), &output->hash);
	output->account_seq = place.account_seq;
	l->prevs[l->staged] = account ? account->leaf_index : HISTORY_NONE;
	return ERR_OK;
}

static int stage_item(struct ledger *l, const struct ledger_input *input, const struct ledger_output *output,
                      const uint8_t salt[static SALT_BYTES], struct why *reterr_why)
{
	struct record_context context = {
		.origin = slice_str(ledger_origin(l)),
		.account = input->account,
		.account_seq = output->account_seq,
		.leaf_index = output->index,
	};
	struct journal_item item = {
		.leaf = buf_slice(l->leaf),
		.account = input->account,
		.account_seq = output->account_seq,
	};

	buf_reset(l->sealed);
	TRY(record_seal(input->key, &context, salt, buf_slice(l->record), l->sealed, reterr_why));
	memcpy(item.key_id, input->key->id, RECORD_KEY_ID_BYTES);
	item.sealed = buf_slice(l->sealed);
	return journal_item_put(&item, l->items, reterr_why);
}

static int advance_chains(struct ledger *l, const struct ledger_input *input, const struct ledger_output *output,
                          struct why *reterr_why)
{
	struct chain link = {.seq = output->seq, .leaf_index = output->index, .hash = output->hash};

	TRY(chains_advance(l->producers, input->producer, &link, reterr_why));
	link.seq = output->account_seq;
	return chains_advance(l->accounts, input->account, &link, reterr_why);
}

static int stage(struct ledger *l, const struct ledger_input *input, struct ledger_output *output,
                 struct why *reterr_why)
{
	uint8_t salt[SALT_BYTES];
	int err;

	TRY(make_leaf(l, input, output, salt, reterr_why));
	err = stage_item(l, input, output, salt, reterr_why);
	explicit_bzero(salt, sizeof salt);
	TRY(err);
	return advance_chains(l, input, output, reterr_why);
}

int ledger_stage(struct ledger *l, const struct ledger_input *input, struct ledger_output *ret_output,
                 struct why *reterr_why)
{
	size_t producers = chains_savepoint(l->producers), accounts = chains_savepoint(l->accounts);
	struct ledger_output output = {.index = l->head.size + l->staged};
	size_t items_len = buf_len(l->items);
	int err;

	if (l->staged == 0)
		TRY(ledger_tend(l, reterr_why));
	ENSURE(!ledger_is_full(l), ERR_LIMIT, reterr_why, "the batch holds %" PRIu32 " leaves and is full", l->staged);
	TRY(leaf_producer_check(input->producer, reterr_why));
	TRY(record_account_check(input->account, reterr_why));
	err = stage(l, input, &output, reterr_why);
	if (err != ERR_OK) {
		buf_truncate(l->items, items_len);
		chains_revert(l->producers, producers);
		chains_revert(l->accounts, accounts);
		return err;
	}
	merkle_range_append(&l->staged_range, &output.hash, NULL);
	l->staged++;
	*ret_output = output;
	return ERR_OK;
}

/* --- committing --------------------------------------------------------------------------------------------------- */

/* The clock may be set back; the log's time is not. */
static uint64_t next_time_ms(const struct ledger *l)
{
	uint64_t now_ms = time_wall_ms();

	return now_ms > l->time_ms ? now_ms : l->time_ms;
}

/* Signs the new head and appends the batch under it. */
static int append_batch(struct ledger *l, struct merkle_head *ret_head, struct buf *checkpoint,
                        struct journal_frame *frame, struct why *reterr_why)
{
	struct merkle_head head = {.size = l->staged_range.size};

	merkle_range_root(&l->staged_range, &head.root);
	TRY(checkpoint_put(l->signer, &head, checkpoint, reterr_why));
	*frame = (struct journal_frame){
		.first = l->head.size,
		.count = l->staged,
		.time_ms = next_time_ms(l),
		.items = buf_slice(l->items),
		.checkpoint = buf_slice(checkpoint),
	};
	buf_reset(l->frame);
	TRY(journal_frame_put(frame, l->frame, reterr_why));
	TRY(journal_append(l->journal, buf_slice(l->frame), &l->frame_place, reterr_why));
	*ret_head = head;
	return ERR_OK;
}

int ledger_commit(struct ledger *l, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *checkpoint = NULL;
	struct journal_frame frame;
	struct merkle_head head;
	int err;

	if (l->staged == 0)
		return ERR_OK;
	err = ledger_tend(l, reterr_why); /* what is still pending stands in the frame's buffer */
	if (err == ERR_OK)
		err = buf_new(CHECKPOINT_BYTES_MAX, &checkpoint, reterr_why);
	if (err == ERR_OK)
		err = append_batch(l, &head, checkpoint, &frame, reterr_why);
	if (err != ERR_OK) {
		ledger_drop(l);
		return err;
	}
	l->is_pending = true;
	l->pending = frame;
	l->pending.items = slice_of(buf_slice(l->frame).ptr + JOURNAL_HEAD_BYTES, frame.items.len);
	l->head = head;
	l->range = l->staged_range;
	l->time_ms = frame.time_ms;
	l->journal_bytes += buf_len(l->frame);
	buf_free(l->checkpoint);
	l->checkpoint = take_ptr(checkpoint);
	chains_keep(l->producers);
	chains_keep(l->accounts);
	buf_reset(l->items);
	l->staged = 0;
	return ERR_OK;
}

/* --- the log as it stands ----------------------------------------------------------------------------------------- */

const struct merkle_head *ledger_head(const struct ledger *l)
{
	return &l->head;
}

struct slice ledger_checkpoint(const struct ledger *l)
{
	return buf_slice(l->checkpoint);
}

uint64_t ledger_torn_bytes(const struct ledger *l)
{
	return journal_torn_bytes(l->journal);
}

const char *ledger_origin(const struct ledger *l)
{
	return note_verifier_name(note_signer_verifier(l->signer));
}

uint64_t ledger_producer_seq(const struct ledger *l, struct slice producer)
{
	const struct chain *chain = chains_find(l->producers, producer);

	return chain ? chain->seq : 0;
}
