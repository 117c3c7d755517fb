#include "net/http_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/time.h"
#include "net/socket.h"
#include "net/stream.h"
#include "wire/http1_chunked.h"
#include "wire/http1_write.h"

enum { PIECE_BYTES = 128 * 1024 }; /* of a body on its way out */

struct http_client {
	struct http_client_config config;
	char *host;
	char *unix_path;
	char *host_field;

	int fd;
	bool is_given_fd; /* it came from the caller: there is no way to make another */
	struct stream *stream;
	struct stream_pace pace;
	struct buf *out;
	uint8_t *piece; /* PIECE_BYTES and room for a chunk's frame; made when first needed */

	uint8_t in[NET_IN_BYTES];
	size_t in_at, in_len;
	size_t scanned;

	char method[HTTP1_METHOD_BYTES_MAX + 1];
	uint8_t head[HTTP1_HEAD_BYTES_MAX]; /* what the response points into */
	struct http1_response response;
	bool has_response; /* a final one, in this exchange */
	bool is_cut;       /* it came before the whole request was sent */
	bool may_keep;
	bool body_ended;
	uint64_t body_left;
	struct http1_chunked chunked;
	struct http1_fields trailers;
};

static void disconnect(struct http_client *c)
{
	if (c->stream && c->fd >= 0 && c->body_ended)
		stream_end_writing(c->stream);
	stream_free(c->stream);
	c->stream = NULL;
	fd_closep(&c->fd);
	c->in_at = c->in_len = c->scanned = 0;
}

static int make_host_field(struct http_client *c, struct why *reterr_why)
{
	bool is_v6 = strchr(c->host, ':') != NULL;
	char text[300], port[8] = "";
	struct slice host;
	uint16_t parsed_port;
	int len;

	if (c->config.port)
		snprintf(port, sizeof port, ":%u", c->config.port);
	len = snprintf(text, sizeof text, is_v6 ? "[%s]%s" : "%s%s", c->host, port);
	ENSURE(len > 0 && (size_t)len < sizeof text, ERR_LIMIT, reterr_why, "a host name of %zu characters",
	       strlen(c->host));
	TRY(uri_authority_parse(slice_str(text), &host, &parsed_port, reterr_why));
	return slice_dup_str(slice_str(text), &c->host_field, reterr_why);
}

int http_client_new(const struct http_client_config *config, struct http_client **ret_client, struct why *reterr_why)
{
	CLEANUP(http_client_freep) struct http_client *c = calloc(1, sizeof *c);

	ENSURE(c, ERR_UNAVAILABLE, reterr_why, "out of memory for a client");
	c->fd = -1;
	c->body_ended = true;
	c->config = *config;
	c->config.connect_ms = config->connect_ms ? config->connect_ms : NET_CLIENT_CONNECT_MS;
	c->config.stall_ms = config->stall_ms ? config->stall_ms : NET_CLIENT_STALL_MS;
	c->config.bytes_per_s_min = config->bytes_per_s_min ? config->bytes_per_s_min : NET_BYTES_PER_S_MIN;
	TRY(slice_dup_str(slice_str(config->host), &c->host, reterr_why));
	if (config->unix_path)
		TRY(slice_dup_str(slice_str(config->unix_path), &c->unix_path, reterr_why));
	c->config.host = c->host;
	c->config.unix_path = c->unix_path;
	TRY(make_host_field(c, reterr_why));
	TRY(buf_new(2 * HTTP1_HEAD_BYTES_MAX, &c->out, reterr_why));
	*ret_client = take_ptr(c);
	return ERR_OK;
}

int http_client_new_on_fd(const struct http_client_config *config, int fd, struct http_client **ret_client,
                          struct why *reterr_why)
{
	CLEANUP(fd_closep) int owned = fd;
	CLEANUP(http_client_freep) struct http_client *c = NULL;

	TRY(socket_prepare(fd, reterr_why));
	TRY(http_client_new(config, &c, reterr_why));
	c->fd = take_fd(owned);
	c->is_given_fd = true;
	*ret_client = take_ptr(c);
	return ERR_OK;
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	disconnect(c);
	buf_free(c->out);
	free(c->piece);
	free(c->host);
	free(c->unix_path);
	free(c->host_field);
	free(c);
}

