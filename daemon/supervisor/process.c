#include "daemon/supervisor/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "ipc/channel.h"

enum { CONTROL_FD = 3, EXIT_CANNOT_EXEC = 127 };

int process_launcher_open(struct process_launcher *ret_launcher, struct why *reterr_why)
{
	CLEANUP(fd_closep) int program = -1;

	TRY(path_open_given("/proc/self/exe", O_PATH, 0, &program, reterr_why));
	TRY(path_open_given("/dev/null", O_RDWR, 0, &ret_launcher->null_fd, reterr_why));
	ret_launcher->program_fd = take_fd(program);
	return ERR_OK;
}

void process_launcher_close(struct process_launcher *launcher)
{
	fd_closep(&launcher->program_fd);
	fd_closep(&launcher->null_fd);
}

/* In the child, with nothing but system calls. The program's descriptor goes out of the way of 3 first. */
static void become_role(const struct process_launcher *launcher, const char *role, int control)
{
	char *argv[] = {(char *)(uintptr_t)"cloisterd", (char *)(uintptr_t)"--role", (char *)(uintptr_t)role, NULL};
	char *envp[] = {(char *)(uintptr_t)"TZ=UTC0", NULL};
	sigset_t none;
	int program = fcntl(launcher->program_fd, F_DUPFD_CLOEXEC, CONTROL_FD + 1);
	int channel = fcntl(control, F_DUPFD_CLOEXEC, CONTROL_FD + 1);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (program < 0 || channel < 0 || setsid() < 0 || dup2(launcher->null_fd, STDIN_FILENO) < 0 ||
	    dup2(launcher->null_fd, STDOUT_FILENO) < 0 || dup2(channel, CONTROL_FD) < 0)
		_exit(EXIT_CANNOT_EXEC);
	/* Everything else is close-on-exec already; what a library forgot is not passed on either. */
	if (syscall(SYS_close_range, CONTROL_FD + 1, ~0u, 1u << 2 /* CLOSE_RANGE_CLOEXEC */) != 0)
		_exit(EXIT_CANNOT_EXEC);
	syscall(SYS_execveat, program, "", argv, envp, AT_EMPTY_PATH);
	_exit(EXIT_CANNOT_EXEC);
}

int process_start(const struct process_launcher *launcher, const char *role, struct process *ret_process,
                  struct why *reterr_why)
{
	CLEANUP(fd_closep) int ours = -1;
	CLEANUP(fd_closep) int theirs = -1;
	int pid_fd;
	pid_t pid;

	TRY(ipc_channel_pair(&ours, &theirs, reterr_why));
	pid = fork();
	ENSURE_SYS(pid >= 0, reterr_why, "cannot start the role %s", role);
	if (pid == 0)
		become_role(launcher, role, theirs);
	pid_fd = (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec; the pid is ours until we reap it */
	if (pid_fd < 0) {
		int reason = errno;

		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return why_errno(reterr_why, reason, "cannot watch the role %s", role);
	}
	*ret_process = (struct process){.pid = pid, .pid_fd = pid_fd, .control_fd = take_fd(ours)};
	return ERR_OK;
}

void process_kill(const struct process *process)
{
	syscall(SYS_pidfd_send_signal, process->pid_fd, SIGKILL, NULL, 0);
}

void process_reap(struct process *process, int *ret_status, struct why *how)
{
	int status = 0;

	while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status)) {
		*ret_status = -1;
		why_set(how, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	} else {
		*ret_status = WEXITSTATUS(status);
		why_set(how, "ended with status %d", WEXITSTATUS(status));
	}
	fd_closep(&process->pid_fd);
	fd_closep(&process->control_fd);
}
