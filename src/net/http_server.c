#include "net/http_server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/time.h"
#include "net/http_conn.h"

enum {
	SWEEP_MS = 250, /* how late a deadline of something parked may be noticed */
	ACCEPTS_IN_A_ROW = 64,
	ACCEPT_PAUSE_US = 10000,
	/* A head and its fields, one gathered record and one piece that is not worth sending by itself. */
	OUT_BYTES_MAX = NET_ANSWER_FIELDS_BYTES_MAX + 64 * 1024,
};

static const uint64_t WAKE_EVENT = UINT64_MAX; /* no connection has this number */

void http_server_config_init(struct http_server_config *config)
{
	*config = (struct http_server_config){
		.workers = NET_WORKERS,
		.connections_max = NET_CONNECTIONS_MAX,
		.connections_per_peer_max = NET_CONNECTIONS_PER_PEER_MAX,
		.requests_per_connection_max = NET_REQUESTS_PER_CONNECTION_MAX,
		.body_bytes_max = NET_BODY_BYTES_MAX,
		.handshake_ms = NET_HANDSHAKE_MS,
		.head_ms = NET_HEAD_MS,
		.idle_ms = NET_IDLE_MS,
		.linger_ms = NET_LINGER_MS,
		.stall_ms = NET_STALL_MS,
		.bytes_per_s_min = NET_BYTES_PER_S_MIN,
	};
}

static int new_worker(struct http_server *s, struct http_worker *w, struct why *reterr_why)
{
	w->server = s;
	TRY(buf_new(NET_ANSWER_FIELDS_BYTES_MAX, &w->x.fields, reterr_why));
	TRY(buf_new(HTTP1_TRAILER_BYTES_MAX, &w->x.answer_trailers, reterr_why));
	return buf_new(OUT_BYTES_MAX, &w->x.out, reterr_why);
}

static int open_fds(struct http_server *s, struct why *reterr_why)
{
	struct epoll_event wake = {.events = EPOLLIN, .data.u64 = WAKE_EVENT};

	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ENSURE_SYS(s->epoll_fd >= 0, reterr_why, "cannot make an epoll");
	s->accept_wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->worker_wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ENSURE_SYS(s->accept_wake_fd >= 0 && s->worker_wake_fd >= 0, reterr_why, "cannot make an eventfd");
	ENSURE_SYS(epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->worker_wake_fd, &wake) == 0, reterr_why,
	           "cannot watch an eventfd");
	return ERR_OK;
}

int http_server_new(const struct http_server_config *config, struct http_server **ret_server, struct why *reterr_why)
{
	CLEANUP(http_server_freep) struct http_server *s = calloc(1, sizeof *s);

	ENSURE(s, ERR_UNAVAILABLE, reterr_why, "out of memory for a server");
	s->config = *config;
	s->epoll_fd = s->accept_wake_fd = s->worker_wake_fd = -1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->emptied, NULL);
	ENSURE(config->handle && config->workers && config->connections_max && config->stall_ms, ERR_INTERNAL,
	       reterr_why, "a server needs a handler, workers, connections and patience");
	s->conns = calloc(config->connections_max, sizeof *s->conns);
	s->workers = calloc(config->workers, sizeof *s->workers);
	ENSURE(s->conns && s->workers, ERR_UNAVAILABLE, reterr_why, "out of memory for a server");
	for (unsigned i = 0; i < config->workers; i++)
		TRY(new_worker(s, &s->workers[i], reterr_why));
	TRY(open_fds(s, reterr_why));
	*ret_server = take_ptr(s);
	return ERR_OK;
}

int http_server_listen(struct http_server *s, int fd, struct tls_server *tls, struct why *reterr_why)
{
	ENSURE(s->listener_count < NET_LISTENERS_MAX && !s->is_started, ERR_LIMIT, reterr_why,
	       "a server listens on at most %d sockets, named before it starts", NET_LISTENERS_MAX);
	s->listeners[s->listener_count++] = (struct http_listener){fd, tls};
	return ERR_OK;
}

