#include "net/stream.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/time.h"

struct stream {
	int fd;
	struct tls *tls; /* NULL: plain */
};

static int new_stream(int fd, struct stream **ret_stream, struct why *reterr_why)
{
	struct stream *s = calloc(1, sizeof *s);

	ENSURE(s, ERR_UNAVAILABLE, reterr_why, "out of memory for a connection");
	s->fd = fd;
	*ret_stream = s;
	return ERR_OK;
}

int stream_new_plain(int fd, struct stream **ret_stream, struct why *reterr_why)
{
	return new_stream(fd, ret_stream, reterr_why);
}

int stream_new_accept(int fd, struct tls_server *tls, struct stream **ret_stream, struct why *reterr_why)
{
	CLEANUP(stream_freep) struct stream *s = NULL;

	TRY(new_stream(fd, &s, reterr_why));
	TRY(tls_accept(tls, fd, &s->tls, reterr_why));
	*ret_stream = take_ptr(s);
	return ERR_OK;
}

int stream_new_connect(int fd, struct tls_client *tls, const char *host, struct stream **ret_stream,
                       struct why *reterr_why)
{
	CLEANUP(stream_freep) struct stream *s = NULL;

	TRY(new_stream(fd, &s, reterr_why));
	TRY(tls_connect(tls, fd, host, &s->tls, reterr_why));
	*ret_stream = take_ptr(s);
	return ERR_OK;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	tls_free(s->tls);
	free(s);
}

void stream_freep(struct stream **s)
{
	stream_free(*s);
	*s = NULL;
}

int stream_try_handshake(struct stream *s, enum net_want *ret_want, struct why *reterr_why)
{
	if (s->tls)
		return tls_try_handshake(s->tls, ret_want, reterr_why);
	*ret_want = NET_DONE;
	return ERR_OK;
}

/* The outcome of recv() or send() that returned -1. */
static int plain_outcome(enum net_want want, enum net_want *ret_want, struct why *reterr_why)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK) {
		*ret_want = want;
		return ERR_OK;
	}
	ENSURE(errno != ECONNRESET && errno != EPIPE, ERR_CLOSED, reterr_why, "the peer ended the connection");
	return why_errno(reterr_why, errno, "the connection failed");
}

int stream_try_read(struct stream *s, void *bytes, size_t size, size_t *ret_len, enum net_want *ret_want,
                    struct why *reterr_why)
{
	ssize_t got;

	if (s->tls)
		return tls_try_read(s->tls, bytes, size, ret_len, ret_want, reterr_why);
	*ret_len = 0;
	do
		got = recv(s->fd, bytes, size, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return plain_outcome(NET_WANT_READ, ret_want, reterr_why);
	*ret_len = (size_t)got;
	*ret_want = NET_DONE;
	return ERR_OK;
}

int stream_try_write(struct stream *s, struct slice bytes, size_t *ret_len, enum net_want *ret_want,
                     struct why *reterr_why)
{
	ssize_t put;

	if (s->tls)
		return tls_try_write(s->tls, bytes, ret_len, ret_want, reterr_why);
	*ret_len = 0;
	do
		put = send(s->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	if (put < 0)
		return plain_outcome(NET_WANT_WRITE, ret_want, reterr_why);
	*ret_len = (size_t)put;
	*ret_want = NET_DONE;
	return ERR_OK;
}

bool stream_has_buffered(const struct stream *s)
{
	return s->tls && tls_has_buffered(s->tls);
}

void stream_end_writing(struct stream *s)
{
	if (s->tls)
		tls_close_notify(s->tls);
	(void)shutdown(s->fd, SHUT_WR);
}

const char *stream_describe(struct stream *s)
{
	return s->tls ? tls_describe(s->tls) : "plain";
}

/* How much longer the peer may keep us waiting. */
static uint64_t patience_ms(const struct stream_pace *pace, uint64_t now)
{
	uint64_t bought = pace->bytes_per_s ? pace->moved_bytes * 1000 / pace->bytes_per_s : 0;
	uint64_t allowed = pace->stall_ms + bought;
	uint64_t left = pace->waited_ms < allowed ? allowed - pace->waited_ms : 0;

	if (pace->deadline_mono_ms && now + left > pace->deadline_mono_ms)
		left = now < pace->deadline_mono_ms ? pace->deadline_mono_ms - now : 0;
	return left < INT_MAX ? left : INT_MAX;
}

int stream_wait(struct stream *s, enum net_want want, bool also_readable, struct stream_pace *pace,
                struct why *reterr_why)
{
	struct pollfd p = {.fd = s->fd, .events = want == NET_WANT_WRITE ? POLLOUT : POLLIN};
	int ready;

	if (also_readable)
		p.events |= POLLIN;
	do {
		uint64_t before = time_mono_ms(), patience = patience_ms(pace, before);

		ENSURE(patience, ERR_TIMEOUT, reterr_why, "the peer is too slow");
		ready = poll(&p, 1, (int)patience);
		pace->waited_ms += time_mono_ms() - before;
	} while (ready == 0 || (ready < 0 && errno == EINTR));
	ENSURE_SYS(ready > 0, reterr_why, "cannot wait for the connection");
	return ERR_OK;
}

int stream_handshake(struct stream *s, struct stream_pace *pace, struct why *reterr_why)
{
	for (;;) {
		enum net_want want = NET_DONE;

		TRY(stream_try_handshake(s, &want, reterr_why));
		if (want == NET_DONE)
			return ERR_OK;
		TRY(stream_wait(s, want, false, pace, reterr_why));
	}
}

int stream_read(struct stream *s, void *bytes, size_t size, struct stream_pace *pace, size_t *ret_len,
                struct why *reterr_why)
{
	for (;;) {
		enum net_want want = NET_DONE;
		size_t len;

		TRY(stream_try_read(s, bytes, size, &len, &want, reterr_why));
		if (want == NET_DONE) {
			pace->moved_bytes += len;
			*ret_len = len;
			return ERR_OK;
		}
		TRY(stream_wait(s, want, false, pace, reterr_why));
	}
}

int stream_write_all(struct stream *s, struct slice bytes, struct stream_pace *pace, struct why *reterr_why)
{
	while (bytes.len) {
		enum net_want want = NET_DONE;
		size_t len;

		TRY(stream_try_write(s, bytes, &len, &want, reterr_why));
		if (want != NET_DONE) {
			TRY(stream_wait(s, want, false, pace, reterr_why));
			continue;
		}
		pace->moved_bytes += len;
		bytes.ptr += len;
		bytes.len -= len;
	}
	return ERR_OK;
}
