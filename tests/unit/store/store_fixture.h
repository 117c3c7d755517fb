/* store_fixture.h: a fresh directory per test, removed afterwards. */
#pragma once
#include "base/slice.h"

struct fixture {
	char path[64];
	int dir_fd;
};

/* cmocka set-up and tear-down: *state is a struct fixture *. */
int fixture_open(void **state);
int fixture_close(void **state);
