/* note.h: signed notes (C2SP signed-note v1.0.0): a text, and lines that say who signed it.
 *
 * Two kinds of signature: Ed25519 over the text, and Ed25519 cosignatures of checkpoints with the moment at which a
 * witness saw them (C2SP tlog-cosignature v1). Signatures of other kinds and by unknown keys are carried and ignored.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/slice.h"
#include "crypto/sign.h"

/* The signature type bytes that the specification assigns. */
enum note_kind {
	NOTE_ED25519 = 0x01,
	NOTE_COSIGNATURE = 0x04,
};

#define NOTE_PUBLIC_BYTES 32

struct note_signature {
	struct slice name;
	uint32_t key_id;
	struct slice base64; /* key id and signature, known to decode */
};

/* A parsed note; its slices point into what was parsed. */
struct note {
	struct slice text; /* its last newline included: what is signed */
	struct note_signature signatures[NOTE_SIGNATURES_MAX];
	size_t count;
};

/* Splits a note at its last empty line and checks its form: UTF-8, no control characters, signature lines. Nothing is
 * verified. ERR_INVALID, ERR_LIMIT over NOTE_BYTES_MAX or NOTE_SIGNATURES_MAX. */
MUST_USE int note_parse(struct slice bytes, struct note *ret_note, struct why *reterr_why);

/* A key that notes are verified with: name, kind and public key, as a vkey text holds them. */
struct note_verifier;

/* ERR_INVALID if the name is empty or holds a space, a plus sign or a control character, or for another kind. */
MUST_USE int note_verifier_new(struct slice name, enum note_kind kind, const uint8_t raw[static NOTE_PUBLIC_BYTES],
                               struct note_verifier **ret_verifier, struct why *reterr_why);

/* From "name+<key id in hex>+<base64 of kind and key>". ERR_INVALID if the id is not that key's. */
MUST_USE int note_verifier_parse(struct slice vkey, struct note_verifier **ret_verifier, struct why *reterr_why);
void note_verifier_free(struct note_verifier *v);
void note_verifier_freep(struct note_verifier **v);

/* Appends the vkey text, without a newline. */
MUST_USE int note_verifier_put_vkey(const struct note_verifier *v, struct buf *into, struct why *reterr_why);
const char *note_verifier_name(const struct note_verifier *v);
enum note_kind note_verifier_kind(const struct note_verifier *v);
uint32_t note_verifier_key_id(const struct note_verifier *v);

/* Verifies the signatures that this key has on the note. *ret_time_s is the moment that a cosignature states (seconds
 * since 1970), 0 for other kinds; with several, the earliest. ERR_NOTFOUND if the note has none by this key,
 * ERR_TAMPERED if one of them is not right. */
MUST_USE int note_verify(const struct note *note, const struct note_verifier *v, uint64_t *ret_time_s,
                         struct why *reterr_why);

/* A key that signs notes. The private key stays the caller's and must outlive it. */
struct note_signer;
MUST_USE int note_signer_new(struct slice name, enum note_kind kind, const struct sign_key *key,
                             struct note_signer **ret_signer, struct why *reterr_why);
void note_signer_free(struct note_signer *s);
void note_signer_freep(struct note_signer **s);

/* The verifier of what it signs; borrowed from the signer. */
const struct note_verifier *note_signer_verifier(const struct note_signer *s);

/* Appends one signature line over `text` (which must end in a newline). `time_s` is for cosignatures; else 0. */
MUST_USE int note_put_signature(const struct note_signer *s, struct slice text, uint64_t time_s, struct buf *into,
                                struct why *reterr_why);

/* Appends a whole note: text, empty line, one signature line. ERR_INVALID if the text cannot be a note's. */
MUST_USE int note_put(const struct note_signer *s, struct slice text, struct buf *into, struct why *reterr_why);

/* Whether `name` can be a key's: non-empty UTF-8 without Unicode spaces, plus signs and control characters, and not
 * over NOTE_NAME_BYTES_MAX. ERR_INVALID or ERR_LIMIT with what is wrong. */
MUST_USE int note_name_check(struct slice name, struct why *reterr_why);
