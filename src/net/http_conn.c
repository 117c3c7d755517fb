#include "net/http_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/time.h"

/* How a step ends. */
enum verdict {
	AGAIN, /* the next step can be taken at once */
	PARK_FOR_READ,
	PARK_FOR_WRITE,
	LINGER, /* answered for the last time */
	CLOSE,
};

static enum verdict park_for(enum net_want want)
{
	return want == NET_WANT_WRITE ? PARK_FOR_WRITE : PARK_FOR_READ;
}

static uint64_t park_deadline(const struct http_server *s, const struct http_conn *c)
{
	if (c->state == HTTP_CONN_HANDSHAKE)
		return c->phase_mono_ms + s->config.handshake_ms;
	if (c->state == HTTP_CONN_LINGER)
		return c->phase_mono_ms + s->config.linger_ms;
	/* Who has connected came with something to say; who has been answered may take a while. */
	return c->phase_mono_ms + (c->in_len || !c->requests ? s->config.head_ms : s->config.idle_ms);
}

static bool open_stream(struct http_conn *c)
{
	int err = c->tls ? stream_new_accept(c->fd, c->tls, &c->stream, NULL)
	                 : stream_new_plain(c->fd, &c->stream, NULL);

	return err == ERR_OK;
}

static enum verdict step_handshake(struct http_worker *w, struct http_conn *c)
{
	enum net_want want;

	if (stream_try_handshake(c->stream, &want, NULL) != ERR_OK) {
		atomic_fetch_add(&w->server->counters.handshakes_failed, 1);
		return CLOSE;
	}
	if (want != NET_DONE)
		return park_for(want);
	c->state = HTTP_CONN_HEAD;
	c->phase_mono_ms = time_mono_ms();
	return AGAIN;
}

/* After the handler: an answer that was not given is given, one that was broken off takes the connection with it. */
static enum verdict end_exchange(struct http_exchange *x, int err, const struct why *why)
{
	const struct http_server_config *config = &x->worker->server->config;
	bool is_body = err != ERR_OK && err == x->body_err;
	struct http_conn *c = x->conn;

	if (err != ERR_OK && !is_body && config->failed)
		config->failed(config->context, &x->request, err, why);
	if (x->answer == HTTP_ANSWER_NONE) {
		/* Why the handler failed is not for the peer; why its body was refused is. */
		http_exchange_refuse(x, is_body ? http_exchange_body_status(err) : 500,
		                     is_body ? why->text : "the request could not be handled", true);
	}
	if (x->is_broken || x->answer != HTTP_ANSWER_ENDED)
		return CLOSE;
	if (!x->close && http_exchange_drain(x, NULL) != ERR_OK)
		x->close = true;
	if (x->close)
		return LINGER;
	c->in_len -= x->in_at;
	memmove(c->in, c->in + x->in_at, c->in_len);
	c->scanned = 0;
	c->phase_mono_ms = time_mono_ms();
	/* Most peers send their next request after reading our answer: to look now would be a wasted call. */
	return c->in_len || stream_has_buffered(c->stream) ? AGAIN : PARK_FOR_READ;
}

static enum verdict handle(struct http_worker *w, struct http_conn *c, size_t head_len)
{
	struct http_server *s = w->server;
	struct http_exchange *x = &w->x;
	unsigned status = 400;
	struct why why = {""};
	int err;

	c->requests++;
	http_exchange_reset(w, c);
	if (http_exchange_start(x, head_len, &status, &why) != ERR_OK) {
		http_exchange_refuse(x, status, why.text, false);
		return LINGER;
	}
	if (atomic_load(&s->is_stopping)) {
		http_exchange_refuse(x, 503, "the server is stopping", true);
		return LINGER;
	}
	atomic_fetch_add(&s->counters.requests, 1);
	err = s->config.handle(x, w->own, s->config.context, &why);
	return end_exchange(x, err, &why);
}

static enum verdict refuse_head(struct http_worker *w, struct http_conn *c, unsigned status, const char *sentence)
{
	http_exchange_reset(w, c);
	http_exchange_refuse(&w->x, status, sentence, false);
	return w->x.is_broken ? CLOSE : LINGER;
}

