/* http_conn.h: what the files of the server share: the table of connections, a connection, a worker, an exchange.
 * Not for callers. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/limits.h"
#include "net/http_exchange.h"
#include "net/http_server.h"
#include "net/stream.h"
#include "wire/http1_chunked.h"
#include "wire/http1_date.h"

enum http_conn_state {
	HTTP_CONN_HANDSHAKE,
	HTTP_CONN_HEAD,
	HTTP_CONN_LINGER, /* answered for the last time; what still comes is dropped */
};

/* A slot of the table; the memory stays when the connection ends. Whoever has claimed it owns all but the first group,
 * which the server's lock guards. */
struct http_conn {
	bool in_use;
	bool parked;
	bool expired;              /* parked for too long: whoever claims it ends it */
	uint32_t arm;              /* how often it was parked: an event of an earlier time is stale */
	uint64_t deadline_mono_ms; /* of being parked */
	int fd;
	struct socket_peer peer;

	struct tls_server *tls; /* NULL: plain */
	struct stream *stream;  /* NULL until its first event */
	enum http_conn_state state;
	bool is_watched; /* registered in the epoll */
	uint8_t *in;     /* NET_IN_BYTES while it holds something, else NULL */
	size_t in_len;
	size_t scanned;         /* of the head, for its end */
	uint64_t phase_mono_ms; /* when the handshake or the head began */
	unsigned requests;
	uint64_t lingered_bytes;
};

enum http_answer {
	HTTP_ANSWER_NONE,
	HTTP_ANSWER_BEGUN,
	HTTP_ANSWER_ENDED,
};

struct http_exchange {
	struct http_worker *worker;
	struct http_conn *conn;
	struct http1_request request;
	size_t head_len; /* in conn->in, where it stays until the exchange ends */

	size_t in_at; /* the next staged byte of the body */
	uint64_t body_left;
	uint64_t body_bytes;
	uint64_t body_max;
	bool body_ended;
	bool continue_awaited;
	int body_err; /* once it has failed, every read fails */
	struct http1_chunked chunked;
	struct http1_fields trailers;
	struct stream_pace in_pace;

	enum http_answer answer;
	unsigned status;
	bool is_chunked;
	bool is_bodiless;
	bool is_broken; /* the connection can carry no more */
	bool close;
	uint64_t answer_left;
	struct buf *fields;
	struct buf *answer_trailers;
	struct buf *out;
	struct stream_pace out_pace;
};

struct http_worker {
	struct http_server *server;
	pthread_t thread;
	bool is_started;
	void *own;      /* what worker_open made */
	uint8_t *spare; /* NET_IN_BYTES, lent to a connection while it is served */
	char date[HTTP1_DATE_BYTES];
	uint64_t date_s;
	struct http_exchange x;
};

struct http_listener {
	int fd;
	struct tls_server *tls;
};

struct http_counters {
	_Atomic uint64_t accepted, refused_full, refused_peer, handshakes_failed, timeouts, requests, refused_requests;
};

struct http_server {
	struct http_server_config config;
	struct http_listener listeners[NET_LISTENERS_MAX];
	size_t listener_count;
	int epoll_fd;
	int accept_wake_fd;
	int worker_wake_fd;
	pthread_t accept_thread;
	bool is_started;
	struct http_worker *workers;
	struct http_counters counters;
	atomic_bool is_stopping;

	pthread_mutex_t lock; /* guards what follows and the first group of each connection */
	pthread_cond_t emptied;
	struct http_conn *conns;
	unsigned conn_count;
};

/* --- http_park.c: the table --------------------------------------------------------------------------------------- */

/* Takes a free slot for a fresh socket and parks it. ERR_LIMIT if the table is full or the peer has its share; the
 * socket is then still the caller's. */
MUST_USE int http_conn_open(struct http_server *s, int fd, const struct socket_peer *peer, struct tls_server *tls,
                            struct why *reterr_why);

/* The connection that an event is for, now the caller's; NULL if it is stale. */
struct http_conn *http_conn_claim(struct http_server *s, uint64_t event);

/* Parks a claimed connection until it is ready for `want`, or `deadline_mono_ms`. */
void http_conn_park(struct http_server *s, struct http_conn *c, enum net_want want, uint64_t deadline_mono_ms);

/* Ends a claimed connection. */
void http_conn_close(struct http_server *s, struct http_conn *c);

/* Expires what is parked past its deadline, and with `is_stopping` everything parked. */
void http_conn_sweep(struct http_server *s);

/* --- http_conn.c: what a worker does with a claimed connection ---------------------------------------------------- */

void http_conn_serve(struct http_worker *w, struct http_conn *c);

/* --- http_exchange.c, http_answer.c ------------------------------------------------------------------------------- */

/* Prepares the worker's exchange for a connection of which no request has been read. */
void http_exchange_reset(struct http_worker *w, struct http_conn *c);

/* Reads the head at the start of c->in. On error *reterr_status is what to answer. */
MUST_USE int http_exchange_start(struct http_exchange *x, size_t head_len, unsigned *reterr_status,
                                 struct why *reterr_why);

/* What to answer for a body that failed with `err`. */
unsigned http_exchange_body_status(int err);

/* Whether what is left of the body is so little that reading it is cheaper than a new connection. */
bool http_exchange_can_drain(const struct http_exchange *x);

/* Reads and drops what is left of the body. */
MUST_USE int http_exchange_drain(struct http_exchange *x, struct why *reterr_why);

/* Answers with `status` on the server's own behalf, and closes. */
void http_exchange_refuse(struct http_exchange *x, unsigned status, const char *sentence, bool has_request);
