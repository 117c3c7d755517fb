#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "ipc/link_internal.h"

/* Waits for room in the socket while something is queued. Changing the events of a descriptor that is being watched
 * needs nothing that could run out. */
static void rewatch(struct ipc_link *link)
{
	bool wants_to_write = link->queue_first != NULL;

	if (wants_to_write == link->is_writing)
		return;
	if (ipc_watch_change(link->watch, wants_to_write ? EPOLLIN | EPOLLOUT : EPOLLIN, NULL) == ERR_OK)
		link->is_writing = wants_to_write;
}

static int enqueue(struct ipc_link *link, const struct ipc_message *message, struct why *reterr_why)
{
	struct queued *q = calloc(1, sizeof *q);
	int err;

	ENSURE(q, ERR_UNAVAILABLE, reterr_why, "out of memory for a message");
	err = ipc_packet_keep(message, &q->packet, reterr_why);
	if (err != ERR_OK) {
		free(q);
		return err;
	}
	*(link->queue_last ? &link->queue_last->next : &link->queue_first) = q;
	link->queue_last = q;
	link->queue_count++;
	q->is_reply = message->flags & IPC_FLAG_REPLY;
	rewatch(link);
	return ERR_OK;
}

int ipc_link_put(struct ipc_link *link, const struct ipc_message *message, struct why *reterr_why)
{
	CLEANUP(ipc_packet_clear) struct ipc_packet packet = {.owned_fds = 0};
	int err;

	ENSURE(link->watch, ERR_UNAVAILABLE, reterr_why, "the other process has gone");
	if (link->queue_first)
		return enqueue(link, message, reterr_why);
	TRY(ipc_packet_borrow(message, &packet, reterr_why));
	err = ipc_packet_send(ipc_channel_fd(link->channel), &packet, reterr_why);
	if (err == ERR_TIMEOUT)
		return enqueue(link, message, reterr_why);
	if (err == ERR_OK && message->flags & IPC_FLAG_REPLY)
		link->open_requests--;
	/* That the peer is gone is found, and told, by the loop; here it only means that nothing can be sent. */
	return err == ERR_CLOSED ? ERR_UNAVAILABLE : err;
}

static void drop_first(struct ipc_link *link)
{
	struct queued *q = link->queue_first;

	link->queue_first = q->next;
	if (!link->queue_first)
		link->queue_last = NULL;
	link->queue_count--;
	if (q->is_reply)
		link->open_requests--;
	ipc_packet_free(q->packet);
	free(q);
}

int ipc_link_flush(struct ipc_link *link, struct why *reterr_why)
{
	while (link->queue_first) {
		int err = ipc_packet_send(ipc_channel_fd(link->channel), link->queue_first->packet, reterr_why);

		if (err != ERR_OK)
			return err == ERR_TIMEOUT ? ERR_OK : err;
		drop_first(link);
	}
	rewatch(link);
	return ERR_OK;
}

void ipc_link_queue_drop(struct ipc_link *link)
{
	while (link->queue_first)
		drop_first(link);
}

int ipc_link_notify(struct ipc_link *link, uint16_t type, struct slice body, const int *fds, size_t fd_count,
                    struct why *reterr_why)
{
	struct ipc_message message = {.type = type, .body = body, .fd_count = fd_count};

	ENSURE(fd_count <= IPC_FDS_MAX, ERR_LIMIT, reterr_why, "a message with %zu descriptors; at most %d can be sent",
	       fd_count, IPC_FDS_MAX);
	ENSURE(link->queue_count < IPC_LINK_QUEUE_MAX, ERR_LIMIT, reterr_why,
	       "%d messages wait for a process that does not read them", IPC_LINK_QUEUE_MAX);
	for (size_t i = 0; i < fd_count; i++)
		message.fds[i] = fds[i];
	return ipc_link_put(link, &message, reterr_why);
}

int ipc_reply_new(struct ipc_link *link, const struct ipc_message *request, struct ipc_reply **ret_reply,
                  struct why *reterr_why)
{
	struct ipc_reply *reply;

	ENSURE(link->open_requests < IPC_LINK_CALLS_MAX, ERR_LIMIT, reterr_why, "more than %d requests at once",
	       IPC_LINK_CALLS_MAX);
	for (reply = link->owed; reply; reply = reply->next)
		ENSURE(reply->id != request->id, ERR_INVALID, reterr_why, "request %u is already being answered",
		       request->id);
	reply = calloc(1, sizeof *reply);
	ENSURE(reply, ERR_UNAVAILABLE, reterr_why, "out of memory for a request");
	*reply = (struct ipc_reply){.link = link, .next = link->owed, .id = request->id, .type = request->type};
	link->owed = reply;
	link->open_requests++;
	*ret_reply = reply;
	return ERR_OK;
}

/* Takes it off its link's list, true if it was there; the request is open until its reply has left the queue. */
static bool unlist(struct ipc_link *link, const struct ipc_reply *reply)
{
	for (struct ipc_reply **at = &link->owed; *at; at = &(*at)->next) {
		if (*at != reply)
			continue;
		*at = reply->next;
		return true;
	}
	return false;
}

void ipc_reply_forget(struct ipc_link *link, struct ipc_reply *reply)
{
	if (reply && unlist(link, reply))
		free(reply);
}

void ipc_replies_detach(struct ipc_link *link)
{
	for (struct ipc_reply *reply = link->owed; reply; reply = reply->next)
		reply->link = NULL;
	link->owed = NULL;
}

static int put_error(struct ipc_link *link, struct ipc_message *message, int code, const struct why *why)
{
	CLEANUP(buf_freep) struct buf *body = NULL;

	TRY(buf_new(IPC_INLINE_BYTES_MAX, &body, NULL));
	TRY(ipc_error_put(body, code, why ? why->text : "", NULL));
	message->flags |= IPC_FLAG_ERROR;
	message->body = buf_slice(body);
	message->fd_count = 0;
	return ipc_link_put(link, message, NULL);
}

/* The answer, or why there is none, or, when not even that can be sent, the end of the link: a peer must never wait for
 * a reply that will not come. */
static void answer(struct ipc_reply *reply, struct ipc_message *message, int code, const struct why *code_why)
{
	struct ipc_link *link = reply->link;
	struct why why = {0};
	int err = code;

	if (!link) {
		free(reply);
		return;
	}
	unlist(link, reply);
	message->type = reply->type;
	message->id = reply->id;
	message->flags = IPC_FLAG_REPLY;
	free(reply);
	if (err == ERR_OK) {
		code_why = &why;
		err = ipc_link_put(link, message, &why);
	}
	if (err != ERR_OK)
		err = put_error(link, message, err, code_why);
	if (err == ERR_OK)
		return;
	ipc_link_end(link, ERR_CLOSED, &why);
	ipc_link_release(link);
}

uint16_t ipc_reply_instance(const struct ipc_reply *reply)
{
	return reply->link ? ipc_link_instance(reply->link) : 0;
}

void ipc_reply_send(struct ipc_reply *reply, struct slice body)
{
	struct ipc_message message = {.body = body};

	answer(reply, &message, ERR_OK, NULL);
}

void ipc_reply_send_fd(struct ipc_reply *reply, struct slice body, int fd)
{
	struct ipc_message message = {.body = body, .fds = {fd}, .fd_count = 1};

	answer(reply, &message, ERR_OK, NULL);
}

void ipc_reply_error(struct ipc_reply *reply, int code, const struct why *why)
{
	struct ipc_message message = {0};

	answer(reply, &message, code == ERR_OK ? ERR_INTERNAL : code, why);
}
