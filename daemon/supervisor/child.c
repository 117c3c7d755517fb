#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/time.h"
#include "daemon/front/settings.h"
#include "daemon/keys/settings.h"
#include "daemon/link/control.h"
#include "daemon/supervisor/internal.h"

/* The end of a process and the end of its control channel come together; how long one waits for the other. */
enum { LAST_WORDS_MS = 200 };

void child_tell(struct child *c, uint16_t type, struct slice body, const int *fds, size_t fd_count)
{
	struct why why;

	if (!c->control || ipc_link_notify(c->control, type, body, fds, fd_count, &why) == ERR_OK)
		return;
	LOG(LOG_ERROR, "role.deaf", LOG_STR("role", c->spec->name), LOG_STR("why", why.text));
	process_kill(&c->process);
}

static void start_again(void *arg)
{
	child_start(arg);
}

static void log_end(const struct child *c, int status, const struct why *how)
{
	enum log_level level = c->supervisor->is_stopping && status == 0 ? LOG_INFO : LOG_ERROR;

	LOG(level, "role.ended", LOG_STR("role", c->spec->name), LOG_INT("pid", c->process.pid),
	    LOG_STR("how", how->text));
}

/* It crashed: again, or never more. */
static void restart(struct child *c)
{
	struct supervisor *s = c->supervisor;
	uint64_t now = time_mono_ms(), delay;
	struct why why;
	int err = restart_note(&c->history, now, &delay, &why);

	if (err != ERR_OK) {
		why_prefix(&why, "role %s ", c->spec->name);
		if (c->failed != ERR_OK)
			why_set(&why, "role %s cannot start: %s", c->spec->name, c->failed_why.text);
		supervisor_stop(s, err, &why);
		return;
	}
	LOG(LOG_WARN, "role.restart", LOG_STR("role", c->spec->name), LOG_INT("in_ms", delay));
	ipc_timer_set(s->loop, &c->timer, now + delay, start_again, c);
}

/* The process has ended and all that it said has been read. */
static void gone(struct child *c)
{
	struct supervisor *s = c->supervisor;
	struct why how, why;
	int status;

	ipc_timer_clear(s->loop, &c->timer);
	ipc_link_free(take_ptr(c->control));
	c->phase = CHILD_DOWN;
	process_reap(&c->process, &status, &how);
	log_end(c, status, &how);
	if (s->is_stopping) {
		supervisor_stop_next(s);
		return;
	}
	/* What will be the same next time is not tried again. */
	if (c->failed != ERR_OK && err_class(c->failed) != ERR_UNAVAILABLE) {
		why = c->failed_why;
		why_prefix(&why, "role %s cannot start: ", c->spec->name);
		supervisor_stop(s, c->failed, &why);
		return;
	}
	restart(c);
}

static void last_words_missing(void *arg)
{
	gone(arg);
}

static void exited(void *arg, uint32_t events)
{
	struct child *c = arg;
	(void)events;

	ipc_watch_free(take_ptr(c->exit_watch));
	if (!c->control) {
		gone(c);
		return;
	}
	ipc_timer_set(c->supervisor->loop, &c->timer, time_mono_ms() + LAST_WORDS_MS, last_words_missing, c);
}

/* A role without a control channel can neither be stopped nor be wired. */
static void kill_silent(void *arg)
{
	struct child *c = arg;

	process_kill(&c->process);
}

static void control_ended(void *context, struct ipc_link *link, int err, const struct why *why)
{
	struct child *c = context;
	(void)link;

	c->control = NULL;
	if (!c->exit_watch) {
		gone(c);
		return;
	}
	if (err == ERR_CLOSED) { /* usually it is ending */
		ipc_timer_set(c->supervisor->loop, &c->timer, time_mono_ms() + LAST_WORDS_MS, kill_silent, c);
		return;
	}
	LOG(LOG_ERROR, "link.violation", LOG_STR("peer", c->spec->name), LOG_STR("why", why->text));
	process_kill(&c->process);
}

static int on_ready(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct child *c = context;
	struct control_ready ready;
	(void)reply;

	TRY(control_ready_take(m->body, &ready, reterr_why));
	ENSURE(c->phase == CHILD_STARTING, ERR_INVALID, reterr_why, "READY twice");
	LOG(LOG_INFO, "role.ready", LOG_STR("role", c->spec->name), LOG_INT("pid", c->process.pid),
	    LOG_INT("starts", c->starts), LOG_INT("uid", c->uid), LOG_INT("landlock_abi", ready.landlock_abi));
	c->phase = CHILD_READY;
	if (c->supervisor->is_stopping)
		return ERR_OK;
	ipc_timer_clear(c->supervisor->loop, &c->timer);
	supervisor_note_ready(c->supervisor);
	return ERR_OK;
}

static int on_failed(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct child *c = context;
	(void)reply;

	return ipc_error_take(m->body, &c->failed, &c->failed_why, reterr_why);
}

/* The word of whoever reports: a role that lies can make us restart a peer of its own, as it can end the whole by
 * crashing. */
