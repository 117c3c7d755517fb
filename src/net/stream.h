/* stream.h: a connection's bytes, in TLS or plain, and waiting for them with an end to patience. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "net/tls.h"

struct stream;

/* Over a non-blocking socket, which is borrowed and must outlive the stream. */
MUST_USE int stream_new_plain(int fd, struct stream **ret_stream, struct why *reterr_why);
MUST_USE int stream_new_accept(int fd, struct tls_server *tls, struct stream **ret_stream, struct why *reterr_why);
MUST_USE int stream_new_connect(int fd, struct tls_client *tls, const char *host, struct stream **ret_stream,
                                struct why *reterr_why);
void stream_free(struct stream *s);
void stream_freep(struct stream **s);

/* The operations of tls.h, for either kind. They never wait. Errors as there. */
MUST_USE int stream_try_handshake(struct stream *s, enum net_want *ret_want, struct why *reterr_why);
MUST_USE int stream_try_read(struct stream *s, void *bytes, size_t size, size_t *ret_len, enum net_want *ret_want,
                             struct why *reterr_why);
MUST_USE int stream_try_write(struct stream *s, struct slice bytes, size_t *ret_len, enum net_want *ret_want,
                              struct why *reterr_why);
bool stream_has_buffered(const struct stream *s);

/* Says that no more will be written; what the peer has sent can still be read from the socket. */
void stream_end_writing(struct stream *s);

/* "plain", or the TLS version and cipher. */
const char *stream_describe(struct stream *s);

/* Patience with a peer: it may keep us waiting for `stall_ms` in all, and each byte moved buys its share of a second
 * at `bytes_per_s` (0: buys nothing). Only waiting counts, not what we do in between. And never past
 * `deadline_mono_ms` (0: no such end). */
struct stream_pace {
	uint64_t stall_ms;
	uint64_t bytes_per_s;
	uint64_t deadline_mono_ms;
	uint64_t moved_bytes;
	uint64_t waited_ms;
};

/* Waits until the socket is ready for `want`, or with `also_readable` has something to read. ERR_TIMEOUT. */
MUST_USE int stream_wait(struct stream *s, enum net_want want, bool also_readable, struct stream_pace *pace,
                         struct why *reterr_why);

MUST_USE int stream_handshake(struct stream *s, struct stream_pace *pace, struct why *reterr_why);

/* Reads at least one byte; *ret_len 0 is the end. */
MUST_USE int stream_read(struct stream *s, void *bytes, size_t size, struct stream_pace *pace, size_t *ret_len,
                         struct why *reterr_why);

MUST_USE int stream_write_all(struct stream *s, struct slice bytes, struct stream_pace *pace, struct why *reterr_why);
