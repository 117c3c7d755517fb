#include "child.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/path.h"
#include "sandbox/landlock.h"

/* A directory with mine/ and other/, each with a file `f`. */
static char top[] = "/tmp/landlock-test-XXXXXX";
static int top_fd, mine_fd;

static void make_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_CREAT | O_WRONLY, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static int set_up(void **state)
{
	(void)state;
	memcpy(top + strlen(top) - 6, "XXXXXX", 6);
	assert_non_null(mkdtemp(top));
	top_fd = open(top, O_RDONLY | O_DIRECTORY);
	assert_int_equal(mkdirat(top_fd, "mine", 0700), 0);
	assert_int_equal(mkdirat(top_fd, "other", 0700), 0);
	make_file(top_fd, "mine/f");
	make_file(top_fd, "other/f");
	mine_fd = openat(top_fd, "mine", O_RDONLY | O_DIRECTORY);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(mine_fd);
	assert_int_equal(path_empty_dir(top_fd, NULL), ERR_OK);
	close(top_fd);
	return rmdir(top);
}

static void restrict_to(const struct sandbox_landlock_rule *rules, size_t count, enum sandbox_tcp tcp)
{
	struct why why;
	int abi = 0;

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	if (sandbox_landlock_apply(rules, count, tcp, &abi, &why) != ERR_OK) {
		dprintf(2, "%s\n", why.text);
		_exit(2);
	}
	CHECK(abi >= SANDBOX_LANDLOCK_ABI_MIN);
}

