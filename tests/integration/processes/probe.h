/* probe.h: what the tests add to cloisterd: a role with a link to every other, which hands those links to the test's
 * driver, and messages that make a role try what it must not be able to do. Never in the shipped program. */
#pragma once
#include "daemon/role/role.h"

#define ROLE_PROBE ((enum role_number)ROLE_NUMBER_MAX)

enum test_type {
	TEST_SYSCALL = 0xf001, /* u64 number, 4 x u64 argument; reply u64: the result, or negated errno */
	TEST_OPEN = 0xf002,    /* u32 flags, lp path; reply u32: errno, 0 if it opened */
	TEST_CALL = 0xf003,    /* u16 peer, u16 type, lp body; reply u32 negated error, lp reply or sentence */
	TEST_WORKER = 0xf004,  /* front: u16 worker, u16 peer: PING by the worker's client; reply as TEST_CALL */
	TEST_EVENTS = 0xf005,  /* u32 count: so many events; reply u32: how many were accepted */
	TEST_SLEEP = 0xf006,   /* u32 milliseconds, without serving anything; empty reply, sent before */
	TEST_REPORT = 0xf007,  /* u16 role: reports it to the supervisor; empty reply, sent before */
};

extern const struct role_spec probe_role;
extern const struct ipc_permits probe_permits;
