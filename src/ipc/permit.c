#include "ipc/permit.h"

static const struct ipc_permit *find(const struct ipc_permits *tables, size_t table_count, uint16_t peer,
                                     uint32_t state, uint16_t type)
{
	for (size_t t = 0; t < table_count; t++) {
		for (size_t i = 0; i < tables[t].count; i++) {
			const struct ipc_permit *p = &tables[t].list[i];

			if (p->type == type && (p->peer == peer || p->peer == IPC_PEER_ANY) && p->states & state)
				return p;
		}
	}
	return NULL;
}

int ipc_permit_find(const struct ipc_permits *tables, size_t table_count, uint16_t peer, uint32_t state,
                    const struct ipc_message *message, const struct ipc_permit **ret_permit, struct why *reterr_why)
{
	const struct ipc_permit *p = find(tables, table_count, peer, state, message->type);

	ENSURE(p, ERR_DENIED, reterr_why, "message 0x%04x is not permitted from this peer in state 0x%x", message->type,
	       state);
	ENSURE((p->kind == IPC_NOTICE) == (message->id == 0), ERR_DENIED, reterr_why, "message 0x%04x must be a %s",
	       message->type, p->kind == IPC_NOTICE ? "notice" : "request");
	ENSURE(message->body.len <= p->body_max, ERR_DENIED, reterr_why,
	       "message 0x%04x has a body of %zu bytes; at most %u are accepted", message->type, message->body.len,
	       p->body_max);
	ENSURE(message->fd_count == p->fds, ERR_DENIED, reterr_why,
	       "message 0x%04x brought %zu descriptors where %zu belong", message->type, message->fd_count, p->fds);
	*ret_permit = p;
	return ERR_OK;
}