static int on_violation(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct child *c = context, *offender;
	struct control_violation violation;
	(void)reply;

	TRY(control_violation_take(m->body, &violation, reterr_why));
	offender = supervisor_child(c->supervisor, violation.peer);
	ENSURE(offender && system_has_link(c->supervisor->system, (uint16_t)c->spec->number, violation.peer),
	       ERR_INVALID, reterr_why, "a report on role %u, which is no peer of it", violation.peer);
	LOG(LOG_ERROR, "role.violation", LOG_STR("role", offender->spec->name), LOG_STR("reported_by", c->spec->name),
	    LOG_STR("why", violation.why.text));
	if (offender->phase != CHILD_DOWN)
		process_kill(&offender->process);
	return ERR_OK;
}

#define FROM_ROLE(number, handler, most) \
	{.type = (number),               \
	 .peer = IPC_PEER_ANY,           \
	 .states = IPC_STATE_ANY,        \
	 .kind = IPC_NOTICE,             \
	 .body_max = (most),             \
	 .handle = (handler)}

static const struct ipc_permit list[] = {
	FROM_ROLE(CONTROL_READY, on_ready, 8),
	FROM_ROLE(CONTROL_FAILED, on_failed, 1024),
	FROM_ROLE(CONTROL_VIOLATION, on_violation, 1024),
};
static const struct ipc_permits permits = {list, sizeof list / sizeof *list};
static const uint32_t always = 1;

static void too_slow(void *arg)
{
	struct child *c = arg;

	LOG(LOG_ERROR, "role.stuck", LOG_STR("role", c->spec->name), LOG_INT("after_ms", ROLE_START_DEADLINE_MS));
	process_kill(&c->process);
}

static int put_settings(const struct child *c, struct buf *settings, struct why *reterr_why)
{
	const struct front_settings front = {.workers = c->supervisor->config->front_workers};

	const struct keys_settings keys = {.passphrase_file = slice_str(c->supervisor->config->passphrase_file),
	                                   .region = slice_str(c->supervisor->config->region)};

	if (c->spec->number == ROLE_KEYS)
		TRY(keys_settings_put(settings, &keys, reterr_why));
	if (c->spec->number == ROLE_FRONT)
		TRY(front_settings_put(settings, &front, reterr_why));
	return ERR_OK;
}

static int give_listeners(struct child *c, struct buf *body, struct why *reterr_why)
{
	buf_reset(body);
	TRY(control_listener_put(body, LISTENER_HTTPS, reterr_why));
	child_tell(c, CONTROL_LISTENER, buf_slice(body), &c->supervisor->listener_fd, 1);
	if (c->supervisor->insecure_listener_fd < 0)
		return ERR_OK;
	buf_reset(body);
	TRY(control_listener_put(body, LISTENER_INSECURE_HTTP, reterr_why));
	child_tell(c, CONTROL_LISTENER, buf_slice(body), &c->supervisor->insecure_listener_fd, 1);
	return ERR_OK;
}

static int configure(struct child *c, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *settings = NULL;
	CLEANUP(buf_freep) struct buf *body = NULL;
	struct control_config config = {
		.starts = c->starts, .has_user = c->has_user, .uid = c->uid, .gid = (gid_t)c->uid};

	TRY(buf_new(IPC_INLINE_BYTES_MAX / 2, &settings, reterr_why));
	TRY(buf_new(IPC_INLINE_BYTES_MAX, &body, reterr_why));
	TRY(put_settings(c, settings, reterr_why));
	config.settings = buf_slice(settings);
	TRY(control_config_put(body, &config, reterr_why));
	child_tell(c, CONTROL_CONFIG, buf_slice(body), NULL, 0);
	if (c->directory_fd >= 0)
		child_tell(c, CONTROL_DIRECTORY, slice_str(""), &c->directory_fd, 1);
	if (c->spec->number == ROLE_FRONT)
		TRY(give_listeners(c, body, reterr_why));
	child_tell(c, CONTROL_START, slice_str(""), NULL, 0);
	return ERR_OK;
}

static int watch_process(struct child *c, struct why *reterr_why)
{
	const struct ipc_link_options options = {
		.peer = (uint16_t)c->spec->number,
		.tables = &permits,
		.table_count = 1,
		.state = &always,
		.ended = control_ended,
		.context = c,
	};
	struct ipc_loop *loop = c->supervisor->loop;

	TRY(ipc_watch_new(loop, c->process.pid_fd, EPOLLIN, exited, c, &c->exit_watch, reterr_why));
	TRY(ipc_link_new(loop, c->process.control_fd, &options, &c->control, reterr_why));
	(void)take_fd(c->process.control_fd);
	ipc_timer_set(loop, &c->timer, time_mono_ms() + ROLE_START_DEADLINE_MS, too_slow, c);
	return configure(c, reterr_why);
}

void child_start(struct child *c)
{
	struct supervisor *s = c->supervisor;
	struct why why;
	int err;

	c->starts++;
	c->failed = ERR_OK;
	err = process_start(&s->launcher, c->spec->name, &c->process, &why);
	if (err != ERR_OK) { /* no process: memory or process limits; the same as a crash */
		c->failed = err;
		c->failed_why = why;
		restart(c);
		return;
	}
	c->phase = CHILD_STARTING;
	err = watch_process(c, &why);
	if (err != ERR_OK) {
		c->failed = err;
		c->failed_why = why;
		process_kill(&c->process);
		ipc_watch_free(take_ptr(c->exit_watch));
		gone(c);
		return;
	}
	wiring_connect(c);
}
