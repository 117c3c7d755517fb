#include "seal/head.h"

#include <string.h>

#include "base/encode.h"
#include "base/fd.h"
#include "base/random.h"
#include "base/time.h"
#include "crypto/hash.h"

static int take_magic(struct cursor *in, struct why *reterr_why)
{
	static const char any_version[] = "cloister.sealed/v";
	struct slice found;

	ENSURE(slice_starts_with(in->rest, any_version), ERR_INVALID, reterr_why,
	       "not a sealed file: it does not begin with cloister.sealed/v1");
	TRY(cursor_take(in, SEAL_MAGIC_BYTES, &found, reterr_why));
	ENSURE(slice_is_str(found, SEAL_MAGIC), ERR_INVALID, reterr_why,
	       "a sealed file of another version than the v1 that this program reads; use the newest cloister");
	return ERR_OK;
}

static int take_part(struct cursor *in, size_t max, const char *what, struct slice *ret_part, struct why *reterr_why)
{
	uint32_t len;

	TRY(cursor_take_u32be(in, &len, reterr_why));
	ENSURE(len <= max, ERR_LIMIT, reterr_why,
	       "the %s of this sealed file claims %u bytes; at most %zu are accepted", what, len, max);
	return cursor_take(in, len, ret_part, reterr_why);
}

static int parse(struct slice bytes, struct seal_head *ret_head, struct why *reterr_why)
{
	struct cursor in = cursor_of(bytes);
	struct seal_head head = {0};

	TRY(take_magic(&in, reterr_why));
	TRY(take_part(&in, SEAL_CORE_BYTES_MAX, "core", &head.core, reterr_why));
	TRY(take_part(&in, SEAL_WRAPS_BYTES_MAX, "list of wraps", &head.wraps, reterr_why));
	seal_core_hash(head.core, head.core_hash);
	head.message_at = bytes.len - in.rest.len;
	head.wraps_at = head.message_at - head.wraps.len;
	*ret_head = head;
	return ERR_OK;
}

int seal_head_parse(struct slice bytes, struct seal_head *ret_head, struct why *reterr_why)
{
	int err = parse(bytes, ret_head, reterr_why);

	if (err == ERR_INVALID)
		why_prefix(reterr_why, "head of a sealed file: ");
	return err;
}

static int read_more(int fd, struct buf *into, size_t len, struct why *reterr_why)
{
	uint8_t *room;
	size_t got;

	TRY(buf_reserve(into, len, &room, reterr_why));
	TRY(fd_read_full(fd, room, len, &got, reterr_why));
	buf_commit(into, got);
	ENSURE(got == len, ERR_INVALID, reterr_why, "not a whole sealed file: its head ends after %zu bytes",
	       buf_len(into));
	return ERR_OK;
}

/* Reads a u32 length and then as many bytes. */
static int read_part(int fd, struct buf *into, size_t max, const char *what, struct why *reterr_why)
{
	struct cursor in;
	struct slice content;
	uint32_t len;

	TRY(read_more(fd, into, 4, reterr_why));
	content = buf_slice(into);
	in = cursor_of(slice_of(content.ptr + content.len - 4, 4));
	TRY(cursor_take_u32be(&in, &len, reterr_why));
	ENSURE(len <= max, ERR_LIMIT, reterr_why,
	       "the %s of this sealed file claims %u bytes; at most %zu are accepted", what, len, max);
	return read_more(fd, into, len, reterr_why);
}

int seal_head_read(int fd, struct buf *into, struct seal_head *ret_head, struct why *reterr_why)
{
	struct cursor in;

	buf_reset(into);
	TRY(read_more(fd, into, SEAL_MAGIC_BYTES, reterr_why));
	in = cursor_of(buf_slice(into));
	TRY(take_magic(&in, reterr_why));
	TRY(read_part(fd, into, SEAL_CORE_BYTES_MAX, "core", reterr_why));
	TRY(read_part(fd, into, SEAL_WRAPS_BYTES_MAX, "list of wraps", reterr_why));
	return seal_head_parse(buf_slice(into), ret_head, reterr_why);
}

int seal_head_print(struct slice core, struct slice wraps, struct buf *into, struct why *reterr_why)
{
	ENSURE(core.len <= SEAL_CORE_BYTES_MAX && wraps.len <= SEAL_WRAPS_BYTES_MAX, ERR_LIMIT, reterr_why,
	       "a core of %zu and wraps of %zu bytes; at most %d and %d fit a sealed file", core.len, wraps.len,
	       SEAL_CORE_BYTES_MAX, SEAL_WRAPS_BYTES_MAX);
	TRY(buf_put_str(into, SEAL_MAGIC, reterr_why));
	TRY(buf_put_lp(into, core, reterr_why));
	return buf_put_lp(into, wraps, reterr_why);
}

