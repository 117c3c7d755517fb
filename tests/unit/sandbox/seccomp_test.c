#include "child.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "sandbox/seccomp.h"

static const struct sandbox_syscall minimal[] = {
	SANDBOX_ALLOW("exit_group"),
	SANDBOX_ALLOW("write"),
	SANDBOX_ALLOW("munmap"),
	SANDBOX_ALLOW("futex"),
	SANDBOX_ALLOW("exit"),
	SANDBOX_ALLOW("rt_sigprocmask"),
	SANDBOX_ALLOW("rt_sigaction"),
	SANDBOX_ALLOW("rseq"),
	SANDBOX_ALLOW("set_robust_list"),
	SANDBOX_ALLOW("madvise"),
	SANDBOX_ALLOW_MASKED("mmap", 2, PROT_EXEC, 0),
	SANDBOX_ALLOW_MASKED("mprotect", 2, PROT_EXEC, 0),
	SANDBOX_ALLOW_INT("socket", 0, AF_UNIX),
	SANDBOX_ALLOW_INT("fcntl", 1, F_GETFD),
	SANDBOX_ALLOW_INT("fcntl", 1, F_GETFL),
	SANDBOX_ALLOW_MASKED("clone", 0, CLONE_VM | CLONE_THREAD | CLONE_NEWUSER | CLONE_NEWNS,
                             CLONE_VM | CLONE_THREAD),
	SANDBOX_FAIL("clone3", ENOSYS),
	SANDBOX_FAIL("getcwd", EACCES),
	SANDBOX_ALLOW("riscv_flush_icache"), /* of another architecture: skipped */
};

enum { KILLED = 1000 + SIGSYS };

static void lock(void)
{
	const struct sandbox_syscalls list = {minimal, sizeof minimal / sizeof *minimal};
	struct why why;

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	if (sandbox_seccomp_apply(&list, 1, &why) != ERR_OK) {
		dprintf(2, "%s\n", why.text);
		_exit(2);
	}
}

static void do_nothing(const void *arg)
{
	(void)arg;
	lock();
}

struct raw {
	long number, a, b, c;
};

static void call_raw(const void *arg)
{
	const struct raw *r = arg;

	lock();
	syscall(r->number, r->a, r->b, r->c);
}

static int result_of(long number, long a, long b, long c)
{
	const struct raw r = {number, a, b, c};

	return in_child(call_raw, &r);
}

static void what_is_listed_works(void **state)
{
	(void)state;
	assert_int_equal(in_child(do_nothing, NULL), 0);
}

static void what_is_not_listed_kills(void **state)
{
	static const long forbidden[] = {SYS_execve,
	                                 SYS_ptrace,
	                                 SYS_openat,
	                                 SYS_open,
	                                 SYS_fork,
	                                 SYS_mount,
	                                 SYS_setuid,
	                                 SYS_bpf,
	                                 SYS_keyctl,
	                                 SYS_io_uring_setup,
	                                 SYS_unshare,
	                                 SYS_connect,
	                                 SYS_process_vm_readv,
	                                 SYS_kill,
	                                 SYS_userfaultfd,
	                                 SYS_memfd_create,
	                                 SYS_execveat,
	                                 SYS_prctl,
	                                 467 /* newer than the library */};
	(void)state;

	for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
		assert_int_equal(result_of(forbidden[i], 0, 0, 0), KILLED);
}

static void a_condition_on_an_int_holds(void **state)
{
	(void)state;
	assert_int_equal(result_of(SYS_socket, AF_UNIX, SOCK_STREAM, 0), 0);
	assert_int_equal(result_of(SYS_socket, AF_INET, SOCK_STREAM, 0), KILLED);
	assert_int_equal(result_of(SYS_socket, AF_NETLINK, SOCK_RAW, 0), KILLED);
	assert_int_equal(result_of(SYS_socket, AF_ALG, SOCK_SEQPACKET, 0), KILLED);
	/* The kernel takes an int: dirt above it changes nothing, neither to allow nor to forbid. */
	assert_int_equal(result_of(SYS_socket, 0x700000000L | AF_UNIX, SOCK_STREAM, 0), 0);
	assert_int_equal(result_of(SYS_socket, 0x100000000L | AF_INET, SOCK_STREAM, 0), KILLED);
}