void http_client_freep(struct http_client **c)
{
	http_client_free(*c);
	*c = NULL;
}

static int open_stream(struct http_client *c, struct why *reterr_why)
{
	struct stream_pace pace = {.stall_ms = c->config.connect_ms};
	uint64_t deadline = time_mono_ms() + c->config.connect_ms;

	if (c->fd < 0) {
		ENSURE(!c->is_given_fd, ERR_CLOSED, reterr_why, "the connection to %s has ended", c->host_field);
		if (c->unix_path)
			TRY(socket_connect_unix(c->unix_path, &c->fd, reterr_why));
		else
			TRY(socket_connect(c->host, c->config.port, deadline, &c->fd, reterr_why));
	}
	if (!c->config.tls)
		return stream_new_plain(c->fd, &c->stream, reterr_why);
	pace.deadline_mono_ms = deadline;
	TRY(stream_new_connect(c->fd, c->config.tls, c->host, &c->stream, reterr_why));
	return stream_handshake(c->stream, &pace, reterr_why);
}

/* A kept connection that the server has closed meanwhile, or on which it has said something unasked, is of no use. */
static bool is_stale(struct http_client *c)
{
	enum net_want want;
	size_t len;
	int err = stream_try_read(c->stream, c->in, sizeof c->in, &len, &want, NULL);

	return err != ERR_OK || want == NET_DONE;
}

static int connect_anew(struct http_client *c, struct why *reterr_why)
{
	int err;

	if (c->stream && (!c->body_ended || !c->may_keep || c->in_at < c->in_len || is_stale(c)))
		disconnect(c);
	if (c->stream)
		return ERR_OK;
	err = open_stream(c, reterr_why);
	if (err == ERR_OK)
		return ERR_OK;
	disconnect(c);
	why_prefix(reterr_why, "cannot reach %s: ", c->host_field);
	return err;
}

/* --- Sending ---------------------------------------------------------------------------------------------------- */

static bool has_body(const struct http_client_request *r)
{
	return r->source || r->body.len || strcmp(r->method, "PUT") == 0 || strcmp(r->method, "POST") == 0;
}

static uint64_t body_length(const struct http_client_request *r)
{
	return r->source ? r->source_length : r->body.len;
}

/* What frames a request is decided by the client alone. */
static bool is_ours(const char *name)
{
	static const char *const ours[] = {"connection", "content-length", "expect", "host", "transfer-encoding"};

	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (slice_is_str_nocase(slice_str(name), ours[i]))
			return true;
	return false;
}

static int put_head(struct http_client *c, const struct http_client_request *r, struct why *reterr_why)
{
	buf_reset(c->out);
	TRY(http1_put_request(c->out, slice_str(r->method), r->target, reterr_why));
	TRY(http1_put_field(c->out, "Host", slice_str(c->host_field), reterr_why));
	for (size_t i = 0; i < r->field_count; i++) {
		ENSURE(!is_ours(r->fields[i].name), ERR_INVALID, reterr_why, "header %s is the client's to set",
		       r->fields[i].name);
		TRY(http1_put_field(c->out, r->fields[i].name, r->fields[i].value, reterr_why));
	}
	if (has_body(r) && body_length(r) == HTTP_CLIENT_LENGTH_UNKNOWN)
		TRY(buf_put_str(c->out, "Transfer-Encoding: chunked\r\n", reterr_why));
	else if (has_body(r))
		TRY(buf_put_fmt(c->out, reterr_why, "Content-Length: %" PRIu64 "\r\n", body_length(r)));
	if (r->expect_continue && has_body(r) && body_length(r))
		TRY(buf_put_str(c->out, "Expect: 100-continue\r\n", reterr_why));
	return buf_put_str(c->out, "\r\n", reterr_why);
}

