#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/permit.h"

enum { SEALED = 1, RUNNING = 2 };
enum { FRONT = 1, LEDGER = 2, WATCH = 3 };

static int first(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *why)
{
	(void)context, (void)m, (void)reply, (void)why;
	return ERR_OK;
}

static int second(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *why)
{
	(void)context, (void)m, (void)reply, (void)why;
	return ERR_INTERNAL;
}

static const struct ipc_permit own[] = {
	{.type = 10, .peer = FRONT, .states = RUNNING, .kind = IPC_REQUEST, .body_max = 4, .handle = first},
	{.type = 10, .peer = FRONT, .states = SEALED, .kind = IPC_REQUEST, .body_max = 4, .handle = second},
	{.type = 11, .peer = LEDGER, .states = IPC_STATE_ANY, .kind = IPC_NOTICE, .fds = 1, .handle = first},
};
static const struct ipc_permit common[] = {
	{.type = 1, .peer = IPC_PEER_ANY, .states = IPC_STATE_ANY, .kind = IPC_REQUEST, .handle = first},
};
static const struct ipc_permits tables[] = {{own, 3}, {common, 1}};

static int find(uint16_t peer, uint32_t state, const struct ipc_message *m, const struct ipc_permit **permit)
{
	struct why why = {0};
	int err = ipc_permit_find(tables, 2, peer, state, m, permit, &why);

	assert_true(err == ERR_OK || why.text[0]);
	return err;
}

static void the_state_chooses_the_handler(void **state)
{
	const struct ipc_message m = {.type = 10, .id = 1};
	const struct ipc_permit *permit = NULL;
	(void)state;

	assert_int_equal(find(FRONT, RUNNING, &m, &permit), ERR_OK);
	assert_ptr_equal(permit->handle, first);
	assert_int_equal(find(FRONT, SEALED, &m, &permit), ERR_OK);
	assert_ptr_equal(permit->handle, second);
	assert_int_equal(find(FRONT, 4, &m, &permit), ERR_DENIED);
}

static void a_type_is_permitted_from_its_peer_only(void **state)
{
	const struct ipc_permit *permit = NULL;
	(void)state;

	assert_int_equal(find(LEDGER, RUNNING, &(struct ipc_message){.type = 10, .id = 1}, &permit), ERR_DENIED);
	assert_int_equal(find(FRONT, RUNNING, &(struct ipc_message){.type = 12, .id = 1}, &permit), ERR_DENIED);
	for (uint16_t peer = FRONT; peer <= WATCH; peer++)
		assert_int_equal(find(peer, SEALED, &(struct ipc_message){.type = 1, .id = 1}, &permit), ERR_OK);
}

static void a_request_without_id_and_a_notice_with_one_are_refused(void **state)
{
	const struct ipc_permit *permit = NULL;
	(void)state;

	assert_int_equal(find(FRONT, RUNNING, &(struct ipc_message){.type = 10}, &permit), ERR_DENIED);
	assert_int_equal(find(LEDGER, RUNNING, &(struct ipc_message){.type = 11, .id = 1, .fd_count = 1}, &permit),
	                 ERR_DENIED);
	assert_int_equal(find(LEDGER, RUNNING, &(struct ipc_message){.type = 11, .fd_count = 1}, &permit), ERR_OK);
}

static void the_body_and_the_descriptors_are_bounded(void **state)
{
	struct ipc_message m = {.type = 10, .id = 1, .body = slice_str("four")};
	const struct ipc_permit *permit = NULL;
	(void)state;

	assert_int_equal(find(FRONT, RUNNING, &m, &permit), ERR_OK);
	m.body = slice_str("fives");
	assert_int_equal(find(FRONT, RUNNING, &m, &permit), ERR_DENIED);
	m.body = slice_str("");
	m.fd_count = 1;
	assert_int_equal(find(FRONT, RUNNING, &m, &permit), ERR_DENIED);
	assert_int_equal(find(LEDGER, RUNNING, &(struct ipc_message){.type = 11}, &permit), ERR_DENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_state_chooses_the_handler),
		cmocka_unit_test(a_type_is_permitted_from_its_peer_only),
		cmocka_unit_test(a_request_without_id_and_a_notice_with_one_are_refused),
		cmocka_unit_test(the_body_and_the_descriptors_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
