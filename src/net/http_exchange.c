#include "net/http_exchange.h"

#include <inttypes.h>
#include <string.h>

#include "net/http_conn.h"

void http_exchange_reset(struct http_worker *w, struct http_conn *c)
{
	const struct http_server_config *config = &w->server->config;
	struct stream_pace pace = {.stall_ms = config->stall_ms, .bytes_per_s = config->bytes_per_s_min};
	struct http_exchange *x = &w->x;

	x->worker = w;
	x->conn = c;
	x->request.method = slice_of(NULL, 0);
	x->request.is_http10 = x->request.keep_alive = false;
	x->head_len = 0;
	x->in_at = c->in_len;
	x->body_left = x->body_bytes = 0;
	x->body_max = config->body_bytes_max;
	x->body_ended = true;
	x->continue_awaited = false;
	x->body_err = ERR_OK;
	x->trailers.count = 0;
	x->in_pace = x->out_pace = pace;
	x->answer = HTTP_ANSWER_NONE;
	x->is_broken = x->close = false;
	buf_reset(x->fields);
	buf_reset(x->answer_trailers);
	buf_reset(x->out);
}

int http_exchange_start(struct http_exchange *x, size_t head_len, unsigned *reterr_status, struct why *reterr_why)
{
	struct http1_request *r = &x->request;

	TRY(http1_request_parse(slice_of(x->conn->in, head_len), r, reterr_status, reterr_why));
	if (r->framing == HTTP1_FRAMING_LENGTH && r->length > x->body_max) {
		*reterr_status = 413;
		why_set(reterr_why, "a body of %" PRIu64 " bytes; at most %" PRIu64 " are accepted", r->length,
		        x->body_max);
		return ERR_LIMIT;
	}
	x->head_len = x->in_at = head_len;
	x->body_left = r->length;
	x->body_ended = r->framing == HTTP1_FRAMING_NONE || (r->framing == HTTP1_FRAMING_LENGTH && r->length == 0);
	x->continue_awaited = r->expects_continue;
	http1_chunked_init(&x->chunked);
	return ERR_OK;
}

unsigned http_exchange_body_status(int err)
{
	return err == ERR_LIMIT ? 413 : err == ERR_TIMEOUT ? 408 : 400;
}

const struct http1_request *http_exchange_request(const struct http_exchange *x)
{
	return &x->request;
}

struct slice http_exchange_head(const struct http_exchange *x)
{
	return slice_of(x->conn->in, x->head_len);
}

const struct socket_peer *http_exchange_peer(const struct http_exchange *x)
{
	return &x->conn->peer;
}

bool http_exchange_is_tls(const struct http_exchange *x)
{
	return x->conn->tls != NULL;
}

int http_exchange_limit_body(struct http_exchange *x, uint64_t bytes, struct why *reterr_why)
{
	if (bytes < x->body_max)
		x->body_max = bytes;
	if (x->request.framing == HTTP1_FRAMING_LENGTH && x->request.length > x->body_max) {
		x->body_err = ERR_LIMIT;
		why_set(reterr_why, "a body of %" PRIu64 " bytes; at most %" PRIu64 " are accepted here",
		        x->request.length, x->body_max);
		return ERR_LIMIT;
	}
	return ERR_OK;
}

/* RFC 9110 10.1.1: not when the body has begun to come anyway. */
static int send_continue(struct http_exchange *x, struct why *reterr_why)
{
	x->continue_awaited = false;
	if (x->in_at < x->conn->in_len)
		return ERR_OK;
	return stream_write_all(x->conn->stream, slice_str("HTTP/1.1 100 Continue\r\n\r\n"), &x->out_pace, reterr_why);
}

/* Reads from the connection; its end is an error, since the body has not ended. */
static int receive(struct http_exchange *x, void *bytes, size_t size, size_t *ret_len, struct why *reterr_why)
{
	TRY(stream_read(x->conn->stream, bytes, size, &x->in_pace, ret_len, reterr_why));
	ENSURE(*ret_len, ERR_CLOSED, reterr_why, "the connection ended within the body, after %" PRIu64 " bytes",
	       x->body_bytes);
	return ERR_OK;
}

/* A body of known length: what lies staged first, then straight into the caller's memory. */
static int read_sized(struct http_exchange *x, void *bytes, size_t size, size_t *ret_len, struct why *reterr_why)
{
	struct http_conn *c = x->conn;
	size_t staged = c->in_len - x->in_at, len = size;

	if (len > x->body_left)
		len = (size_t)x->body_left;
	if (staged) {
		len = len < staged ? len : staged;
		memcpy(bytes, c->in + x->in_at, len);
		x->in_at += len;
	} else {
		TRY(receive(x, bytes, len, &len, reterr_why));
	}
	x->body_left -= len;
	x->body_bytes += len;
	x->body_ended = x->body_left == 0;
	*ret_len = len;
	return ERR_OK;
}