static enum verdict step_head(struct http_worker *w, struct http_conn *c)
{
	enum net_want want;
	size_t head_len = 0, len;
	struct why why;

	if (c->in_len) {
		int err = http1_head_find_end(slice_of(c->in, c->in_len), &c->scanned, &head_len, &why);

		if (err == ERR_LIMIT) /* without one line end in it, it is the target that is too long */
			return refuse_head(w, c, memchr(c->in, '\n', c->in_len) ? 431 : 414, why.text);
		if (err != ERR_OK)
			return refuse_head(w, c, 400, why.text);
		if (head_len)
			return handle(w, c, head_len);
	}
	if (stream_try_read(c->stream, c->in + c->in_len, NET_IN_BYTES - c->in_len, &len, &want, NULL) != ERR_OK)
		return CLOSE;
	if (want != NET_DONE)
		return park_for(want);
	if (len == 0)
		return CLOSE;
	if (c->in_len == 0)
		c->phase_mono_ms = time_mono_ms();
	c->in_len += len;
	return AGAIN;
}

/* Drops what still comes, in small helpings, until the peer closes too. */
static enum verdict step_linger(struct http_conn *c)
{
	enum { HELPINGS = 16 };

	for (int i = 0; i < HELPINGS; i++) {
		ssize_t len = recv(c->fd, c->in, NET_IN_BYTES, MSG_DONTWAIT);

		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			return PARK_FOR_READ;
		if (len <= 0)
			return CLOSE;
		c->lingered_bytes += (uint64_t)len;
		if (c->lingered_bytes > NET_LINGER_BYTES_MAX)
			return CLOSE;
	}
	return PARK_FOR_READ;
}

static enum verdict step_expired(struct http_worker *w, struct http_conn *c)
{
	bool is_stopping = atomic_load(&w->server->is_stopping);
	bool is_waiting = c->state == HTTP_CONN_HANDSHAKE || (c->state == HTTP_CONN_HEAD && c->in_len);

	if (is_waiting && !is_stopping)
		atomic_fetch_add(&w->server->counters.timeouts, 1);
	if (c->state == HTTP_CONN_HEAD && c->in_len)
		(void)refuse_head(w, c, is_stopping ? 503 : 408,
		                  is_stopping ? "the server is stopping" : "the request did not arrive in time");
	if (c->stream && c->state == HTTP_CONN_HEAD)
		stream_end_writing(c->stream);
	return CLOSE;
}

static enum verdict step(struct http_worker *w, struct http_conn *c)
{
	if (c->expired)
		return step_expired(w, c);
	if (!c->stream && !open_stream(c))
		return CLOSE;
	switch (c->state) {
	case HTTP_CONN_HANDSHAKE:
		return step_handshake(w, c);
	case HTTP_CONN_HEAD:
		return step_head(w, c);
	case HTTP_CONN_LINGER:
		break;
	}
	return step_linger(c);
}

static void begin_linger(struct http_conn *c)
{
	stream_end_writing(c->stream);
	c->state = HTTP_CONN_LINGER;
	c->phase_mono_ms = time_mono_ms();
	c->in_len = 0;
}

/* The staging buffer goes with the worker, not with the connection, unless half a head is in it. */
static bool lend_buffer(struct http_worker *w, struct http_conn *c)
{
	if (!c->in)
		c->in = w->spare ? take_ptr(w->spare) : malloc(NET_IN_BYTES);
	return c->in != NULL;
}

static void return_buffer(struct http_worker *w, struct http_conn *c)
{
	if (w->spare)
		free(c->in);
	else
		w->spare = c->in;
	c->in = NULL;
}

void http_conn_serve(struct http_worker *w, struct http_conn *c)
{
	enum verdict verdict = lend_buffer(w, c) ? AGAIN : CLOSE;

	while (verdict == AGAIN || verdict == LINGER) {
		if (verdict == LINGER)
			begin_linger(c);
		verdict = step(w, c);
	}
	if (verdict == CLOSE || c->in_len == 0)
		return_buffer(w, c);
	if (verdict == CLOSE)
		http_conn_close(w->server, c);
	else
		http_conn_park(w->server, c, verdict == PARK_FOR_WRITE ? NET_WANT_WRITE : NET_WANT_READ,
		               park_deadline(w->server, c));
}
