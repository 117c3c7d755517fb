#include "kms/uuid.h"

#include "base/encode.h"
#include "base/random.h"

int uuid_new(uint8_t out[static UUID_BYTES], struct why *reterr_why)
{
	TRY(random_fill(out, UUID_BYTES, reterr_why));
	out[6] = (uint8_t)((out[6] & 0x0f) | 0x40); /* version 4 */
	out[8] = (uint8_t)((out[8] & 0x3f) | 0x80); /* the variant of RFC 9562 */
	return ERR_OK;
}

/* A hyphen stands before these bytes. */
static bool has_hyphen_before(size_t i)
{
	return i == 4 || i == 6 || i == 8 || i == 10;
}

void uuid_print(const uint8_t id[static UUID_BYTES], char out[static UUID_TEXT_BYTES])
{
	char *at = out;

	for (size_t i = 0; i < UUID_BYTES; i++) {
		if (has_hyphen_before(i))
			*at++ = '-';
		hex_encode(slice_of(&id[i], 1), at);
		at += 2;
	}
}

int uuid_parse(struct slice text, uint8_t out[static UUID_BYTES], struct why *reterr_why)
{
	uint8_t id[UUID_BYTES];
	char again[UUID_TEXT_BYTES];
	size_t at = 0;

	ENSURE(text.len == UUID_TEXT_BYTES - 1, ERR_INVALID, reterr_why, "a UUID has 36 characters, not %zu", text.len);
	for (size_t i = 0; i < UUID_BYTES; i++) {
		at += has_hyphen_before(i);
		TRY(hex_decode(slice_of(text.ptr + at, 2), &id[i], 1, reterr_why));
		at += 2;
	}
	uuid_print(id, again); /* the one spelling: hyphens in their places, lower case */
	ENSURE(slice_is_str(text, again), ERR_INVALID, reterr_why, "a UUID is written in lower case with four hyphens");
	for (size_t i = 0; i < UUID_BYTES; i++)
		out[i] = id[i];
	return ERR_OK;
}
