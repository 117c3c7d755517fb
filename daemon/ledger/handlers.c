#include "daemon/ledger/handlers.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/time.h"
#include "daemon/link/keys_ledger.h"

/* --- what the service has to say ---------------------------------------------------------------------------------- */

static void on_appended(void *context, void *request, int err, const struct ledger_appended *appended,
                        const struct why *why)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	struct ipc_reply *reply = request;
	struct why own;
	(void)context;

	if (err == ERR_OK) {
		err = buf_new(16, &body, &own);
		if (err == ERR_OK)
			err = ledger_appended_put(appended, body, &own);
		why = &own;
	}
	if (err == ERR_OK)
		ipc_reply_send(reply, buf_slice(body));
	else
		ipc_reply_error(reply, err, why);
}

static void on_service_event(void *context, enum event_severity severity, const char *name, const char *detail)
{
	enum log_level level = severity == EVENT_INFO ? LOG_INFO : severity == EVENT_WARNING ? LOG_WARN : LOG_ERROR;

	LOG(level, name, LOG_STR("detail", detail));
	(void)!role_event(context, severity, name, detail, NULL); /* a lost one leaves a gap, and is logged */
}

struct log_service_sink ledger_sink(struct role *role)
{
	return (struct log_service_sink){.appended = on_appended, .event = on_service_event, .context = role};
}

/* A service that could not open its log anew is of no use; another start may be. */
static void check(struct role *role)
{
	struct why why;
	int err = log_service_check(role->own, &why);

	if (err != ERR_OK)
		role_fail(role, err, &why);
}

