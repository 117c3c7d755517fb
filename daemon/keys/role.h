/* role.h: the process around the service: its messages, its link to ledger, its clockwork. Of daemon/keys only. */
#pragma once
#include "daemon/keys/keys.h"
#include "daemon/keys/service.h"

struct keys_process {
	struct role *role;
	struct secret *passphrase; /* from open() to start(); NULL: sealed */
	char region[SIGV4_REGION_BYTES_MAX + 1];
	struct keys_service *service; /* NULL while sealed */
	struct ipc_timer tick, flush;
	bool is_log_checked; /* ledger's last state was compared, and records may go */
	bool was_checked;    /* once: before that nothing is served, for the database may be an older copy of itself */
	bool is_asking;      /* for ledger's state */
	uint64_t reads_flushed_ms;
	bool is_stopping;
};

/* Sends what waits for the log when this turn of the loop is over. */
void keys_process_flush_soon(struct keys_process *p);

/* Starts the clockwork: finds ledger's link, flushes reads. */
void keys_process_begin(struct keys_process *p);

extern const struct ipc_permits keys_permits;
