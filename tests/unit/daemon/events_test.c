/* The queue of events of a role, with a watch that the test plays on a bare channel; and the number of its links. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "daemon/role/internal.h"
#include "ipc/channel.h"

static struct role *role;
static struct ipc_channel *watch;

static int set_up(void **state)
{
	static const struct role_spec spec = {.number = ROLE_KEYS, .name = "keys"};
	(void)state;

	log_open("test", LOG_ERROR + 1);
	role = calloc(1, sizeof *role);
	role->spec = &spec;
	role->system = &cloister_system;
	role->state = ROLE_RUNNING;
	role->starts = 3;
	assert_int_equal(ipc_loop_new(&role->loop, NULL), ERR_OK);
	return role_events_new(role, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	role_links_free(role);
	role_events_free(role->events);
	ipc_loop_free(role->loop);
	ipc_channel_freep(&watch);
	free(role);
	return 0;
}

static void connect_watch(void)
{
	const struct control_link where = {ROLE_WATCH, 0};
	int one, other;

	ipc_channel_freep(&watch);
	assert_int_equal(ipc_channel_pair(&one, &other, NULL), ERR_OK);
	assert_int_equal(ipc_channel_new(one, &watch, NULL), ERR_OK);
	assert_int_equal(role_links_add(role, &where, other, NULL), ERR_OK);
	role_events_resend(role->events);
}

static void turn(void)
{
	for (int i = 0; i < 5; i++)
		assert_int_equal(ipc_loop_step(role->loop, 0, NULL), ERR_OK);
}

static void make(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(role_event(role, EVENT_INFO, "a.b", "{}", NULL), ERR_OK);
}

/* Takes an event off the channel and acknowledges it; its number, 0 when there is none. */
static uint64_t take(bool with_ack)
{
	CLEANUP(buf_freep) struct buf *ack = NULL;
	struct ipc_message m;
	struct event event;

	if (ipc_channel_receive(watch, 0, &m, NULL) != ERR_OK)
		return 0;
	assert_int_equal(m.type, EVENT);
	assert_int_equal(event_take(m.body, &event, NULL), ERR_OK);
	assert_int_equal(event.starts, 3);
	assert_int_equal(buf_new(8, &ack, NULL), ERR_OK);
	assert_int_equal(event_ack_put(ack, event.seq, NULL), ERR_OK);
	if (with_ack) {
		struct ipc_message reply = {.type = EVENT, .flags = IPC_FLAG_REPLY, .id = m.id, .body = buf_slice(ack)};

		assert_int_equal(ipc_channel_send(watch, &reply, 0, NULL), ERR_OK);
	}
	ipc_message_clear(&m);
	return event.seq;
}

static void events_wait_until_watch_is_there(void **state)
{
	(void)state;
	make(3);
	connect_watch();
	for (uint64_t seq = 1; seq <= 3; seq++)
		assert_int_equal(take(true), seq);
	assert_int_equal(take(true), 0);
}

static void no_more_than_the_window_is_on_its_way(void **state)
{
	(void)state;
	connect_watch();
	make(EVENT_WINDOW + 5);
	for (uint64_t seq = 1; seq <= EVENT_WINDOW; seq++)
		assert_int_equal(take(seq == 1), seq);
	assert_int_equal(take(false), 0);
	turn(); /* the acknowledgement of the first makes room for one */
	assert_int_equal(take(false), EVENT_WINDOW + 1);
	assert_int_equal(take(false), 0);
}

static void what_was_not_acknowledged_goes_to_the_next_watch(void **state)
{
	(void)state;
	connect_watch();
	make(5);
	assert_int_equal(take(true), 1);
	assert_int_equal(take(true), 2);
	assert_int_equal(take(false), 3);
	turn();
	ipc_channel_freep(&watch);
	turn();
	make(1);
	connect_watch();
	for (uint64_t seq = 3; seq <= 6; seq++)
		assert_int_equal(take(true), seq);
	turn();
	assert_int_equal(take(true), 0);
}

static void a_full_queue_refuses_and_uses_up_the_number(void **state)
{
	struct why why;
	uint64_t seq, last = 0;
	(void)state;

	make(EVENT_QUEUE_MAX);
	assert_int_equal(role_event(role, EVENT_INFO, "a.b", "{}", &why), ERR_LIMIT);
	assert_int_equal(role_event(role, EVENT_INFO, "a.b", "{}", NULL), ERR_LIMIT);
	connect_watch();
	assert_int_equal(take(true), 1);
	turn();
	make(1);
	do {
		turn();
		seq = take(true);
		if (seq)
			last = seq;
	} while (seq);
	assert_int_equal(last, EVENT_QUEUE_MAX + 3);
}

static void an_event_that_is_too_long_is_refused(void **state)
{
	char longer[EVENT_DETAIL_BYTES_MAX + 2];
	(void)state;

	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = 0;
	assert_int_equal(role_event(role, EVENT_INFO, "a.b", longer, NULL), ERR_LIMIT);
	longer[EVENT_NAME_BYTES_MAX + 1] = 0;
	assert_int_equal(role_event(role, EVENT_INFO, longer, "{}", NULL), ERR_LIMIT);
}

/* A watch that takes an event and never says so gets it again. */
static void an_event_that_is_not_acknowledged_is_sent_again(void **state)
{
	uint64_t started = time_mono_ms();
	(void)state;

	connect_watch();
	make(1);
	assert_int_equal(take(false), 1);
	while (time_mono_ms() - started < EVENT_RETRY_MS - 500)
		assert_int_equal(ipc_loop_step(role->loop, 100, NULL), ERR_OK);
	assert_int_equal(take(false), 0);
	while (time_mono_ms() - started < 2 * EVENT_RETRY_MS + 1000)
		assert_int_equal(ipc_loop_step(role->loop, 100, NULL), ERR_OK);
	assert_int_equal(take(true), 1);
}

static void a_role_has_so_many_links_and_no_more(void **state)
{
	struct why why;
	(void)state;

	for (uint16_t i = 0; i <= ROLE_LINKS_MAX; i++) {
		const struct control_link where = {ROLE_FRONT, i};
		int one, other;

		assert_int_equal(ipc_channel_pair(&one, &other, NULL), ERR_OK);
		close(one);
		assert_int_equal(role_links_add(role, &where, other, &why), i < ROLE_LINKS_MAX ? ERR_OK : ERR_LIMIT);
		if (i == ROLE_LINKS_MAX)
			close(other);
	}
	assert_non_null(strstr(why.text, "320"));
}

#define WITH_ROLE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ROLE(events_wait_until_watch_is_there),
		WITH_ROLE(no_more_than_the_window_is_on_its_way),
		WITH_ROLE(what_was_not_acknowledged_goes_to_the_next_watch),
		WITH_ROLE(a_full_queue_refuses_and_uses_up_the_number),
		WITH_ROLE(an_event_that_is_too_long_is_refused),
		WITH_ROLE(an_event_that_is_not_acknowledged_is_sent_again),
		WITH_ROLE(a_role_has_so_many_links_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
