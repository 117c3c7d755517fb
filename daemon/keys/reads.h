/* reads.h: reads of objects, gathered into one record per caller, bucket, operation and second (interfaces: Log), and
 * failed proofs of identity, gathered per source and second.
 *
 * What is gathered lies in a mapped file, so that it survives the process, and is freed there only once ledger has it:
 * after a crash a record may come twice, never not at all. Power loss may cost the last moments. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "daemon/keys/event.h"
#include "daemon/keys/outbox.h"
#include "iam/iam.h"

#define KEYS_READS_FILE "reads.spool"

struct keys_read;

struct keys_reads {
	struct keys_read *entries; /* mapped */
	struct keys_outbox *outbox;
	const char *region;
};

/* What a read was. Texts longer than the entry keeps are cut. */
struct keys_read_spec {
	const char *account;                                              /* whose record it becomes */
	const char *caller_account, *caller_arn, *caller_id, *access_key; /* "" where nobody was proved */
	const char *source, *name, *error_code;
	const char *bucket;
	const char *request_id;
	struct slice peer, key;
	const uint8_t *version_id; /* 16 bytes or NULL */
	uint64_t now_ms;
};

MUST_USE int keys_reads_open(struct keys_reads *r, int dir_fd, struct keys_outbox *outbox, struct why *reterr_why);
void keys_reads_close(struct keys_reads *r);

/* ERR_UNAVAILABLE when the spool is full: then the read must not be answered. */
MUST_USE int keys_reads_note(struct keys_reads *r, const struct keys_read_spec *spec, struct why *reterr_why);

/* Makes records of what is older than this second (or of all). */
void keys_reads_flush(struct keys_reads *r, uint64_t now_ms, bool all);
