/* role.h: what every role is made of: a specification, and a process that configures itself from the supervisor's
 * messages, locks itself up, and then serves its links in one loop.
 *
 * A role adds a message: a number in daemon/link/<one>_<other>.h with functions that write and read the body, a handler
 * (ipc/permit.h) and a line in its permit table. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "daemon/link/control.h"
#include "daemon/link/events.h"
#include "daemon/system.h"
#include "ipc/link.h"
#include "ipc/loop.h"
#include "ipc/permit.h"
#include "sandbox/landlock.h"
#include "sandbox/seccomp.h"

/* Bits, for permit tables. */
enum role_state {
	ROLE_CONFIGURING = 1, /* not locked up yet, hears only the supervisor */
	ROLE_SEALED = 2,      /* keys: serves, but without its root key */
	ROLE_RUNNING = 4,
	ROLE_STOPPING = 8, /* finishes what it has; peers may still be asking */
};
#define ROLE_SERVING (ROLE_SEALED | ROLE_RUNNING | ROLE_STOPPING)

struct role;

struct role_spec {
	enum role_number number;
	const char *name;      /* as on the command line and in logs */
	const char *directory; /* beneath the state directory; becomes its working directory. NULL: it keeps nothing */
	unsigned open_files;

	const struct sandbox_syscalls *const *syscalls; /* all its lists, then NULL */
	const struct sandbox_landlock_rule *files;      /* beside its directory */
	size_t files_count;
	enum sandbox_tcp tcp;

	const struct ipc_permits *permits; /* beside PING */
	size_t permits_count;

	/* Hooks; each may be NULL. An error from the first two ends the role: of class ERR_UNAVAILABLE it is started
	 * again, of any other the whole system stops with the sentence.
	 * open: configured, but not locked up; for what will be out of reach. Still root, if that was, but without the
	 * capability to pass over permissions.
	 * start: locked up, about to serve. */
	int (*open)(struct role *role, struct why *reterr_why);
	int (*start)(struct role *role, struct why *reterr_why);
	void (*stop)(struct role *role);   /* finish, then role_stopped(); without it: at once */
	void (*reload)(struct role *role); /* certificates have changed */
	/* Takes the socket of a link for itself (a worker thread's); false: it goes to the main loop. */
	bool (*take_link)(struct role *role, const struct control_link *link, int fd);
};

/* A role's process. Handlers get it as their context. */
struct role {
	const struct role_spec *spec;
	const struct system *system;
	struct ipc_loop *loop;
	struct ipc_link *control;
	uint32_t state; /* one of enum role_state */
	uint32_t starts;
	int landlock_abi;
	int directory_fd;         /* -1 without */
	int listener_fd;          /* -1 without */
	int insecure_listener_fd; /* plain HTTP on a loopback address; -1 without */
	bool has_user;
	uint32_t uid, gid;
	struct buf *settings; /* the role's own part of the configuration; NULL when there is none */
	struct ipc_link *links[ROLE_LINKS_MAX];
	size_t link_count;
	struct role_events *events;
	struct ipc_permits permits[8]; /* spec->permits and what is common */
	size_t permits_count;
	int exit_status;
	void *own; /* the role's own state */
};

/* The process. Returns its exit status. */
int role_main(const struct role_spec *spec, const struct system *system);

/* The link of the main loop to a peer; NULL while the peer is away. Borrowed until the loop runs again. */
struct ipc_link *role_link(const struct role *role, enum role_number peer);

/* Tells watch. The event waits, in a queue of EVENT_QUEUE_MAX, until watch has it. ERR_LIMIT when the queue is full:
 * the event is lost, and its number with it, so that watch sees the gap; who must not lose it fails what it is doing.
 */
MUST_USE int role_event(struct role *role, enum event_severity severity, const char *name, const char *detail_json,
                        struct why *reterr_why);

/* Logs that a peer broke the protocol and tells the supervisor, who restarts it. For a worker's client
 * (ipc_client_violation()) the main thread calls it. */
void role_report_violation(struct role *role, uint16_t peer, uint16_t instance, const struct why *why);

/* What a stop hook calls when nothing is in flight any more: the process ends. */
void role_stopped(struct role *role);

/* Ends the process because it cannot go on, and says why. */
void role_fail(struct role *role, int err, const struct why *why);
