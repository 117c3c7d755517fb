/* The link to ledger: the check of the database against the log, then APPENDs, one at a time. */
#include <string.h>

#include "base/log.h"
#include "base/time.h"
#include "daemon/keys/role.h"
#include "daemon/link/keys_ledger.h"

enum { TICK_MS = 50, READS_MS = 1000, ANSWER_MS = 30000 };

static void append_answered(void *arg, int err, struct ipc_message *reply, const struct why *why)
{
	struct keys_process *p = arg;
	struct ledger_appended appended;
	struct why bad;

	if (err == ERR_OK) {
		err = ledger_appended_take(reply->body, &appended, &bad);
		why = &bad;
	}
	keys_outbox_acknowledge(p->service->outbox, err);
	if (err != ERR_OK) {
		/* What was not acknowledged goes again, once ledger has told its state anew. */
		LOG(LOG_WARN, "keys.append_failed", LOG_STR("why", why->text));
		keys_outbox_detach(p->service->outbox);
		p->is_log_checked = false;
	}
	keys_process_flush_soon(p);
}

static int append(void *self, struct slice body, struct why *reterr_why)
{
	struct keys_process *p = self;
	struct ipc_link *link = role_link(p->role, ROLE_LEDGER);

	ENSURE(link, ERR_UNAVAILABLE, reterr_why, "ledger is away");
	return ipc_link_call(link, KEYS_LEDGER_APPEND, body, time_mono_ms() + ANSWER_MS, append_answered, p,
	                     reterr_why);
}

static int account_key(void *self, struct slice body, struct why *reterr_why)
{
	struct keys_process *p = self;
	struct ipc_link *link = role_link(p->role, ROLE_LEDGER);

	ENSURE(link, ERR_UNAVAILABLE, reterr_why, "ledger is away");
	return ipc_link_notify(link, KEYS_LEDGER_ACCOUNT_KEY, body, NULL, 0, reterr_why);
}

static void attach(struct keys_process *p, const struct ledger_state *logged)
{
	const struct keys_log_port port = {.self = p, .append = append, .account_key = account_key};
	struct kms_point point;
	uint64_t ahead;
	struct why why;
	int err;

	kms_point_genesis(&point);
	if (logged->generation) { /* 0: the log holds none yet */
		point.generation = logged->generation;
		memcpy(point.hash, logged->hash, sizeof point.hash);
	}
	err = kms_state_check_log(kms_keystore_state(p->service->keystore), &point, &ahead, &why);
	if (err != ERR_OK) {
		role_fail(p->role, err, &why);
		return;
	}
	p->is_log_checked = true;
	p->was_checked = true;
	keys_outbox_attach(p->service->outbox, &port, logged->generation);
	keys_process_flush_soon(p);
}

static void state_answered(void *arg, int err, struct ipc_message *reply, const struct why *why)
{
	struct keys_process *p = arg;
	struct ledger_state logged;
	struct why bad;

	p->is_asking = false;
	if (err == ERR_OK) {
		err = ledger_state_take(reply->body, &logged, &bad);
		why = &bad;
	}
	if (err == ERR_OK)
		attach(p, &logged);
	else
		LOG(LOG_WARN, "keys.log_state_unknown", LOG_STR("why", why->text));
}

static void ask_state(struct keys_process *p, struct ipc_link *link)
{
	struct why why;

	p->is_asking = ipc_link_call(link, KEYS_LEDGER_LAST_STATE, slice_str(""), time_mono_ms() + ANSWER_MS,
	                             state_answered, p, &why) == ERR_OK;
}

static void flush(void *arg)
{
	struct keys_process *p = arg;

	keys_outbox_flush(p->service->outbox, p->service->now_ms());
}

void keys_process_flush_soon(struct keys_process *p)
{
	ipc_timer_set(p->role->loop, &p->flush, time_mono_ms(), flush, p);
}

static void tick(void *arg)
{
	struct keys_process *p = arg;
	struct ipc_link *link = role_link(p->role, ROLE_LEDGER);
	uint64_t now = time_mono_ms();

	if (!link && p->is_log_checked) {
		keys_outbox_detach(p->service->outbox);
		p->is_log_checked = false;
	}
	if (link && !p->is_log_checked && !p->is_asking)
		ask_state(p, link);
	if (now >= p->reads_flushed_ms + READS_MS || p->is_stopping) {
		p->reads_flushed_ms = now;
		keys_reads_flush(&p->service->reads, p->service->now_ms(), p->is_stopping);
		keys_process_flush_soon(p);
	}
	if (p->is_stopping && (!p->is_log_checked || keys_outbox_is_idle(p->service->outbox))) {
		role_stopped(p->role);
		return;
	}
	ipc_timer_set(p->role->loop, &p->tick, now + TICK_MS, tick, p);
}

void keys_process_begin(struct keys_process *p)
{
	ipc_timer_set(p->role->loop, &p->tick, time_mono_ms(), tick, p);
}
