/* loop.h: one thread that waits for everything: descriptors, timers, signals. Links (link.h) stand on it.
 *
 * Callbacks run one at a time, in ipc_loop_run(); any of them may add, change or remove watches and timers, its own
 * included. Nothing here is for another thread. */
#pragma once
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/err.h"

struct ipc_loop;

MUST_USE int ipc_loop_new(struct ipc_loop **ret_loop, struct why *reterr_why);
/* Every watch must have been freed, every timer cleared. */
void ipc_loop_free(struct ipc_loop *loop);
void ipc_loop_freep(struct ipc_loop **loop);

/* Runs callbacks until ipc_loop_stop(), for good. An error is the kernel's, from waiting. */
MUST_USE int ipc_loop_run(struct ipc_loop *loop, struct why *reterr_why);
void ipc_loop_stop(struct ipc_loop *loop);

/* Waits once, at most `wait_ms`, and runs what is due. */
MUST_USE int ipc_loop_step(struct ipc_loop *loop, uint64_t wait_ms, struct why *reterr_why);

/* Calls `idle` once, as soon as nothing that is watched is ready: for work that is better done once for all that has
 * come in. A second one takes the place of the first; NULL: none. */
void ipc_loop_when_idle(struct ipc_loop *loop, void (*idle)(void *arg), void *arg);

/* Calls `ready` whenever `fd` is ready for one of `events` (EPOLLIN, EPOLLOUT; hang-up and error always). The
 * descriptor stays the caller's, and open until the watch is freed. */
struct ipc_watch;
typedef void ipc_watch_ready(void *arg, uint32_t events);

MUST_USE int ipc_watch_new(struct ipc_loop *loop, int fd, uint32_t events, ipc_watch_ready *ready, void *arg,
                           struct ipc_watch **ret_watch, struct why *reterr_why);
MUST_USE int ipc_watch_change(struct ipc_watch *watch, uint32_t events, struct why *reterr_why);
void ipc_watch_free(struct ipc_watch *watch);

/* A timer lies in whatever it is for; zeroed, it is not set. */
struct ipc_timer {
	struct ipc_timer *earlier, *later;
	uint64_t due_ms;
	void (*expire)(void *arg);
	void *arg;
	bool is_set;
};

/* Calls `expire` once, at the moment `due_ms` of time_mono_ms() or soon after; a timer that is set is set anew. */
void ipc_timer_set(struct ipc_loop *loop, struct ipc_timer *timer, uint64_t due_ms, void (*expire)(void *arg),
                   void *arg);
void ipc_timer_clear(struct ipc_loop *loop, struct ipc_timer *timer);

/* Blocks `signals` for this thread and calls `caught` for each that comes. At most one such set per loop. */
typedef void ipc_signal_caught(void *arg, int number);

MUST_USE int ipc_loop_signals(struct ipc_loop *loop, const sigset_t *signals, ipc_signal_caught *caught, void *arg,
                              struct why *reterr_why);
