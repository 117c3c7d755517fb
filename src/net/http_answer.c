#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "net/http_conn.h"
#include "wire/http1_write.h"

enum {
	/* From here up a piece is not worth copying. */
	DIRECT_BYTES = 32 * 1024,
	/* Gathered pieces go out when they fill one TLS record. */
	GATHER_BYTES = 16 * 1024,
};

bool http_exchange_has_begun(const struct http_exchange *x)
{
	return x->answer != HTTP_ANSWER_NONE;
}

void http_exchange_close(struct http_exchange *x)
{
	x->close = true;
}

void http_exchange_fields_reset(struct http_exchange *x)
{
	buf_reset(x->fields);
}

/* What frames the answer is decided by the server alone. */
static bool is_ours(const char *name)
{
	static const char *const ours[] = {"connection", "content-length", "date", "keep-alive", "transfer-encoding"};

	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (slice_is_str_nocase(slice_str(name), ours[i]))
			return true;
	return false;
}

int http_exchange_field(struct http_exchange *x, const char *name, struct slice value, struct why *reterr_why)
{
	ENSURE(x->answer == HTTP_ANSWER_NONE, ERR_INTERNAL, reterr_why, "header %s comes after the head was sent",
	       name);
	ENSURE(!is_ours(name), ERR_INTERNAL, reterr_why, "header %s is the server's to set", name);
	return http1_put_field(x->fields, name, value, reterr_why);
}

int http_exchange_trailer(struct http_exchange *x, const char *name, struct slice value, struct why *reterr_why)
{
	ENSURE(x->answer == HTTP_ANSWER_BEGUN && x->answer_left == HTTP_LENGTH_UNKNOWN, ERR_INTERNAL, reterr_why,
	       "trailer %s needs an answer of unknown length that has begun", name);
	ENSURE(!is_ours(name), ERR_INTERNAL, reterr_why, "%s can not be a trailer", name);
	return http1_put_field(x->answer_trailers, name, value, reterr_why);
}

/* A date is needed in every answer and changes once a second. */
static struct slice current_date(struct http_worker *w)
{
	uint64_t now_s = time_wall_ms() / 1000;

	if (now_s != w->date_s) {
		http1_date_format(now_s * 1000, w->date);
		w->date_s = now_s;
	}
	return slice_str(w->date);
}

/* How the end of the body will be found (RFC 9112 6.3). */
static int put_framing(struct http_exchange *x, uint64_t length, struct why *reterr_why)
{
	if (x->status < 200 || x->status == 204 || x->status == 304)
		return ERR_OK;
	if (length != HTTP_LENGTH_UNKNOWN)
		return buf_put_fmt(x->out, reterr_why, "Content-Length: %" PRIu64 "\r\n", length);
	return x->request.is_http10 ? ERR_OK : buf_put_str(x->out, "Transfer-Encoding: chunked\r\n", reterr_why);
}

static int put_head(struct http_exchange *x, uint64_t length, struct why *reterr_why)
{
	TRY(http1_put_status(x->out, x->status, reterr_why));
	TRY(http1_put_field(x->out, "Date", current_date(x->worker), reterr_why));
	TRY(put_framing(x, length, reterr_why));
	if (x->close)
		TRY(buf_put_str(x->out, "Connection: close\r\n", reterr_why));
	TRY(buf_put(x->out, buf_slice(x->fields), reterr_why));
	return buf_put_str(x->out, "\r\n", reterr_why);
}

int http_exchange_begin(struct http_exchange *x, unsigned status, uint64_t length, struct why *reterr_why)
{
	const struct http_server *s = x->worker->server;
	bool has_unknown_length = length == HTTP_LENGTH_UNKNOWN;

	ENSURE(x->answer == HTTP_ANSWER_NONE, ERR_INTERNAL, reterr_why, "a second answer to one request");
	ENSURE(status >= 200, ERR_INTERNAL, reterr_why, "%u is not a final status", status);
	x->status = status;
	x->is_bodiless = status == 204 || status == 304 || slice_is_str(x->request.method, "HEAD");
	x->is_chunked = has_unknown_length && !x->is_bodiless && !x->request.is_http10;
	x->answer_left = length;
	if (!x->request.keep_alive || !http_exchange_can_drain(x) || atomic_load(&s->is_stopping) ||
	    x->conn->requests >= s->config.requests_per_connection_max)
		x->close = true;
	TRY(put_head(x, length, reterr_why));
	x->answer = HTTP_ANSWER_BEGUN;
	return ERR_OK;
}

/* A connection on which writing failed carries no more. */
static int send_bytes(struct http_exchange *x, struct slice bytes, struct why *reterr_why)
{
	int err;

	ENSURE(!x->is_broken, ERR_CLOSED, reterr_why, "the connection is broken");
	err = stream_write_all(x->conn->stream, bytes, &x->out_pace, reterr_why);
	if (err == ERR_TIMEOUT)
		atomic_fetch_add(&x->worker->server->counters.timeouts, 1);
	x->is_broken = err != ERR_OK;
	return err;
}

