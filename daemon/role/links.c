#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/role/internal.h"

static void forget(struct role *role, const struct ipc_link *link)
{
	for (size_t i = 0; i < role->link_count; i++) {
		if (role->links[i] != link)
			continue;
		role->links[i] = role->links[--role->link_count];
		return;
	}
}

static void link_ended(void *context, struct ipc_link *link, int err, const struct why *why)
{
	struct role *role = context;

	forget(role, link);
	if (err_class(err) != ERR_UNAVAILABLE)
		role_report_violation(role, ipc_link_peer(link), ipc_link_instance(link), why);
	else
		LOG(LOG_DEBUG, "link.ended", LOG_STR("peer", system_role_name(role->system, ipc_link_peer(link))),
		    LOG_INT("instance", ipc_link_instance(link)));
}

static struct ipc_link *find(const struct role *role, uint16_t peer, uint16_t instance)
{
	for (size_t i = 0; i < role->link_count; i++)
		if (ipc_link_peer(role->links[i]) == peer && ipc_link_instance(role->links[i]) == instance)
			return role->links[i];
	return NULL;
}

int role_links_add(struct role *role, const struct control_link *where, int fd, struct why *reterr_why)
{
	const struct ipc_link_options options = {
		.peer = where->peer,
		.instance = where->instance,
		.tables = role->permits,
		.table_count = role->permits_count,
		.state = &role->state,
		.ended = link_ended,
		.context = role,
	};
	struct ipc_link *old = find(role, where->peer, where->instance);

	if (old) { /* the peer has been restarted, and its new link comes before the end of the old one */
		forget(role, old);
		ipc_link_free(old);
	}
	ENSURE(role->link_count < ROLE_LINKS_MAX, ERR_LIMIT, reterr_why, "more than %d links", ROLE_LINKS_MAX);
	TRY(ipc_link_new(role->loop, fd, &options, &role->links[role->link_count], reterr_why));
	role->link_count++;
	return ERR_OK;
}

void role_links_free(struct role *role)
{
	while (role->link_count)
		ipc_link_free(role->links[--role->link_count]);
}

struct ipc_link *role_link(const struct role *role, enum role_number peer)
{
	return find(role, (uint16_t)peer, 0);
}

void role_report_violation(struct role *role, uint16_t peer, uint16_t instance, const struct why *why)
{
	CLEANUP(buf_freep) struct buf *body = NULL;
	const struct control_violation violation = {peer, instance, *why};

	LOG(LOG_ERROR, "link.violation", LOG_STR("peer", system_role_name(role->system, peer)),
	    LOG_INT("instance", instance), LOG_STR("why", why->text));
	if (!role->control || buf_new(IPC_INLINE_BYTES_MAX, &body, NULL) != ERR_OK ||
	    control_violation_put(body, &violation, NULL) != ERR_OK)
		return;
	(void)!ipc_link_notify(role->control, CONTROL_VIOLATION, buf_slice(body), NULL, 0, NULL);
}
