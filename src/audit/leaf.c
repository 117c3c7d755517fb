#include "audit/leaf.h"

#include <inttypes.h>
#include <string.h>

#include "audit/canon.h"
#include "base/encode.h"
#include "crypto/hash.h"

static bool is_producer_byte(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
	       (byte && strchr("._-:@/", byte));
}

int leaf_producer_check(struct slice producer, struct why *reterr_why)
{
	ENSURE(producer.len > 0 && producer.len <= LEAF_PRODUCER_BYTES_MAX, ERR_INVALID, reterr_why,
	       "a producer's name of %zu bytes; 1 to %d are accepted", producer.len, LEAF_PRODUCER_BYTES_MAX);
	for (size_t i = 0; i < producer.len; i++)
		ENSURE(is_producer_byte(producer.ptr[i]), ERR_INVALID, reterr_why, "byte 0x%02x in a producer's name",
		       producer.ptr[i]);
	return ERR_OK;
}

void leaf_commit(const uint8_t salt[static SALT_BYTES], struct slice record,
                 uint8_t ret_commit[static MERKLE_HASH_BYTES])
{
	struct slice parts[] = {slice_of(salt, SALT_BYTES), record};

	sha256_lp(parts, sizeof parts / sizeof *parts, ret_commit);
}

int leaf_put(const struct leaf *leaf, struct buf *into, struct why *reterr_why)
{
	char prev[BASE64_LEN(MERKLE_HASH_BYTES) + 1] = "", commit[BASE64_LEN(MERKLE_HASH_BYTES) + 1];

	TRY(leaf_producer_check(leaf->producer, reterr_why));
	ENSURE(leaf->seq >= 1 && leaf->seq <= CANON_NUMBER_MAX, ERR_INVALID, reterr_why,
	       "%" PRIu64 " is not the number of a leaf", leaf->seq);
	ENSURE(leaf->seq > 1 || !leaf->has_prev, ERR_INVALID, reterr_why, "a producer's leaf 1 has no leaf before it");
	if (leaf->has_prev)
		base64_encode(slice_of(leaf->prev.bytes, MERKLE_HASH_BYTES), prev);
	base64_encode(slice_of(leaf->commit, MERKLE_HASH_BYTES), commit);
	return buf_put_fmt(into, reterr_why,
	                   "{\"commit\":\"%s\",\"prev\":\"%s\",\"producer\":\"%.*s\",\"seq\":%" PRIu64 ",\"v\":1}",
	                   commit, prev, (int)leaf->producer.len, (const char *)leaf->producer.ptr, leaf->seq);
}

/* The member must be there and be the base64 of a hash. */
static int find_hash(struct slice text, const char *name, uint8_t out[static MERKLE_HASH_BYTES], struct why *reterr_why)
{
	struct slice value, base64;
	size_t len;

	ENSURE(canon_find(text, name, &value), ERR_INVALID, reterr_why, "a leaf without %s", name);
	TRY(canon_plain_string(value, &base64, reterr_why));
	TRY(base64_decode(base64, out, MERKLE_HASH_BYTES, &len, reterr_why));
	ENSURE(len == MERKLE_HASH_BYTES, ERR_INVALID, reterr_why, "%s of a leaf has %zu bytes; %d are expected", name,
	       len, MERKLE_HASH_BYTES);
	return ERR_OK;
}

/* A leaf is right only if it is what we would write: so the text has these members and no others. */
static int check_spelling(const struct leaf *leaf, struct slice text, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *spelled = NULL;

	TRY(buf_new(LEAF_BYTES_MAX, &spelled, reterr_why));
	TRY(leaf_put(leaf, spelled, reterr_why));
	ENSURE(slice_equal(text, buf_slice(spelled)), ERR_INVALID, reterr_why,
	       "a leaf has members that version 1 does not know");
	return ERR_OK;
}

int leaf_parse(struct slice text, struct leaf *ret_leaf, struct why *reterr_why)
{
	struct leaf leaf = {.seq = 0};
	struct slice value;

	ENSURE(text.len <= LEAF_BYTES_MAX, ERR_LIMIT, reterr_why, "a leaf of %zu bytes; at most %d are accepted",
	       text.len, LEAF_BYTES_MAX);
	TRY(canon_check_object(text, reterr_why));
	ENSURE(canon_find(text, "v", &value) && slice_is_str(value, "1"), ERR_INVALID, reterr_why,
	       "a leaf of another version than 1");
	TRY(find_hash(text, "commit", leaf.commit, reterr_why));
	ENSURE(canon_find(text, "seq", &value), ERR_INVALID, reterr_why, "a leaf without seq");
	TRY(canon_number(value, &leaf.seq, reterr_why));
	ENSURE(canon_find(text, "prev", &value), ERR_INVALID, reterr_why, "a leaf without prev");
	leaf.has_prev = !slice_is_str(value, "\"\"");
	if (leaf.has_prev)
		TRY(find_hash(text, "prev", leaf.prev.bytes, reterr_why));
	ENSURE(canon_find(text, "producer", &value), ERR_INVALID, reterr_why, "a leaf without producer");
	TRY(canon_plain_string(value, &leaf.producer, reterr_why));
	TRY(check_spelling(&leaf, text, reterr_why));
	*ret_leaf = leaf;
	return ERR_OK;
}
