#include "ipc/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"

enum { EVENTS_AT_ONCE = 32 };

struct ipc_watch {
	struct ipc_loop *loop;
	int fd;
	ipc_watch_ready *ready; /* NULL: freed, but an event for it may still be in hand */
	void *arg;
	struct ipc_watch *next_freed;
};

struct ipc_loop {
	int epoll_fd;
	bool is_stopping;
	struct ipc_timer *first, *last; /* by due time */
	struct ipc_watch *freed;
	int signal_fd;
	struct ipc_watch *signal_watch;
	ipc_signal_caught *caught;
	void *caught_arg;
	void (*idle)(void *arg);
	void *idle_arg;
};

int ipc_loop_new(struct ipc_loop **ret_loop, struct why *reterr_why)
{
	CLEANUP(ipc_loop_freep) struct ipc_loop *loop = calloc(1, sizeof *loop);

	ENSURE(loop, ERR_UNAVAILABLE, reterr_why, "out of memory for an event loop");
	loop->signal_fd = -1;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ENSURE_SYS(loop->epoll_fd >= 0, reterr_why, "cannot make an epoll set");
	*ret_loop = take_ptr(loop);
	return ERR_OK;
}

static void bury_freed(struct ipc_loop *loop)
{
	while (loop->freed) {
		struct ipc_watch *watch = loop->freed;

		loop->freed = watch->next_freed;
		free(watch);
	}
}

void ipc_loop_free(struct ipc_loop *loop)
{
	if (!loop)
		return;
	ipc_watch_free(loop->signal_watch);
	fd_closep(&loop->signal_fd);
	bury_freed(loop);
	fd_closep(&loop->epoll_fd);
	free(loop);
}

void ipc_loop_freep(struct ipc_loop **loop)
{
	ipc_loop_free(*loop);
	*loop = NULL;
}

int ipc_watch_new(struct ipc_loop *loop, int fd, uint32_t events, ipc_watch_ready *ready, void *arg,
                  struct ipc_watch **ret_watch, struct why *reterr_why)
{
	struct ipc_watch *watch = calloc(1, sizeof *watch);
	struct epoll_event event = {.events = events, .data.ptr = watch};

	ENSURE(watch, ERR_UNAVAILABLE, reterr_why, "out of memory for a watch");
	*watch = (struct ipc_watch){.loop = loop, .fd = fd, .ready = ready, .arg = arg};
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
		free(watch);
		return why_errno(reterr_why, errno, "cannot watch a descriptor");
	}
	*ret_watch = watch;
	return ERR_OK;
}

int ipc_watch_change(struct ipc_watch *watch, uint32_t events, struct why *reterr_why)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	ENSURE_SYS(epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) == 0, reterr_why,
	           "cannot change what is watched");
	return ERR_OK;
}

void ipc_watch_free(struct ipc_watch *watch)
{
	if (!watch)
		return;
	epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->ready = NULL;
	watch->next_freed = watch->loop->freed;
	watch->loop->freed = watch;
}

void ipc_timer_clear(struct ipc_loop *loop, struct ipc_timer *timer)
{
	if (!timer->is_set)
		return;
	*(timer->earlier ? &timer->earlier->later : &loop->first) = timer->later;
	*(timer->later ? &timer->later->earlier : &loop->last) = timer->earlier;
	timer->is_set = false;
}

/* Deadlines mostly come in the order in which they will pass, so the place is looked for from the end. */
void ipc_timer_set(struct ipc_loop *loop, struct ipc_timer *timer, uint64_t due_ms, void (*expire)(void *arg),
                   void *arg)
{
	struct ipc_timer *before = loop->last;

	if (timer->is_set) {
		ipc_timer_clear(loop, timer);
		before = loop->last;
	}
	while (before && before->due_ms > due_ms)
		before = before->earlier;
	*timer = (struct ipc_timer){
		.earlier = before,
		.later = before ? before->later : loop->first,
		.due_ms = due_ms,
		.expire = expire,
		.arg = arg,
		.is_set = true,
	};
	*(timer->earlier ? &timer->earlier->later : &loop->first) = timer;
	*(timer->later ? &timer->later->earlier : &loop->last) = timer;
}

static void expire_timers(struct ipc_loop *loop)
{
	uint64_t now = time_mono_ms();

	while (loop->first && loop->first->due_ms <= now) {
		struct ipc_timer *timer = loop->first;

		ipc_timer_clear(loop, timer);
		timer->expire(timer->arg);
	}
}

void ipc_loop_when_idle(struct ipc_loop *loop, void (*idle)(void *arg), void *arg)
{
	loop->idle = idle;
	loop->idle_arg = arg;
}

static void run_idle(struct ipc_loop *loop)
{
	void (*idle)(void *arg) = loop->idle;

	if (!idle)
		return;
	loop->idle = NULL;
	idle(loop->idle_arg);
}

static int wait_time(const struct ipc_loop *loop, uint64_t wait_ms)
{
	if (loop->idle)
		return 0;
	if (loop->first) {
		uint64_t now = time_mono_ms();
		uint64_t left = loop->first->due_ms > now ? loop->first->due_ms - now : 0;

		if (left < wait_ms)
			wait_ms = left;
	}
	return wait_ms > INT32_MAX ? INT32_MAX : (int)wait_ms;
}

int ipc_loop_step(struct ipc_loop *loop, uint64_t wait_ms, struct why *reterr_why)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int count;

	count = epoll_wait(loop->epoll_fd, events, EVENTS_AT_ONCE, wait_time(loop, wait_ms));
	ENSURE_SYS(count >= 0 || errno == EINTR, reterr_why, "cannot wait for events");
	for (int i = 0; i < count; i++) {
		struct ipc_watch *watch = events[i].data.ptr;

		if (watch->ready)
			watch->ready(watch->arg, events[i].events);
	}
	if (count == 0)
		run_idle(loop);
	bury_freed(loop);
	expire_timers(loop);
	bury_freed(loop);
	return ERR_OK;
}

int ipc_loop_run(struct ipc_loop *loop, struct why *reterr_why)
{
	while (!loop->is_stopping)
		TRY(ipc_loop_step(loop, UINT64_MAX, reterr_why));
	return ERR_OK;
}

void ipc_loop_stop(struct ipc_loop *loop)
{
	loop->is_stopping = true;
}

static void signal_ready(void *arg, uint32_t events)
{
	struct ipc_loop *loop = arg;
	struct signalfd_siginfo info;

	(void)events;
	while (read(loop->signal_fd, &info, sizeof info) == sizeof info)
		loop->caught(loop->caught_arg, (int)info.ssi_signo);
}

int ipc_loop_signals(struct ipc_loop *loop, const sigset_t *signals, ipc_signal_caught *caught, void *arg,
                     struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;

	ENSURE(loop->signal_fd < 0, ERR_CONFLICT, reterr_why, "this loop has its signals already");
	ENSURE_SYS(sigprocmask(SIG_BLOCK, signals, NULL) == 0, reterr_why, "cannot block signals");
	fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
	ENSURE_SYS(fd >= 0, reterr_why, "cannot make a signalfd");
	TRY(ipc_watch_new(loop, fd, EPOLLIN, signal_ready, loop, &loop->signal_watch, reterr_why));
	loop->caught = caught;
	loop->caught_arg = arg;
	loop->signal_fd = take_fd(fd);
	return ERR_OK;
}
