#include "audit/receipt.h"

#include <string.h>

#include "audit/canon.h"
#include "base/encode.h"

int receipt_put(const struct receipt *receipt, struct slice proof, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_str(into, "{\"leaf\":", reterr_why));
	TRY(buf_put(into, receipt->leaf, reterr_why));
	TRY(buf_put_str(into, ",\"proof\":", reterr_why));
	TRY(canon_put_string(into, proof, reterr_why));
	TRY(buf_put_str(into, ",\"record\":", reterr_why));
	TRY(buf_put(into, receipt->record, reterr_why));
	TRY(buf_put_str(into, ",\"salt\":\"", reterr_why));
	TRY(base64_put(into, slice_of(receipt->salt, SALT_BYTES), reterr_why));
	return buf_put_str(into, "\",\"v\":1}", reterr_why);
}

static int find(struct slice text, const char *name, struct slice *ret_value, struct why *reterr_why)
{
	ENSURE(canon_find(text, name, ret_value), ERR_INVALID, reterr_why, "a receipt without \"%s\"", name);
	return ERR_OK;
}

static int find_object(struct slice text, const char *name, struct slice *ret_value, struct why *reterr_why)
{
	TRY(find(text, name, ret_value, reterr_why));
	ENSURE(slice_starts_with(*ret_value, "{"), ERR_INVALID, reterr_why, "\"%s\" of a receipt is not an object",
	       name);
	return ERR_OK;
}

static int find_salt(struct slice text, uint8_t ret_salt[static SALT_BYTES], struct why *reterr_why)
{
	struct slice value, base64;
	size_t len;

	TRY(find(text, "salt", &value, reterr_why));
	TRY(canon_plain_string(value, &base64, reterr_why));
	TRY(base64_decode(base64, ret_salt, SALT_BYTES, &len, reterr_why));
	ENSURE(len == SALT_BYTES, ERR_INVALID, reterr_why, "a salt of %zu bytes; %d are expected", len, SALT_BYTES);
	return ERR_OK;
}

/* A receipt is right only if it is what we would write: so it has these members and no others. */
static int check_spelling(const struct receipt *receipt, struct slice proof, struct slice text, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *spelled = NULL;
	int err;

	TRY(buf_new(text.len, &spelled, reterr_why));
	err = receipt_put(receipt, proof, spelled, reterr_why);
	ENSURE(err != ERR_LIMIT && (err != ERR_OK || slice_equal(text, buf_slice(spelled))), ERR_INVALID, reterr_why,
	       "a receipt has members that version 1 does not know");
	return err;
}

int receipt_parse(struct slice text, struct receipt *ret_receipt, struct buf *proof_into, struct why *reterr_why)
{
	struct receipt receipt;
	struct slice value, proof;
	size_t before;

	ENSURE(text.len <= RECEIPT_BYTES_MAX, ERR_LIMIT, reterr_why, "a receipt of %zu bytes; at most %d are accepted",
	       text.len, RECEIPT_BYTES_MAX);
	TRY(canon_check_object(text, reterr_why));
	TRY(find(text, "v", &value, reterr_why));
	ENSURE(slice_is_str(value, "1"), ERR_INVALID, reterr_why, "a receipt of another version than 1");
	TRY(find_object(text, "leaf", &receipt.leaf, reterr_why));
	TRY(find_object(text, "record", &receipt.record, reterr_why));
	TRY(find_salt(text, receipt.salt, reterr_why));
	TRY(find(text, "proof", &value, reterr_why));
	before = buf_len(proof_into);
	TRY(canon_unescape(value, proof_into, reterr_why));
	proof = slice_of(buf_slice(proof_into).ptr + before, buf_len(proof_into) - before);
	TRY(check_spelling(&receipt, proof, text, reterr_why));
	*ret_receipt = receipt;
	return ERR_OK;
}

int receipt_verify(struct slice text, const struct trust *trust, struct receipt_result *ret_result,
                   struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *proof_text = NULL;
	struct receipt_result result;
	struct receipt receipt;
	struct tlog_proof proof;
	struct merkle_hash hash;
	uint8_t commit[MERKLE_HASH_BYTES];

	TRY(buf_new(TLOG_PROOF_BYTES_MAX, &proof_text, reterr_why));
	TRY(receipt_parse(text, &receipt, proof_text, reterr_why));
	TRY(leaf_parse(receipt.leaf, &result.leaf, reterr_why));
	leaf_commit(receipt.salt, receipt.record, commit);
	ENSURE(slice_equal(slice_of(commit, sizeof commit), slice_of(result.leaf.commit, sizeof commit)), ERR_TAMPERED,
	       reterr_why, "the record and its salt are not what the leaf commits to");
	TRY(tlog_proof_parse(buf_slice(proof_text), &proof, reterr_why));
	merkle_leaf_hash(receipt.leaf, &hash);
	TRY(tlog_proof_verify(&proof, &hash, trust, &result.proof, reterr_why));
	result.record = receipt.record;
	result.index = proof.index;
	*ret_result = result;
	return ERR_OK;
}
