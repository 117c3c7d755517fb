#include "audit/note.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/utf8.h"
#include "base/encode.h"
#include "crypto/hash.h"

static const char dash[] = "\xe2\x80\x94 "; /* U+2014 and a space begin each signature line */

enum {
	KEY_ID_BYTES = 4,
	TIME_BYTES = 8,
	ED25519_BYTES = 64,
	/* "cosignature/v1\ntime 18446744073709551615\n" before a checkpoint of three lines of at most 255 bytes */
	COSIGNED_HEAD_BYTES = 48,
};

struct note_verifier {
	char name[NOTE_NAME_BYTES_MAX + 1];
	enum note_kind kind;
	uint32_t key_id;
	uint8_t raw[NOTE_PUBLIC_BYTES];
	struct sign_public *key;
};

struct note_signer {
	const struct sign_key *key;
	struct note_verifier *verifier;
};

/* --- text ------------------------------------------------------------------------------------------------------- */

/* The characters that Unicode calls White_Space. */
static bool is_space(uint32_t code)
{
	return (code >= 0x09 && code <= 0x0d) || code == 0x20 || code == 0x85 || code == 0xa0 || code == 0x1680 ||
	       (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 || code == 0x202f ||
	       code == 0x205f || code == 0x3000;
}

static int text_check(struct slice text, struct why *reterr_why)
{
	struct cursor c = cursor_of(text);

	while (c.rest.len) {
		uint32_t code;

		TRY(utf8_take(&c, &code, reterr_why));
		ENSURE(code >= 0x20 || code == '\n', ERR_INVALID, reterr_why,
		       "control character 0x%02" PRIx32 " in a note", code);
	}
	return ERR_OK;
}

int note_name_check(struct slice name, struct why *reterr_why)
{
	struct cursor c = cursor_of(name);

	ENSURE(name.len > 0, ERR_INVALID, reterr_why, "a key's name is empty");
	ENSURE(name.len <= NOTE_NAME_BYTES_MAX, ERR_LIMIT, reterr_why,
	       "a key's name of %zu bytes; at most %d are accepted", name.len, NOTE_NAME_BYTES_MAX);
	while (c.rest.len) {
		uint32_t code;

		TRY(utf8_take(&c, &code, reterr_why));
		ENSURE(code >= 0x20 && code != '+' && !is_space(code), ERR_INVALID, reterr_why,
		       "a key's name holds U+%04" PRIX32 "; spaces, plus signs and control characters are not allowed",
		       code);
	}
	return ERR_OK;
}

/* --- parsing ---------------------------------------------------------------------------------------------------- */

/* Where the signature lines begin: after the last empty line. */
static int find_split(struct slice bytes, size_t *ret_at, struct why *reterr_why)
{
	size_t at = bytes.len;

	while (at >= 2 && !(bytes.ptr[at - 1] == '\n' && bytes.ptr[at - 2] == '\n'))
		at--;
	ENSURE(at >= 2, ERR_INVALID, reterr_why, "not a signed note: no empty line before its signatures");
	*ret_at = at;
	return ERR_OK;
}

static uint32_t key_id_of(const uint8_t bytes[static KEY_ID_BYTES])
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* "— name base64" without its newline. */
static int parse_signature(struct slice line, struct note_signature *ret_signature, struct why *reterr_why)
{
	struct cursor c = cursor_of(line);
	uint8_t decoded[NOTE_SIGNATURE_BYTES_MAX];
	struct slice skipped, name;
	size_t len;

	ENSURE(slice_starts_with(line, dash), ERR_INVALID, reterr_why,
	       "a signature line must begin with an em dash and a space");
	TRY(cursor_take(&c, sizeof dash - 1, &skipped, reterr_why));
	TRY(cursor_take_until(&c, ' ', &name, reterr_why));
	TRY(note_name_check(name, reterr_why));
	TRY(base64_decode(c.rest, decoded, sizeof decoded, &len, reterr_why));
	ENSURE(len > KEY_ID_BYTES, ERR_INVALID, reterr_why, "a signature of %zu bytes holds no more than a key id",
	       len);
	*ret_signature = (struct note_signature){.name = name, .key_id = key_id_of(decoded), .base64 = c.rest};
	return ERR_OK;
}

int note_parse(struct slice bytes, struct note *ret_note, struct why *reterr_why)
{
	struct cursor lines;
	struct note note;
	size_t split;

	ENSURE(bytes.len <= NOTE_BYTES_MAX, ERR_LIMIT, reterr_why, "a note of %zu bytes; at most %d are accepted",
	       bytes.len, NOTE_BYTES_MAX);
	TRY(text_check(bytes, reterr_why));
	TRY(find_split(bytes, &split, reterr_why));
	note.text = slice_of(bytes.ptr, split - 1);
	note.count = 0;
	lines = cursor_of(slice_of(bytes.ptr + split, bytes.len - split));
	ENSURE(lines.rest.len > 0, ERR_INVALID, reterr_why, "a note without a signature");
	while (lines.rest.len) {
		struct slice line;

		ENSURE(note.count < NOTE_SIGNATURES_MAX, ERR_LIMIT, reterr_why, "a note with more than %d signatures",
		       NOTE_SIGNATURES_MAX);
		TRY(cursor_take_until(&lines, '\n', &line, reterr_why));
		TRY(parse_signature(line, &note.signatures[note.count], reterr_why));
		note.count++;
	}
	*ret_note = note;
	return ERR_OK;
}

/* --- keys ------------------------------------------------------------------------------------------------------- */

static uint32_t key_id_compute(struct slice name, enum note_kind kind, const uint8_t raw[static NOTE_PUBLIC_BYTES])
{
	uint8_t bytes[NOTE_NAME_BYTES_MAX + 2 + NOTE_PUBLIC_BYTES], digest[SHA256_BYTES];

	memcpy(bytes, name.ptr, name.len);
	bytes[name.len] = '\n';
	bytes[name.len + 1] = (uint8_t)kind;
	memcpy(bytes + name.len + 2, raw, NOTE_PUBLIC_BYTES);
	sha256(slice_of(bytes, name.len + 2 + NOTE_PUBLIC_BYTES), digest);
	return key_id_of(digest);
}

int note_verifier_new(struct slice name, enum note_kind kind, const uint8_t raw[static NOTE_PUBLIC_BYTES],
                      struct note_verifier **ret_verifier, struct why *reterr_why)
{
	CLEANUP(note_verifier_freep) struct note_verifier *v = NULL;

	TRY(note_name_check(name, reterr_why));
	ENSURE(kind == NOTE_ED25519 || kind == NOTE_COSIGNATURE, ERR_INVALID, reterr_why,
	       "a key of kind 0x%02x; 0x01 (Ed25519) and 0x04 (Ed25519 cosignature) are known", (unsigned)kind);
	v = calloc(1, sizeof *v);
	ENSURE(v, ERR_UNAVAILABLE, reterr_why, "out of memory for a key");
	TRY(slice_to_str(name, v->name, sizeof v->name, reterr_why));
	TRY(sign_public_from_raw_ed25519(raw, &v->key, reterr_why));
	memcpy(v->raw, raw, NOTE_PUBLIC_BYTES);
	v->kind = kind;
	v->key_id = key_id_compute(name, kind, raw);
	*ret_verifier = take_ptr(v);
	return ERR_OK;
}

int note_verifier_parse(struct slice vkey, struct note_verifier **ret_verifier, struct why *reterr_why)
{
	CLEANUP(note_verifier_freep) struct note_verifier *v = NULL;
	uint8_t id[KEY_ID_BYTES], key[1 + NOTE_PUBLIC_BYTES];
	struct cursor c = cursor_of(vkey);
	struct slice name, hex;
	size_t len;

	TRY(cursor_take_until(&c, '+', &name, reterr_why));
	TRY(cursor_take_until(&c, '+', &hex, reterr_why));
	TRY(hex_decode(hex, id, sizeof id, reterr_why));
	TRY(base64_decode(c.rest, key, sizeof key, &len, reterr_why));
	ENSURE(len == sizeof key, ERR_INVALID, reterr_why, "a verifier key of %zu bytes; %zu are expected", len,
	       sizeof key);
	TRY(note_verifier_new(name, key[0], key + 1, &v, reterr_why));
	ENSURE(v->key_id == key_id_of(id), ERR_INVALID, reterr_why,
	       "the verifier key of %s says key id %08" PRIx32 ", but its key has %08" PRIx32, v->name, key_id_of(id),
	       v->key_id);
	*ret_verifier = take_ptr(v);
	return ERR_OK;
}

void note_verifier_free(struct note_verifier *v)
{
	if (!v)
		return;
	sign_public_free(v->key);
	free(v);
}

void note_verifier_freep(struct note_verifier **v)
{
	note_verifier_free(*v);
	*v = NULL;
}

int note_verifier_put_vkey(const struct note_verifier *v, struct buf *into, struct why *reterr_why)
{
	uint8_t key[1 + NOTE_PUBLIC_BYTES];

	key[0] = (uint8_t)v->kind;
	memcpy(key + 1, v->raw, NOTE_PUBLIC_BYTES);
	TRY(buf_put_fmt(into, reterr_why, "%s+%08" PRIx32 "+", v->name, v->key_id));
	return base64_put(into, slice_of(key, sizeof key), reterr_why);
}

const char *note_verifier_name(const struct note_verifier *v)
{
	return v->name;
}

enum note_kind note_verifier_kind(const struct note_verifier *v)
{
	return v->kind;
}

uint32_t note_verifier_key_id(const struct note_verifier *v)
{
	return v->key_id;
}

/* --- verifying and signing -------------------------------------------------------------------------------------- */

/* What a witness signs: a label, the moment, and the checkpoint's text. */
static int cosigned_message(struct slice text, uint64_t time_s, struct buf **ret_message, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *message = NULL;

	TRY(buf_new(NOTE_BYTES_MAX + COSIGNED_HEAD_BYTES, &message, reterr_why));
	TRY(buf_put_fmt(message, reterr_why, "cosignature/v1\ntime %" PRIu64 "\n", time_s));
	TRY(buf_put(message, text, reterr_why));
	*ret_message = take_ptr(message);
	return ERR_OK;
}

static int verify_cosignature(struct slice text, const struct note_verifier *v, struct cursor *payload,
                              uint64_t *ret_time_s, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *message = NULL;
	uint64_t time_s;

	ENSURE(payload->rest.len == TIME_BYTES + ED25519_BYTES, ERR_TAMPERED, reterr_why,
	       "the cosignature of %s has %zu bytes", v->name, payload->rest.len);
	TRY(cursor_take_u64be(payload, &time_s, reterr_why));
	ENSURE(time_s <= INT64_MAX, ERR_TAMPERED, reterr_why, "the cosignature of %s states no possible time", v->name);
	TRY(cosigned_message(text, time_s, &message, reterr_why));
	TRY(sign_verify(v->key, buf_slice(message), payload->rest, reterr_why));
	*ret_time_s = time_s;
	return ERR_OK;
}

static int verify_one(const struct note *note, const struct note_signature *signature, const struct note_verifier *v,
                      uint64_t *ret_time_s, struct why *reterr_why)
{
	uint8_t decoded[NOTE_SIGNATURE_BYTES_MAX];
	struct cursor payload;
	size_t len;

	TRY(base64_decode(signature->base64, decoded, sizeof decoded, &len, reterr_why));
	payload = cursor_of(slice_of(decoded + KEY_ID_BYTES, len - KEY_ID_BYTES));
	if (v->kind == NOTE_COSIGNATURE)
		return verify_cosignature(note->text, v, &payload, ret_time_s, reterr_why);
	*ret_time_s = 0;
	return sign_verify(v->key, note->text, payload.rest, reterr_why);
}

int note_verify(const struct note *note, const struct note_verifier *v, uint64_t *ret_time_s, struct why *reterr_why)
{
	uint64_t earliest_s = UINT64_MAX;
	bool is_found = false;

	for (size_t i = 0; i < note->count; i++) {
		const struct note_signature *signature = &note->signatures[i];
		uint64_t time_s = 0;
		int err;

		if (signature->key_id != v->key_id || !slice_is_str(signature->name, v->name))
			continue;
		err = verify_one(note, signature, v, &time_s, reterr_why);
		ENSURE(err == ERR_OK || err_class(err) == ERR_UNAVAILABLE, ERR_TAMPERED, reterr_why,
		       "the signature of %s (key id %08" PRIx32 ") is not right for this text", v->name, v->key_id);
		TRY(err);
		is_found = true;
		if (time_s < earliest_s)
			earliest_s = time_s;
	}
	ENSURE(is_found, ERR_NOTFOUND, reterr_why, "no signature of %s (key id %08" PRIx32 ")", v->name, v->key_id);
	*ret_time_s = earliest_s;
	return ERR_OK;
}

int note_signer_new(struct slice name, enum note_kind kind, const struct sign_key *key, struct note_signer **ret_signer,
                    struct why *reterr_why)
{
	CLEANUP(sign_public_freep) struct sign_public *public = NULL;
	CLEANUP(note_signer_freep) struct note_signer *s = NULL;
	uint8_t raw[NOTE_PUBLIC_BYTES];

	TRY(sign_key_public(key, &public, reterr_why));
	ENSURE(sign_public_kind(public) == SIGN_ED25519, ERR_INVALID, reterr_why, "notes are signed with Ed25519 keys");
	TRY(sign_public_raw_ed25519(public, raw, reterr_why));
	s = calloc(1, sizeof *s);
	ENSURE(s, ERR_UNAVAILABLE, reterr_why, "out of memory for a key");
	TRY(note_verifier_new(name, kind, raw, &s->verifier, reterr_why));
	s->key = key;
	*ret_signer = take_ptr(s);
	return ERR_OK;
}

void note_signer_free(struct note_signer *s)
{
	if (!s)
		return;
	note_verifier_free(s->verifier);
	free(s);
}

void note_signer_freep(struct note_signer **s)
{
	note_signer_free(*s);
	*s = NULL;
}

const struct note_verifier *note_signer_verifier(const struct note_signer *s)
{
	return s->verifier;
}

/* Writes the part of the signature line that follows the key id; *ret_len <= TIME_BYTES + SIGN_BYTES_MAX. */
static int sign_payload(const struct note_signer *s, struct slice text, uint64_t time_s,
                        uint8_t out[static TIME_BYTES + SIGN_BYTES_MAX], size_t *ret_len, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *message = NULL;

	if (s->verifier->kind == NOTE_ED25519)
		return sign_message(s->key, text, out, ret_len, reterr_why);
	ENSURE(time_s <= INT64_MAX, ERR_INVALID, reterr_why, "%" PRIu64 " is not a time in seconds", time_s);
	TRY(cosigned_message(text, time_s, &message, reterr_why));
	for (size_t i = 0; i < TIME_BYTES; i++)
		out[i] = (uint8_t)(time_s >> (8 * (TIME_BYTES - 1 - i)));
	TRY(sign_message(s->key, buf_slice(message), out + TIME_BYTES, ret_len, reterr_why));
	*ret_len += TIME_BYTES;
	return ERR_OK;
}

int note_put_signature(const struct note_signer *s, struct slice text, uint64_t time_s, struct buf *into,
                       struct why *reterr_why)
{
	uint8_t bytes[KEY_ID_BYTES + TIME_BYTES + SIGN_BYTES_MAX];
	uint32_t key_id = s->verifier->key_id;
	size_t len;

	ENSURE(text.len > 0 && text.ptr[text.len - 1] == '\n', ERR_INVALID, reterr_why,
	       "the text of a note must end with a newline");
	for (size_t i = 0; i < KEY_ID_BYTES; i++)
		bytes[i] = (uint8_t)(key_id >> (8 * (KEY_ID_BYTES - 1 - i)));
	TRY(sign_payload(s, text, time_s, bytes + KEY_ID_BYTES, &len, reterr_why));
	TRY(buf_put_fmt(into, reterr_why, "%s%s ", dash, s->verifier->name));
	TRY(base64_put(into, slice_of(bytes, KEY_ID_BYTES + len), reterr_why));
	return buf_put_str(into, "\n", reterr_why);
}

int note_put(const struct note_signer *s, struct slice text, struct buf *into, struct why *reterr_why)
{
	TRY(text_check(text, reterr_why));
	TRY(buf_put(into, text, reterr_why));
	TRY(buf_put_str(into, "\n", reterr_why));
	return note_put_signature(s, text, 0, into, reterr_why);
}
