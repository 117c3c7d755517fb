#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "daemon/front/settings.h"
#include "daemon/link/control.h"
#include "daemon/link/events.h"
#include "daemon/link/front_watch.h"
#include "daemon/link/ping.h"

static struct buf *body;

static int set_up(void **state)
{
	(void)state;
	return buf_new(IPC_INLINE_BYTES_MAX, &body, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	buf_freep(&body);
	return 0;
}

/* Every message ends where its fields end: `take` must refuse every cut and one byte more. */
#define ASSERT_STRICT(take, type)                                                                     \
	do {                                                                                          \
		type out_;                                                                            \
		struct slice whole_ = buf_slice(body);                                                \
		for (size_t len_ = 0; len_ < whole_.len; len_++)                                      \
			assert_int_equal(take(slice_of(whole_.ptr, len_), &out_, NULL), ERR_INVALID); \
		assert_int_equal(buf_put_u8(body, 0, NULL), ERR_OK);                                  \
		assert_int_equal(take(buf_slice(body), &out_, NULL), ERR_INVALID);                    \
	} while (0)

static void config_arrives_as_sent(void **state)
{
	const struct control_config sent = {7, true, 2000000002, 2000000002, slice_str("settings")};
	struct control_config got;
	(void)state;

	assert_int_equal(control_config_put(body, &sent, NULL), ERR_OK);
	assert_int_equal(control_config_take(buf_slice(body), &got, NULL), ERR_OK);
	assert_int_equal(got.starts, 7);
	assert_true(got.has_user);
	assert_int_equal(got.uid, 2000000002);
	assert_true(slice_is_str(got.settings, "settings"));
	ASSERT_STRICT(control_config_take, struct control_config);
}

static void a_flag_is_0_or_1(void **state)
{
	static const uint8_t bytes[] = {0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	struct control_config got;
	(void)state;

	assert_int_equal(control_config_take(slice_of(bytes, sizeof bytes), &got, NULL), ERR_INVALID);
}

static void link_ready_and_listener_arrive_as_sent(void **state)
{
	struct control_link link;
	struct control_ready ready;
	enum control_listener listener;
	(void)state;

	assert_int_equal(control_link_put(body, &(struct control_link){3, 9}, NULL), ERR_OK);
	assert_int_equal(control_link_take(buf_slice(body), &link, NULL), ERR_OK);
	assert_int_equal(link.peer, 3);
	assert_int_equal(link.instance, 9);
	ASSERT_STRICT(control_link_take, struct control_link);
	buf_reset(body);
	assert_int_equal(control_ready_put(body, &(struct control_ready){6, 1000}, NULL), ERR_OK);
	assert_int_equal(control_ready_take(buf_slice(body), &ready, NULL), ERR_OK);
	assert_int_equal(ready.landlock_abi, 6);
	assert_int_equal(ready.uid, 1000);
	ASSERT_STRICT(control_ready_take, struct control_ready);
	buf_reset(body);
	assert_int_equal(control_listener_put(body, LISTENER_HTTPS, NULL), ERR_OK);
	assert_int_equal(control_listener_take(buf_slice(body), &listener, NULL), ERR_OK);
	assert_int_equal(listener, LISTENER_HTTPS);
	ASSERT_STRICT(control_listener_take, enum control_listener);
	buf_reset(body);
	assert_int_equal(control_listener_put(body, LISTENER_INSECURE_HTTP, NULL), ERR_OK);
	assert_int_equal(control_listener_take(buf_slice(body), &listener, NULL), ERR_OK);
	assert_int_equal(listener, LISTENER_INSECURE_HTTP);
	assert_int_equal(control_listener_take(slice_of("\0\7", 2), &listener, NULL), ERR_INVALID);
}

static void a_violation_arrives_with_its_sentence(void **state)
{
	const struct control_violation sent = {2, 1, {"message 0x0099 is not permitted"}};
	struct control_violation got;
	(void)state;

	assert_int_equal(control_violation_put(body, &sent, NULL), ERR_OK);
	assert_int_equal(control_violation_take(buf_slice(body), &got, NULL), ERR_OK);
	assert_int_equal(got.peer, 2);
	assert_int_equal(got.instance, 1);
	assert_string_equal(got.why.text, sent.why.text);
	ASSERT_STRICT(control_violation_take, struct control_violation);
}

static void pong_arrives_as_sent_and_its_name_is_bounded(void **state)
{
	struct pong got;
	(void)state;

	assert_int_equal(pong_put(body, &(struct pong){2, 4, 6, 3, "keys"}, NULL), ERR_OK);
	assert_int_equal(pong_take(buf_slice(body), &got, NULL), ERR_OK);
	assert_int_equal(got.role, 2);
	assert_int_equal(got.state, 4);
	assert_int_equal(got.landlock_abi, 6);
	assert_int_equal(got.starts, 3);
	assert_string_equal(got.name, "keys");
	ASSERT_STRICT(pong_take, struct pong);
	buf_truncate(body, 14);
	assert_int_equal(buf_put_lp(body, slice_str("a name that has thirty-two letters"), NULL), ERR_OK);
	assert_int_equal(pong_take(buf_slice(body), &got, NULL), ERR_LIMIT);
}

static void put_event(size_t name_len, size_t detail_len, uint64_t seq, int severity)
{
	static const char text[EVENT_DETAIL_BYTES_MAX + 1];
	const struct event e = {
		.starts = 2,
		.seq = seq,
		.wall_ms = 5,
		.severity = (enum event_severity)severity,
		.name = slice_of(text, name_len),
		.detail = slice_of(text, detail_len),
	};

	buf_reset(body);
	assert_int_equal(event_put(body, &e, NULL), ERR_OK);
}

static void an_event_arrives_as_sent(void **state)
{
	struct event got;
	uint64_t seq;
	(void)state;

	put_event(EVENT_NAME_BYTES_MAX, EVENT_DETAIL_BYTES_MAX, UINT64_MAX, EVENT_ALERT);
	assert_int_equal(event_take(buf_slice(body), &got, NULL), ERR_OK);
	assert_int_equal(got.starts, 2);
	assert_true(got.seq == UINT64_MAX);
	assert_int_equal(got.wall_ms, 5);
	assert_int_equal(got.severity, EVENT_ALERT);
	assert_int_equal(got.name.len, EVENT_NAME_BYTES_MAX);
	assert_int_equal(got.detail.len, EVENT_DETAIL_BYTES_MAX);
	ASSERT_STRICT(event_take, struct event);
	buf_reset(body);
	assert_int_equal(event_ack_put(body, 77, NULL), ERR_OK);
	assert_int_equal(event_ack_take(buf_slice(body), &seq, NULL), ERR_OK);
	assert_int_equal(seq, 77);
	ASSERT_STRICT(event_ack_take, uint64_t);
}

static void an_event_out_of_range_is_refused(void **state)
{
	struct event got;
	(void)state;

	put_event(EVENT_NAME_BYTES_MAX + 1, 0, 1, EVENT_INFO);
	assert_int_equal(event_take(buf_slice(body), &got, NULL), ERR_LIMIT);
	put_event(0, EVENT_DETAIL_BYTES_MAX + 1, 1, EVENT_INFO);
	assert_int_equal(event_take(buf_slice(body), &got, NULL), ERR_LIMIT);
	put_event(0, 0, 0, EVENT_INFO);
	assert_int_equal(event_take(buf_slice(body), &got, NULL), ERR_INVALID);
	put_event(0, 0, 1, 0);
	assert_int_equal(event_take(buf_slice(body), &got, NULL), ERR_INVALID);
	put_event(0, 0, 1, EVENT_ALERT + 1);
	assert_int_equal(event_take(buf_slice(body), &got, NULL), ERR_INVALID);
}

static void counts_arrive_as_sent(void **state)
{
	struct event_counts got;
	(void)state;

	assert_int_equal(event_counts_put(body, &(struct event_counts){1, 2, 3}, NULL), ERR_OK);
	assert_int_equal(event_counts_take(buf_slice(body), &got, NULL), ERR_OK);
	assert_int_equal(got.starts, 1);
	assert_int_equal(got.received, 2);
	assert_int_equal(got.lost, 3);
	ASSERT_STRICT(event_counts_take, struct event_counts);
}

static void front_has_1_to_64_workers(void **state)
{
	struct front_settings got;
	(void)state;

	for (uint16_t n = 0; n <= FRONT_WORKERS_MAX + 1; n++) {
		buf_reset(body);
		assert_int_equal(front_settings_put(body, &(struct front_settings){n}, NULL), ERR_OK);
		assert_int_equal(front_settings_take(buf_slice(body), &got, NULL),
		                 n >= 1 && n <= FRONT_WORKERS_MAX ? ERR_OK : ERR_INVALID);
	}
	ASSERT_STRICT(front_settings_take, struct front_settings);
}

#define WITH_BODY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BODY(config_arrives_as_sent),
		WITH_BODY(a_flag_is_0_or_1),
		WITH_BODY(link_ready_and_listener_arrive_as_sent),
		WITH_BODY(a_violation_arrives_with_its_sentence),
		WITH_BODY(pong_arrives_as_sent_and_its_name_is_bounded),
		WITH_BODY(an_event_arrives_as_sent),
		WITH_BODY(an_event_out_of_range_is_refused),
		WITH_BODY(counts_arrive_as_sent),
		WITH_BODY(front_has_1_to_64_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
