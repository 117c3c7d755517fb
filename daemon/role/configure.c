/* The supervisor's messages, and PING. */
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "daemon/link/ping.h"
#include "daemon/role/internal.h"

static int on_config(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct role *role = context;
	struct control_config config;
	(void)reply;

	TRY(control_config_take(m->body, &config, reterr_why));
	role->starts = config.starts;
	role->has_user = config.has_user;
	role->uid = config.uid;
	role->gid = config.gid;
	buf_free(take_ptr(role->settings));
	TRY(buf_new(IPC_INLINE_BYTES_MAX, &role->settings, reterr_why));
	return buf_put(role->settings, config.settings, reterr_why);
}

static int on_directory(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct role *role = context;
	(void)reply, (void)reterr_why;

	fd_closep(&role->directory_fd);
	role->directory_fd = take_fd(m->fds[0]);
	return ERR_OK;
}

static int on_listener(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct role *role = context;
	enum control_listener kind;
	int *fd;
	(void)reply;

	TRY(control_listener_take(m->body, &kind, reterr_why));
	fd = kind == LISTENER_HTTPS ? &role->listener_fd : &role->insecure_listener_fd;
	fd_closep(fd);
	*fd = take_fd(m->fds[0]);
	return ERR_OK;
}

static int tell_ready(struct role *role, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	const struct control_ready ready = {(uint32_t)role->landlock_abi, role->uid};

	TRY(buf_new(64, &body, reterr_why));
	TRY(control_ready_put(body, &ready, reterr_why));
	return ipc_link_notify(role->control, CONTROL_READY, buf_slice(body), NULL, 0, reterr_why);
}

static int start(struct role *role, struct why *reterr_why)
{
	const struct role_spec *spec = role->spec;

	ENSURE(role->settings, ERR_INTERNAL, reterr_why, "the supervisor sent no configuration");
	ENSURE(!spec->directory == (role->directory_fd < 0), ERR_INTERNAL, reterr_why,
	       "the supervisor and %s do not agree on whether it has a directory", spec->name);
	if (spec->open)
		TRY(spec->open(role, reterr_why));
	TRY(role_lock_down(role, reterr_why));
	role->state = ROLE_RUNNING; /* a start hook may choose ROLE_SEALED */
	if (spec->start)
		TRY(spec->start(role, reterr_why));
	if (spec->number != ROLE_WATCH) /* which has nobody to tell */
		TRY(role_event(role, EVENT_INFO, "role.started", "{}", reterr_why));
	return tell_ready(role, reterr_why);
}

static int on_start(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct role *role = context;
	struct why why;
	int err;
	(void)m, (void)reply, (void)reterr_why;

	err = start(role, &why);
	if (err != ERR_OK)
		role_fail(role, err, &why);
	return ERR_OK;
}

static int on_link(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct role *role = context;
	CLEANUP(fd_closep) int fd = -1;
	struct control_link where;
	(void)reply;

	TRY(control_link_take(m->body, &where, reterr_why));
	fd = take_fd(m->fds[0]);
	if (role->spec->take_link && role->spec->take_link(role, &where, fd)) {
		(void)take_fd(fd);
		return ERR_OK;
	}
	TRY(role_links_add(role, &where, fd, reterr_why));
	(void)take_fd(fd);
	if (where.peer == ROLE_WATCH)
		role_events_resend(role->events);
	return ERR_OK;
}

static int on_stop(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct role *role = context;
	(void)m, (void)reply, (void)reterr_why;

	role->state = ROLE_STOPPING;
	if (role->spec->stop)
		role->spec->stop(role);
	else
		role_stopped(role);
	return ERR_OK;
}

static int on_reload(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct role *role = context;
	(void)m, (void)reply, (void)reterr_why;

	if (role->spec->reload)
		role->spec->reload(role);
	return ERR_OK;
}

#define FROM_SUPERVISOR(number, where, handler, most, descriptors) \
	{.type = (number),                                         \
	 .peer = ROLE_SUPERVISOR,                                  \
	 .states = (where),                                        \
	 .kind = IPC_NOTICE,                                       \
	 .body_max = (most),                                       \
	 .fds = (descriptors),                                     \
	 .handle = (handler)}

static const struct ipc_permit control_list[] = {
	FROM_SUPERVISOR(CONTROL_CONFIG, ROLE_CONFIGURING, on_config, IPC_INLINE_BYTES_MAX, 0),
	FROM_SUPERVISOR(CONTROL_DIRECTORY, ROLE_CONFIGURING, on_directory, 0, 1),
	FROM_SUPERVISOR(CONTROL_LISTENER, ROLE_CONFIGURING, on_listener, 2, 1),
	FROM_SUPERVISOR(CONTROL_START, ROLE_CONFIGURING, on_start, 0, 0),
	FROM_SUPERVISOR(CONTROL_LINK, ROLE_SERVING, on_link, 4, 1),
	FROM_SUPERVISOR(CONTROL_STOP, ROLE_SEALED | ROLE_RUNNING, on_stop, 0, 0),
	FROM_SUPERVISOR(CONTROL_RELOAD, ROLE_SERVING, on_reload, 0, 0),
};
const struct ipc_permits role_control_permits = {control_list, sizeof control_list / sizeof *control_list};

static int on_ping(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	const struct role *role = context;
	CLEANUP(buf_freep) struct buf *body = NULL;
	struct pong pong = {
		.role = (uint16_t)role->spec->number,
		.state = role->state,
		.landlock_abi = (uint32_t)role->landlock_abi,
		.starts = role->starts,
	};
	(void)m;

	TRY(slice_to_str(slice_str(role->spec->name), pong.name, sizeof pong.name, reterr_why));
	TRY(buf_new(128, &body, reterr_why));
	TRY(pong_put(body, &pong, reterr_why));
	ipc_reply_send(reply, buf_slice(body));
	return ERR_OK;
}

static const struct ipc_permit common_list[] = {
	{.type = PING, .peer = IPC_PEER_ANY, .states = ROLE_SERVING, .kind = IPC_REQUEST, .handle = on_ping},
};
const struct ipc_permits role_common_permits = {common_list, sizeof common_list / sizeof *common_list};
