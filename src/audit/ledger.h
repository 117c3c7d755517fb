/* ledger.h: the durable transparency log of role `ledger`, in one directory (docs/protocol/ledger-storage.md).
 *
 * Leaves are staged and then committed together: one signature, one write, one fdatasync for all of them. When
 * ledger_commit() returns, leaves, sealed records and a signed checkpoint survive power loss. What others read (tiles,
 * bundles, the public checkpoint) is derived afterwards, by ledger_tend().
 *
 *     stage, stage, …, commit, answer the callers, tend
 *
 * One thread at a time. The directory belongs to one process. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "audit/journal.h"
#include "audit/merkle.h"
#include "audit/note.h"
#include "audit/record.h"
#include "audit/tiles.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/slice.h"

struct ledger;

enum ledger_check {
	LEDGER_CHECK_EDGE, /* what appending rests on: the tiles at the right edge, the journal since the last mark */
	LEDGER_CHECK_ALL,  /* every tile and bundle as well: 0.3 million leaves a second */
};

struct ledger_options {
	const struct note_signer *signer; /* borrowed; its name is the origin */
	enum ledger_check check;
	struct slice at_least;   /* a checkpoint of this log that somebody holds, or empty: refuse to be behind it */
	bool is_single_threaded; /* ledger_tend() then waits for the disk now and then */
};

/* Opens the log in a directory, or begins one. A batch that was being written when the machine stopped is dropped; all
 * else must be as it was signed: ERR_TAMPERED names the file and the index that are not. ERR_CONFLICT if another
 * process has it open. `dir_fd` is borrowed for as long as it is open. */
MUST_USE int ledger_open(int dir_fd, const struct ledger_options *options, struct ledger **ret_ledger,
                         struct why *reterr_why);

/* Makes everything durable and the newest checkpoint public, so that the next start has nothing to replay. Then free
 * it.
 */
MUST_USE int ledger_settle(struct ledger *l, struct why *reterr_why);
void ledger_free(struct ledger *l);
void ledger_freep(struct ledger **l);

/* --- appending ---------------------------------------------------------------------------------------------------- */

struct ledger_input {
	struct slice producer; /* leaf.h */
	uint64_t seq;          /* the producer's own number for it, above its last one; 0: the next */
	struct slice account;  /* record.h: whose history it belongs to */
	struct slice record;   /* canonical JSON without "accountPrev" and "accountSeq" */
	const struct record_key *key;
};

struct ledger_output {
	uint64_t index; /* of the leaf */
	struct merkle_hash hash;
	uint64_t seq;
	uint64_t missing; /* numbers of the producer that never came: an alert */
	uint64_t account_seq;
};

/* Adds a leaf to the batch. ERR_INVALID for names or a record that are not right, ERR_CONFLICT for a seq that the
 * producer has used (ledger_producer_seq() tells its last), ERR_LIMIT if the record is too large or the batch is full
 * (ledger_is_full()). After an error the batch is as it was. */
MUST_USE int ledger_stage(struct ledger *l, const struct ledger_input *input, struct ledger_output *ret_output,
                          struct why *reterr_why);

/* Whether another record of any size may not fit: commit first. And how many leaves are staged. */
bool ledger_is_full(const struct ledger *l);
size_t ledger_staged(const struct ledger *l);

/* Forgets the batch. */
void ledger_drop(struct ledger *l);

/* The batch as it stands, to go back to when several records belong together and a later one is refused. Good until the
 * next commit or drop. */
struct ledger_savepoint {
	size_t producers, accounts, items_len;
	uint32_t staged;
	struct merkle_range range;
};
void ledger_save(const struct ledger *l, struct ledger_savepoint *ret_savepoint);
void ledger_revert(struct ledger *l, const struct ledger_savepoint *savepoint);

/* Makes the batch durable under a new signed checkpoint. On error nothing of it was logged and it is forgotten; a full
 * disk is ERR_UNAVAILABLE and may be tried again, after a failed fdatasync the log must be opened anew. */
MUST_USE int ledger_commit(struct ledger *l, struct why *reterr_why);

/* Derives tiles, bundles and history from what was committed, and now and then has them made durable and the public
 * checkpoint renewed. To be called when the callers have been answered; the next call into the ledger does it
 * otherwise. ERR_UNAVAILABLE: nothing is lost, but the log must be opened anew. */
