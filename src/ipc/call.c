#include "ipc/call.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "ipc/channel.h"

struct ipc_client {
	struct ipc_channel *channel;
	atomic_int next_fd; /* from another thread; -1: none */
	uint32_t last_id;
	/* Requests that timed out, each with its type: their replies may still come. */
	struct {
		uint32_t id;
		uint16_t type;
	} unanswered[IPC_CLIENT_UNANSWERED_MAX];
	size_t unanswered_count;
	bool has_violation;
	struct why violation;
};

int ipc_client_new(struct ipc_client **ret_client, struct why *reterr_why)
{
	struct ipc_client *client = calloc(1, sizeof *client);

	ENSURE(client, ERR_UNAVAILABLE, reterr_why, "out of memory for a client");
	atomic_init(&client->next_fd, -1);
	*ret_client = client;
	return ERR_OK;
}

void ipc_client_free(struct ipc_client *client)
{
	int fd;

	if (!client)
		return;
	fd = atomic_exchange(&client->next_fd, -1);
	fd_closep(&fd);
	ipc_channel_free(client->channel);
	free(client);
}

void ipc_client_freep(struct ipc_client **client)
{
	ipc_client_free(*client);
	*client = NULL;
}

void ipc_client_connect(struct ipc_client *client, int fd)
{
	int old = atomic_exchange(&client->next_fd, fd);

	fd_closep(&old);
}

bool ipc_client_has_socket(const struct ipc_client *client)
{
	return client->channel || atomic_load(&client->next_fd) >= 0;
}

static int use_next_socket(struct ipc_client *client, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = atomic_exchange(&client->next_fd, -1);

	if (fd < 0)
		return ERR_OK;
	ipc_channel_free(take_ptr(client->channel));
	client->unanswered_count = 0;
	TRY(ipc_channel_new(fd, &client->channel, reterr_why));
	(void)take_fd(fd);
	return ERR_OK;
}

/* A reply to a request that was given up: true, and forgotten. */
static bool is_late(struct ipc_client *client, const struct ipc_message *m)
{
	for (size_t i = 0; i < client->unanswered_count; i++) {
		if (client->unanswered[i].id != m->id || client->unanswered[i].type != m->type)
			continue;
		client->unanswered[i] = client->unanswered[--client->unanswered_count];
		return true;
	}
	return false;
}

/* The reply to `id`. ERR_INVALID and its like: the peer broke the protocol. */
static int receive_reply(struct ipc_client *client, uint32_t id, uint16_t type, uint64_t deadline_ms,
                         struct ipc_message *ret_reply, struct why *reterr_why)
{
	struct ipc_message m;

	for (;;) {
		TRY(ipc_channel_receive(client->channel, deadline_ms, &m, reterr_why));
		if (m.flags & IPC_FLAG_REPLY && m.id == id && m.type == type)
			break;
		bool late = m.flags & IPC_FLAG_REPLY && is_late(client, &m);

		ipc_message_clear(&m);
		ENSURE(late, ERR_INVALID, reterr_why, "message 0x%04x with id %u came where the reply to %u belongs",
		       m.type, m.id, id);
	}
	*ret_reply = m;
	return ERR_OK;
}

/* Ends the socket after an error on it, and says so in our caller's terms. An error of class ERR_UNAVAILABLE is no
 * fault of the peer. */
static int give_up(struct ipc_client *client, int err, struct why *reterr_why)
{
	ipc_channel_free(take_ptr(client->channel));
	if (err_class(err) != ERR_UNAVAILABLE) {
		client->has_violation = true;
		client->violation = *reterr_why;
	}
	return ERR_UNAVAILABLE;
}

/* An error reply becomes our error. */
static int open_reply(struct ipc_client *client, struct ipc_message *reply, struct why *reterr_why)
{
	struct why sentence;
	int code, err;

	if (!(reply->flags & IPC_FLAG_ERROR))
		return ERR_OK;
	err = ipc_error_take(reply->body, &code, &sentence, reterr_why);
	ipc_message_clear(reply);
	if (err != ERR_OK)
		return give_up(client, err, reterr_why);
	*reterr_why = sentence;
	return code;
}

/* Makes room in the list of unanswered requests by taking the late replies that have come. */
static int take_late_replies(struct ipc_client *client, struct why *reterr_why)
{
	while (client->unanswered_count == IPC_CLIENT_UNANSWERED_MAX) {
		struct ipc_message m;
		int err = ipc_channel_receive(client->channel, 0, &m, reterr_why);
		bool late;

		ENSURE(err != ERR_TIMEOUT, ERR_UNAVAILABLE, reterr_why,
		       "the other process has left %d requests unanswered", IPC_CLIENT_UNANSWERED_MAX);
		if (err != ERR_OK)
			return give_up(client, err, reterr_why);
		late = m.flags & IPC_FLAG_REPLY && is_late(client, &m);
		ipc_message_clear(&m);
		if (!late) {
			why_set(reterr_why, "message 0x%04x came where late replies belong", m.type);
			return give_up(client, ERR_INVALID, reterr_why);
		}
	}
	return ERR_OK;
}

static int call(struct ipc_client *client, uint16_t type, struct slice body, uint64_t deadline_ms,
                struct ipc_message *ret_reply, struct why *reterr_why)
{
	struct ipc_message request = {.type = type, .body = body};
	struct ipc_message reply;
	int err;

	TRY(use_next_socket(client, reterr_why));
	ENSURE(client->channel, ERR_UNAVAILABLE, reterr_why, "the other process is not there; it is being restarted");
	TRY(take_late_replies(client, reterr_why));
	if (++client->last_id == 0) /* 0 is for notices */
		client->last_id = 1;
	request.id = client->last_id;
	err = ipc_channel_send(client->channel, &request, deadline_ms, reterr_why);
	if (err == ERR_TIMEOUT || err == ERR_LIMIT || err == ERR_UNAVAILABLE)
		return err; /* nothing was sent: the socket is as it was */
	if (err == ERR_OK)
		err = receive_reply(client, request.id, type, deadline_ms, &reply, reterr_why);
	if (err == ERR_TIMEOUT) {
		client->unanswered[client->unanswered_count].id = request.id;
		client->unanswered[client->unanswered_count++].type = type;
		return err;
	}
	if (err != ERR_OK)
		return give_up(client, err, reterr_why);
	TRY(open_reply(client, &reply, reterr_why));
	*ret_reply = reply;
	return ERR_OK;
}

int ipc_client_call(struct ipc_client *client, uint16_t type, struct slice body, uint64_t deadline_ms,
                    struct ipc_message *ret_reply, struct why *reterr_why)
{
	struct why why = {0}; /* kept even when our caller does not ask: a violation needs its sentence */
	int err = call(client, type, body, deadline_ms, ret_reply, &why);

	if (err != ERR_OK)
		why_set(reterr_why, "%s", why.text);
	return err;
}

bool ipc_client_violation(struct ipc_client *client, struct why *ret_why)
{
	if (!client->has_violation)
		return false;
	*ret_why = client->violation;
	client->has_violation = false;
	return true;
}
