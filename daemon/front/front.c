#include "daemon/front/front.h"

#include <stdlib.h>

#include "crypto/init.h"
#include "daemon/front/service.h"
#include "daemon/front/settings.h"
#include "wire/json.h"

static int front_open(struct role *role, struct why *reterr_why)
{
	struct front_settings settings;
	struct front *f;

	ENSURE(role->listener_fd >= 0, ERR_INTERNAL, reterr_why, "the supervisor gave front no listener");
	TRY(front_settings_take(buf_slice(role->settings), &settings, reterr_why));
	TRY(crypto_open(reterr_why));
	TRY(json_init(reterr_why));
	f = calloc(1, sizeof *f);
	ENSURE(f, ERR_UNAVAILABLE, reterr_why, "out of memory for front");
	role->own = f;
	f->role = role;
	f->worker_count = settings.workers;
	return front_workers_new(settings.workers, &f->workers, reterr_why);
}

static int front_start(struct role *role, struct why *reterr_why)
{
	return front_service_start(role->own, reterr_why);
}

static void front_stop(struct role *role)
{
	front_service_stop(role->own);
	free(take_ptr(role->own));
	role_stopped(role);
}

static void front_reload(struct role *role)
{
	front_service_reload(role->own);
}

static bool front_take_link(struct role *role, const struct control_link *link, int fd)
{
	struct front *f = role->own;

	return f && front_workers_connect(f->workers, link, fd);
}

struct front_workers *front_workers_of(const struct role *role)
{
	return ((const struct front *)role->own)->workers;
}

const struct role_spec front_role = {
	.number = ROLE_FRONT,
	.name = "front",
	.directory = "store",
	.open_files = 16384,
	.syscalls = front_syscalls,
	.open = front_open,
	.start = front_start,
	.stop = front_stop,
	.reload = front_reload,
	.take_link = front_take_link,
};
