#include "daemon/watch/producers.h"

bool watch_producers_note(struct watch_producers *p, uint16_t role, uint32_t starts, uint64_t seq, uint64_t *ret_lost)
{
	struct watch_producer *producer = &p->by_role[role];

	*ret_lost = 0;
	if (starts < producer->counts.starts || (starts == producer->counts.starts && seq <= producer->last_seq))
		return false;
	if (starts == producer->counts.starts)
		*ret_lost = seq - producer->last_seq - 1;
	else if (producer->counts.starts != 0) /* seen before, so this watch has to see the new start from its first */
		*ret_lost = seq - 1;
	producer->counts.starts = starts;
	producer->counts.lost += *ret_lost;
	producer->counts.received++;
	producer->last_seq = seq;
	return true;
}
