#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"

/* Debian 12's headers end with ABI 2; the kernel decides at run time what there is (include/uapi/linux/landlock.h). */
enum {
	FS_TRUNCATE = 1 << 14,  /* ABI 3 */
	FS_IOCTL_DEV = 1 << 15, /* ABI 5 */
	NET_BIND_TCP = 1 << 0,  /* ABI 4 */
	NET_CONNECT_TCP = 1 << 1,
	SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0, /* ABI 6 */
	SCOPE_SIGNAL = 1 << 1,
};

struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net; /* ABI 4 */
	uint64_t scoped;             /* ABI 6 */
};

enum {
	FS_READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	FS_WRITE = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
	           LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER | FS_TRUNCATE,
	FS_SOCKETS = LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE,
	/* What nobody is ever given. */
	FS_NEVER = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_FIFO |
	           LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM,
	/* The rights that can be given for a file that is no directory. */
	FS_OF_FILES = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV,
};

struct sandbox_landlock_reach sandbox_landlock_reach(int abi)
{
	struct sandbox_landlock_reach reach = {.files = FS_READ | FS_WRITE | FS_SOCKETS | FS_NEVER | FS_IOCTL_DEV};

	if (abi < 2)
		reach.files &= ~(uint64_t)LANDLOCK_ACCESS_FS_REFER;
	if (abi < 3)
		reach.files &= ~(uint64_t)FS_TRUNCATE;
	if (abi < 5)
		reach.files &= ~(uint64_t)FS_IOCTL_DEV;
	if (abi >= 4)
		reach.network = NET_BIND_TCP | NET_CONNECT_TCP;
	if (abi >= 6)
		reach.scopes = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
	return reach;
}

int sandbox_landlock_abi(int *ret_abi, struct why *reterr_why)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	ENSURE(abi > 0, ERR_UNAVAILABLE, reterr_why,
	       "this kernel has no Landlock; Linux 5.19 or later with landlock in lsm= is needed");
	*ret_abi = (int)abi;
	return ERR_OK;
}

int sandbox_landlock_abi_check(int abi, struct why *reterr_why)
{
	ENSURE(abi >= SANDBOX_LANDLOCK_ABI_MIN, ERR_UNAVAILABLE, reterr_why,
	       "this kernel has Landlock ABI %d and at least %d is needed; use Linux 5.19 or later", abi,
	       SANDBOX_LANDLOCK_ABI_MIN);
	return ERR_OK;
}

static uint64_t fs_rights(unsigned rights)
{
	uint64_t fs = 0;

	if (rights & SANDBOX_READ)
		fs |= FS_READ;
	if (rights & SANDBOX_WRITE)
		fs |= FS_WRITE;
	if (rights & SANDBOX_SOCKETS)
		fs |= FS_SOCKETS;
	if (rights & SANDBOX_DEVICE)
		fs |= FS_IOCTL_DEV;
	return fs;
}

static int add_rule(int ruleset, const struct sandbox_landlock_rule *rule, uint64_t reach, struct why *reterr_why)
{
	CLEANUP(fd_closep) int opened = -1;
	struct landlock_path_beneath_attr attr = {.allowed_access = fs_rights(rule->rights) & reach};
	struct stat st;

	if (rule->path)
		TRY(path_open_given(rule->path, O_PATH, 0, &opened, reterr_why));
	attr.parent_fd = rule->path ? opened : rule->fd;
	ENSURE_SYS(fstat(attr.parent_fd, &st) == 0, reterr_why, "landlock: cannot stat %s",
	           rule->path ? rule->path : "a descriptor");
	if (!S_ISDIR(st.st_mode))
		attr.allowed_access &= FS_OF_FILES;
	ENSURE_SYS(syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &attr, 0) == 0, reterr_why,
	           "landlock: cannot allow %s", rule->path ? rule->path : "a descriptor");
	return ERR_OK;
}

static int make_ruleset(int abi, const struct sandbox_landlock_reach *reach, int *ret_fd, struct why *reterr_why)
{
	const struct ruleset_attr attr = {reach->files, reach->network, reach->scopes};
	/* A kernel refuses a structure that is larger than the one it knows. */
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	long fd = syscall(SYS_landlock_create_ruleset, &attr, size, 0);

	ENSURE_SYS(fd >= 0, reterr_why, "landlock: cannot make a ruleset for ABI %d", abi);
	*ret_fd = (int)fd;
	return ERR_OK;
}

int sandbox_landlock_apply(const struct sandbox_landlock_rule *rules, size_t count, enum sandbox_tcp tcp, int *ret_abi,
                           struct why *reterr_why)
{
	CLEANUP(fd_closep) int ruleset = -1;
	struct sandbox_landlock_reach reach;
	int abi;

	TRY(sandbox_landlock_abi(&abi, reterr_why));
	TRY(sandbox_landlock_abi_check(abi, reterr_why));
	reach = sandbox_landlock_reach(abi);
	if (tcp == SANDBOX_TCP_CONNECT)
		reach.network &= ~(uint64_t)NET_CONNECT_TCP;
	TRY(make_ruleset(abi, &reach, &ruleset, reterr_why));
	for (size_t i = 0; i < count; i++)
		TRY(add_rule(ruleset, &rules[i], reach.files, reterr_why));
	ENSURE_SYS(syscall(SYS_landlock_restrict_self, ruleset, 0) == 0, reterr_why,
	           "landlock: cannot restrict this process");
	*ret_abi = abi;
	return ERR_OK;
}
