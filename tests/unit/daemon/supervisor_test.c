#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "daemon/role/role.h"
#include "daemon/supervisor/listener.h"
#include "daemon/supervisor/options.h"
#include "daemon/supervisor/restart.h"
#include "daemon/supervisor/state_dir.h"
#include "daemon/watch/producers.h"

static const struct role_spec keys = {.number = ROLE_KEYS, .name = "keys"};
static const struct role_spec watch = {.number = ROLE_WATCH, .name = "watch"};
static const struct role_spec *const roles[] = {&keys, &watch};
static const struct system two_roles = {.roles = roles, .role_count = 2};

static int read_options(struct supervisor_config *c, const char *first, ...)
{
	char *argv[16] = {(char *)(uintptr_t)"cloisterd", (char *)(uintptr_t)first};
	struct why why = {0};
	int argc = first ? 2 : 1, err;
	va_list args;

	va_start(args, first);
	while (first && (argv[argc] = va_arg(args, char *)))
		argc++;
	va_end(args);
	err = supervisor_options_read(argc, argv, &two_roles, c, &why);
	assert_true((err != ERR_OK) == (why.text[0] != 0));
	return err;
}

static void options_have_defaults(void **state)
{
	struct supervisor_config c;
	(void)state;

	assert_int_equal(read_options(&c, "--state", "/x", NULL), ERR_OK);
	assert_string_equal(c.state, "/x");
	assert_string_equal(c.listen, "127.0.0.1:8443");
	assert_int_equal(c.roles, 1 << ROLE_KEYS | 1 << ROLE_WATCH);
	assert_int_equal(c.uid_base, ROLE_UID_BASE);
	assert_int_equal(c.front_workers, FRONT_WORKERS_DEFAULT);
}

static void options_are_read(void **state)
{
	struct supervisor_config c;
	(void)state;

	assert_int_equal(read_options(&c, "--state", "/x", "--listen", "[::1]:1", "--roles", "watch", "--workers", "64",
	                              "--uid-base", "1000", NULL),
	                 ERR_OK);
	assert_string_equal(c.listen, "[::1]:1");
	assert_int_equal(c.roles, 1 << ROLE_WATCH);
	assert_int_equal(c.front_workers, 64);
	assert_int_equal(c.uid_base, 1000);
}

static void wrong_options_are_refused(void **state)
{
	static char long_path[PATH_BYTES_MAX + 1];
	struct supervisor_config c;
	(void)state;

	memset(long_path, 'x', PATH_BYTES_MAX);
	assert_int_equal(read_options(&c, NULL), ERR_INVALID);
	assert_int_equal(read_options(&c, "--state", NULL), ERR_INVALID);
	assert_int_equal(read_options(&c, "--state", "", NULL), ERR_INVALID);
	assert_int_equal(read_options(&c, "--state", long_path, NULL), ERR_INVALID);
	assert_int_equal(read_options(&c, "--state", "/x", "--state", NULL), ERR_INVALID);
	assert_int_equal(read_options(&c, "--state", "/x", "-v", "1", NULL), ERR_INVALID);
	assert_int_equal(read_options(&c, "--state", "/x", "--roles", "", NULL), ERR_INVALID);
	assert_int_equal(read_options(&c, "--state", "/x", "--roles", "keys,", NULL), ERR_INVALID);
	assert_int_equal(read_options(&c, "--state", "/x", "--roles", "key", NULL), ERR_INVALID);
	assert_int_equal(read_options(&c, "--state", "/x", "--workers", "0", NULL), ERR_INVALID);
	assert_int_equal(read_options(&c, "--state", "/x", "--workers", "65", NULL), ERR_INVALID);
	assert_int_equal(read_options(&c, "--state", "/x", "--uid-base", "0", NULL), ERR_INVALID);
	assert_int_equal(read_options(&c, "--state", "/x", "--uid-base", "4294967295", NULL), ERR_INVALID);
}

