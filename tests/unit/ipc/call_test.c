#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/time.h"
#include "ipc/call.h"
#include "ipc/channel.h"

/* The client's peer is a channel that the test answers by hand, before the call: a socket keeps what it is sent, and
 * the ids of a new client begin at 1. */
static struct ipc_client *client;
static struct ipc_channel *peer;

static void connect_peer(void)
{
	int one, other;

	assert_int_equal(ipc_channel_pair(&one, &other, NULL), ERR_OK);
	ipc_channel_free(peer);
	assert_int_equal(ipc_channel_new(one, &peer, NULL), ERR_OK);
	ipc_client_connect(client, other);
}

static int set_up(void **state)
{
	(void)state;
	peer = NULL;
	assert_int_equal(ipc_client_new(&client, NULL), ERR_OK);
	connect_peer();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ipc_client_freep(&client);
	ipc_channel_freep(&peer);
	return 0;
}

static void put(uint16_t type, uint16_t flags, uint32_t id, const char *text)
{
	struct ipc_message m = {.type = type, .flags = flags, .id = id, .body = slice_str(text)};

	assert_int_equal(ipc_channel_send(peer, &m, 0, NULL), ERR_OK);
}

static int call(uint64_t in_ms, struct ipc_message *reply, struct why *why)
{
	return ipc_client_call(client, 7, slice_str("q"), time_mono_ms() + in_ms, reply, why);
}

static void assert_answer(const char *text)
{
	struct ipc_message reply;
	struct why why = {0};

	assert_int_equal(call(1000, &reply, &why), ERR_OK);
	assert_true(slice_is_str(reply.body, text));
	ipc_message_clear(&reply);
}

static void a_call_gets_its_reply(void **state)
{
	struct ipc_message request;
	(void)state;

	put(7, IPC_FLAG_REPLY, 1, "one");
	assert_answer("one");
	assert_int_equal(ipc_channel_receive(peer, 0, &request, NULL), ERR_OK);
	assert_int_equal(request.id, 1);
	assert_int_equal(request.type, 7);
	assert_true(slice_is_str(request.body, "q"));
	ipc_message_clear(&request);
}

static void an_error_reply_is_the_error_of_the_call(void **state)
{
	static const uint8_t body[] = {0, 0, 3, 0, 0, 0, 0, 2, 'n', 'o'};
	struct ipc_message m = {.type = 7, .flags = 3, .id = 1, .body = slice_of(body, sizeof body)}, reply;
	struct why why;
	(void)state;

	assert_int_equal(ipc_channel_send(peer, &m, 0, NULL), ERR_OK);
	assert_int_equal(call(1000, &reply, &why), ERR_NOTFOUND);
	assert_string_equal(why.text, "no");
	assert_false(ipc_client_violation(client, &why));
}

static void a_late_reply_is_skipped(void **state)
{
	struct ipc_message reply;
	(void)state;

	assert_int_equal(call(10, &reply, NULL), ERR_TIMEOUT);
	put(7, IPC_FLAG_REPLY, 1, "late");
	put(7, IPC_FLAG_REPLY, 2, "two");
	assert_answer("two");
}

static void assert_broken(const char *expected)
{
	struct ipc_message reply;
	struct why why = {0};

	assert_int_equal(call(1000, &reply, NULL), ERR_UNAVAILABLE);
	assert_true(ipc_client_violation(client, &why));
	assert_non_null(strstr(why.text, expected));
	assert_false(ipc_client_violation(client, &why));
	assert_int_equal(call(1000, &reply, NULL), ERR_UNAVAILABLE);
}

static void a_late_reply_that_comes_twice_breaks_the_protocol(void **state)
{
	struct ipc_message reply;
	(void)state;

	assert_int_equal(call(10, &reply, NULL), ERR_TIMEOUT);
	put(7, IPC_FLAG_REPLY, 1, "late");
	put(7, IPC_FLAG_REPLY, 1, "late");
	assert_broken("id 1 came");
}

static void a_request_from_the_peer_breaks_the_protocol(void **state)
{
	(void)state;
	put(7, 0, 1, "");
	assert_broken("where the reply to 1 belongs");
}

static void a_reply_of_another_type_breaks_the_protocol(void **state)
{
	(void)state;
	put(8, IPC_FLAG_REPLY, 1, "");
	assert_broken("0x0008");
}

static void a_malformed_error_reply_breaks_the_protocol(void **state)
{
	(void)state;
	put(7, IPC_FLAG_REPLY | IPC_FLAG_ERROR, 1, "??");
	assert_broken("input ends");
}

static void a_malformed_frame_breaks_the_protocol(void **state)
{
	(void)state;
	assert_int_equal(send(ipc_channel_fd(peer), "short", 5, 0), 5);
	assert_broken("shorter than its header");
}

static void a_restarted_peer_is_used_from_the_next_call_on(void **state)
{
	struct ipc_message reply;
	struct why why;
	(void)state;

	put(7, IPC_FLAG_REPLY, 1, "one");
	assert_answer("one");
	ipc_channel_freep(&peer);
	assert_int_equal(call(1000, &reply, &why), ERR_UNAVAILABLE);
	assert_int_equal(call(1000, &reply, &why), ERR_UNAVAILABLE);
	assert_non_null(strstr(why.text, "restarted"));
	assert_false(ipc_client_violation(client, &why));
	connect_peer();
	put(7, IPC_FLAG_REPLY, 3, "again"); /* a call without a socket takes no id */
	assert_answer("again");
}

static void a_peer_that_never_answers_is_given_up_until_it_does(void **state)
{
	struct ipc_message reply;
	struct why why;
	(void)state;

	for (int i = 0; i < IPC_CLIENT_UNANSWERED_MAX; i++)
		assert_int_equal(call(0, &reply, NULL), ERR_TIMEOUT);
	assert_int_equal(call(0, &reply, &why), ERR_UNAVAILABLE);
	assert_non_null(strstr(why.text, "64 requests"));
	put(7, IPC_FLAG_REPLY, 20, "late");
	put(7, IPC_FLAG_REPLY, IPC_CLIENT_UNANSWERED_MAX + 1, "at last");
	assert_answer("at last");
}

#define WITH_CLIENT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_CLIENT(a_call_gets_its_reply),
		WITH_CLIENT(an_error_reply_is_the_error_of_the_call),
		WITH_CLIENT(a_late_reply_is_skipped),
		WITH_CLIENT(a_late_reply_that_comes_twice_breaks_the_protocol),
		WITH_CLIENT(a_request_from_the_peer_breaks_the_protocol),
		WITH_CLIENT(a_reply_of_another_type_breaks_the_protocol),
		WITH_CLIENT(a_malformed_error_reply_breaks_the_protocol),
		WITH_CLIENT(a_malformed_frame_breaks_the_protocol),
		WITH_CLIENT(a_restarted_peer_is_used_from_the_next_call_on),
		WITH_CLIENT(a_peer_that_never_answers_is_given_up_until_it_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
