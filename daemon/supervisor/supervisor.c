#include "daemon/supervisor/supervisor.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "daemon/link/control.h"
#include "daemon/supervisor/internal.h"
#include "daemon/supervisor/listener.h"
#include "sandbox/privileges.h"

struct child *supervisor_child(struct supervisor *s, uint16_t number)
{
	for (size_t i = 0; i < s->child_count; i++)
		if (s->children[i].spec->number == number)
			return &s->children[i];
	return NULL;
}

void supervisor_note_ready(struct supervisor *s)
{
	char where[LISTENER_TEXT_BYTES] = "";
	struct why why;

	for (size_t i = 0; i < s->child_count; i++)
		if (s->children[i].phase != CHILD_READY)
			return;
	if (s->was_ready)
		return;
	s->was_ready = true;
	if (s->listener_fd >= 0 && listener_where(s->listener_fd, where, &why) != ERR_OK)
		LOG(LOG_WARN, "listener.unknown", LOG_STR("why", why.text));
	LOG(LOG_INFO, "cloister.ready", LOG_STR("listen", where), LOG_INT("roles", s->child_count),
	    LOG_INT("pid", getpid()));
}

static void on_signal(void *arg, int number)
{
	struct supervisor *s = arg;
	struct child *front = supervisor_child(s, ROLE_FRONT);

	if (number == SIGHUP) {
		if (front && front->phase == CHILD_READY && !s->is_stopping)
			child_tell(front, CONTROL_RELOAD, slice_str(""), NULL, 0);
		return;
	}
	if (s->is_stopping) /* asked twice: at once */
		supervisor_kill_all(s);
	else
		supervisor_stop(s, ERR_OK, &(struct why){"asked to by a signal"});
}

static int add_child(struct supervisor *s, const struct role_spec *spec, struct why *reterr_why)
{
	struct child *c = &s->children[s->child_count];
	bool is_root = geteuid() == 0;

	*c = (struct child){
		.supervisor = s,
		.spec = spec,
		.directory_fd = -1,
		.has_user = is_root,
		.uid = is_root ? s->config->uid_base + (uid_t)spec->number : geteuid(),
		.process = {.pid_fd = -1, .control_fd = -1},
	};
	s->child_count++;
	if (!spec->directory)
		return ERR_OK;
	return state_dir_role(&s->state, spec->directory, c->uid, is_root ? (gid_t)c->uid : getegid(), &c->directory_fd,
	                      reterr_why);
}

static int add_children(struct supervisor *s, struct why *reterr_why)
{
	for (size_t i = 0; i < s->system->role_count; i++)
		if (s->config->roles >> s->system->roles[i]->number & 1)
			TRY(add_child(s, s->system->roles[i], reterr_why));
	if (geteuid() != 0)
		LOG(LOG_WARN, "roles.share_user", LOG_INT("uid", geteuid()),
		    LOG_STR("why", "not started as root: the roles are confined, but run as one user"));
	return ERR_OK;
}

/* What starting roles as other users takes, and no more. */
static int drop_to_supervisor(struct why *reterr_why)
{
	const uint64_t needed = 1u << CAP_SETUID | 1u << CAP_SETGID | 1u << CAP_SETPCAP | 1u << CAP_KILL |
	                        1u << CAP_IPC_LOCK;

	TRY(sandbox_capabilities_keep(needed, reterr_why));
	ENSURE_SYS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, reterr_why, "cannot set no_new_privs");
	ENSURE_SYS(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, reterr_why, "cannot become undumpable");
	return ERR_OK;
}

static int open_listeners(struct supervisor *s, struct why *reterr_why)
{
	TRY(listener_open(s->config->listen, &s->listener_fd, reterr_why));
	if (!s->config->insecure_http[0])
		return ERR_OK;
	TRY(listener_open_loopback(s->config->insecure_http, &s->insecure_listener_fd, reterr_why));
	LOG(LOG_WARN, "listener.insecure_http", LOG_STR("listen", s->config->insecure_http),
	    LOG_STR("why", "requests and data cross this listener without encryption"));
	return ERR_OK;
}

static int prepare(struct supervisor *s, struct why *reterr_why)
{
	sigset_t signals;

	TRY(state_dir_open(s->config->state, &s->state, reterr_why));
	if (s->config->roles >> ROLE_FRONT & 1)
		TRY(open_listeners(s, reterr_why));
	TRY(add_children(s, reterr_why));
	TRY(process_launcher_open(&s->launcher, reterr_why));
	TRY(ipc_loop_new(&s->loop, reterr_why));
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	TRY(ipc_loop_signals(s->loop, &signals, on_signal, s, reterr_why));
	signal(SIGPIPE, SIG_IGN);
	return drop_to_supervisor(reterr_why);
}

static int run(struct supervisor *s, struct why *reterr_why)
{
	TRY(prepare(s, reterr_why));
	for (size_t i = 0; i < s->child_count && !s->is_stopping; i++)
		child_start(&s->children[i]);
	TRY(ipc_loop_run(s->loop, reterr_why));
	why_set(reterr_why, "%s", s->result_why.text);
	return s->result;
}

static void close_down(struct supervisor *s)
{
	for (size_t i = 0; i < s->child_count; i++)
		fd_closep(&s->children[i].directory_fd);
	ipc_loop_free(s->loop);
	process_launcher_close(&s->launcher);
	fd_closep(&s->listener_fd);
	fd_closep(&s->insecure_listener_fd);
	state_dir_close(&s->state);
}

int supervisor_run(const struct supervisor_config *config, const struct system *system, struct why *reterr_why)
{
	struct supervisor s = {
		.config = config,
		.system = system,
		.listener_fd = -1,
		.insecure_listener_fd = -1,
		.state = {-1, -1},
		.launcher = {-1, -1},
	};
	int err = run(&s, reterr_why);

	close_down(&s);
	LOG(err == ERR_OK ? LOG_INFO : LOG_ERROR, "cloister.stopped", LOG_INT("exit_status", err_exit_status(err)));
	return err;
}
