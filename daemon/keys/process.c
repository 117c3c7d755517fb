/* The messages of front. An answer that has to wait for its record is held here until ledger has it. */
#include <stdlib.h>

#include "base/log.h"
#include "daemon/keys/api.h"
#include "daemon/keys/role.h"
#include "daemon/keys/s3.h"
#include "daemon/link/front_keys.h"

/* A head, a body, and the lengths of their parts. */
enum { MESSAGE_BYTES_MAX = CALL_BODY_BYTES_MAX + 4 * CALL_HEAD_BYTES_MAX, ANSWER_BYTES_MAX = 8 << 20 };

struct held {
	struct ipc_reply *reply;
	struct buf *body;
};

static void release(void *arg, int err, const struct why *why)
{
	struct held *held = arg;

	if (err == ERR_OK)
		ipc_reply_send(held->reply, buf_slice(held->body));
	else
		ipc_reply_error(held->reply, err, why);
	buf_free(held->body);
	free(held);
}

/* Sends `body` (taken over) when the record is durable; at once for ticket 0. */
static void send_after(struct keys_process *p, struct ipc_reply *reply, struct buf *body, uint64_t ticket)
{
	struct held *held = malloc(sizeof *held);
	struct why why;
	int err = ERR_UNAVAILABLE;

	if (!held) {
		why_set(&why, "out of memory for an answer");
		ipc_reply_error(reply, err, &why);
		buf_free(body);
		return;
	}
	*held = (struct held){reply, body};
	if (!ticket) {
		release(held, ERR_OK, NULL);
		return;
	}
	err = keys_outbox_wait(p->service->outbox, ticket, release, held, &why);
	if (err != ERR_OK)
		release(held, err, &why);
	keys_process_flush_soon(p);
}

static struct keys_process *process_of(void *context)
{
	return ((struct role *)context)->own;
}

/* Whether it can serve; if not, the request is answered. */
static bool can_serve(struct keys_process *p, struct ipc_reply *reply)
{
	struct why why;

	if (p->service && p->was_checked && !p->is_stopping)
		return true;
	why_set(&why, "keys %s",
	        p->is_stopping ? "is stopping"
	        : p->service   ? "has not compared its database with the log yet: try again in a moment"
	                       : "is sealed: start it with its passphrase");
	ipc_reply_error(reply, ERR_UNAVAILABLE, &why);
	return false;
}

/* What could not be answered at all: the caller learns only that, so the reason is told here. */
static void fail(struct ipc_reply *reply, int err, const struct why *why)
{
	LOG(LOG_ERROR, "keys.call_failed", LOG_STR("class", err_class_name(err)), LOG_STR("why", why->text));
	ipc_reply_error(reply, err, why);
}

static int take_api_call(struct slice message, struct call_head *ret_head, struct slice *ret_body,
                         struct why *reterr_why)
{
	struct cursor c = cursor_of(message);

	TRY(call_head_take(&c, ret_head, reterr_why));
	TRY(cursor_take_lp(&c, CALL_BODY_BYTES_MAX, ret_body, reterr_why));
	return cursor_finish(&c, reterr_why);
}

static int answer_api(struct keys_process *p, const struct call_head *head, struct slice body, struct buf *into,
                      uint64_t *ret_ticket, struct why *reterr_why)
{
	CLEANUP(keys_answer_clear) struct keys_answer answer = {0};

	TRY(keys_api_call(p->service, head, body, &answer, reterr_why));
	*ret_ticket = answer.ticket;
	return keys_answer_put(&answer, into, reterr_why);
}