/* A plain peer is told; one that expects TLS could not read it. */
static void turn_away(int fd, bool is_tls)
{
	static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
				     "Connection: close\r\n\r\n";

	if (!is_tls)
		(void)!send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

/* False when nothing waits any more. */
static bool accept_one(struct http_server *s, const struct http_listener *listener)
{
	struct sockaddr_storage address = {0};
	socklen_t len = sizeof address;
	int fd = accept4(listener->fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct socket_peer peer;

	if (fd < 0) {
		/* Out of descriptors or memory: what waits goes on waiting, and must not keep us spinning. */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			usleep(ACCEPT_PAUSE_US);
		return errno == EINTR || errno == ECONNABORTED;
	}
	socket_peer_describe(&address, &peer);
	atomic_fetch_add(&s->counters.accepted, 1);
	if (socket_prepare(fd, NULL) != ERR_OK || http_conn_open(s, fd, &peer, listener->tls, NULL) != ERR_OK)
		turn_away(fd, listener->tls != NULL);
	return true;
}

static void close_listeners(struct http_server *s)
{
	for (size_t i = 0; i < s->listener_count; i++)
		fd_closep(&s->listeners[i].fd);
}

/* Waits for peers or for http_server_stop(), at most until the next sweep, and accepts. */
static void accept_some(struct http_server *s, uint64_t next_sweep)
{
	struct pollfd p[NET_LISTENERS_MAX + 1];
	uint64_t now = time_mono_ms(), ignored;

	for (size_t i = 0; i < s->listener_count; i++)
		p[i] = (struct pollfd){.fd = s->listeners[i].fd, .events = POLLIN};
	p[s->listener_count] = (struct pollfd){.fd = s->accept_wake_fd, .events = POLLIN};
	if (poll(p, (nfds_t)s->listener_count + 1, now < next_sweep ? (int)(next_sweep - now) : 0) <= 0)
		return;
	for (size_t i = 0; i < s->listener_count; i++)
		for (int n = 0; p[i].revents && n < ACCEPTS_IN_A_ROW; n++)
			if (!accept_one(s, &s->listeners[i]))
				break;
	if (p[s->listener_count].revents) {
		(void)!read(s->accept_wake_fd, &ignored, sizeof ignored);
		close_listeners(s);
		http_conn_sweep(s);
	}
}

/* Accepts and sweeps until the last connection is gone after http_server_stop(). */
static void *run_accept(void *arg)
{
	struct http_server *s = arg;
	uint64_t next_sweep = time_mono_ms() + SWEEP_MS;
	bool is_over = false;

	while (!is_over) {
		accept_some(s, next_sweep);
		if (time_mono_ms() >= next_sweep) {
			http_conn_sweep(s);
			next_sweep = time_mono_ms() + SWEEP_MS;
		}
		pthread_mutex_lock(&s->lock);
		is_over = atomic_load(&s->is_stopping) && s->conn_count == 0;
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

static void *run_worker(void *arg)
{
	struct http_worker *w = arg;
	struct http_server *s = w->server;

	for (;;) {
		struct epoll_event e;
		struct http_conn *c;
		int count = epoll_wait(s->epoll_fd, &e, 1, -1);

		if (count < 1)
			continue;
		if (e.data.u64 == WAKE_EVENT) /* sent when the last connection has ended */
			return NULL;
		c = http_conn_claim(s, e.data.u64);
		if (c)
			http_conn_serve(w, c);
	}
}

/* Starts a thread in which no signal is handled: those are the program's, and a broken pipe is an error of a write. */
static int start_thread(pthread_t *thread, void *(*run)(void *), void *arg, struct why *reterr_why)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		return why_errno(reterr_why, error, "cannot start a thread");
	return ERR_OK;
}

static int start_threads(struct http_server *s, struct why *reterr_why)
{
	for (unsigned i = 0; i < s->config.workers; i++) {
		struct http_worker *w = &s->workers[i];

		if (s->config.worker_open)
			TRY(s->config.worker_open(s->config.context, &w->own, reterr_why));
		TRY(start_thread(&w->thread, run_worker, w, reterr_why));
		w->is_started = true;
	}
	TRY(start_thread(&s->accept_thread, run_accept, s, reterr_why));
	s->is_started = true;
	return ERR_OK;
}

static void wake(int fd)
{
	uint64_t one = 1;

	(void)!write(fd, &one, sizeof one); /* fails only when it is awake already */
}

static void join_workers(struct http_server *s)
{
	wake(s->worker_wake_fd);
	for (unsigned i = 0; i < s->config.workers; i++) {
		struct http_worker *w = &s->workers[i];

		if (w->is_started)
			pthread_join(w->thread, NULL);
		w->is_started = false;
		if (w->own && s->config.worker_close)
			s->config.worker_close(w->own);
		w->own = NULL;
	}
}

int http_server_start(struct http_server *s, struct why *reterr_why)
{
	int err = start_threads(s, reterr_why);

	if (err != ERR_OK)
		join_workers(s);
	return err;
}

void http_server_stats(struct http_server *s, struct http_server_stats *ret_stats)
{
	struct http_counters *c = &s->counters;

	*ret_stats = (struct http_server_stats){
		.accepted = atomic_load(&c->accepted),
		.refused_full = atomic_load(&c->refused_full),
		.refused_peer = atomic_load(&c->refused_peer),
		.handshakes_failed = atomic_load(&c->handshakes_failed),
		.timeouts = atomic_load(&c->timeouts),
		.requests = atomic_load(&c->requests),
		.refused_requests = atomic_load(&c->refused_requests),
	};
	pthread_mutex_lock(&s->lock);
	ret_stats->connections = s->conn_count;
	pthread_mutex_unlock(&s->lock);
}

/* Waits until the table is empty or the grace is over. Lock held. */
static void wait_emptied(struct http_server *s, uint64_t grace_ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(grace_ms / 1000);
	until.tv_nsec += (long)(grace_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (s->conn_count)
		if (pthread_cond_clockwait(&s->emptied, &s->lock, CLOCK_MONOTONIC, &until) != 0)
			break;
}

void http_server_stop(struct http_server *s, uint64_t grace_ms)
{
	if (!s->is_started)
		return;
	atomic_store(&s->is_stopping, true);
	wake(s->accept_wake_fd);
	pthread_mutex_lock(&s->lock);
	wait_emptied(s, grace_ms);
	for (unsigned i = 0; i < s->config.connections_max; i++)
		if (s->conns[i].in_use)
			(void)shutdown(s->conns[i].fd, SHUT_RDWR);
	while (s->conn_count)
		pthread_cond_wait(&s->emptied, &s->lock);
	pthread_mutex_unlock(&s->lock);
	wake(s->accept_wake_fd);
	pthread_join(s->accept_thread, NULL);
	join_workers(s);
	s->is_started = false;
}

void http_server_free(struct http_server *s)
{
	if (!s)
		return;
	http_server_stop(s, 0);
	close_listeners(s);
	for (unsigned i = 0; s->workers && i < s->config.workers; i++) {
		buf_free(s->workers[i].x.fields);
		buf_free(s->workers[i].x.answer_trailers);
		buf_free(s->workers[i].x.out);
		free(s->workers[i].spare);
	}
	free(s->workers);
	free(s->conns);
	fd_closep(&s->epoll_fd);
	fd_closep(&s->accept_wake_fd);
	fd_closep(&s->worker_wake_fd);
	pthread_cond_destroy(&s->emptied);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void http_server_freep(struct http_server **s)
{
	http_server_free(*s);
	*s = NULL;
}
