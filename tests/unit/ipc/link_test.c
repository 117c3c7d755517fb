#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/time.h"
#include "ipc/channel.h"
#include "ipc/link.h"

enum {
	ECHO = 10,
	LATER = 11,
	REFUSE = 12,
	STRICT = 13,
	NOTE = 14,
	HANG_UP = 15,
	BIG = 16,
	GIVE = 17,
	NEVER_PERMITTED = 99
};
enum { RUNNING = 1 };

/* Two links in one process: `server` answers, `client` calls. Where a test needs a peer that keeps no rules, `client`
 * is replaced by its bare socket. */
static struct {
	struct ipc_loop *loop;
	struct ipc_link *server, *client;
	int raw;
	uint32_t state;
	struct ipc_reply *later[300];
	size_t later_count;
	int notes;
	int server_end, client_end; /* the code that `ended` told; 1: it was not called */
	struct why server_why;
	int answers, answer_err;
	char answer[64]; /* or the beginning of the error sentence */
} t;

static int echo(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *why)
{
	(void)context, (void)why;
	ipc_reply_send(reply, m->body);
	return ERR_OK;
}

static int later(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *why)
{
	(void)context, (void)m, (void)why;
	t.later[t.later_count++] = reply;
	return ERR_OK;
}

static int refuse(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *why)
{
	(void)context, (void)m, (void)why;
	ipc_reply_error(reply, ERR_NOTFOUND, &(struct why){"no such key"});
	return ERR_OK;
}

