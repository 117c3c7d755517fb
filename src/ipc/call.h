/* call.h: the blocking end of a link: one request, one reply, for a thread that has nothing else to do meanwhile.
 *
 * Front's worker threads each have a client of their own to each role that they call, so that nothing is shared and
 * nothing is locked. When the role behind it restarts, the main thread gets a new socket and hands it in. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "ipc/message.h"

struct ipc_client;

/* A client without a socket: calls fail with ERR_UNAVAILABLE until it is given one. */
MUST_USE int ipc_client_new(struct ipc_client **ret_client, struct why *reterr_why);
/* Not while a call is running. */
void ipc_client_free(struct ipc_client *client);
void ipc_client_freep(struct ipc_client **client);

/* Gives the client a new socket, which it owns from here on. The only function for another thread than the client's:
 * the next call uses it; a call that is running ends with ERR_UNAVAILABLE, since its peer is gone. */
void ipc_client_connect(struct ipc_client *client, int fd);

/* Whether there is a socket, or a new one waits to be used; that its peer is still there only a call can tell. */
bool ipc_client_has_socket(const struct ipc_client *client);

/* Sends a request, and waits for its reply until the deadline (time_mono_ms()). The reply is the caller's to end by
 * ipc_message_clear(); its body is valid until then or until the next call.
 * Errors: what the peer answered; ERR_TIMEOUT (a late reply will be skipped); ERR_UNAVAILABLE: no socket, the peer is
 * gone, or it has left IPC_CLIENT_UNANSWERED_MAX requests unanswered. When the peer broke the protocol the socket is
 * closed, the error is ERR_UNAVAILABLE too, and ipc_client_violation() says what it did. */
MUST_USE int ipc_client_call(struct ipc_client *client, uint16_t type, struct slice body, uint64_t deadline_ms,
                             struct ipc_message *ret_reply, struct why *reterr_why);

/* What the peer did wrong, once: for the role to log and to report. False when it did nothing. */
bool ipc_client_violation(struct ipc_client *client, struct why *ret_why);