static int on_api_call(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct keys_process *p = process_of(context);
	CLEANUP(buf_freep) struct buf *answer = NULL;
	struct call_head head;
	struct slice body;
	uint64_t ticket = 0;
	struct why why;
	int err;

	TRY(take_api_call(m->body, &head, &body, reterr_why));
	if (!can_serve(p, reply))
		return ERR_OK;
	err = buf_new(ANSWER_BYTES_MAX, &answer, &why);
	if (err == ERR_OK)
		err = answer_api(p, &head, body, answer, &ticket, &why);
	if (err != ERR_OK)
		fail(reply, err, &why);
	else
		send_after(p, reply, take_ptr(answer), ticket);
	return ERR_OK;
}

static int answer_s3(struct keys_process *p, const struct s3_call *call, uint16_t instance, struct buf *into,
                     uint64_t *ret_ticket, struct why *reterr_why)
{
	CLEANUP(keys_s3_result_clear) struct keys_s3_result result = {0};

	TRY(keys_s3_call(p->service, call, instance, &result, reterr_why));
	*ret_ticket = result.hold;
	return s3_decision_put(&result.decision, into, reterr_why);
}

static int on_s3_call(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct keys_process *p = process_of(context);
	CLEANUP(buf_freep) struct buf *answer = NULL;
	struct s3_call call;
	uint64_t ticket = 0;
	struct why why;
	int err;

	TRY(s3_call_take(m->body, &call, reterr_why));
	if (!can_serve(p, reply))
		return ERR_OK;
	err = buf_new(ANSWER_BYTES_MAX, &answer, &why);
	if (err == ERR_OK)
		err = answer_s3(p, &call, ipc_reply_instance(reply), answer, &ticket, &why);
	if (err != ERR_OK)
		fail(reply, err, &why);
	else
		send_after(p, reply, take_ptr(answer), ticket);
	keys_process_flush_soon(p);
	return ERR_OK;
}

static int on_chunks(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct keys_process *p = process_of(context);
	CLEANUP(free_p) struct s3_chunks *chunks = malloc(sizeof *chunks);
	struct why why;
	int err;

	ENSURE(chunks, ERR_UNAVAILABLE, reterr_why, "out of memory for signatures of chunks");
	TRY(s3_chunks_take(m->body, chunks, reterr_why));
	if (!can_serve(p, reply))
		return ERR_OK;
	err = keys_chains_verify(&p->service->chains, ipc_reply_instance(reply), chunks, &why);
	if (err != ERR_OK)
		ipc_reply_error(reply, err, &why);
	else
		ipc_reply_send(reply, slice_str(""));
	return ERR_OK;
}

static int on_log_wait(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct keys_process *p = process_of(context);
	struct cursor c = cursor_of(m->body);
	struct buf *empty = NULL;
	uint64_t ticket;
	struct why why;

	TRY(cursor_take_u64be(&c, &ticket, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	ENSURE(ticket, ERR_INVALID, reterr_why, "no record has the ticket 0");
	if (!p->service) /* not can_serve(): who stops still acknowledges what is under way */
		return can_serve(p, reply), ERR_OK;
	if (buf_new(1, &empty, &why) != ERR_OK)
		ipc_reply_error(reply, ERR_UNAVAILABLE, &why);
	else
		send_after(p, reply, empty, ticket);
	return ERR_OK;
}

#define FROM_FRONT(number, most, handler) \
	{.type = (number),                \
	 .peer = ROLE_FRONT,              \
	 .states = ROLE_SERVING,          \
	 .kind = IPC_REQUEST,             \
	 .body_max = (most),              \
	 .handle = (handler)}

static const struct ipc_permit list[] = {
	FROM_FRONT(FRONT_KEYS_API_CALL, MESSAGE_BYTES_MAX, on_api_call),
	FROM_FRONT(FRONT_KEYS_S3_CALL, MESSAGE_BYTES_MAX, on_s3_call),
	FROM_FRONT(FRONT_KEYS_CHUNKS_VERIFY, 64 * 1024, on_chunks),
	FROM_FRONT(FRONT_KEYS_LOG_WAIT, 8, on_log_wait),
};
const struct ipc_permits keys_permits = {list, sizeof list / sizeof *list};
