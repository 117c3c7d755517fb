#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "daemon/role/internal.h"
#include "sandbox/privileges.h"

/* The kernel forgets the parent-death signal when the user changes, so this comes after that. If the supervisor has
 * died before, no signal will come, but the loop reads the end of the control channel next. */
static int die_with_supervisor(struct why *reterr_why)
{
	ENSURE_SYS(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0, reterr_why,
	           "cannot tie the process to the supervisor");
	return ERR_OK;
}

static int restrict_files(struct role *role, struct why *reterr_why)
{
	struct sandbox_landlock_rule rules[16];
	size_t count = 0;

	ENSURE(role->spec->files_count < sizeof rules / sizeof *rules, ERR_INTERNAL, reterr_why, "too many file rules");
	for (size_t i = 0; i < role->spec->files_count; i++)
		rules[count++] = role->spec->files[i];
	if (role->directory_fd >= 0)
		rules[count++] = (struct sandbox_landlock_rule){.fd = role->directory_fd,
		                                                .rights = SANDBOX_READ | SANDBOX_WRITE};
	return sandbox_landlock_apply(rules, count, role->spec->tcp, &role->landlock_abi, reterr_why);
}

static int restrict_syscalls(const struct role_spec *spec, struct why *reterr_why)
{
	struct sandbox_syscalls lists[8];
	size_t count = 0;

	for (; spec->syscalls[count]; count++) {
		ENSURE(count < sizeof lists / sizeof *lists, ERR_INTERNAL, reterr_why,
		       "too many lists of system calls");
		lists[count] = *spec->syscalls[count];
	}
	return sandbox_seccomp_apply(lists, count, reterr_why);
}

int role_lock_down(struct role *role, struct why *reterr_why)
{
	const struct sandbox_privileges privileges = {
		.has_user = role->has_user,
		.uid = role->uid,
		.gid = role->gid,
		.open_files = role->spec->open_files,
	};

	TRY(sandbox_privileges_drop(&privileges, reterr_why));
	if (role->directory_fd >= 0) /* as its owner; nobody else has a way in */
		ENSURE_SYS(fchdir(role->directory_fd) == 0, reterr_why, "cannot enter the directory %s of %s",
		           role->spec->directory, role->spec->name);
	TRY(die_with_supervisor(reterr_why));
	TRY(restrict_files(role, reterr_why));
	return restrict_syscalls(role->spec, reterr_why);
}