/* Refills the staging space behind the head. */
static int stage(struct http_exchange *x, struct why *reterr_why)
{
	struct http_conn *c = x->conn;
	size_t len;

	if (x->in_at < c->in_len)
		return ERR_OK;
	TRY(receive(x, c->in + x->head_len, NET_IN_BYTES - x->head_len, &len, reterr_why));
	x->in_at = x->head_len;
	c->in_len = x->head_len + len;
	return ERR_OK;
}

static int read_chunked(struct http_exchange *x, void *bytes, size_t size, size_t *ret_len, struct why *reterr_why)
{
	struct http_conn *c = x->conn;
	struct slice piece = {0};

	while (!piece.len && !http1_chunked_is_done(&x->chunked)) {
		struct cursor in;
		size_t fed;

		TRY(stage(x, reterr_why));
		/* Not more than fits: so a piece always does. */
		fed = c->in_len - x->in_at < size ? c->in_len - x->in_at : size;
		in = cursor_of(slice_of(c->in + x->in_at, fed));
		TRY(http1_chunked_feed(&x->chunked, &in, &piece, reterr_why));
		x->in_at += fed - in.rest.len;
		x->body_bytes += piece.len;
		ENSURE(x->body_bytes <= x->body_max && x->chunked.left <= x->body_max - x->body_bytes, ERR_LIMIT,
		       reterr_why, "a body of more than %" PRIu64 " bytes", x->body_max);
	}
	if (piece.len)
		memcpy(bytes, piece.ptr, piece.len);
	else
		TRY(http1_chunked_trailers(&x->chunked, &x->trailers, reterr_why));
	x->body_ended = piece.len == 0;
	*ret_len = piece.len;
	return ERR_OK;
}

/* A failed body stays failed, and nobody knows what the next bytes are. */
static int fail_body(struct http_exchange *x, int err)
{
	if (err == ERR_TIMEOUT)
		atomic_fetch_add(&x->worker->server->counters.timeouts, 1);
	x->body_err = err;
	x->close = true;
	return err;
}

int http_exchange_read(struct http_exchange *x, void *bytes, size_t size, size_t *ret_len, struct why *reterr_why)
{
	int err = ERR_OK;

	ENSURE(x->body_err == ERR_OK, x->body_err, reterr_why, "the body of this request was refused");
	ENSURE(size, ERR_INTERNAL, reterr_why, "a read of no bytes");
	if (x->body_ended) {
		*ret_len = 0;
		return ERR_OK;
	}
	if (x->continue_awaited)
		err = send_continue(x, reterr_why);
	if (err == ERR_OK)
		err = x->request.framing == HTTP1_FRAMING_CHUNKED ? read_chunked(x, bytes, size, ret_len, reterr_why)
		                                                  : read_sized(x, bytes, size, ret_len, reterr_why);
	return err == ERR_OK ? ERR_OK : fail_body(x, err);
}

int http_exchange_read_full(struct http_exchange *x, void *bytes, size_t size, size_t *ret_len, struct why *reterr_why)
{
	size_t have = 0;

	while (have < size) {
		size_t len;

		TRY(http_exchange_read(x, (uint8_t *)bytes + have, size - have, &len, reterr_why));
		if (!len)
			break;
		have += len;
	}
	*ret_len = have;
	return ERR_OK;
}

int http_exchange_read_all(struct http_exchange *x, struct buf *into, struct why *reterr_why)
{
	enum { STEP = 16 * 1024 };

	TRY(http_exchange_limit_body(x, buf_room(into), reterr_why));
	for (;;) {
		/* At the bound only the end may come, and it needs somewhere to be read to. */
		size_t room_len = buf_room(into) < STEP ? buf_room(into) : STEP, len;
		uint8_t *room, end;

		TRY(buf_reserve(into, room_len, &room, reterr_why));
		TRY(http_exchange_read(x, room_len ? room : &end, room_len ? room_len : 1, &len, reterr_why));
		if (!len)
			return ERR_OK;
		buf_commit(into, len);
	}
}

int http_exchange_trailers(struct http_exchange *x, const struct http1_fields **ret_trailers, struct why *reterr_why)
{
	ENSURE(x->body_ended, ERR_INVALID, reterr_why, "trailers are asked for before the body has ended");
	*ret_trailers = &x->trailers;
	return ERR_OK;
}

bool http_exchange_can_drain(const struct http_exchange *x)
{
	if (x->body_err != ERR_OK)
		return false;
	/* A peer that awaits 100 Continue may now send the body or not: only a new connection is unambiguous. And how
	 * long a chunked body is, nobody knows. */
	return x->body_ended || (!x->continue_awaited && x->request.framing == HTTP1_FRAMING_LENGTH &&
	                         x->body_left <= NET_DRAIN_BYTES_MAX);
}

int http_exchange_drain(struct http_exchange *x, struct why *reterr_why)
{
	uint8_t dropped[4096];
	size_t len = 1;

	ENSURE(http_exchange_can_drain(x), ERR_LIMIT, reterr_why, "too much of the body is left");
	while (len)
		TRY(http_exchange_read(x, dropped, sizeof dropped, &len, reterr_why));
	return ERR_OK;
}