int http_exchange_flush(struct http_exchange *x, struct why *reterr_why)
{
	TRY(send_bytes(x, buf_slice(x->out), reterr_why));
	buf_reset(x->out);
	return ERR_OK;
}

static int send_body(struct http_exchange *x, struct slice bytes, struct why *reterr_why)
{
	if (bytes.len >= DIRECT_BYTES) {
		TRY(http_exchange_flush(x, reterr_why));
		return send_bytes(x, bytes, reterr_why);
	}
	TRY(buf_put(x->out, bytes, reterr_why));
	return buf_len(x->out) < GATHER_BYTES ? ERR_OK : http_exchange_flush(x, reterr_why);
}

static int send_chunk(struct http_exchange *x, struct slice bytes, struct why *reterr_why)
{
	char head[HTTP1_CHUNK_HEAD_BYTES];
	size_t head_len = http1_chunk_head(bytes.len, head);

	TRY(buf_put(x->out, slice_of(head, head_len), reterr_why));
	TRY(send_body(x, bytes, reterr_why));
	return buf_put_str(x->out, "\r\n", reterr_why);
}

int http_exchange_write(struct http_exchange *x, struct slice bytes, struct why *reterr_why)
{
	ENSURE(x->answer == HTTP_ANSWER_BEGUN, ERR_INTERNAL, reterr_why, "a body without an answer that has begun");
	if (x->answer_left != HTTP_LENGTH_UNKNOWN) {
		ENSURE(bytes.len <= x->answer_left, ERR_INTERNAL, reterr_why,
		       "the answer is longer than was stated, by %" PRIu64 " bytes", bytes.len - x->answer_left);
		x->answer_left -= bytes.len;
	}
	if (x->is_bodiless || !bytes.len) /* an empty chunk would be the last one */
		return ERR_OK;
	return x->is_chunked ? send_chunk(x, bytes, reterr_why) : send_body(x, bytes, reterr_why);
}

int http_exchange_end(struct http_exchange *x, struct why *reterr_why)
{
	ENSURE(x->answer == HTTP_ANSWER_BEGUN, ERR_INTERNAL, reterr_why, "the end of an answer that has not begun");
	ENSURE(x->answer_left == 0 || x->answer_left == HTTP_LENGTH_UNKNOWN || x->is_bodiless, ERR_INTERNAL, reterr_why,
	       "the answer is shorter than was stated, by %" PRIu64 " bytes", x->answer_left);
	if (x->is_chunked) {
		TRY(buf_put_str(x->out, "0\r\n", reterr_why));
		TRY(buf_put(x->out, buf_slice(x->answer_trailers), reterr_why));
		TRY(buf_put_str(x->out, "\r\n", reterr_why));
	}
	TRY(http_exchange_flush(x, reterr_why));
	x->answer = HTTP_ANSWER_ENDED;
	return ERR_OK;
}

int http_exchange_respond(struct http_exchange *x, unsigned status, struct slice body, struct why *reterr_why)
{
	TRY(http_exchange_begin(x, status, body.len, reterr_why));
	TRY(http_exchange_write(x, body, reterr_why));
	return http_exchange_end(x, reterr_why);
}

static int put_refusal(struct http_exchange *x, const struct http_refusal *refusal, struct buf *body,
                       const char **ret_type)
{
	const struct http_server_config *config = &x->worker->server->config;

	*ret_type = config->refuse ? "application/json" : "text/plain; charset=utf-8";
	if (!config->refuse)
		return buf_put_fmt(body, NULL, "%s\n", refusal->sentence);
	config->refuse(config->context, refusal, body, ret_type);
	return ERR_OK;
}

void http_exchange_refuse(struct http_exchange *x, unsigned status, const char *sentence, bool has_request)
{
	enum { BODY_BYTES_MAX = 16 * 1024 };
	struct http_refusal refusal = {status, sentence, has_request ? &x->request : NULL};
	CLEANUP(buf_freep) struct buf *body = NULL;
	const char *type;

	atomic_fetch_add(&x->worker->server->counters.refused_requests, 1);
	x->close = true;
	/* It fits the socket's buffer, unless the peer has let that fill up: no worker waits long for such a one. */
	x->out_pace = (struct stream_pace){.stall_ms = x->worker->server->config.linger_ms};
	buf_reset(x->fields);
	buf_reset(x->out);
	if (buf_new(BODY_BYTES_MAX, &body, NULL) != ERR_OK || put_refusal(x, &refusal, body, &type) != ERR_OK ||
	    http_exchange_field(x, "Content-Type", slice_str(type), NULL) != ERR_OK ||
	    http_exchange_respond(x, status, buf_slice(body), NULL) != ERR_OK)
		x->is_broken = true;
}
