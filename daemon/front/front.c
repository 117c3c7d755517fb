#include "daemon/front/front.h"

#include "daemon/front/settings.h"
#include "daemon/front/workers.h"

static int front_open(struct role *role, struct why *reterr_why)
{
	struct front_settings settings;
	struct front_workers *workers;

	ENSURE(role->listener_fd >= 0, ERR_INTERNAL, reterr_why, "the supervisor gave front no listener");
	TRY(front_settings_take(buf_slice(role->settings), &settings, reterr_why));
	TRY(front_workers_new(settings.workers, &workers, reterr_why));
	role->own = workers;
	return ERR_OK;
}

static bool front_take_link(struct role *role, const struct control_link *link, int fd)
{
	return front_workers_connect(role->own, link, fd);
}

const struct role_spec front_role = {
	.number = ROLE_FRONT,
	.name = "front",
	.directory = "store",
	.open_files = 16384,
	.syscalls = front_syscalls,
	.open = front_open,
	.take_link = front_take_link,
};