/* Takes one whole head, if it has come, into c->head and c->response. */
static int take_head(struct http_client *c, bool *ret_taken, struct why *reterr_why)
{
	struct slice staged = slice_of(c->in + c->in_at, c->in_len - c->in_at);
	size_t len = 0;

	*ret_taken = false;
	if (staged.len)
		TRY(http1_head_find_end(staged, &c->scanned, &len, reterr_why));
	if (!len)
		return ERR_OK;
	memcpy(c->head, staged.ptr, len);
	TRY(http1_response_parse(slice_of(c->head, len), slice_str(c->method), &c->response, reterr_why));
	ENSURE(c->response.status != 101, ERR_INVALID, reterr_why, "%s switched protocols unasked", c->host_field);
	c->in_at += len;
	c->scanned = 0;
	*ret_taken = true;
	return ERR_OK;
}

static void compact(struct http_client *c)
{
	memmove(c->in, c->in + c->in_at, c->in_len - c->in_at);
	c->in_len -= c->in_at;
	c->in_at = 0;
}

/* Reads heads until there is a final one, or with `interim_too` any. Without `pace` it takes only what is there. */
static int receive_head(struct http_client *c, bool interim_too, struct stream_pace *pace, bool *ret_taken,
                        struct why *reterr_why)
{
	for (int heads = 0; heads < NET_CLIENT_INTERIM_MAX;) {
		enum net_want want;
		size_t len;

		TRY(take_head(c, ret_taken, reterr_why));
		c->has_response = *ret_taken && c->response.status >= 200;
		if (c->has_response || (*ret_taken && interim_too))
			return ERR_OK;
		heads += *ret_taken;
		if (*ret_taken)
			continue;
		compact(c);
		TRY(stream_try_read(c->stream, c->in + c->in_len, sizeof c->in - c->in_len, &len, &want, reterr_why));
		if (want == NET_DONE) {
			ENSURE(len, ERR_CLOSED, reterr_why, "%s closed the connection without an answer",
			       c->host_field);
			c->in_len += len;
		} else if (pace) {
			TRY(stream_wait(c->stream, want, false, pace, reterr_why));
		} else {
			return ERR_OK;
		}
	}
	why_set(reterr_why, "%s sent more than %d interim answers", c->host_field, NET_CLIENT_INTERIM_MAX);
	return ERR_INVALID;
}

/* Sends, while listening: a server that has its answer ready stops reading, and would never read on. Sets
 * c->has_response when it has come; what remains is then not sent, and c->is_cut. */
static int send_listening(struct http_client *c, struct slice bytes, struct why *reterr_why)
{
	while (bytes.len && !c->has_response) {
		enum net_want want;
		bool taken;
		size_t len;
		int err = stream_try_write(c->stream, bytes, &len, &want, reterr_why);

		if (err == ERR_CLOSED && receive_head(c, false, &c->pace, &taken, NULL) == ERR_OK)
			break; /* it answered before it closed */
		TRY(err);
		bytes.ptr += len;
		bytes.len -= len;
		c->pace.moved_bytes += len;
		if (want == NET_DONE)
			continue;
		TRY(receive_head(c, false, NULL, &taken, reterr_why));
		if (!c->has_response)
			TRY(stream_wait(c->stream, want, true, &c->pace, reterr_why));
	}
	c->is_cut = c->is_cut || bytes.len > 0;
	return ERR_OK;
}

/* Sends one piece of a body, which lies at c->piece + HTTP1_CHUNK_HEAD_BYTES, in its chunk if it goes in chunks. */
static int send_piece(struct http_client *c, size_t len, bool is_chunked, struct why *reterr_why)
{
	char head[HTTP1_CHUNK_HEAD_BYTES];
	uint8_t *piece = c->piece + HTTP1_CHUNK_HEAD_BYTES;
	size_t head_len;
	bool taken;

	if (is_chunked) {
		head_len = http1_chunk_head(len, head);
		memcpy(piece - head_len, head, head_len);
		memcpy(piece + len, "\r\n", 2);
		piece -= head_len;
		len += head_len + 2;
	}
	TRY(send_listening(c, slice_of(piece, len), reterr_why));
	/* Between pieces too: a fast connection never makes us wait. */
	return c->has_response ? ERR_OK : receive_head(c, false, NULL, &taken, reterr_why);
}

