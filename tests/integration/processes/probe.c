#include "probe.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "daemon/role/syscalls.h"

/* The driver listens in our directory. */
static int probe_start(struct role *role, struct why *reterr_why)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "driver.sock"};
	static int driver;

	driver = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ENSURE_SYS(driver >= 0 && connect(driver, (struct sockaddr *)&a, sizeof a) == 0, reterr_why,
	           "cannot reach the driver");
	role->own = &driver;
	return ERR_OK;
}

/* Passes the socket on: u16 role, and the descriptor. */
static bool probe_take_link(struct role *role, const struct control_link *link, int fd)
{
	uint8_t peer[2] = {(uint8_t)(link->peer >> 8), (uint8_t)link->peer};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {peer, sizeof peer};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};

	CMSG_FIRSTHDR(&msg)->cmsg_level = SOL_SOCKET;
	CMSG_FIRSTHDR(&msg)->cmsg_type = SCM_RIGHTS;
	CMSG_FIRSTHDR(&msg)->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &fd, sizeof fd);
	(void)!sendmsg(*(int *)role->own, &msg, MSG_NOSIGNAL);
	fd_closep(&fd);
	return true;
}

static const struct sandbox_syscall own[] = {SANDBOX_ALLOW_INT("socket", 0, AF_UNIX), SANDBOX_ALLOW("connect")};
static const struct sandbox_syscalls own_syscalls = {own, sizeof own / sizeof *own};
static const struct sandbox_syscalls *const syscalls[] = {&role_syscalls_common, &role_syscalls_build, &own_syscalls,
                                                          NULL};

const struct role_spec probe_role = {
	.number = ROLE_PROBE,
	.name = "probe",
	.directory = "probe",
	.open_files = 256,
	.syscalls = syscalls,
	.start = probe_start,
	.take_link = probe_take_link,
};