void seal_core_hash(struct slice core, uint8_t out[static SEAL_HASH_BYTES])
{
	uint8_t bound[SEAL_MAGIC_BYTES + 4 + SEAL_CORE_BYTES_MAX] = SEAL_MAGIC;
	uint8_t *at = bound + SEAL_MAGIC_BYTES;
	size_t len = core.len <= SEAL_CORE_BYTES_MAX ? core.len : SEAL_CORE_BYTES_MAX;

	at[0] = at[1] = 0; /* a core is shorter than 64 KiB */
	at[2] = (uint8_t)(len >> 8);
	at[3] = (uint8_t)len;
	if (len)
		memcpy(at + 4, core.ptr, len);
	sha256(slice_of(bound, SEAL_MAGIC_BYTES + 4 + len), out);
}

/* Letters, digits and what RFC 6838 and parameters without quotes use; never a byte that JSON escapes. */
static bool is_type_byte(uint8_t c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	return c != 0 && strchr("!#$&-^_.+/;= ", c) != NULL;
}

static int check_type(struct slice type, struct why *reterr_why)
{
	ENSURE(type.len > 0 && type.len <= SEAL_TYPE_BYTES_MAX, ERR_INVALID, reterr_why,
	       "a media type of %zu bytes; 1 to %d are accepted", type.len, SEAL_TYPE_BYTES_MAX);
	for (size_t i = 0; i < type.len; i++)
		ENSURE(is_type_byte(type.ptr[i]), ERR_INVALID, reterr_why,
		       "a media type with the byte 0x%02x in it; write it like text/csv", type.ptr[i]);
	return ERR_OK;
}

int seal_core_new(const char *plaintext_type, uint64_t now_wall_ms, struct seal_core *ret_core, struct why *reterr_why)
{
	struct seal_core core = {.created_wall_ms = now_wall_ms / 1000 * 1000};

	TRY(check_type(slice_str(plaintext_type), reterr_why));
	TRY(random_fill(core.id, sizeof core.id, reterr_why));
	TRY(slice_to_str(slice_str(plaintext_type), core.plaintext_type, sizeof core.plaintext_type, reterr_why));
	*ret_core = core;
	return ERR_OK;
}

int seal_core_print(const struct seal_core *core, struct buf *into, struct why *reterr_why)
{
	char created[TIME_RFC3339_BYTES], id[BASE64_LEN(SEAL_ID_BYTES) + 1];

	/* No value holds a byte that JSON escapes, and the names are in order: this is canonical. */
	time_format(core->created_wall_ms, created);
	base64_encode(slice_of(core->id, sizeof core->id), id);
	return buf_put_fmt(into, reterr_why,
	                   "{\"alg\":\"COBBLESTONE-256\",\"created\":\"%s\",\"id\":\"%s\",\"plaintext_type\":\"%s\"}",
	                   created, id, core->plaintext_type);
}

/* Takes `literal`, which must come next. */
static int take_literal(struct cursor *in, const char *literal, struct why *reterr_why)
{
	struct slice taken;

	ENSURE(slice_starts_with(in->rest, literal), ERR_INVALID, reterr_why, "the core of this sealed file lacks %s",
	       literal);
	return cursor_take(in, strlen(literal), &taken, reterr_why);
}

/* The format has one spelling only, so it is read literally; anything else is not a core of version 1. */
int seal_core_parse(struct slice json, struct seal_core *ret_core, struct why *reterr_why)
{
	struct cursor in = cursor_of(json);
	struct slice created, id, type;
	struct seal_core core;
	size_t id_len;

	TRY(take_literal(&in, "{\"alg\":\"COBBLESTONE-256\",\"created\":\"", reterr_why));
	TRY(cursor_take_until(&in, '"', &created, reterr_why));
	TRY(take_literal(&in, ",\"id\":\"", reterr_why));
	TRY(cursor_take_until(&in, '"', &id, reterr_why));
	TRY(take_literal(&in, ",\"plaintext_type\":\"", reterr_why));
	TRY(cursor_take_until(&in, '"', &type, reterr_why));
	TRY(take_literal(&in, "}", reterr_why));
	TRY(cursor_finish(&in, reterr_why));
	ENSURE(created.len == strlen("2026-11-22T19:33:07Z"), ERR_INVALID, reterr_why,
	       "a sealed file's date is written to the second");
	TRY(time_parse(created, &core.created_wall_ms, reterr_why));
	TRY(base64_decode(id, core.id, sizeof core.id, &id_len, reterr_why));
	ENSURE(id_len == sizeof core.id, ERR_INVALID, reterr_why, "a sealed file's id has %d bytes, not %zu",
	       SEAL_ID_BYTES, id_len);
	TRY(check_type(type, reterr_why));
	TRY(slice_to_str(type, core.plaintext_type, sizeof core.plaintext_type, reterr_why));
	*ret_core = core;
	return ERR_OK;
}
