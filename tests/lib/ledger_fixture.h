/* ledger_fixture.h: a ledger in a temporary directory, for tests and measurements. Whatever goes wrong in here ends the
 * program with a sentence. */
#pragma once
#include "audit/ledger.h"
#include "audit/note.h"
#include "base/secret.h"
#include "base/slice.h"

#define FIXTURE_ORIGIN "log.example/test"
#define FIXTURE_ACCOUNT "123456789012"

struct fixture {
	char path[256];
	int dir_fd;
	struct sign_key *sign_key;
	struct note_signer *signer;
	struct secret *secret;
	struct record_key key;
	struct record_keys keys; /* finds that one key, unless key_is_destroyed */
	bool key_is_destroyed;
	bool is_single_threaded;
	struct ledger *ledger;
};

/* A fresh directory under `parent` (NULL: /tmp) and fresh keys; nothing is opened. */
void fixture_make(struct fixture *f, const char *parent);
void fixture_remove(struct fixture *f);

/* Works in an existing directory instead of the temporary one; and lets everything go but leaves the directory there.
 */
void fixture_use_dir(struct fixture *f, const char *path);
void fixture_keep(struct fixture *f);

/* Opens the ledger; *reterr_why may be NULL. */
MUST_USE int fixture_open(struct fixture *f, enum ledger_check check, struct why *reterr_why);
void fixture_close(struct fixture *f);

/* An input of producer "front" to the fixture's account. */
struct ledger_input fixture_input(struct fixture *f, const char *record);

/* Stages and commits `count` records in one batch and tends. Ends the program on an error. */
void fixture_append(struct fixture *f, unsigned count);

/* Ends the program with what failed unless `err` is ERR_OK. */
void fixture_must(int err, const struct why *why, const char *what);