MUST_USE int ledger_tend(struct ledger *l, struct why *reterr_why);

/* --- the log as it stands ----------------------------------------------------------------------------------------- */

/* Size and root, and the signed checkpoint over them; borrowed until the next commit. */
const struct merkle_head *ledger_head(const struct ledger *l);
struct slice ledger_checkpoint(const struct ledger *l);

/* Bytes of a batch that was being written when the process before this one stopped: cut off when the log was opened. */
uint64_t ledger_torn_bytes(const struct ledger *l);

/* The name under which checkpoints are signed. */
const char *ledger_origin(const struct ledger *l);

/* The last seq of a producer, committed or staged; 0 if it has none. */
uint64_t ledger_producer_seq(const struct ledger *l, struct slice producer);

/* Proofs against the current head, verified before they are given out. ERR_INVALID, ERR_TAMPERED. */
MUST_USE int ledger_prove_inclusion(struct ledger *l, uint64_t index, struct merkle_proof *ret_proof,
                                    struct why *reterr_why);
MUST_USE int ledger_prove_consistency(struct ledger *l, uint64_t older_size, struct merkle_proof *ret_proof,
                                      struct why *reterr_why);

/* Refuses with ERR_TAMPERED unless the log continues that signed checkpoint of it. */
MUST_USE int ledger_check_continues(struct ledger *l, struct slice checkpoint, struct why *reterr_why);

/* Appends the text of a .tlog-proof for a leaf, against the current checkpoint. */
MUST_USE int ledger_put_proof(struct ledger *l, uint64_t index, struct buf *into, struct why *reterr_why);

/* Appends a tile or bundle as the log serves it, of any width that some size of the log has had. ERR_NOTFOUND. */
MUST_USE int ledger_put_resource(struct ledger *l, const struct tile_path *path, struct buf *into,
                                 struct why *reterr_why);

/* --- records ------------------------------------------------------------------------------------------------------ */

/* Where the keys are that records were sealed under. */
struct record_keys {
	/* Gives a key, which stays the source's until the next call. ERR_NOTFOUND if it was destroyed. */
	int (*find)(void *context, const uint8_t id[static RECORD_KEY_ID_BYTES], const struct secret **ret_secret,
	            struct why *reterr_why);
	void *context;
};

/* A leaf and what is known of its record without opening it. */
struct ledger_item {
	struct slice leaf;    /* borrowed until the next call into the ledger */
	struct slice account; /* likewise */
	uint64_t account_seq;
	uint64_t time_ms; /* when it was appended */
	uint64_t prev;    /* leaf index of the account's record before it, HISTORY_NONE for its first */
	bool is_erased;
};
MUST_USE int ledger_read_entry(struct ledger *l, uint64_t index, struct ledger_item *ret_entry, struct why *reterr_why);

/* Opens the record of a leaf for its account, appending it to `into`, and checks it against the leaf's commitment.
 * ERR_NOTFOUND if it was erased or its key destroyed, ERR_DENIED if it is another account's, ERR_TAMPERED. */
MUST_USE int ledger_read_record(struct ledger *l, uint64_t index, struct slice account, const struct record_keys *keys,
                                uint8_t ret_salt[static SALT_BYTES], struct buf *into, struct why *reterr_why);

/* Appends the receipt (receipt.h) of a leaf. Errors as ledger_read_record(). */
MUST_USE int ledger_put_receipt(struct ledger *l, uint64_t index, struct slice account, const struct record_keys *keys,
                                struct buf *into, struct why *reterr_why);

/* The leaf index of the newest of an account's records whose number is at most `seq` and which was appended at or
 * before `time_ms`; HISTORY_NONE if there is none. */
MUST_USE int ledger_find(struct ledger *l, struct slice account, uint64_t seq, uint64_t time_ms, uint64_t *ret_index,
                         struct why *reterr_why);

/* Destroys salt and ciphertext of a record in place, durably: its leaf and every proof hold, but nobody can tell any
 * more what was logged. Log that first; after a crash, doing it again finishes it. A disk may keep old copies of a
 * block, so destroying the record's key is the stronger means. */
MUST_USE int ledger_erase_record(struct ledger *l, uint64_t index, struct why *reterr_why);
