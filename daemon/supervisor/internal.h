/* internal.h: the supervisor's state, shared by its files: supervisor.c (life), child.c (one role's process),
 * wiring.c (links), stop.c (the orderly end). */
#pragma once
#include <stdbool.h>

#include "daemon/role/role.h"
#include "daemon/supervisor/options.h"
#include "daemon/supervisor/process.h"
#include "daemon/supervisor/restart.h"
#include "daemon/supervisor/state_dir.h"
#include "ipc/link.h"
#include "ipc/loop.h"

enum child_phase {
	CHILD_DOWN,
	CHILD_STARTING, /* process is there, READY is not */
	CHILD_READY,
	CHILD_STOPPING, /* it was told to stop: once, since a second time is against the rules of its control channel */
};

/* A role: its present process, if there is one, and what outlives processes. */
struct child {
	struct supervisor *supervisor;
	const struct role_spec *spec;
	enum child_phase phase;
	struct process process;
	struct ipc_watch *exit_watch; /* on the pidfd; NULL once it has exited */
	struct ipc_link *control;     /* NULL once all that it said has been read */
	struct ipc_timer timer;       /* by phase: the next start; the deadline of starting, or of stopping */
	uint32_t starts;
	struct restart_history history;
	int directory_fd; /* -1 for a role that keeps nothing */
	bool has_user;
	uid_t uid;
	int failed; /* what it said before it ended; ERR_OK: nothing */
	struct why failed_why;
};

struct supervisor {
	const struct supervisor_config *config;
	const struct system *system;
	struct ipc_loop *loop;
	struct state_dir state;
	struct process_launcher launcher;
	int listener_fd;          /* -1 without front */
	int insecure_listener_fd; /* -1 unless asked for */
	struct child children[ROLE_NUMBER_MAX + 1];
	size_t child_count;
	bool was_ready;
	bool is_stopping;
	int result; /* with what the run ends */
	struct why result_why;
};

struct child *supervisor_child(struct supervisor *s, uint16_t number);
/* All roles are READY for the first time: says so. */
void supervisor_note_ready(struct supervisor *s);

/* child.c */
void child_start(struct child *c);
/* Sends a notice on the control channel; a role that does not read it is killed. */
void child_tell(struct child *c, uint16_t type, struct slice body, const int *fds, size_t fd_count);

/* wiring.c: makes the links between `c`, just started, and every peer that has a process. */
void wiring_connect(struct child *c);

/* stop.c: begins the end, for this reason; the first reason counts. `child_gone` goes on with it. */
void supervisor_stop(struct supervisor *s, int result, const struct why *why);
void supervisor_stop_next(struct supervisor *s);
void supervisor_kill_all(struct supervisor *s);
