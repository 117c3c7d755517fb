#include "audit/record.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "audit/canon.h"
#include "base/encode.h"
#include "crypto/xaes.h"

static const char label[] = "cloister.record/v1";

/* The label, an origin, a key id, an account, two numbers, and the lengths before them. */
enum { AAD_BYTES_MAX = 512 };

int record_account_check(struct slice account, struct why *reterr_why)
{
	_Static_assert(RECORD_ACCOUNT_BYTES_MAX == LEAF_PRODUCER_BYTES_MAX, "one rule serves both kinds of name");
	int err = leaf_producer_check(account, reterr_why);

	if (err != ERR_OK)
		why_prefix(reterr_why, "an account's name is as restricted as a producer's: ");
	return err;
}

/* --- completing ------------------------------------------------------------------------------------------------- */

struct addition {
	const char *name;
	char value[BASE64_LEN(MERKLE_HASH_BYTES) + 3];
};

static int additions_of(const struct record_place *place, struct addition ret_additions[static 2],
                        struct why *reterr_why)
{
	char prev[BASE64_LEN(MERKLE_HASH_BYTES) + 1] = "";

	ENSURE(place->account_seq >= 1 && place->account_seq <= CANON_NUMBER_MAX, ERR_INVALID, reterr_why,
	       "%" PRIu64 " is not the number of a record", place->account_seq);
	if (place->account_seq > 1)
		base64_encode(slice_of(place->prev.bytes, MERKLE_HASH_BYTES), prev);
	ret_additions[0].name = "accountPrev";
	snprintf(ret_additions[0].value, sizeof ret_additions[0].value, "\"%s\"", prev);
	ret_additions[1].name = "accountSeq";
	snprintf(ret_additions[1].value, sizeof ret_additions[1].value, "%" PRIu64, place->account_seq);
	return ERR_OK;
}

static int put_member(struct buf *into, struct slice name, struct slice value, bool *is_first, struct why *reterr_why)
{
	TRY(buf_put_str(into, *is_first ? "{\"" : ",\"", reterr_why));
	TRY(buf_put(into, name, reterr_why));
	TRY(buf_put_str(into, "\":", reterr_why));
	*is_first = false;
	return buf_put(into, value, reterr_why);
}

/* Merges the additions into the members, which are sorted; what follows the last addition is copied as it stands. */
static int merge(struct slice record, const struct addition *additions, size_t count, struct buf *into,
                 struct why *reterr_why)
{
	struct canon_walk walk = canon_members(record);
	bool is_first = true;

	for (size_t next = 0; next < count;) {
		struct canon_walk before = walk;
		struct slice name = slice_str(additions[next].name);
		struct canon_member member;
		int order = canon_next(&walk, &member) ? canon_name_compare(member.name, name) : 1;

		ENSURE(order != 0, ERR_INVALID, reterr_why, "a record may not bring its own %s", additions[next].name);
		if (order < 0) {
			TRY(put_member(into, member.name, member.value, &is_first, reterr_why));
			continue;
		}
		TRY(put_member(into, name, slice_str(additions[next].value), &is_first, reterr_why));
		walk = before;
		next++;
	}
	if (walk.rest.rest.len)
		TRY(buf_put_str(into, ",", reterr_why));
	TRY(buf_put(into, walk.rest.rest, reterr_why));
	return buf_put_str(into, "}", reterr_why);
}

int record_complete(struct slice record, const struct record_place *place, struct buf *into, struct why *reterr_why)
{
	struct addition additions[2];
	size_t before = buf_len(into);
	int err;

	ENSURE(record.len <= RECORD_BYTES_MAX, ERR_LIMIT, reterr_why, "a record of %zu bytes; at most %d are accepted",
	       record.len, RECORD_BYTES_MAX);
	TRY(canon_check_object(record, reterr_why));
	TRY(additions_of(place, additions, reterr_why));
	err = merge(record, additions, sizeof additions / sizeof *additions, into, reterr_why);
	if (err == ERR_OK && buf_len(into) - before > RECORD_BYTES_MAX) {
		why_set(reterr_why, "a record of %zu bytes with its place; at most %d are accepted",
		        buf_len(into) - before, RECORD_BYTES_MAX);
		err = ERR_LIMIT;
	}
	if (err != ERR_OK)
		buf_truncate(into, before);
	return err;
}

/* --- sealing ---------------------------------------------------------------------------------------------------- */

static int put_aad(const struct record_key *key, const struct record_context *context, struct buf *into,
                   struct why *reterr_why)
{
	uint8_t numbers[16];

	for (size_t i = 0; i < 8; i++) {
		numbers[i] = (uint8_t)(context->account_seq >> (56 - 8 * i));
		numbers[8 + i] = (uint8_t)(context->leaf_index >> (56 - 8 * i));
	}
	TRY(buf_put_lp(into, slice_str(label), reterr_why));
	TRY(buf_put_lp(into, context->origin, reterr_why));
	TRY(buf_put_lp(into, slice_of(key->id, RECORD_KEY_ID_BYTES), reterr_why));
	TRY(buf_put_lp(into, context->account, reterr_why));
	return buf_put_lp(into, slice_of(numbers, sizeof numbers), reterr_why);
}

int record_seal(const struct record_key *key, const struct record_context *context,
                const uint8_t salt[static SALT_BYTES], struct slice record, struct buf *into, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *aad = NULL, *plain = NULL;

	ENSURE(record.len <= RECORD_BYTES_MAX, ERR_LIMIT, reterr_why, "a record of %zu bytes; at most %d are accepted",
	       record.len, RECORD_BYTES_MAX);
	TRY(buf_new(AAD_BYTES_MAX, &aad, reterr_why));
	TRY(put_aad(key, context, aad, reterr_why));
	TRY(buf_new(SALT_BYTES + record.len, &plain, reterr_why));
	TRY(buf_put(plain, slice_of(salt, SALT_BYTES), reterr_why));
	TRY(buf_put(plain, record, reterr_why));
	return xaes_seal(key->secret, buf_slice(aad), buf_slice(plain), into, reterr_why);
}

int record_open(const struct record_key *key, const struct record_context *context, struct slice sealed,
                uint8_t ret_salt[static SALT_BYTES], struct buf *into, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *aad = NULL, *plain = NULL;
	struct slice opened;

	ENSURE(sealed.len >= RECORD_SEALED_EXTRA_BYTES && sealed.len <= RECORD_SEALED_BYTES_MAX, ERR_TAMPERED,
	       reterr_why, "a sealed record of %zu bytes", sealed.len);
	TRY(buf_new(AAD_BYTES_MAX, &aad, reterr_why));
	TRY(put_aad(key, context, aad, reterr_why));
	TRY(buf_new(sealed.len, &plain, reterr_why));
	TRY(xaes_open_bytes(key->secret, buf_slice(aad), sealed, plain, reterr_why));
	opened = buf_slice(plain);
	TRY(buf_put(into, slice_of(opened.ptr + SALT_BYTES, opened.len - SALT_BYTES), reterr_why));
	memcpy(ret_salt, opened.ptr, SALT_BYTES);
	return ERR_OK;
}
