/* log_key.h: the file that makes a directory this log's: its origin, the key that signs its checkpoints, and the key
 * that its own records are sealed under.
 *
 * It is never backed up: a log that lost its key is replaced by one of another origin (protocols.md 6). Beside it lies
 * log.vkey, the verifier key as text, for whoever checks the log. */
#pragma once
#include "audit/note.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/secret.h"
#include "crypto/sign.h"

#define LOG_KEY_FILE "log-key"
#define LOG_VKEY_FILE "log.vkey"

struct log_key {
	struct sign_key *key;
	struct note_signer *signer; /* its name is the origin */
	struct secret *own;         /* 32 bytes */
};

/* Makes the key of a new log in its directory, and log.vkey. `origin` is the name that its checkpoints are signed
 * under; empty: one of its own with 64 random bits. ERR_CONFLICT if there is a key, or a journal without one. For
 * `init`, and for the first start without it. */
MUST_USE int log_key_create(int dir_fd, struct slice origin, struct why *reterr_why);

/* Reads it. ERR_NOTFOUND if there is none and no journal either; ERR_TAMPERED naming the file if it is damaged, if
 * log.vkey is another key's, or if there is a journal and no key. A missing log.vkey is written anew. */
MUST_USE int log_key_load(int dir_fd, struct log_key *ret_key, struct why *reterr_why);
void log_key_clear(struct log_key *key);

/* Appends the vkey text. */
MUST_USE int log_key_put_vkey(const struct log_key *key, struct buf *into, struct why *reterr_why);
