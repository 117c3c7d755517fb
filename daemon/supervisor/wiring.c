#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "daemon/link/control.h"
#include "daemon/supervisor/internal.h"
#include "ipc/channel.h"

static int tell_link(struct child *c, const struct child *peer, uint16_t instance, int fd, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	const struct control_link link = {(uint16_t)peer->spec->number, instance};

	TRY(buf_new(64, &body, reterr_why));
	TRY(control_link_put(body, &link, reterr_why));
	child_tell(c, CONTROL_LINK, buf_slice(body), &fd, 1);
	return ERR_OK;
}

static int connect_pair(struct child *one, struct child *other, uint16_t instance, struct why *reterr_why)
{
	CLEANUP(fd_closep) int a = -1;
	CLEANUP(fd_closep) int b = -1;

	TRY(ipc_channel_pair(&a, &b, reterr_why));
	TRY(tell_link(one, other, instance, a, reterr_why));
	return tell_link(other, one, instance, b, reterr_why);
}

void wiring_connect(struct child *c)
{
	struct supervisor *s = c->supervisor;
	const struct system *system = s->system;

	for (size_t i = 0; i < system->link_count; i++) {
		const struct link_spec *link = &system->links[i];
		struct child *one = supervisor_child(s, (uint16_t)link->one);
		struct child *other = supervisor_child(s, (uint16_t)link->other);
		uint16_t last = link->is_per_worker ? s->config->front_workers : 0;
		struct why why;
		int err = ERR_OK;

		if ((one != c && other != c) || !one || !other || one->phase == CHILD_DOWN ||
		    other->phase == CHILD_DOWN)
			continue;
		for (uint16_t instance = 0; err == ERR_OK && instance <= last; instance++)
			err = connect_pair(one, other, instance, &why);
		if (err != ERR_OK) { /* no descriptors left: the next start may find some */
			LOG(LOG_ERROR, "link.failed", LOG_STR("role", c->spec->name), LOG_STR("why", why.text));
			process_kill(&c->process);
			return;
		}
	}
}
