#include <stdlib.h>

#include "base/cleanup.h"
#include "ipc/link_internal.h"

static void unlist(struct ipc_link *link, struct call *call)
{
	for (struct call **at = &link->calls; *at; at = &(*at)->next) {
		if (*at != call)
			continue;
		*at = call->next;
		link->call_count--;
		return;
	}
}

static void deadline_passed(void *arg)
{
	static const struct why why = {"the other process did not answer in time"};
	struct call *call = arg;
	ipc_link_answered *answered = take_ptr(call->answered);

	answered(call->arg, ERR_TIMEOUT, NULL, &why);
}

int ipc_link_call(struct ipc_link *link, uint16_t type, struct slice body, uint64_t deadline_ms,
                  ipc_link_answered *answered, void *arg, struct why *reterr_why)
{
	CLEANUP(free_p) struct call *call = NULL;
	struct ipc_message message = {.type = type, .body = body};

	ENSURE(link->call_count < IPC_LINK_CALLS_MAX, ERR_LIMIT, reterr_why, "%d calls wait for an answer already",
	       IPC_LINK_CALLS_MAX);
	ENSURE(link->queue_count < IPC_LINK_QUEUE_MAX, ERR_LIMIT, reterr_why,
	       "%d messages wait for a process that does not read them", IPC_LINK_QUEUE_MAX);
	call = calloc(1, sizeof *call);
	ENSURE(call, ERR_UNAVAILABLE, reterr_why, "out of memory for a call");
	if (++link->last_id == 0) /* 0 is for notices */
		link->last_id = 1;
	message.id = link->last_id;
	TRY(ipc_link_put(link, &message, reterr_why));
	call->answered = answered;
	call->arg = arg;
	call->id = message.id;
	call->type = type;
	call->next = link->calls;
	link->calls = call;
	link->call_count++;
	ipc_timer_set(link->loop, &call->deadline, deadline_ms, deadline_passed, call);
	(void)take_ptr(call);
	return ERR_OK;
}

static int check_reply(const struct call *call, const struct ipc_message *m, int *ret_code, struct why *ret_sentence,
                       struct why *reterr_why)
{
	ENSURE(call, ERR_INVALID, reterr_why, "message 0x%04x answers request %u, which was not asked", m->type, m->id);
	ENSURE(call->type == m->type, ERR_INVALID, reterr_why, "request %u of type 0x%04x was answered by type 0x%04x",
	       m->id, call->type, m->type);
	*ret_code = ERR_OK;
	if (m->flags & IPC_FLAG_ERROR)
		TRY(ipc_error_take(m->body, ret_code, ret_sentence, reterr_why));
	return ERR_OK;
}

int ipc_link_take_reply(struct ipc_link *link, struct ipc_message *message, struct why *reterr_why)
{
	struct call *call = link->calls;
	struct why sentence = {0};
	int code;

	while (call && call->id != message->id)
		call = call->next;
	TRY(check_reply(call, message, &code, &sentence, reterr_why));
	unlist(link, call);
	ipc_timer_clear(link->loop, &call->deadline);
	if (call->answered)
		call->answered(call->arg, code, code == ERR_OK ? message : NULL, &sentence);
	free(call);
	return ERR_OK;
}

void ipc_link_calls_fail(struct ipc_link *link)
{
	static const struct why why = {"the other process has gone"};

	while (link->calls) {
		struct call *call = link->calls;

		link->calls = call->next;
		link->call_count--;
		ipc_timer_clear(link->loop, &call->deadline);
		if (call->answered)
			call->answered(call->arg, ERR_UNAVAILABLE, NULL, &why);
		free(call);
	}
}
