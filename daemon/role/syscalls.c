#include "daemon/role/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>

/* What the C library asks for when it makes a thread; nothing else makes a process or a namespace. */
#define THREAD_FLAGS                                                                                       \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | \
	 CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

static const struct sandbox_syscall common[] = {
	/* memory, never executable */
	SANDBOX_ALLOW("brk"),
	SANDBOX_ALLOW_MASKED("mmap", 2, PROT_EXEC, 0),
	SANDBOX_ALLOW_MASKED("mprotect", 2, PROT_EXEC, 0),
	SANDBOX_ALLOW("mremap"),
	SANDBOX_ALLOW("munmap"),
	SANDBOX_ALLOW("madvise"),
	SANDBOX_ALLOW("memfd_create"),
	/* descriptors that it has */
	SANDBOX_ALLOW("read"),
	SANDBOX_ALLOW("write"),
	SANDBOX_ALLOW("close"),
	SANDBOX_ALLOW("fstat"),
	SANDBOX_ALLOW_INT("newfstatat", 3, AT_EMPTY_PATH), /* how Debian 12's C library spells fstat */
	SANDBOX_ALLOW("lseek"),
	SANDBOX_ALLOW_INT("fcntl", 1, F_GETFD),
	SANDBOX_ALLOW_INT("fcntl", 1, F_GETFL),
	SANDBOX_ALLOW_INT("fcntl", 1, F_SETFL),
	SANDBOX_ALLOW_INT("fcntl", 1, F_DUPFD_CLOEXEC),
	SANDBOX_ALLOW_INT("fcntl", 1, F_ADD_SEALS),
	SANDBOX_ALLOW_INT("fcntl", 1, F_GET_SEALS),
	/* messages and waiting for them */
	SANDBOX_ALLOW("sendmsg"),
	SANDBOX_ALLOW("recvmsg"),
	SANDBOX_ALLOW("getsockopt"),
	SANDBOX_ALLOW("epoll_create1"),
	SANDBOX_ALLOW("epoll_ctl"),
	SANDBOX_ALLOW("epoll_wait"),
	SANDBOX_ALLOW("epoll_pwait"),
	SANDBOX_ALLOW("poll"),
	SANDBOX_ALLOW("ppoll"),
	/* time and chance */
	SANDBOX_ALLOW("clock_gettime"),
	SANDBOX_ALLOW("clock_nanosleep"),
	SANDBOX_ALLOW("gettimeofday"),
	SANDBOX_ALLOW("getrandom"),
	/* threads */
	SANDBOX_ALLOW_INT("clone", 0, THREAD_FLAGS),
	SANDBOX_FAIL("clone3", ENOSYS), /* its flags are out of a filter's sight; the C library falls back to clone */
	SANDBOX_ALLOW("futex"),
	SANDBOX_ALLOW("gettid"),
	SANDBOX_ALLOW("rseq"),
	SANDBOX_ALLOW("sched_getaffinity"),
	SANDBOX_ALLOW("sched_yield"),
	SANDBOX_ALLOW("set_robust_list"),
	SANDBOX_ALLOW_INT("prctl", 0, PR_SET_NAME),
	/* signals, and to end; abort() must end as an abort */
	SANDBOX_ALLOW("rt_sigaction"),
	SANDBOX_ALLOW("rt_sigprocmask"),
	SANDBOX_ALLOW("rt_sigreturn"),
	SANDBOX_ALLOW("restart_syscall"),
	SANDBOX_ALLOW("getpid"),
	SANDBOX_ALLOW_INT("tgkill", 2, SIGABRT),
	SANDBOX_ALLOW("exit"),
	SANDBOX_ALLOW("exit_group"),
};
const struct sandbox_syscalls role_syscalls_common = {common, sizeof common / sizeof *common};

static const struct sandbox_syscall files[] = {
	SANDBOX_ALLOW("openat2"),
	SANDBOX_ALLOW("openat"),
	SANDBOX_ALLOW("open"),
	SANDBOX_ALLOW("newfstatat"),
	SANDBOX_ALLOW("stat"),
	SANDBOX_ALLOW("lstat"),
	SANDBOX_ALLOW("statx"),
	SANDBOX_ALLOW("access"),
	SANDBOX_ALLOW("faccessat"),
	SANDBOX_ALLOW("faccessat2"),
	SANDBOX_ALLOW("readlink"),
	SANDBOX_ALLOW("readlinkat"),
	SANDBOX_ALLOW("getcwd"),
	SANDBOX_ALLOW("getdents64"),
	SANDBOX_ALLOW("pread64"),
	SANDBOX_ALLOW("pwrite64"),
	SANDBOX_ALLOW("readv"),
	SANDBOX_ALLOW("writev"),
	SANDBOX_ALLOW("fsync"),
	SANDBOX_ALLOW("fdatasync"),
	SANDBOX_ALLOW("msync"),
	SANDBOX_ALLOW("ftruncate"),
	SANDBOX_ALLOW("fallocate"),
	SANDBOX_ALLOW("mkdir"),
	SANDBOX_ALLOW("mkdirat"),
	SANDBOX_ALLOW("renameat"),
	SANDBOX_ALLOW("renameat2"),
	SANDBOX_ALLOW("rmdir"),
	SANDBOX_ALLOW("unlink"),
	SANDBOX_ALLOW("unlinkat"),
	SANDBOX_ALLOW("fstatfs"),
	SANDBOX_ALLOW("flock"),
	SANDBOX_ALLOW_INT("fcntl", 1, F_SETFD),
	SANDBOX_ALLOW_INT("fcntl", 1, F_GETLK),
	SANDBOX_ALLOW_INT("fcntl", 1, F_SETLK),
	SANDBOX_ALLOW_INT("fcntl", 1, F_SETLKW),
	SANDBOX_ALLOW_INT("fcntl", 1, F_OFD_SETLK),
	/* SQLite asks who it is before it would change a file's owner. */
	SANDBOX_ALLOW("geteuid"),
};
const struct sandbox_syscalls role_syscalls_files = {files, sizeof files / sizeof *files};