static int send_source(struct http_client *c, const struct http_client_request *r, struct why *reterr_why)
{
	bool is_chunked = r->source_length == HTTP_CLIENT_LENGTH_UNKNOWN;
	uint64_t left = r->source_length;

	if (!c->piece)
		c->piece = malloc(HTTP1_CHUNK_HEAD_BYTES + PIECE_BYTES + 2);
	ENSURE(c->piece, ERR_UNAVAILABLE, reterr_why, "out of memory to send a body");
	while (left && !c->has_response) {
		size_t size = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES, len = 0;

		TRY(r->source(r->source_context, c->piece + HTTP1_CHUNK_HEAD_BYTES, size, &len, reterr_why));
		if (!len)
			break;
		TRY(send_piece(c, len, is_chunked, reterr_why));
		left -= is_chunked ? 0 : len;
	}
	if (c->has_response) {
		c->is_cut = c->is_cut || is_chunked || left;
		return ERR_OK;
	}
	ENSURE(is_chunked || !left, ERR_INVALID, reterr_why, "the body to send ended %" PRIu64 " bytes early", left);
	return is_chunked ? send_listening(c, slice_str("0\r\n\r\n"), reterr_why) : ERR_OK;
}

/* Waits for 100 Continue, but not for long: servers may ignore the expectation. */
static int await_continue(struct http_client *c, struct why *reterr_why)
{
	struct stream_pace pace = {.stall_ms = NET_CLIENT_CONTINUE_MS};
	bool taken;
	int err = receive_head(c, true, &pace, &taken, reterr_why);

	return err == ERR_TIMEOUT ? ERR_OK : err;
}

static int send_request(struct http_client *c, const struct http_client_request *r, struct why *reterr_why)
{
	bool awaits = r->expect_continue && has_body(r) && body_length(r);

	TRY(put_head(c, r, reterr_why));
	if (!r->source && !awaits && r->body.len <= buf_room(c->out)) { /* head and body in one write */
		TRY(buf_put(c->out, r->body, reterr_why));
		return send_listening(c, buf_slice(c->out), reterr_why);
	}
	TRY(send_listening(c, buf_slice(c->out), reterr_why));
	if (awaits && !c->has_response)
		TRY(await_continue(c, reterr_why));
	if (c->has_response) {
		c->is_cut = true;
		return ERR_OK;
	}
	return r->source ? send_source(c, r, reterr_why) : send_listening(c, r->body, reterr_why);
}

static int exchange_heads(struct http_client *c, const struct http_client_request *r, struct why *reterr_why)
{
	bool taken;

	TRY(send_request(c, r, reterr_why));
	if (!c->has_response)
		TRY(receive_head(c, false, &c->pace, &taken, reterr_why));
	/* A request that was cut short leaves the connection in the middle of it. */
	c->may_keep = c->response.keep_alive && !c->is_cut;
	return ERR_OK;
}

int http_client_start(struct http_client *c, const struct http_client_request *request,
                      const struct http1_response **ret_response, struct why *reterr_why)
{
	int err;

	TRY(slice_to_str(slice_str(request->method), c->method, sizeof c->method, reterr_why));
	TRY(connect_anew(c, reterr_why));
	c->pace = (struct stream_pace){.stall_ms = c->config.stall_ms, .bytes_per_s = c->config.bytes_per_s_min};
	c->has_response = c->is_cut = false;
	c->body_ended = false;
	c->trailers.count = 0;
	err = exchange_heads(c, request, reterr_why);
	if (err != ERR_OK) {
		disconnect(c);
		c->body_ended = true;
		return err;
	}
	c->body_left = c->response.length;
	c->body_ended = c->response.framing == HTTP1_FRAMING_NONE ||
	                (c->response.framing == HTTP1_FRAMING_LENGTH && !c->body_left);
	http1_chunked_init(&c->chunked);
	*ret_response = &c->response;
	return ERR_OK;
}

/* --- Receiving -------------------------------------------------------------------------------------------------- */

static int receive(struct http_client *c, void *bytes, size_t size, size_t *ret_len, struct why *reterr_why)
{
	TRY(stream_read(c->stream, bytes, size, &c->pace, ret_len, reterr_why));
	ENSURE(*ret_len || c->response.framing == HTTP1_FRAMING_CLOSE, ERR_CLOSED, reterr_why,
	       "%s closed the connection within its answer", c->host_field);
	return ERR_OK;
}