static void commit(void *arg)
{
	struct role *role = arg;

	log_service_commit(role->own);
	check(role);
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

/* The commit comes when everything that has arrived, on all links, has been staged; under a stream that never ends,
 * after LEDGER_GATHER_MS. */
static int on_append(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct role *role = context;
	struct ledger_append append;
	uint64_t since_ms;

	TRY(ledger_append_take(m->body, &append, reterr_why));
	log_service_append(role->own, slice_str(system_role_name(role->system, m->peer)), &append, reply);
	if (!log_service_is_waiting(role->own, &since_ms)) {
		check(role);
		return ERR_OK;
	}
	if (time_mono_ms() - since_ms >= LEDGER_GATHER_MS)
		commit(role);
	else
		ipc_loop_when_idle(role->loop, commit, role);
	return ERR_OK;
}

static int on_account_key(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct role *role = context;
	struct ledger_account_key key;
	(void)reply;

	TRY(ledger_account_key_take(m->body, &key, reterr_why));
	return log_service_account_key(role->own, &key, reterr_why);
}

/* Answers with what a _put function wrote, or with the error. */
static void answer(struct role *role, struct ipc_reply *reply, int err, const struct buf *body, const struct why *why)
{
	if (err == ERR_OK)
		ipc_reply_send(reply, buf_slice(body));
	else
		ipc_reply_error(reply, err, why);
	check(role);
}

static int view(struct role *role, const struct ledger_view *query, struct buf *body, struct why *reterr_why)
{
	CLEANUP(free_p) struct ledger_viewed *viewed = calloc(1, sizeof *viewed);

	ENSURE(viewed, ERR_UNAVAILABLE, reterr_why, "out of memory for a view");
	TRY(log_service_view(role->own, query, viewed, reterr_why));
	return ledger_viewed_put(viewed, body, reterr_why);
}

static int on_view(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	struct ledger_view query;
	struct why why;
	int err;

	TRY(ledger_view_take(m->body, &query, reterr_why));
	err = buf_new(IPC_BODY_BYTES_MAX, &body, &why);
	if (err == ERR_OK)
		err = view(context, &query, body, &why);
	answer(context, reply, err, body, &why);
	return ERR_OK;
}

static int on_hours(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	struct role *role = context;
	struct ledger_hours hours;
	struct ledger_view query;
	struct why why;
	int err;

	TRY(ledger_view_take(m->body, &query, reterr_why));
	err = buf_new(IPC_INLINE_BYTES_MAX, &body, &why);
	if (err == ERR_OK)
		err = log_service_hours(role->own, &query, &hours, &why);
	if (err == ERR_OK)
		err = ledger_hours_put(&hours, body, &why);
	answer(role, reply, err, body, &why);
	return ERR_OK;
}

static int on_receipt(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct role *role = context;
	struct ledger_receipt query;
	struct slice json;
	struct why why;
	int err;

	TRY(ledger_receipt_take(m->body, &query, reterr_why));
	err = log_service_receipt(role->own, &query, &json, &why);
	if (err == ERR_OK)
		ipc_reply_send(reply, json);
	else
		ipc_reply_error(reply, err, &why);
	check(role);
	return ERR_OK;
}

static int on_receipt_hour(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	struct role *role = context;
	struct ledger_receipt query;
	struct ledger_hours hours;
	struct why why;
	int err;

	TRY(ledger_receipt_take(m->body, &query, reterr_why));
	err = buf_new(IPC_INLINE_BYTES_MAX, &body, &why);
	if (err == ERR_OK)
		err = log_service_receipt_hour(role->own, &query, &hours, &why);
	if (err == ERR_OK)
		err = ledger_hours_put(&hours, body, &why);
	answer(role, reply, err, body, &why);
	return ERR_OK;
}

static int on_last_state(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	struct role *role = context;
	struct ledger_state state;
	struct why why;
	int err;
	(void)m, (void)reterr_why;

	err = buf_new(64, &body, &why);
	if (err == ERR_OK) {
		log_service_last_state(role->own, &state);
		err = log_service_check(role->own, &why);
	}
	if (err == ERR_OK)
		err = ledger_state_put(&state, body, &why);
	answer(role, reply, err, body, &why);
	return ERR_OK;
}

static int on_fetch(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	struct role *role = context;
	struct call_answer found;
	struct why why;
	int err;
	(void)reterr_why;

	log_service_fetch(role->own, m->body, &found);
	err = buf_new(CALL_BODY_BYTES_MAX, &body, &why);
	if (err == ERR_OK)
		err = call_answer_put(&found, body, &why);
	answer(role, reply, err, body, &why);
	return ERR_OK;
}

/* --- who may ask what --------------------------------------------------------------------------------------------- */

enum {
	ACCOUNT_KEY_BYTES = 4 + LEDGER_ACCOUNT_BYTES_MAX + 8 + 4 + 32,
	VIEW_BYTES = 4 + LEDGER_ACCOUNT_BYTES_MAX + 8 + 8 + 4 + LEDGER_EVENT_NAME_BYTES_MAX + 8 + 2,
	RECEIPT_BYTES = 4 + LEDGER_ACCOUNT_BYTES_MAX + 8,
};

#define FROM(role, number, what, most, handler) \
	{.type = (number),                      \
	 .peer = (role),                        \
	 .states = ROLE_SERVING,                \
	 .kind = (what),                        \
	 .body_max = (most),                    \
	 .handle = (handler)}

static const struct ipc_permit list[] = {
	FROM(ROLE_KEYS, KEYS_LEDGER_APPEND, IPC_REQUEST, LEDGER_APPEND_BYTES_MAX, on_append),
	FROM(ROLE_KEYS, KEYS_LEDGER_ACCOUNT_KEY, IPC_NOTICE, ACCOUNT_KEY_BYTES, on_account_key),
	FROM(ROLE_KEYS, KEYS_LEDGER_VIEW, IPC_REQUEST, VIEW_BYTES, on_view),
	FROM(ROLE_KEYS, KEYS_LEDGER_HOURS, IPC_REQUEST, VIEW_BYTES, on_hours),
	FROM(ROLE_KEYS, KEYS_LEDGER_RECEIPT, IPC_REQUEST, RECEIPT_BYTES, on_receipt),
	FROM(ROLE_KEYS, KEYS_LEDGER_RECEIPT_HOUR, IPC_REQUEST, RECEIPT_BYTES, on_receipt_hour),
	FROM(ROLE_KEYS, KEYS_LEDGER_LAST_STATE, IPC_REQUEST, 0, on_last_state),
	/* The path is a stranger's: a long one is not front's fault. */
	FROM(ROLE_FRONT, FRONT_LEDGER_FETCH, IPC_REQUEST, HTTP1_TARGET_BYTES_MAX, on_fetch),
};
const struct ipc_permits ledger_permits = {list, sizeof list / sizeof *list};
