#include "sandbox/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Takes from the bounding set whatever is not in `keep`. Only CAP_SETPCAP may; without it the set stays as it is. */
static int bound(uint64_t keep, struct why *reterr_why)
{
	for (unsigned cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (cap < 64 && keep >> cap & 1)
			continue;
		ENSURE_SYS(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0 || errno == EPERM, reterr_why,
		           "cannot drop capability %u from the bounding set", cap);
	}
	return ERR_OK;
}

static int set_capabilities(uint64_t keep, struct why *reterr_why)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = (uint32_t)keep, .permitted = (uint32_t)keep},
		{.effective = (uint32_t)(keep >> 32), .permitted = (uint32_t)(keep >> 32)},
	};

	ENSURE_SYS(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0, reterr_why,
	           "cannot clear the ambient capabilities");
	ENSURE_SYS(syscall(SYS_capset, &header, data) == 0, reterr_why, "cannot drop capabilities");
	return ERR_OK;
}

static int become(uid_t uid, gid_t gid, struct why *reterr_why)
{
	uid_t r, e, s;

	ENSURE_SYS(setgroups(0, NULL) == 0, reterr_why, "cannot leave the supplementary groups");
	/* EINVAL: a container whose user namespace maps fewer ids than the host has. */
	ENSURE(setresgid(gid, gid, gid) == 0, ERR_DENIED, reterr_why,
	       "cannot become group %u (%m); choose another --uid-base that this machine or container has", gid);
	ENSURE(setresuid(uid, uid, uid) == 0, ERR_DENIED, reterr_why,
	       "cannot become user %u (%m); choose another --uid-base that this machine or container has", uid);
	ENSURE(getresuid(&r, &e, &s) == 0 && r == uid && e == uid && s == uid, ERR_INTERNAL, reterr_why,
	       "became user %u/%u/%u instead of %u", r, e, s, uid);
	return ERR_OK;
}

static int limit(__rlimit_resource_t which, rlim_t most, const char *what, struct why *reterr_why)
{
	struct rlimit now;

	ENSURE_SYS(getrlimit(which, &now) == 0, reterr_why, "cannot read the limit of %s", what);
	if (most > now.rlim_max) /* the administrator's limit stands */
		most = now.rlim_max;
	now.rlim_cur = now.rlim_max = most;
	ENSURE_SYS(setrlimit(which, &now) == 0, reterr_why, "cannot limit %s", what);
	return ERR_OK;
}

static int look(struct why *reterr_why)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	ENSURE_SYS(syscall(SYS_capget, &header, data) == 0, reterr_why, "cannot read the capabilities");
	ENSURE(!(data[0].permitted | data[0].effective | data[0].inheritable | data[1].permitted | data[1].effective |
	         data[1].inheritable),
	       ERR_INTERNAL, reterr_why, "capabilities are left after dropping them");
	ENSURE(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0, ERR_INTERNAL,
	       reterr_why, "no_new_privs or not being dumpable did not hold");
	ENSURE(geteuid() == 0 || setuid(0) != 0, ERR_INTERNAL, reterr_why, "root could be taken back");
	return ERR_OK;
}

int sandbox_privileges_drop(const struct sandbox_privileges *p, struct why *reterr_why)
{
	TRY(bound(0, reterr_why));
	if (p->has_user)
		TRY(become(p->uid, p->gid, reterr_why));
	TRY(set_capabilities(0, reterr_why));
	ENSURE_SYS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, reterr_why, "cannot set no_new_privs");
	ENSURE_SYS(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, reterr_why, "cannot become undumpable");
	TRY(limit(RLIMIT_CORE, 0, "core files", reterr_why));
	TRY(limit(RLIMIT_MEMLOCK, 0, "locked memory", reterr_why));
	TRY(limit(RLIMIT_NOFILE, p->open_files, "open files", reterr_why));
	return look(reterr_why);
}

int sandbox_capabilities_keep(uint64_t keep, struct why *reterr_why)
{
	if (geteuid() != 0)
		return ERR_OK;
	TRY(bound(keep, reterr_why));
	return set_capabilities(keep, reterr_why);
}