/* What lies staged first, then straight into the caller's memory. */
static int read_plain(struct http_client *c, void *bytes, size_t size, size_t *ret_len, struct why *reterr_why)
{
	bool is_sized = c->response.framing == HTTP1_FRAMING_LENGTH;
	size_t staged = c->in_len - c->in_at, len = size;

	if (is_sized && len > c->body_left)
		len = (size_t)c->body_left;
	if (staged) {
		len = len < staged ? len : staged;
		memcpy(bytes, c->in + c->in_at, len);
		c->in_at += len;
	} else {
		TRY(receive(c, bytes, len, &len, reterr_why));
	}
	if (is_sized)
		c->body_left -= len;
	c->body_ended = is_sized ? c->body_left == 0 : len == 0;
	*ret_len = len;
	return ERR_OK;
}

static int read_chunked(struct http_client *c, void *bytes, size_t size, size_t *ret_len, struct why *reterr_why)
{
	struct slice piece = {0};

	while (!piece.len && !http1_chunked_is_done(&c->chunked)) {
		struct cursor in;
		size_t fed;

		if (c->in_at == c->in_len) {
			c->in_at = c->in_len = 0;
			TRY(receive(c, c->in, sizeof c->in, &c->in_len, reterr_why));
		}
		fed = c->in_len - c->in_at < size ? c->in_len - c->in_at : size; /* so that a piece always fits */
		in = cursor_of(slice_of(c->in + c->in_at, fed));
		TRY(http1_chunked_feed(&c->chunked, &in, &piece, reterr_why));
		c->in_at += fed - in.rest.len;
	}
	if (piece.len)
		memcpy(bytes, piece.ptr, piece.len);
	else
		TRY(http1_chunked_trailers(&c->chunked, &c->trailers, reterr_why));
	c->body_ended = piece.len == 0;
	*ret_len = piece.len;
	return ERR_OK;
}

int http_client_read(struct http_client *c, void *bytes, size_t size, size_t *ret_len, struct why *reterr_why)
{
	int err;

	ENSURE(size, ERR_INTERNAL, reterr_why, "a read of no bytes");
	if (c->body_ended) {
		*ret_len = 0;
		return ERR_OK;
	}
	ENSURE(c->stream, ERR_CLOSED, reterr_why, "the connection to %s has failed", c->host_field);
	err = c->response.framing == HTTP1_FRAMING_CHUNKED ? read_chunked(c, bytes, size, ret_len, reterr_why)
	                                                   : read_plain(c, bytes, size, ret_len, reterr_why);
	if (err != ERR_OK)
		disconnect(c);
	return err;
}

int http_client_read_all(struct http_client *c, struct buf *into, struct why *reterr_why)
{
	enum { STEP = 16 * 1024 };

	for (;;) {
		/* At the bound only the end may come, and it needs somewhere to be read to. */
		size_t room_len = buf_room(into) < STEP ? buf_room(into) : STEP, len;
		uint8_t *room, end;

		TRY(buf_reserve(into, room_len, &room, reterr_why));
		TRY(http_client_read(c, room_len ? room : &end, room_len ? room_len : 1, &len, reterr_why));
		if (!len)
			return ERR_OK;
		ENSURE(room_len, ERR_LIMIT, reterr_why, "%s answered with more than %zu bytes", c->host_field,
		       buf_len(into));
		buf_commit(into, len);
	}
}

int http_client_copy(struct http_client *c, http_client_sink sink, void *context, struct why *reterr_why)
{
	CLEANUP(free_p) uint8_t *bytes = malloc(PIECE_BYTES);
	size_t len = 0;

	ENSURE(bytes, ERR_UNAVAILABLE, reterr_why, "out of memory to receive a body");
	do {
		TRY(http_client_read(c, bytes, PIECE_BYTES, &len, reterr_why));
		if (len)
			TRY(sink(context, slice_of(bytes, len), reterr_why));
	} while (len);
	return ERR_OK;
}

const struct http1_fields *http_client_trailers(const struct http_client *c)
{
	return &c->trailers;
}

const char *http_client_describe(struct http_client *c)
{
	return c->stream ? stream_describe(c->stream) : "";
}

bool http_client_is_connected(const struct http_client *c)
{
	return c->stream && c->may_keep;
}
