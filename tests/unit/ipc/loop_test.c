#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "base/time.h"
#include "ipc/loop.h"

static struct ipc_loop *loop;
static char told[64];

static int set_up(void **state)
{
	(void)state;
	told[0] = 0;
	return ipc_loop_new(&loop, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	ipc_loop_free(loop);
	return 0;
}

static void tell(void *arg)
{
	size_t len = strlen(told);

	snprintf(told + len, sizeof told - len, "%s", (const char *)arg);
}

static void timers_fire_in_the_order_of_their_time(void **state)
{
	struct ipc_timer a = {0}, b = {0}, c = {0}, d = {0};
	uint64_t now = time_mono_ms();
	(void)state;

	ipc_timer_set(loop, &c, now + 30, tell, "c");
	ipc_timer_set(loop, &a, now + 10, tell, "a");
	ipc_timer_set(loop, &b, now + 20, tell, "b");
	ipc_timer_set(loop, &d, now + 40, tell, "d");
	while (strlen(told) < 4)
		assert_int_equal(ipc_loop_step(loop, 1000, NULL), ERR_OK);
	assert_string_equal(told, "abcd");
	assert_true(time_mono_ms() - now >= 40 && time_mono_ms() - now < 1000);
}

static void a_cleared_timer_does_not_fire_and_a_moved_one_fires_once(void **state)
{
	struct ipc_timer a = {0}, b = {0}, c = {0};
	uint64_t now = time_mono_ms();
	(void)state;

	ipc_timer_set(loop, &a, now, tell, "a");
	ipc_timer_set(loop, &b, now, tell, "b");
	ipc_timer_set(loop, &c, now, tell, "c");
	ipc_timer_set(loop, &a, now + 5, tell, "A");
	ipc_timer_clear(loop, &b);
	ipc_timer_clear(loop, &b);
	while (strlen(told) < 2)
		assert_int_equal(ipc_loop_step(loop, 1000, NULL), ERR_OK);
	assert_int_equal(ipc_loop_step(loop, 10, NULL), ERR_OK);
	assert_string_equal(told, "cA");
}

static void tell_ready(void *arg, uint32_t events)
{
	char byte;

	(void)events;
	tell("r");
	(void)!read(*(int *)arg, &byte, 1);
}

static void idle_comes_once_and_only_when_nothing_is_ready_any_more(void **state)
{
	struct ipc_watch *watch;
	int pipes[2];
	(void)state;

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(write(pipes[1], "xx", 2), 2);
	assert_int_equal(ipc_watch_new(loop, pipes[0], EPOLLIN, tell_ready, &pipes[0], &watch, NULL), ERR_OK);
	ipc_loop_when_idle(loop, tell, "i");
	for (int i = 0; i < 5; i++)
		assert_int_equal(ipc_loop_step(loop, 1, NULL), ERR_OK);
	assert_string_equal(told, "rri");
	ipc_loop_when_idle(loop, tell, "j");
	ipc_loop_when_idle(loop, NULL, NULL);
	assert_int_equal(ipc_loop_step(loop, 1, NULL), ERR_OK);
	assert_string_equal(told, "rri");
	ipc_watch_free(watch);
	close(pipes[0]);
	close(pipes[1]);
}

struct ended_watch {
	struct ipc_watch *self, *other;
};

static void free_both(void *arg, uint32_t events)
{
	struct ended_watch *e = arg;

	(void)events;
	tell("x");
	ipc_watch_free(e->self);
	ipc_watch_free(e->other);
}

static void a_watch_freed_by_another_s_callback_is_not_called(void **state)
{
	struct ended_watch one, two;
	int pipes[2];
	(void)state;

	assert_int_equal(pipe(pipes), 0);
	int copy = dup(pipes[0]);

	assert_int_equal(write(pipes[1], "x", 1), 1);
	assert_int_equal(ipc_watch_new(loop, pipes[0], EPOLLIN, free_both, &one, &one.self, NULL), ERR_OK);
	assert_int_equal(ipc_watch_new(loop, copy, EPOLLIN, free_both, &two, &two.self, NULL), ERR_OK);
	one.other = two.self;
	two.other = one.self;
	assert_int_equal(ipc_loop_step(loop, 1000, NULL), ERR_OK);
	assert_int_equal(ipc_loop_step(loop, 0, NULL), ERR_OK);
	assert_string_equal(told, "x");
	close(pipes[0]);
	close(pipes[1]);
	close(copy);
}

static void caught(void *arg, int number)
{
	(void)arg;
	tell(number == SIGUSR1 ? "1" : "2");
	if (number == SIGUSR2)
		ipc_loop_stop(loop);
}

static void signals_become_callbacks_and_stop_ends_the_run(void **state)
{
	sigset_t set;
	(void)state;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	assert_int_equal(ipc_loop_signals(loop, &set, caught, NULL, NULL), ERR_OK);
	assert_int_equal(ipc_loop_signals(loop, &set, caught, NULL, NULL), ERR_CONFLICT);
	raise(SIGUSR1);
	raise(SIGUSR2);
	assert_int_equal(ipc_loop_run(loop, NULL), ERR_OK);
	assert_string_equal(told, "12");
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LOOP(timers_fire_in_the_order_of_their_time),
		WITH_LOOP(a_cleared_timer_does_not_fire_and_a_moved_one_fires_once),
		WITH_LOOP(idle_comes_once_and_only_when_nothing_is_ready_any_more),
		WITH_LOOP(a_watch_freed_by_another_s_callback_is_not_called),
		WITH_LOOP(signals_become_callbacks_and_stop_ends_the_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
