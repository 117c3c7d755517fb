/* opener.h: what somebody at the command line has to open sealed files with: identities, a passphrase, a KMS. */
#pragma once
#include "base/err.h"
#include "base/secret.h"
#include "cli/cli.h"
#include "seal/seal.h"

#define OPENER_IDENTITIES_MAX 16

struct opener {
	struct secret *identities[OPENER_IDENTITIES_MAX];
	size_t identity_count;
	const char *passphrase_file;
	struct secret *passphrase;           /* read, or asked for, when the first wrap needs it */
	bool may_ask;                        /* the person at the terminal */
	bool has_tried;                      /* a key that was at hand, on a wrap of its kind */
	bool has_met[SEAL_WRAP_UNKNOWN + 1]; /* kinds of wraps that the file has */
};

/* From --identity and --passphrase-file. */
MUST_USE int opener_new(const struct cli *cli, struct opener *ret_opener, struct why *reterr_why);
void opener_clear(struct opener *o);

/* For seal_open_stream(); borrowed from the opener. */
struct seal_key_source opener_source(struct opener *o);

/* Passes on what seal_open_stream() answered. Where no key at hand was for the file, it says which kinds would be. */
MUST_USE int opener_explain(const struct opener *o, int err, struct why *reterr_why);