static void restarts_wait_longer_each_time_and_end_with_the_fifth_crash(void **state)
{
	struct restart_history h = {0};
	struct why why;
	uint64_t delay;
	(void)state;

	for (unsigned i = 0; i < ROLE_CRASHES_MAX - 1; i++) {
		assert_int_equal(restart_note(&h, 1000 + i, &delay, NULL), ERR_OK);
		assert_int_equal(delay, ROLE_RESTART_DELAY_MS << i);
	}
	assert_int_equal(restart_note(&h, 1000 + ROLE_CRASH_WINDOW_MS - 1, &delay, &why), ERR_UNAVAILABLE);
	assert_string_equal(why.text, "ended 5 times within 60 seconds");
}

static void crashes_outside_the_window_are_forgotten(void **state)
{
	struct restart_history h = {0};
	uint64_t delay;
	(void)state;

	for (unsigned i = 0; i < ROLE_CRASHES_MAX - 1; i++)
		assert_int_equal(restart_note(&h, 1000, &delay, NULL), ERR_OK);
	assert_int_equal(restart_note(&h, 1000 + ROLE_CRASH_WINDOW_MS, &delay, NULL), ERR_OK);
	assert_int_equal(delay, ROLE_RESTART_DELAY_MS);
	for (uint64_t t = 2000; t < 2000 + 100 * ROLE_CRASH_WINDOW_MS; t += ROLE_CRASH_WINDOW_MS / 4 + 1)
		assert_int_equal(restart_note(&h, 2 * ROLE_CRASH_WINDOW_MS + t, &delay, NULL), ERR_OK);
}

static void addresses_are_read_strictly(void **state)
{
	static const char *const wrong[] = {
		"",          "8443",    ":8443", "127.0.0.1",   "127.0.0.1:",   "127.0.0.1:65536", "::1:80",
		"[::1:8443", "[]:8443", "[x]:1", "localhost:1", "127.0.0.1:+1", "1.2.3:1",         "[127.0.0.1]:1"};
	struct why why;
	int fd;
	(void)state;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(listener_open(wrong[i], &fd, &why), ERR_INVALID);
}

static void without_tls_only_loopback_addresses_are_listened_on(void **state)
{
	static const char *const wrong[] = {"0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"};
	struct why why;
	int fd = -1;
	(void)state;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_int_equal(listener_open_loopback(wrong[i], &fd, &why), ERR_INVALID);
		assert_non_null(strstr(why.text, "loopback"));
	}
	assert_int_equal(listener_open_loopback("127.0.0.5:0", &fd, NULL), ERR_OK);
	fd_closep(&fd);
}

static void a_listener_says_where_it_is_and_a_second_one_is_refused(void **state)
{
	char where[LISTENER_TEXT_BYTES];
	struct why why;
	int fd, again;
	(void)state;

	assert_int_equal(listener_open("127.0.0.1:0", &fd, NULL), ERR_OK);
	assert_int_equal(listener_where(fd, where, NULL), ERR_OK);
	assert_memory_equal(where, "127.0.0.1:", 10);
	assert_int_equal(listener_open(where, &again, &why), ERR_CONFLICT);
	assert_non_null(strstr(why.text, "is in use by another program"));
	close(fd);
	if (listener_open("[::1]:0", &fd, NULL) != ERR_OK)
		return; /* a machine without IPv6 */
	assert_int_equal(listener_where(fd, where, NULL), ERR_OK);
	assert_memory_equal(where, "[::1]:", 6);
	close(fd);
}

