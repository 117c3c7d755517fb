/* http_server.h: serving HTTP/1.1 over TLS or plain sockets.
 *
 * Connections without work lie parked in one epoll and cost memory only. A bounded pool of threads waits on it; one
 * that is woken does what the bytes allow without waiting: a step of a handshake, a piece of a head. Only a whole head
 * gets a thread for as long as its exchange takes, and within it the peer's patience is bounded. One more thread
 * accepts, and ends what has been parked too long. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "net/http_exchange.h"
#include "net/tls.h"

struct http_server;

/* What the server answers itself, before or instead of a handler. */
struct http_refusal {
	unsigned status;                     /* 400, 408, 413, 414, 417, 431, 500, 501, 503 or 505 */
	const char *sentence;                /* what is wrong, for the caller to read */
	const struct http1_request *request; /* NULL if there was no whole one */
};

struct http_server_config {
	/* Handles one exchange on a worker's thread. */
	int (*handle)(struct http_exchange *x, void *worker, void *context, struct why *reterr_why);
	/* Makes and ends what each worker keeps for itself, such as its link to another process. May be NULL. */
	int (*worker_open)(void *context, void **ret_worker, struct why *reterr_why);
	void (*worker_close)(void *worker);
	/* Appends the body of a refusal, and may name its type instead of application/json. NULL: a plain one. */
	void (*refuse)(void *context, const struct http_refusal *refusal, struct buf *body, const char **type);
	/* Hears, for the program's log, why a handler failed: the peer is not told. Not called when it was the
	 * request's body that failed. May be NULL. */
	void (*failed)(void *context, const struct http1_request *request, int err, const struct why *why);
	void *context;

	/* Limits, and what they are unless changed: limits.h, NET_*. */
	unsigned workers;
	unsigned connections_max;
	unsigned connections_per_peer_max;
	unsigned requests_per_connection_max;
	uint64_t body_bytes_max;
	uint64_t handshake_ms;
	uint64_t head_ms;
	uint64_t idle_ms;
	uint64_t linger_ms;
	uint64_t stall_ms;
	uint64_t bytes_per_s_min;
};

/* Fills in the limits. */
void http_server_config_init(struct http_server_config *config);

/* What has happened since the start; for metrics. */
struct http_server_stats {
	uint64_t accepted;
	uint64_t refused_full; /* connections over connections_max */
	uint64_t refused_peer; /* … over connections_per_peer_max */
	uint64_t handshakes_failed;
	uint64_t timeouts; /* handshakes, heads and bodies that took too long; idle ends do not count */
	uint64_t requests;
	uint64_t refused_requests;
	uint64_t connections; /* at this moment */
};

MUST_USE int http_server_new(const struct http_server_config *config, struct http_server **ret_server,
                             struct why *reterr_why);

/* Serves a listening socket too, which is taken over: in TLS, or plain if `tls` is NULL. `tls` must outlive the
 * server. Before http_server_start(). ERR_LIMIT over NET_LISTENERS_MAX sockets; this one is then still the
 * caller's. */
MUST_USE int http_server_listen(struct http_server *s, int fd, struct tls_server *tls, struct why *reterr_why);

/* Starts the threads. ERR_UNAVAILABLE, or the error of worker_open; then nothing runs. */
MUST_USE int http_server_start(struct http_server *s, struct why *reterr_why);

void http_server_stats(struct http_server *s, struct http_server_stats *ret_stats);

/* Stops accepting, closes what is idle, lets exchanges go on for `grace_ms`, then breaks their connections off, and
 * returns when every thread has ended: a handler that waits for something else must have its own deadline. */
void http_server_stop(struct http_server *s, uint64_t grace_ms);

/* Stops at once, if it runs, and frees. */
void http_server_free(struct http_server *s);
void http_server_freep(struct http_server **s);
