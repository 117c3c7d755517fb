#include "audit/mark.h"

#include <inttypes.h>
#include <string.h>

#include "base/encode.h"
#include "base/limits.h"
#include "crypto/hash.h"

static const char label[] = "cloister.mark/v1";
enum { STATEMENT_BYTES_MAX = 512 };

static int put_chains(const struct chains *chains, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_u32be(into, (uint32_t)chains_count(chains), reterr_why));
	for (size_t i = 0; i < chains_count(chains); i++) {
		const struct chain *chain = chains_at(chains, i);

		TRY(buf_put_lp(into, slice_str(chain->name), reterr_why));
		TRY(buf_put_u64be(into, chain->seq, reterr_why));
		TRY(buf_put_u64be(into, chain->leaf_index, reterr_why));
		TRY(buf_put(into, slice_of(chain->hash.bytes, MERKLE_HASH_BYTES), reterr_why));
	}
	return ERR_OK;
}

static int put_body(const struct mark *mark, const struct chains *producers, const struct chains *accounts,
                    struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_u64be(into, mark->head.size, reterr_why));
	TRY(buf_put(into, slice_of(mark->head.root.bytes, MERKLE_HASH_BYTES), reterr_why));
	TRY(buf_put_u32be(into, mark->place.segment, reterr_why));
	TRY(buf_put_u32be(into, mark->place.offset, reterr_why));
	TRY(buf_put_u64be(into, mark->time_ms, reterr_why));
	TRY(put_chains(producers, into, reterr_why));
	return put_chains(accounts, into, reterr_why);
}

/* What is signed instead of the body, which may be longer than a note. Its first line is no log's origin, so the note
 * cannot pass as a checkpoint. */
static int put_statement(struct slice body, const char *origin, struct buf *into, struct why *reterr_why)
{
	uint8_t digest[SHA256_BYTES];

	sha256(body, digest);
	TRY(buf_put_fmt(into, reterr_why, "%s %s\n", label, origin));
	TRY(base64_put(into, slice_of(digest, sizeof digest), reterr_why));
	return buf_put_str(into, "\n", reterr_why);
}

int mark_put(const struct mark *mark, const struct chains *producers, const struct chains *accounts,
             const struct note_signer *signer, struct buf *into, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *body = NULL, *statement = NULL, *note = NULL;

	TRY(buf_new(LEDGER_MARK_BYTES_MAX, &body, reterr_why));
	TRY(buf_new(STATEMENT_BYTES_MAX, &statement, reterr_why));
	TRY(buf_new(CHECKPOINT_BYTES_MAX, &note, reterr_why));
	TRY(put_body(mark, producers, accounts, body, reterr_why));
	TRY(put_statement(buf_slice(body), note_verifier_name(note_signer_verifier(signer)), statement, reterr_why));
	TRY(note_put(signer, buf_slice(statement), note, reterr_why));
	TRY(buf_put_lp(into, buf_slice(note), reterr_why));
	return buf_put(into, buf_slice(body), reterr_why);
}

static int verify_statement(struct slice note_bytes, struct slice body, const struct note_verifier *verifier,
                            struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *expected = NULL;
	uint64_t time_s;
	struct note note;

	TRY(note_parse(note_bytes, &note, reterr_why));
	TRY(note_verify(&note, verifier, &time_s, reterr_why));
	TRY(buf_new(STATEMENT_BYTES_MAX, &expected, reterr_why));
	TRY(put_statement(body, note_verifier_name(verifier), expected, reterr_why));
	ENSURE(slice_equal(note.text, buf_slice(expected)), ERR_TAMPERED, reterr_why, "its content was altered");
	return ERR_OK;
}

static int take_hash(struct cursor *c, struct merkle_hash *ret_hash, struct why *reterr_why)
{
	struct slice bytes;

	TRY(cursor_take(c, MERKLE_HASH_BYTES, &bytes, reterr_why));
	memcpy(ret_hash->bytes, bytes.ptr, MERKLE_HASH_BYTES);
	return ERR_OK;
}

static int take_chains(struct cursor *c, struct chains *chains, struct why *reterr_why)
{
	uint32_t count;

	TRY(cursor_take_u32be(c, &count, reterr_why));
	for (uint32_t i = 0; i < count; i++) {
		struct chain chain;
		struct slice name;

		TRY(cursor_take_lp(c, CHAIN_NAME_BYTES_MAX, &name, reterr_why));
		TRY(cursor_take_u64be(c, &chain.seq, reterr_why));
		TRY(cursor_take_u64be(c, &chain.leaf_index, reterr_why));
		TRY(take_hash(c, &chain.hash, reterr_why));
		TRY(chains_advance(chains, name, &chain, reterr_why));
	}
	chains_keep(chains);
	return ERR_OK;
}

static int read_mark(struct slice bytes, const struct note_verifier *verifier, struct mark *ret_mark,
                     struct chains *producers, struct chains *accounts, struct why *reterr_why)
{
	struct cursor c = cursor_of(bytes);
	struct slice note;

	TRY(cursor_take_lp(&c, CHECKPOINT_BYTES_MAX, &note, reterr_why));
	TRY(verify_statement(note, c.rest, verifier, reterr_why));
	TRY(cursor_take_u64be(&c, &ret_mark->head.size, reterr_why));
	TRY(take_hash(&c, &ret_mark->head.root, reterr_why));
	TRY(cursor_take_u32be(&c, &ret_mark->place.segment, reterr_why));
	TRY(cursor_take_u32be(&c, &ret_mark->place.offset, reterr_why));
	TRY(cursor_take_u64be(&c, &ret_mark->time_ms, reterr_why));
	TRY(take_chains(&c, producers, reterr_why));
	TRY(take_chains(&c, accounts, reterr_why));
	return cursor_finish(&c, reterr_why);
}

int mark_open(struct slice bytes, const struct note_verifier *verifier, struct mark *ret_mark, struct chains *producers,
              struct chains *accounts, struct why *reterr_why)
{
	struct mark mark;
	int err = read_mark(bytes, verifier, &mark, producers, accounts, reterr_why);

	if (err_class(err) == ERR_UNAVAILABLE)
		return err;
	if (err != ERR_OK)
		why_prefix(reterr_why, "the ledger's file \"mark\" is not what its key signed: ");
	if (err != ERR_OK)
		return ERR_TAMPERED;
	*ret_mark = mark;
	return ERR_OK;
}
