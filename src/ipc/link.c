#include "ipc/link.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "ipc/link_internal.h"

static int handle(struct ipc_link *link, struct ipc_message *message, struct why *reterr_why)
{
	const struct ipc_link_options *o = &link->options;
	const struct ipc_permit *permit;
	struct ipc_reply *reply = NULL;
	int err;

	if (message->flags & IPC_FLAG_REPLY)
		return ipc_link_take_reply(link, message, reterr_why);
	TRY(ipc_permit_find(o->tables, o->table_count, o->peer, *o->state, message, &permit, reterr_why));
	if (permit->kind == IPC_REQUEST)
		TRY(ipc_reply_new(link, message, &reply, reterr_why));
	err = permit->handle(o->context, message, reply, reterr_why);
	if (err != ERR_OK)
		ipc_reply_forget(link, reply);
	return err;
}

/* Up to IPC_LINK_BURST messages; stops early when a handler ended the link. */
static int receive_some(struct ipc_link *link, struct why *reterr_why)
{
	for (int i = 0; i < IPC_LINK_BURST; i++) {
		struct ipc_message message;
		int err;

		err = ipc_channel_receive(link->channel, 0, &message, reterr_why);
		if (err == ERR_TIMEOUT)
			return ERR_OK;
		if (err != ERR_OK)
			return err;
		message.peer = link->options.peer;
		err = handle(link, &message, reterr_why);
		ipc_message_clear(&message);
		if (err != ERR_OK || !link->watch)
			return err;
	}
	return ERR_OK;
}

static void link_ready(void *arg, uint32_t events)
{
	struct ipc_link *link = arg;
	struct why why = {0};
	int err = ERR_OK;

	link->busy++;
	if (events & EPOLLOUT)
		err = ipc_link_flush(link, &why);
	if (err == ERR_OK && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		err = receive_some(link, &why);
	if (err != ERR_OK)
		ipc_link_end(link, err, &why);
	link->busy--;
	ipc_link_release(link);
}

int ipc_link_new(struct ipc_loop *loop, int fd, const struct ipc_link_options *options, struct ipc_link **ret_link,
                 struct why *reterr_why)
{
	struct ipc_link *link = calloc(1, sizeof *link);
	int err;

	ENSURE(link, ERR_UNAVAILABLE, reterr_why, "out of memory for a link");
	link->loop = loop;
	link->options = *options;
	err = ipc_watch_new(loop, fd, EPOLLIN, link_ready, link, &link->watch, reterr_why);
	if (err == ERR_OK)
		err = ipc_channel_new(fd, &link->channel, reterr_why);
	if (err != ERR_OK) {
		ipc_watch_free(link->watch);
		free(link);
		return err;
	}
	*ret_link = link;
	return ERR_OK;
}

static void close_down(struct ipc_link *link)
{
	ipc_watch_free(take_ptr(link->watch));
	ipc_replies_detach(link);
	ipc_link_queue_drop(link);
	ipc_link_calls_fail(link);
}

void ipc_link_end(struct ipc_link *link, int err, const struct why *why)
{
	if (!link->watch)
		return;
	link->busy++;
	close_down(link);
	link->options.ended(link->options.context, link, err, why);
	link->busy--;
}

void ipc_link_release(struct ipc_link *link)
{
	if (link->watch || link->busy)
		return;
	ipc_channel_free(link->channel); /* not earlier: a handler may still be reading its message there */
	free(link);
}

void ipc_link_free(struct ipc_link *link)
{
	if (!link)
		return;
	link->busy++;
	if (link->watch)
		close_down(link);
	link->busy--;
	ipc_link_release(link);
}

uint16_t ipc_link_peer(const struct ipc_link *link)
{
	return link->options.peer;
}

uint16_t ipc_link_instance(const struct ipc_link *link)
{
	return link->options.instance;
}
