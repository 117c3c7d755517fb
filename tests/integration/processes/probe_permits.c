/* The messages that make a role misbehave: its handlers run inside the role, behind its sandbox. */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/time.h"
#include "daemon/front/front.h"
#include "daemon/front/workers.h"
#include "daemon/link/ping.h"
#include "probe.h"

static void answer_u32(struct ipc_reply *reply, uint32_t value)
{
	CLEANUP(buf_freep) struct buf *body = NULL;

	if (buf_new(4, &body, NULL) == ERR_OK && buf_put_u32be(body, value, NULL) == ERR_OK)
		ipc_reply_send(reply, buf_slice(body));
}

static int on_syscall(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	struct cursor c = cursor_of(m->body);
	uint64_t number, args[4];
	long result;
	(void)context;

	TRY(cursor_take_u64be(&c, &number, reterr_why));
	for (size_t i = 0; i < 4; i++)
		TRY(cursor_take_u64be(&c, &args[i], reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	result = syscall((long)number, args[0], args[1], args[2], args[3]);
	TRY(buf_new(8, &body, reterr_why));
	TRY(buf_put_u64be(body, (uint64_t)(result < 0 ? -errno : result), reterr_why));
	ipc_reply_send(reply, buf_slice(body));
	return ERR_OK;
}

static int on_open(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct cursor c = cursor_of(m->body);
	struct slice path;
	char text[512];
	uint32_t flags;
	long fd;
	(void)context;

	TRY(cursor_take_u32be(&c, &flags, reterr_why));
	TRY(cursor_take_lp(&c, sizeof text - 1, &path, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	TRY(slice_to_str(path, text, sizeof text, reterr_why));
	fd = syscall(SYS_openat, AT_FDCWD, text, flags, 0600);
	answer_u32(reply, fd < 0 ? (uint32_t)errno : 0);
	if (fd >= 0)
		close((int)fd);
	return ERR_OK;
}

static void answer_outcome(struct ipc_reply *reply, int err, struct slice bytes)
{
	CLEANUP(buf_freep) struct buf *body = NULL;

	if (buf_new(IPC_INLINE_BYTES_MAX, &body, NULL) == ERR_OK &&
	    buf_put_u32be(body, (uint32_t)-err, NULL) == ERR_OK && buf_put_lp(body, bytes, NULL) == ERR_OK)
		ipc_reply_send(reply, buf_slice(body));
}

static void call_answered(void *arg, int err, struct ipc_message *reply, const struct why *why)
{
	answer_outcome(arg, err, err == ERR_OK ? reply->body : slice_str(why->text));
}

static int on_call(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct role *role = context;
	struct cursor c = cursor_of(m->body);
	struct ipc_link *link;
	uint16_t peer, type;
	struct slice body;
	struct why why;
	int err;

	TRY(cursor_take_u16be(&c, &peer, reterr_why));
	TRY(cursor_take_u16be(&c, &type, reterr_why));
	TRY(cursor_take_lp(&c, 4096, &body, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	link = role_link(role, (enum role_number)peer);
	if (!link) {
		answer_outcome(reply, ERR_NOTFOUND, slice_str("no link"));
		return ERR_OK;
	}
	err = ipc_link_call(link, type, body, time_mono_ms() + 2000, call_answered, reply, &why);
	if (err != ERR_OK)
		answer_outcome(reply, err, slice_str(why.text));
	return ERR_OK;
}

static int on_worker(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct role *role = context;
	struct cursor c = cursor_of(m->body);
	struct ipc_client *client;
	struct ipc_message pong = {0};
	struct why why = {0};
	uint16_t worker, peer;
	int err;

	TRY(cursor_take_u16be(&c, &worker, reterr_why));
	TRY(cursor_take_u16be(&c, &peer, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	client = front_workers_client(front_workers_of(role), worker, (enum role_number)peer);
	ENSURE(client, ERR_INVALID, reterr_why, "no such worker");
	err = ipc_client_call(client, PING, slice_str(""), time_mono_ms() + 2000, &pong, &why);
	answer_outcome(reply, err, err == ERR_OK ? pong.body : slice_str(why.text));
	ipc_message_clear(&pong);
	return ERR_OK;
}

static int on_events(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct cursor c = cursor_of(m->body);
	uint32_t count, accepted = 0;

	TRY(cursor_take_u32be(&c, &count, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	for (uint32_t i = 0; i < count; i++)
		if (role_event(context, EVENT_WARNING, "test.event", "{\"made\":\"by the test\"}", NULL) == ERR_OK)
			accepted++;
	answer_u32(reply, accepted);
	return ERR_OK;
}

static int on_sleep(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct cursor c = cursor_of(m->body);
	uint32_t ms;
	(void)context;

	TRY(cursor_take_u32be(&c, &ms, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	ipc_reply_send(reply, slice_str(""));
	clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
	return ERR_OK;
}

static int on_report(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *reterr_why)
{
	struct cursor c = cursor_of(m->body);
	uint16_t peer;

	TRY(cursor_take_u16be(&c, &peer, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	ipc_reply_send(reply, slice_str(""));
	role_report_violation(context, peer, 0, &(struct why){"made up by the test"});
	return ERR_OK;
}

#define FROM_PROBE(number, handler) \
	{.type = (number), .peer = ROLE_PROBE, .states = ROLE_SERVING, .body_max = 8192, .handle = (handler)}

static const struct ipc_permit list[] = {
	FROM_PROBE(TEST_SYSCALL, on_syscall), FROM_PROBE(TEST_OPEN, on_open),     FROM_PROBE(TEST_CALL, on_call),
	FROM_PROBE(TEST_WORKER, on_worker),   FROM_PROBE(TEST_EVENTS, on_events), FROM_PROBE(TEST_SLEEP, on_sleep),
	FROM_PROBE(TEST_REPORT, on_report),
};
const struct ipc_permits probe_permits = {list, sizeof list / sizeof *list};