static void a_state_directory_has_one_holder_and_closed_role_directories(void **state)
{
	char top[] = "/tmp/supervisor-test-XXXXXX", path[64], expected[32];
	struct state_dir one, two;
	struct stat st;
	struct why why;
	int fd;
	(void)state;

	assert_non_null(mkdtemp(top));
	snprintf(path, sizeof path, "%s/state", top);
	assert_int_equal(state_dir_open(path, &one, NULL), ERR_OK);
	assert_int_equal(state_dir_open(path, &two, &why), ERR_CONFLICT);
	snprintf(expected, sizeof expected, "process id %d;", getpid());
	assert_non_null(strstr(why.text, expected));

	assert_int_equal(state_dir_role(&one, "keys", geteuid(), getegid(), &fd, NULL), ERR_OK);
	assert_int_equal(fchmod(fd, 0755), 0);
	close(fd);
	assert_int_equal(state_dir_role(&one, "keys", geteuid(), getegid(), &fd, NULL), ERR_OK);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	close(fd);
	assert_int_equal(mkdirat(one.fd, "keys/sub", 0700), 0);
	assert_int_equal(state_dir_role(&one, "keys", geteuid() + 1, getegid(), &fd, &why), ERR_CONFLICT);
	if (geteuid() == 0) { /* as after a start that ended between making a directory and giving it away */
		assert_int_equal(mkdirat(one.fd, "ledger", 0700), 0);
		assert_int_equal(state_dir_role(&one, "ledger", 2000000003, 2000000003, &fd, NULL), ERR_OK);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_uid, 2000000003);
		close(fd);
	}
	assert_int_equal(symlinkat("keys", one.fd, "watch"), 0);
	assert_int_equal(state_dir_role(&one, "watch", geteuid(), getegid(), &fd, &why), ERR_INVALID);

	state_dir_close(&one);
	assert_int_equal(state_dir_open(path, &two, NULL), ERR_OK);
	assert_int_equal(fchmod(two.fd, 0770), 0);
	state_dir_close(&two);
	assert_int_equal(state_dir_open(path, &two, &why), ERR_DENIED);
	assert_int_equal(path_open_given(top, O_RDONLY, 0, &fd, NULL), ERR_OK);
	assert_int_equal(path_empty_dir(fd, NULL), ERR_OK);
	close(fd);
	assert_int_equal(rmdir(top), 0);
}

static void events_are_counted_and_gaps_are_seen(void **state)
{
	struct watch_producers p = {0};
	uint64_t lost;
	(void)state;

	assert_true(watch_producers_note(&p, ROLE_KEYS, 1, 5, &lost)); /* an earlier watch had the first four */
	assert_int_equal(lost, 0);
	assert_true(watch_producers_note(&p, ROLE_KEYS, 1, 6, &lost));
	assert_int_equal(lost, 0);
	assert_true(watch_producers_note(&p, ROLE_KEYS, 1, 10, &lost));
	assert_int_equal(lost, 3);
	assert_false(watch_producers_note(&p, ROLE_KEYS, 1, 10, &lost)); /* sent again */
	assert_false(watch_producers_note(&p, ROLE_KEYS, 1, 2, &lost));
	assert_int_equal(lost, 0);
	assert_int_equal(p.by_role[ROLE_KEYS].counts.received, 3);
	assert_int_equal(p.by_role[ROLE_KEYS].counts.lost, 3);
	assert_int_equal(p.by_role[ROLE_WATCH].counts.received, 0);
}

static void a_restarted_producer_begins_anew(void **state)
{
	struct watch_producers p = {0};
	uint64_t lost;
	(void)state;

	assert_true(watch_producers_note(&p, ROLE_KEYS, 1, 9, &lost));
	assert_true(watch_producers_note(&p, ROLE_KEYS, 2, 1, &lost));
	assert_int_equal(lost, 0);
	assert_false(watch_producers_note(&p, ROLE_KEYS, 1, 10, &lost)); /* of the earlier start */
	assert_true(watch_producers_note(&p, ROLE_KEYS, 3, 4, &lost));   /* whose first three never came */
	assert_int_equal(lost, 3);
	assert_int_equal(p.by_role[ROLE_KEYS].counts.starts, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_have_defaults),
		cmocka_unit_test(options_are_read),
		cmocka_unit_test(wrong_options_are_refused),
		cmocka_unit_test(restarts_wait_longer_each_time_and_end_with_the_fifth_crash),
		cmocka_unit_test(crashes_outside_the_window_are_forgotten),
		cmocka_unit_test(addresses_are_read_strictly),
		cmocka_unit_test(without_tls_only_loopback_addresses_are_listened_on),
		cmocka_unit_test(a_listener_says_where_it_is_and_a_second_one_is_refused),
		cmocka_unit_test(a_state_directory_has_one_holder_and_closed_role_directories),
		cmocka_unit_test(events_are_counted_and_gaps_are_seen),
		cmocka_unit_test(a_restarted_producer_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