static int strict(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct cursor c = cursor_of(m->body);
	uint16_t value;
	(void)context;

	TRY(cursor_take_u16be(&c, &value, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	ipc_reply_send(reply, slice_str("ok"));
	return ERR_OK;
}

static int note(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *why)
{
	(void)context, (void)m, (void)why;
	assert_null(reply);
	t.notes++;
	return ERR_OK;
}

/* Ends its own link while its message is being handled. */
static int hang_up(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *why)
{
	(void)context, (void)why;
	ipc_link_free(take_ptr(t.server));
	assert_true(slice_is_str(m->body, "still here"));
	ipc_reply_send(reply, slice_str("nobody hears this"));
	return ERR_OK;
}

static int big(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *why)
{
	void *bytes = calloc(1, IPC_BODY_BYTES_MAX + 1);
	(void)context, (void)m, (void)why;

	ipc_reply_send(reply, slice_of(bytes, IPC_BODY_BYTES_MAX + 1));
	free(bytes);
	return ERR_OK;
}

static int give(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *why)
{
	int pipes[2];
	(void)context, (void)m, (void)why;

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(write(pipes[1], "gift", 4), 4);
	ipc_reply_send_fd(reply, slice_str("here"), pipes[0]);
	close(pipes[0]); /* the receiver has its own */
	close(pipes[1]);
	return ERR_OK;
}

static const struct ipc_permit list[] = {
	{.type = ECHO, .peer = 5, .states = RUNNING, .body_max = IPC_BODY_BYTES_MAX, .handle = echo},
	{.type = LATER, .peer = 5, .states = RUNNING, .handle = later},
	{.type = REFUSE, .peer = 5, .states = RUNNING, .handle = refuse},
	{.type = STRICT, .peer = 5, .states = RUNNING, .body_max = 64, .handle = strict},
	{.type = NOTE, .peer = 5, .states = RUNNING, .kind = IPC_NOTICE, .body_max = 65536, .handle = note},
	{.type = HANG_UP, .peer = 5, .states = RUNNING, .body_max = 64, .handle = hang_up},
	{.type = BIG, .peer = 5, .states = RUNNING, .handle = big},
	{.type = GIVE, .peer = 5, .states = RUNNING, .handle = give},
};
static const struct ipc_permits permits = {list, sizeof list / sizeof *list};

static void server_ended(void *context, struct ipc_link *link, int err, const struct why *why)
{
	(void)context;
	assert_ptr_equal(link, t.server);
	t.server = NULL;
	t.server_end = err;
	t.server_why = *why;
}

static void client_ended(void *context, struct ipc_link *link, int err, const struct why *why)
{
	(void)context, (void)why;
	assert_ptr_equal(link, t.client);
	t.client = NULL;
	t.client_end = err;
}

static int set_up(void **state)
{
	struct ipc_link_options server = {.peer = 5, .tables = &permits, .table_count = 1, .ended = server_ended};
	struct ipc_link_options client = {.peer = 6, .instance = 3, .ended = client_ended};
	int one, other;
	(void)state;

	memset(&t, 0, sizeof t);
	t.raw = -1;
	t.state = RUNNING;
	t.server_end = t.client_end = 1;
	server.state = client.state = &t.state;
	assert_int_equal(ipc_loop_new(&t.loop, NULL), ERR_OK);
	assert_int_equal(ipc_channel_pair(&one, &other, NULL), ERR_OK);
	assert_int_equal(ipc_link_new(t.loop, one, &server, &t.server, NULL), ERR_OK);
	assert_int_equal(ipc_link_new(t.loop, other, &client, &t.client, NULL), ERR_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ipc_link_free(t.client);
	ipc_link_free(t.server);
	fd_closep(&t.raw);
	ipc_loop_free(t.loop);
	return 0;
}

static void use_raw_peer(void)
{
	struct ipc_link_options server = {
		.peer = 5, .tables = &permits, .table_count = 1, .state = &t.state, .ended = server_ended};
	int one;

	ipc_link_free(take_ptr(t.client));
	ipc_link_free(take_ptr(t.server));
	assert_int_equal(ipc_channel_pair(&one, &t.raw, NULL), ERR_OK);
	assert_int_equal(ipc_link_new(t.loop, one, &server, &t.server, NULL), ERR_OK);
}

static void put_raw(uint16_t type, uint16_t flags, uint32_t id)
{
	uint8_t bytes[IPC_HEADER_BYTES];

	ipc_header_encode(&(struct ipc_header){.type = type, .flags = flags, .id = id}, bytes);
	assert_int_equal(send(t.raw, bytes, sizeof bytes, MSG_NOSIGNAL), sizeof bytes);
}

static void answered(void *arg, int err, struct ipc_message *reply, const struct why *why)
{
	(void)arg;
	t.answers++;
	t.answer_err = err;
	if (err == ERR_OK)
		(void)!slice_to_str(reply->body, t.answer, sizeof t.answer, NULL);
	else
		memcpy(t.answer, why->text, sizeof t.answer - 1);
	assert_true((err == ERR_OK) == (reply != NULL));
}

static int call(uint16_t type, struct slice body, uint64_t in_ms)
{
	return ipc_link_call(t.client, type, body, time_mono_ms() + in_ms, answered, NULL, NULL);
}

static void turn(void)
{
	for (int i = 0; i < 20; i++)
		assert_int_equal(ipc_loop_step(t.loop, 0, NULL), ERR_OK);
}

static void a_call_is_answered(void **state)
{
	(void)state;
	assert_int_equal(call(ECHO, slice_str("hello"), 1000), ERR_OK);
	assert_int_equal(t.answers, 0);
	turn();
	assert_int_equal(t.answers, 1);
	assert_int_equal(t.answer_err, ERR_OK);
	assert_string_equal(t.answer, "hello");
	assert_int_equal(ipc_link_peer(t.client), 6);
	assert_int_equal(ipc_link_instance(t.client), 3);
}

static void answers_may_come_late_and_in_any_order(void **state)
{
	(void)state;
	assert_int_equal(call(LATER, slice_str(""), 1000), ERR_OK);
	assert_int_equal(call(LATER, slice_str(""), 1000), ERR_OK);
	turn();
	assert_int_equal(t.later_count, 2);
	ipc_reply_send(t.later[1], slice_str("second"));
	turn();
	assert_string_equal(t.answer, "second");
	ipc_reply_send(t.later[0], slice_str("first"));
	turn();
	assert_string_equal(t.answer, "first");
	assert_int_equal(t.answers, 2);
}

static void an_operation_that_fails_is_an_error_of_the_call_and_not_of_the_link(void **state)
{
	(void)state;
	assert_int_equal(call(REFUSE, slice_str(""), 1000), ERR_OK);
	turn();
	assert_int_equal(t.answer_err, ERR_NOTFOUND);
	assert_string_equal(t.answer, "no such key");
	assert_int_equal(t.server_end, 1);
}

static void an_answer_that_cannot_be_sent_becomes_an_error(void **state)
{
	(void)state;
	assert_int_equal(call(BIG, slice_str(""), 1000), ERR_OK);
	turn();
	assert_int_equal(t.answer_err, ERR_LIMIT);
	assert_int_equal(t.server_end, 1);
}

static void a_short_or_trailing_body_ends_the_link(void **state)
{
	(void)state;
	assert_int_equal(call(STRICT, slice_str("ab"), 1000), ERR_OK);
	turn();
	assert_string_equal(t.answer, "ok");
	assert_int_equal(call(STRICT, slice_str("abc"), 1000), ERR_OK);
	turn();
	assert_int_equal(t.server_end, ERR_INVALID);
	assert_non_null(strstr(t.server_why.text, "1 bytes too many"));
	assert_int_equal(t.answer_err, ERR_UNAVAILABLE);
	assert_int_equal(t.client_end, ERR_CLOSED);
}

static void an_unpermitted_message_ends_the_link(void **state)
{
	(void)state;
	assert_int_equal(call(NEVER_PERMITTED, slice_str(""), 1000), ERR_OK);
	turn();
	assert_int_equal(t.server_end, ERR_DENIED);
	assert_non_null(strstr(t.server_why.text, "0x0063"));
	assert_int_equal(t.answer_err, ERR_UNAVAILABLE);
}

static void a_state_that_does_not_permit_a_message_ends_the_link(void **state)
{
	(void)state;
	t.state = 2;
	assert_int_equal(call(ECHO, slice_str(""), 1000), ERR_OK);
	turn();
	assert_int_equal(t.server_end, ERR_DENIED);
}

static void a_reply_that_nobody_asked_for_ends_the_link(void **state)
{
	(void)state;
	use_raw_peer();
	put_raw(ECHO, IPC_FLAG_REPLY, 1);
	turn();
	assert_int_equal(t.server_end, ERR_INVALID);
}

static void a_reply_of_another_type_ends_the_link(void **state)
{
	(void)state;
	use_raw_peer();
	assert_int_equal(ipc_link_call(t.server, ECHO, slice_str(""), time_mono_ms() + 1000, answered, NULL, NULL),
	                 ERR_OK);
	put_raw(LATER, IPC_FLAG_REPLY, 1);
	turn();
	assert_int_equal(t.server_end, ERR_INVALID);
	assert_int_equal(t.answer_err, ERR_UNAVAILABLE);
}

static void an_id_that_is_in_use_ends_the_link(void **state)
{
	(void)state;
	use_raw_peer();
	put_raw(LATER, 0, 8);
	put_raw(LATER, 0, 8);
	turn();
	assert_int_equal(t.server_end, ERR_INVALID);
	ipc_reply_send(t.later[0], slice_str(""));
}

static void more_open_requests_than_the_limit_end_the_link(void **state)
{
	(void)state;
	use_raw_peer();
	for (uint32_t id = 1; id <= IPC_LINK_CALLS_MAX; id++) {
		put_raw(LATER, 0, id);
		turn();
	}
	assert_int_equal(t.server_end, 1);
	put_raw(LATER, 0, IPC_LINK_CALLS_MAX + 1);
	turn();
	assert_int_equal(t.server_end, ERR_LIMIT);
	for (size_t i = 0; i < t.later_count; i++)
		ipc_reply_send(t.later[i], slice_str(""));
}

static void a_call_that_times_out_leaves_the_link_in_order(void **state)
{
	(void)state;
	assert_int_equal(call(LATER, slice_str(""), 20), ERR_OK);
	usleep(30000);
	turn();
	assert_int_equal(t.answer_err, ERR_TIMEOUT);
	ipc_reply_send(t.later[0], slice_str("too late"));
	turn();
	assert_int_equal(t.answers, 1);
	assert_int_equal(t.client_end, 1);
	assert_int_equal(call(ECHO, slice_str("on"), 1000), ERR_OK);
	turn();
	assert_string_equal(t.answer, "on");
}

static void calls_that_time_out_count_until_they_are_answered(void **state)
{
	(void)state;
	for (int i = 0; i < IPC_LINK_CALLS_MAX; i++)
		assert_int_equal(call(LATER, slice_str(""), 0), ERR_OK);
	assert_int_equal(call(LATER, slice_str(""), 0), ERR_LIMIT);
	for (int i = 0; i < 20; i++)
		turn();
	assert_int_equal(t.answers, IPC_LINK_CALLS_MAX);
	assert_int_equal(call(LATER, slice_str(""), 0), ERR_LIMIT);
	ipc_reply_send(t.later[0], slice_str(""));
	turn();
	assert_int_equal(call(LATER, slice_str(""), 0), ERR_OK);
	for (size_t i = 1; i < t.later_count; i++)
		ipc_reply_send(t.later[i], slice_str(""));
}

static void a_peer_that_does_not_read_fills_the_queue_and_loses_nothing(void **state)
{
	static uint8_t body[4096];
	int sent = 0, err;
	(void)state;

	while ((err = ipc_link_notify(t.client, NOTE, slice_of(body, sizeof body), NULL, 0, NULL)) == ERR_OK)
		sent++;
	assert_int_equal(err, ERR_LIMIT);
	assert_true(sent > IPC_LINK_QUEUE_MAX);
	assert_int_equal(t.notes, 0);
	for (int i = 0; i < 1000 && t.notes < sent; i++)
		turn();
	assert_int_equal(t.notes, sent);
	assert_int_equal(ipc_link_notify(t.client, NOTE, slice_of(body, 1), NULL, 0, NULL), ERR_OK);
	turn();
	assert_int_equal(t.notes, sent + 1);
}

static void replies_queue_while_the_peer_does_not_read(void **state)
{
	static uint8_t body[32 * 1024], got[65536 + IPC_HEADER_BYTES];
	int replies = 0;
	(void)state;

	use_raw_peer();
	for (uint32_t id = 1; id <= 200; id++) {
		put_raw(LATER, 0, id);
		turn();
	}
	for (size_t i = 0; i < 200; i++)
		ipc_reply_send(t.later[i], slice_of(body, sizeof body));
	for (int i = 0; i < 200; i++) {
		while (recv(t.raw, got, sizeof got, MSG_DONTWAIT) > 0)
			replies++;
		turn();
	}
	assert_int_equal(replies, 200);
	assert_int_equal(t.server_end, 1);
}

static void a_handler_may_end_its_own_link(void **state)
{
	(void)state;
	assert_int_equal(call(HANG_UP, slice_str("still here"), 1000), ERR_OK);
	assert_int_equal(call(ECHO, slice_str("unread"), 1000), ERR_OK);
	turn();
	assert_int_equal(t.server_end, 1); /* who ends a link himself is not told */
	assert_int_equal(t.answers, 2);
	assert_int_equal(t.answer_err, ERR_UNAVAILABLE);
}

static void a_peer_that_goes_fails_open_calls_and_owed_replies_go_nowhere(void **state)
{
	(void)state;
	assert_int_equal(call(LATER, slice_str(""), 100000), ERR_OK);
	turn();
	ipc_link_free(take_ptr(t.client));
	assert_int_equal(t.answer_err, ERR_UNAVAILABLE);
	turn();
	assert_int_equal(t.server_end, ERR_CLOSED);
	ipc_reply_send(t.later[0], slice_str("to nobody"));
}

static void take_gift(void *arg, int err, struct ipc_message *reply, const struct why *why)
{
	(void)why;
	assert_int_equal(err, ERR_OK);
	assert_int_equal(reply->fd_count, 1);
	*(int *)arg = take_fd(reply->fds[0]);
}

static void a_reply_may_bring_a_descriptor(void **state)
{
	char text[4];
	int fd = -1;
	(void)state;

	assert_int_equal(ipc_link_call(t.client, GIVE, slice_str(""), time_mono_ms() + 1000, take_gift, &fd, NULL),
	                 ERR_OK);
	turn();
	assert_int_equal(read(fd, text, sizeof text), 4);
	assert_memory_equal(text, "gift", 4);
	close(fd);
}

static void a_descriptor_survives_the_queue_though_its_owner_closed_it(void **state)
{
	enum { REPLIES = 20 }; /* of 32 KiB: more than a socket takes */
	static uint8_t body[32 * 1024];
	struct ipc_channel *channel;
	struct ipc_message m;
	int fd = dup(0);
	(void)state;

	use_raw_peer();
	for (uint32_t id = 1; id <= REPLIES; id++)
		put_raw(LATER, 0, id);
	for (int i = 0; i < 5; i++)
		turn();
	for (size_t i = 0; i < REPLIES - 1; i++)
		ipc_reply_send(t.later[i], slice_of(body, sizeof body));
	ipc_reply_send_fd(t.later[REPLIES - 1], slice_str(""), fd);
	close(fd);
	assert_int_equal(ipc_channel_new(take_fd(t.raw), &channel, NULL), ERR_OK);
	for (uint32_t id = 1; id <= REPLIES; id++) {
		turn();
		assert_int_equal(ipc_channel_receive(channel, 0, &m, NULL), ERR_OK);
		assert_int_equal(m.id, id);
		assert_int_equal(m.fd_count, id == REPLIES ? 1 : 0);
		ipc_message_clear(&m);
	}
	ipc_channel_free(channel);
}

static void a_large_body_goes_both_ways(void **state)
{
	uint8_t *body = calloc(1, IPC_BODY_BYTES_MAX);
	(void)state;

	assert_int_equal(call(ECHO, slice_of(body, IPC_BODY_BYTES_MAX), 10000), ERR_OK);
	free(body);
	turn();
	assert_int_equal(t.answers, 1);
	assert_int_equal(t.answer_err, ERR_OK);
}

#define WITH_LINKS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* One link must not keep the loop from the others. */
static void one_turn_takes_a_burst_of_messages_and_no_more(void **state)
{
	(void)state;
	for (int i = 0; i < 2 * IPC_LINK_BURST + 1; i++)
		assert_int_equal(ipc_link_notify(t.client, NOTE, slice_str(""), NULL, 0, NULL), ERR_OK);
	for (int turns = 0; t.notes == 0; turns++) { /* the first may only be for sending */
		assert_true(turns < 10);
		assert_int_equal(ipc_loop_step(t.loop, 1000, NULL), ERR_OK);
	}
	assert_int_equal(t.notes, IPC_LINK_BURST);
	while (t.notes < 2 * IPC_LINK_BURST + 1)
		assert_int_equal(ipc_loop_step(t.loop, 1000, NULL), ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LINKS(a_call_is_answered),
		WITH_LINKS(answers_may_come_late_and_in_any_order),
		WITH_LINKS(an_operation_that_fails_is_an_error_of_the_call_and_not_of_the_link),
		WITH_LINKS(an_answer_that_cannot_be_sent_becomes_an_error),
		WITH_LINKS(a_short_or_trailing_body_ends_the_link),
		WITH_LINKS(an_unpermitted_message_ends_the_link),
		WITH_LINKS(a_state_that_does_not_permit_a_message_ends_the_link),
		WITH_LINKS(a_reply_that_nobody_asked_for_ends_the_link),
		WITH_LINKS(a_reply_of_another_type_ends_the_link),
		WITH_LINKS(an_id_that_is_in_use_ends_the_link),
		WITH_LINKS(more_open_requests_than_the_limit_end_the_link),
		WITH_LINKS(a_call_that_times_out_leaves_the_link_in_order),
		WITH_LINKS(calls_that_time_out_count_until_they_are_answered),
		WITH_LINKS(a_peer_that_does_not_read_fills_the_queue_and_loses_nothing),
		WITH_LINKS(replies_queue_while_the_peer_does_not_read),
		WITH_LINKS(a_handler_may_end_its_own_link),
		WITH_LINKS(a_peer_that_goes_fails_open_calls_and_owed_replies_go_nowhere),
		WITH_LINKS(a_reply_may_bring_a_descriptor),
		WITH_LINKS(a_descriptor_survives_the_queue_though_its_owner_closed_it),
		WITH_LINKS(a_large_body_goes_both_ways),
		WITH_LINKS(one_turn_takes_a_burst_of_messages_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
