#include "audit/proof.h"

#include <inttypes.h>
#include <string.h>

#include "base/encode.h"

static const char magic[] = "c2sp.org/tlog-proof@v1", extra_word[] = "extra ", index_word[] = "index ";

static struct slice after(struct slice line, const char *word)
{
	size_t len = strlen(word);

	return slice_of(line.ptr + len, line.len - len);
}

static int check_extra(struct slice base64, struct why *reterr_why)
{
	uint8_t decoded[TLOG_PROOF_EXTRA_BYTES_MAX];
	size_t len;

	ENSURE(base64.len > 0, ERR_INVALID, reterr_why,
	       "a proof with an empty extra line; without extra data there is none");
	return base64_decode(base64, decoded, sizeof decoded, &len, reterr_why);
}

/* Takes the hashes up to the empty line. */
static int take_path(struct cursor *c, struct merkle_proof *ret_path, struct why *reterr_why)
{
	struct slice line;

	ret_path->count = 0;
	for (;;) {
		size_t len;

		TRY(cursor_take_until(c, '\n', &line, reterr_why));
		if (line.len == 0)
			return ERR_OK;
		ENSURE(ret_path->count < MERKLE_PROOF_HASHES_MAX, ERR_LIMIT, reterr_why,
		       "a proof of more than %d hashes", MERKLE_PROOF_HASHES_MAX);
		TRY(base64_decode(line, ret_path->hashes[ret_path->count].bytes, MERKLE_HASH_BYTES, &len, reterr_why));
		ENSURE(len == MERKLE_HASH_BYTES, ERR_INVALID, reterr_why,
		       "a hash of %zu bytes in a proof; %d are expected", len, MERKLE_HASH_BYTES);
		ret_path->count++;
	}
}

int tlog_proof_parse(struct slice text, struct tlog_proof *ret_proof, struct why *reterr_why)
{
	struct tlog_proof proof = {.extra_base64 = {NULL, 0}};
	struct cursor c = cursor_of(text);
	struct slice line;

	ENSURE(text.len <= TLOG_PROOF_BYTES_MAX, ERR_LIMIT, reterr_why, "a proof of %zu bytes; at most %d are accepted",
	       text.len, TLOG_PROOF_BYTES_MAX);
	TRY(cursor_take_until(&c, '\n', &line, reterr_why));
	ENSURE(slice_is_str(line, magic), ERR_INVALID, reterr_why, "not a proof: it does not begin with %s", magic);
	TRY(cursor_take_until(&c, '\n', &line, reterr_why));
	if (slice_starts_with(line, extra_word)) {
		proof.extra_base64 = after(line, extra_word);
		TRY(check_extra(proof.extra_base64, reterr_why));
		TRY(cursor_take_until(&c, '\n', &line, reterr_why));
	}
	ENSURE(slice_starts_with(line, index_word), ERR_INVALID, reterr_why, "a proof without its index");
	TRY(slice_to_u64(after(line, index_word), UINT64_MAX, &proof.index, reterr_why));
	TRY(take_path(&c, &proof.path, reterr_why));
	ENSURE(c.rest.len > 0, ERR_INVALID, reterr_why, "a proof without a checkpoint");
	proof.checkpoint = c.rest;
	*ret_proof = proof;
	return ERR_OK;
}

int tlog_proof_put(const struct tlog_proof *proof, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_fmt(into, reterr_why, "%s\n", magic));
	if (proof->extra_base64.len) {
		TRY(buf_put_str(into, extra_word, reterr_why));
		TRY(buf_put(into, proof->extra_base64, reterr_why));
		TRY(buf_put_str(into, "\n", reterr_why));
	}
	TRY(buf_put_fmt(into, reterr_why, "%s%" PRIu64 "\n", index_word, proof->index));
	for (size_t i = 0; i < proof->path.count; i++) {
		TRY(base64_put(into, slice_of(proof->path.hashes[i].bytes, MERKLE_HASH_BYTES), reterr_why));
		TRY(buf_put_str(into, "\n", reterr_why));
	}
	TRY(buf_put_str(into, "\n", reterr_why));
	return buf_put(into, proof->checkpoint, reterr_why);
}

int tlog_proof_verify(const struct tlog_proof *proof, const struct merkle_hash *leaf, const struct trust *trust,
                      struct tlog_proof_result *ret_result, struct why *reterr_why)
{
	struct tlog_proof_result result;

	TRY(trust_checkpoint_open(trust, proof->checkpoint, &result.head, &result.time_s, reterr_why));
	TRY(merkle_verify_inclusion(leaf, proof->index, result.head.size, &proof->path, &result.head.root, reterr_why));
	*ret_result = result;
	return ERR_OK;
}
