#include "daemon/ledger/ledger.h"

#include "base/time.h"
#include "crypto/init.h"
#include "daemon/ledger/handlers.h"

/* While files may be opened; its own directory it may read later too, and does, as its owner and locked up. */
static int ledger_open_hook(struct role *role, struct why *reterr_why)
{
	(void)role;
	return crypto_open(reterr_why);
}

static struct ipc_timer timer;

static void tick(void *arg);

static void set_tick(struct role *role)
{
	ipc_timer_set(role->loop, &timer, time_mono_ms() + LEDGER_TICK_MS, tick, role);
}

static void tick(void *arg)
{
	struct role *role = arg;
	struct why why;
	int err;

	log_service_tick(role->own);
	err = log_service_check(role->own, &why);
	if (err != ERR_OK)
		role_fail(role, err, &why);
	else
		set_tick(role);
}

static int ledger_start(struct role *role, struct why *reterr_why)
{
	const struct log_service_options options = {
		.dir_fd = role->directory_fd,
		.sink = ledger_sink(role),
		.starts = role->starts,
	};
	struct log_service *service;

	TRY(log_service_open(&options, &service, reterr_why));
	role->own = service;
	set_tick(role);
	return ERR_OK;
}

/* The service stays until the process ends: messages may be in hand that have still come. */
static void ledger_stop(struct role *role)
{
	struct why why;
	int err = log_service_close(role->own, &why);

	ipc_timer_clear(role->loop, &timer);
	if (err == ERR_OK)
		role_stopped(role);
	else
		role_fail(role, err, &why);
}

const struct role_spec ledger_role = {
	.number = ROLE_LEDGER,
	.name = "ledger",
	.directory = "ledger",
	.open_files = 256,
	.syscalls = ledger_syscalls,
	.permits = &ledger_permits,
	.permits_count = 1,
	.open = ledger_open_hook,
	.start = ledger_start,
	.stop = ledger_stop,
};
