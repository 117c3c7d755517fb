/* process.h: one process of a role: started by fork and exec of this program itself, watched by a pidfd. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct process {
	pid_t pid;
	int pid_fd;
	int control_fd; /* our end of its control channel */
};

/* What every start needs: this program, whatever happens to its file later, and /dev/null. */
struct process_launcher {
	int program_fd;
	int null_fd;
};

MUST_USE int process_launcher_open(struct process_launcher *ret_launcher, struct why *reterr_why);
void process_launcher_close(struct process_launcher *launcher);

/* Starts `cloisterd --role NAME` in a session of its own, with TZ=UTC0 as its environment, and no descriptors but
 * standard error and, as 3, the control channel. */
MUST_USE int process_start(const struct process_launcher *launcher, const char *role, struct process *ret_process,
                           struct why *reterr_why);

/* Ends it at once. */
void process_kill(const struct process *process);

/* Reaps it after its pidfd became readable, and closes its descriptors. `how` tells a person how it ended. *ret_status
 * is its exit status, -1 if a signal killed it. */
void process_reap(struct process *process, int *ret_status, struct why *how);
