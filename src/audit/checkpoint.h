/* checkpoint.h: what a log signs (C2SP tlog-checkpoint v1.0.0): its origin, its size and the root of its tree. */
#pragma once
#include "audit/merkle.h"
#include "audit/note.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct checkpoint {
	struct slice origin;
	struct merkle_head head;
	struct slice extensions; /* further lines, each with its newline; usually none */
};

/* Reads the text of a note (its last newline included). Slices point into it. ERR_INVALID, ERR_LIMIT for an origin over
 * NOTE_NAME_BYTES_MAX. */
MUST_USE int checkpoint_parse(struct slice text, struct checkpoint *ret_checkpoint, struct why *reterr_why);

/* Parses a note, verifies the log's signature on it, and reads it as a checkpoint whose origin is the key's name.
 * ERR_NOTFOUND without a signature by that key, ERR_TAMPERED for a wrong signature or another origin. */
MUST_USE int checkpoint_open(struct slice bytes, const struct note_verifier *log, struct note *ret_note,
                             struct checkpoint *ret_checkpoint, struct why *reterr_why);

/* Appends the signed checkpoint of this head; the origin is the signer's name. */
MUST_USE int checkpoint_put(const struct note_signer *signer, const struct merkle_head *head, struct buf *into,
                            struct why *reterr_why);

/* Bytes that checkpoint_put() appends at most: two names, a number, a root and a signature line. */
#define CHECKPOINT_BYTES_MAX 1024
