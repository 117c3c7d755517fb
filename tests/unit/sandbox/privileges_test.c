#include "child.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "sandbox/privileges.h"

enum { SOME_UID = 2000000900, SOME_GID = 2000000901 };

/* The line of /proc/self/status that begins with `key`, without the key. */
static void status_line(const char *key, char *out, size_t size)
{
	char text[8192], *at, *end;
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t len = read(fd, text, sizeof text - 1);

	CHECK(len > 0);
	close(fd);
	text[len] = 0;
	at = strstr(text, key);
	CHECK(at);
	at += strlen(key);
	end = strchr(at, '\n');
	CHECK(end && (size_t)(end - at) < size);
	memcpy(out, at, (size_t)(end - at));
	out[end - at] = 0;
}

static void check_status(const char *key, const char *expected)
{
	char found[256];

	status_line(key, found, sizeof found);
	if (strcmp(found, expected) != 0) {
		dprintf(2, "%s is \"%s\", not \"%s\"\n", key, found, expected);
		_exit(1);
	}
}

static void drop(bool has_user)
{
	const struct sandbox_privileges p = {has_user, SOME_UID, SOME_GID, 64};
	struct why why;

	if (sandbox_privileges_drop(&p, &why) != ERR_OK) {
		dprintf(2, "%s\n", why.text);
		_exit(2);
	}
}

static void look_from_inside(const void *arg)
{
	struct rlimit limit;
	(void)arg;

	CHECK(geteuid() != 0 || setgroups(1, &(gid_t){12}) == 0);
	/* A page of our own, to read the status file afterwards: an undumpable process' /proc is root's. */
	int fd = open("/proc/self/status", O_RDONLY);
	char text[8192] = {0};

	drop(geteuid() == 0);
	CHECK(pread(fd, text, sizeof text - 1, 0) > 0);
	CHECK(strstr(text, "CapPrm:\t0000000000000000\n"));
	CHECK(strstr(text, "CapEff:\t0000000000000000\n"));
	CHECK(strstr(text, "CapInh:\t0000000000000000\n"));
	CHECK(strstr(text, "CapAmb:\t0000000000000000\n"));
	CHECK(strstr(text, "NoNewPrivs:\t1\n"));
	CHECK(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0);
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 64 && limit.rlim_max == 64);
	CHECK(getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_max == 0);
}

static void nothing_is_left_of_capabilities_and_limits_hold(void **state)
{
	(void)state;
	assert_int_equal(in_child(look_from_inside, NULL), 0);
}

static void look_at_user(const void *arg)
{
	int fd = open("/proc/self/status", O_RDONLY);
	char text[8192] = {0};
	(void)arg;

	CHECK(setgroups(2, (gid_t[]){12, 13}) == 0);
	drop(true);
	CHECK(pread(fd, text, sizeof text - 1, 0) > 0);
	CHECK(strstr(text, "Uid:\t2000000900\t2000000900\t2000000900\t2000000900\n"));
	CHECK(strstr(text, "Gid:\t2000000901\t2000000901\t2000000901\t2000000901\n"));
	CHECK(strstr(text, "Groups:\t \n"));
	CHECK(strstr(text, "CapBnd:\t0000000000000000\n"));
	CHECK(setuid(0) < 0 && setgid(0) < 0 && setresuid((uid_t)-1, 0, (uid_t)-1) < 0);
	CHECK(open("/etc/shadow", O_RDONLY) < 0 && errno == EACCES);
	CHECK(open("/proc/self/mem", O_RDWR) < 0);
	CHECK(mount("none", "/tmp", "tmpfs", 0, NULL) < 0);
	CHECK(kill(getppid(), 0) < 0 && errno == EPERM);
}

static void root_becomes_a_user_without_a_way_back(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(look_at_user, NULL), 0);
}

static void be_traced(const void *arg)
{
	pid_t child;
	int status;
	(void)arg;

	drop(geteuid() == 0);
	child = fork(); /* of the same user, without capabilities */
	if (child == 0)
		_exit(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0 ? 1 : 0);
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void the_same_user_cannot_trace_it(void **state)
{
	(void)state;
	assert_int_equal(in_child(be_traced, NULL), 0);
}

static void stay_locked(const void *arg)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/proc/self/status", O_RDONLY);
	char text[8192] = {0};
	(void)arg;

	CHECK(syscall(SYS_mlock, page, 4096) == 0); /* AddressSanitizer makes mlock() do nothing */
	drop(geteuid() == 0);
	CHECK(pread(fd, text, sizeof text - 1, 0) > 0);
	CHECK(strstr(text, "VmLck:\t       4 kB"));
	CHECK(syscall(SYS_munlock, page, 4096) == 0);
	CHECK(syscall(SYS_mlock, page, 4096) < 0);
}

static void what_was_locked_stays_locked_and_no_more_can_be(void **state)
{
	(void)state;
	assert_int_equal(in_child(stay_locked, NULL), 0);
}

static void become_unmapped(const void *arg)
{
	const struct sandbox_privileges p = {true, (uid_t)-1, (gid_t)-1, 64};
	struct why why = {0};
	(void)arg;

	CHECK(sandbox_privileges_drop(&p, &why) != ERR_OK);
	CHECK(why.text[0]);
}

static void a_user_that_cannot_be_become_is_an_error(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(become_unmapped, NULL), 0);
}

static void keep_some(const void *arg)
{
	(void)arg;
	CHECK(sandbox_capabilities_keep(1u << CAP_SETUID | 1u << CAP_SETGID | 1u << CAP_SETPCAP, NULL) == ERR_OK);
	check_status("CapEff:\t", "00000000000001c0");
	check_status("CapBnd:\t", "00000000000001c0");
	CHECK(chroot("/") < 0 && errno == EPERM);
	drop(true); /* which needs just these three */
	CHECK(getuid() == SOME_UID);
}

static void a_supervisor_keeps_just_what_it_needs_to_start_roles(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(keep_some, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_left_of_capabilities_and_limits_hold),
		cmocka_unit_test(root_becomes_a_user_without_a_way_back),
		cmocka_unit_test(the_same_user_cannot_trace_it),
		cmocka_unit_test(what_was_locked_stays_locked_and_no_more_can_be),
		cmocka_unit_test(a_user_that_cannot_be_become_is_an_error),
		cmocka_unit_test(a_supervisor_keeps_just_what_it_needs_to_start_roles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
