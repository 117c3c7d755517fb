#include "daemon/role/role.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/secret.h"
#include "daemon/role/internal.h"

static void control_ended(void *context, struct ipc_link *link, int err, const struct why *why)
{
	struct role *role = context;
	(void)link;

	role->control = NULL;
	if (err != ERR_CLOSED)
		LOG(LOG_ERROR, "role.control_broken", LOG_STR("why", why->text));
	/* Without a supervisor nothing would restart or stop us; PR_SET_PDEATHSIG usually comes first. */
	role->exit_status = 1;
	ipc_loop_stop(role->loop);
}

static int open_control(struct role *role, struct why *reterr_why)
{
	const struct ipc_link_options options = {
		.peer = ROLE_SUPERVISOR,
		.tables = &role_control_permits,
		.table_count = 1,
		.state = &role->state,
		.ended = control_ended,
		.context = role,
	};

	return ipc_link_new(role->loop, ROLE_CONTROL_FD, &options, &role->control, reterr_why);
}

/* Signals of a terminal or a service manager reach the whole group; only the supervisor acts on them. */
static void ignore_signals(void)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

static int collect_permits(struct role *role, struct why *reterr_why)
{
	const struct role_spec *spec = role->spec;

	ENSURE(spec->permits_count + 1 <= sizeof role->permits / sizeof *role->permits, ERR_INTERNAL, reterr_why,
	       "too many permit tables");
	for (size_t i = 0; i < spec->permits_count; i++)
		role->permits[role->permits_count++] = spec->permits[i];
	role->permits[role->permits_count++] = role_common_permits;
	return ERR_OK;
}

static int run(struct role *role, struct why *reterr_why)
{
	ignore_signals();
	tzset(); /* with TZ set it looks for a file once, here; later that would be a forbidden system call */
	TRY(secret_arenas_open(reterr_why)); /* while the limits and privileges for it are there */
	TRY(collect_permits(role, reterr_why));
	TRY(ipc_loop_new(&role->loop, reterr_why));
	TRY(open_control(role, reterr_why));
	TRY(role_events_new(role, reterr_why));
	return ipc_loop_run(role->loop, reterr_why);
}

int role_main(const struct role_spec *spec, const struct system *system)
{
	struct role role = {.spec = spec,
	                    .system = system,
	                    .state = ROLE_CONFIGURING,
	                    .directory_fd = -1,
	                    .listener_fd = -1,
	                    .insecure_listener_fd = -1};
	struct why why;
	int err;

	log_open(spec->name, LOG_INFO);
	err = run(&role, &why);
	if (err != ERR_OK)
		role_fail(&role, err, &why);
	role_links_free(&role);
	role_events_free(role.events);
	ipc_link_free(role.control);
	ipc_loop_free(role.loop);
	buf_free(role.settings);
	fd_closep(&role.listener_fd);
	fd_closep(&role.insecure_listener_fd);
	fd_closep(&role.directory_fd);
	return role.exit_status;
}

void role_stopped(struct role *role)
{
	role->exit_status = 0;
	ipc_loop_stop(role->loop);
}

void role_fail(struct role *role, int err, const struct why *why)
{
	CLEANUP(buf_freep) struct buf *body = NULL;

	LOG(LOG_ERROR, "role.failed", LOG_STR("class", err_class_name(err)), LOG_STR("why", why->text));
	/* That the supervisor hears the sentence too is a service to who reads its last line. */
	if (role->control && buf_new(IPC_INLINE_BYTES_MAX, &body, NULL) == ERR_OK &&
	    ipc_error_put(body, err, why->text, NULL) == ERR_OK)
		(void)!ipc_link_notify(role->control, CONTROL_FAILED, buf_slice(body), NULL, 0, NULL);
	ipc_link_free(take_ptr(role->control)); /* nothing more is heard */
	role->exit_status = err_exit_status(err);
	if (role->loop)
		ipc_loop_stop(role->loop);
}