static void several_lines_of_one_call_are_alternatives(void **state)
{
	(void)state;
	assert_int_equal(result_of(SYS_fcntl, 2, F_GETFD, 0), 0);
	assert_int_equal(result_of(SYS_fcntl, 2, F_GETFL, 0), 0);
	assert_int_equal(result_of(SYS_fcntl, 2, F_SETFD, 0), KILLED);
}

static void memory_can_not_become_executable(void **state)
{
	(void)state;
	assert_int_equal(result_of(SYS_mmap, 0, 4096, PROT_READ), 0);
	assert_int_equal(result_of(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC), KILLED);
	assert_int_equal(result_of(SYS_mprotect, 0, 0, PROT_WRITE), 0);
	assert_int_equal(result_of(SYS_mprotect, 0, 0, PROT_EXEC), KILLED);
}

static void *return_argument(void *arg)
{
	return arg;
}

static void start_a_thread(const void *arg)
{
	pthread_t thread;
	void *result = NULL;
	(void)arg;

	lock();
	CHECK(pthread_create(&thread, NULL, return_argument, (void *)7) == 0);
	CHECK(pthread_join(thread, &result) == 0);
	CHECK(result == (void *)7);
}

static void threads_may_be_made_and_processes_may_not(void **state)
{
	(void)state;
	assert_int_equal(in_child(start_a_thread, NULL), 0);
	assert_int_equal(result_of(SYS_clone, SIGCHLD, 0, 0), KILLED);
	assert_int_equal(result_of(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0), KILLED);
	assert_int_equal(result_of(SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_NEWUSER, 0, 0), KILLED);
	assert_int_equal(result_of(SYS_vfork, 0, 0, 0), KILLED);
}

static void see_errno(const void *arg)
{
	char path[64];
	(void)arg;

	lock();
	CHECK(syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS);
	CHECK(syscall(SYS_getcwd, path, sizeof path) == -1 && errno == EACCES);
}

static void a_refused_call_fails_and_does_not_kill(void **state)
{
	(void)state;
	assert_int_equal(in_child(see_errno, NULL), 0);
}

#ifdef __x86_64__
static void call_32_bit(const void *arg)
{
	long result;
	(void)arg;

	lock();
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20 /* getpid there */) : "memory");
}

static void other_ways_into_the_kernel_are_closed(void **state)
{
	(void)state;
	assert_int_equal(in_child(call_32_bit, NULL), KILLED);
	assert_int_equal(result_of(0x40000000 | SYS_write, 2, 0, 0), KILLED); /* x32 */
}
#else
static void other_ways_into_the_kernel_are_closed(void **state)
{
	(void)state;
	skip();
}
#endif

static void apply_slip_of_the_pen(const void *arg)
{
	static const struct sandbox_syscall slip[] = {SANDBOX_ALLOW("exit_gruop")};
	const struct sandbox_syscalls list = {slip, 1};
	(void)arg;

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(sandbox_seccomp_apply(&list, 1, NULL) == ERR_INTERNAL);
}

static void a_name_that_does_not_exist_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(in_child(apply_slip_of_the_pen, NULL), 0);
}

static void apply_without_no_new_privs(const void *arg)
{
	const struct sandbox_syscalls list = {minimal, sizeof minimal / sizeof *minimal};
	struct why why;
	(void)arg;

	if (geteuid() == 0)
		CHECK(setuid(65534) == 0); /* with CAP_SYS_ADMIN the kernel would not mind */
	CHECK(sandbox_seccomp_apply(&list, 1, &why) == ERR_UNAVAILABLE);
}

static void without_no_new_privs_nothing_is_applied(void **state)
{
	(void)state;
	assert_int_equal(in_child(apply_without_no_new_privs, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_listed_works),
		cmocka_unit_test(what_is_not_listed_kills),
		cmocka_unit_test(a_condition_on_an_int_holds),
		cmocka_unit_test(several_lines_of_one_call_are_alternatives),
		cmocka_unit_test(memory_can_not_become_executable),
		cmocka_unit_test(threads_may_be_made_and_processes_may_not),
		cmocka_unit_test(a_refused_call_fails_and_does_not_kill),
		cmocka_unit_test(other_ways_into_the_kernel_are_closed),
		cmocka_unit_test(a_name_that_does_not_exist_is_an_error),
		cmocka_unit_test(without_no_new_privs_nothing_is_applied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