static int try_open(const char *relative, int flags)
{
	int fd = openat(top_fd, relative, flags, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static void live_in_one_directory(const void *arg)
{
	const struct sandbox_landlock_rule rule = {.fd = mine_fd, .rights = SANDBOX_READ | SANDBOX_WRITE};
	(void)arg;

	restrict_to(&rule, 1, SANDBOX_TCP_NONE);
	CHECK(try_open("mine/f", O_RDWR) == 0);
	CHECK(try_open("mine/f", O_RDWR | O_TRUNC) == 0);
	CHECK(try_open("mine/new", O_WRONLY | O_CREAT) == 0);
	CHECK(mkdirat(top_fd, "mine/sub", 0700) == 0);
	CHECK(renameat(top_fd, "mine/new", top_fd, "mine/sub/new") == 0);
	CHECK(unlinkat(top_fd, "mine/sub/new", 0) == 0);
	CHECK(unlinkat(top_fd, "mine/sub", AT_REMOVEDIR) == 0);

	CHECK(try_open("other/f", O_RDONLY) == EACCES);
	CHECK(try_open("other/f", O_WRONLY) == EACCES);
	CHECK(try_open("other/new", O_WRONLY | O_CREAT) == EACCES);
	CHECK(try_open("mine/../other/f", O_RDONLY) == EACCES);
	CHECK(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
	CHECK(open("/proc/self/status", O_RDONLY) < 0 && errno == EACCES);
	CHECK(open("/", O_RDONLY) < 0 && errno == EACCES);
	CHECK(unlinkat(top_fd, "other/f", 0) < 0 && errno == EACCES);
	CHECK(renameat(top_fd, "other/f", top_fd, "mine/stolen") < 0);
	CHECK(linkat(top_fd, "other/f", top_fd, "mine/stolen", 0) < 0);
	CHECK(symlinkat("/etc/passwd", top_fd, "mine/link") < 0 && errno == EACCES);
	CHECK(mknodat(top_fd, "mine/fifo", S_IFIFO | 0600, 0) < 0 && errno == EACCES);
}

static void a_process_lives_in_the_directory_it_was_given(void **state)
{
	(void)state;
	assert_int_equal(in_child(live_in_one_directory, NULL), 0);
}

static void only_read(const void *arg)
{
	const struct sandbox_landlock_rule rule = {.path = top, .rights = SANDBOX_READ};
	(void)arg;

	restrict_to(&rule, 1, SANDBOX_TCP_NONE);
	CHECK(try_open("mine/f", O_RDONLY) == 0);
	CHECK(try_open("mine/f", O_WRONLY) == EACCES);
	CHECK(try_open("mine/new", O_WRONLY | O_CREAT) == EACCES);
	CHECK(mkdirat(top_fd, "sub", 0700) < 0 && errno == EACCES);
}

static void a_right_to_read_is_not_one_to_write(void **state)
{
	(void)state;
	assert_int_equal(in_child(only_read, NULL), 0);
}

static void one_file(const void *arg)
{
	char path[sizeof top + 16];
	const struct sandbox_landlock_rule rule = {.path = path,
	                                           .rights = SANDBOX_READ | SANDBOX_WRITE | SANDBOX_DEVICE};
	(void)arg;

	snprintf(path, sizeof path, "%s/mine/f", top);
	restrict_to(&rule, 1, SANDBOX_TCP_NONE);
	CHECK(try_open("mine/f", O_RDWR) == 0);
	CHECK(try_open("mine", O_RDONLY) == EACCES);
	CHECK(try_open("other/f", O_RDONLY) == EACCES);
}

static void a_single_file_can_be_given(void **state)
{
	(void)state;
	assert_int_equal(in_child(one_file, NULL), 0);
}

static int try_bind(const char *relative)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), result;

	snprintf(a.sun_path, sizeof a.sun_path, "%s/%s", top, relative);
	result = bind(fd, (struct sockaddr *)&a, sizeof a) == 0 ? 0 : errno;
	close(fd);
	return result;
}

static void sockets_in_one_directory(const void *arg)
{
	const struct sandbox_landlock_rule rule = {.fd = mine_fd, .rights = SANDBOX_SOCKETS};
	(void)arg;

	restrict_to(&rule, 1, SANDBOX_TCP_NONE);
	CHECK(try_bind("mine/s") == 0);
	CHECK(unlinkat(top_fd, "mine/s", 0) == 0);
	CHECK(try_bind("other/s") == EACCES);
	CHECK(try_open("mine/new", O_WRONLY | O_CREAT) == EACCES);
}

static void a_right_to_sockets_is_for_sockets_only(void **state)
{
	(void)state;
	assert_int_equal(in_child(sockets_in_one_directory, NULL), 0);
}

static void nothing_at_all(const void *arg)
{
	(void)arg;
	restrict_to(NULL, 0, SANDBOX_TCP_NONE);
	CHECK(try_open("mine/f", O_RDONLY) == EACCES);
	CHECK(openat(mine_fd, "f", O_RDONLY) < 0 && errno == EACCES);
}

static void without_rules_no_file_can_be_opened(void **state)
{
	(void)state;
	assert_int_equal(in_child(nothing_at_all, NULL), 0);
}

static int kernel_abi(void)
{
	int abi;

	assert_int_equal(sandbox_landlock_abi(&abi, NULL), ERR_OK);
	return abi;
}

static int tcp_try(int (*act)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), result;

	a.sin_port = act == connect ? htons(1) : 0;
	result = act(fd, (struct sockaddr *)&a, sizeof a) == 0 ? 0 : errno;
	close(fd);
	return result;
}

static void no_tcp(const void *arg)
{
	(void)arg;
	restrict_to(NULL, 0, SANDBOX_TCP_NONE);
	CHECK(tcp_try(bind) == EACCES);
	CHECK(tcp_try(connect) == EACCES);
}

static void connect_only(const void *arg)
{
	(void)arg;
	restrict_to(NULL, 0, SANDBOX_TCP_CONNECT);
	CHECK(tcp_try(bind) == EACCES);
	CHECK(tcp_try(connect) == ECONNREFUSED);
}

static void tcp_is_closed_or_open_for_connecting_only(void **state)
{
	(void)state;
	if (kernel_abi() < 4)
		skip();
	assert_int_equal(in_child(no_tcp, NULL), 0);
	assert_int_equal(in_child(connect_only, NULL), 0);
}

static void signal_and_abstract_socket(const void *arg)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(arg));
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "%s", (const char *)arg);
	restrict_to(NULL, 0, SANDBOX_TCP_NONE);
	CHECK(kill(getppid(), 0) < 0 && errno == EPERM);
	CHECK(kill(getpid(), 0) == 0);
	CHECK(connect(fd, (struct sockaddr *)&a, len) < 0 && errno == EPERM);
}

static void signals_and_abstract_sockets_do_not_lead_out(void **state)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char name[32];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	(void)state;

	if (kernel_abi() < 6)
		skip();
	snprintf(name, sizeof name, "landlock-test-%d", getpid());
	snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "%s", name);
	assert_int_equal(
		bind(fd, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))),
		0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(in_child(signal_and_abstract_socket, name), 0);
	close(fd);
}

static void missing_path(const void *arg)
{
	const struct sandbox_landlock_rule rule = {.path = "/nonexistent/module.so", .rights = SANDBOX_READ};
	struct why why;
	int abi;
	(void)arg;

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(sandbox_landlock_apply(&rule, 1, SANDBOX_TCP_NONE, &abi, &why) == ERR_NOTFOUND);
	CHECK(strstr(why.text, "/nonexistent/module.so"));
}

static void a_path_that_is_not_there_is_named(void **state)
{
	(void)state;
	assert_int_equal(in_child(missing_path, NULL), 0);
}

static void each_abi_takes_away_all_that_it_can(void **state)
{
	(void)state;
	assert_false(sandbox_landlock_reach(1).files & LANDLOCK_ACCESS_FS_REFER);
	/* ABI 1 and 2 as this header's whole lists; then truncate, TCP, device ioctl, scopes. */
	assert_true(sandbox_landlock_reach(1).files == (1u << 13) - 1);
	assert_true(sandbox_landlock_reach(2).files == (1u << 14) - 1);
	assert_true(sandbox_landlock_reach(3).files == (1u << 15) - 1);
	assert_true(sandbox_landlock_reach(3).network == 0);
	assert_true(sandbox_landlock_reach(4).network == 3);
	assert_true(sandbox_landlock_reach(4).files == (1u << 15) - 1);
	assert_true(sandbox_landlock_reach(5).files == (1u << 16) - 1);
	assert_true(sandbox_landlock_reach(5).scopes == 0);
	assert_true(sandbox_landlock_reach(6).scopes == 3);
	assert_true(sandbox_landlock_reach(99).files == (1u << 16) - 1);
}

static void an_abi_below_the_floor_is_refused_with_what_to_do(void **state)
{
	struct why why;
	(void)state;

	assert_int_equal(sandbox_landlock_abi_check(1, &why), ERR_UNAVAILABLE);
	assert_non_null(strstr(why.text, "Linux 5.19"));
	assert_int_equal(sandbox_landlock_abi_check(SANDBOX_LANDLOCK_ABI_MIN, NULL), ERR_OK);
}

#define WITH_DIRECTORIES(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DIRECTORIES(a_process_lives_in_the_directory_it_was_given),
		WITH_DIRECTORIES(a_right_to_read_is_not_one_to_write),
		WITH_DIRECTORIES(a_single_file_can_be_given),
		WITH_DIRECTORIES(a_right_to_sockets_is_for_sockets_only),
		WITH_DIRECTORIES(without_rules_no_file_can_be_opened),
		cmocka_unit_test(tcp_is_closed_or_open_for_connecting_only),
		cmocka_unit_test(signals_and_abstract_sockets_do_not_lead_out),
		cmocka_unit_test(a_path_that_is_not_there_is_named),
		cmocka_unit_test(each_abi_takes_away_all_that_it_can),
		cmocka_unit_test(an_abi_below_the_floor_is_refused_with_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
